//! Books: the feed's verified `L2Book`, with the wire's digits cached, and the engine's plain
//! `DepthBook`, which holds what strategies may see.

use crate::checksum::{CHECKED_LEVELS, LevelText};
use crate::ladder::{BookSide, Ladder, Row};
use crate::num::{Px, Qty};

/// One change to a book as the wire states it; a zero quantity removes the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireLevel {
    /// Side of the book.
    pub side: BookSide,
    /// Price.
    pub px: Px,
    /// New quantity at the price, not a difference.
    pub qty: Qty,
    /// The digits of both numbers as received, for the checksum; empty for a removal.
    pub text: LevelText,
}

/// Why a book must not be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BookError {
    /// The ten best levels are not what the exchange has.
    #[error("checksum {got}, exchange says {want}")]
    Checksum {
        /// Ours.
        got: u32,
        /// The exchange's.
        want: u32,
    },
    /// A bid at or above an ask: never true of the exchange's own book.
    #[error("crossed book: bid {bid:?} is not below ask {ask:?}")]
    Crossed {
        /// Best bid.
        bid: Px,
        /// Best ask.
        ask: Px,
    },
}

#[derive(Clone, Copy, Debug)]
struct TextRow {
    px: Px,
    qty: Qty,
    text: LevelText,
}
const _: () = assert!(size_of::<TextRow>() == 64, "one row is one cache line");

impl Row for TextRow {
    const EMPTY: Self = Self { px: Px::ZERO, qty: Qty::ZERO, text: LevelText::EMPTY };
    fn px(&self) -> Px {
        self.px
    }
}

/// One row of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level {
    /// Price.
    pub px: Px,
    /// Quantity resting there; never zero inside a book.
    pub qty: Qty,
}

impl Row for Level {
    const EMPTY: Self = Self { px: Px::ZERO, qty: Qty::ZERO };
    fn px(&self) -> Px {
        self.px
    }
}

/// A book whose ten best levels are compared with the exchange's checksum after every message.
#[derive(Debug)]
pub struct L2Book {
    asks: Ladder<TextRow>,
    bids: Ladder<TextRow>,
    text: BookText,
    /// Of the rows as they are, unless one of the ten best changed since.
    checksum: Option<u32>,
}

/// The ten best levels of both sides as checksum text.
#[derive(Debug)]
struct BookText {
    bytes: [u8; Self::CAPACITY],
}

impl BookText {
    const CAPACITY: usize = 2 * CHECKED_LEVELS * size_of::<LevelText>();

    /// One pass over one text: its start and end cost as much as all the bytes between them, so
    /// that nothing is won by keeping the value of the side that did not change.
    fn checksum(&mut self, asks: &[TextRow], bids: &[TextRow]) -> u32 {
        let mut len = 0;
        for row in asks.iter().take(CHECKED_LEVELS).chain(bids.iter().take(CHECKED_LEVELS)) {
            // Whole fixed-size copies, then advance by the real length: each is a few vector moves.
            let (block, text_len) = row.text.block();
            self.bytes[len..len + block.len()].copy_from_slice(block);
            len += text_len;
        }
        crc32fast::hash(&self.bytes[..len])
    }
}

impl L2Book {
    /// An empty book for a subscription of `depth` rows a side.
    pub fn new(depth: usize) -> Self {
        Self {
            asks: Ladder::new(BookSide::Ask, depth),
            bids: Ladder::new(BookSide::Bid, depth),
            text: BookText { bytes: [0; BookText::CAPACITY] },
            checksum: None,
        }
    }

    /// Forgets every level, as before a snapshot.
    pub fn clear(&mut self) {
        self.asks.clear();
        self.bids.clear();
        self.checksum = None;
    }

