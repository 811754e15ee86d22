//! A whole table from the parts of one run, which was not repeated: what it says holds for that run.
//!
//! The window is cut into twenty contiguous parts of equal length. Leaving one out at a time (Tukey's
//! jackknife) gives twenty pseudo-values, and their spread the interval. Parts that follow each other are no
//! repetitions: their correlation widens the interval, and beyond a half nothing is said.

use paperwire_core::random::ln;

use super::estimate::{Estimate, Interval};
use super::judge::{Reading, Row};
use super::number::float;
use super::packed::{Grain, Sum};
use super::percentile::{PERCENTILES, Percentile};
use super::student;
use super::verdict::{self, Rules, Seen, Verdict};

/// Parts of a window.
pub const PARTS: usize = 20;
/// Observations beyond a percentile of each strategy.
const BEYOND_MIN: u64 = 400;
/// Correlation of neighbouring parts beyond which they are no repetitions.
const CORRELATION_MAX: f64 = 0.5;
/// Correlation that is reckoned with at most.
const CORRELATION_BOUND: f64 = 0.9;

/// Judges every percentile from the histograms of A and B in each part.
///
/// # Panics
/// Unless there are [`PARTS`] of them.
pub fn table(parts: &[[Sum; 2]], grain: Grain, rules: &Rules) -> Vec<Row> {
    assert_eq!(parts.len(), PARTS, "a window has as many parts");
    let mut whole = [Sum::default(), Sum::default()];
    for part in parts {
        whole.iter_mut().zip(part).for_each(|(whole, part)| whole.merge(part));
    }
    let all = Reading::of(&whole, grain, rules.step_ns);
    let theta = logs(&all);
    let without = |part: &[Sum; 2]| {
        let rest = [0, 1].map(|arm| whole[arm].without(&part[arm]));
        logs(&Reading::of(&rest, grain, rules.step_ns))
    };
    let without: Option<Vec<_>> = theta.and_then(|_| parts.iter().map(without).collect());
    let calls = all.counts.into_iter().min().unwrap_or(0);
    let one = |(at, percentile): (usize, &Percentile)| {
        let missing = percentile.sample_min(BEYOND_MIN).saturating_sub(calls);
        let row = Row::empty(*percentile, Verdict::FewCalls(missing.max(1)));
        let (Some(ns), Some(theta)) = (all.ns, theta) else { return row };
        let row = Row { ns: Some(ns.map(|ns| ns[at])), log_ratio: Some(theta[at]), ..row };
        if missing > 0 {
            return row;
        }
        let Some(without) = &without else { return Row { verdict: Verdict::Dependent, ..row } };
        let pseudo = without
            .iter()
            .map(|of| float(PARTS as u64) * theta[at] - float(PARTS as u64 - 1) * of[at]);
        judge(row, theta[at], &pseudo.collect::<Vec<_>>(), rules)
    };
    Percentile::ALL.iter().enumerate().map(one).collect()
}

/// Logarithms of B over A.
fn logs(of: &Reading) -> Option<[f64; PERCENTILES]> {
    let [a, b] = of.ns?;
    Some(std::array::from_fn(|at| ln(b[at]) - ln(a[at])))
}

fn judge(row: Row, theta: f64, pseudo: &[f64], rules: &Rules) -> Row {
    let (Some(estimate), Some(ns)) = (Estimate::of(pseudo), row.ns) else { return row };
    let correlation =
        (lag_one(pseudo, estimate.mean) + 1.0 / float(PARTS as u64)).clamp(0.0, CORRELATION_BOUND);
    let deviation = estimate.deviation * ((1.0 + correlation) / (1.0 - correlation)).sqrt();
    let interval = |error: f64| {
        let t = student::quantile(1.0 - error / 2.0, estimate.freedom());
        Interval::around(theta, t * deviation / float(PARTS as u64).sqrt())
    };
    let deciding = interval(rules.cell_error());
    let seen = Seen { deciding, ns, deviation, count: PARTS };
    Row {
        each: Some(interval(rules.error)),
        deciding: Some(deciding),
        deviation: Some(deviation),
        verdict: match correlation > CORRELATION_MAX {
            true => Verdict::Dependent,
            false => verdict::judge(&seen, rules),
        },
        ..row
    }
}

/// How much neighbours have in common: their correlation.
fn lag_one(values: &[f64], mean: f64) -> f64 {
    let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
    let products = values.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean)).sum::<f64>();
    if squares > 0.0 { products / squares } else { 0.0 }
}

/// The interval of another process that gave the same: what layout adds stands in `layout`, the deviation
/// between the `processes` of an earlier comparison.
pub fn widened(row: &Row, layout: f64, processes: usize, rules: &Rules) -> Option<Interval> {
    let (log_ratio, deviation) = (row.log_ratio?, row.deviation?);
    let error = deviation / float(PARTS as u64).sqrt();
    let freedom = float(processes.min(PARTS) as u64) - 1.0;
    let t = (freedom > 0.0).then(|| student::quantile(1.0 - rules.error / 2.0, freedom))?;
    Some(Interval::around(log_ratio, t * (layout * layout + error * error).sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Packed;
    use crate::packed::bucket;

    const RULES: Rules = Rules::new(1.0, 0.1);

    /// Twenty parts of two strategies, which take about so long in each of them.
    fn parts(of: impl Fn(usize) -> [u64; 2], calls: u32) -> Vec<[Sum; 2]> {
        let part = |g: usize| {
            of(g).map(|middle| {
                let mut sum = Sum::default();
                for offset in 0..10u64 {
                    let value = middle + offset * middle / 100;
                    sum.add(&Packed::from_buckets(vec![(bucket(value), calls / 10)]));
                }
                sum
            })
        };
        (0..PARTS).map(part).collect()
    }

    #[test]
    fn a_fifth_more_work_is_seen_and_its_interval_holds_the_truth() {
        let noisy = |g: usize| [1_000 + 7 * (g as u64 * 5 % 11), 1_200 + 9 * (g as u64 * 3 % 7)];
        let rows = table(&parts(noisy, 50_000), Grain::Fine, &RULES);
        for row in &rows {
            assert_eq!(row.verdict, Verdict::Slower, "{row:?}");
        }
        let each = rows[0].each.unwrap();
        assert!(each.low < 0.175 && each.high > 0.155, "{each:?}");
        // What another process would have given is told less exactly.
        let wide = widened(&rows[0], 0.05, 30, &RULES).unwrap();
        assert!(wide.high - wide.low > 0.19 && wide.low < each.low, "{wide:?}");
        // Exchanged, it is the same backwards.
        let back = table(&parts(|g| [noisy(g)[1], noisy(g)[0]], 50_000), Grain::Fine, &RULES);
        assert!(rows.iter().zip(&back).all(|(row, back)| row.swapped() == *back));
    }

    #[test]
    fn parts_that_follow_each_other_say_nothing() {
        // B is slow in the second half of the window only.
        let rows = table(
            &parts(|g| [1_000, if g < 10 { 1_000 } else { 1_300 }], 50_000),
            Grain::Fine,
            &RULES,
        );
        assert_eq!(rows[0].verdict, Verdict::Dependent, "{:?}", rows[0]);
    }

    #[test]
    fn four_hundred_calls_beyond_are_asked_for() {
        let rows = table(&parts(|_| [1_000, 1_200], 1_000), Grain::Fine, &RULES);
        let verdicts: Vec<Verdict> = rows.iter().map(|row| row.verdict).collect();
        assert_eq!(verdicts[2..], [Verdict::FewCalls(20_000), Verdict::FewCalls(380_000)]);
        assert_eq!(rows[3].deciding, None);
    }
}
