//! Volume-synchronised probability of informed trading (Easley, Lopez de Prado & O'Hara, *Review of
//! Financial Studies* 25, 2012).
//!
//! Volume is cut into buckets of a fixed size, trades split over their edges. A bucket's value is
//! `|buys - sells| / (buys + sells)` by the takers' sides; VPIN is the mean of the newest buckets. The
//! running 90th percentile tells what is high for this market. Unit: 0 to 1.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::num::Qty;
use paperwire_core::trade::OrderSide;

use crate::quantile::P2Quantile;

/// VPIN of one symbol.
#[derive(Debug)]
pub struct Vpin {
    /// Lots per bucket; zero until it is known.
    bucket: i64,
    buys: i64,
    sells: i64,
    values: FixedRing<f64>,
    sum: f64,
    last_signed: Option<f64>,
    high: P2Quantile,
}

impl Vpin {
    /// Over `buckets` buckets, usually 50.
    pub fn new(buckets: usize) -> Self {
        Self {
            bucket: 0,
            buys: 0,
            sells: 0,
            values: FixedRing::new(buckets),
            sum: 0.0,
            last_signed: None,
            high: P2Quantile::new(0.9),
        }
    }

    /// Sets the size of buckets from now on; completed ones stay.
    pub const fn set_bucket(&mut self, volume: Qty) {
        assert!(volume.raw() > 0, "a bucket holds something");
        self.bucket = volume.raw();
    }

    /// Adds a trade; ignored while the size of buckets is unknown.
    pub fn push(&mut self, taker: OrderSide, qty: Qty) {
        if self.bucket == 0 {
            return;
        }
        let mut left = qty.raw();
        let room = (self.bucket - self.buys - self.sells).max(0);
        if left < room {
            self.fill(taker, left);
            return;
        }
        self.fill(taker, room);
        left -= room;
        let signed = (self.buys - self.sells) as f64 / (self.buys + self.sells) as f64;
        self.complete(signed);
        // A trade larger than every bucket together leaves them all one-sided: more need not be done.
        let every = i64::try_from(self.values.capacity()).unwrap_or(i64::MAX);
        let whole = (left / self.bucket).min(every);
        let one_sided = match taker {
            OrderSide::Buy => 1.0,
            OrderSide::Sell => -1.0,
        };
        for _ in 0..whole {
            self.complete(one_sided);
        }
        self.fill(taker, left % self.bucket);
    }

    const fn fill(&mut self, taker: OrderSide, lots: i64) {
        match taker {
            OrderSide::Buy => self.buys += lots,
            OrderSide::Sell => self.sells += lots,
        }
    }

    fn complete(&mut self, signed: f64) {
        self.buys = 0;
        self.sells = 0;
        self.last_signed = Some(signed);
        self.sum += signed.abs();
        if let Some(oldest) = self.values.push(signed.abs()) {
            self.sum -= oldest;
        }
        if self.values.total().is_multiple_of(self.values.capacity() as u64) {
            self.sum = self.values.iter().sum();
        }
        if let Some(value) = self.value() {
            self.high.push(value);
        }
    }

    /// The mean, once all buckets are full.
    pub fn value(&self) -> Option<f64> {
        let is_full = self.values.len() == self.values.capacity();
        is_full.then(|| self.sum / self.values.len() as f64)
    }

    /// What counts as high here: the running 90th percentile, at least `floor`.
    pub fn threshold(&self, floor: f64) -> Option<f64> {
        self.high.value().map(|high| high.max(floor))
    }

    /// `(buys - sells) / (buys + sells)` of the newest completed bucket.
    pub const fn last_signed(&self) -> Option<f64> {
        self.last_signed
    }

    /// Buckets ever completed.
    pub const fn completed(&self) -> u64 {
        self.values.total()
    }
}

#[cfg(test)]
mod tests;
