//! Buys an asset with bitcoin when its price in bitcoin fell far below its mean, and sells it when it rose far above.
//!
//! Mean reversion of a ratio, to end with more of both coins (Gatev, Goetzmann & Rouwenhorst 2006; Elliott,
//! van der Hoek & Malcolm 2005; Do & Faff 2010 on how costs eat it). Bars are chosen so long that the way
//! back to the mean is worth more than the fees, and nothing is entered unless half-life and variance
//! ratio say that the ratio does come back and both coins move alike against money.
//!
//! One pair is traded; the two money pairs are listened to for prices and correlation. Closed bars of the
//! ratio offer entries. Exits come first in every call: half at the mean, the rest beyond it, all of it when
//! the ratio leaves for good. Hard stop and trail are the engine's.

mod entry;
mod exit;
mod params;
mod reading;

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::command::ParamChange;
use paperwire_core::ids::OrderId;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Event, Signals, Skip, StartContext, Strategy, StrategyDef};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;
use paperwire_signals::breaker::{CircuitBreaker, LossLimit};
use paperwire_signals::regime::RegimeMonitor;
use paperwire_signals::slope::Slope;

use crate::Validate;
use crate::aligned::AlignedPair;
use crate::desks;
use crate::regime;
use crate::role::Role;
pub use params::{BarLength, Params};
use reading::{Bars, Reading};

/// Correlations whose slope says where it goes.
const DECLINE_BARS: usize = 10;

/// The strategy.
#[derive(Debug)]
pub struct RatioTrading {
    params: Params,
    fee: f64,
    desk: Option<Desk>,
    correlation: Option<AlignedPair>,
    /// Slope of the correlation.
    decline: Slope,
    breaker: CircuitBreaker,
    losses: LossLimit,
}

/// State of the pair that is traded.
#[derive(Debug)]
struct Desk {
    id: SymbolId,
    instrument: Instrument,
    bars: Bars,
    /// Of the newest closed bar.
    reading: Option<Reading>,
    regime: RegimeMonitor,
    /// No entry before this many bars.
    next_ok_bar: u64,
    /// No partial exit before this many bars: one each bar at most.
    next_part_bar: u64,
    /// Bars after which less of a way back is enough, as known at the entry.
    decay_bars: f64,
    /// No second exit signal before this instant.
    exit_retry_at: ExchNs,
    /// The order that opened the position; a later one adds to it.
    opened_by: Option<OrderId>,
    /// The stop must be set again from the average price.
    is_anchor_due: bool,
    closed_net: Money,
    gain: Gain,
}

/// What trading added to the basket that would have been held without it.
#[derive(Clone, Copy, Debug, Default)]
struct Gain {
    /// Of the base asset.
    base: f64,
    /// Of bitcoin.
    quote: f64,
    /// Fees, in the numeraire.
    fees_usd: f64,
}

impl Gain {
    fn on_fill(&mut self, fill: &Fill, of: &Instrument) {
        let (qty, value) = (of.qty_f64(fill.qty), fill.value.to_num::<f64>());
        let sign = if fill.side == OrderSide::Buy { 1.0 } else { -1.0 };
        self.base += sign * qty;
        self.quote -= sign * value;
        self.fees_usd += fill.fee.to_num::<f64>();
    }

    /// Worth in the numeraire over holding the starting basket.
    fn usd(&self, price: f64, quote_rate: f64) -> f64 {
        (self.base * price + self.quote) * quote_rate - self.fees_usd
    }
}

impl StrategyDef for RatioTrading {
    const NAME: &'static str = "ratio_trading";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    /// What it needs of its own bars depends on its parameters, and it waits for them itself.
    const WARMUP: &'static [(Timeframe, u16)] = &[(Timeframe::M1, RegimeMonitor::CLOSES_ADAPTIVE)];
    type Params = Params;

    fn new(params: Params) -> Self {
        let pause = DurationNs::from_secs(60 * params.losses_pause_min);
        Self {
            fee: 0.0,
            desk: None,
            correlation: None,
            decline: Slope::new(DECLINE_BARS),
            breaker: CircuitBreaker::new(params.losses_max, pause),
            losses: LossLimit::new(params.session_loss_max_pct),
            params,
        }
    }
}

impl Strategy for RatioTrading {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.fee = ctx.taker_fee;
        let (timeframe, bars) = (self.params.bar.timeframe(), self.params.correlation_bars);
        self.correlation = AlignedPair::of(ctx, timeframe, bars);
        let is_cross = |id: &&SymbolId| Role::of(&ctx.instruments[id.index()]) == Role::Cross;
        let cross = ctx.symbols.iter().find(is_cross);
        self.desk = cross.map(|id| Desk::new(*id, &ctx.instruments[id.index()], &self.params));
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
                if self.desk.as_ref().is_some_and(|desk| desk.id == symbol) {
                    self.exit(market, account, out);
                }
            }
            Event::Bar { symbol, timeframe, bar, is_history } => {
                if let Some(pair) = &mut self.correlation {
                    let before = pair.value();
                    pair.on_bar(symbol, timeframe, bar, market);
                    // Once for each new value, whichever of the two bars brought it.
                    if let Some(alike) = pair.value().filter(|_| pair.value() != before) {
                        self.decline.push(alike);
                    }
                }
                if !self.learn(symbol, timeframe, bar) || is_history {
                    return;
                }
                if !self.exit(market, account, out) {
                    match self.entry(market, account) {
                        Ok(signal) => out.push(signal),
                        Err(why) => out.skip(why),
                    }
                }
            }
            Event::Timer => {
                self.exit(market, account, out);
                if self.desk.is_none() {
                    out.skip(Skip::NoPriceData);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let Some(desk) = self.desk.as_mut().filter(|desk| desk.id == fill.symbol) else {
            return;
        };
        desk.gain.on_fill(fill, &desk.instrument);
        let Some(side) = desks::opened(fill) else {
            if desks::on_closing(fill, &mut desk.closed_net, &mut self.breaker) {
                desk.on_flat();
            }
            return;
        };
        debug_assert_eq!(side.closing().opposite(), fill.side, "an entry makes its side larger");
        desk.is_anchor_due |= *desk.opened_by.get_or_insert(fill.order) != fill.order;
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl RatioTrading {
    /// Takes a closed bar in; true when it was one of those that are watched.
    fn learn(&mut self, symbol: SymbolId, timeframe: Timeframe, bar: &Bar) -> bool {
        let Some(desk) = self.desk.as_mut().filter(|desk| desk.id == symbol) else {
            return false;
        };
        if timeframe == Timeframe::M1 {
            desk.regime.push(desk.instrument.px_f64(bar.close));
        }
        if timeframe != self.params.bar.timeframe() {
            return false;
        }
        desk.reading = desk.bars.push(bar);
        true
    }
}

impl Desk {
    fn new(id: SymbolId, instrument: &Instrument, params: &Params) -> Self {
        Self {
            id,
            instrument: *instrument,
            bars: Bars::new(instrument, params),
            reading: None,
            regime: regime::monitor(params.regime_cuts_pct),
            next_ok_bar: 0,
            next_part_bar: 0,
            decay_bars: 0.0,
            exit_retry_at: ExchNs::default(),
            opened_by: None,
            is_anchor_due: false,
            closed_net: Money::ZERO,
            gain: Gain::default(),
        }
    }

    /// Everything of an ended position is forgotten.
    fn on_flat(&mut self) {
        self.opened_by = None;
        self.is_anchor_due = false;
        self.exit_retry_at = ExchNs::default();
        self.next_part_bar = 0;
    }
}

#[cfg(test)]
mod tests;
