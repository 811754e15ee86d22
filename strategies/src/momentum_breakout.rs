//! Buys closes above the highest high of the bars before, and sells those below, when range, volume, trend and takers agree.
//!
//! Donchian channel of prior bars (15, 20 or 30 of them, by volatility) confirmed by a Keltner band
//! (Brock, Lakonishok & LeBaron 1992 on range breaks; Moskowitz, Ooi & Pedersen 2012 on time-series
//! momentum). The first stop lies 1.5 ATR away or in the middle of the channel; half is sold at twice the
//! risk and the stop then covers the costs; the rest trails by 3 ATR.
//!
//! Indicators and entries advance with closed bars only. Book and trade events look at the open position
//! and at nothing else. Bars of history teach and never signal.

mod entry;
mod exit;
mod params;
mod reading;

use paperwire_core::account::{AccountView, Fill, PositionSide, Trigger};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::Instrument;
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px};
use paperwire_core::strategy::{Event, Reject, Signals, Skip, StartContext, Strategy, StrategyDef};
use paperwire_signals::session::SessionClock;
use paperwire_signals::trail::Best;

use crate::Validate;
use crate::desks;
use crate::exit::Exit;
use crate::gate::{self, Gate};
use params::Table;
pub use params::{BarLength, Params, SymbolParams};
use reading::Bars;

/// Tags by which fills and refusals are known.
const TAG_ENTRY: u32 = 1;
const TAG_PARTIAL: u32 = 2;

/// The strategy.
#[derive(Debug)]
pub struct MomentumBreakout {
    params: Params,
    fee: f64,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    session: SessionClock,
    gate: Gate,
}

/// State of one pair.
#[derive(Debug)]
struct Desk {
    instrument: Instrument,
    table: Table,
    bars: Bars,
    /// No entry before this many bars.
    next_ok_bar: u64,
    /// Levels at which a stop was hit; the channel must move before they are traded again. Longs, shorts.
    spent: [Option<Px>; 2],
    /// The entry that was signalled and not filled yet.
    plan: Option<Plan>,
    trip: Option<Trip>,
    exit: Exit,
    closed_net: Money,
}

/// What an entry's fill needs to know of its signal.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Distance of the first stop as a fraction of the fill.
    stop_frac: f64,
    /// The level that was broken.
    level: Px,
}

/// An open position.
#[derive(Clone, Copy, Debug)]
struct Trip {
    side: PositionSide,
    entry: f64,
    /// Distance of the first stop from the real fill.
    risk: f64,
    level: Px,
    best: Best,
    bars_held: u32,
    is_partial_done: bool,
    /// The stop has to be raised to the costs without a partial sale.
    is_cost_stop_due: bool,
}

impl StrategyDef for MomentumBreakout {
    const NAME: &'static str = "momentum_breakout";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD"];
    const WARMUP: &'static [(Timeframe, u16)] = &[(Timeframe::M5, 55)];
    type Params = Params;

    fn new(params: Params) -> Self {
        Self {
            fee: 0.0,
            desks: Vec::new(),
            session: SessionClock::new(params.session_hours),
            gate: gate::of_params!(params),
            params,
        }
    }
}

impl Strategy for MomentumBreakout {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.fee = ctx.taker_fee;
        self.gate.start(ctx);
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
                self.watch(symbol, market, account, out);
            }
            Event::Trade { symbol, trade } => {
                if let Some(desk) = &mut self.desks[symbol.index()]
                    && let Some(trip) = &mut desk.trip
                {
                    trip.best.observe(desk.instrument.px_f64(trade.px));
                    self.watch(symbol, market, account, out);
                }
            }
            Event::Bar { symbol, timeframe, bar, is_history } => {
                let Some(desk) = &mut self.desks[symbol.index()] else {
                    return;
                };
                if timeframe != desk.table.bar.timeframe() {
                    return;
                }
                let reading = desk.bars.push(bar);
                if is_history {
                    return;
                }
                if account.position(symbol).side().is_some() {
                    if let Some(reading) = reading {
                        self.judge(symbol, &reading, market, account);
                    }
                    if !self.watch(symbol, market, account, out) {
                        self.trail(symbol, market, account, out);
                    }
                    out.skip(Skip::ExistingPosition);
                    return;
                }
                if account.has_orders(symbol) {
                    return out.skip(Skip::OrderUnderWay);
                }
                match self.entry(symbol, reading.as_ref(), market, account) {
                    Ok(signal) => out.push(signal),
                    Err(why) => out.skip(why),
                }
            }
            Event::Timer => {
                for (symbol, _) in market.symbols() {
                    self.watch(symbol, market, account, out);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let Some(desk) = &mut self.desks[fill.symbol.index()] else {
            return;
        };
        let Some(side) = desks::opened(fill) else {
            if desks::on_closing(fill, &mut desk.closed_net, &mut self.gate.breaker) {
                desk.on_flat(fill.trigger);
            }
            return;
        };
        let Some(plan) = desk.plan.take() else {
            return;
        };
        let entry = desk.instrument.px_f64(fill.px);
        desk.trip = Some(Trip {
            side,
            entry,
            risk: entry * plan.stop_frac,
            level: plan.level,
            best: Best::new(side, entry),
            bars_held: 0,
            is_partial_done: false,
            is_cost_stop_due: false,
        });
    }

    fn on_reject(&mut self, reject: &Reject) {
        let Some(desk) = &mut self.desks[reject.signal.symbol.index()] else {
            return;
        };
        match (reject.signal.tag, &mut desk.trip) {
            (TAG_ENTRY, None) => desk.plan = None,
            (TAG_PARTIAL, Some(trip)) => trip.is_cost_stop_due = true,
            _ => {}
        }
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl Desk {
    fn new(instrument: &Instrument, params: &Params) -> Self {
        let table = params.table(instrument);
        let cuts = (table.atr_low_pct, table.atr_high_pct);
        Self {
            instrument: *instrument,
            table,
            bars: Bars::new(instrument, params.keltner_atr, cuts),
            next_ok_bar: 0,
            spent: [None; 2],
            plan: None,
            trip: None,
            exit: Exit::default(),
            closed_net: Money::ZERO,
        }
    }

    /// The position ended: wait, and after a stop also for another channel.
    fn on_flat(&mut self, trigger: Trigger) {
        self.next_ok_bar = self.bars.count() + self.table.cooldown_bars;
        if let Some(trip) = self.trip.take()
            && trigger == Trigger::StopLoss
        {
            self.spent[side_index(trip.side)] = Some(trip.level);
        }
        self.exit = Exit::default();
    }
}

/// Index of a side's state: longs, shorts.
const fn side_index(side: PositionSide) -> usize {
    match side {
        PositionSide::Long => 0,
        PositionSide::Short => 1,
    }
}

#[cfg(test)]
mod tests;
