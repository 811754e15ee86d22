//! A whole table from repetitions. A repetition is a fresh process (or, of many tapes, a tape): layout is drawn
//! once per process, so calls of one process cannot say what another would have given.
//!
//! The control is each strategy beside itself. An interval over processes already holds what layout and host
//! do, so the control is no second margin: it shows a defect of the instrument, and withholds a cell.

use super::estimate::{Estimate, Interval};
use super::packed::{Grain, Sum};
use super::percentile::{self, PERCENTILES, Percentile};
use super::verdict::{self, Rules, Seen, Verdict};

/// Observations beyond a percentile of each strategy, in each process.
const BEYOND_MIN: u64 = 100;
/// Error rate of the interval by which the control withholds a cell.
const CONTROL_ERROR: f64 = 0.001;

/// Two strategies in one measure of one process.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Calls of A and B.
    pub counts: [u64; 2],
    /// Percentiles of A and B in nanoseconds; `None` when one was never called.
    pub ns: Option<[[f64; PERCENTILES]; 2]>,
}

impl Reading {
    /// What merged histograms of A and B say.
    pub fn of(sums: &[Sum; 2], grain: Grain, step_ns: f64) -> Self {
        let [a, b] = sums.each_ref().map(|sum| percentile::read(sum.cells(grain), step_ns));
        Self { counts: sums.each_ref().map(Sum::count), ns: a.zip(b).map(|(a, b)| [a, b]) }
    }
}

/// One percentile of one table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// The percentile.
    pub percentile: Percentile,
    /// Geometric means over the repetitions of A and B in nanoseconds.
    pub ns: Option<[f64; 2]>,
    /// Logarithm of B over A.
    pub log_ratio: Option<f64>,
    /// Where it lies, for this cell by itself.
    pub each: Option<Interval>,
    /// Where it lies, together with all other cells of the table; the one that decides.
    pub deciding: Option<Interval>,
    /// The smallest and the largest of a single repetition.
    pub range: Option<Interval>,
    /// Standard deviation between repetitions, or what stands for it.
    pub deviation: Option<f64>,
    /// A against itself and B against itself, by the interval that can withhold.
    pub control: [Option<Interval>; 2],
    /// What follows.
    pub verdict: Verdict,
}

impl Row {
    /// A row of which nothing is known yet.
    pub const fn empty(percentile: Percentile, verdict: Verdict) -> Self {
        Self {
            percentile,
            ns: None,
            log_ratio: None,
            each: None,
            deciding: None,
            range: None,
            deviation: None,
            control: [None; 2],
            verdict,
        }
    }

    /// The same with A and B exchanged: the logarithms negate to the last bit.
    #[must_use]
    pub fn swapped(self) -> Self {
        let negated = |of: Option<Interval>| of.map(Interval::negated);
        let [control_a, control_b] = self.control;
        Self {
            ns: self.ns.map(|[a, b]| [b, a]),
            log_ratio: self.log_ratio.map(|of| 0.0 - of),
            each: negated(self.each),
            deciding: negated(self.deciding),
            range: negated(self.range),
            control: [control_b, control_a],
            verdict: self.verdict.negated(),
            ..self
        }
    }
}

/// One repetition: logarithms of A and B, and their difference.
#[derive(Clone, Copy, Debug)]
struct Unit {
    logs: [[f64; PERCENTILES]; 2],
    differences: [f64; PERCENTILES],
}

impl Unit {
    fn of(reading: &Reading) -> Option<Self> {
        let logs = reading.ns?.map(|ns| ns.map(paperwire_core::random::ln));
        let differences = std::array::from_fn(|at| logs[1][at] - logs[0][at]);
        Some(Self { logs, differences })
    }

    /// Many as one.
    fn mean(units: &[Self]) -> Option<Self> {
        let mean = |of: &dyn Fn(&Self) -> f64| {
            units.iter().map(of).sum::<f64>() / super::number::float(units.len() as u64)
        };
        let at = |arm: usize| std::array::from_fn(|at| mean(&|unit| unit.logs[arm][at]));
        let differences = std::array::from_fn(|at| mean(&|unit| unit.differences[at]));
        (!units.is_empty()).then(|| Self { logs: [at(0), at(1)], differences })
    }
}

