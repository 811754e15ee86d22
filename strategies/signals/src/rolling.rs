//! Mean and population deviation of the newest `n` values.
//!
//! Sums of `x - k` and `(x - k)^2` with a shift `k` near the values, so that a deviation of a cent in
//! a price of 100,000 keeps its digits (Chan, Golub & LeVeque, *The American Statistician* 37, 1983).
//! The sums are taken afresh at every wrap of the ring, and whenever what remains of them is so much
//! smaller than what went through that its digits are in doubt. Unit: that of the values.

use paperwire_core::fixed_ring::FixedRing;

/// Below this share of the largest squared value that passed, a sum of squares is taken afresh:
/// of the 16 digits of a double at least 10 are then still good.
const DOUBT: f64 = 1e-6;

/// A deviation below this share of the mean is rounding, not movement: the finest tick of the venue is
/// some 10^-8 of the dearest price.
const ROUNDING: f64 = 1e-12;

/// Rolling mean and deviation.
#[derive(Debug)]
pub struct RollingStats {
    ring: FixedRing<f64>,
    shift: f64,
    sum: f64,
    squares: f64,
    /// Largest square added since the sums were taken afresh.
    square_max: f64,
}

impl RollingStats {
    /// Over `period` values.
    pub fn new(period: usize) -> Self {
        Self { ring: FixedRing::new(period), shift: 0.0, sum: 0.0, squares: 0.0, square_max: 0.0 }
    }

    /// Adds a value.
    pub fn push(&mut self, x: f64) {
        if !x.is_finite() {
            return;
        }
        if let Some(oldest) = self.ring.push(x) {
            let shifted = oldest - self.shift;
            self.sum -= shifted;
            self.squares -= shifted * shifted;
        }
        let shifted = x - self.shift;
        self.sum += shifted;
        self.squares += shifted * shifted;
        self.square_max = self.square_max.max(shifted * shifted);
        let is_wrap = self.ring.total().is_multiple_of(self.ring.capacity() as u64);
        if is_wrap || self.ring.len() == 1 || self.spread() < DOUBT * self.square_max {
            self.rebase();
        }
    }

    fn rebase(&mut self) {
        let len = self.ring.len() as f64;
        self.shift = self.ring.iter().sum::<f64>() / len;
        self.sum = 0.0;
        self.squares = 0.0;
        self.square_max = 0.0;
        for x in self.ring.iter() {
            let shifted = x - self.shift;
            self.sum += shifted;
            self.squares += shifted * shifted;
            self.square_max = self.square_max.max(shifted * shifted);
        }
    }

    /// Sum of squared distances from the mean.
    fn spread(&self) -> f64 {
        self.squares - self.sum * self.sum / self.ring.len() as f64
    }

    /// True once the window is full.
    pub const fn is_ready(&self) -> bool {
        self.ring.len() == self.ring.capacity()
    }

    /// The mean, once the window is full.
    pub fn mean(&self) -> Option<f64> {
        self.is_ready().then(|| self.shift + self.sum / self.ring.len() as f64)
    }

    /// The population standard deviation, once the window is full.
    pub fn sigma(&self) -> Option<f64> {
        self.is_ready().then(|| (self.spread() / self.ring.len() as f64).max(0.0).sqrt())
    }

    /// Distance of the newest value from the mean, in deviations; `None` too when the window does not
    /// vary by more than rounding.
    pub fn z(&self) -> Option<f64> {
        let (mean, sigma) = self.mean().zip(self.sigma())?;
        z_score(self.last()?, mean, sigma)
    }

    /// The newest value.
    pub fn last(&self) -> Option<f64> {
        self.ring.newest(0).copied()
    }
}

/// `(x - mean) / sigma`; `None` where the deviation is no more than the rounding of the mean.
pub fn z_score(x: f64, mean: f64, sigma: f64) -> Option<f64> {
    (sigma > ROUNDING * mean.abs()).then(|| (x - mean) / sigma)
}

#[cfg(test)]
mod tests;
