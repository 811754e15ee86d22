//! Mean and deviations of a stream of returns, without keeping them.
//!
//! Welford's update keeps the variance exact where a sum of squares would cancel
//! (<https://doi.org/10.1080/00401706.1962.10490022>); silent minutes are merged in one step by the
//! pairwise formula of Chan, Golub and LeVeque. Four numbers; everything stays finite.

/// Minutes in a year of 365 days: the market never closes.
pub const MINUTES_PER_YEAR: u32 = 525_600;

/// A deviation below this part of the mean is rounding: equal returns of growing equity differ in
/// their last bits, and the ratio to that noise would look like genius.
const DEVIATION_MIN: f64 = 1e-12;

/// Running moments of returns.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Returns {
    count: u64,
    mean: f64,
    /// Sum of squared distances from the mean.
    spread: f64,
    /// Sum of squared returns below zero.
    downside: f64,
}

impl Returns {
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Adds one return.
    pub(super) fn add(&mut self, value: f64) {
        debug_assert!(value.is_finite(), "equities of finite money have a finite ratio");
        self.count += 1;
        let before = value - self.mean;
        self.mean += before / count_f64(self.count);
        self.spread += before * (value - self.mean);
        let below = value.min(0.0);
        self.downside += below * below;
    }

    /// Adds `zeros` returns of zero, as if one by one.
    pub(super) fn add_zeros(&mut self, zeros: u64) {
        if zeros == 0 {
            return;
        }
        let (old, new) = (count_f64(self.count), count_f64(zeros));
        let total = old + new;
        self.spread += self.mean * self.mean * (old * (new / total));
        self.mean *= old / total;
        self.count += zeros;
    }

    /// Mean over the sample deviation (divisor `count - 1`), annualised.
    pub(super) fn sharpe(&self) -> Option<f64> {
        let freedom = self.count.checked_sub(1).filter(|freedom| *freedom > 0)?;
        self.annualised((self.spread / count_f64(freedom)).sqrt())
    }

    /// Mean over the downside deviation from zero (divisor `count`), annualised.
    pub(super) fn sortino(&self) -> Option<f64> {
        if self.count < 2 {
            return None;
        }
        self.annualised((self.downside / count_f64(self.count)).sqrt())
    }

    fn annualised(&self, deviation: f64) -> Option<f64> {
        if deviation <= self.mean.abs() * DEVIATION_MIN {
            return None;
        }
        let ratio = self.mean / deviation * f64::from(MINUTES_PER_YEAR).sqrt();
        ratio.is_finite().then_some(ratio)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts stay below 2^53")]
pub(super) const fn count_f64(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests;
