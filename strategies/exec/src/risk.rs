//! Limits that a person sets on a strategy, and on all of them together.
//!
//! They block entries, never exits: a limit that kept a position open would be the larger risk. What
//! is over a limit before the fact is refused with its reason; what is found after the fact halts the
//! account until a person resumes or resets it.

use paperwire_core::account::HaltReason;
use paperwire_core::limits::EQUITY_MAX;
use paperwire_core::num::Money;
use paperwire_core::strategy::RejectReason;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs};

use crate::report::AccountRow;

/// Limits of one account; zero switches a limit off. Amounts are in the numeraire.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RiskLimits {
    /// Largest value of one position.
    pub position_max: Money,
    /// Largest value of all positions.
    pub exposure_max: Money,
    /// Entries within a minute.
    pub orders_per_min: u32,
    /// Largest loss since the start or the last reset.
    pub loss_max: Money,
    /// Largest fall of equity from its peak, as a fraction of the peak.
    pub drawdown_max: Money,
    /// Losses in a row that start a cooldown.
    pub losses_in_row: u32,
    /// Time without entries after them.
    pub cooldown: DurationNs,
}

/// Limits of all accounts together; zero switches a limit off.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GlobalLimits {
    /// Largest value of all positions of all strategies.
    pub exposure_max: Money,
    /// Largest loss of all strategies together since the start.
    pub loss_max: Money,
}

const SECONDS: usize = 60;

/// What the limits need to remember of one account.
#[derive(Clone, Debug)]
pub struct Risk {
    limits: RiskLimits,
    /// Orders of each of the last sixty seconds.
    orders: [u32; SECONDS],
    second: i64,
    losses: u32,
    cool_until: ExchNs,
    /// Profit when the account was last resumed, from which losses count.
    profit_from: Money,
    /// Highest equity since then.
    peak: Money,
}

impl Risk {
    /// Nothing happened yet.
    pub const fn new(limits: RiskLimits) -> Self {
        Self {
            limits,
            orders: [0; SECONDS],
            second: 0,
            losses: 0,
            cool_until: ExchNs::new(i64::MIN),
            profit_from: Money::ZERO,
            peak: Money::ZERO,
        }
    }

    /// Forgets what happened; losses and falls count from `row`.
    pub fn restart(&mut self, row: &AccountRow) {
        *self = Self { profit_from: row.profit(), peak: row.equity, ..Self::new(self.limits) };
    }

    /// The exchange's clock was set: a cooldown lasts as long as before, and the orders of the last minute
    /// are not counted on.
    pub fn follow_clock(&mut self, by: ClockStep) {
        self.cool_until = self.cool_until.stepped(by);
        self.orders = [0; SECONDS];
        let second = ExchNs::new(self.second.saturating_mul(1_000_000_000));
        self.second = second.stepped(by).raw().div_euclid(1_000_000_000);
    }

    /// Whether an entry may be made now; counts it when it may.
    ///
    /// # Errors
    /// The [`RejectReason`].
    pub fn enter(&mut self, at: ExchNs) -> Result<(), RejectReason> {
        if at < self.cool_until {
            return Err(RejectReason::Cooldown);
        }
        self.roll(at);
        let sent: u32 = self.orders.iter().sum();
        if self.limits.orders_per_min > 0 && sent >= self.limits.orders_per_min {
            return Err(RejectReason::OrderRate);
        }
        self.orders[Self::slot(self.second)] += 1;
        Ok(())
    }

    /// Value that a position now worth `position`, of positions worth `exposure`, may still grow by,
    /// with the reason that binds; `None` without a limit.
    pub fn room(
        &self,
        position: impl Fn() -> Money,
        exposure: impl Fn() -> Money,
    ) -> Option<(Money, RejectReason)> {
        let limits = &self.limits;
        let room = |limit: Money, used: Money| (limit - used).max(Money::ZERO);
        let by_position = (limits.position_max > 0)
            .then(|| (room(limits.position_max, position()), RejectReason::PositionLimit));
        let by_exposure = (limits.exposure_max > 0)
            .then(|| (room(limits.exposure_max, exposure()), RejectReason::ExposureLimit));
        smaller(by_position, by_exposure)
    }

    /// True when [`Self::room`] never binds.
    pub fn has_no_room_limit(&self) -> bool {
        self.limits.position_max == 0 && self.limits.exposure_max == 0
    }

    /// A trade was closed with this net result.
    pub fn on_trade(&mut self, net: Money, at: ExchNs) {
        if net > 0 {
            self.losses = 0;
        } else if net < 0 {
            self.losses += 1;
            if self.limits.losses_in_row > 0 && self.losses >= self.limits.losses_in_row {
                self.losses = 0;
                self.cool_until = at.plus(self.limits.cooldown);
            }
        }
    }

    /// Why the account must halt, if it must.
    pub fn halt(&mut self, row: &AccountRow) -> Option<HaltReason> {
        let limits = &self.limits;
        if row.equity > EQUITY_MAX || row.equity < -EQUITY_MAX {
            return Some(HaltReason::Uncounted);
        }
        if limits.loss_max > 0 && row.profit() - self.profit_from <= -limits.loss_max {
            return Some(HaltReason::LossLimit);
        }
        if limits.drawdown_max > 0 {
            self.peak = if self.peak == 0 { row.baseline } else { self.peak }.max(row.equity);
            if self.peak - row.equity >= limits.drawdown_max * self.peak {
                return Some(HaltReason::Drawdown);
            }
        }
        None
    }

    fn slot(second: i64) -> usize {
        usize::try_from(second.rem_euclid(60)).expect("a remainder of 60 is small")
    }

    fn roll(&mut self, at: ExchNs) {
        let now = at.raw().div_euclid(1_000_000_000);
        if now - self.second >= 60 {
            self.orders = [0; SECONDS];
        } else {
            for second in self.second + 1..=now {
                self.orders[Self::slot(second)] = 0;
            }
        }
        self.second = self.second.max(now);
    }
}

impl GlobalLimits {
    /// Value that may still be added over all accounts, whose positions are worth `exposure`; `None`
    /// without a limit.
    pub fn room(&self, exposure: impl Fn() -> Money) -> Option<(Money, RejectReason)> {
        let room = || (self.exposure_max - exposure()).max(Money::ZERO);
        (self.exposure_max > 0).then(|| (room(), RejectReason::ExposureLimit))
    }

    /// True when [`Self::room`] never binds.
    pub fn has_no_room_limit(&self) -> bool {
        self.exposure_max == 0
    }

    /// True when all accounts must halt.
    pub fn is_over(&self, profit: Money) -> bool {
        self.loss_max > 0 && profit <= -self.loss_max
    }
}

/// The tighter of two bounds.
pub fn smaller(
    a: Option<(Money, RejectReason)>,
    b: Option<(Money, RejectReason)>,
) -> Option<(Money, RejectReason)> {
    match (a, b) {
        (Some(a), Some(b)) => Some(if b.0 < a.0 { b } else { a }),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests;
