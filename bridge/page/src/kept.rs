//! What the page keeps of a session, all of it bounded.

use std::collections::{BTreeMap, VecDeque};

use paperwire_core::account::Fill;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::event::Seq;
use paperwire_core::instrument::SymbolId;
use paperwire_core::slowest::SlowTick;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_dashboard::view::Event;
use paperwire_feed::control::Control;
use paperwire_lab::attribution::LongCall;
use paperwire_rt::clock::UtcRelation;
use paperwire_run::sinks::inbox::Fresh;

use crate::tails::Tails;
use crate::views::millis;

const FILLS_MAX: usize = 10_000;
/// A week of minutes.
const MINUTES_MAX: usize = 7 * 24 * 60;
const EVENTS_MAX: usize = 500;
const TICKS_MAX: usize = 20_000;
const CALLS_MAX: usize = 20_000;
/// Equity by the second for a quarter of an hour, by the minute for a day.
const SECONDS_MAX: usize = 900;
const EQUITY_MINUTES_MAX: usize = 1440;

/// Equity of one account over time: milliseconds since 1970 and its value.
#[derive(Clone, Debug, Default)]
pub(super) struct Curve {
    minutes: VecDeque<(i64, f64)>,
    seconds: VecDeque<(i64, f64)>,
}

impl Curve {
    fn put(&mut self, at_ms: i64, equity: f64) {
        // Where the exchange's clock was set back, what lies ahead of it never was.
        for kept in [&mut self.seconds, &mut self.minutes] {
            while kept.back().is_some_and(|(last, _)| last - at_ms >= 1_000) {
                kept.pop_back();
            }
        }
        if self.seconds.back().is_some_and(|(last, _)| at_ms - last < 1_000) {
            return;
        }
        if self.seconds.len() == SECONDS_MAX {
            let oldest = self.seconds.pop_front().expect("it is full");
            if self.minutes.back().is_none_or(|(last, _)| oldest.0 - last >= 60_000) {
                if self.minutes.len() == EQUITY_MINUTES_MAX {
                    self.minutes.pop_front();
                }
                self.minutes.push_back(oldest);
            }
        }
        self.seconds.push_back((at_ms, equity));
    }

    pub(super) fn points(&self) -> impl Iterator<Item = (i64, f64)> + '_ {
        self.minutes.iter().chain(&self.seconds).copied()
    }

    /// Some values of the last minutes, for a line of text height.
    pub(super) fn sparkline(&self) -> Vec<f64> {
        const POINTS: usize = 60;
        let step = self.seconds.len().div_ceil(POINTS).max(1);
        self.seconds.iter().step_by(step).map(|(_, equity)| *equity).collect()
    }
}

/// A slow event with the instant at which it arrived, in milliseconds since 1970.
pub(super) type Slow = (i64, SlowTick);
/// A long call likewise, and its attribution.
pub(super) type Long = (i64, LongCall);

/// Everything.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) tails: Tails,
    pub(super) curves: Vec<Curve>,
    /// Oldest first.
    pub(super) fills: VecDeque<(Seq, Fill)>,
    pub(super) events: VecDeque<Event>,
    pub(super) ticks: VecDeque<Slow>,
    pub(super) calls: VecDeque<Long>,
    /// Closed minutes by symbol.
    pub(super) minutes: Vec<VecDeque<Bar>>,
    /// Longer bars from before the first minute.
    pub(super) older: BTreeMap<(u16, u8), Vec<Bar>>,
    /// Processor time of the page when it was looked at last.
    pub(super) cpu: Option<(DurationNs, HostNs)>,
    next_event: u64,
}

fn put<T>(kept: &mut VecDeque<T>, value: T, most: usize) {
    if kept.len() == most {
        kept.pop_front();
    }
    kept.push_back(value);
}

impl Kept {
    pub(super) fn new(
        strategies: impl Iterator<Item = String> + Clone,
        symbols: usize,
        history: &[Control],
    ) -> Self {
        let mut kept = Self {
            curves: vec![Curve::default(); strategies.clone().count()],
            tails: Tails::new(strategies),
            fills: VecDeque::new(),
            events: VecDeque::new(),
            ticks: VecDeque::new(),
            calls: VecDeque::new(),
            minutes: vec![VecDeque::new(); symbols],
            older: BTreeMap::new(),
            cpu: None,
            next_event: 1,
        };
        for control in history {
            let Control::History(symbol, (timeframe, bar)) = control else { continue };
            match timeframe {
                Timeframe::M1 => kept.minute(*symbol, *bar),
                longer => kept.older.entry((symbol.0, *longer as u8)).or_default().push(*bar),
            }
        }
        kept
    }

    fn minute(&mut self, symbol: SymbolId, bar: Bar) {
        let minutes = &mut self.minutes[symbol.index()];
        if minutes.back().is_none_or(|last| last.open_at < bar.open_at) {
            put(minutes, bar, MINUTES_MAX);
        }
    }

    /// Takes over what was put aside.
    pub(super) fn take(&mut self, fresh: &Fresh, relation: &UtcRelation) {
        for (at, packed) in &fresh.seconds {
            self.tails.take(millis(relation.to_utc(*at)) / 1_000, packed);
        }
        fresh.fills.iter().for_each(|fill| put(&mut self.fills, *fill, FILLS_MAX));
        fresh.bars.iter().for_each(|(symbol, bar)| self.minute(*symbol, *bar));
        for tick in &fresh.ticks {
            put(&mut self.ticks, (millis(relation.to_utc(tick.arrived)), *tick), TICKS_MAX);
        }
        for call in &fresh.calls {
            let at_ms = millis(relation.to_utc(call.outlier.from));
            put(&mut self.calls, (at_ms, *call), CALLS_MAX);
        }
        for (at, kind, text) in &fresh.events {
            let (id, at_ms) = (self.next_event, millis(relation.to_utc(*at)));
            self.next_event += 1;
            let (kind, text) = ((*kind).to_owned(), text.clone());
            put(&mut self.events, Event { id, at_ms, kind, text }, EVENTS_MAX);
        }
    }

    pub(super) fn equity(&mut self, at_ms: i64, equities: impl Iterator<Item = f64>) {
        self.curves.iter_mut().zip(equities).for_each(|(curve, equity)| curve.put(at_ms, equity));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_is_bounded_and_keeps_a_point_a_minute_of_what_was() {
        let mut curve = Curve::default();
        for second in 0..4_000i32 {
            // Several looks a second are one point.
            curve.put(i64::from(second) * 1_000, f64::from(second));
            curve.put(i64::from(second) * 1_000 + 500, -1.0);
        }
        let points: Vec<_> = curve.points().collect();
        assert_eq!(curve.seconds.len(), SECONDS_MAX);
        assert_eq!(curve.minutes.len(), (4_000 - SECONDS_MAX).div_ceil(60));
        assert!(points.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(points.iter().all(|(_, equity)| *equity >= 0.0));
        assert!(curve.sparkline().len() <= 60);
    }
}
