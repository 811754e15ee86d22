//! What makes one market different from another: a seed, a start, and how much of everything.

use paperwire_core::time::ExchNs;

use super::scenes::Scene;

/// 2026-01-01T00:00:00Z: where a market begins when nobody says otherwise.
pub const DEFAULT_START: ExchNs = ExchNs::new(1_767_225_600_000_000_000);

/// What makes one market different from another.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// Same seed and same start, same events.
    pub seed: u64,
    /// First instant of the market; `None` lets the server take the wall clock, and
    /// [`super::Market::new`] take [`DEFAULT_START`].
    pub start: Option<ExchNs>,
    /// Multiplies how often people act; 1 is like the real pairs in a quiet hour. How far prices
    /// move in a second stays the same.
    pub rate: f64,
    /// Multiplies how far prices move; 1 is like the real pairs in a quiet hour.
    pub volatility: f64,
    /// Synthetic pairs `SYM01/USD`, `SYM02/USD`, ... beside the four real ones.
    pub extra_symbols: u16,
    /// Minutes of past that are made up before the start.
    pub history_minutes: u32,
    /// What is to happen, besides what happens by itself.
    pub scenes: Vec<Scene>,
}

impl MarketConfig {
    /// The four default pairs as they are in a quiet hour, with twelve hours of past.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            start: None,
            rate: 1.0,
            volatility: 1.0,
            extra_symbols: 0,
            history_minutes: 720,
            scenes: Vec::new(),
        }
    }
}

/// A market by name: how often people act, how far prices move, and how fast its clock goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// A quiet hour of the real pairs, as captured.
    Calm,
    /// A busy hour: six times the messages and trades, and prices that move three times as far.
    Busy,
    /// To watch strategies at work: ten seconds pass in one, and prices move four times as far.
    Demo,
}

impl Profile {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calm, Self::Busy, Self::Demo];

    /// Its name in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Calm => "calm",
            Self::Busy => "busy",
            Self::Demo => "demo",
        }
    }

    /// The profile of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|profile| profile.as_str() == name)
    }

    /// [`MarketConfig::rate`]. Messages per second of real time are this times the speed.
    pub const fn rate(self) -> f64 {
        match self {
            Self::Calm => 1.0,
            Self::Busy => 6.0,
            Self::Demo => 1.0,
        }
    }

    /// [`MarketConfig::volatility`].
    pub const fn volatility(self) -> f64 {
        match self {
            Self::Calm => 1.0,
            Self::Busy => 3.0,
            Self::Demo => 4.0,
        }
    }

    /// Seconds of the market in a second of real time.
    pub const fn speed(self) -> f64 {
        match self {
            Self::Calm | Self::Busy => 1.0,
            Self::Demo => 10.0,
        }
    }
}

/// Why a market cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum MarketError {
    /// Not a positive number, or so large that time between events vanishes.
    #[error("rate {0} is not within 0.001 to 1000")]
    Rate(f64),
    /// Not a positive number, or a market that is none.
    #[error("volatility {0} is not within 0.01 to 100")]
    Volatility(f64),
    /// A scene is about a pair that is not listed.
    #[error("a scene is about {0:?}, which is not listed")]
    Symbol(String),
}
