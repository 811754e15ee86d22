//! Variance of the mid per second, for quoting: an exponential mean of squared one-second changes.
//!
//! The mid of a second is the last one heard in it, so a second in which nothing changed counts as a
//! change of zero. Half of the weight lies in the newest `half_life` seconds; while fewer were seen they
//! are weighted as they are, not mixed with a made-up start. Unit: square of the price's unit, per second.

use paperwire_core::time::ExchNs;

const SECOND_NS: i64 = 1_000_000_000;
/// Seconds before the variance is believed.
const READY_SECONDS: u32 = 30;

/// Exponential variance of the mid.
#[derive(Clone, Debug)]
pub struct MidVariance {
    kept: f64,
    floor: f64,
    /// The second being heard and its newest mid.
    now: Option<(i64, f64)>,
    /// Mid of the last whole second.
    sampled: Option<f64>,
    sum: f64,
    weight: f64,
    seconds: u32,
}

impl MidVariance {
    /// With a half-life in seconds (usually 120), never below `floor` (the square of half a tick).
    pub fn new(half_life_s: f64, floor: f64) -> Self {
        assert!(half_life_s > 0.0, "a half-life is a time");
        assert!(floor >= 0.0, "a variance is not negative");
        Self {
            kept: 0.5f64.powf(1.0 / half_life_s),
            floor,
            now: None,
            sampled: None,
            sum: 0.0,
            weight: 0.0,
            seconds: 0,
        }
    }

    /// Takes the mid after a book message; ignored unless it is a price and not older than the last.
    pub fn push(&mut self, mid: f64, at: ExchNs) -> Option<f64> {
        let second = at.raw().div_euclid(SECOND_NS);
        let is_late = self.now.is_some_and(|(now, _)| second < now);
        if !(mid.is_finite() && mid > 0.0) || is_late {
            return self.value();
        }
        if let Some((before, last)) = self.now.replace((second, mid)) {
            self.end_seconds(u32::try_from(second - before).unwrap_or(u32::MAX), last);
        }
        self.value()
    }

    /// `count` seconds ended, the first of them at `last`, the others without a change.
    fn end_seconds(&mut self, count: u32, last: f64) {
        if count == 0 {
            return;
        }
        let Some(sampled) = self.sampled.replace(last) else {
            // Nothing to compare the first second with; the silent ones after it count.
            self.end_silent(count - 1);
            return;
        };
        let change = last - sampled;
        self.sum = self.sum * self.kept + change * change;
        self.weight = self.weight * self.kept + 1.0;
        self.seconds = self.seconds.saturating_add(1);
        self.end_silent(count - 1);
    }

    fn end_silent(&mut self, count: u32) {
        let kept = self.kept.powf(f64::from(count));
        self.sum *= kept;
        self.weight = self.weight * kept + (1.0 - kept) / (1.0 - self.kept);
        self.seconds = self.seconds.saturating_add(count);
    }

    /// Forgets the last mid: what happened until the next one was not heard.
    pub const fn unlink(&mut self) {
        self.now = None;
        self.sampled = None;
    }

    /// Variance per second, once half a minute was heard.
    pub fn value(&self) -> Option<f64> {
        (self.seconds >= READY_SECONDS).then(|| (self.sum / self.weight).max(self.floor))
    }
}

#[cfg(test)]
mod tests;
