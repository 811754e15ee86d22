//! What the market is like: a label per symbol and one of all, renewed once per closed minute.
//!
//! Reads the boards of indicators and the closed bars, nothing else; whoever calls it has filled the
//! board of the bar before. A symbol's label depends on that symbol alone. It is scored on one-minute
//! bars (`score`), named by cuts, and changes only when confirmed (`label`); real bars of 5 minutes to 4
//! hours tell how far the timeframes agree (`votes`). Time is that of the bars. All memory is taken in
//! [`Detector::new`].

use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::SYMBOLS_MAX;
use paperwire_core::market::MarketView;
use paperwire_core::regime::{MarketRegime, SymbolRegime, Transition};
use paperwire_core::time::{DurationNs, ExchNs};

pub use config::{DetectorConfig, DetectorError, SMOOTHING_MAX, Weights};
use overall::Overall;
use symbol::SymbolDetector;

mod config;
mod label;
mod overall;
mod score;
mod symbol;
mod votes;

/// What one closed minute taught.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// The symbol's regime now.
    pub symbol: SymbolRegime,
    /// The change of its label, if it changed.
    pub transition: Option<Transition>,
    /// The regime of all, when this was the last of them to tell about its minute.
    pub market: Option<MarketRegime>,
    /// The change of that label, if it changed.
    pub market_transition: Option<Transition>,
}

/// Finds the regimes of a run.
#[derive(Debug)]
pub struct Detector {
    config: DetectorConfig,
    symbols: Vec<SymbolDetector>,
    overall: Overall,
}

impl Detector {
    /// For so many symbols.
    ///
    /// # Errors
    /// [`DetectorError`] for a configuration that makes no sense.
    ///
    /// # Panics
    /// With more symbols than [`SYMBOLS_MAX`].
    pub fn new(config: DetectorConfig, symbols: usize) -> Result<Self, DetectorError> {
        assert!(symbols <= SYMBOLS_MAX, "configuration bounds the number of symbols");
        config.check()?;
        Ok(Self {
            symbols: (0..symbols).map(|_| SymbolDetector::new(&config)).collect(),
            overall: Overall::new(),
            config,
        })
    }

    /// Takes a closed bar of any timeframe; its board holds the values after it. Minutes tell something
    /// once there are enough of them.
    pub fn on_bar(
        &mut self,
        symbol: SymbolId,
        timeframe: Timeframe,
        bar: &Bar,
        market: &MarketView<'_>,
    ) -> Option<Update> {
        let state = market.symbol(symbol);
        let board = state.board(timeframe);
        let of = &mut self.symbols[symbol.index()];
        of.vote(timeframe, state.instrument().px_f64(bar.close), board);
        if timeframe != Timeframe::M1 {
            return None;
        }
        let at = bar.open_at.plus(MINUTE);
        let age_max = self.config.sentiment_age_max;
        let fear_greed = market.sentiment().and_then(|of| of.fear_greed_at(at, age_max));
        let (regime, transition) = of.on_minute(at, board, fear_greed, &self.config)?;
        let (market, market_transition) =
            self.overall.on_minute(symbol, at, &self.symbols, &self.config);
        Some(Update { symbol: regime, transition, market, market_transition })
    }

    /// The last changes of one symbol's label, oldest first.
    pub fn transitions(&self, symbol: SymbolId) -> &FixedRing<Transition> {
        self.symbols[symbol.index()].transitions()
    }

    /// What it works with.
    pub const fn config(&self) -> &DetectorConfig {
        &self.config
    }
}

const MINUTE: DurationNs = DurationNs::from_secs(60);

/// A symbol that told nothing for this long is not part of the whole.
const SILENT_AFTER: DurationNs = DurationNs::from_secs(300);

/// True when a reading of `at` still says something of `now`.
fn is_recent(at: ExchNs, now: ExchNs) -> bool {
    now.since(at) <= SILENT_AFTER
}

#[cfg(test)]
mod testkit;
#[cfg(test)]
mod tests;
