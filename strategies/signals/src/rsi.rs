//! Relative strength: the share of the rises among all moves.
//!
//! `RSI = 100 G / (G + L)`, with `G` and `L` the averages of the rises and of the falls of `n` changes of
//! the close: Wilder's average in [`Rsi`] (J. W. Wilder, *New Concepts in Technical Trading Systems*,
//! 1978; TA-Lib does the same), the plain mean in [`RsiCutler`], which forgets after `n` bars. Both need
//! `n + 1` closes. Where nothing moved there is no value; other sources say 50, TA-Lib 0. Unit: 0 to 100.

use crate::average::Ema;
use crate::window::WindowSum;

/// The rise and the fall of a change, one of them zero.
const fn parts(change: f64) -> (f64, f64) {
    (change.max(0.0), (-change).max(0.0))
}

fn share(rises: f64, falls: f64) -> Option<f64> {
    let both = rises + falls;
    (both > 0.0).then(|| 100.0 * rises / both)
}

/// Wilder's relative strength.
#[derive(Clone, Debug)]
pub struct Rsi {
    last: Option<f64>,
    rises: Ema,
    falls: Ema,
}

impl Rsi {
    /// Over `period` changes, usually 14.
    pub fn new(period: u32) -> Self {
        Self { last: None, rises: Ema::wilder(period), falls: Ema::wilder(period) }
    }

    /// Adds a close.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if close.is_finite()
            && let Some(last) = self.last.replace(close)
        {
            let (rise, fall) = parts(close - last);
            self.rises.push(rise);
            self.falls.push(fall);
        }
        self.value()
    }

    /// The strength, once `period + 1` closes came and one of the changes was a move.
    pub fn value(&self) -> Option<f64> {
        let (rises, falls) = self.rises.value().zip(self.falls.value())?;
        share(rises, falls)
    }
}

/// Cutler's relative strength.
#[derive(Debug)]
pub struct RsiCutler {
    last: Option<f64>,
    sums: WindowSum<2>,
}

impl RsiCutler {
    /// Over `period` changes, usually 14.
    pub fn new(period: usize) -> Self {
        Self { last: None, sums: WindowSum::new(period) }
    }

    /// Adds a close.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if close.is_finite()
            && let Some(last) = self.last.replace(close)
        {
            let (rise, fall) = parts(close - last);
            self.sums.push([rise, fall]);
        }
        self.value()
    }

    /// The strength, once `period + 1` closes came, while one of the changes in the window is a move.
    pub fn value(&self) -> Option<f64> {
        let [rises, falls] = self.sums.value()?;
        share(rises, falls)
    }
}

#[cfg(test)]
mod tests;
