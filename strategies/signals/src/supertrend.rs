//! SuperTrend (O. Seban): a band behind the price that only tightens, and the side it is on.
//!
//! Basic bands `(high + low) / 2 +- m ATR(n)` (Wilder). The upper one may rise only after a close above
//! it, the lower one fall only after a close below it. The trend turns when a close crosses the band of
//! the other side. With the first ATR (`n + 1` bars) it begins upwards when the close is not below the
//! middle of its bar; that choice is forgotten at the first turn. Unit: that of the prices.

use crate::atr::Atr;

/// The side the trend is on, its line, and whether it has just turned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trend {
    /// True when the line is below the price.
    pub is_up: bool,
    /// The band behind the price.
    pub line: f64,
    /// True for the bar that turned it.
    pub is_flip: bool,
}

/// The SuperTrend.
#[derive(Clone, Debug)]
pub struct SuperTrend {
    atr: Atr,
    multiple: f64,
    /// Upper band, lower band and close of the bar before.
    before: Option<(f64, f64, f64)>,
    trend: Option<Trend>,
}

impl SuperTrend {
    /// Over `period` bars with `multiple` ATR, usually 10 and 3.
    pub fn new(period: u32, multiple: f64) -> Self {
        Self { atr: Atr::new(period), multiple, before: None, trend: None }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<Trend> {
        if !(high.is_finite() && low.is_finite() && close.is_finite()) {
            return self.trend;
        }
        let atr = self.atr.push(high, low, close)?;
        let mid = f64::midpoint(high, low);
        let (mut upper, mut lower) = (mid + self.multiple * atr, mid - self.multiple * atr);
        if let Some((last_upper, last_lower, last_close)) = self.before {
            if last_close <= last_upper {
                upper = upper.min(last_upper);
            }
            if last_close >= last_lower {
                lower = lower.max(last_lower);
            }
        }
        self.before = Some((upper, lower, close));
        let was_up = self.trend.map(|trend| trend.is_up);
        let is_up = match was_up {
            Some(true) => close >= lower,
            Some(false) => close > upper,
            None => close >= mid,
        };
        let line = if is_up { lower } else { upper };
        let is_flip = was_up.is_some_and(|was_up| was_up != is_up);
        self.trend = Some(Trend { is_up, line, is_flip });
        self.trend
    }

    /// The trend, once `period + 1` bars came.
    pub const fn value(&self) -> Option<Trend> {
        self.trend
    }
}

#[cfg(test)]
mod tests;
