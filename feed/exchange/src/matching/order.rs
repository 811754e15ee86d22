//! What goes into the engine and what comes out: orders, answers, refusals, trades and levels.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

/// How the taker of a trade had sent its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrdType {
    /// With a price limit.
    Limit,
    /// At any price.
    Market,
}

impl OrdType {
    /// The word on the wire.
    pub const fn as_wire(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
        }
    }
}

/// Number of an order, ascending per instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// An order as it is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Direction.
    pub side: OrderSide,
    /// How much.
    pub qty: Qty,
    /// At what terms.
    pub kind: OrderKind,
}

/// Terms of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Takes up to its price, the rest waits in the book.
    Limit(Px),
    /// Waits in the book; refused if it would take.
    PostOnly(Px),
    /// Takes up to its price, the rest is dropped.
    Ioc(Px),
    /// Takes at any price, the rest is dropped.
    Market,
}

impl OrderKind {
    pub(super) const fn limit(self) -> Option<Px> {
        match self {
            Self::Limit(px) | Self::PostOnly(px) | Self::Ioc(px) => Some(px),
            Self::Market => None,
        }
    }

    pub(super) const fn rests(self) -> bool {
        matches!(self, Self::Limit(_) | Self::PostOnly(_))
    }
}

/// What became of an accepted order at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, needed to cancel what rests.
    pub id: OrderId,
    /// How much traded.
    pub filled: Qty,
    /// How much waits in the book now.
    pub resting: Qty,
}

/// Why an order was not accepted; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The pair takes no such order now.
    #[error("the pair's status does not allow this order")]
    Status,
    /// Not positive, or not a multiple of the price increment.
    #[error("price is not on the tick grid")]
    Tick,
    /// Not a multiple of the quantity increment.
    #[error("quantity is not on the lot grid")]
    Lot,
    /// Under the smallest quantity.
    #[error("quantity below the minimum")]
    QtyMin,
    /// Under the smallest value.
    #[error("value below the minimum")]
    CostMin,
    /// A post-only order that would have traded.
    #[error("post-only order would take liquidity")]
    WouldTake,
}

/// The order is not in the book: filled, cancelled, or never there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {0:?} does not rest in the book")]
pub struct NotResting(pub OrderId);

/// One public trade: one taker against one resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Sequential per pair.
    pub trade_id: u64,
    /// Engine time.
    pub at: ExchNs,
    /// Price of the resting order.
    pub px: Px,
    /// How much changed hands.
    pub qty: Qty,
    /// Direction of the taker.
    pub taker: OrderSide,
    /// Order type of the taker.
    pub ord_type: OrdType,
}

/// One thing that an order or a cancel changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A trade happened.
    Trade(Trade),
    /// The total at a price is now this; zero means the level is gone.
    Level {
        /// Half of the book.
        side: BookSide,
        /// Price of the level.
        px: Px,
        /// New total.
        qty: Qty,
    },
}
