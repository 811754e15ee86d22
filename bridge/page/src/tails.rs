//! Latencies over time in memory that is taken at the start: the last ten minutes by the second, the last hour by ten
//! seconds, a day by the minute, and the whole session.
//!
//! The session's sums are exact. What is kept over time is told apart to 0.8 % (below 256 ns to the nanosecond): it
//! takes a fifth of the memory, and no comparison claims less than that.

use paperwire_core::latency::Stage;
use paperwire_dashboard::source::Measure;
use paperwire_dashboard::view::LatencyNs;
use paperwire_lab::packed::{Packed, Sum};
use paperwire_run::sinks::inbox::Both;

use level::Level;

mod level;

/// Bytes of each level, which also bound how far back it reaches: a row of a second takes some 200 bytes at the usual
/// rate and 400 at eight times that, one of ten seconds and of a minute up to 900. Ten strategies and the stages are 24
/// rows of two histograms. So ten minutes by the second need some 6 MB, and at eight times that rate five to ten of them
/// fit; of an hour by ten seconds and a day by the minute fit all at the usual rate and a third to a half at eight times
/// that. What does not fit is answered from the next coarser level.
const SECONDS_LEN: usize = 10 << 20;
const TENS_LEN: usize = 8 << 20;
const MINUTES_LEN: usize = 12 << 20;

const fn index(of: Measure) -> usize {
    match of {
        Measure::Service => 0,
        Measure::Response => 1,
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
            levels: [
                Level::new(1, 600, SECONDS_LEN),
                Level::new(10, 360, TENS_LEN),
                Level::new(60, 1440, MINUTES_LEN),
            ],
        }
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

    /// The finest level that reaches so far back, else the longest.
    fn level(&self, window_s: u64, first_s: i64) -> &Level {
        let reaching = self.levels.iter().find(|level| level.reaches(window_s, first_s));
        reaching.unwrap_or(&self.levels[2])
    }

    /// A row over the last seconds before `now_s`, in the finest slots that reach so far back.
    pub(super) fn strip(&self, row: usize, of: Measure, window_s: u64, now_s: i64) -> Strip {
        let first_s = now_s.saturating_sub_unsigned(window_s);
        let level = self.level(window_s, first_s);
        let (at_s, slots) = level.row(row, index(of), first_s).into_iter().unzip();
        Strip { at_s, length_s: level.length_s, slots }
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;
    use paperwire_core::event::Seq;
    use paperwire_core::latency::Bank;
    use paperwire_core::time::HostNs;
    use paperwire_run::sinks::inbox::pack;

    use super::*;

    /// Rows of one second as a busy session makes them: so many values around `center_ns`, over three doublings.
    fn second(rows: usize, values: u64, seed: u64) -> Vec<(usize, Both)> {
        let mut random = seed;
        let mut one = || {
            let mut histogram: Histogram<u32> =
                Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
            for _ in 0..values {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let shift = (random >> 60) % 4;
                histogram.record((500 << shift) + (random >> 33) % (500 << shift)).unwrap();
            }
            Packed::of(&histogram)
        };
        (0..rows).map(|row| (row, [one(), one()])).collect()
    }

    #[test]
    fn memory_is_that_of_the_start_and_what_does_not_fit_is_answered_more_coarsely() {
        let mut level = Level::new(1, 600, 1_000_000);
        let bytes = level.bytes().0;
        let rows = second(24, 500, 7);
        (0..2_000).for_each(|at_s| level.take(at_s, 24, &rows));
        assert_eq!(level.bytes().0, bytes);
        assert!(level.bytes().1 < bytes, "what is written at once is a part of it");
        let kept = level.row(3, 1, 0);
        assert!(kept.len() > 3 && kept.len() < 100, "{} seconds", kept.len());
        assert!(kept.iter().all(|(_, packed)| *packed == rows[3].1[1]), "what is kept is whole");
        let first_s = kept[0].0;
        assert!(level.reaches(300, first_s) && !level.reaches(300, first_s - 1));
        assert!(!level.reaches(601, 1_999), "there are six hundred slots");
        // A slot that is larger than all of it is left out, and the next one is kept again.
        let mut small = Level::new(1, 600, 8_000);
        small.take(0, 24, &rows);
        small.take(1, 24, &rows[..1]);
        small.take(2, 24, &rows[..1]);
        assert_eq!(small.row(0, 0, 0).iter().map(|slot| slot.0).collect::<Vec<_>>(), [1, 2]);
        assert!(small.row(5, 0, 0).iter().all(|(_, packed)| packed.is_empty()));
    }

    #[test]
    fn ten_strategies_fit_their_ten_minutes_at_the_usual_rate() {
        let mut tails = Tails::new((0..10).map(|name| format!("s{name}")));
        let rows = tails.names().len();
        // What a second of 87 frames is: each frame once in each row.
        let fresh = second(rows, 87, 1);
        (0..700).for_each(|at_s| tails.take(at_s, &fresh));
        let strip = tails.strip(rows - 1, Measure::Response, 600, 699);
        assert_eq!((strip.length_s, strip.slots.len()), (1, 600));
    }

    #[test]
    fn seconds_become_longer_slots_and_the_session_and_old_ones_go() {
        let mut tails = Tails::new(["a", "b"].map(str::to_owned).into_iter());
        let row = tails.find("b").unwrap();
        for second in 0..2_000i64 {
            let mut bank = Bank::new(&[], 2);
            let (from, to) =
                (HostNs::new(1_000), HostNs::new(1_000 + 100 * (1 + second.unsigned_abs() % 3)));
            bank.call(1, Seq(1), HostNs::new(0), from, to);
            tails.take(1_000_000 + second, &pack(&bank));
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
