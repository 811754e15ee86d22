//! Follows the takers: buys when they mostly bought, sells short when they mostly sold.
//!
//! A starting point to change. It is called for every event of its symbols on the engine's thread: it
//! must not allocate, read a clock or wait. Everything it may know is in its arguments.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{
    Action, Event, ExitLevel, Reason, Signal, Signals, Size, Skip, StartContext, Strategy,
    StrategyDef,
};
use paperwire_core::time::{DurationNs, ExchNs};
use serde::{Deserialize, Serialize};

use crate::{OutOfRange, Validate};

/// Parameters; the configuration may override each one under `[strategy.flow_pulse.params]`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// Taker orders that are looked at.
    pub window: usize,
    /// Share by which buys must outweigh sells, or the reverse; 0 to 1.
    pub threshold: f64,
    /// Value of a position, in dollars.
    pub position_usd: f64,
    /// Distance of the stop from the entry, in percent.
    pub stop_pct: f64,
    /// Distance of the target from the entry, in percent.
    pub target_pct: f64,
    /// A position is closed after this many seconds.
    pub hold_max_s: u64,
    /// Seconds between two entries in one symbol.
    pub cooldown_s: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            window: 20,
            threshold: 0.3,
            position_usd: 20.0,
            stop_pct: 0.4,
            target_pct: 0.8,
            hold_max_s: 120,
            cooldown_s: 10,
        }
    }
}

impl Validate for Params {
    // What `set` may change in a running session; a field that `on_start` copies must not be among these.
    reloadable!(
        window: usize,
        threshold: f64,
        position_usd: f64,
        stop_pct: f64,
        target_pct: f64,
        hold_max_s: u64,
        cooldown_s: u64,
    );

    fn validate(&self) -> Result<(), OutOfRange> {
        OutOfRange::check("window", self.window, 5, 1000)?;
        OutOfRange::check("threshold", self.threshold, 0.0, 1.0)?;
        OutOfRange::check("position_usd", self.position_usd, 1.0, 1e6)?;
        OutOfRange::check("stop_pct", self.stop_pct, 0.01, 50.0)?;
        OutOfRange::check("target_pct", self.target_pct, 0.01, 50.0)?;
        OutOfRange::check("hold_max_s", self.hold_max_s, 1, 86_400)?;
        OutOfRange::check("cooldown_s", self.cooldown_s, 0, 86_400)
    }
}

/// The strategy: its parameters, and for each symbol when it may enter again.
#[derive(Debug)]
pub struct FlowPulse {
    params: Params,
    next_entry: Vec<ExchNs>,
}

impl StrategyDef for FlowPulse {
    const NAME: &'static str = "flow_pulse";
    const VERSION: &'static str = "0.1.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD"];
    /// Bars that must have closed before the first signal; this one looks at trades only.
    const WARMUP: &'static [(Timeframe, u16)] = &[];
    type Params = Params;

    fn new(params: Params) -> Self {
        Self { params, next_entry: Vec::new() }
    }
}

impl Strategy for FlowPulse {
    /// The only place to take memory.
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.next_entry = vec![ExchNs::default(); ctx.instruments.len()];
    }

    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let Event::Trade { symbol, .. } = *event else {
            return;
        };
        // What is on its way to the venue must not be sent again.
        if account.has_orders(symbol) {
            return out.skip(Skip::OrderUnderWay);
        }
        // Exits first: nothing that forbids an entry may keep a position open.
        if let Some(side) = account.position(symbol).side() {
            self.exit(symbol, side, market, account, out);
            return;
        }
        match self.entry(symbol, market) {
            Ok(signal) => {
                let cooldown = DurationNs::from_secs(self.params.cooldown_s);
                self.next_entry[symbol.index()] = market.now().plus(cooldown);
                out.push(signal);
            }
            Err(why) => out.skip(why),
        }
    }

    /// Between two events: nothing is ever changed in the middle of a decision.
    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl FlowPulse {
    /// Stop and target are watched by the engine; what is left is to know when to give up.
    fn exit(
        &self,
        symbol: SymbolId,
        side: PositionSide,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let held = account.position(symbol).age(market.now());
        let imbalance = self.imbalance(symbol, market).unwrap_or(0.0);
        let has_turned = match side {
            PositionSide::Long => imbalance < -self.params.threshold,
            PositionSide::Short => imbalance > self.params.threshold,
        };
        let hold_max = DurationNs::from_secs(self.params.hold_max_s);
        let is_old = held.is_some_and(|held| held >= hold_max);
        if has_turned || is_old {
            let code = if has_turned { "turned" } else { "too_old" };
            let reason = Reason::new(code).with("imbalance", imbalance);
            out.push(Signal::close(symbol, reason));
        }
    }

    /// The signal, or why there is none; reasons are counted and shown.
    fn entry(&self, symbol: SymbolId, market: &MarketView<'_>) -> Result<Signal, Skip> {
        if market.now() < self.next_entry[symbol.index()] {
            return Err(Skip::TimeCooldown);
        }
        if market.symbol(symbol).bbo().is_none() {
            return Err(Skip::StaleBook);
        }
        let imbalance = self.imbalance(symbol, market).ok_or(Skip::WarmingUp)?;
        let action = if imbalance > self.params.threshold {
            Action::Buy
        } else if imbalance < -self.params.threshold {
            Action::Short
        } else {
            return Err(Skip::NoSignalConditions);
        };
        let size = Size::Notional(Money::from_num(self.params.position_usd));
        let reason = Reason::new("flow").with("imbalance", imbalance);
        let stop = ExitLevel::PctFromFill(self.params.stop_pct);
        let target = ExitLevel::PctFromFill(self.params.target_pct);
        Ok(Signal::new(symbol, action, size, reason).bracket(stop, target))
    }

    /// Buys less sells over both, by quantity; `None` until the window is full.
    fn imbalance(&self, symbol: SymbolId, market: &MarketView<'_>) -> Option<f64> {
        let flow = market.symbol(symbol).tape().flow(self.params.window);
        (flow.entries >= self.params.window).then(|| flow.imbalance())?
    }
}
