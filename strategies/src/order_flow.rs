//! Follows one-sided bursts of taker orders when the book agrees, and fades dear deviations from their average.
//!
//! Momentum: over the newest taker orders buys outweigh sells (or the reverse) by more than a
//! threshold, volume spikes, and the order-flow imbalance of the touch has the same sign (Cont, Kukanov
//! & Stoikov 2014). Fade: a weaker imbalance against a price that left the window's VWAP by more than
//! all costs. Each side signals once and again only after its imbalance fell off.
//!
//! Exits come first in every call and know no cooldown: decay of the target with age, a turned flow,
//! an optional trail; hard stop and target are the engine's. The gates before an entry are comparisons of
//! integers, so almost every event ends there.

mod desk;
mod entry;
mod exit;
mod params;

use paperwire_core::account::{AccountView, Fill, PositionSide};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Event, Signals, StartContext, Strategy, StrategyDef};
use paperwire_core::time::DurationNs;
use paperwire_signals::session::SessionClock;
use paperwire_signals::trail::Best;

use crate::Validate;
use crate::desks;
use crate::gate::{self, Gate};
use desk::Desk;
pub use params::{Params, RegimeMode, SymbolParams, VpinMode};

/// Tags of the entries, by which their fills are known.
const TAG_MOMENTUM: u32 = 1;
const TAG_VWAP: u32 = 2;

/// The strategy.
#[derive(Debug)]
pub struct OrderFlow {
    params: Params,
    fee: f64,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    session: SessionClock,
    gate: Gate,
}

impl StrategyDef for OrderFlow {
    const NAME: &'static str = "order_flow";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    const WARMUP: &'static [(Timeframe, u16)] = &[(Timeframe::M1, params::WARMUP_MINUTES)];
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

impl Strategy for OrderFlow {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.fee = ctx.taker_fee;
        self.gate.start(ctx);
        self.desks = desks::of(ctx, |id, of| Desk::new(id, of, &self.params));
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
                let state = market.symbol(symbol);
                if let (Some(desk), Some(bbo)) = (self.desk(symbol), state.bbo()) {
                    desk.on_book(state, &bbo, market.now());
                    self.exit(symbol, market, account, out);
                }
            }
            Event::Trade { symbol, trade } => {
                let state = market.symbol(symbol);
                let (session, ratio) = (self.session.at(market.now()), self.params.rearm_ratio);
                let Some(desk) = self.desk(symbol) else {
                    return;
                };
                desk.on_trade(state, trade);
                if desk.is_armed != [true; 2] {
                    desk.rearm(state.tape(), session, ratio);
                }
                if !self.exit(symbol, market, account, out) {
                    match self.entry(symbol, market, account) {
                        Ok(signal) => out.push(signal),
                        Err(why) => out.skip(why),
                    }
                }
            }
            Event::Bar { symbol, timeframe: Timeframe::M1, bar, .. } => {
                if let Some(desk) = self.desk(symbol) {
                    desk.on_minute(bar);
                }
            }
            Event::Bar { .. } => {}
            Event::Timer => {
                for (symbol, _) in market.symbols() {
                    self.exit(symbol, market, account, out);
                }
            }
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let costs = 2.0 * self.fee;
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
        let is_add = fill.lots_after.abs() > fill.qty.raw();
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

impl OrderFlow {
    fn desk(&mut self, symbol: SymbolId) -> Option<&mut Desk> {
        self.desks[symbol.index()].as_mut()
    }
}

#[cfg(test)]
mod tests;
