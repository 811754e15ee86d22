//! One market event in, everything that follows from it out.
//!
//! The order within an event is fixed: market state, closed bars, stops and targets on the executable
//! side, then strategies. Strategies are called in an order that rotates with the event's number, so that
//! none always pays for the cold cache. The result depends on the events and the configuration only.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::{AccountView, Fill, FillId, OrderId, PositionSide, StratId, Trigger};
use paperwire_core::agent::Clock;
use paperwire_core::bar::{Bar, BarRules, Timeframe};
use paperwire_core::book::Bbo;
use paperwire_core::event::{MarketEvent, MarketKind, Seq};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::{STRATEGIES_MAX, SYMBOLS_MAX};
use paperwire_core::market::{BookStatus, Change, MarketState};
use paperwire_core::num::{Money, Qty};
use paperwire_core::strategy::{
    Event, Reason, Reject, RejectReason, Signal, Signals, Skip, StartContext, Strategy,
};
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_core::trade::OrderSide;

use crate::portfolio::{Execution, Portfolio};
use crate::report::{AccountRow, MarketRow, Report, ReportKind};
use crate::venue::{self, Intent, Sizing};

/// The stages that the engine measures.
pub const ENGINE_STAGES: [Stage; 5] =
    [Stage::Dequeued, Stage::StateApplied, Stage::Decided, Stage::Ordered, Stage::Filled];

/// Where reports go. There is room: the agent looked before the event.
pub trait ReportSink {
    /// Takes a report.
    fn push(&mut self, report: Report);
}

impl ReportSink for Vec<Report> {
    fn push(&mut self, report: Report) {
        self.push(report);
    }
}

/// One strategy of the run.
pub struct StrategySetup {
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
    /// What it trades.
    pub symbols: Vec<SymbolId>,
    /// Closed bars it needs before its first signal.
    pub warmup: &'static [(Timeframe, u16)],
}

impl std::fmt::Debug for StrategySetup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StrategySetup").field("symbols", &self.symbols).finish_non_exhaustive()
    }
}

/// The engine's configuration.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Rows per side of every book.
    pub depth: u16,
    /// How bars are built.
    pub bars: BarRules,
    /// Currency of every account.
    pub numeraire: AssetName,
    /// Capital of every account.
    pub capital: Money,
    /// Fee of taking, as a fraction of the value.
    pub taker_fee: Money,
    /// Largest sum of all positions, as a multiple of equity.
    pub leverage_max: Money,
}

struct Slot {
    strategy: Box<dyn Strategy>,
    symbols: u64,
    warmup: &'static [(Timeframe, u16)],
    account: Portfolio,
    signals: Signals,
    skips: Vec<u64>,
    is_benched: bool,
}

/// What a step works with besides the engine itself.
#[derive(Debug)]
pub struct Context<'a, C, R> {
    /// For measuring only.
    pub clock: &'a C,
    /// Histograms of [`ENGINE_STAGES`] and of each strategy.
    pub bank: &'a mut Bank,
    /// To the bridge.
    pub reports: &'a mut R,
}

/// The event being worked on.
#[derive(Clone, Copy)]
struct Cause {
    seq: Seq,
    at: ExchNs,
    arrived: HostNs,
}

/// The engine.
pub struct Engine {
    market: MarketState,
    config: EngineConfig,
    slots: Vec<Slot>,
    closed: Vec<(SymbolId, Timeframe, Bar)>,
    orders: u64,
    fills: u64,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("strategies", &self.slots.len()).finish_non_exhaustive()
    }
}

/// Bars of all timeframes of all symbols that usually close at once.
const CLOSED_TYPICAL: usize = SYMBOLS_MAX * Timeframe::ALL.len();

