//! Which half of the book an order waits in, and the order of prices there.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::Px;
use paperwire_core::trade::OrderSide;

/// Where the rest of such an order waits.
pub(crate) const fn rests_on(side: OrderSide) -> BookSide {
    match side {
        OrderSide::Buy => BookSide::Bid,
        OrderSide::Sell => BookSide::Ask,
    }
}

/// Whose orders such an order fills.
pub(crate) const fn takes_from(side: OrderSide) -> BookSide {
    rests_on(side.opposite())
}

/// Ascending in this key means best first, on both halves.
pub(crate) const fn rank(side: BookSide, px: Px) -> i64 {
    match side {
        BookSide::Bid => -px.raw(),
        BookSide::Ask => px.raw(),
    }
}

/// The price of a rank.
pub(crate) const fn px_of_rank(side: BookSide, rank: i64) -> Px {
    Px::new(match side {
        BookSide::Bid => -rank,
        BookSide::Ask => rank,
    })
}
