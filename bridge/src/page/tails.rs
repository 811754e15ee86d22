//! Latencies over time in bounded memory: the last ten minutes by the second, the last hour by ten seconds, a day by
//! the minute, and the whole session.
//!
//! The session's sums are exact. What is kept over time is told apart to 0.8 % (below 256 ns to the nanosecond): it
//! takes a fifth of the memory, and no comparison claims less than that.

use std::collections::VecDeque;

use paperwire_core::latency::{Bank, Pair, Stage};
use paperwire_dashboard::source::Measure;
use paperwire_dashboard::view::LatencyNs;

use crate::lab::packed::{Packed, Sum};

/// Service and response of one row in one slot of time.
pub(super) type Both = [Packed; 2];

const fn index(of: Measure) -> usize {
    match of {
        Measure::Service => 0,
        Measure::Response => 1,
    }
}

/// One slot of time.
#[derive(Clone, Debug)]
struct Slot {
    /// Its beginning, seconds since 1970.
    at_s: i64,
    rows: Vec<Both>,
}

/// Slots of one length.
#[derive(Debug)]
struct Level {
    length_s: i64,
    slots_max: usize,
    slots: VecDeque<Slot>,
}

impl Level {
    const fn new(length_s: i64, slots_max: usize) -> Self {
        Self { length_s, slots_max, slots: VecDeque::new() }
    }

    fn take(&mut self, at_s: i64, rows: usize, fresh: &[(usize, Both)]) {
        let at_s = at_s - at_s.rem_euclid(self.length_s);
        if self.slots.back().is_none_or(|last| last.at_s < at_s) {
            if self.slots.len() == self.slots_max {
                self.slots.pop_front();
            }
            self.slots.push_back(Slot { at_s, rows: vec![Both::default(); rows] });
        }
        let slot = self.slots.back_mut().expect("one was just made sure of");
        for (row, both) in fresh {
            for (mine, theirs) in slot.rows[*row].iter_mut().zip(both) {
                mine.merge(theirs);
            }
        }
    }
}

/// Every stage, then every strategy.
#[derive(Debug)]
pub(super) struct Tails {
    names: Vec<String>,
    totals: Vec<[Sum; 2]>,
    levels: [Level; 3],
}

/// Part of a row over time.
#[derive(Clone, Debug)]
pub(super) struct Strip {
    /// Beginnings of the slots, seconds since 1970.
    pub(super) at_s: Vec<i64>,
    /// Length of each.
    pub(super) length_s: i64,
    /// One histogram per slot.
    pub(super) slots: Vec<Packed>,
}

impl Strip {
    pub(super) fn sum(&self) -> Sum {
        let mut sum = Sum::default();
        self.slots.iter().for_each(|slot| sum.add(slot));
        sum
    }
}

/// The percentiles of a sum as the page shows them.
pub(super) fn summary(sum: &Sum) -> LatencyNs {
    let all = sum.all(&[0.5, 0.9, 0.99, 0.999, 0.9999, 1.0]);
    let &[p50, p90, p99, p999, p9999, max] = &all[..] else { unreachable!("as many as asked") };
    LatencyNs { count: sum.count(), p50, p90, p99, p999, p9999, max }
}

impl Tails {
    pub(super) fn new(strategies: impl Iterator<Item = String>) -> Self {
        let stages = Stage::ALL.iter().map(|stage| stage.as_str().to_owned());
        let names: Vec<String> = stages.chain(strategies).collect();
        Self {
            totals: vec![Default::default(); names.len()],
            names,
            levels: [Level::new(1, 600), Level::new(10, 360), Level::new(60, 1440)],
        }
    }

    /// The rows of a bank, packed; done by whoever has the bank.
    pub(super) fn pack(bank: &Bank) -> Vec<(usize, Both)> {
        let both = |pair: &Pair| [Packed::of(&pair.service), Packed::of(&pair.response)];
        let stages = bank.stages().map(|(stage, pair)| (stage as usize, pair));
        let strategies = bank.strategies().iter().enumerate();
        let strategies = strategies.map(|(index, pair)| (Stage::ALL.len() + index, pair));
        let all = stages.chain(strategies).filter(|(_, pair)| !pair.service.is_empty());
        all.map(|(row, pair)| (row, both(pair))).collect()
    }

    /// Adds what was packed at a second since 1970.
    pub(super) fn take(&mut self, at_s: i64, fresh: &[(usize, Both)]) {
        for (row, both) in fresh {
            for (sum, packed) in self.totals[*row].iter_mut().zip(both) {
                sum.add(packed);
            }
        }
        let rows = self.names.len();
        let kept = fresh.iter().map(|(row, both)| (*row, both.each_ref().map(Packed::coarse)));
        let kept: Vec<(usize, Both)> = kept.collect();
        self.levels.iter_mut().for_each(|level| level.take(at_s, rows, &kept));
    }

    /// Place of a stage or strategy.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    pub(super) fn total(&self, row: usize, of: Measure) -> &Sum {
        &self.totals[row][index(of)]
    }

    fn level(&self, window_s: u64) -> &Level {
        let reach =
            |level: &&Level| level.length_s.unsigned_abs() * level.slots_max as u64 >= window_s;
        self.levels.iter().find(reach).unwrap_or(&self.levels[2])
    }

    /// A row over the last seconds before `now_s`, in the finest slots that reach so far back.
    pub(super) fn strip(&self, row: usize, of: Measure, window_s: u64, now_s: i64) -> Strip {
        let level = self.level(window_s);
        let first = now_s.saturating_sub_unsigned(window_s);
        let slots = level.slots.iter().filter(|slot| slot.at_s >= first);
        let (at_s, slots) =
            slots.map(|slot| (slot.at_s, slot.rows[row][index(of)].clone())).unzip();
        Strip { at_s, length_s: level.length_s, slots }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use paperwire_core::event::Seq;
    use paperwire_core::time::HostNs;

    #[test]
    fn seconds_become_longer_slots_and_the_session_and_old_ones_go() {
        let mut tails = Tails::new(["a", "b"].map(str::to_owned).into_iter());
        let row = tails.find("b").unwrap();
        for second in 0..2_000i64 {
            let mut bank = Bank::new(&[], 2);
            let (from, to) =
                (HostNs::new(1_000), HostNs::new(1_000 + 100 * (1 + second.unsigned_abs() % 3)));
            bank.call(1, Seq(1), HostNs::new(0), from, to);
            tails.take(1_000_000 + second, &Tails::pack(&bank));
        }
        let now_s = 1_002_000;
        assert_eq!(tails.total(row, Measure::Service).count(), 2_000);
        for (window, length, slots) in
            [(60, 1, 60), (600, 1, 600), (1_000, 10, 100), (9_000, 60, 34)]
        {
            let strip = tails.strip(row, Measure::Service, window, now_s);
            assert_eq!((strip.length_s, strip.slots.len()), (length, slots), "window {window}");
            assert!(strip.sum().at(0.5).abs_diff(200) <= 4, "window {window}");
        }
        assert!(tails.strip(0, Measure::Service, 60, now_s).slots.iter().all(Packed::is_empty));
        assert_eq!(tails.total(row, Measure::Response).at(1.0), 1_300);
    }
}
