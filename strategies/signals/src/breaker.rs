//! Rules that stop entries, never exits, after losing.
//!
//! [`CircuitBreaker`] counts losing *positions* in a row; [`LossLimit`] compares equity with what the
//! session began with.

use paperwire_core::num::Money;
use paperwire_core::time::{DurationNs, ExchNs};

/// Pauses entries after losses in a row.
#[derive(Clone, Debug)]
pub struct CircuitBreaker {
    losses_max: u32,
    pause: DurationNs,
    losses: u32,
    until: ExchNs,
}

impl CircuitBreaker {
    /// After `losses_max` losses in a row, for `pause`; zero losses never pauses.
    pub const fn new(losses_max: u32, pause: DurationNs) -> Self {
        Self { losses_max, pause, losses: 0, until: ExchNs::new(i64::MIN) }
    }

    /// Takes the whole net result of a position that is now flat: a win starts the count again,
    /// nothing gained and nothing lost changes nothing.
    pub fn on_closed(&mut self, net: Money, at: ExchNs) {
        if net > 0 {
            self.losses = 0;
        } else if net < 0 {
            self.losses += 1;
            if self.losses == self.losses_max {
                self.losses = 0;
                self.until = at.plus(self.pause);
            }
        }
    }

    /// True while entries are paused.
    pub fn blocks(&self, now: ExchNs) -> bool {
        now < self.until
    }
}

/// Stops entries for the rest of the session once too much of the starting equity is lost.
#[derive(Clone, Debug)]
pub struct LossLimit {
    kept: Money,
    floor: Option<Money>,
}

impl LossLimit {
    /// Stops at a loss of `percent` of the starting equity, between 0 and 100.
    pub fn new(percent: f64) -> Self {
        let kept = 1.0 - percent.clamp(0.0, 100.0) / 100.0;
        Self { kept: Money::from_num(kept), floor: None }
    }

    /// True when entries are stopped; the first equity seen is the starting one.
    pub fn blocks(&mut self, equity: Money) -> bool {
        let kept = self.kept;
        let floor = *self.floor.get_or_insert_with(|| equity.saturating_mul(kept));
        equity < floor || equity <= 0
    }
}

#[cfg(test)]
mod tests;
