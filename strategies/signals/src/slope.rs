//! The least-squares line through the newest `n` values, one step per value.
//!
//! With `x = 0 .. n - 1`: `slope = (Sxy - mean(x) Sy) / (n (n^2 - 1) / 12)`. `Sy` and `Sxy` come from
//! [`WindowSum`], with `x` counted from the start of a block and shifted afterwards. That costs the same
//! as the sliding update `Sxy <- Sxy - (Sy - y_old) + (n - 1) y_new` and keeps no rounding of what left.
//! Unit: that of the values per step.

use crate::window::WindowSum;

/// The slope of the newest values.
#[derive(Debug)]
pub struct Slope {
    /// Of `y`, and of `y` times its place in the block it came in.
    sums: WindowSum<2>,
}

impl Slope {
    /// Through `period` values.
    pub fn new(period: usize) -> Self {
        assert!(period > 1, "a line goes through two values");
        Self { sums: WindowSum::new(period) }
    }

    /// Adds a value and returns the slope.
    pub fn push(&mut self, y: f64) -> Option<f64> {
        if y.is_finite() {
            let (place, _) = self.sums.block();
            self.sums.push([y, place as f64 * y]);
        }
        self.value()
    }

    /// The slope, once the window is full.
    pub fn value(&self) -> Option<f64> {
        let [sum, by_place] = self.sums.value()?;
        let (len, [block, _]) = self.sums.block();
        let n = self.sums.period() as f64;
        // The window's oldest value has place `len` in its block, and this block follows that one.
        let sum_xy = by_place + n * block - len as f64 * sum;
        Some((sum_xy - 0.5 * (n - 1.0) * sum) / (n * (n * n - 1.0) / 12.0))
    }

    /// The slope in percent of the mean, per step; `None` too where the mean is zero.
    pub fn pct(&self) -> Option<f64> {
        let [sum, _] = self.sums.value()?;
        let mean = sum / self.sums.period() as f64;
        let slope = self.value()?;
        (mean.abs() > 0.0).then(|| 100.0 * slope / mean)
    }
}

#[cfg(test)]
mod tests;
