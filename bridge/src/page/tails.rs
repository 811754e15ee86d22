//! Latencies over time in bounded memory: the last ten minutes by the second, the last hour by ten seconds, a day by
//! the minute, and the whole session.
//!
//! A histogram is kept as its occupied buckets, with the very bucket bounds of a three-digit HdrHistogram, so that the
//! session's sums are exact. What is kept over time is told apart to 0.8 % (below 256 ns to the nanosecond): it takes a
//! fifth of the memory, and no comparison claims less than that.

use std::collections::{BTreeMap, VecDeque};

use hdrhistogram::Histogram;
use paperwire_core::latency::{Bank, Pair, Stage};
use paperwire_dashboard::source::Measure;
use paperwire_dashboard::view::LatencyNs;

/// Values below this have a bucket each.
const FINE: u64 = 2048;
/// Buckets of each doubling above.
const HALF: u64 = FINE / 2;
const FINE_BITS: u32 = 10;
/// Binary digits after the first of what is kept over time.
const KEPT_BITS: u32 = 7;

/// Number of the bucket of a value.
fn bucket(value: u64) -> u16 {
    let shift = value.max(1).ilog2().saturating_sub(FINE_BITS);
    let number = match shift {
        0 => value,
        _ => u64::from(shift) * HALF + (value >> shift),
    };
    u16::try_from(number).expect("a latency of at most an hour has a small bucket")
}

/// Lowest and highest value of a bucket.
fn bounds(bucket: u16) -> (u64, u64) {
    let number = u64::from(bucket);
    if number < FINE {
        return (number, number);
    }
    let shift = number / HALF - 1;
    let low = (number - shift * HALF) << shift;
    (low, low + (1 << shift) - 1)
}

/// The bucket at the middle of the coarser one that this one is part of: [`KEPT_BITS`] binary digits.
fn coarse(fine: u16) -> u16 {
    let (low, _) = bounds(fine);
    let shift = low.max(1).ilog2().saturating_sub(KEPT_BITS);
    bucket(((low >> shift) << shift) + ((1 << shift) >> 1))
}

/// The occupied buckets of a histogram, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Packed(Vec<(u16, u32)>);

impl Packed {
    fn of(histogram: &Histogram<u32>) -> Self {
        let recorded = histogram.iter_recorded();
        Self(recorded.map(|of| (bucket(of.value_iterated_to()), of.count_at_value())).collect())
    }

    fn coarse(&self) -> Self {
        let mut kept: Vec<(u16, u32)> = Vec::new();
        for (fine, count) in &self.0 {
            let bucket = coarse(*fine);
            match kept.last_mut().filter(|(last, _)| *last == bucket) {
                Some((_, sum)) => *sum = sum.saturating_add(*count),
                None => kept.push((bucket, *count)),
            }
        }
        kept.shrink_to_fit();
        Self(kept)
    }

    fn merge(&mut self, other: &Self) {
        let mut merged: Vec<(u16, u32)> = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut mine, mut theirs) =
            (self.0.iter().copied().peekable(), other.0.iter().copied().peekable());
        loop {
            let next = match (mine.peek(), theirs.peek()) {
                (Some(a), Some(b)) if a.0 <= b.0 => mine.next(),
                (_, Some(_)) => theirs.next(),
                (Some(_), None) => mine.next(),
                (None, None) => break,
            };
            let (bucket, count) = next.expect("it was seen");
            match merged.last_mut() {
                Some((last, sum)) if *last == bucket => *sum = sum.saturating_add(count),
                _ => merged.push((bucket, count)),
            }
        }
        merged.shrink_to_fit();
        self.0 = merged;
    }

    /// Value at the middle of each bucket, and how often.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(bucket, count)| {
            let (low, high) = bounds(*bucket);
            (low + (high - low).div_ceil(2), u64::from(*count))
        })
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Sums of many histograms.
#[derive(Clone, Debug, Default)]
pub(super) struct Sum(BTreeMap<u16, u64>);

impl Sum {
    pub(super) fn add(&mut self, of: &Packed) {
        for (bucket, count) in &of.0 {
            *self.0.entry(*bucket).or_default() += u64::from(*count);
        }
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            *self.0.entry(*bucket).or_default() += count;
        }
    }

    /// Takes a value off again, where it was counted.
    pub(super) fn remove(&mut self, value: u64) {
        if let Some(count) = self.0.get_mut(&bucket(value)) {
            *count = count.saturating_sub(1);
        }
    }

    pub(super) fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The value that a share of the observations does not exceed, as an HdrHistogram gives it.
    pub(super) fn at(&self, share: f64) -> u64 {
        self.all(&[share])[0]
    }

    /// The same for rising shares in one pass.
    pub(super) fn all(&self, shares: &[f64]) -> Vec<u64> {
        let count = self.count();
        #[expect(clippy::cast_precision_loss, reason = "counts of a session")]
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let ranks = shares
            .iter()
            .map(|share| ((share * count as f64).ceil() as u64).clamp(1, count.max(1)));
        let mut buckets = self.0.iter();
        let (mut below, mut value) = (0, 0);
        let reach = |rank: u64| {
            while below < rank {
                let Some((bucket, count)) = buckets.next() else { break };
                below += count;
                if *count > 0 {
                    value = bounds(*bucket).1;
                }
            }
            value
        };
        ranks.map(reach).collect()
    }

    pub(super) fn summary(&self) -> LatencyNs {
        let all = self.all(&[0.5, 0.9, 0.99, 0.999, 0.9999, 1.0]);
        let &[p50, p90, p99, p999, p9999, max] = &all[..] else { unreachable!("as many as asked") };
        LatencyNs { count: self.count(), p50, p90, p99, p999, p9999, max }
    }

    pub(super) fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(bucket, count)| (bounds(*bucket).1, *count))
    }
}

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
    use paperwire_core::event::Seq;
    use paperwire_core::time::HostNs;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn buckets_are_those_of_the_histogram(values in prop::collection::vec(1u64..3_600_000_000_000, 1..60)) {
            let mut histogram: Histogram<u32> = Histogram::new_with_bounds(1, 3_600_000_000_000, 3).unwrap();
            let mut sum = Sum::default();
            for value in &values {
                histogram.record(*value).unwrap();
                let (low, high) = bounds(bucket(*value));
                prop_assert_eq!((low, high), (histogram.lowest_equivalent(*value), histogram.highest_equivalent(*value)));
            }
            sum.add(&Packed::of(&histogram));
            for share in [0.5, 0.9, 0.99, 1.0] {
                prop_assert_eq!(sum.at(share), histogram.value_at_quantile(share));
            }
            for value in &values {
                let (low, high) = bounds(coarse(bucket(*value)));
                let middle = low + (high - low) / 2;
                prop_assert!(middle.abs_diff(*value) * 128 <= *value, "{} for {}", middle, value);
            }
        }

        #[test]
        fn merging_is_adding(a in prop::collection::vec(1u64..1_000_000, 0..50), b in prop::collection::vec(1u64..1_000_000, 0..50)) {
            let pack = |of: &[u64]| {
                let mut histogram: Histogram<u32> = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
                of.iter().for_each(|value| histogram.record(*value).unwrap());
                Packed::of(&histogram)
            };
            let mut merged = pack(&a);
            merged.merge(&pack(&b));
            prop_assert_eq!(merged, pack(&[a, b].concat()));
        }
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