impl Engine {
    /// An engine before its first event; strategies are started here.
    ///
    /// # Panics
    /// With more strategies or symbols than the limits, which configuration refuses before.
    pub fn new(
        instruments: &[Instrument],
        strategies: Vec<StrategySetup>,
        config: EngineConfig,
    ) -> Self {
        assert!(instruments.len() <= SYMBOLS_MAX, "configuration bounds the number of symbols");
        assert!(strategies.len() <= STRATEGIES_MAX, "configuration bounds the strategies");
        let market = MarketState::new(
            instruments,
            usize::from(config.depth),
            config.bars,
            &config.numeraire,
        );
        let slots = strategies.into_iter().map(|setup| {
            let StrategySetup { mut strategy, symbols, warmup } = setup;
            strategy.on_start(&StartContext {
                instruments,
                symbols: &symbols,
                taker_fee: config.taker_fee.to_num(),
            });
            Slot {
                strategy,
                symbols: symbols.iter().fold(0, |bits, symbol| bits | 1 << symbol.0),
                warmup,
                account: Portfolio::new(config.capital, instruments.len()),
                signals: Signals::default(),
                skips: vec![0; Skip::ALL.len()],
                is_benched: false,
            }
        });
        Self {
            slots: slots.collect(),
            market,
            config,
            closed: Vec::with_capacity(CLOSED_TYPICAL),
            orders: 0,
            fills: 0,
        }
    }

    /// The market, for reports.
    pub const fn market(&self) -> &MarketState {
        &self.market
    }

    /// Number of strategies.
    pub fn strategies(&self) -> usize {
        self.slots.len()
    }

    /// Works one event off.
    pub fn process<C: Clock, R: ReportSink>(
        &mut self,
        event: &MarketEvent,
        ctx: &mut Context<'_, C, R>,
    ) {
        let arrived = event.stamps.arrived;
        let dequeued = ctx.clock.now();
        ctx.bank.stage(Stage::Dequeued).record(arrived, event.stamps.enqueued, dequeued);
        let cause = Cause { seq: event.seq, at: event.exch, arrived };

        self.closed.clear();
        let closed = &mut self.closed;
        let change = self.market.apply(event, &mut |symbol, (timeframe, bar)| {
            closed.push((symbol, timeframe, bar));
        });
        let is_history = matches!(event.kind, MarketKind::History(_));
        if change == Change::Book || change == Change::Trade {
            self.mark(event.symbol);
            self.protect(event.symbol, cause, ctx);
        }
        let applied = ctx.clock.now();
        ctx.bank.stage(Stage::StateApplied).record(arrived, dequeued, applied);

        if !self.closed.is_empty() {
            self.on_bars(is_history, cause, ctx);
        }
        let decided = match &event.kind {
            _ if change == Change::Silent => return,
            MarketKind::Trade { trade, .. } => {
                let symbol = event.symbol;
                self.decide(&Event::Trade { symbol, trade }, Some(symbol), false, cause, ctx)
            }
            _ if change == Change::Timer => {
                let end = self.decide(&Event::Timer, None, false, cause, ctx);
                self.report_rows(cause, false, ctx);
                end
            }
            _ => {
                let symbol = event.symbol;
                self.decide(&Event::Book { symbol }, Some(symbol), false, cause, ctx)
            }
        };
        ctx.bank.stage(Stage::Decided).record(arrived, applied, decided);
    }

    /// The end: closes positions if asked to, stops the strategies, reports the final accounts.
    pub fn finish<C: Clock, R: ReportSink>(
        &mut self,
        flatten: bool,
        last: &MarketEvent,
        ctx: &mut Context<'_, C, R>,
    ) {
        let cause = Cause { seq: last.seq, at: last.exch, arrived: last.stamps.arrived };
        for index in 0..self.slots.len() {
            if flatten {
                for symbol in bits(self.slots[index].account.open()) {
                    let reason = Reason::new("session_end");
                    self.close(index, symbol, Trigger::SessionEnd, reason, cause, ctx);
                }
            }
            let slot = &mut self.slots[index];
            if !slot.is_benched {
                let strategy = &mut slot.strategy;
                // The run is over either way; a panic here must not cost the final report.
                let _ = catch_unwind(AssertUnwindSafe(|| strategy.on_stop()));
            }
        }
        self.report_rows(cause, true, ctx);
        for index in 0..self.slots.len() {
            for (why, &count) in Skip::ALL.iter().zip(&self.slots[index].skips) {
                if count > 0 {
                    let strategy = strat_id(index);
                    emit(ctx, cause, ReportKind::SkipCount { strategy, why: *why, count });
                }
            }
        }
    }

