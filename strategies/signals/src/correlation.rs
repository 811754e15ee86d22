//! How alike two markets move: Pearson's correlation of their aligned simple returns.
//!
//! The caller brings both closes of the same interval together. A window in which one of the two did
//! not move has no correlation; other sources skip or zero it. Returns lie around zero, so sums of their
//! products serve as they are; where they nearly cancel, the window is walked instead. Unit: none, -1 to 1.

use paperwire_core::fixed_ring::FixedRing;

use crate::slope::Slope;
use crate::window::WindowSum;

/// Below this share of the squares a sum of squared distances has lost half of its digits.
const DOUBT: f64 = 1e-6;
/// Below this share it is rounding.
const ROUNDING: f64 = 1e-24;

/// Pearson's correlation of the newest pairs.
#[derive(Debug)]
pub struct Correlation {
    /// Of x, y, x^2, y^2, x y.
    sums: WindowSum<5>,
    pairs: FixedRing<(f64, f64)>,
}

impl Correlation {
    /// Over `period` pairs.
    pub fn new(period: usize) -> Self {
        assert!(period > 1, "one pair has no correlation");
        Self { sums: WindowSum::new(period), pairs: FixedRing::new(period) }
    }

    /// Adds a pair; both are ignored unless both are finite.
    pub fn push(&mut self, x: f64, y: f64) -> Option<f64> {
        if x.is_finite() && y.is_finite() {
            self.sums.push([x, y, x * x, y * y, x * y]);
            self.pairs.push((x, y));
        }
        self.value()
    }

    /// The correlation, once the window is full, while both vary in it.
    pub fn value(&self) -> Option<f64> {
        let [x, y, xx, yy, xy] = self.sums.value()?;
        let n = self.sums.period() as f64;
        let (mut in_x, mut in_y, mut in_both) = (xx - x * x / n, yy - y * y / n, xy - x * y / n);
        if in_x < DOUBT * xx || in_y < DOUBT * yy {
            (in_x, in_y, in_both) = self.spreads(x / n, y / n);
        }
        let varies = in_x > ROUNDING * xx && in_y > ROUNDING * yy;
        varies.then(|| (in_both / (in_x.sqrt() * in_y.sqrt())).clamp(-1.0, 1.0))
    }

    /// Squared distances of x and of y from their means, and the products of both.
    fn spreads(&self, mean_x: f64, mean_y: f64) -> (f64, f64, f64) {
        self.pairs.iter().fold((0.0, 0.0, 0.0), |(xx, yy, xy), (x, y)| {
            let (x, y) = (x - mean_x, y - mean_y);
            (xx + x * x, yy + y * y, xy + x * y)
        })
    }
}

/// Where a correlation is going.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CorrelationTrend {
    /// Falls by more than the threshold per bar.
    Declining,
    /// Neither.
    Stable,
    /// Rises by more than the threshold per bar.
    Improving,
}

/// Correlation of the returns of two closes, and where it is going.
#[derive(Debug)]
pub struct ReturnCorrelation {
    last: Option<(f64, f64)>,
    correlation: Correlation,
    slope: Slope,
}

impl ReturnCorrelation {
    /// Over `period` returns, usually 20, with the slope of the newest `trend` values, usually 10.
    pub fn new(period: usize, trend: usize) -> Self {
        Self { last: None, correlation: Correlation::new(period), slope: Slope::new(trend) }
    }

    /// Adds the closes of one interval; ignored unless both are positive prices.
    pub fn push(&mut self, x: f64, y: f64) -> Option<f64> {
        let is_price = |x: f64| x.is_finite() && x > 0.0;
        if is_price(x)
            && is_price(y)
            && let Some((last_x, last_y)) = self.last.replace((x, y))
        {
            self.add(x / last_x - 1.0, y / last_y - 1.0);
        }
        self.value()
    }

    /// Adds an interval in which one of the two has no bar: neither moved as far as one can tell.
    pub fn push_gap(&mut self) -> Option<f64> {
        if self.last.is_some() {
            self.add(0.0, 0.0);
        }
        self.value()
    }

    fn add(&mut self, x: f64, y: f64) {
        if let Some(value) = self.correlation.push(x, y) {
            self.slope.push(value);
        }
    }

    /// The correlation, once `period + 1` intervals came, while both move.
    pub fn value(&self) -> Option<f64> {
        self.correlation.value()
    }

    /// Change of the correlation per bar.
    pub fn slope(&self) -> Option<f64> {
        self.slope.value()
    }

    /// Where it is going, by a threshold of usually 0.01 per bar.
    pub fn trend(&self, threshold: f64) -> Option<CorrelationTrend> {
        let slope = self.slope()?;
        Some(if slope < -threshold {
            CorrelationTrend::Declining
        } else if slope > threshold {
            CorrelationTrend::Improving
        } else {
            CorrelationTrend::Stable
        })
    }
}

#[cfg(test)]
mod tests;
