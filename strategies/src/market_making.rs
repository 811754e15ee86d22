//! Earns the spread: rests on both sides around a reservation price that leans away from its inventory.
//!
//! Quotes follow M. Avellaneda & S. Stoikov (*Quantitative Finance* 8, 2008), measured from the market
//! itself: variance of the mid, decay of trade intensity with distance, the micro-price as the fair
//! one. They never stand nearer than their own maker fee and a least edge, widen on the side that order
//! flow attacks and after fills that turned out badly, and are taken away from wild or informed markets.
//! Inventory is bounded, leans the quotes and their sizes, and is sold across the spread once it is old.
//!
//! Filters that stop entries leave the quote that reduces the position; those that fear for every quote
//! take both. The predecessor's rule, which crosses the spread, is kept as `mode = "taker"`.

mod companions;
mod desk;
mod exit;
mod markout;
mod params;
mod quotes;
mod rate;
mod resting;
mod taker;

use paperwire_core::account::{AccountState, AccountView, Fill, Liquidity, Trigger};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::order::{OrderDone, OrderEnd};
use paperwire_core::strategy::{
    Action, Event, Flip, Reject, Signals, Skip, StartContext, Strategy, StrategyDef,
};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_signals::breaker::{CircuitBreaker, LossLimit};
use paperwire_signals::regime::Regime;
use paperwire_signals::session::SessionClock;
use paperwire_signals::trail::Best;

use crate::Validate;
use crate::desks;
use crate::exit::RETRY;
use crate::role::Role;
use companions::Companions;
use desk::Desk;
pub use params::{Mode, Params, RegimeMode, SymbolParams, TakerParams};
use quotes::Adds;
use quotes::slot_of;

/// Tags of its orders.
const TAG_BID: u32 = 1;
const TAG_ASK: u32 = 2;
const TAG_UNWIND: u32 = 3;
const TAG_TAKE: u32 = 4;

/// Factors by regime (low, medium, high, extreme) and by session (Asia, Europe, overlap, Americas, off
/// hours), on the taker's thresholds and on sizes.
const REGIME_THRESHOLD: [f64; 4] = [0.9, 1.0, 1.3, 1.3];
const REGIME_SIZE: [f64; 4] = [1.0, 1.0, 0.7, 0.0];
const SESSION_THRESHOLD: [f64; 5] = [1.2, 1.0, 0.85, 1.0, 1.3];
const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.6];

/// The strategy.
#[derive(Debug)]
pub struct MarketMaking {
    params: Params,
    /// By symbol index; `None` for symbols of others.
    desks: Vec<Option<Desk>>,
    session: SessionClock,
    breaker: CircuitBreaker,
    losses: LossLimit,
    book_age_max: DurationNs,
    stop_pause: DurationNs,
}

/// What the filters leave.
#[derive(Clone, Copy, Debug)]
struct Gate {
    /// Which sides may add to the position.
    adds: Adds,
    /// Why one of them may not.
    why: Option<Skip>,
    size_mult: f64,
    threshold_mult: f64,
}

impl StrategyDef for MarketMaking {
    const NAME: &'static str = "market_making";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    const WARMUP: &'static [(Timeframe, u16)] = &[(Timeframe::M1, params::WARMUP_MINUTES)];
    const FLIP: Flip = Flip::Reverse;
    type Params = Params;

    fn new(params: Params) -> Self {
        Self {
            desks: Vec::new(),
            session: SessionClock::new(params.session_hours),
            breaker: CircuitBreaker::new(
                params.losses_max,
                DurationNs::from_secs(60 * params.losses_pause_min),
            ),
            losses: LossLimit::new(params.session_loss_max_pct),
            book_age_max: DurationNs::from_millis(params.book_age_max_ms),
            stop_pause: DurationNs::from_secs(params.stop_pause_s),
            params,
        }
    }
}

