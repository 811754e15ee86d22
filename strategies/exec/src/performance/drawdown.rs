//! How far and how long an account was below its best.
//!
//! Seen at every mark, not only at the ends of minutes: a fall within a minute has margin calls
//! too. Equity is taken to stay what it was until the next mark. Divides only at a new low.

use paperwire_core::num::Money;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs};

/// The peak, the falls from it, and the time below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Drawdown {
    peak: Money,
    /// Lowest equity since the peak.
    trough: Money,
    max: Money,
    longest: DurationNs,
    /// First mark below the peak; `None` at the peak.
    below_since: Option<ExchNs>,
    /// Latest mark; `None` before the first.
    latest: Option<ExchNs>,
}

impl Drawdown {
    pub(super) const fn new(baseline: Money) -> Self {
        Self {
            peak: baseline,
            trough: baseline,
            max: Money::ZERO,
            longest: DurationNs::ZERO,
            below_since: None,
            latest: None,
        }
    }

    pub(super) fn mark(&mut self, at: ExchNs, equity: Money) {
        let at = self.latest.map_or(at, |latest| latest.max(at));
        self.latest = Some(at);
        if let Some(since) = self.below_since {
            self.longest = self.longest.max(at.since(since));
        }
        if equity >= self.peak {
            self.peak = equity;
            self.trough = equity;
            self.below_since = None;
            return;
        }
        self.below_since = self.below_since.or(Some(at));
        if equity < self.trough {
            self.trough = equity;
            self.max = self.max.max(self.now(equity));
        }
    }

    /// The exchange's clock was set: what lasted goes on lasting.
    pub(super) fn follow_clock(&mut self, by: ClockStep) {
        self.below_since = self.below_since.map(|at| at.stepped(by));
        self.latest = self.latest.map(|at| at.stepped(by));
    }

    /// Deepest fall as a fraction of the peak before it.
    pub(super) const fn max(&self) -> Money {
        self.max
    }

    /// Fall of `equity` from the peak as a fraction of it. The peak is never below the baseline,
    /// which is positive; a fall of more than money holds, in peaks, is the most that it holds.
    pub(super) fn now(&self, equity: Money) -> Money {
        (self.peak - equity).saturating_div(self.peak)
    }

    /// Longest time below a peak.
    pub(super) const fn longest(&self) -> DurationNs {
        self.longest
    }
}

#[cfg(test)]
mod tests;
