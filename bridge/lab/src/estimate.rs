//! Mean and interval over repetitions: the interval comes from the highest level that is repeated
//! (Kalibera and Jones 2013), and nothing below it is taken for independent.

use super::number::float;
use super::student;

/// From where to where something lies. In logarithms of ratios, unless said otherwise.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// This far on both sides.
    pub const fn around(middle: f64, half: f64) -> Self {
        Self { low: middle - half, high: middle + half }
    }

    /// That of the inverse ratio: exact, as negation is.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self { low: 0.0 - self.high, high: 0.0 - self.low }
    }

    /// Whether it lies wholly on one side of zero.
    pub const fn excludes_zero(self) -> bool {
        self.low > 0.0 || self.high < 0.0
    }
}

/// What repetitions of one measurement came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Number of repetitions.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with divisor `count - 1`.
    pub deviation: f64,
    /// The smallest.
    pub least: f64,
    /// The largest.
    pub most: f64,
}

impl Estimate {
    /// Of at least two repetitions.
    pub fn of(values: &[f64]) -> Option<Self> {
        if values.len() < 2 {
            return None;
        }
        let count = float(values.len() as u64);
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean) * (value - mean)).sum();
        Some(Self {
            count: values.len(),
            mean,
            deviation: (squares / (count - 1.0)).sqrt(),
            least: values.iter().copied().fold(f64::INFINITY, f64::min),
            most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        })
    }

    /// Degrees of freedom.
    pub const fn freedom(&self) -> f64 {
        float(self.count as u64) - 1.0
    }

    /// Where the mean lies but for `error` of all measurements, by Student's t.
    pub fn interval(&self, error: f64) -> Interval {
        let t = student::quantile(1.0 - error / 2.0, self.freedom());
        Interval::around(self.mean, t * self.deviation / float(self.count as u64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_of_five_has_the_interval_of_the_textbook() {
        let of = Estimate::of(&[1.0, 2.0, 3.0, 4.0, 5.0]).unwrap();
        assert!((of.mean - 3.0).abs() < 1e-12 && (of.deviation - 2.5f64.sqrt()).abs() < 1e-12);
        // 2.776445 * sqrt(2.5 / 5)
        let Interval { low, high } = of.interval(0.05);
        assert!((high - 3.0 - 1.963_243).abs() < 1e-5 && (low + high - 6.0).abs() < 1e-12);
        assert_eq!(Estimate::of(&[1.0]), None);
    }
}
