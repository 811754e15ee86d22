//! Bands around an average.
//!
//! Bollinger: `SMA(n) +- k sigma(n)`, population sigma (J. Bollinger, *Bollinger on Bollinger Bands*,
//! 2001). Keltner: `EMA +- k ATR`. A squeeze is Bollinger inside Keltner. Unit: that of the prices.

use crate::rolling::RollingStats;

/// An average with a distance on both sides.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Band {
    /// The average.
    pub mid: f64,
    /// The upper edge.
    pub upper: f64,
    /// The lower edge.
    pub lower: f64,
}

impl Band {
    /// `mid +- half_width`; Keltner's channel with an EMA and a multiple of the ATR.
    pub fn around(mid: f64, half_width: f64) -> Self {
        Self { mid, upper: mid + half_width, lower: mid - half_width }
    }

    /// True when this band lies wholly within the other.
    pub fn is_inside(&self, outer: &Self) -> bool {
        self.upper < outer.upper && self.lower > outer.lower
    }
}

/// Bollinger bands.
#[derive(Debug)]
pub struct Bollinger {
    stats: RollingStats,
    k: f64,
}

impl Bollinger {
    /// Over `period` values with `k` deviations, usually 20 and 2.
    pub fn new(period: usize, k: f64) -> Self {
        Self { stats: RollingStats::new(period), k }
    }

    /// Adds a value.
    pub fn push(&mut self, x: f64) -> Option<Band> {
        self.stats.push(x);
        self.value()
    }

    /// The bands, once the window is full.
    pub fn value(&self) -> Option<Band> {
        let (mean, sigma) = self.stats.mean().zip(self.stats.sigma())?;
        Some(Band::around(mean, self.k * sigma))
    }

    /// The deviation, once the window is full.
    pub fn sigma(&self) -> Option<f64> {
        self.stats.sigma()
    }
}

#[cfg(test)]
mod tests;
