//! Does a series come back: half-life of its first-order autoregression, and the variance ratio.
//!
//! Half-life: `y[t] - y[t-1] = a + b y[t-1]` by least squares, `ln(1/2) / ln(1 + b)`. Variance ratio (A. Lo &
//! C. MacKinlay, *Review of Financial Studies* 1, 1988, the unbiased overlapping form): variance of the
//! moves over `q` steps against `q` times that of one; below 1 moves are taken back, above 1 they go on.
//! Both walk the whole window, so they cost `O(n)` where they are asked for. Values are log prices or a
//! spread. Unit: bars; none.

use paperwire_core::fixed_ring::FixedRing;

/// Why a window has no such number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoFit {
    /// The window is not full, or too short for it.
    #[error("too few values")]
    TooFew,
    /// What would be divided by does not vary by more than rounding.
    #[error("the values do not vary")]
    Flat,
    /// The series runs away from its mean, or does not care for it.
    #[error("the series does not come back")]
    NotReverting,
    /// The series jumps over its mean at every step.
    #[error("the series overshoots its mean")]
    Overshooting,
}

/// A sum of squares below this share of `n` mean squares is rounding.
const ROUNDING: f64 = 1e-24;

/// A least-squares line `y = intercept + slope x`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Where it crosses zero.
    pub intercept: f64,
    /// What one of x adds to y.
    pub slope: f64,
}

impl Line {
    /// Through pairs, taken twice: means first, then products of what is left.
    ///
    /// # Errors
    /// [`NoFit`] without two pairs, or when x does not vary.
    pub fn fit<I: Iterator<Item = (f64, f64)>>(pairs: impl Fn() -> I) -> Result<Self, NoFit> {
        let mut n = 0.0;
        let (mut mean_x, mut mean_y) = (0.0, 0.0);
        for (x, y) in pairs() {
            n += 1.0;
            mean_x += x;
            mean_y += y;
        }
        if n < 2.0 {
            return Err(NoFit::TooFew);
        }
        mean_x /= n;
        mean_y /= n;
        let (mut xx, mut xy) = (0.0, 0.0);
        for (x, y) in pairs() {
            xx += (x - mean_x) * (x - mean_x);
            xy += (x - mean_x) * (y - mean_y);
        }
        let varies = xx > ROUNDING * n * mean_x * mean_x;
        if !varies {
            return Err(NoFit::Flat);
        }
        let slope = xy / xx;
        Ok(Self { intercept: mean_y - slope * mean_x, slope })
    }
}

/// Bars until half of a distance from the mean is gone.
///
/// # Errors
/// [`NoFit`] with the reason there is none.
pub fn half_life(values: &FixedRing<f64>) -> Result<f64, NoFit> {
    full(values, 3)?;
    let steps = || values.iter().zip(values.iter().skip(1)).map(|(y, next)| (*y, next - y));
    let kept = 1.0 + Line::fit(steps)?.slope;
    if kept >= 1.0 {
        return Err(NoFit::NotReverting);
    }
    if kept <= 0.0 {
        return Err(NoFit::Overshooting);
    }
    Ok(0.5f64.ln() / kept.ln())
}

/// The variance ratio over `q` steps.
///
/// # Errors
/// [`NoFit`] when the window is not full, has fewer than `2 q` steps, or does not move.
pub fn variance_ratio(values: &FixedRing<f64>, q: usize) -> Result<f64, NoFit> {
    assert!(q > 1, "over one step the ratio is one");
    full(values, 2 * q + 1)?;
    let steps = (values.len() - 1) as f64;
    let lag = q as f64;
    let (first, last) = (values.iter().next(), values.newest(0));
    let (first, last) = first.copied().zip(last.copied()).ok_or(NoFit::TooFew)?;
    let mean = (last - first) / steps;
    let squares = |lag: usize| -> f64 {
        let moves = values.iter().zip(values.iter().skip(lag)).map(|(from, to)| to - from);
        moves.map(|r| (r - lag as f64 * mean) * (r - lag as f64 * mean)).sum()
    };
    let one = squares(1) / (steps - 1.0);
    let scale = first.abs().max(last.abs());
    if one <= ROUNDING * scale * scale {
        return Err(NoFit::Flat);
    }
    let many = squares(q) / (lag * (steps - lag + 1.0) * (1.0 - lag / steps));
    Ok(many / one)
}

/// An error unless the window is full and holds at least so many.
pub(crate) fn full<T: Copy + Default>(values: &FixedRing<T>, least: usize) -> Result<(), NoFit> {
    if values.len() < values.capacity() || values.len() < least {
        return Err(NoFit::TooFew);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
