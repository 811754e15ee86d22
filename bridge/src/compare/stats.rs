//! Is B slower than A at a percentile, or does it only look so? Values in, verdicts out: no I/O, no clock.
//!
//! * The unit is a block (a second of the session): ticks come in bursts and are not independent, so
//!   whole blocks are drawn with replacement, the *same* ones for A, B and the control. What the host did
//!   to a second, it did to all three, and it cancels in the ratio.
//! * The control is a second instance of A. Its ratio to A is what this machine makes of no difference at
//!   all: the floor. A difference is claimed only when the interval of B/A lies wholly outside of it.
//! * Percentiles come from merged histograms; they are never averaged.
//! * One interval is of 95 %, but a table has [`CELLS`] of them. Verdicts use the wider interval by
//!   Bonferroni's rule, so that 95 % holds for the whole table.
//! * That nothing was detected is worth saying only where something would have been: `power` asks how large
//!   a difference had to be, and how much longer a session shows the one that was asked for.
//! * What the clock cannot tell apart is no difference: every interval is widened by one step of it.

mod power;

use std::borrow::Cow;

use hdrhistogram::Histogram;
use paperwire_core::random::Rng;

use power::Power;

/// Strategies of a comparison: A, B, and the second instance of A.
pub const ARMS: usize = 3;
/// Index of A.
pub const A: usize = 0;
/// Index of B.
pub const B: usize = 1;
/// Index of the control.
pub const CONTROL: usize = 2;

/// Cells of a table: four percentiles of service and of response.
pub const CELLS: u32 = 2 * 4;

/// Longer sessions are cut into as many blocks by joining neighbours: it bounds the work, and longer
/// blocks forgive more dependence between neighbours.
pub const BLOCKS_MAX: usize = 240;

/// A percentile, in thousandths so that counting beyond it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quantile {
    /// As people write it.
    pub name: &'static str,
    per_mille: u64,
}

impl Quantile {
    /// Those of every table.
    pub const ALL: [Self; 4] = [
        Self { name: "p50", per_mille: 500 },
        Self { name: "p90", per_mille: 900 },
        Self { name: "p99", per_mille: 990 },
        Self { name: "p99.9", per_mille: 999 },
    ];

    /// Rank of the value among `count`, from 1.
    const fn rank(self, count: u64) -> u64 {
        let rank = (count * self.per_mille).div_ceil(1000);
        if rank == 0 { 1 } else { rank }
    }

    /// Smallest sample with `beyond` observations beyond this percentile.
    const fn sample_min(self, beyond: u64) -> u64 {
        (beyond * 1000).div_ceil(1000 - self.per_mille)
    }
}

/// A histogram without its empty buckets: value at a bucket's middle, and how often; in rising order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sparse(Vec<(u64, u64)>);

impl Sparse {
    /// The occupied buckets of an HdrHistogram.
    pub fn of(histogram: &Histogram<u32>) -> Self {
        let bucket = |value: u64| histogram.median_equivalent(value);
        let recorded = histogram.iter_recorded();
        let pairs = recorded.map(|of| (bucket(of.value_iterated_to()), of.count_at_value().into()));
        Self(pairs.collect())
    }

    /// Values in rising order, each with its count.
    pub fn from_pairs(pairs: impl Iterator<Item = (u64, u64)>) -> Self {
        Self(pairs.collect())
    }

    /// Adds everything of `other`.
    pub fn merge(&mut self, other: &Self) {
        let mut merged = Vec::with_capacity(self.0.len() + other.0.len());
        let mut theirs = other.0.as_slice();
        for &(value, count) in &self.0 {
            while let [(before, more), rest @ ..] = theirs
                && *before < value
            {
                merged.push((*before, *more));
                theirs = rest;
            }
            match theirs {
                [(same, more), rest @ ..] if *same == value => {
                    merged.push((value, count + more));
                    theirs = rest;
                }
                _ => merged.push((value, count)),
            }
        }
        merged.extend_from_slice(theirs);
        self.0 = merged;
    }

