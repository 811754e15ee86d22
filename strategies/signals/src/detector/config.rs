//! What the detector may be told: weights, cuts, how slow a label is. Everything is checked before use.

use paperwire_core::regime::TrendRegime;
use paperwire_core::time::DurationNs;

use crate::regime::{ADAPTIVE_CUTS, RegimeRule};

/// Weights of the parts of a score; they sum to 1.
///
/// `adx`, `ma`, `rsi` and `sentiment` weigh directions; `chop` and `adx` how much of a trend it is;
/// `volume` how far traded volume may strengthen or weaken the whole: `1 +- 2 volume`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weights {
    /// Directional movement.
    pub adx: f64,
    /// Choppiness.
    pub chop: f64,
    /// Order of averages.
    pub ma: f64,
    /// Relative strength.
    pub rsi: f64,
    /// Volume.
    pub volume: f64,
    /// Fear and greed.
    pub sentiment: f64,
}

impl Default for Weights {
    fn default() -> Self {
        Self { adx: 0.25, chop: 0.20, ma: 0.20, rsi: 0.15, volume: 0.10, sentiment: 0.10 }
    }
}

impl Weights {
    fn named(&self) -> [(&'static str, f64); 6] {
        [
            ("adx", self.adx),
            ("chop", self.chop),
            ("ma", self.ma),
            ("rsi", self.rsi),
            ("volume", self.volume),
            ("sentiment", self.sentiment),
        ]
    }
}

/// How a regime is found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DetectorConfig {
    /// Of the score.
    pub weights: Weights,
    /// Score above which the market is bull, and below whose negative it is bear.
    pub cut: f64,
    /// The same for the strong ones.
    pub strong_cut: f64,
    /// Scores averaged, one a minute.
    pub smoothing: usize,
    /// Minutes in a row that must show the same other label before it is taken on.
    pub confirmations: u32,
    /// Exchange time that a label holds at least.
    pub duration_min: DurationNs,
    /// Age beyond which sentiment counts as unknown.
    pub sentiment_age_max: DurationNs,
    /// How the range of a minute, in percent of its close, becomes a state of volatility.
    pub volatility: RegimeRule,
}

impl Default for DetectorConfig {
    fn default() -> Self {
        Self {
            weights: Weights::default(),
            cut: 0.15,
            strong_cut: 0.40,
            smoothing: 3,
            confirmations: 3,
            duration_min: DurationNs::from_secs(60),
            sentiment_age_max: DurationNs::from_secs(86_400),
            volatility: RegimeRule::Adaptive(ADAPTIVE_CUTS),
        }
    }
}

/// Why a configuration is not usable.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum DetectorError {
    /// A weight is out of range.
    #[error("weight {name} = {value}: expected 0 to 1")]
    Weight {
        /// Which.
        name: &'static str,
        /// Given.
        value: f64,
    },
    /// The weights are not shares of one whole.
    #[error("the weights sum to {sum}: they must sum to 1")]
    Sum {
        /// Their sum.
        sum: f64,
    },
    /// Nothing would tell a direction, or a trend from noise.
    #[error("adx, ma and rsi weigh nothing together, or adx and chop: raise one of them")]
    Weightless,
    /// The cuts are out of order.
    #[error("cut = {cut}, strong_cut = {strong_cut}: expected 0 < cut < strong_cut < 1")]
    Cuts {
        /// Given.
        cut: f64,
        /// Given.
        strong_cut: f64,
    },
    /// A count is out of range.
    #[error("{name} = {value}: expected 1 to {max}")]
    Count {
        /// Which.
        name: &'static str,
        /// Given.
        value: u64,
        /// Largest.
        max: u64,
    },
    /// The cuts of volatility do not ascend.
    #[error("volatility is cut at {0:?}: expected ascending numbers")]
    Volatility([f64; 3]),
}

/// Scores that may be averaged at most.
pub const SMOOTHING_MAX: usize = 20;
const CONFIRMATIONS_MAX: u32 = 100;
/// How far the sum of the weights may be off 1: decimals are not exact in binary.
const SUM_TOLERANCE: f64 = 1e-6;

impl DetectorConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`DetectorError`], the first that is found.
    pub fn check(&self) -> Result<(), DetectorError> {
        let weights = self.weights.named();
        if let Some((name, value)) = weights.into_iter().find(|of| !(0.0..=1.0).contains(&of.1)) {
            return Err(DetectorError::Weight { name, value });
        }
        let sum: f64 = weights.iter().map(|(_, value)| value).sum();
        if (sum - 1.0).abs() > SUM_TOLERANCE {
            return Err(DetectorError::Sum { sum });
        }
        let Weights { adx, chop, ma, rsi, .. } = self.weights;
        if adx + ma + rsi <= 0.0 || adx + chop <= 0.0 {
            return Err(DetectorError::Weightless);
        }
        let (cut, strong_cut) = (self.cut, self.strong_cut);
        if !(cut > 0.0 && cut < strong_cut && strong_cut < 1.0) {
            return Err(DetectorError::Cuts { cut, strong_cut });
        }
        let (value, max) = (self.smoothing as u64, SMOOTHING_MAX as u64);
        if !(1..=max).contains(&value) {
            return Err(DetectorError::Count { name: "smoothing", value, max });
        }
        if !(1..=CONFIRMATIONS_MAX).contains(&self.confirmations) {
            let (value, max) = (u64::from(self.confirmations), u64::from(CONFIRMATIONS_MAX));
            return Err(DetectorError::Count { name: "confirmations", value, max });
        }
        let (RegimeRule::Fixed(cuts) | RegimeRule::Adaptive(cuts)) = self.volatility;
        if cuts.iter().any(|cut| !cut.is_finite()) || !cuts.is_sorted() {
            return Err(DetectorError::Volatility(cuts));
        }
        Ok(())
    }

    /// What is allowed and yet likely a mistake.
    pub fn warnings(&self) -> impl Iterator<Item = &'static str> {
        let short = DurationNs::from_secs(10);
        let long = DurationNs::from_secs(600);
        [
            (self.duration_min < short, "labels that hold less than 10 s follow noise"),
            (self.duration_min > long, "labels that hold more than 600 s miss turns"),
            (self.confirmations < 2, "one minute alone confirms nothing"),
        ]
        .into_iter()
        .filter_map(|(is_so, text)| is_so.then_some(text))
    }

    /// What a score is called. The cuts are the same on both sides, so a mirrored score gets the
    /// mirrored name.
    pub(super) fn classify(&self, score: f64) -> TrendRegime {
        if score > self.strong_cut {
            TrendRegime::StrongBull
        } else if score > self.cut {
            TrendRegime::Bull
        } else if score < -self.strong_cut {
            TrendRegime::StrongBear
        } else if score < -self.cut {
            TrendRegime::Bear
        } else {
            TrendRegime::Sideways
        }
    }
}

#[cfg(test)]
mod tests;