    /// Applies one whole message, in its order, cuts each side to the depth and verifies.
    ///
    /// # Errors
    /// [`BookError`] when the result is not the exchange's book; it must then be discarded.
    pub fn apply(&mut self, levels: &[WireLevel], want: u32) -> Result<(), BookError> {
        for level in levels {
            let ladder = match level.side {
                BookSide::Ask => &mut self.asks,
                BookSide::Bid => &mut self.bids,
            };
            let index = if level.qty.is_zero() {
                ladder.remove(level.px)
            } else {
                Some(ladder.set(TextRow { px: level.px, qty: level.qty, text: level.text }))
            };
            if index.is_some_and(|index| index < CHECKED_LEVELS) {
                self.checksum = None;
            }
        }
        self.asks.truncate();
        self.bids.truncate();
        if let (Some(bid), Some(ask)) = (self.bids.best(), self.asks.best())
            && bid.px >= ask.px
        {
            return Err(BookError::Crossed { bid: bid.px, ask: ask.px });
        }
        let got = match self.checksum {
            Some(unchanged) => unchanged,
            None => self.text.checksum(self.asks.rows(), self.bids.rows()),
        };
        self.checksum = Some(got);
        if got == want { Ok(()) } else { Err(BookError::Checksum { got, want }) }
    }

    /// Levels of one side, best first.
    pub fn levels(
        &self,
        side: BookSide,
    ) -> impl ExactSizeIterator<Item = Level> + DoubleEndedIterator + '_ {
        let ladder = match side {
            BookSide::Ask => &self.asks,
            BookSide::Bid => &self.bids,
        };
        ladder.rows().iter().map(|row| Level { px: row.px, qty: row.qty })
    }

    /// Rows kept per side.
    pub const fn depth(&self) -> usize {
        self.asks.depth()
    }
}

/// What the engine knows of a book: prices and quantities, nothing of the wire.
#[derive(Debug)]
pub struct DepthBook {
    asks: Ladder<Level>,
    bids: Ladder<Level>,
}

impl DepthBook {
    /// An empty book of `depth` rows a side.
    pub fn new(depth: usize) -> Self {
        Self { asks: Ladder::new(BookSide::Ask, depth), bids: Ladder::new(BookSide::Bid, depth) }
    }

    /// Forgets every level.
    pub fn clear(&mut self) {
        self.asks.clear();
        self.bids.clear();
    }

    /// Sets or (with zero) removes one level; [`Self::finish_message`] follows the last one.
    pub fn set(&mut self, side: BookSide, level: Level) {
        let ladder = match side {
            BookSide::Ask => &mut self.asks,
            BookSide::Bid => &mut self.bids,
        };
        if level.qty.is_zero() {
            ladder.remove(level.px);
        } else {
            ladder.set(level);
        }
    }

    /// Cuts both sides to the depth.
    pub fn finish_message(&mut self) {
        self.asks.truncate();
        self.bids.truncate();
    }

    /// Asks, best (lowest) first.
    pub fn asks(&self) -> &[Level] {
        self.asks.rows()
    }

    /// Bids, best (highest) first.
    pub fn bids(&self) -> &[Level] {
        self.bids.rows()
    }

    /// The quantity shown at exactly `px`: nothing where the book shows a gap, `None` where it may
    /// hold something below the visible depth.
    pub fn shown(&self, side: BookSide, px: Px) -> Option<Qty> {
        let ladder = match side {
            BookSide::Ask => &self.asks,
            BookSide::Bid => &self.bids,
        };
        if let Some(level) = ladder.get(px) {
            return Some(level.qty);
        }
        let is_within = ladder.rows().last().is_some_and(|worst| side.better(px, worst.px));
        (is_within || ladder.len() < ladder.depth()).then_some(Qty::ZERO)
    }

    /// Best bid and best ask, when both sides have one.
    pub fn bbo(&self) -> Option<Bbo> {
        Some(Bbo { bid: *self.bids.best()?, ask: *self.asks.best()? })
    }
}

/// The two rows at the touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bbo {
    /// Highest buyer.
    pub bid: Level,
    /// Lowest seller.
    pub ask: Level,
}

impl Bbo {
    /// Twice the mid price, exact in price units.
    pub const fn mid_doubled(&self) -> i64 {
        self.bid.px.raw() + self.ask.px.raw()
    }
}

#[cfg(test)]
mod tests;
