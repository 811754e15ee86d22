//! Bodies of the benchmarks: functions of a size, so that a test can run each once with a tiny one.

pub mod cases;
pub mod fill;
pub mod frames;
pub mod indicators;
pub mod meter;
pub mod ring;
pub mod rivals;
pub mod session;
pub mod walk;

use paperwire_core::book::L2Book;
use paperwire_core::instrument::Instrument;
use paperwire_feed::wire::hot::{self, Frame, Scratch};
use paperwire_feed::wire::symbols::SymbolTable;

/// Our own path: one pass over the bytes, apply, checksum.
#[derive(Debug)]
pub struct Ours {
    symbols: SymbolTable,
    scratch: Scratch,
    book: L2Book,
}

impl Ours {
    /// For frames of this instrument at this depth.
    pub fn new(of: &Instrument, depth: usize) -> Self {
        Self {
            symbols: SymbolTable::new(&[*of]),
            scratch: Scratch::new(),
            book: L2Book::new(depth),
        }
    }

    /// Decodes only; returns the number of levels.
    pub fn decode(&mut self, frame: &[u8]) -> usize {
        match hot::decode(frame, &self.symbols, &mut self.scratch) {
            Ok(_) => self.scratch.levels.len(),
            Err(_) => usize::MAX,
        }
    }

    /// Decodes, applies and verifies; true for a verified book.
    pub fn verify(&mut self, frame: &[u8]) -> bool {
        let Ok(Frame::Book(head)) = hot::decode(frame, &self.symbols, &mut self.scratch) else {
            return false;
        };
        if head.is_snapshot {
            self.book.clear();
        }
        self.book.apply(&self.scratch.levels, head.checksum).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use paperwire_rt::alloc_guard::GuardedAlloc;

    use super::*;

    /// Counts what the indicators allocate while they run.
    #[global_allocator]
    static ALLOC: GuardedAlloc = GuardedAlloc;

    #[test]
    fn every_indicator_answers_and_allocates_nothing() {
        let series = walk::Series::new(800);
        for (name, body) in indicators::PER_BAR.iter().chain(indicators::PER_TRADE) {
            let run = body(&series);
            assert!(run.answers > 0, "{name} has never a value");
            assert!(run.sum.is_finite(), "{name}");
            assert_eq!(run.allocs, 0, "{name}");
        }
    }

    #[test]
    fn every_case_does_something() {
        let cases = cases::all();
        for case in &cases {
            assert!(case.run(70, |work| work()) > 0, "{} does nothing", case.name);
        }
        for (index, case) in cases.iter().enumerate() {
            let is_same = |of: &cases::Case| (of.group, &of.name) == (case.group, &case.name);
            assert!(!cases[..index].iter().any(is_same), "{} twice", case.name);
        }
    }

    #[test]
    fn every_way_verifies_every_book() {
        let set = frames::load(500);
        let mut ours = Ours::new(&set.instrument, set.depth);
        let mut simd = rivals::SimdJson::new(&set.instrument, set.depth);
        let mut serde = rivals::SerdeJson::new(&set.instrument, set.depth);
        for frame in &set.books {
            assert!(ours.verify(frame));
            assert!(simd.verify(frame));
            assert!(serde.verify(frame));
            assert_ne!(ours.decode(frame), usize::MAX);
        }
        assert!(set.books.len() >= 100);
    }

    #[test]
    fn every_ring_delivers() {
        assert_eq!(ring::through_ours(1_000), ring::through_bare(1_000));
        let (mut here, mut there) = ring::ours();
        std::thread::scope(|scope| {
            scope.spawn(move || ring::echo(&mut there, 100));
            ring::round_trips(&mut here, 100);
        });
    }
}
