//! Traded volume against what is usual.
//!
//! The mean never includes the bar it is compared with, which an older formula did. Sums are exact
//! integers of lots, so they cannot drift: after any silence a ratio is there again with the second bar
//! in which something trades.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::num::Qty;

/// Volume of a bar over the mean of the bars before it. Unit: a ratio, 1 is usual.
#[derive(Debug)]
pub struct VolumeRatio {
    ring: FixedRing<Qty>,
    sum: i128,
    value: Option<f64>,
}

impl VolumeRatio {
    /// Against `period` bars, usually 20.
    pub fn new(period: usize) -> Self {
        Self { ring: FixedRing::new(period), sum: 0, value: None }
    }

    /// Adds a closed bar and returns its ratio; `None` before `period` bars, or when nothing traded
    /// in all of them.
    pub fn push(&mut self, volume: Qty) -> Option<f64> {
        let is_full = self.ring.len() == self.ring.capacity();
        self.value = (is_full && self.sum > 0).then(|| {
            let mean = self.sum as f64 / self.ring.len() as f64;
            volume.raw() as f64 / mean
        });
        self.sum += i128::from(volume.raw());
        if let Some(oldest) = self.ring.push(volume) {
            self.sum -= i128::from(oldest.raw());
        }
        self.value
    }

    /// The newest bar's ratio.
    pub const fn value(&self) -> Option<f64> {
        self.value
    }
}

/// Mean volume of the newest bars over that of the bars before them. Unit: a ratio, 1 is usual.
#[derive(Debug)]
pub struct VolumeSpike {
    newest: FixedRing<Qty>,
    before: FixedRing<Qty>,
    newest_sum: i128,
    before_sum: i128,
}

impl VolumeSpike {
    /// Of `newest` bars against the `before` bars before them, usually 3 and 20.
    pub fn new(newest: usize, before: usize) -> Self {
        Self {
            newest: FixedRing::new(newest),
            before: FixedRing::new(before),
            newest_sum: 0,
            before_sum: 0,
        }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, volume: Qty) -> Option<f64> {
        self.newest_sum += i128::from(volume.raw());
        if let Some(passed) = self.newest.push(volume) {
            self.newest_sum -= i128::from(passed.raw());
            self.before_sum += i128::from(passed.raw());
            if let Some(oldest) = self.before.push(passed) {
                self.before_sum -= i128::from(oldest.raw());
            }
        }
        self.value()
    }

    /// The ratio, once `newest + before` bars came, while something traded in the earlier ones.
    pub fn value(&self) -> Option<f64> {
        let is_full = self.before.len() == self.before.capacity();
        (is_full && self.before_sum > 0).then(|| {
            let before = self.before_sum as f64 / self.before.len() as f64;
            self.newest_sum as f64 / self.newest.len() as f64 / before
        })
    }
}

/// Minutes in a day.
const DAY_MINUTES: f64 = 1440.0;
/// Minutes before the estimate is believed.
const READY_MINUTES: u32 = 30;

/// Daily volume, estimated from minutes: an exponential mean with a half-life of a day, which is the
/// plain mean until a day has passed. Unit: lots a day.
#[derive(Clone, Debug, Default)]
pub struct DailyVolume {
    mean: f64,
    minutes: u32,
}

impl DailyVolume {
    /// Adds a closed minute.
    pub fn push(&mut self, volume: Qty) {
        self.minutes = self.minutes.saturating_add(1);
        let alpha = (1.0 - 0.5f64.powf(1.0 / DAY_MINUTES)).max(1.0 / f64::from(self.minutes));
        self.mean += alpha * (volume.raw() as f64 - self.mean);
    }

    /// Lots a day, once half an hour of them was seen and something traded.
    pub fn value(&self) -> Option<f64> {
        (self.minutes >= READY_MINUTES && self.mean > 0.0).then_some(self.mean * DAY_MINUTES)
    }

    /// Minutes seen.
    pub const fn minutes(&self) -> u32 {
        self.minutes
    }
}

#[cfg(test)]
mod tests;
