//! How busy the market is: messages of the last full second of exchange time against a typical one.
//!
//! Only a full second is used. A running one would begin each second at nothing, and latency would
//! fall and rise with the clock rather than with the market. Three numbers, whatever the rate.

use paperwire_core::time::ExchNs;

const SECOND_NS: i64 = 1_000_000_000;

/// Counts messages per second of exchange time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MessageRate {
    typical_per_s: u32,
    /// The latest second seen; `None` before the first message.
    second: Option<i64>,
    /// Messages of that second so far.
    count: u32,
    /// Messages of the second before it.
    last_full: u32,
}

impl MessageRate {
    /// A market that typically sends this many messages a second.
    ///
    /// # Panics
    /// When that is zero: nothing could be compared with it.
    pub fn new(typical_per_s: u32) -> Self {
        assert!(typical_per_s > 0, "configuration asks for a positive message rate");
        Self { typical_per_s, second: None, count: 0, last_full: 0 }
    }

    /// Counts a message. One that is stamped before the latest second counts in the latest.
    pub fn add(&mut self, at: ExchNs) {
        let second = second_of(at);
        if self.second.is_none_or(|latest| second > latest) {
            self.last_full = self.per_second(at);
            self.second = Some(second);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
    }

    /// The exchange's clock was set: the next message is the first.
    pub const fn restart(&mut self) {
        (self.second, self.count, self.last_full) = (None, 0, 0);
    }

    /// Messages of the last full second before `at`; zero until one has passed.
    pub fn per_second(&self, at: ExchNs) -> u32 {
        let Some(latest) = self.second else {
            return 0;
        };
        match second_of(at) - latest {
            ..=0 => self.last_full,
            1 => self.count,
            _ => 0,
        }
    }

    /// The same divided by the typical rate: the `load` of a latency model. Finite, not negative.
    pub fn load(&self, at: ExchNs) -> f64 {
        f64::from(self.per_second(at)) / f64::from(self.typical_per_s)
    }
}

const fn second_of(at: ExchNs) -> i64 {
    at.raw().div_euclid(SECOND_NS)
}

#[cfg(test)]
mod tests;
