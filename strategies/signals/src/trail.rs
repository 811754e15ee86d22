//! A stop that follows the best price since entry and never loosens. Unit: that of the prices.

use paperwire_core::account::PositionSide;

/// When a trailing stop wakes and how far behind it stays.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TrailRule {
    /// Profit that arms it, in percent of the entry.
    pub activate_pct: f64,
    /// Distance from the best price, in percent of it.
    pub distance_pct: f64,
}

/// The best price since a position was opened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Best {
    side: PositionSide,
    price: f64,
}

impl Best {
    /// At the entry.
    pub const fn new(side: PositionSide, entry: f64) -> Self {
        Self { side, price: entry }
    }

    /// Takes a price that was traded or could be had.
    pub const fn observe(&mut self, price: f64) {
        self.price = match self.side {
            PositionSide::Long => self.price.max(price),
            PositionSide::Short => self.price.min(price),
        };
    }

    /// The highest price for a long, the lowest for a short.
    pub const fn price(&self) -> f64 {
        self.price
    }

    /// The stop by percent, once armed.
    pub fn trail(&self, entry: f64, rule: &TrailRule) -> Option<f64> {
        let (gain, keep) = match self.side {
            PositionSide::Long => (self.price - entry, 1.0 - rule.distance_pct / 100.0),
            PositionSide::Short => (entry - self.price, 1.0 + rule.distance_pct / 100.0),
        };
        (100.0 * gain / entry >= rule.activate_pct).then_some(self.price * keep)
    }

    /// The chandelier stop: `distance` (a multiple of the ATR) behind the best price.
    pub const fn chandelier(&self, distance: f64) -> f64 {
        match self.side {
            PositionSide::Long => self.price - distance,
            PositionSide::Short => self.price + distance,
        }
    }
}

#[cfg(test)]
mod tests;
