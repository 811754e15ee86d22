//! What may be said of B against A at one percentile, and how much is missing where nothing may.
//!
//! "No difference" is an equivalence: the interval has to lie inside of what is looked for. It is never the
//! absence of a finding.

use super::estimate::Interval;
use super::number::float;
use super::student;

/// Cells of a table: four percentiles of service and of response.
pub const CELLS: u32 = 8;
/// A tenth, unless something else is looked for.
pub const DETECT: f64 = 0.1;
/// Repetitions beyond which a difference is too close to tell.
const NEEDED_MAX: f64 = 300.0;
/// A difference of the size that is looked for is found in this share of all measurements.
const FOUND: f64 = 0.95;

/// How to judge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Smallest difference that the clock can show, in nanoseconds. It is a rule and widens no interval.
    pub step_ns: f64,
    /// The difference that is looked for, as a share.
    pub detect: f64,
    /// Error rate of a whole table.
    pub error: f64,
}

impl Rules {
    /// For a clock of this step and a difference of this share.
    pub const fn new(step_ns: f64, detect: f64) -> Self {
        Self { step_ns, detect, error: 0.05 }
    }

    /// Error rate of one cell, so that the whole table keeps its own (Bonferroni).
    pub fn cell_error(&self) -> f64 {
        self.error / f64::from(CELLS)
    }
}

/// What can be said of B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A strategy differs from itself here, so a difference from another one means nothing.
    Withheld,
    /// Too few calls lie beyond the percentile; so many more are missing.
    FewCalls(u64),
    /// B takes longer.
    Slower,
    /// B takes less time.
    Faster,
    /// Whatever difference there is, it is smaller than what is looked for.
    NoDifference,
    /// No reasonable number of repetitions would tell.
    TooClose,
    /// About so many more repetitions would tell.
    NotEnough(u64),
    /// The parts of a run follow each other, so they are no repetitions.
    Dependent,
}

impl Verdict {
    /// What can be said of A.
    #[must_use]
    pub const fn negated(self) -> Self {
        match self {
            Self::Slower => Self::Faster,
            Self::Faster => Self::Slower,
            same => same,
        }
    }
}

/// What was seen of a cell that may be judged.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    /// The interval that decides.
    pub deciding: Interval,
    /// Times of A and B in nanoseconds.
    pub ns: [f64; 2],
    /// Standard deviation between repetitions.
    pub deviation: f64,
    /// Number of repetitions.
    pub count: usize,
}

/// Judges a cell.
pub fn judge(seen: &Seen, rules: &Rules) -> Verdict {
    let [a, b] = seen.ns;
    let wanted = rules.detect.ln_1p();
    if seen.deciding.excludes_zero() && (b - a).abs() > rules.step_ns {
        return if seen.deciding.low > 0.0 { Verdict::Slower } else { Verdict::Faster };
    }
    if seen.deciding.low > -wanted && seen.deciding.high < wanted {
        return Verdict::NoDifference;
    }
    let needed = needed(seen, rules);
    if rules.step_ns > rules.detect * a.min(b) || needed > NEEDED_MAX {
        return Verdict::TooClose;
    }
    Verdict::NotEnough(one_digit(needed - float(seen.count as u64)))
}

/// Repetitions of which nearly all measurements find what is looked for.
fn needed(seen: &Seen, rules: &Rules) -> f64 {
    let freedom = float(seen.count as u64) - 1.0;
    let decides = student::quantile(1.0 - rules.cell_error() / 2.0, freedom);
    let finds = student::quantile(FOUND, freedom);
    let root = (decides + finds) * seen.deviation / rules.detect.ln_1p();
    (root * root).ceil()
}

/// A whole number of one significant digit, rounded up, at least 1.
pub fn one_digit(number: f64) -> u64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
    let whole = number.max(1.0).ceil() as u64;
    let scale = 10u64.pow(whole.ilog10());
    whole.div_ceil(scale).saturating_mul(scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of thirty repetitions with this mean and standard deviation of the logarithm.
    fn check(a_ns: f64, mean: f64, deviation: f64, verdict: Verdict) {
        let rules = Rules::new(10.0, 0.1);
        let t = student::quantile(1.0 - rules.cell_error() / 2.0, 29.0);
        let deciding = Interval::around(mean, t * deviation / 30f64.sqrt());
        let seen = Seen { deciding, ns: [a_ns, a_ns * mean.exp()], deviation, count: 30 };
        assert_eq!(judge(&seen, &rules), verdict, "{seen:?}");
        let swapped = Seen { deciding: deciding.negated(), ns: [seen.ns[1], seen.ns[0]], ..seen };
        assert_eq!(judge(&swapped, &rules), verdict.negated(), "{swapped:?}");
    }

    #[test]
    fn the_ladder_is_climbed_in_its_order() {
        check(1_000.0, 0.2, 0.05, Verdict::Slower);
        check(1_000.0, -0.2, 0.05, Verdict::Faster);
        // Sure, and not more than a step of the clock: a fifth of 40 ns are 8.
        check(40.0, 0.18, 0.01, Verdict::TooClose);
        check(1_000.0, 0.0, 0.05, Verdict::NoDifference);
        // Sure and small: it is called by its name, not "no difference".
        check(1_000.0, 0.05, 0.01, Verdict::Slower);
        // From -0.04 to 0.14: 64 processes tell, of which 30 are there.
        check(1_000.0, 0.05, 0.16, Verdict::NotEnough(40));
        check(1_000.0, 0.05, 0.6, Verdict::TooClose);
        // A step of the clock is more than a tenth of 40 ns.
        check(40.0, 0.0, 0.2, Verdict::TooClose);
    }

    #[test]
    fn what_is_missing_has_one_digit() {
        let of = [-4.0, 0.2, 1.0, 9.1, 14.0, 20.0, 99.5, 6_778_556_181.0].map(one_digit);
        assert_eq!(of, [1, 1, 1, 10, 20, 20, 100, 7_000_000_000]);
    }
}