    /// Number of observations.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|(_, count)| count).sum()
    }

    /// The value that a share of the observations does not exceed; `None` without any.
    pub fn quantile(&self, quantile: Quantile) -> Option<u64> {
        let rank = quantile.rank(self.count());
        let mut below = 0;
        self.0.iter().find_map(|(value, count)| {
            below += count;
            (below >= rank).then_some(*value)
        })
    }

    /// The largest value.
    pub fn max(&self) -> Option<u64> {
        self.0.last().map(|(value, _)| *value)
    }
}

/// One block: a histogram for A, B and the control.
pub type Block = [Sparse; ARMS];

/// How to judge.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bootstrap samples.
    pub resamples: u32,
    /// Seed of the drawing.
    pub seed: u64,
    /// Smallest difference that the clock can show, in nanoseconds.
    pub clock_step_ns: u64,
    /// Error rate of a whole table.
    pub error: f64,
    /// Observations beyond a percentile, of each strategy, before anything is said of it.
    pub beyond_min: u64,
    /// Blocks before anything is said.
    pub blocks_min: u64,
    /// The difference that is looked for, as a share: "no difference detected" is said only where one of
    /// this size would have been.
    pub detect: f64,
}

/// A tenth, unless something else is looked for.
pub const DETECT: f64 = 0.1;

impl Default for Settings {
    fn default() -> Self {
        Self {
            resamples: 4000,
            seed: 1,
            clock_step_ns: 1,
            error: 0.05,
            beyond_min: 100,
            blocks_min: 30,
            detect: DETECT,
        }
    }
}

/// From where to where a ratio lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What can be said of B at a percentile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// B takes less time than A, beyond doubt and floor.
    Faster,
    /// B takes more time than A, beyond doubt and floor.
    Slower,
    /// Nothing that this sample shows and the control does not; what is looked for would have been seen.
    NoDifference,
    /// What is looked for is smaller than a step of the clock, or than what the control differs steadily:
    /// no session is long enough.
    TooCoarse,
    /// Too small a sample to say anything.
    NotEnough {
        /// Ticks that are missing, at the rate so far.
        ticks: u64,
    },
}

/// One percentile of one table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Which.
    pub quantile: Quantile,
    /// Nanoseconds of A, B and the control; `None` without observations.
    pub values: [Option<u64>; ARMS],
    /// B over A.
    pub ratio: Option<f64>,
    /// Where B/A lies, by itself; `None` when there is not enough data.
    pub interval_each: Option<Interval>,
    /// Where B/A lies, together with all other cells of the table; the one that decides.
    pub interval: Option<Interval>,
    /// What A against itself came to, widened to the same factor up and down.
    pub floor: Option<Interval>,
    /// The smallest difference, as a share, that would have been found with a certainty of 95 %.
    pub detectable: Option<f64>,
    /// What follows.
    pub verdict: Verdict,
}

/// Compares B with A at every percentile.
pub fn compare(blocks: &[Block], settings: &Settings) -> Vec<Row> {
    let counts = |arm: usize| blocks.iter().map(move |block| block[arm].count()).sum::<u64>();
    let count_min = (0..ARMS).map(counts).min().unwrap_or(0);
    let missing =
        Quantile::ALL.map(|quantile| missing(quantile, count_min, blocks.len(), settings));
    let joined = join(blocks, BLOCKS_MAX);
    let series: [Series; ARMS] = std::array::from_fn(|arm| Series::of(&joined, arm));
    let is_needed = missing.contains(&0);
    let draws = if is_needed { draw(&series, joined.len(), settings) } else { Vec::new() };
    let row = |(index, quantile): (usize, &Quantile)| {
        let values = std::array::from_fn(|arm| series[arm].whole(*quantile));
        let ratio = values[A].zip(values[B]).map(|(a, b)| float(b) / float(a).max(TIME_MIN));
        let empty = Row {
            quantile: *quantile,
            values,
            ratio,
            interval_each: None,
            interval: None,
            floor: None,
            detectable: None,
            verdict: Verdict::NotEnough { ticks: missing[index] },
        };
        if missing[index] > 0 {
            return empty;
        }
        let of = |arm: usize| draws.iter().map(move |draw| draw[arm][index]);
        let step = settings.clock_step_ns;
        let pairs = || of(A).zip(of(B));
        let mut low: Vec<f64> = pairs().map(|(a, b)| least(b, a, step)).collect();
        let mut high: Vec<f64> = pairs().map(|(a, b)| 1.0 / least(a, b, step)).collect();
        let twins = of(A).zip(of(CONTROL)).map(|(a, c)| float(c) / float(a).max(TIME_MIN));
        let mut twins: Vec<f64> = twins.collect();
        for ratios in [&mut low, &mut high, &mut twins] {
            ratios.sort_unstable_by(f64::total_cmp);
        }
        let each_error = settings.error / f64::from(CELLS);
        let interval = between(&low, &high, each_error);
        let twins = between(&twins, &twins, each_error);
        let floor = symmetric(twins);
        let point =
            |above: u64, below: u64| 1.0 / least(below, above, step) / least(above, below, step);
        let step_factor = values[A].zip(values[B]).map_or(1.0, |(a, b)| point(b, a).sqrt());
        let power = Power::of(ratio.unwrap_or(1.0), interval, twins, step_factor);
        let verdict = match judge(interval, floor) {
            Verdict::NoDifference => power.verdict(settings.detect, count_min),
            found => found,
        };
        Row {
            interval_each: Some(between(&low, &high, settings.error)),
            interval: Some(interval),
            floor: Some(floor),
            detectable: Some(power.detectable()),
            verdict,
            ..empty
        }
    };
    Quantile::ALL.iter().enumerate().map(row).collect()
}

