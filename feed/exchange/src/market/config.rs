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
