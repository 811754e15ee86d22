//! Buys what fell far below its mean of five-minute closes and sells what rose far above it, where prices come back.
//!
//! Stretched moves revert (Poterba & Summers 1988; Lo & MacKinlay 1990) unless the market runs one way:
//! ADX, a slope over 50 bars, and the half-life of the distance from the mean (an Ornstein-Uhlenbeck
//! process, `ln 2 / theta`) decide whether this one does. Price beyond the Bollinger band, relative
//! strength at its extreme and takers who already turn are asked together.
//!
//! Bars advance indicators and offer entries. Exits come first in every call and know no cooldown: the
//! mean is reached, age lowers the target, a trend against the position is confirmed. Stop, target, trail
//! and the longest time are the engine's.

mod entry;
mod exit;
mod params;
mod reading;

use paperwire_core::account::{AccountView, Fill, PositionSide};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::ids::OrderId;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Event, Signals, StartContext, Strategy, StrategyDef};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::regime::RegimeMonitor;

use crate::Validate;
use crate::aligned::AlignedPair;
use crate::desks;
use crate::gate::{self, Gate};
use crate::regime;
use crate::role::Role;
use params::Table;
pub use params::{EntryOrder, Params, SymbolParams};
use reading::{Bars, Reading};

/// Tags of the entries, by which their fills are known.
const TAG_BAND: u32 = 1;
const TAG_VWAP: u32 = 2;
/// Returns of the correlation that the cross pair asks for.
const CORRELATION_BARS: usize = 50;

/// The strategy.
#[derive(Debug)]
pub struct MeanReversion {
    params: Params,
    fee: f64,
    maker_fee: f64,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    correlation: Option<AlignedPair>,
    gate: Gate,
}

/// State of one pair.
#[derive(Debug)]
struct Desk {
    instrument: Instrument,
    role: Role,
    table: Table,
    bars: Bars,
    /// Of the newest closed bar.
    reading: Option<Reading>,
    regime: RegimeMonitor,
    /// No entry before this instant.
    next_ok_at: ExchNs,
    /// No second exit signal before this instant: a refused one is not repeated with every event.
    exit_retry_at: ExchNs,
    /// Where the newest fade wants to take its profit.
    vwap_target: f64,
    /// The order that opened the position; a later one adds to it.
    opened_by: Option<OrderId>,
    /// Stop and target must be set again from the average price.
    is_anchor_due: bool,
    /// Net result of the parts closed so far of the open position.
    closed_net: Money,
}

impl StrategyDef for MeanReversion {
    const NAME: &'static str = "mean_reversion";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    const WARMUP: &'static [(Timeframe, u16)] =
        &[(Timeframe::M1, RegimeMonitor::CLOSES_ADAPTIVE), (Timeframe::M5, 119)];
    type Params = Params;

    fn new(params: Params) -> Self {
        Self {
            fee: 0.0,
            maker_fee: 0.0,
            desks: Vec::new(),
            correlation: None,
            gate: gate::of_params!(params),
            params,
        }
    }
}

impl Strategy for MeanReversion {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.fee = ctx.taker_fee;
        self.maker_fee = ctx.maker_fee;
        self.gate.start(ctx);
        self.correlation = AlignedPair::of(ctx, Timeframe::M5, CORRELATION_BARS);
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
                self.exit(symbol, market, account, out);
            }
            Event::Trade { symbol, trade } => {
                let has_left = self.exit(symbol, market, account, out);
                if self.params.enters_intrabar
                    && !has_left
                    && let Some(desk) = self.desk(symbol)
                {
                    let price = desk.instrument.px_f64(trade.px);
                    self.enter(symbol, price, market, account, out);
                }
            }
            Event::Bar { symbol, timeframe, bar, is_history } => {
                if let Some(pair) = &mut self.correlation {
                    pair.on_bar(symbol, timeframe, bar, market);
                }
                let Some(desk) = self.desk(symbol) else {
                    return;
                };
                let close = desk.instrument.px_f64(bar.close);
                match timeframe {
                    Timeframe::M1 => {
                        desk.regime.push(close);
                    }
                    Timeframe::M5 => {
                        desk.reading = desk.bars.push(bar, market.symbol(symbol).board(timeframe));
                        if !is_history && !self.exit(symbol, market, account, out) {
                            self.enter(symbol, close, market, account, out);
                        }
                    }
                    _ => {}
                }
            }
            Event::Timer => {
                for (symbol, _) in market.symbols() {
                    self.exit(symbol, market, account, out);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let costs = 2.0 * self.fee;
        let Some(desk) = &mut self.desks[fill.symbol.index()] else {
            return;
        };
        let until = fill.at.plus(DurationNs::from_secs(desk.table.cooldown_s));
        desk.next_ok_at = desk.next_ok_at.max(until);
        let Some(side) = desks::opened(fill) else {
            if desks::on_closing(fill, &mut desk.closed_net, &mut self.gate.breaker) {
                desk.on_flat();
            }
            return;
        };
        let px = desk.instrument.px_f64(fill.px);
        let is_add = *desk.opened_by.get_or_insert(fill.order) != fill.order;
        let is_inside_costs = match side {
            PositionSide::Long => desk.vwap_target <= px * (1.0 + costs),
            PositionSide::Short => desk.vwap_target >= px * (1.0 - costs),
        };
        // An add moved the average; a fade filled too near its goal would take its profit at a loss.
        desk.is_anchor_due |= is_add || (fill.tag == TAG_VWAP && is_inside_costs);
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl MeanReversion {
    fn desk(&mut self, symbol: SymbolId) -> Option<&mut Desk> {
        self.desks[symbol.index()].as_mut()
    }
}

impl Desk {
    fn new(instrument: &Instrument, params: &Params) -> Self {
        Self {
            instrument: *instrument,
            role: Role::of(instrument),
            table: params.table(instrument),
            bars: Bars::new(instrument, params),
            reading: None,
            regime: regime::monitor(params.regime_cuts_pct),
            next_ok_at: ExchNs::default(),
            exit_retry_at: ExchNs::default(),
            vwap_target: 0.0,
            opened_by: None,
            is_anchor_due: false,
            closed_net: Money::ZERO,
        }
    }

    /// Everything of an ended position is forgotten.
    fn on_flat(&mut self) {
        self.opened_by = None;
        self.is_anchor_due = false;
        self.exit_retry_at = ExchNs::default();
    }
}

#[cfg(test)]
mod tests;
