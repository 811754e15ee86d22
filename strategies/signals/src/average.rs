//! Exponential averages: `e + a (x - e)`, started with the plain mean of the first `n` values.
//!
//! `a = 2 / (n + 1)` is the usual EMA, `a = 1 / n` Wilder's average (J. W. Wilder, *New Concepts in
//! Technical Trading Systems*, 1978). Unit: that of the values. The average runs on through the
//! session; it is not restarted from a sliding window.

/// An exponential average.
#[derive(Clone, Debug)]
pub struct Ema {
    alpha: f64,
    period: u32,
    /// Values in the seed; `0 ..= period`.
    count: u32,
    seed: f64,
    value: Option<f64>,
}

impl Ema {
    /// The usual EMA over `period` values.
    pub fn new(period: u32) -> Self {
        Self::with_alpha(period, 2.0 / (f64::from(period) + 1.0))
    }

    /// Wilder's average over `period` values.
    pub fn wilder(period: u32) -> Self {
        Self::with_alpha(period, 1.0 / f64::from(period))
    }

    fn with_alpha(period: u32, alpha: f64) -> Self {
        assert!(period > 0, "an average is over at least one value");
        Self { alpha, period, count: 0, seed: 0.0, value: None }
    }

    /// Adds a value and returns the average including it.
    pub fn push(&mut self, x: f64) -> Option<f64> {
        if !x.is_finite() {
            return self.value;
        }
        match &mut self.value {
            Some(value) => *value += self.alpha * (x - *value),
            None => {
                self.seed += x;
                self.count += 1;
                if self.count == self.period {
                    self.value = Some(self.seed / f64::from(self.period));
                }
            }
        }
        self.value
    }

    /// The average, once `period` values came.
    pub const fn value(&self) -> Option<f64> {
        self.value
    }
}

#[cfg(test)]
mod tests;
