//! Which makers sent which orders.

use crate::matching::OrderId;

/// Which makers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Crowd {
    /// At the best price.
    Touch,
    /// Within the first rows.
    Fast,
    /// Deeper down.
    Slow,
}

/// Numbers of the orders that the makers of one side sent; some may be filled meanwhile.
#[derive(Debug, Default)]
pub(super) struct Quotes {
    crowds: [Vec<OrderId>; 3],
}

impl Quotes {
    pub(super) const fn of(&self, crowd: Crowd) -> &Vec<OrderId> {
        &self.crowds[crowd as usize]
    }

    pub(super) const fn of_mut(&mut self, crowd: Crowd) -> &mut Vec<OrderId> {
        &mut self.crowds[crowd as usize]
    }
}
