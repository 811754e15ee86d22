//! Moving average convergence and divergence (G. Appel): a fast EMA less a slow one, and the EMA of that.
//!
//! As in TA-Lib both averages start at the same bar, so the fast one is seeded with the newest of the
//! values that seed the slow one; formulas that seed it with the very first values differ at the start
//! and agree after some hundred bars. The line needs `slow` closes, its signal `slow + signal - 1`.
//! Unit: that of the closes.

use crate::average::Ema;

/// A crossing of the line with its signal, or of any difference with zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cross {
    /// From below to zero or above.
    Up,
    /// From above to zero or below.
    Down,
}

impl Cross {
    /// Between two values of a difference; none when it comes from zero itself.
    pub fn between(before: f64, now: f64) -> Option<Self> {
        if before < 0.0 && now >= 0.0 {
            Some(Self::Up)
        } else if before > 0.0 && now <= 0.0 {
            Some(Self::Down)
        } else {
            None
        }
    }
}

/// The line with its signal.
#[derive(Clone, Debug)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
    /// Closes that only the slow average still takes.
    slow_only: u32,
    cross: Option<Cross>,
}

impl Macd {
    /// Usually 12, 26 and 9.
    pub fn new(fast: u32, slow: u32, signal: u32) -> Self {
        assert!(fast < slow, "the fast average is over fewer values");
        Self {
            fast: Ema::new(fast),
            slow: Ema::new(slow),
            signal: Ema::new(signal),
            slow_only: slow - fast,
            cross: None,
        }
    }

    /// Adds a close and returns the line.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if !close.is_finite() {
            return self.line();
        }
        let before = self.histogram();
        self.slow.push(close);
        if self.slow_only > 0 {
            self.slow_only -= 1;
        } else {
            self.fast.push(close);
        }
        if let Some(line) = self.line() {
            self.signal.push(line);
        }
        self.cross = before.zip(self.histogram()).and_then(|(b, now)| Cross::between(b, now));
        self.line()
    }

    /// The fast average less the slow one.
    pub fn line(&self) -> Option<f64> {
        Some(self.fast.value()? - self.slow.value()?)
    }

    /// The average of the line.
    pub const fn signal(&self) -> Option<f64> {
        self.signal.value()
    }

    /// The line less its signal.
    pub fn histogram(&self) -> Option<f64> {
        Some(self.line()? - self.signal()?)
    }

    /// The crossing of line and signal that the newest close made.
    pub const fn cross(&self) -> Option<Cross> {
        self.cross
    }
}

#[cfg(test)]
mod tests;
