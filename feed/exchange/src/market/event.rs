//! What a market reports, in time order: levels, trades, and where an action ends.

use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

use crate::matching::Trade;

/// Something that happened in the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarketEvent {
    /// When; never decreases from event to event, and commits of one pair are at least 1 us apart.
    pub at: ExchNs,
    /// To which pair.
    pub symbol: SymbolId,
    /// What.
    pub kind: EventKind,
}

/// Kinds of [`MarketEvent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// A price level has a new total; zero means it is gone.
    Level {
        /// Half of the book.
        side: BookSide,
        /// Price of the level.
        px: Px,
        /// New total.
        qty: Qty,
    },
    /// A trade.
    Trade(Trade),
    /// The action is complete: what came since the last commit of the pair belongs together.
    Commit,
}