/// Repetitions of A with B; those of A with itself and of B with itself, where there are any.
#[derive(Clone, Debug, Default)]
pub struct Repetitions {
    /// By tape, its processes; one tape counts by its processes, many count by tapes.
    pub tapes: Vec<Vec<Reading>>,
    /// The same of A beside itself and of B beside itself; empty without a control.
    pub twins: [Vec<Vec<Reading>>; 2],
}

/// Judges every percentile.
pub fn table(of: &Repetitions, rules: &Rules) -> Vec<Row> {
    let units = units(&of.tapes);
    let twins = of.twins.each_ref().map(|tapes| self::units(tapes));
    let calls = of.tapes.iter().flatten().flat_map(|reading| reading.counts).min().unwrap_or(0);
    Percentile::ALL
        .iter()
        .enumerate()
        .map(|(at, percentile)| row((at, *percentile), &units, &twins, calls, rules))
        .collect()
}

/// The repetitions: processes of one tape, or tapes.
fn units(tapes: &[Vec<Reading>]) -> Vec<Unit> {
    let of = |readings: &Vec<Reading>| readings.iter().filter_map(Unit::of).collect::<Vec<_>>();
    match tapes {
        [tape] => of(tape),
        tapes => tapes.iter().filter_map(|tape| Unit::mean(&of(tape))).collect(),
    }
}

fn row(
    (at, percentile): (usize, Percentile),
    units: &[Unit],
    twins: &[Vec<Unit>; 2],
    calls: u64,
    rules: &Rules,
) -> Row {
    let missing = percentile.sample_min(BEYOND_MIN).saturating_sub(calls);
    let row = Row::empty(percentile, Verdict::FewCalls(missing.max(1)));
    let Some(mean) = Unit::mean(units) else { return row };
    let ns = mean.logs.map(|logs| paperwire_core::random::exp(logs[at]));
    let row = Row { ns: Some(ns), log_ratio: Some(mean.differences[at]), ..row };
    let differences: Vec<f64> = units.iter().map(|unit| unit.differences[at]).collect();
    let Some(estimate) = Estimate::of(&differences).filter(|_| missing == 0) else { return row };
    let control = twins.each_ref().map(|units| control(units, at, rules));
    let deciding = estimate.interval(rules.cell_error());
    let seen = Seen { deciding, ns, deviation: estimate.deviation, count: estimate.count };
    Row {
        log_ratio: Some(estimate.mean),
        each: Some(estimate.interval(rules.error)),
        deciding: Some(deciding),
        range: Some(Interval { low: estimate.least, high: estimate.most }),
        deviation: Some(estimate.deviation),
        control: control.map(|of| of.map(|(interval, _)| interval)),
        verdict: match control.iter().flatten().any(|(_, is_defect)| *is_defect) {
            true => Verdict::Withheld,
            false => verdict::judge(&seen, rules),
        },
        ..row
    }
}

