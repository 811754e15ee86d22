//! One book message: decoded, applied, verified; ours and the general readers in turn, so that the
//! machine's moods strike all. `taskset -c 1 cargo run --release -p paperwire-benches --example frame`.
#![expect(clippy::print_stdout, reason = "a command that prints its result")]

use paperwire_benches::{Ours, frames, rivals};
use paperwire_core::time::HostNs;
use paperwire_rt::alloc_guard::{self, GuardedAlloc};
use paperwire_rt::clock::HostClock;

#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;

/// One run through the session each; the first of them warms up.
const ROUNDS: usize = 301;

/// Reads one frame; true when it was right.
type Body<'a> = Box<dyn FnMut(&[u8]) -> bool + 'a>;

/// Times of whole sessions, and what the last of them allocated and freed.
struct Way<'a> {
    name: &'static str,
    body: Body<'a>,
    times: Vec<u64>,
    allocs: u64,
}

impl<'a> Way<'a> {
    fn new(name: &'static str, body: impl FnMut(&[u8]) -> bool + 'a) -> Self {
        Self { name, body: Box::new(body), times: Vec::with_capacity(ROUNDS), allocs: 0 }
    }

    fn round(&mut self, frames: &[Vec<u8>], now: impl Fn() -> HostNs) {
        let start = now();
        let (good, allocs) =
            alloc_guard::count(|| frames.iter().filter(|frame| (self.body)(frame)).count());
        self.times.push(now().since(start).raw());
        self.allocs = allocs;
        assert_eq!(good, frames.len(), "every frame verifies");
    }
}

fn main() {
    let set = frames::load(2_000);
    let clock = HostClock::new();
    let mut reader = Ours::new(&set.instrument, set.depth);
    let mut ours = Ours::new(&set.instrument, set.depth);
    let mut simd = rivals::SimdJson::new(&set.instrument, set.depth);
    let mut serde = rivals::SerdeJson::new(&set.instrument, set.depth);
    let mut ways = [
        Way::new("decode", |frame| reader.decode(frame) != usize::MAX),
        Way::new("decode + apply + checksum", |frame| ours.verify(frame)),
        Way::new("the same by simd-json", |frame| simd.verify(frame)),
        Way::new("the same by serde_json", |frame| serde.verify(frame)),
    ];
    for _ in 0..ROUNDS {
        for way in &mut ways {
            way.round(&set.books, || clock.now());
        }
    }
    let len = u64::try_from(set.books.len()).expect("a small number");
    let kind = if set.is_real { "captured" } else { "made-up" };
    println!("{len} {kind} frames, {ROUNDS} rounds; nanoseconds a frame");
    println!("{:<28}{:>8}{:>8}{:>18}", "", "median", "best", "allocs and frees");
    for way in &mut ways {
        way.times.sort_unstable();
        let (median, best) = (way.times[ROUNDS / 2] / len, way.times[0] / len);
        println!("{:<28}{median:>8}{best:>8}{:>18}", way.name, way.allocs / len);
    }
}
