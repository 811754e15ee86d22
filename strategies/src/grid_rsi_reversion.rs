//! Buys a ladder of levels below the market and sells each one step higher, again and again; relative strength sets the sizes.
//!
//! There is no theory behind it beyond prices that swing: gains are bounded by a step, losses of a trend are
//! not, as if volatility were sold. Hence no buys in a trend, in a wild market or after too much was lost,
//! a stop below the lowest level, and never more than a few levels at once.
//!
//! Buys rest at their levels; a bought level rests its own sale one step higher and is armed again once that
//! is filled. Levels and fills find each other by tags. Exits and sales are looked at with every event;
//! buys with closed bars and each second.

mod buy;
mod ladder;
mod params;
mod reading;
mod sell;

use paperwire_core::account::{AccountView, Fill, Trigger};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::Instrument;
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Event, Reject, Signals, StartContext, Strategy, StrategyDef};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;
use paperwire_signals::breaker::{CircuitBreaker, LossLimit};
use paperwire_signals::exposure::Exposure;
use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::session::SessionClock;

use crate::Validate;
use crate::aligned::AlignedPair;
use crate::desks;
use ladder::{Ladder, Order};
use params::Table;
pub use params::{GridKind, OrderMode, Params, SymbolParams};
use reading::Bars;

/// Returns of five minutes that the correlation of the money pairs is taken over.
const CORRELATION_BARS: usize = 20;

/// The strategy.
#[derive(Debug)]
pub struct GridRsiReversion {
    params: Params,
    taker_fee: f64,
    maker_fee: f64,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    correlation: Option<AlignedPair>,
    session: SessionClock,
    breaker: CircuitBreaker,
    losses: LossLimit,
    /// Highest equity seen.
    peak: Money,
    exposure: Exposure,
}

/// State of one pair.
#[derive(Debug)]
struct Desk {
    instrument: Instrument,
    table: Table,
    bars: Bars,
    ladder: Ladder,
    /// The grid in force; `None` before the first and while a new one is due.
    grid: Option<Grid>,
    /// No buys before this instant.
    next_ok_at: ExchNs,
    /// A buy was refused: wait as after a fill.
    is_refused: bool,
    /// No second exit signal before this instant.
    exit_retry_at: ExchNs,
}

/// A grid in force.
#[derive(Clone, Copy, Debug)]
struct Grid {
    centre: f64,
    /// Distance between levels, as a fraction.
    spacing: f64,
    laid_at: ExchNs,
    /// When a cycle was completed last, or the grid laid.
    cycle_at: ExchNs,
    /// Cycles completed since then.
    cycles: u32,
}

impl StrategyDef for GridRsiReversion {
    const NAME: &'static str = "grid_rsi_reversion";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    const WARMUP: &'static [(Timeframe, u16)] =
        &[(Timeframe::M1, RegimeMonitor::CLOSES_ADAPTIVE), (Timeframe::M5, 33)];
    type Params = Params;

    fn new(params: Params) -> Self {
        let pause = DurationNs::from_secs(60 * params.losses_pause_min);
        Self {
            taker_fee: 0.0,
            maker_fee: 0.0,
            desks: Vec::new(),
            correlation: None,
            session: SessionClock::new(params.session_hours),
            breaker: CircuitBreaker::new(params.losses_max, pause),
            losses: LossLimit::new(params.session_loss_max_pct),
            peak: Money::ZERO,
            exposure: Exposure::new(&[]),
            params,
        }
    }
}

impl Strategy for GridRsiReversion {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        (self.taker_fee, self.maker_fee) = (ctx.taker_fee, ctx.maker_fee);
        self.exposure = Exposure::new(ctx.instruments);
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
            Event::Book { symbol } | Event::Trade { symbol, .. } => {
                self.exit(symbol, market, account, out);
            }
            Event::Bar { symbol, timeframe, bar, is_history } => {
                if let Some(pair) = &mut self.correlation {
                    pair.on_bar(symbol, timeframe, bar, market);
                }
                if let Some(desk) = &mut self.desks[symbol.index()] {
                    desk.bars.push(timeframe, bar);
                    if timeframe == Timeframe::M5 && !is_history {
                        self.tend(symbol, market, account, out);
                    }
                }
            }
            Event::Timer => {
                for (symbol, _) in market.symbols() {
                    self.tend(symbol, market, account, out);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        if let Some(net) = fill.trade_net {
            self.breaker.on_closed(net, fill.at);
        }
        let Some(desk) = &mut self.desks[fill.symbol.index()] else {
            return;
        };
        let order = Order::of_tag(fill.tag).filter(|_| fill.trigger == Trigger::Strategy);
        match (fill.side, order) {
            (OrderSide::Buy, Some(Order::Buy(slot))) => {
                desk.ladder.slot_mut(slot).held += fill.qty;
                let until = fill.at.plus(DurationNs::from_secs(desk.table.cooldown_s));
                desk.next_ok_at = desk.next_ok_at.max(until);
            }
            (OrderSide::Sell, Some(Order::Sell(slot))) => desk.on_sale(slot, fill),
            (OrderSide::Sell, _) => {
                // A stop, a command or an exit of the whole: the grid has failed and is laid again.
                desk.ladder.reduce(fill.qty);
                desk.give_up();
                let until = fill.at.plus(DurationNs::from_secs(desk.table.cooldown_s));
                desk.next_ok_at = desk.next_ok_at.max(until);
            }
            (OrderSide::Buy, _) => {}
        }
        if fill.lots_after <= 0 {
            desk.ladder.empty();
            desk.exit_retry_at = ExchNs::default();
        }
    }

    fn on_reject(&mut self, reject: &Reject) {
        if let Some(desk) = &mut self.desks[reject.signal.symbol.index()]
            && matches!(Order::of_tag(reject.signal.tag), Some(Order::Buy(_)))
        {
            desk.is_refused = true;
        }
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl Desk {
    fn new(instrument: &Instrument, params: &Params) -> Self {
        Self {
            instrument: *instrument,
            table: params.table(instrument),
            bars: Bars::new(instrument, params),
            ladder: Ladder::new(),
            grid: None,
            next_ok_at: ExchNs::default(),
            is_refused: false,
            exit_retry_at: ExchNs::default(),
        }
    }

    /// A level was sold, in whole or in part; when nothing of it is left, its cycle is complete.
    fn on_sale(&mut self, slot: usize, fill: &Fill) {
        let level = self.ladder.slot_mut(slot);
        level.held -= level.held.min(fill.qty);
        if level.held.is_zero()
            && let Some(grid) = &mut self.grid
        {
            grid.cycles = grid.cycles.saturating_add(1);
            grid.cycle_at = fill.at;
        }
    }

    /// The grid is not in force any more: its buys are to be taken back, and another one is due.
    fn give_up(&mut self) {
        self.ladder.retire();
        self.grid = None;
    }
}

#[cfg(test)]
mod tests;
