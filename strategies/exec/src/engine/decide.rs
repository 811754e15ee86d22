//! Calls strategies and sends what they want.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::{AccountView, HaltReason};
use paperwire_core::agent::Clock;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::SymbolId;
use paperwire_core::strategy::{Event, Reject};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{DurationNs, HostNs};

use crate::report::{BenchCause, ReportKind};
use crate::saw::Saw;

use super::{Cause, Context, Engine, ReportSink, TimedCall, emit, strat_id};

impl Engine {
    pub(super) fn on_bars<C: Clock, R: ReportSink>(
        &mut self,
        is_history: bool,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let closed = std::mem::take(&mut self.closed);
        for (symbol, timeframe, bar) in &closed {
            let (symbol, timeframe) = (*symbol, *timeframe);
            self.read_bar(symbol, timeframe, bar, cause, ctx);
            if timeframe == Timeframe::M1 && !is_history {
                emit(ctx, cause, ReportKind::Bar { symbol, bar: *bar });
            }
            let event = Event::Bar { symbol, timeframe, bar, is_history };
            let cause = cause.at(ctx.clock.now());
            self.decide(&event, Some(symbol), is_history, cause, ctx);
        }
        self.closed = closed;
    }

    /// What every strategy may read of a closed bar: its indicators, and the regime that follows.
    fn read_bar<C: Clock, R: ReportSink>(
        &mut self,
        symbol: SymbolId,
        timeframe: Timeframe,
        bar: &Bar,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let of = *self.market.view().symbol(symbol).instrument();
        let maker = &mut self.boards[symbol.index()][timeframe as usize];
        maker.push(bar, &of, self.market.board_mut(symbol, timeframe));
        let update = self.detector.on_bar(symbol, timeframe, bar, &self.market.view());
        let Some(update) = update else {
            return;
        };
        self.market.set_regime(symbol, update.symbol);
        if let Some(market) = update.market {
            self.market.set_market_regime(market);
        }
        if let Some(transition) = update.transition {
            emit(ctx, cause, ReportKind::Regime { symbol: Some(symbol), transition });
        }
        if let Some(transition) = update.market_transition {
            emit(ctx, cause, ReportKind::Regime { symbol: None, transition });
        }
    }

    /// Calls every strategy that trades `symbol` (all of them for a timer) in the event's order, and executes
    /// what it wants; returns when the last one was done.
    ///
    /// A call runs from just before `on_event` to just after. What it is shown, what it skipped and what it
    /// signals are the engine's work, which is no strategy's time.
    pub(super) fn decide<C: Clock, R: ReportSink>(
        &mut self,
        event: &Event<'_>,
        symbol: Option<SymbolId>,
        is_history: bool,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> HostNs {
        let told = symbol.map_or(SymbolSet::EVERY, SymbolSet::only);
        let row = self.turns.row(cause.seq);
        let mut end = cause.looked;
        for place in 0..self.slots.len() {
            if self.calls.is_full() {
                self.record_calls(cause, ctx);
            }
            let index = self.turns.at(row, place);
            let slot = &mut self.slots[index];
            if slot.is_benched || slot.symbols.is_disjoint(told) {
                continue;
            }
            slot.signals.clear();
            let view = self.market.view();
            slot.refresh_known(symbol);
            slot.refresh_fees(&*self.rules.fees, &view);
            let known = (!slot.tells.is_empty()).then_some(&slot.known);
            let account = slot.worlds[0].account();
            let account = AccountView {
                cash: known.map_or(account.row().cash, |known| known.cash),
                equity: known.map_or(account.row().equity, |known| known.equity),
                positions: known.map_or(account.positions(), |known| &known.positions),
                orders: known.map_or(slot.worlds[0].orders(), |known| &known.orders),
                state: account.row().state,
                adjustment: slot.adjustment(symbol.and_then(|symbol| view.regime(symbol))),
                fees: &slot.fees,
            };
            let (strategy, signals) = (&mut slot.strategy, &mut slot.signals);
            let from = ctx.clock.now();
            let called = catch_unwind(AssertUnwindSafe(|| {
                strategy.on_event(event, &view, &account, signals);
            }));
            let to = ctx.clock.now();
            end = to;
            if !is_history {
                self.calls.push(TimedCall { index, from, to });
            }
            let took = to.since(from);
            if called.is_err() {
                self.bench(index, BenchCause::Panicked, cause, ctx);
                continue;
            }
            if let Some(why) = slot.signals.skipped()
                && let Some(symbol) = slot.skip(why, symbol, self.market.view().now())
            {
                let strategy = strat_id(index);
                emit(ctx, cause.at(to), ReportKind::Skipped { strategy, symbol, why });
            }
            if !slot.signals.as_slice().is_empty() && !is_history {
                self.execute_all(index, took, cause.at(to), ctx);
                end = ctx.clock.now();
            }
        }
        end
    }

    /// Writes the times of the calls down, once nobody waits for it.
    pub(super) fn record_calls<C: Clock, R: ReportSink>(
        &mut self,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        for call in self.calls.drain(..) {
            ctx.bank.call(call.index, cause.seq, cause.arrived, call.from, call.to);
        }
    }

    pub(super) fn bench<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        why: BenchCause,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        self.slots[index].is_benched = true;
        emit(ctx, cause, ReportKind::Benched { strategy: strat_id(index), why });
        self.halt(index, HaltReason::Benched, cause, ctx);
    }

    fn execute_all<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        took: DurationNs,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let signals = self.slots[index].signals.clone();
        // What did not fit was refused unseen.
        self.slots[index].worlds[0].account_mut().row_mut().rejects += u64::from(signals.dropped());
        for signal in signals.as_slice() {
            if self.slots[index].is_benched {
                return;
            }
            let strategy = strat_id(index);
            self.slots[index].worlds[0].account_mut().row_mut().signals += 1;
            let saw = Saw::of(&self.market.view(), signal.symbol, took);
            emit(ctx, cause, ReportKind::Signal { strategy, signal: *signal, saw });
            if let Err(reason) = self.execute(index, signal, cause, ctx) {
                let slot = &mut self.slots[index];
                slot.worlds[0].account_mut().row_mut().rejects += 1;
                emit(ctx, cause, ReportKind::Reject { strategy, signal: *signal, reason });
                let reject = Reject { signal: *signal, reason };
                let told = catch_unwind(AssertUnwindSafe(|| slot.strategy.on_reject(&reject)));
                if told.is_err() {
                    self.bench(index, BenchCause::Panicked, cause, ctx);
                }
            }
        }
    }
}
