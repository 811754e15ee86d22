//! Answers to what a browser asks, from what the page keeps.

mod money;
mod pair;
mod tail;

use paperwire_dashboard::source::{Measure, Order, Refusal, Source};
use paperwire_dashboard::view::latency::{Comparison, Heatmap, Latency, Slowest, Spectrum};
use paperwire_dashboard::view::market::Candle;
use paperwire_dashboard::view::{EquityCurve, Fill, SessionRow, StrategyConfig};

use crate::desk::Desk;

impl Source for Desk {
    fn latency(&self, window_s: Option<u64>) -> Latency {
        self.latency_of(window_s)
    }

    fn spectrum(
        &self,
        names: &[String],
        measure: Measure,
        window_s: u64,
    ) -> Result<Spectrum, Refusal> {
        self.spectrum_of(names, measure, window_s)
    }

    fn compare(&self, a: &str, b: &str, window_s: u64) -> Result<Comparison, Refusal> {
        self.comparison(a, b, window_s)
    }

    fn heatmap(&self, name: &str, measure: Measure, window_s: u64) -> Result<Heatmap, Refusal> {
        self.heatmap_of(name, measure, window_s)
    }

    fn slowest(&self, window_s: u64, limit: usize) -> Slowest {
        self.slowest_of(window_s, limit)
    }

    fn candles(&self, symbol: &str, timeframe: &str, limit: usize) -> Result<Vec<Candle>, Refusal> {
        self.candles_of(symbol, timeframe, limit)
    }

    fn equity(&self, strategy: &str) -> Result<EquityCurve, Refusal> {
        self.equity_of(strategy)
    }

    fn fills(&self, strategy: Option<&str>, limit: usize) -> Result<Vec<Fill>, Refusal> {
        self.fills_of(strategy, limit)
    }

    fn config(&self, strategy: &str) -> Result<StrategyConfig, Refusal> {
        self.config_of(strategy)
    }

    fn sessions(&self) -> Vec<SessionRow> {
        self.sessions_here()
    }

    fn hdr_log(&self) -> String {
        self.hdr_of_session()
    }

    fn order(&self, order: &Order) -> Result<(), Refusal> {
        self.give(order)
    }
}

impl Desk {
    /// Index of a strategy.
    fn strategy(&self, name: &str) -> Result<usize, Refusal> {
        let names = &self.facts.names;
        let found = names.iter().position(|known| known.instance == name);
        found.ok_or_else(|| {
            let known: Vec<&str> = names.iter().map(|known| known.instance.as_str()).collect();
            let known = known.join(", ");
            Refusal::Missing(format!(
                "no strategy of this run is called {name:?}; there are {known}"
            ))
        })
    }
}
