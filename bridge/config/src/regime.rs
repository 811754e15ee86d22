//! `[regime]`: how the detector labels the market.

use paperwire_core::time::DurationNs;
use paperwire_signals::detector::{DetectorConfig, DetectorError, Weights};
use paperwire_signals::regime::RegimeRule;
use serde::Deserialize;

use super::ConfigError;
use super::value::{range, word};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RegimeSection {
    weights: WeightsSection,
    cut: f64,
    strong_cut: f64,
    smoothing: usize,
    confirmations: u32,
    duration_min_s: u64,
    sentiment_age_max_s: u64,
    volatility: String,
    volatility_cuts_z: [f64; 3],
    volatility_cuts_pct: [f64; 3],
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WeightsSection {
    adx: f64,
    chop: f64,
    ma: f64,
    rsi: f64,
    volume: f64,
    sentiment: f64,
}

impl RegimeSection {
    pub(super) fn check(&self) -> Result<DetectorConfig, ConfigError> {
        let WeightsSection { adx, chop, ma, rsi, volume, sentiment } = self.weights;
        range("regime.duration_min_s", self.duration_min_s, 0, 86_400)?;
        range("regime.sentiment_age_max_s", self.sentiment_age_max_s, 0, 31_536_000)?;
        let cuts = |name: &str| match name {
            "adaptive" => Some(RegimeRule::Adaptive(self.volatility_cuts_z)),
            "fixed" => Some(RegimeRule::Fixed(self.volatility_cuts_pct)),
            _ => None,
        };
        let known = ["adaptive", "fixed"];
        let config = DetectorConfig {
            weights: Weights { adx, chop, ma, rsi, volume, sentiment },
            cut: self.cut,
            strong_cut: self.strong_cut,
            smoothing: self.smoothing,
            confirmations: self.confirmations,
            duration_min: DurationNs::from_secs(self.duration_min_s),
            sentiment_age_max: DurationNs::from_secs(self.sentiment_age_max_s),
            volatility: word("regime.volatility", &self.volatility, &known, cuts)?,
        };
        for cuts in [self.volatility_cuts_z, self.volatility_cuts_pct] {
            // Also those not in force: what a file says is right or an error, never ignored.
            DetectorConfig { volatility: RegimeRule::Fixed(cuts), ..config }.check()?;
        }
        Ok(config)
    }
}

impl From<DetectorError> for ConfigError {
    fn from(error: DetectorError) -> Self {
        Self::Regime(error)
    }
}

#[cfg(test)]
mod tests;
