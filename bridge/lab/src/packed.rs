//! Histograms as their occupied buckets, with the very bucket bounds of a three-digit HdrHistogram.
//!
//! What is kept over a long time may be [coarser](Packed::coarse): it is told apart to 0.8 %, below 256 ns to
//! the nanosecond, and takes a fifth of the memory.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::number::float;
use crate::percentile::Cell;

/// Values below this have a bucket each.
const FINE: u64 = 2048;
/// Buckets of each doubling above.
const HALF: u64 = FINE / 2;
const FINE_BITS: u32 = 10;
/// Binary digits after the first of a coarse bucket.
const COARSE_BITS: u32 = 7;

/// How finely a histogram tells values apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grain {
    /// As it was recorded: three digits.
    Fine,
    /// As [`Packed::coarse`] keeps it.
    Coarse,
}

/// Number of the bucket of a value.
///
/// # Panics
/// For a latency of more than an hour, which no histogram records.
pub fn bucket(value: u64) -> u16 {
    let shift = value.max(1).ilog2().saturating_sub(FINE_BITS);
    let number = match shift {
        0 => value,
        _ => u64::from(shift) * HALF + (value >> shift),
    };
    u16::try_from(number).expect("a latency of at most an hour has a small bucket")
}

/// Lowest and highest value of a bucket.
pub fn bounds(bucket: u16) -> (u64, u64) {
    let number = u64::from(bucket);
    if number < FINE {
        return (number, number);
    }
    let shift = number / HALF - 1;
    let low = (number - shift * HALF) << shift;
    (low, low + (1 << shift) - 1)
}

/// Lowest value of the coarse bucket that this one is part of, and how many values it holds.
fn coarse_span(fine: u16) -> (u64, u64) {
    let (low, _) = bounds(fine);
    let shift = low.max(1).ilog2().saturating_sub(COARSE_BITS);
    ((low >> shift) << shift, 1 << shift)
}

/// The bucket at the middle of the coarser one that this one is part of.
fn coarse(fine: u16) -> u16 {
    let (low, width) = coarse_span(fine);
    bucket(low + (width >> 1))
}

/// The values that a bucket stands for, as a cell that is centred on them.
fn cell(bucket: u16, count: u64, grain: Grain) -> Cell {
    let (low, width) = match grain {
        Grain::Fine => {
            let (low, high) = bounds(bucket);
            (low, high - low + 1)
        }
        Grain::Coarse => coarse_span(bucket),
    };
    let width = float(width);
    Cell { middle: float(low) + (width - 1.0) / 2.0, width, count }
}

/// The occupied buckets of a histogram, rising.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Packed(Vec<(u16, u32)>);

impl Packed {
    /// The occupied buckets of an HdrHistogram.
    pub fn of(histogram: &Histogram<u32>) -> Self {
        let recorded = histogram.iter_recorded();
        Self(recorded.map(|of| (bucket(of.value_iterated_to()), of.count_at_value())).collect())
    }

    /// Buckets with their counts, which rise.
    pub fn from_buckets(buckets: Vec<(u16, u32)>) -> Self {
        debug_assert!(buckets.is_sorted_by(|a, b| a.0 < b.0));
        Self(buckets)
    }

    /// Its buckets with their counts, rising.
    pub fn buckets(&self) -> &[(u16, u32)] {
        &self.0
    }

    /// The same in a fifth of the memory.
    #[must_use]
    pub fn coarse(&self) -> Self {
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

    /// Adds everything of `other`.
    pub fn merge(&mut self, other: &Self) {
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

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| u64::from(*count)).sum()
    }

    /// Whether it holds no observation.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The sum of many histograms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sum(BTreeMap<u16, u64>);

impl Sum {
    /// Adds a histogram.
    pub fn add(&mut self, of: &Packed) {
        for (bucket, count) in &of.0 {
            *self.0.entry(*bucket).or_default() += u64::from(*count);
        }
    }

    /// Adds another sum.
    pub fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.0 {
            *self.0.entry(*bucket).or_default() += count;
        }
    }

    /// What is left when a part is taken off again.
    ///
    /// # Panics
    /// If `part` was never added.
    #[must_use]
    pub fn without(&self, part: &Self) -> Self {
        let mut left = self.clone();
        for (bucket, count) in &part.0 {
            let of = left.0.get_mut(bucket).expect("a part is inside of the whole");
            *of -= count;
        }
        left.0.retain(|_, count| *count > 0);
        left
    }

    /// Takes one observation off again, where it was counted.
    pub fn remove(&mut self, value: u64) {
        if let Some(count) = self.0.get_mut(&bucket(value)) {
            *count = count.saturating_sub(1);
        }
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.0.values().sum()
    }

    /// The value that a share of the observations does not exceed, as an HdrHistogram gives it.
    pub fn at(&self, share: f64) -> u64 {
        self.all(&[share])[0]
    }

    /// The same for rising shares in one pass.
    pub fn all(&self, shares: &[f64]) -> Vec<u64> {
        let count = self.count();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of a count"
        )]
        let ranks = shares
            .iter()
            .map(|share| ((share * float(count)).ceil() as u64).clamp(1, count.max(1)));
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

    /// The highest value of each bucket, and how many observations it holds.
    pub fn pairs(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.0.iter().map(|(bucket, count)| (bounds(*bucket).1, *count))
    }

    /// What its buckets stand for.
    pub fn cells(&self, grain: Grain) -> impl Iterator<Item = Cell> + '_ {
        self.0.iter().map(move |(bucket, count)| cell(*bucket, *count, grain))
    }
}

#[cfg(test)]
mod tests {
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
                let middle = bounds(coarse(bucket(*value)));
                let middle = middle.0 + (middle.1 - middle.0) / 2;
                prop_assert!(middle.abs_diff(*value) * 128 <= *value, "{} for {}", middle, value);
                // A cell holds the values that it stands for, and a coarse bucket stays in its cell.
                for (bucket, grain) in [(bucket(*value), Grain::Fine), (bucket(*value), Grain::Coarse),
                    (coarse(bucket(*value)), Grain::Coarse)]
                {
                    let of = cell(bucket, 1, grain);
                    prop_assert!((of.middle - float(*value)).abs() <= of.width / 2.0, "{of:?} for {value}");
                }
            }
        }

        #[test]
        fn merging_is_adding_and_taking_off_undoes_it(
            a in prop::collection::vec(1u64..1_000_000, 0..50), b in prop::collection::vec(1u64..1_000_000, 0..50)
        ) {
            let pack = |of: &[u64]| {
                let mut histogram: Histogram<u32> = Histogram::new_with_bounds(1, 60_000_000_000, 3).unwrap();
                of.iter().for_each(|value| histogram.record(*value).unwrap());
                Packed::of(&histogram)
            };
            let mut merged = pack(&a);
            merged.merge(&pack(&b));
            prop_assert_eq!(&merged, &pack(&[&a[..], &b[..]].concat()));
            let sum = |of: &Packed| {
                let mut sum = Sum::default();
                sum.add(of);
                sum
            };
            prop_assert_eq!(sum(&merged).without(&sum(&pack(&b))), sum(&pack(&a)));
        }
    }
}
