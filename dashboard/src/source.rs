//! What the page asks of the program: questions that are answered when they come, and orders.
//!
//! Implemented by the bridge. Answers may take milliseconds and are given on a thread that may wait; none of
//! them may touch a pinned thread otherwise than by the command ring.

use paperwire_core::command::Verb;

use crate::view::latency::{Comparison, Heatmap, Latency, Slowest, Spectrum};
use crate::view::market::Candle;
use crate::view::{EquityCurve, Fill, SessionRow, StrategyConfig};

/// Whose work is looked at: service is work alone, response is from arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Work alone.
    Service,
    /// Waiting included.
    Response,
}

impl Measure {
    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Response => "response",
        }
    }
}

/// Why a question has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is no such thing.
    #[error("{0}")]
    Missing(String),
    /// The question makes no sense.
    #[error("{0}")]
    Bad(String),
    /// Not now.
    #[error("{0}")]
    Busy(String),
}

/// An order from the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// One strategy, or all.
    pub target: Option<String>,
    /// What is to be done.
    pub verb: Verb,
    /// Who gave it, for the log: address, and how they were let in.
    pub by: String,
    /// True when it came from the page and not from a program.
    pub is_page: bool,
}

/// The program behind the page.
pub trait Source: Send + Sync + 'static {
    /// Every stage and strategy over the last seconds, or since the start.
    fn latency(&self, window_s: Option<u64>) -> Latency;
    /// Percentiles of strategies or stages on a fine axis.
    ///
    /// # Errors
    /// When a name is unknown.
    fn spectrum(
        &self,
        names: &[String],
        measure: Measure,
        window_s: u64,
    ) -> Result<Spectrum, Refusal>;
    /// B against A.
    ///
    /// # Errors
    /// When a name is unknown, or both are the same.
    fn compare(&self, a: &str, b: &str, window_s: u64) -> Result<Comparison, Refusal>;
    /// Latency over time.
    ///
    /// # Errors
    /// When the name is unknown.
    fn heatmap(&self, name: &str, measure: Measure, window_s: u64) -> Result<Heatmap, Refusal>;
    /// The slowest events and calls of the last seconds.
    fn slowest(&self, window_s: u64, limit: usize) -> Slowest;
    /// Candles, oldest first, at most so many; the last one may be forming.
    ///
    /// # Errors
    /// When the symbol or the timeframe is unknown.
    fn candles(&self, symbol: &str, timeframe: &str, limit: usize) -> Result<Vec<Candle>, Refusal>;
    /// Equity over time.
    ///
    /// # Errors
    /// When the strategy is unknown.
    fn equity(&self, strategy: &str) -> Result<EquityCurve, Refusal>;
    /// Fills, the newest first, of one strategy or of all.
    ///
    /// # Errors
    /// When the strategy is unknown.
    fn fills(&self, strategy: Option<&str>, limit: usize) -> Result<Vec<Fill>, Refusal>;
    /// Parameters as they are now.
    ///
    /// # Errors
    /// When the strategy is unknown.
    fn config(&self, strategy: &str) -> Result<StrategyConfig, Refusal>;
    /// Sessions that were recorded or logged.
    fn sessions(&self) -> Vec<SessionRow>;
    /// An HdrHistogram log of the kept seconds, which public plotters open.
    fn hdr_log(&self) -> String;
    /// Gives an order; what became of it is seen in the events.
    ///
    /// # Errors
    /// When the strategy is unknown or the ring is full.
    fn order(&self, order: &Order) -> Result<(), Refusal>;
}