    fn on_bars<C: Clock, R: ReportSink>(
        &mut self,
        is_history: bool,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let closed = std::mem::take(&mut self.closed);
        for (symbol, timeframe, bar) in &closed {
            let (symbol, timeframe) = (*symbol, *timeframe);
            if timeframe == Timeframe::M1 && !is_history {
                emit(ctx, cause, ReportKind::Bar { symbol, bar: *bar });
            }
            let event = Event::Bar { symbol, timeframe, bar, is_history };
            self.decide(&event, Some(symbol), is_history, cause, ctx);
        }
        self.closed = closed;
    }

    /// Calls every strategy that trades `symbol` (all of them for a timer), and executes what it
    /// wants. Returns when the last one was done.
    fn decide<C: Clock, R: ReportSink>(
        &mut self,
        event: &Event<'_>,
        symbol: Option<SymbolId>,
        is_history: bool,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> HostNs {
        let mask = symbol.map_or(u64::MAX, |symbol| 1 << symbol.0);
        let count = self.slots.len();
        let mut from = ctx.clock.now();
        if count == 0 {
            return from;
        }
        let first = usize::try_from(cause.seq.0 % count as u64).expect("less than the count");
        for index in (first..count).chain(0..first) {
            let slot = &mut self.slots[index];
            if slot.is_benched || slot.symbols & mask == 0 {
                continue;
            }
            slot.signals.clear();
            let view = self.market.view();
            let account = AccountView {
                cash: slot.account.row().cash,
                equity: slot.account.row().equity,
                positions: slot.account.positions(),
                taker_fee: self.config.taker_fee,
            };
            let (strategy, signals) = (&mut slot.strategy, &mut slot.signals);
            let called = catch_unwind(AssertUnwindSafe(|| {
                strategy.on_event(event, &view, &account, signals);
            }));
            let to = ctx.clock.now();
            ctx.bank.strategy(index).record(cause.arrived, from, to);
            from = to;
            if called.is_err() {
                self.bench(index, cause, ctx);
                continue;
            }
            if let Some(why) = slot.signals.skipped() {
                slot.skips[why as usize] += 1;
            }
            if !slot.signals.as_slice().is_empty() && !is_history {
                self.execute_all(index, cause, ctx);
                from = ctx.clock.now();
            }
        }
        from
    }

    fn bench<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let slot = &mut self.slots[index];
        slot.is_benched = true;
        slot.account.row_mut().is_benched = true;
        emit(ctx, cause, ReportKind::Benched { strategy: strat_id(index) });
    }