impl Strategy for MarketMaking {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        let (pause, resume) = (self.params.correlation_pause, self.params.correlation_resume);
        self.desks = desks::of(ctx, |id, of| {
            let companions = (Role::of(of) == Role::Cross)
                .then(|| Companions::new(of, ctx.instruments, ctx.numeraire, pause, resume));
            Desk::new(id, of, &self.params, companions)
        });
    }

    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let now = market.now();
        match *event {
            Event::Book { symbol } => {
                let (state, limit) = (market.symbol(symbol), self.params.markout_limit);
                if let (Some(desk), Some(bbo)) = (self.desk(symbol), state.bbo()) {
                    desk.now = now;
                    desk.set_fees(account.fees(symbol));
                    desk.on_book(state, &bbo, now, limit);
                    self.look(symbol, market, account, out);
                }
            }
            Event::Trade { symbol, trade } => {
                let bbo = market.symbol(symbol).bbo();
                if let Some(desk) = self.desk(symbol) {
                    desk.now = now;
                    desk.on_trade(bbo.as_ref(), trade);
                    self.look(symbol, market, account, out);
                }
            }
            Event::Bar { symbol, timeframe: Timeframe::M1, bar, is_history } => {
                if let Some(desk) = self.desk(symbol) {
                    desk.on_minute(bar, market.symbol(symbol).board(Timeframe::M1));
                    if let (Some(companions), false) = (&mut desk.companions, is_history) {
                        companions.on_minute(market, bar.open_at);
                    }
                }
            }
            Event::Bar { .. } => {}
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
        let pause_until = fill.at.plus(self.stop_pause);
        let Some(desk) = self.desk(fill.symbol) else {
            return;
        };
        let px = fill.px.raw() as f64;
        if fill.liquidity == Liquidity::Maker && (fill.tag == TAG_BID || fill.tag == TAG_ASK) {
            desk.markouts.start(fill.side, px, fill.at);
            desk.slots[slot_of(fill.side.opposite())].is_forced = true;
        }
        if fill.trigger == Trigger::StopLoss {
            desk.next_ok_at = desk.next_ok_at.max(pause_until);
        }
        match desks::opened(fill) {
            Some(side) => {
                desk.best.get_or_insert(Best::new(side, px)).observe(px);
                // An add moved the average.
                desk.is_anchor_due |= fill.lots_after.saturating_abs() > fill.qty.raw();
            }
            None if fill.lots_after == 0 => desk.on_flat(),
            None => {}
        }
    }

    fn on_reject(&mut self, reject: &Reject) {
        let is_cancel = reject.signal.action == Action::Cancel;
        if !is_cancel {
            self.hold_back(reject.signal.symbol, reject.signal.tag);
        }
    }

    fn on_order_done(&mut self, done: &OrderDone) {
        match done.end {
            OrderEnd::Filled | OrderEnd::Cancelled | OrderEnd::Replaced | OrderEnd::WouldTake => {}
            _ => self.hold_back(done.symbol, done.tag),
        }
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl MarketMaking {
    fn desk(&mut self, symbol: SymbolId) -> Option<&mut Desk> {
        self.desks[symbol.index()].as_mut()
    }

    /// What was refused is not tried again at once.
    fn hold_back(&mut self, symbol: SymbolId, tag: u32) {
        let Some(desk) = self.desks.get_mut(symbol.index()).and_then(Option::as_mut) else {
            return;
        };
        let until = desk.now.plus(RETRY);
        match tag {
            TAG_BID => desk.slots[0].retry_at = until,
            TAG_ASK => desk.slots[1].retry_at = until,
            _ => {}
        }
    }

    /// Exits, then entries.
    fn look(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let bbo = market.symbol(symbol).bbo();
        if let (Some(desk), Some(bbo)) = (self.desks[symbol.index()].as_mut(), bbo)
            && desk.exit(&bbo, market, account, &self.params, out)
        {
            return;
        }
        let done = match self.params.mode {
            Mode::Quotes => self.quote(symbol, market, account, out),
            Mode::Taker => self.take(symbol, market, account, out),
        };
        if let Err(why) = done {
            out.skip(why);
        }
    }

    /// Every second: time exits, and quotes on a book that fell silent are taken away.
    fn tend(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let is_silent = market.book_age(symbol).is_none_or(|age| age > self.book_age_max);
        let Some(desk) = self.desks[symbol.index()].as_mut() else {
            return;
        };
        desk.now = market.now();
        match market.symbol(symbol).bbo() {
            Some(bbo) if !is_silent => {
                desk.exit(&bbo, market, account, &self.params, out);
            }
            Some(bbo) => {
                desk.exit(&bbo, market, account, &self.params, out);
                desk.withdraw(account, Skip::StaleBook, market.now(), out);
            }
            None => desk.withdraw(account, Skip::StaleBook, market.now(), out),
        }
    }

    /// Brings both quotes to where they should be.
    fn quote(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        let gate = self.gate(symbol, market, account);
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        let bbo = market.symbol(symbol).bbo().ok_or(Skip::StaleBook);
        let measured = gate.and_then(|gate| {
            let reading = desk.read(&bbo?, market, account, &self.params)?;
            Ok((gate, reading))
        });
        let (gate, reading) = match measured {
            Ok(measured) => measured,
            Err(why) => {
                desk.withdraw(account, why, market.now(), out);
                return Err(why);
            }
        };
        desk.delta = reading.delta / reading.fair;
        let mut refused = None;
        for side in [OrderSide::Buy, OrderSide::Sell] {
            let wish = desk.wish(side, &reading, gate.adds, gate.size_mult, &self.params);
            let wish = wish.map_err(|why| match (why, gate.why) {
                (Skip::NoSignalConditions, Some(why)) => why,
                (why, _) => why,
            });
            let settled = desk.settle(side, wish, &reading, account, &self.params, out);
            refused = settled.err().or(refused);
        }
        refused.map_or(Ok(()), Err)
    }

    /// What stands against quoting: `Err` takes both quotes away. Integer comparisons come first.
    fn gate(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Gate, Skip> {
        let now = market.now();
        let bbo = market.symbol(symbol).bbo().ok_or(Skip::StaleBook)?;
        let is_silent = market.book_age(symbol).is_none_or(|age| age > self.book_age_max);
        if bbo.bid.px >= bbo.ask.px || is_silent {
            return Err(Skip::StaleBook);
        }
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        let is_stopped = account.state != AccountState::Active || self.breaker.blocks(now);
        let mut why = if is_stopped {
            Some(Skip::CircuitBreaker)
        } else if self.losses.blocks(account.equity) {
            Some(Skip::DailyLoss)
        } else if now < desk.next_ok_at {
            Some(Skip::TimeCooldown)
        } else {
            None
        };
        let regime = desk.regime.regime().ok_or(Skip::WarmingUp)?;
        if regime == Regime::Extreme {
            return Err(Skip::ExtremeVolatility);
        }
        let trend = desk.trend().map_err(|_| Skip::WarmingUp)?;
        if let Some(companions) = &desk.companions
            && companions.is_paused().map_err(|_| Skip::WarmingUp)?
        {
            why = why.or(Some(Skip::LowCorrelation));
        }
        if desk.is_toxic() {
            return Err(Skip::VpinPause);
        }
        let mut adds = [why.is_none(); 2];
        if let Some(side) = trend {
            adds[slot_of(side.opposite())] = false;
            why = why.or(Some(Skip::TrendingMarket));
        }
        let session = self.session.at(now);
        Ok(Gate {
            adds,
            why,
            size_mult: REGIME_SIZE[regime.index()] * SESSION_SIZE[session.index()],
            threshold_mult: REGIME_THRESHOLD[regime.index()] * SESSION_THRESHOLD[session.index()],
        })
    }
}

#[cfg(test)]
mod tests;
