//! What a run is made of: its strategies, the venue's behaviour, the accounts.

use paperwire_core::bar::{BarRules, Timeframe};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::market::MarketState;
use paperwire_core::num::Money;
use paperwire_core::rules::Rules;
use paperwire_core::strategy::{Flip, Strategy};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_signals::detector::DetectorConfig;
use paperwire_signals::router::Router;

use crate::fee::FeeModel;
use crate::latency::LatencyModel;
use crate::margin::MarginRules;
use crate::portfolio::{Opening, Spot};
use crate::risk::{GlobalLimits, RiskLimits};
use crate::world::TriggerPrice;

use super::call_order::CallOrder;

/// One strategy of the run.
pub struct StrategySetup {
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
    /// Its name in this run, of which its random numbers are made.
    pub name: String,
    /// What it trades.
    pub symbols: Vec<SymbolId>,
    /// Closed bars it needs before its first signal.
    pub warmup: &'static [(Timeframe, u16)],
    /// What an entry against its open position does.
    pub flip: Flip,
    /// Its limits.
    pub risk: RiskLimits,
    /// What the market's regime changes about its entries; `None` nothing.
    pub router: Option<Router>,
}

impl std::fmt::Debug for StrategySetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategySetup").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How the simulated venue behaves: one value per doubt about reality.
#[derive(Debug)]
pub struct VenueConfig {
    /// The fill model that strategies live in, one of [`crate::fill::NAMES`].
    pub fill_model: String,
    /// Slippage of the `seed` model, as a fraction of the price.
    pub slippage: Money,
    /// Whether own fills eat displayed liquidity.
    pub has_overlay: bool,
    /// Whether every order also meets the models of [`crate::fill::BRACKET`].
    pub has_bracket: bool,
    /// Time on the way.
    pub latency: Box<dyn LatencyModel>,
    /// Messages per second that the latency model takes for typical.
    pub typical_rate: u32,
    /// What the venue charges.
    pub fees: Box<dyn FeeModel>,
    /// Which price triggers.
    pub trigger_price: TriggerPrice,
}

/// The engine's configuration.
#[derive(Debug)]
pub struct EngineConfig {
    /// Rows per side of every book.
    pub depth: u16,
    /// How bars are built.
    pub bars: BarRules,
    /// Currency of every account.
    pub numeraire: AssetName,
    /// Capital of every account.
    pub capital: Money,
    /// Assets of every account besides, never traded.
    pub starting_assets: Vec<(AssetName, Money)>,
    /// Value traded in the 30 days before, for tiered fees.
    pub volume_30d: Money,
    /// The venue.
    pub venue: VenueConfig,
    /// Leverage, maintenance, liquidation.
    pub margin: MarginRules,
    /// Limits of all accounts together.
    pub global: GlobalLimits,
    /// Whether a limit that halts an account also closes its positions.
    pub flatten_on_halt: bool,
    /// How the market's regime is found.
    pub detector: DetectorConfig,
    /// Seed of everything random that an account can notice.
    pub seed: u64,
    /// Rules of the session; those of an older tape keep what it was lived by.
    pub rules: Rules,
    /// In which order the strategies of an event are called.
    pub order: CallOrder,
}

impl EngineConfig {
    /// The documented defaults: `book_walk` with the overlay and no latency, 0.1 % flat, leverage 1.5
    /// long and 2 short, no limits.
    pub fn new(depth: u16, numeraire: AssetName, capital: Money) -> Self {
        let fee = Money::ONE / 1000;
        Self {
            depth,
            bars: BarRules::default(),
            numeraire,
            capital,
            starting_assets: Vec::new(),
            volume_30d: Money::ZERO,
            venue: VenueConfig {
                fill_model: "book_walk".to_owned(),
                slippage: Money::ONE / 2000,
                has_overlay: true,
                has_bracket: true,
                latency: Box::new(crate::latency::NoLatency),
                typical_rate: 50,
                fees: Box::new(crate::fee::Flat::new(fee, fee)),
                trigger_price: TriggerPrice::Executable,
            },
            margin: MarginRules::default(),
            global: GlobalLimits::default(),
            flatten_on_halt: false,
            detector: DetectorConfig::default(),
            seed: 1,
            rules: Rules::CURRENT,
            order: CallOrder::Permuted(1),
        }
    }
}

/// The models of a strategy's worlds: the one it lives in, then those of the bracket.
pub(super) fn models(chosen: &str, has_bracket: bool) -> Vec<String> {
    let mut models = vec![chosen.to_owned()];
    if has_bracket {
        models.extend(crate::fill::BRACKET.map(str::to_owned));
    }
    models
}

pub(super) fn opening(market: &MarketState, config: &EngineConfig) -> Opening {
    let view = market.view();
    let spots = config.starting_assets.iter().map(|(asset, amount)| {
        let prices = |symbol: &SymbolId| {
            view.symbol(*symbol).instrument().base == *asset && market.has_quote_rate(*symbol)
        };
        let is_direct =
            |symbol: &SymbolId| view.symbol(*symbol).instrument().quote == config.numeraire;
        let all: Vec<SymbolId> = view.symbols().map(|(id, _)| id).filter(prices).collect();
        let priced_by = all.iter().find(|symbol| is_direct(symbol)).or(all.first());
        let priced_by = *priced_by.expect("configuration refuses an asset that no symbol prices");
        Spot { priced_by, amount: *amount }
    });
    Opening { capital: config.capital, spots: spots.collect(), volume_30d: config.volume_30d }
}

/// By symbol: itself, and the pairs whose quote currency it prices.
pub(super) fn touches(instruments: &[Instrument], numeraire: &AssetName) -> Vec<SymbolSet> {
    let touched = |of: &Instrument| {
        let is_priced = |pair: &Instrument| {
            let by_inverse = of.base == *numeraire && pair.quote == of.quote;
            pair.name == of.name || pair.quote == of.base || by_inverse
        };
        let priced = (0u16..).zip(instruments).filter(|(_, pair)| is_priced(pair));
        priced.map(|(index, _)| SymbolId(index)).collect()
    };
    instruments.iter().map(touched).collect()
}
