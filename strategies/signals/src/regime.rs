//! How violent the market is now, and whether that is much for this market.
//!
//! [`ReturnVolatility`]: population sigma of the newest 20 simple one-minute returns, in percent.
//! [`RegimeMonitor`] cuts it into four regimes, either at fixed percentages or by its own history:
//! `z` of `ln sigma` against an exponential mean and variance with a half-life of a day, cut at -0.5,
//! 0.8 and 2.0 with a hysteresis of 0.1. Percentages that suit one pair call every other pair calm
//! (or wild) for ever, hence the second is the default.

use paperwire_core::bar::Timeframe;
pub use paperwire_core::regime::VolatilityState as Regime;

use crate::rolling::RollingStats;

/// Standard deviation of simple returns. Unit: percent per bar.
#[derive(Debug)]
pub struct ReturnVolatility {
    last_close: Option<f64>,
    returns: RollingStats,
}

impl ReturnVolatility {
    /// Over `period` returns, so `period + 1` closes.
    pub fn new(period: usize) -> Self {
        Self { last_close: None, returns: RollingStats::new(period) }
    }

    /// Adds a close; one that is not a positive price is ignored.
    pub fn push(&mut self, close: f64) -> Option<f64> {
        if close.is_finite()
            && close > 0.0
            && let Some(last) = self.last_close.replace(close)
        {
            self.returns.push(close / last - 1.0);
        }
        self.value()
    }

    /// The volatility in percent, once the window is full.
    pub fn value(&self) -> Option<f64> {
        self.returns.sigma().map(|sigma| 100.0 * sigma)
    }
}

/// Where the regimes are cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RegimeRule {
    /// At these volatilities in percent.
    Fixed([f64; 3]),
    /// At these distances from this market's own history, in its deviations.
    Adaptive([f64; 3]),
}

/// Cuts in percent that suit bars of one length, for bars of another: volatility grows with the square
/// root of time.
pub fn scaled_cuts(cuts_pct: [f64; 3], of: Timeframe, to: Timeframe) -> [f64; 3] {
    let factor = (to.minutes() as f64 / of.minutes() as f64).sqrt();
    cuts_pct.map(|cut| cut * factor)
}

/// Cuts of the adaptive rule, in deviations of the logarithm.
pub const ADAPTIVE_CUTS: [f64; 3] = [-0.5, 0.8, 2.0];
/// How far beyond a cut the regime changes, in deviations of the logarithm.
const HYSTERESIS: f64 = 0.1;
/// Readings before the adaptive rule is believed.
const READINGS_MIN: u32 = 30;
/// Readings after which half of the history is forgotten: a day of minutes.
const HALF_LIFE: f64 = 1440.0;
/// Below this deviation of the logarithm a market is called usual rather than measured.
const DEVIATION_MIN: f64 = 1e-6;

/// Mean and variance of `ln sigma`, plain at first and exponential after a half-life.
#[derive(Clone, Debug, Default)]
struct Moments {
    count: u32,
    mean: f64,
    variance: f64,
}

impl Moments {
    fn push(&mut self, x: f64) {
        self.count = self.count.saturating_add(1);
        let alpha = (1.0 - 0.5f64.powf(1.0 / HALF_LIFE)).max(1.0 / f64::from(self.count));
        let off = x - self.mean;
        self.mean += alpha * off;
        self.variance = (1.0 - alpha) * (self.variance + alpha * off * off);
    }

    fn z(&self, x: f64) -> Option<f64> {
        let sigma = self.variance.sqrt();
        (self.count >= READINGS_MIN)
            .then(|| if sigma > DEVIATION_MIN { (x - self.mean) / sigma } else { 0.0 })
    }
}

/// The regime of any measure of volatility.
#[derive(Clone, Debug)]
pub struct RegimeBands {
    rule: RegimeRule,
    moments: Moments,
    regime: Option<Regime>,
}

impl RegimeBands {
    /// Cut by `rule`.
    pub fn new(rule: RegimeRule) -> Self {
        let (RegimeRule::Fixed(cuts) | RegimeRule::Adaptive(cuts)) = rule;
        assert!(cuts.is_sorted(), "cuts ascend");
        Self { rule, moments: Moments::default(), regime: None }
    }

    /// Adds a volatility in percent.
    pub fn push(&mut self, volatility: f64) -> Option<Regime> {
        match self.rule {
            RegimeRule::Fixed(cuts) => self.regime = Some(regime(volatility, &cuts, 0.0, None)),
            // A market without any move has no logarithm; it is quiet and teaches nothing.
            RegimeRule::Adaptive(_) if volatility <= 0.0 => {
                if self.moments.count >= READINGS_MIN {
                    self.regime = Some(Regime::Low);
                }
            }
            RegimeRule::Adaptive(cuts) => {
                let x = volatility.ln();
                self.moments.push(x);
                if let Some(z) = self.moments.z(x) {
                    self.regime = Some(regime(z, &cuts, HYSTERESIS, self.regime));
                }
            }
        }
        self.regime
    }

    /// The regime, once there is enough to say so.
    pub const fn regime(&self) -> Option<Regime> {
        self.regime
    }
}

/// Volatility and its regime, from one-minute closes.
#[derive(Debug)]
pub struct RegimeMonitor {
    volatility: ReturnVolatility,
    bands: RegimeBands,
}

impl RegimeMonitor {
    /// One-minute closes an adaptive rule needs.
    pub const CLOSES_ADAPTIVE: u16 = 50;

    /// With volatility over 20 returns.
    pub fn new(rule: RegimeRule) -> Self {
        Self { volatility: ReturnVolatility::new(20), bands: RegimeBands::new(rule) }
    }

    /// Adds a one-minute close.
    pub fn push(&mut self, close: f64) -> Option<Regime> {
        let volatility = self.volatility.push(close)?;
        self.bands.push(volatility)
    }

    /// The regime, once there is enough to say so.
    pub const fn regime(&self) -> Option<Regime> {
        self.bands.regime()
    }

    /// The volatility in percent.
    pub fn volatility_pct(&self) -> Option<f64> {
        self.volatility.value()
    }
}

/// The regime of `x`; leaving `now` takes `margin` more than the cut.
fn regime(x: f64, cuts: &[f64; 3], margin: f64, now: Option<Regime>) -> Regime {
    let Some(now) = now else {
        return Regime::ALL[cuts.partition_point(|cut| x > *cut)];
    };
    let mut index = now.index();
    while index < cuts.len() && x > cuts[index] + margin {
        index += 1;
    }
    while index > 0 && x < cuts[index - 1] - margin {
        index -= 1;
    }
    Regime::ALL[index]
}

#[cfg(test)]
mod tests;