/// Where a strategy lies against itself, and whether that is a difference.
fn control(units: &[Unit], at: usize, rules: &Rules) -> Option<(Interval, bool)> {
    let differences: Vec<f64> = units.iter().map(|unit| unit.differences[at]).collect();
    let interval = Estimate::of(&differences)?.interval(CONTROL_ERROR);
    let [a, b] = Unit::mean(units)?.logs.map(|logs| paperwire_core::random::exp(logs[at]));
    // The end that is next to zero, in nanoseconds of the faster one.
    let nearest = interval.low.max(0.0 - interval.high).max(0.0);
    let beyond = a.min(b) * (paperwire_core::random::exp(nearest) - 1.0);
    Some((interval, interval.excludes_zero() && beyond > rules.step_ns))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULES: Rules = Rules::new(10.0, 0.1);

    fn reading(a: f64, b: f64) -> Reading {
        Reading { counts: [200_000; 2], ns: Some([[a; PERCENTILES], [b; PERCENTILES]]) }
    }

    fn spread(count: u32, a: f64, b: f64) -> Vec<Reading> {
        (0..count).map(|r| reading(a, b * (1.0 + 0.01 * f64::from(r % 3)))).collect()
    }

    fn of(tapes: Vec<Vec<Reading>>, twins: [Vec<Vec<Reading>>; 2]) -> Row {
        table(&Repetitions { tapes, twins }, &RULES)[0]
    }

    #[test]
    fn the_quotient_of_the_columns_is_the_ratio() {
        let row = of(vec![spread(10, 1_000.0, 1_200.0)], [vec![], vec![]]);
        let [a, b] = row.ns.unwrap();
        assert!((b / a - row.log_ratio.unwrap().exp()).abs() < 1e-12, "{row:?}");
        assert_eq!(row.verdict, Verdict::Slower);
        assert_eq!(row.swapped().swapped(), row);
    }

    #[test]
    fn a_strategy_that_differs_from_itself_withholds_the_cell_and_by_a_step_does_not() {
        let tapes = || vec![spread(10, 1_000.0, 1_200.0)];
        let verdict = |twin: f64| of(tapes(), [vec![spread(10, 1_000.0, twin)], vec![]]).verdict;
        assert_eq!(verdict(1_100.0), Verdict::Withheld);
        assert_eq!(verdict(995.0), Verdict::Slower);
        let other = of(tapes(), [vec![], vec![spread(10, 1_000.0, 1_100.0)]]);
        assert_eq!((other.verdict, other.control[0]), (Verdict::Withheld, None));
    }

    #[test]
    fn a_percentile_needs_its_hundred_calls_beyond_in_each_process() {
        let mut readings = spread(10, 1_000.0, 1_200.0);
        readings[7].counts[1] = 40_000;
        let rows = table(&Repetitions { tapes: vec![readings], ..Repetitions::default() }, &RULES);
        let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts[..3], [Verdict::Slower; 3]);
        assert_eq!(verdicts[3], Verdict::FewCalls(60_000));
        assert_eq!((rows[3].deciding, rows[3].log_ratio.is_some()), (None, true));
        assert_eq!(of(vec![], [vec![], vec![]]).verdict, Verdict::FewCalls(200));
    }

    #[test]
    fn many_tapes_count_by_tapes() {
        // Within a tape processes agree; between tapes the ratio differs by far more.
        let tapes: Vec<_> =
            (0..5u32).map(|k| spread(10, 1_000.0, 1_000.0 + 90.0 * f64::from(k))).collect();
        let one = of(tapes[2..3].to_vec(), [vec![], vec![]]).each.unwrap();
        let row = of(tapes, [vec![], vec![]]);
        let all = row.each.unwrap();
        assert!(all.high - all.low > 10.0 * (one.high - one.low), "{all:?} {one:?}");
        assert!(matches!(row.verdict, Verdict::NotEnough(_)), "{row:?}");
    }

    proptest! {
        #[test]
        fn exchanged_strategies_negate_bit_for_bit(
            times in prop::collection::vec((1.0f64..1e7, 1.0f64..1e7), 2..40),
            twins in prop::collection::vec((1.0f64..1e4, 1.0f64..1e4), 0..12), many in 1usize..4
        ) {
            let readings = |of: &[(f64, f64)]| of.iter().map(|(a, b)| reading(*a, *b)).collect::<Vec<_>>();
            let exchanged = |of: &[(f64, f64)]| of.iter().map(|(a, b)| reading(*b, *a)).collect::<Vec<_>>();
            let split = |all: Vec<Reading>| all.chunks(all.len().div_ceil(many)).map(<[Reading]>::to_vec).collect();
            let control = |twins: &[(f64, f64)]| vec![readings(twins)];
            let there = Repetitions { tapes: split(readings(&times)), twins: [control(&twins), vec![]] };
            let back = Repetitions { tapes: split(exchanged(&times)), twins: [vec![], control(&twins)] };
            for (there, back) in table(&there, &RULES).into_iter().zip(table(&back, &RULES)) {
                let bits = |of: Row| {
                    let ends = [of.each, of.deciding, of.range].map(|of| of.map(|of| [of.low.to_bits(), of.high.to_bits()]));
                    (of.log_ratio.map(f64::to_bits), ends, of.ns.map(|ns| ns.map(f64::to_bits)), of.verdict)
                };
                prop_assert_eq!(bits(there.swapped()), bits(back));
            }
        }
    }
}
