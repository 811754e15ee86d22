//! How many of the newest closes that moved went up, and how many went down.
//!
//! A close equal to the one before is no move and takes no place in the window. Unit: shares of 0 to 1,
//! strength of -1 (all fell) to 1 (all rose).

use paperwire_core::fixed_ring::FixedRing;

/// Counts rises and falls.
#[derive(Debug)]
pub struct MoveCounter {
    last: Option<f64>,
    is_rise: FixedRing<bool>,
    rises: u32,
}

impl MoveCounter {
    /// Over `period` moves, usually 10.
    pub fn new(period: usize) -> Self {
        Self { last: None, is_rise: FixedRing::new(period), rises: 0 }
    }

    /// Adds a close and returns the strength.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if close.is_finite() {
            match self.last.replace(close) {
                Some(last) if close > last => self.add(true),
                Some(last) if close < last => self.add(false),
                _ => {}
            }
        }
        self.strength()
    }

    fn add(&mut self, is_rise: bool) {
        self.rises += u32::from(is_rise);
        if self.is_rise.push(is_rise) == Some(true) {
            self.rises -= 1;
        }
    }

    /// Rises and falls of a full window, and its length.
    fn counts(&self) -> Option<(f64, f64, f64)> {
        let (len, rises) = (self.is_rise.len() as f64, f64::from(self.rises));
        (self.is_rise.len() == self.is_rise.capacity()).then_some((rises, len - rises, len))
    }

    /// The share that rose, once there were enough moves.
    pub fn up_share(&self) -> Option<f64> {
        self.counts().map(|(rises, _, len)| rises / len)
    }

    /// The share that fell.
    pub fn down_share(&self) -> Option<f64> {
        self.counts().map(|(_, falls, len)| falls / len)
    }

    /// Rises less falls over both.
    pub fn strength(&self) -> Option<f64> {
        self.counts().map(|(rises, falls, len)| (rises - falls) / len)
    }
}

#[cfg(test)]
mod tests;
