//! The stochastic oscillator (G. C. Lane): where the close lies in the range of the newest bars.
//!
//! `raw = 100 (close - lowest low) / (highest high - lowest low)` over `n` bars with the newest; `%K` is the
//! plain mean of `smooth` of them, `%D` that of `signal` values of `%K`. It needs
//! `n + smooth + signal - 2` bars. A bar at whose end the range is zero adds nothing and has no value;
//! TA-Lib counts it as 0. Unit: 0 to 100.

use crate::extremes::RollingExtreme;
use crate::window::Sma;

/// `%K` and `%D`.
#[derive(Debug)]
pub struct Stochastic {
    high: RollingExtreme<f64>,
    low: RollingExtreme<f64>,
    smooth: Sma,
    signal: Sma,
    value: Option<(f64, f64)>,
}

impl Stochastic {
    /// Usually 14, 3 and 3; TA-Lib's own default is 5, 3 and 3.
    pub fn new(period: usize, smooth: usize, signal: usize) -> Self {
        Self {
            high: RollingExtreme::highest(period),
            low: RollingExtreme::lowest(period),
            smooth: Sma::new(smooth),
            signal: Sma::new(signal),
            value: None,
        }
    }

    /// Adds a closed bar and returns `(%K, %D)`.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<(f64, f64)> {
        if high.is_finite() && low.is_finite() && close.is_finite() {
            self.high.push(high);
            self.low.push(low);
            self.value = self.raw(close).and_then(|raw| {
                let k = self.smooth.push(raw)?;
                Some((k, self.signal.push(k)?))
            });
        }
        self.value
    }

    fn raw(&self, close: f64) -> Option<f64> {
        let low = self.low.value()?;
        let range = self.high.value()? - low;
        (range > 0.0).then(|| 100.0 * (close - low) / range)
    }

    /// `(%K, %D)` of the newest bar.
    pub const fn value(&self) -> Option<(f64, f64)> {
        self.value
    }
}

#[cfg(test)]
mod tests;
