//! True range and its Wilder average.
//!
//! `TR = max(high - low, |high - previous close|, |low - previous close|)`, from the second bar on;
//! `ATR` starts with the mean of the first `n` ranges, so it needs `n + 1` bars (Wilder 1978; TA-Lib
//! does the same). Unit: that of the prices.

use crate::average::Ema;

/// The range a bar covered, its gap from the previous close included.
pub fn true_range(high: f64, low: f64, previous_close: f64) -> f64 {
    (high - low).max((high - previous_close).abs()).max((low - previous_close).abs())
}

/// The average true range.
#[derive(Clone, Debug)]
pub struct Atr {
    average: Ema,
    previous_close: Option<f64>,
}

impl Atr {
    /// Over `period` ranges, usually 14.
    pub fn new(period: u32) -> Self {
        Self { average: Ema::wilder(period), previous_close: None }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        if !(high.is_finite() && low.is_finite() && close.is_finite()) {
            return self.value();
        }
        if let Some(previous) = self.previous_close.replace(close) {
            self.average.push(true_range(high, low, previous));
        }
        self.value()
    }

    /// The average, once `period + 1` bars came.
    pub const fn value(&self) -> Option<f64> {
        self.average.value()
    }
}

#[cfg(test)]
mod tests;
