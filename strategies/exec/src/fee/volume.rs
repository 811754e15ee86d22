//! What one account traded in the last thirty days, which chooses its fee.
//!
//! One bucket per UTC day of exchange time: today and the twenty-nine days before it. A trade
//! leaves at a midnight between 29 and 30 days after it was made, so the volume is at times a
//! little below the exchange's and never above it: the fee is never too low. Fixed memory, exact in
//! money.

use paperwire_core::num::Money;
use paperwire_core::time::ExchNs;

/// Days that count, today included.
pub const VOLUME_DAYS: usize = 30;

const DAYS: i64 = 30;
const DAY_NS: i64 = 86_400_000_000_000;

/// Rolling thirty-day traded value of one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Volume30d {
    /// Value by day modulo thirty.
    days: [Money; VOLUME_DAYS],
    /// Sum of `days`.
    total: Money,
    /// The latest day seen; `None` before the first instant.
    today: Option<i64>,
}

impl Volume30d {
    /// An account that had traded `starting` in the thirty days before its first instant.
    ///
    /// The starting volume counts as traded evenly, so each midnight takes a thirtieth of it away
    /// and after thirty of them nothing is left. What does not divide by thirty (below 2^-59 of
    /// a dollar) leaves with the thirtieth that leaves last.
    ///
    /// # Panics
    /// When `starting` is negative.
    pub fn new(starting: Money) -> Self {
        assert!(starting >= 0, "configuration asks for a volume that is not negative");
        let share = starting / i128::from(DAYS);
        let mut volume = Self { days: [share; VOLUME_DAYS], total: starting, today: None };
        volume.days[0] += starting - share * i128::from(DAYS);
        volume
    }

    /// Counts a trade. One that comes late counts on its own day, or not at all when that is gone.
    ///
    /// # Panics
    /// When `value` is negative.
    pub fn add(&mut self, at: ExchNs, value: Money) {
        assert!(value >= 0, "a traded value has no sign");
        let day = day_of(at);
        let today = self.advance(day);
        if day > today - DAYS {
            self.days[slot_of(day)] += value;
            self.total += value;
        }
    }

    /// Value traded in the thirty days that end with `at`'s, or with the latest day seen when that
    /// is later: days do not come back.
    pub fn total(&mut self, at: ExchNs) -> Money {
        self.advance(day_of(at));
        debug_assert!(
            self.total == self.days.iter().copied().sum::<Money>(),
            "the total is the sum of its days"
        );
        self.total
    }

    /// Moves on to `day` unless it is past, and returns the latest day. At most thirty steps.
    fn advance(&mut self, day: i64) -> i64 {
        let Some(today) = self.today else {
            // The remainder of the starting volume belongs to the first day, which leaves last.
            self.days.swap(0, slot_of(day));
            self.today = Some(day);
            return day;
        };
        for passed in 0..(day - today).clamp(0, DAYS) {
            let leaving = &mut self.days[slot_of(day - passed)];
            self.total -= *leaving;
            *leaving = Money::ZERO;
        }
        self.today = Some(today.max(day));
        today.max(day)
    }
}

const fn day_of(at: ExchNs) -> i64 {
    at.raw().div_euclid(DAY_NS)
}

fn slot_of(day: i64) -> usize {
    usize::try_from(day.rem_euclid(DAYS)).expect("a remainder of thirty is an index")
}

#[cfg(test)]
mod tests;
