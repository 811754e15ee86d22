//! How much the price varies by its own past: realised over a window, and expected by GARCH.
//!
//! Returns are `100 ln(close / close before)`. Realised: `sqrt(sum of n squared returns)`, no mean taken
//! off. GARCH(1,1) (T. Bollerslev, 1986) with given parameters: `h' = omega + alpha r^2 + beta h`, mean
//! zero; it filters, it does not fit. Unit: percent, variances in its square.

use crate::window::WindowSum;

/// `100 ln(close / before)` of positive prices that follow each other.
#[derive(Clone, Debug, Default)]
struct LogReturns {
    last: Option<f64>,
}

impl LogReturns {
    fn push(&mut self, close: f64) -> Option<f64> {
        if !(close.is_finite() && close > 0.0) {
            return None;
        }
        let last = self.last.replace(close)?;
        Some(100.0 * (close / last).ln())
    }
}

/// Realised volatility of the newest bars.
#[derive(Debug)]
pub struct RealisedVolatility {
    returns: LogReturns,
    squares: WindowSum<1>,
}

impl RealisedVolatility {
    /// Over `period` returns, so `period + 1` closes.
    pub fn new(period: usize) -> Self {
        Self { returns: LogReturns::default(), squares: WindowSum::new(period) }
    }

    /// Adds a close; one that is not a positive price is ignored.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if let Some(r) = self.returns.push(close) {
            self.squares.push([r * r]);
        }
        self.value()
    }

    /// Percent over the whole window, once it is full.
    pub fn value(&self) -> Option<f64> {
        self.squares.value().map(|[sum]| sum.sqrt())
    }
}

/// Why parameters are no GARCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GarchError {
    /// One of them is negative, the constant is not above zero, or one is not finite.
    #[error("omega is above zero, alpha and beta are not below it")]
    Sign,
    /// The variance would grow without end.
    #[error("alpha + beta is below 1")]
    Persistence,
}

/// A GARCH(1,1) filter.
#[derive(Clone, Debug)]
pub struct Garch {
    omega: f64,
    alpha: f64,
    beta: f64,
    returns: LogReturns,
    variance: f64,
    count: u32,
}

impl Garch {
    /// Starts at the variance the parameters lead to in the long run.
    ///
    /// # Errors
    /// [`GarchError`] for parameters that are none.
    pub fn new(omega: f64, alpha: f64, beta: f64) -> Result<Self, GarchError> {
        if !(omega.is_finite() && omega > 0.0 && alpha >= 0.0 && beta >= 0.0) {
            return Err(GarchError::Sign);
        }
        if alpha + beta >= 1.0 {
            return Err(GarchError::Persistence);
        }
        let variance = omega / (1.0 - alpha - beta);
        Ok(Self { omega, alpha, beta, returns: LogReturns::default(), variance, count: 0 })
    }

    /// Starts at another variance, such as that of history.
    pub fn start(&mut self, variance: f64) {
        assert!(variance.is_finite() && variance > 0.0, "a variance is above zero");
        self.variance = variance;
    }

    /// Adds a close; one that is not a positive price is ignored.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if let Some(r) = self.returns.push(close) {
            self.variance = self.omega + self.alpha * r * r + self.beta * self.variance;
            self.count = self.count.saturating_add(1);
        }
        self.variance()
    }

    /// Variance expected of the next return, once one was seen.
    pub fn variance(&self) -> Option<f64> {
        (self.count > 0).then_some(self.variance)
    }

    /// Volatility expected over the next `bars` together, in percent.
    pub fn forecast(&self, bars: u32) -> Option<f64> {
        let next = self.variance()?;
        let persistence = self.alpha + self.beta;
        let long_run = self.omega / (1.0 - persistence);
        let weight = -(f64::from(bars) * persistence.ln()).exp_m1() / (1.0 - persistence);
        Some((f64::from(bars) * long_run + (next - long_run) * weight).sqrt())
    }
}

#[cfg(test)]
mod tests;
