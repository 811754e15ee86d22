//! Two series over one window: the hedge between them, and whether what is left comes back.
//!
//! `y = alpha + beta x` by least squares, usually of log prices. Engle-Granger (R. Engle & C. Granger,
//! *Econometrica* 55, 1987): the residuals `e` of that line, and Dickey-Fuller's
//! `tau = b / se(b)` of `e[t] - e[t-1] = b e[t-1]` without constant or further lags. It equals
//! `statsmodels.tsa.stattools.coint(y, x, maxlag=0, autolag=None)`. Everything walks the window, `O(n)` where
//! it is asked for.

use paperwire_core::fixed_ring::FixedRing;

use crate::reversion::{Line, NoFit, full};

/// Below these, `tau` says cointegrated at 1, 5 and 10 percent, for long windows (J. MacKinnon, *Critical
/// Values for Cointegration Tests*, 2010, two series, constant).
pub const TAU_CRITICAL: [f64; 3] = [-3.896_44, -3.336_13, -3.044_45];

/// The newest pairs of two series.
#[derive(Debug)]
pub struct PairWindow {
    pairs: FixedRing<(f64, f64)>,
}

impl PairWindow {
    /// Over `period` pairs, usually 168 to 200.
    pub fn new(period: usize) -> Self {
        assert!(period > 3, "a test of residuals has something left to test");
        Self { pairs: FixedRing::new(period) }
    }

    /// Adds a pair; ignored unless both are finite.
    pub fn push(&mut self, x: f64, y: f64) {
        if x.is_finite() && y.is_finite() {
            self.pairs.push((x, y));
        }
    }

    /// Alpha and beta.
    ///
    /// # Errors
    /// [`NoFit`] before the window is full, and when x does not vary.
    pub fn line(&self) -> Result<Line, NoFit> {
        full(&self.pairs, 4)?;
        Line::fit(|| self.pairs.iter().copied())
    }

    /// What the newest pair has left over that line.
    ///
    /// # Errors
    /// As [`Self::line`].
    pub fn spread(&self) -> Result<f64, NoFit> {
        let line = self.line()?;
        self.pairs.newest(0).map(|pair| residual(&line, pair)).ok_or(NoFit::TooFew)
    }

    /// Engle and Granger's `tau`; compare with [`TAU_CRITICAL`].
    ///
    /// # Errors
    /// As [`Self::line`], and when the residuals do not vary or follow exactly.
    pub fn tau(&self) -> Result<f64, NoFit> {
        let line = self.line()?;
        let residuals = || self.pairs.iter().map(|pair| residual(&line, pair));
        let steps = || residuals().zip(residuals().skip(1));
        let (mut squares, mut products, mut size) = (0.0, 0.0, 0.0f64);
        for ((e, next), (_, y)) in steps().zip(self.pairs.iter()) {
            squares += e * e;
            products += e * (next - e);
            size = size.max(y.abs());
        }
        let n = (self.pairs.len() - 1) as f64;
        if squares <= n * (RESIDUAL_ROUNDING * size).powi(2) {
            return Err(NoFit::Flat);
        }
        let b = products / squares;
        let left: f64 = steps().map(|(e, next)| (next - e - b * e).powi(2)).sum();
        let error = (left / (n - 1.0) / squares).sqrt();
        if error > 0.0 { Ok(b / error) } else { Err(NoFit::Flat) }
    }
}

/// Residuals below this share of y are the rounding of the line.
const RESIDUAL_ROUNDING: f64 = 1e-13;

fn residual(line: &Line, (x, y): &(f64, f64)) -> f64 {
    y - line.intercept - line.slope * x
}

#[cfg(test)]
mod tests;
