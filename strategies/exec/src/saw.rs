//! What a strategy had before it when it emitted a signal, as a checksum that anyone can compute again.
//!
//! Computed on the engine's thread for each signal, once: 20 levels are 320 bytes, which a checksum by
//! hardware passes in well under a tenth of a microsecond. Allocates nothing.

use paperwire_core::book::DepthBook;
use paperwire_core::checksum::CHECKED_LEVELS;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::time::DurationNs;

/// What the call that emitted a signal saw, and how long it took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Saw {
    /// [`book_digest`] of the signal's symbol; `None` when its book was not live.
    pub book: Option<u32>,
    /// Time of the call. It is measured, so that no digest has it.
    pub took: DurationNs,
}

impl Saw {
    /// What there is to see of `symbol` now, which may be one that no instrument has.
    pub fn of(view: &MarketView<'_>, symbol: SymbolId, took: DurationNs) -> Self {
        let is_known = symbol.index() < view.symbols().len();
        let book = is_known.then(|| view.symbol(symbol).book()).flatten();
        Self { book: book.map(book_digest), took }
    }
}

const LEVEL_BYTES: usize = 16;

/// CRC-32 (IEEE) of the ten best asks and then of the ten best bids, best first: of each level its price
/// and its quantity, as little-endian 64-bit integers in units of the pair's precisions. These are the
/// levels that the exchange's own checksum covers.
pub fn book_digest(book: &DepthBook) -> u32 {
    let mut bytes = [0; 2 * CHECKED_LEVELS * LEVEL_BYTES];
    let best = |levels: &'_ [_]| levels.len().min(CHECKED_LEVELS);
    let asks = &book.asks()[..best(book.asks())];
    let bids = &book.bids()[..best(book.bids())];
    let mut places = bytes.chunks_exact_mut(LEVEL_BYTES);
    for (level, place) in asks.iter().chain(bids).zip(&mut places) {
        place[..8].copy_from_slice(&level.px.raw().to_le_bytes());
        place[8..].copy_from_slice(&level.qty.raw().to_le_bytes());
    }
    crc32fast::hash(&bytes[..(asks.len() + bids.len()) * LEVEL_BYTES])
}

#[cfg(test)]
mod tests {
    use paperwire_core::book::Level;
    use paperwire_core::ladder::BookSide;
    use paperwire_core::num::{Px, Qty};

    use super::*;

    /// The value is what Python's `zlib.crc32(struct.pack("<6q", 101, 5, 99, 7, 98, 8))` gives.
    #[test]
    fn the_digest_of_a_book_is_that_of_any_other_program() {
        let mut book = DepthBook::new(25);
        for (side, px, qty) in
            [(BookSide::Ask, 101, 5), (BookSide::Bid, 98, 8), (BookSide::Bid, 99, 7)]
        {
            book.set(side, Level { px: Px::new(px), qty: Qty::new(qty) });
        }
        assert_eq!(book_digest(&book), 0x2b94_5683);
    }

    #[test]
    fn levels_below_the_tenth_do_not_count() {
        let mut book = DepthBook::new(25);
        for px in 1..=10 {
            book.set(BookSide::Bid, Level { px: Px::new(100 - px), qty: Qty::new(1) });
        }
        let before = book_digest(&book);
        book.set(BookSide::Bid, Level { px: Px::new(50), qty: Qty::new(1) });
        assert_eq!(book_digest(&book), before);
        book.set(BookSide::Bid, Level { px: Px::new(99), qty: Qty::new(2) });
        assert_ne!(book_digest(&book), before);
    }
}