/// Faster or slower only when the whole interval is on one side of the floor, which contains 1.
fn judge(interval: Interval, floor: Interval) -> Verdict {
    match () {
        () if interval.low > floor.high && interval.low > 1.0 => Verdict::Slower,
        () if interval.high < floor.low && interval.high < 1.0 => Verdict::Faster,
        () => Verdict::NoDifference,
    }
}

/// Ticks that are missing before a percentile may be judged.
fn missing(quantile: Quantile, count: u64, blocks: usize, settings: &Settings) -> u64 {
    let blocks = blocks as u64;
    let by_count = quantile.sample_min(settings.beyond_min).saturating_sub(count);
    // At the rate so far; without any block there is no rate, and a tick in each is the least.
    let per_block = if blocks == 0 { 1 } else { count.div_ceil(blocks).max(1) };
    let by_blocks = settings.blocks_min.saturating_sub(blocks) * per_block;
    by_count.max(by_blocks)
}

/// Joins neighbours until at most `blocks_max` are left.
fn join(blocks: &[Block], blocks_max: usize) -> Cow<'_, [Block]> {
    let group = blocks.len().div_ceil(blocks_max);
    if group <= 1 {
        return Cow::Borrowed(blocks);
    }
    blocks.chunks(group).map(sum).collect()
}

/// One block of many.
pub fn sum(blocks: &[Block]) -> Block {
    std::array::from_fn(|arm| {
        let mut sum = Sparse::default();
        blocks.iter().for_each(|block| sum.merge(&block[arm]));
        sum
    })
}

/// All blocks of one strategy, laid out so that a percentile of any mixture of them is cheap.
struct Series {
    values: Vec<u64>,
    /// For each value, one number per block: its observations up to that value.
    up_to: Vec<u64>,
    blocks: usize,
}

impl Series {
    fn of(blocks: &[Block], arm: usize) -> Self {
        let mut all = Sparse::default();
        blocks.iter().for_each(|block| all.merge(&block[arm]));
        let values: Vec<u64> = all.0.into_iter().map(|(value, _)| value).collect();
        let mut up_to = vec![0; values.len() * blocks.len()];
        for (index, block) in blocks.iter().enumerate() {
            let mut below = 0;
            let mut counts = block[arm].0.iter().peekable();
            for (value, cell) in values.iter().zip(up_to[index..].iter_mut().step_by(blocks.len()))
            {
                below += counts.next_if(|(of, _)| of == value).map_or(0, |(_, count)| *count);
                *cell = below;
            }
        }
        Self { values, up_to, blocks: blocks.len() }
    }

    /// Observations up to the value of `row` when each block counts as often as its weight says.
    fn below(&self, row: usize, weights: &[(usize, u64)]) -> u64 {
        let row = &self.up_to[row * self.blocks..][..self.blocks];
        weights.iter().map(|&(block, weight)| row[block] * weight).sum()
    }

