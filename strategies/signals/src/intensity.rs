//! How fast trading thins out with the distance from the mid: `A exp(-kappa d)` trades per second reach a
//! fractional distance `d` (M. Avellaneda & S. Stoikov, *Quantitative Finance* 8, 2008).
//!
//! Over at least ten minutes and 200 trades, trades are counted that reach each of five distances, evenly
//! spaced by the mean distance of the window before; a least-squares line through the logarithms of the
//! counts gives the fit, which stands until the next window ends. The first 50 trades only say how wide
//! the distances are.

use paperwire_core::time::{DurationNs, ExchNs};

use crate::reversion::Line;

const DISTANCES: usize = 5;
/// Spacing of the distances in mean distances: the farthest, two of them, is reached by an eighth of
/// an exponential tail.
const SPACING: f64 = 0.5;
const WINDOW: DurationNs = DurationNs::from_secs(600);
const TRADES_MIN: u32 = 200;
const TRADES_FIRST: u32 = 50;

/// A fitted intensity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Intensity {
    /// Trades per second at the mid itself.
    pub base: f64,
    /// Decay per unit of fractional distance.
    pub kappa: f64,
}

/// Estimates the intensity of one symbol.
#[derive(Clone, Debug, Default)]
pub struct TradeIntensity {
    began: Option<ExchNs>,
    /// Between two distances; zero until the first trades said how wide.
    spacing: f64,
    trades: u32,
    distance_sum: f64,
    reached: [u32; DISTANCES],
    fit: Option<Intensity>,
}

impl TradeIntensity {
    /// Adds a trade, by its price and the mid just before it; ignored unless both are prices.
    pub fn push(&mut self, price: f64, mid: f64, at: ExchNs) -> Option<Intensity> {
        let distance = (price - mid).abs() / mid;
        if !(distance.is_finite() && mid > 0.0) {
            return self.fit;
        }
        let began = *self.began.get_or_insert(at);
        self.trades += 1;
        self.distance_sum += distance;
        for (i, reached) in self.reached.iter_mut().enumerate() {
            *reached += u32::from(distance >= i as f64 * self.spacing);
        }
        let waited = at.since(began);
        if self.spacing <= 0.0 {
            if self.trades >= TRADES_FIRST {
                self.begin(at);
            }
        } else if waited >= WINDOW && self.trades >= TRADES_MIN {
            if let Some(fit) = self.fit(waited) {
                self.fit = Some(fit);
            }
            self.begin(at);
        }
        self.fit
    }

    /// Ends a window: the next one's distances follow this one's mean.
    fn begin(&mut self, at: ExchNs) {
        let spacing = SPACING * self.distance_sum / f64::from(self.trades);
        *self = Self { began: Some(at), spacing, fit: self.fit, ..Self::default() };
    }

    /// The line through the logarithms; none when fewer than two distances were reached, or when more
    /// trades reached far than near.
    fn fit(&self, waited: DurationNs) -> Option<Intensity> {
        let points = || {
            let reached = self.reached.iter().enumerate().filter(|(_, count)| **count > 0);
            reached.map(|(i, count)| (i as f64 * self.spacing, f64::from(*count).ln()))
        };
        let line = Line::fit(points).ok()?;
        let seconds = waited.raw() as f64 / 1e9;
        let kappa = -line.slope;
        (kappa > 0.0).then(|| Intensity { base: line.intercept.exp() / seconds, kappa })
    }

    /// The newest fit; `None` before the first window of at least 200 trades has ended.
    pub const fn value(&self) -> Option<Intensity> {
        self.fit
    }
}

#[cfg(test)]
mod tests;
