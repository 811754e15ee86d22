//! Ranges that the parameters of several strategies have in common, and what is asked of lists and pairs.

use std::fmt::Debug;

use paperwire_signals::session::SessionClock;

use crate::OutOfRange;

/// Largest amount, percentage and wait that can be meant.
pub(crate) const USD_MAX: f64 = 1e9;
pub(crate) const PCT_MAX: f64 = 50.0;
pub(crate) const DAY_S: u64 = 86_400;

/// Fails for the first value outside its range.
pub(crate) fn each(key: &str, values: &[f64], low: f64, high: f64) -> Result<(), OutOfRange> {
    values.iter().try_for_each(|value| OutOfRange::check(key, *value, low, high))
}

/// Fails when a value is less than the one before it.
pub(crate) fn ascending<T: PartialOrd>(key: &str, values: &[T]) -> Result<(), OutOfRange> {
    OutOfRange::require(key, values.is_sorted(), "values ascend")
}

/// Cuts of volatility, where they are set: percentages that ascend.
pub(crate) fn regime_cuts(cuts: impl Into<Option<[f64; 3]>>) -> Result<(), OutOfRange> {
    let Some(cuts) = cuts.into() else {
        return Ok(());
    };
    each("regime_cuts_pct", &cuts, 0.0, 100.0)?;
    ascending("regime_cuts_pct", &cuts)
}

/// First hours of the sessions.
pub(crate) fn session_hours(hours: [u8; 5]) -> Result<(), OutOfRange> {
    let is_valid = SessionClock::is_valid(hours);
    OutOfRange::require("session_hours", is_valid, "hours ascend from 0 within a day")
}

/// The name of a pair.
pub(crate) fn pair_name(key: &str, name: &str) -> Result<(), OutOfRange> {
    OutOfRange::require(key, name.contains('/'), "a pair is written BASE/QUOTE")
}

/// What one pair sets itself; its keys are `symbols.BASE/QUOTE.field`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OfPair<'a>(&'a str);

impl<'a> OfPair<'a> {
    /// Fails unless it is the name of a pair.
    pub(crate) fn named(name: &'a str) -> Result<Self, OutOfRange> {
        pair_name(&format!("symbols.{name}"), name)?;
        Ok(Self(name))
    }

    /// [`OutOfRange::check`] for a field.
    pub(crate) fn check<T: PartialOrd + Copy + Debug>(
        self,
        field: &str,
        value: T,
        low: T,
        high: T,
    ) -> Result<(), OutOfRange> {
        OutOfRange::check(&self.key(field), value, low, high)
    }

    /// [`OutOfRange::require`] for a field.
    pub(crate) fn require(self, field: &str, holds: bool, problem: &str) -> Result<(), OutOfRange> {
        OutOfRange::require(&self.key(field), holds, problem)
    }

    fn key(self, field: &str) -> String {
        format!("symbols.{}.{field}", self.0)
    }
}
