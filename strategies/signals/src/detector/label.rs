//! A label that does not flicker: a new one is taken on after enough readings in a row that say the
//! same, and after the old one has held for long enough of the exchange's time.
//!
//! One reading a minute. What is remembered are changes, not readings, so that a count of the last hour
//! is a count of the last hour.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::regime::{Transition, TrendRegime};
use paperwire_core::time::{DurationNs, ExchNs};

use super::DetectorConfig;

/// Changes remembered.
pub(super) const TRANSITIONS_LEN: usize = 100;
const HOUR: DurationNs = DurationNs::from_secs(3600);

#[derive(Debug)]
pub(super) struct Label {
    /// What holds, and since when; `None` before the first reading.
    now: Option<(TrendRegime, ExchNs)>,
    candidate: TrendRegime,
    /// Readings in a row that said `candidate`.
    readings: u32,
    transitions: FixedRing<Transition>,
}

impl Label {
    pub(super) fn new() -> Self {
        Self {
            now: None,
            candidate: TrendRegime::Sideways,
            readings: 0,
            transitions: FixedRing::new(TRANSITIONS_LEN),
        }
    }

    /// Takes a reading; returns what holds now and since when, and the change that the reading
    /// completes. The first is taken on at once.
    pub(super) fn read(
        &mut self,
        raw: TrendRegime,
        composite: f64,
        at: ExchNs,
        rules: &DetectorConfig,
    ) -> (TrendRegime, ExchNs, Option<Transition>) {
        let Some((from, since)) = self.now else {
            self.now = Some((raw, at));
            return (raw, at, None);
        };
        if raw == from {
            self.readings = 0;
            return (from, since, None);
        }
        if raw != self.candidate {
            (self.candidate, self.readings) = (raw, 0);
        }
        self.readings = self.readings.saturating_add(1);
        let is_confirmed = self.readings >= rules.confirmations;
        if !is_confirmed || at.since(since) < rules.duration_min {
            return (from, since, None);
        }
        let transition = Transition { from, to: raw, at, composite };
        (self.now, self.readings) = (Some((raw, at)), 0);
        self.transitions.push(transition);
        (raw, at, Some(transition))
    }

    /// Changes within the hour before `at`.
    pub(super) fn changes_1h(&self, at: ExchNs) -> u8 {
        let recent = self.transitions.iter().filter(|change| at.since(change.at) < HOUR);
        u8::try_from(recent.count()).unwrap_or(u8::MAX)
    }

    pub(super) const fn transitions(&self) -> &FixedRing<Transition> {
        &self.transitions
    }
}

#[cfg(test)]
mod tests;
