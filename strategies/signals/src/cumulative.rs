//! Volume added up by its sign, in exact lots.
//!
//! On-balance volume (J. Granville, 1963): a bar's volume counts up when it closed higher, down when
//! lower, not at all when unchanged; it starts with the first bar's volume, as in TA-Lib. Cumulative volume
//! delta: what takers bought less what they sold. Only differences of either mean anything.

use paperwire_core::num::{Px, Qty};
use paperwire_core::trade::OrderSide;

/// On-balance volume.
#[derive(Clone, Debug, Default)]
pub struct Obv {
    state: Option<(Px, i128)>,
}

impl Obv {
    /// Adds a closed bar and returns the lots so far.
    pub fn push(&mut self, close: Px, volume: Qty) -> i128 {
        let volume = i128::from(volume.raw());
        let lots = match self.state {
            None => volume,
            Some((last, lots)) if close > last => lots + volume,
            Some((last, lots)) if close < last => lots - volume,
            Some((_, lots)) => lots,
        };
        self.state = Some((close, lots));
        lots
    }

    /// Lots so far, once there was a bar.
    pub fn lots(&self) -> Option<i128> {
        self.state.map(|(_, lots)| lots)
    }
}

/// Cumulative volume delta.
#[derive(Clone, Debug, Default)]
pub struct Cvd {
    lots: i128,
    trades: u64,
}

impl Cvd {
    /// Adds a trade and returns the lots so far.
    pub fn push(&mut self, taker: OrderSide, qty: Qty) -> i128 {
        self.trades += 1;
        match taker {
            OrderSide::Buy => self.lots += i128::from(qty.raw()),
            OrderSide::Sell => self.lots -= i128::from(qty.raw()),
        }
        self.lots
    }

    /// Begins again, as at midnight.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Lots so far, once there was a trade.
    pub fn lots(&self) -> Option<i128> {
        (self.trades > 0).then_some(self.lots)
    }
}

#[cfg(test)]
mod tests;
