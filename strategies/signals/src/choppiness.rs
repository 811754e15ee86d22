//! Choppiness (E. W. Dreiss): the way the price went against how far it came.
//!
//! `100 log10(sum of n true ranges / (highest high - lowest low of n bars)) / log10(n)`, between 0 (one
//! straight line) and 100; above 61.8 the market is called choppy, below 38.2 trending. The first true
//! range needs a close before it, so `n + 1` bars. A range of zero has no value; other sources say 50.

use crate::atr::true_range;
use crate::extremes::RollingExtreme;
use crate::window::WindowSum;

/// The choppiness index.
#[derive(Debug)]
pub struct Choppiness {
    ranges: WindowSum<1>,
    high: RollingExtreme<f64>,
    low: RollingExtreme<f64>,
    last_close: Option<f64>,
    scale: f64,
}

impl Choppiness {
    /// Over `period` bars, usually 14.
    pub fn new(period: usize) -> Self {
        assert!(period > 1, "one bar has no way to wander");
        Self {
            ranges: WindowSum::new(period),
            high: RollingExtreme::highest(period),
            low: RollingExtreme::lowest(period),
            last_close: None,
            scale: 100.0 / (period as f64).log10(),
        }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        if !(high.is_finite() && low.is_finite() && close.is_finite()) {
            return self.value();
        }
        self.high.push(high);
        self.low.push(low);
        if let Some(last) = self.last_close.replace(close) {
            self.ranges.push([true_range(high, low, last)]);
        }
        self.value()
    }

    /// The index, once `period + 1` bars came, while they have a range.
    pub fn value(&self) -> Option<f64> {
        let [way] = self.ranges.value()?;
        let range = self.high.value()? - self.low.value()?;
        (range > 0.0).then(|| (self.scale * (way / range).log10()).clamp(0.0, 100.0))
    }
}

#[cfg(test)]
mod tests;
