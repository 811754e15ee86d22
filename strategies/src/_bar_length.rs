//! Lengths of bars that parameters may choose from.

use paperwire_core::bar::Timeframe;
use serde::{Deserialize, Serialize};

/// Length of the bars that a strategy watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum BarLength {
    /// One minute.
    #[serde(rename = "1m")]
    M1,
    /// Five minutes.
    #[serde(rename = "5m")]
    M5,
    /// Fifteen minutes.
    #[serde(rename = "15m")]
    M15,
    /// An hour.
    #[serde(rename = "1h")]
    H1,
}

impl BarLength {
    pub(crate) const fn timeframe(self) -> Timeframe {
        match self {
            Self::M1 => Timeframe::M1,
            Self::M5 => Timeframe::M5,
            Self::M15 => Timeframe::M15,
            Self::H1 => Timeframe::H1,
        }
    }
}
