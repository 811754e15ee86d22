//! Channels of a bar's whole range.
//!
//! Donchian: highest high and lowest low. [`Donchian::push`] answers with the channel of the bars *before*
//! the new one, the only one it can break. Keltner: `EMA(close) +- k ATR`, ready when both are. A squeeze
//! is Bollinger inside Keltner ([`Band::is_inside`]). Unit: that of the prices.

use crate::atr::Atr;
use crate::average::Ema;
use crate::bands::{Band, Bollinger};
use crate::extremes::RollingExtreme;

/// Donchian's channel; its middle is that of the edges.
#[derive(Debug)]
pub struct Donchian {
    high: RollingExtreme<f64>,
    low: RollingExtreme<f64>,
}

impl Donchian {
    /// Over `period` bars, usually 20.
    pub fn new(period: usize) -> Self {
        Self { high: RollingExtreme::highest(period), low: RollingExtreme::lowest(period) }
    }

    /// Adds a closed bar and returns the channel of the `period` bars before it.
    pub fn push(&mut self, high: f64, low: f64) -> Option<Band> {
        if !(high.is_finite() && low.is_finite()) {
            return self.value();
        }
        let before = self.value();
        self.high.push(high);
        self.low.push(low);
        before
    }

    /// The channel of the newest `period` bars.
    pub fn value(&self) -> Option<Band> {
        let (upper, lower) = self.high.value().zip(self.low.value())?;
        Some(Band { mid: f64::midpoint(upper, lower), upper, lower })
    }
}

/// Keltner's channel.
#[derive(Clone, Debug)]
pub struct Keltner {
    mid: Ema,
    range: Atr,
    k: f64,
}

impl Keltner {
    /// An EMA over `period` closes and `k` ATR over `range_period`, usually 20, 1.5 and 20.
    pub fn new(period: u32, k: f64, range_period: u32) -> Self {
        Self { mid: Ema::new(period), range: Atr::new(range_period), k }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<Band> {
        if high.is_finite() && low.is_finite() && close.is_finite() {
            self.mid.push(close);
            self.range.push(high, low, close);
        }
        self.value()
    }

    /// The channel.
    pub fn value(&self) -> Option<Band> {
        let (mid, range) = self.mid.value().zip(self.range.value())?;
        Some(Band::around(mid, self.k * range))
    }
}

/// Bollinger inside Keltner: the market holds its breath.
#[derive(Debug)]
pub struct Squeeze {
    bollinger: Bollinger,
    keltner: Keltner,
}

impl Squeeze {
    /// Both over `period` bars, with `sigmas` deviations and `ranges` ATR, usually 20, 2 and 1.5.
    pub fn new(period: u32, sigmas: f64, ranges: f64) -> Self {
        Self {
            bollinger: Bollinger::new(period as usize, sigmas),
            keltner: Keltner::new(period, ranges, period),
        }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<bool> {
        if high.is_finite() && low.is_finite() && close.is_finite() {
            self.bollinger.push(close);
            self.keltner.push(high, low, close);
        }
        self.is_on()
    }

    /// Whether there is a squeeze, once both bands are known.
    pub fn is_on(&self) -> Option<bool> {
        let (inner, outer) = self.bollinger.value().zip(self.keltner.value())?;
        Some(inner.is_inside(&outer))
    }
}

#[cfg(test)]
mod tests;
