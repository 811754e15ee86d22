//! Rides bursts of a few minutes in the direction of aligned averages, when oscillator, volume and takers confirm them.
//!
//! At the close of a minute: the RSI returns from exhaustion, or drifts through its middle while the MACD
//! crosses (on intraday momentum: Gao, Han, Li & Zhou 2018; Shen, Urquhart & Wang 2022); the close lies
//! beyond the average of 50 minutes and of 50 five-minute bars, volume is a multiple of the usual, takers
//! lean along.
//!
//! Stop, target and longest time are the engine's. A trail of 1.5 ATR raises the stop once it covers the
//! costs. A burst that is exhausted, or that the fast average has overtaken, ends with a profit after costs.
//! Indicators and entries advance with closed bars; other events look at the open position only.

mod entry;
mod exit;
mod params;
mod reading;

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::Instrument;
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Event, Signals, StartContext, Strategy, StrategyDef};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::session::SessionClock;
use paperwire_signals::trail::Best;

use crate::Validate;
use crate::aligned::AlignedPair;
use crate::desks;
use crate::exit::Exit;
use crate::gate::{self, Gate};
use params::Table;
pub use params::{Params, RegimeMode, SymbolParams};
use reading::Bars;

/// The longer timeframe that must point along.
const LONGER: Timeframe = Timeframe::M5;
/// Returns of it over which the correlation of the two money pairs is taken.
const CORRELATION_BARS: usize = 100;

/// The strategy.
#[derive(Debug)]
pub struct MomentumScalping {
    params: Params,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    /// `None` unless both money pairs are traded.
    pair: Option<AlignedPair>,
    session: SessionClock,
    gate: Gate,
}

/// State of one pair.
#[derive(Debug)]
struct Desk {
    instrument: Instrument,
    table: Table,
    bars: Bars,
    regime: RegimeMonitor,
    /// No entry before this instant.
    next_ok_at: ExchNs,
    /// No entry before this many taker orders.
    next_ok_order: u64,
    /// Best price of the open position.
    best: Option<Best>,
    exit: Exit,
    /// Net result of the parts closed so far of the open position.
    closed_net: Money,
}

impl StrategyDef for MomentumScalping {
    const NAME: &'static str = "momentum_scalping";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    const WARMUP: &'static [(Timeframe, u16)] = &[(Timeframe::M1, 52), (LONGER, 50)];
    type Params = Params;

    fn new(params: Params) -> Self {
        Self {
            desks: Vec::new(),
            pair: None,
            session: SessionClock::new(params.session_hours),
            gate: gate::of_params!(params),
            params,
        }
    }
}

impl Strategy for MomentumScalping {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.gate.start(ctx);
        self.pair = AlignedPair::of(ctx, LONGER, CORRELATION_BARS);
        self.desks = desks::of(ctx, |_, of| Desk::new(of, &self.params));
    }

    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        match *event {
            Event::Book { symbol } => {
                self.leave(symbol, market, account, out);
            }
            Event::Trade { symbol, trade } => {
                if let Some(desk) = &mut self.desks[symbol.index()]
                    && let Some(best) = &mut desk.best
                {
                    best.observe(desk.instrument.px_f64(trade.px));
                }
                self.leave(symbol, market, account, out);
            }
            Event::Bar { symbol, timeframe: Timeframe::M1, bar, is_history } => {
                let Some(desk) = &mut self.desks[symbol.index()] else {
                    return;
                };
                desk.regime.push(desk.instrument.px_f64(bar.close));
                let reading = desk.bars.push(bar, &desk.instrument);
                if is_history {
                    return;
                }
                if let Some(reading) = &reading {
                    self.judge(symbol, reading, market, account);
                }
                if self.leave(symbol, market, account, out) {
                    return;
                }
                match self.entry(symbol, reading.as_ref(), market, account) {
                    Ok(signal) => out.push(signal),
                    Err(why) => out.skip(why),
                }
            }
            Event::Bar { symbol, timeframe: LONGER, bar, .. } => {
                if let Some(pair) = &mut self.pair {
                    pair.on_bar(symbol, LONGER, bar, market);
                }
            }
            Event::Bar { .. } => {}
            Event::Timer => {
                for (symbol, _) in market.symbols() {
                    self.leave(symbol, market, account, out);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let until = fill.at.plus(DurationNs::from_secs(self.params.cooldown_s));
        let Some(desk) = &mut self.desks[fill.symbol.index()] else {
            return;
        };
        desk.next_ok_at = desk.next_ok_at.max(until);
        let Some(side) = desks::opened(fill) else {
            if desks::on_closing(fill, &mut desk.closed_net, &mut self.gate.breaker) {
                desk.on_flat();
            }
            return;
        };
        let px = desk.instrument.px_f64(fill.px);
        desk.best.get_or_insert(Best::new(side, px)).observe(px);
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl Desk {
    fn new(instrument: &Instrument, params: &Params) -> Self {
        let table = params.table(instrument);
        Self {
            instrument: *instrument,
            table,
            bars: Bars::new(table.rsi_period),
            regime: params.regime.monitor(params.regime_cuts_pct),
            next_ok_at: ExchNs::default(),
            next_ok_order: 0,
            best: None,
            exit: Exit::default(),
            closed_net: Money::ZERO,
        }
    }

    /// Everything of an ended position is forgotten.
    fn on_flat(&mut self) {
        self.best = None;
        self.exit = Exit::default();
    }
}

#[cfg(test)]
mod tests;