    fn execute_all<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let signals = self.slots[index].signals.clone();
        for signal in signals.as_slice() {
            let strategy = strat_id(index);
            self.slots[index].account.row_mut().signals += 1;
            emit(ctx, cause, ReportKind::Signal { strategy, signal: *signal });
            if let Err(reason) = self.execute(index, signal, cause, ctx) {
                let slot = &mut self.slots[index];
                slot.account.row_mut().rejects += 1;
                emit(ctx, cause, ReportKind::Reject { strategy, signal: *signal, reason });
                let reject = Reject { signal: *signal, reason };
                let told = catch_unwind(AssertUnwindSafe(|| slot.strategy.on_reject(&reject)));
                if told.is_err() {
                    self.bench(index, cause, ctx);
                }
            }
        }
    }

    fn execute<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        signal: &Signal,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> Result<(), RejectReason> {
        let started = ctx.clock.now();
        let slot = &self.slots[index];
        let symbol = signal.symbol;
        if symbol.index() >= slot.account.positions().len() || slot.symbols >> symbol.0 & 1 == 0 {
            return Err(RejectReason::NotItsSymbol);
        }
        let view = self.market.view();
        let state = view.symbol(symbol);
        let has_bars = |(timeframe, bars): &(Timeframe, u16)| {
            state.bars(*timeframe).len() >= usize::from(*bars)
        };
        if !slot.warmup.iter().all(has_bars) {
            return Err(RejectReason::WarmingUp);
        }
        let bbo = state.bbo().ok_or(RejectReason::BookNotLive)?;
        let quote_rate = view.quote_rate(symbol).ok_or(RejectReason::NoQuoteRate)?;
        let row = slot.account.row();
        let sizing = Sizing {
            instrument: state.instrument(),
            position: &slot.account.positions()[symbol.index()],
            ask: bbo.ask.px,
            bid: bbo.bid.px,
            quote_rate,
            room: self.room(row, bbo),
        };
        let intent = venue::intent(signal, &sizing)?;
        let is_entry = matches!(intent, Intent::Enter(..));
        let held = sizing.position.side();
        let (side, qty) = match intent {
            Intent::Protect => {
                let side = held.ok_or(RejectReason::NoPosition)?;
                return self.set_protection(index, signal, side, None);
            }
            Intent::Enter(side, qty) | Intent::Exit(side, qty) => (side, qty),
        };
        if is_entry {
            // A level on the wrong side refuses the whole signal, before anything is bought.
            let (entry, now, opens) = match side {
                OrderSide::Buy => (bbo.ask.px, bbo.bid.px, PositionSide::Long),
                OrderSide::Sell => (bbo.bid.px, bbo.ask.px, PositionSide::Short),
            };
            venue::exit_prices(signal, opens, entry, now, state.instrument())?;
        }
        let want = Wanted {
            symbol,
            side,
            qty,
            trigger: Trigger::Strategy,
            reason: signal.reason,
            tag: signal.tag,
        };
        let ordered = ctx.clock.now();
        ctx.bank.stage(Stage::Ordered).record(cause.arrived, started, ordered);
        let fill = self.fill(index, &want, cause, ctx)?;
        if let Some(side) = self.slots[index].account.side(symbol) {
            // Anchored to the fill; a level that the fill itself overran closes at the next event.
            let anchor = is_entry.then_some(fill.px);
            let _ = self.set_protection(index, signal, side, anchor);
        }
        ctx.bank.stage(Stage::Filled).record(cause.arrived, ordered, ctx.clock.now());
        self.tell_fill(index, &fill, cause, ctx);
        Ok(())
    }

    /// How much may be bought or sold so that the limit still holds after the fill, when fee and spread
    /// have been paid out of equity.
    fn room(&self, row: &AccountRow, bbo: Bbo) -> Money {
        let limit = self.config.leverage_max;
        let spread = Money::from_num(bbo.ask.px.raw() - bbo.bid.px.raw());
        let cost = self.config.taker_fee + spread / Money::from_num(bbo.bid.px.raw());
        (row.equity * limit - row.exposure) / (Money::ONE + limit * cost)
    }

    /// Sets stop and target as the signal asks; `entry` anchors percentages, else the average price.
    fn set_protection(
        &mut self,
        index: usize,
        signal: &Signal,
        side: PositionSide,
        entry: Option<paperwire_core::num::Px>,
    ) -> Result<(), RejectReason> {
        let symbol = signal.symbol;
        let view = self.market.view();
        let state = view.symbol(symbol);
        let bbo = state.bbo().ok_or(RejectReason::BookNotLive)?;
        let now = if side == PositionSide::Long { bbo.bid.px } else { bbo.ask.px };
        let entry = entry.unwrap_or(now);
        let (stop, target) = venue::exit_prices(signal, side, entry, now, state.instrument())?;
        let position = self.slots[index].account.position_mut(symbol);
        position.stop = stop.or(position.stop);
        position.target = target.or(position.target);
        Ok(())
    }

    /// Fills an order against the visible book and books it.
    fn fill<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        want: &Wanted,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> Result<Fill, RejectReason> {
        let symbol = want.symbol;
        let view = self.market.view();
        let of = *view.symbol(symbol).instrument();
        let levels = view.takeable(symbol, want.side);
        let walk = venue::walk(levels, want.qty).ok_or(RejectReason::NoLiquidity)?;
        let quote_rate = view.quote_rate(symbol).ok_or(RejectReason::NoQuoteRate)?;
        let strategy = strat_id(index);
        self.orders += 1;
        let order = OrderId(self.orders);
        let kind =
            ReportKind::Order { id: order, strategy, symbol, side: want.side, qty: want.qty };
        emit(ctx, cause, kind);

        let value = of.money(walk.notional);
        let fee = value * quote_rate * self.config.taker_fee;
        let account = &mut self.slots[index].account;
        let booked = account.book(&Execution {
            symbol,
            side: want.side,
            qty: walk.qty,
            value,
            quote_rate,
            fee,
            at: cause.at,
            tag: want.tag,
        });
        self.fills += 1;
        let fill = Fill {
            id: FillId(self.fills),
            order,
            strategy,
            symbol,
            at: cause.at,
            side: want.side,
            qty: walk.qty,
            px: walk.average_px(),
            worst_px: walk.worst_px,
            levels: walk.levels,
            is_unverified_depth: walk.is_unverified_depth(),
            value,
            quote_rate,
            fee,
            realized: booked.realized,
            net: booked.net,
            trigger: want.trigger,
            reason: want.reason,
            tag: want.tag,
            lots_after: account.positions()[symbol.index()].lots,
            cash_after: account.row().cash,
        };
        emit(ctx, cause, ReportKind::Fill(fill));
        self.mark(symbol);
        self.remark(index);
        Ok(fill)
    }

    fn tell_fill<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        fill: &Fill,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let slot = &mut self.slots[index];
        if slot.is_benched {
            return;
        }
        let strategy = &mut slot.strategy;
        if catch_unwind(AssertUnwindSafe(|| strategy.on_fill(fill))).is_err() {
            self.bench(index, cause, ctx);
        }
    }

    /// Stops and targets of one symbol, on the side where the position could be closed.
    fn protect<C: Clock, R: ReportSink>(
        &mut self,
        symbol: SymbolId,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let Some(bbo) = self.market.view().symbol(symbol).bbo() else {
            return;
        };
        for index in 0..self.slots.len() {
            let account = &self.slots[index].account;
            if account.open() >> symbol.0 & 1 == 0 {
                continue;
            }
            let position = &account.positions()[symbol.index()];
            let (is_stopped, is_reached) = match position.side() {
                Some(PositionSide::Long) => (
                    position.stop.is_some_and(|stop| bbo.bid.px <= stop),
                    position.target.is_some_and(|target| bbo.bid.px >= target),
                ),
                Some(PositionSide::Short) => (
                    position.stop.is_some_and(|stop| bbo.ask.px >= stop),
                    position.target.is_some_and(|target| bbo.ask.px <= target),
                ),
                None => continue,
            };
            // The stop wins over the target within one event.
            let (trigger, code) = match (is_stopped, is_reached) {
                (true, _) => (Trigger::StopLoss, "stop_loss"),
                (false, true) => (Trigger::TakeProfit, "take_profit"),
                (false, false) => continue,
            };
            self.close(index, symbol, trigger, Reason::new(code), cause, ctx);
        }
    }

    /// Closes a whole position at the market.
    fn close<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        symbol: SymbolId,
        trigger: Trigger,
        reason: Reason,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let position = &self.slots[index].account.positions()[symbol.index()];
        let Some(side) = position.side().map(PositionSide::closing) else {
            return;
        };
        let want = Wanted { symbol, side, qty: position.qty(), trigger, reason, tag: position.tag };
        // Without a live book or a price of the quote currency it stays open and is tried again at
        // the next event: never a fill from a book that is not believed.
        if let Ok(fill) = self.fill(index, &want, cause, ctx) {
            self.tell_fill(index, &fill, cause, ctx);
        }
    }

    /// Marks every position in `symbol`, and in pairs that are quoted in its base.
    fn mark(&mut self, symbol: SymbolId) {
        let any_open = self.slots.iter().fold(0, |bits, slot| bits | slot.account.open());
        if any_open == 0 {
            return;
        }
        let view = self.market.view();
        let base = view.symbol(symbol).instrument().base;
        for (id, state) in view.symbols() {
            let is_touched = id == symbol || state.instrument().quote == base;
            if !is_touched || any_open >> id.0 & 1 == 0 {
                continue;
            }
            let (Some(bbo), Some(rate)) = (state.bbo(), view.quote_rate(id)) else {
                continue;
            };
            for slot in &mut self.slots {
                if slot.account.open() >> id.0 & 1 == 1 {
                    slot.account.mark(id, state.instrument(), bbo.mid_doubled(), rate);
                }
            }
        }
        for index in 0..self.slots.len() {
            if self.slots[index].account.open() != 0 {
                self.remark(index);
            }
        }
    }

    fn remark(&mut self, index: usize) {
        let view = self.market.view();
        let account = &mut self.slots[index].account;
        let mut exposure = Money::ZERO;
        for symbol in bits(account.open()) {
            let state = view.symbol(symbol);
            let position = &account.positions()[symbol.index()];
            exposure += match (state.bbo(), view.quote_rate(symbol)) {
                (Some(bbo), Some(rate)) => {
                    let px = if position.lots > 0 { bbo.bid.px } else { bbo.ask.px };
                    state.instrument().money(px.notional(position.qty())) * rate
                }
                // Unpriced for the moment: what was paid stands in.
                _ => position.cost.abs(),
            };
        }
        account.remark(exposure);
    }

    fn report_rows<C: Clock, R: ReportSink>(
        &mut self,
        cause: Cause,
        is_final: bool,
        ctx: &mut Context<'_, C, R>,
    ) {
        for (index, slot) in self.slots.iter().enumerate() {
            let (strategy, row) = (strat_id(index), *slot.account.row());
            emit(ctx, cause, ReportKind::Account { strategy, row, is_final });
        }
        for (symbol, state) in self.market.view().symbols() {
            let bbo = state.bbo();
            let row = MarketRow {
                bid: bbo.map(|bbo| bbo.bid.px),
                ask: bbo.map(|bbo| bbo.ask.px),
                last: state.last(),
                updates: state.updates(),
                trades: state.tape().prints(),
                gaps: state.gaps(),
            };
            debug_assert!(state.status() != BookStatus::Live || state.book().is_some());
            emit(ctx, cause, ReportKind::Market { symbol, row });
        }
    }
}

/// An order before it has a number.
#[derive(Clone, Copy)]
struct Wanted {
    symbol: SymbolId,
    side: OrderSide,
    qty: Qty,
    trigger: Trigger,
    reason: Reason,
    tag: u32,
}

fn emit<C: Clock, R: ReportSink>(ctx: &mut Context<'_, C, R>, cause: Cause, kind: ReportKind) {
    let made = ctx.clock.now();
    let Cause { seq, at, arrived } = cause;
    ctx.reports.push(Report { seq, at, arrived, made, kind });
}

fn strat_id(index: usize) -> StratId {
    StratId(u16::try_from(index).expect("at most STRATEGIES_MAX strategies"))
}

/// Symbols whose bits are set.
fn bits(mask: u64) -> impl Iterator<Item = SymbolId> {
    (0u16..64).filter(move |bit| mask >> bit & 1 == 1).map(SymbolId)
}

#[cfg(test)]
mod tests;
