//! Directional movement (Wilder 1978): how much of the range went one way.
//!
//! `+DM = up` when `up > down` and `up > 0`, mirrored for `-DM`; `+-DI = 100 W(DM) / W(TR)`;
//! `DX = 100 |+DI - -DI| / (+DI + -DI)`, 0 when nothing moved; `ADX = W(DX)`, with `W` Wilder's average.
//! The DI need `n + 1` bars, the ADX `2 n`. TA-Lib seeds its sums with `n - 1` moves where Wilder takes `n`:
//! some percent apart at first, equal in the seventh digit after 250 bars. Unit: 0 to 100.

use crate::atr::true_range;
use crate::average::Ema;

/// ADX with both directional indicators.
#[derive(Clone, Debug)]
pub struct Adx {
    range: Ema,
    plus: Ema,
    minus: Ema,
    dx: Ema,
    previous: Option<(f64, f64, f64)>,
    directions: Option<(f64, f64)>,
}

impl Adx {
    /// Over `period` bars, usually 14.
    pub fn new(period: u32) -> Self {
        Self {
            range: Ema::wilder(period),
            plus: Ema::wilder(period),
            minus: Ema::wilder(period),
            dx: Ema::wilder(period),
            previous: None,
            directions: None,
        }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<f64> {
        if !(high.is_finite() && low.is_finite() && close.is_finite()) {
            return self.value();
        }
        let previous = self.previous.replace((high, low, close));
        let (previous_high, previous_low, previous_close) = previous?;
        let (up, down) = (high - previous_high, previous_low - low);
        let plus = if up > down && up > 0.0 { up } else { 0.0 };
        let minus = if down > up && down > 0.0 { down } else { 0.0 };
        let range = self.range.push(true_range(high, low, previous_close));
        let moved = self.plus.push(plus).zip(self.minus.push(minus));
        if let (Some(range), Some((plus, minus))) = (range, moved) {
            let (plus, minus) = if range > 0.0 {
                (100.0 * plus / range, 100.0 * minus / range)
            } else {
                (0.0, 0.0)
            };
            self.directions = Some((plus, minus));
            let sum = plus + minus;
            self.dx.push(if sum > 0.0 { 100.0 * (plus - minus).abs() / sum } else { 0.0 });
        }
        self.value()
    }

    /// The ADX, once `2 * period` bars came.
    pub const fn value(&self) -> Option<f64> {
        self.dx.value()
    }

    /// `(+DI, -DI)`, once `period + 1` bars came.
    pub const fn directions(&self) -> Option<(f64, f64)> {
        self.directions
    }
}

#[cfg(test)]
mod tests;
