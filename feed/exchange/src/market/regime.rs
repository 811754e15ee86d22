//! Moods of the whole market.

use paperwire_core::random::Rng;
use serde::Deserialize;

/// Mood of the whole market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Little happens.
    Quiet,
    /// An ordinary hour.
    Normal,
    /// Prices drift up; only by a scene.
    TrendUp,
    /// Prices drift down; only by a scene.
    TrendDown,
    /// Large moves either way.
    Turbulent,
}

impl Regime {
    /// Volatility against normal, drift in basis points per minute, mean stay in seconds.
    pub(super) const fn character(self) -> (f64, f64, f64) {
        match self {
            Self::Quiet => (0.65, 0.0, 420.0),
            Self::Normal => (1.0, 0.0, 600.0),
            Self::TrendUp => (1.1, 5.0, 70.0),
            Self::TrendDown => (1.1, -5.0, 70.0),
            Self::Turbulent => (1.7, 0.0, 180.0),
        }
    }

    /// The market never takes a direction by itself: that would be a gift to whoever follows it.
    pub(super) fn next(self, rng: &mut Rng) -> Self {
        match (self, rng.below(8)) {
            (Self::Quiet | Self::TrendUp | Self::TrendDown, 0..=6) | (Self::Turbulent, 0..=5) => {
                Self::Normal
            }
            (Self::Normal, 0..=4) | (Self::Turbulent, _) => Self::Quiet,
            _ => Self::Turbulent,
        }
    }

    /// Which way flow leans: the chance that a new buyer or seller is a buyer.
    pub(super) const fn buy_bias(self) -> f64 {
        match self {
            Self::TrendUp => 0.66,
            Self::TrendDown => 0.34,
            Self::Quiet | Self::Normal | Self::Turbulent => 0.5,
        }
    }
}