    /// Row of a percentile, looked for around `near`, where it is in the sample itself.
    fn find(&self, quantile: Quantile, weights: &[(usize, u64)], near: usize) -> usize {
        let last = self.values.len() - 1;
        let rank = quantile.rank(self.below(last, weights));
        let is_reached = |row: usize| self.below(row, weights) >= rank;
        // In ever longer strides to where it is `reached` and `rest` rows below it may be, too.
        let (mut reached, mut rest, mut stride) = (near, near, 1);
        if is_reached(near) {
            while rest > 0 {
                let next = stride.min(rest);
                if !is_reached(reached - next) {
                    rest = next - 1;
                    break;
                }
                reached -= next;
                rest -= next;
                stride *= 2;
            }
        } else {
            loop {
                let next = stride.min(last - reached);
                reached += next;
                // The last row reaches every rank.
                if reached == last || is_reached(reached) {
                    rest = next - 1;
                    break;
                }
                stride *= 2;
            }
        }
        while rest > 0 {
            let half = rest.div_ceil(2);
            if is_reached(reached - half) {
                reached -= half;
                rest -= half;
            } else {
                rest = half - 1;
            }
        }
        reached
    }

    fn row(&self, quantile: Quantile) -> Option<usize> {
        let weights: Vec<(usize, u64)> = (0..self.blocks).map(|block| (block, 1)).collect();
        (!self.values.is_empty()).then(|| self.find(quantile, &weights, self.values.len() / 2))
    }

    fn whole(&self, quantile: Quantile) -> Option<u64> {
        self.row(quantile).map(|row| self.values[row])
    }
}

/// The percentiles of one bootstrap sample, by strategy.
type Draw = [[u64; Quantile::ALL.len()]; ARMS];

/// Draws blocks with replacement, the same ones for every strategy.
fn draw(series: &[Series; ARMS], blocks: usize, settings: &Settings) -> Vec<Draw> {
    let mut rng = Rng::new(settings.seed);
    let near = series.each_ref().map(|of| Quantile::ALL.map(|quantile| of.row(quantile)));
    let mut times = vec![0u64; blocks];
    let mut weights: Vec<(usize, u64)> = Vec::with_capacity(blocks);
    let one = |_| {
        times.fill(0);
        for _ in 0..blocks {
            times[rng.below(blocks)] += 1;
        }
        weights.clear();
        weights.extend(times.iter().copied().enumerate().filter(|(_, times)| *times > 0));
        std::array::from_fn(|arm| {
            std::array::from_fn(|index| {
                let of = &series[arm];
                let near = near[arm][index].expect("a sample that is large enough is not empty");
                of.values[of.find(Quantile::ALL[index], &weights, near)]
            })
        })
    };
    (0..settings.resamples).map(one).collect()
}

/// No time is taken for shorter, so that a ratio is always finite: a quarter of the histograms' unit.
const TIME_MIN: f64 = 0.25;

/// The smallest ratio that two readings allow: each may be off by half of what is told apart at its size.
fn least(above: u64, below: u64, step: u64) -> f64 {
    let half = |value: u64| float(bucket_width(value).max(step)) / 2.0;
    (float(above) - half(above)).max(TIME_MIN) / (float(below) + half(below))
}

/// Width of a three-digit HdrHistogram's bucket: 2048 of them before it doubles.
const fn bucket_width(value: u64) -> u64 {
    match value.checked_ilog2() {
        Some(log) if log > 10 => 1 << (log - 10),
        _ => 1,
    }
}

/// The middle of sorted ratios, with `error` outside of it, half on each side.
fn between(low: &[f64], high: &[f64], error: f64) -> Interval {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small share")]
    let outside = (error / 2.0 * float(low.len() as u64)) as usize;
    Interval { low: low[outside], high: high[high.len() - 1 - outside] }
}

/// The same factor up and down: swapping the two must not change what is believed.
fn symmetric(of: Interval) -> Interval {
    let factor = of.high.max(1.0 / of.high).max(of.low).max(1.0 / of.low);
    Interval { low: 1.0 / factor, high: factor }
}

#[expect(clippy::cast_precision_loss, reason = "nanoseconds and counts of a session")]
pub(super) fn float(of: u64) -> f64 {
    of as f64
}

#[cfg(test)]
mod tests;
