//! Calls strategies and sends what they want.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::HaltReason;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::SymbolId;
use paperwire_core::strategy::{Event, Reject};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{DurationNs, HostNs};

use crate::report::{BenchCause, ReportKind};
use crate::saw::Saw;

use super::slot::Called;
use super::turn::{Io, Turn};
use super::{Engine, TimedCall, strat_id};

impl Engine {
    pub(super) fn on_bars(&mut self, is_history: bool, turn: &mut Turn<'_, impl Io>) {
        let closed = std::mem::take(&mut self.closed);
        for (symbol, timeframe, bar) in &closed {
            let (symbol, timeframe) = (*symbol, *timeframe);
            self.read_bar(symbol, timeframe, bar, turn);
            if timeframe == Timeframe::M1 && !is_history {
                turn.emit(ReportKind::Bar { symbol, bar: *bar });
            }
            let event = Event::Bar { symbol, timeframe, bar, is_history };
            let turn = &mut turn.at(turn.now());
            self.decide(&event, Some(symbol), is_history, turn);
        }
        self.closed = closed;
    }

    /// What every strategy may read of a closed bar: its indicators, and the regime that follows.
    fn read_bar(
        &mut self,
        symbol: SymbolId,
        timeframe: Timeframe,
        bar: &Bar,
        turn: &mut Turn<'_, impl Io>,
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
            turn.emit(ReportKind::Regime { symbol: Some(symbol), transition });
        }
        if let Some(transition) = update.market_transition {
            turn.emit(ReportKind::Regime { symbol: None, transition });
        }
    }

    /// Calls every strategy that trades `symbol` (all of them for a timer) in the event's order, and executes
    /// what it wants; returns when the last one was done.
    ///
    /// A call runs from just before `on_event` to just after. What it is shown, what it skipped and what it
    /// signals are the engine's work, which is no strategy's time.
    pub(super) fn decide(
        &mut self,
        event: &Event<'_>,
        symbol: Option<SymbolId>,
        is_history: bool,
        turn: &mut Turn<'_, impl Io>,
    ) -> HostNs {
        let told = symbol.map_or(SymbolSet::EVERY, SymbolSet::only);
        let row = self.call_table.row(turn.cause.seq);
        let mut end = turn.cause.looked;
        for place in 0..self.slots.len() {
            if self.calls.is_full() {
                self.record_calls(turn);
            }
            let index = self.call_table.at(row, place);
            let slot = &mut self.slots[index];
            if slot.is_benched || slot.symbols.is_disjoint(told) {
                continue;
            }
            slot.signals.clear();
            let view = self.market.view();
            slot.refresh_known(symbol);
            slot.refresh_fees(&*self.rules.fees, &view);
            let Called { from, to, is_sound } = slot.call(event, symbol, &view, || turn.now());
            end = to;
            if !is_history {
                self.calls.push(TimedCall { index, from, to });
            }
            let took = to.since(from);
            if !is_sound {
                self.bench(index, BenchCause::Panicked, turn);
                continue;
            }
            if let Some(why) = slot.signals.skipped()
                && let Some(symbol) = slot.skip(why, symbol, self.market.view().now())
            {
                let strategy = strat_id(index);
                turn.at(to).emit(ReportKind::Skipped { strategy, symbol, why });
            }
            if !slot.signals.as_slice().is_empty() && !is_history {
                self.execute_all(index, took, &mut turn.at(to));
                end = turn.now();
            }
        }
        end
    }

    /// Writes the times of the calls down, once nobody waits for it.
    pub(super) fn record_calls(&mut self, turn: &mut Turn<'_, impl Io>) {
        for call in self.calls.drain(..) {
            let cause = turn.cause;
            turn.bank().call(call.index, cause.seq, cause.arrived, call.from, call.to);
        }
    }

    pub(super) fn bench(&mut self, index: usize, why: BenchCause, turn: &mut Turn<'_, impl Io>) {
        self.slots[index].is_benched = true;
        turn.emit(ReportKind::Benched { strategy: strat_id(index), why });
        self.halt(index, HaltReason::Benched, turn);
    }

    fn execute_all(&mut self, index: usize, took: DurationNs, turn: &mut Turn<'_, impl Io>) {
        // Nobody adds to them until the next call; each is copied by itself, not the room for all of them.
        let signals = &self.slots[index].signals;
        let (count, dropped) = (signals.as_slice().len(), signals.dropped());
        // What did not fit was refused unseen.
        self.slots[index].home_mut().account_mut().row_mut().rejects += u64::from(dropped);
        for place in 0..count {
            let slot = &self.slots[index];
            if slot.is_benched {
                return;
            }
            let signal = slot.signals.as_slice()[place];
            let strategy = strat_id(index);
            self.slots[index].home_mut().account_mut().row_mut().signals += 1;
            let saw = Saw::of(&self.market.view(), signal.symbol, took);
            turn.emit(ReportKind::Signal { strategy, signal, saw });
            if let Err(reason) = self.execute(index, &signal, turn) {
                let slot = &mut self.slots[index];
                slot.home_mut().account_mut().row_mut().rejects += 1;
                turn.emit(ReportKind::Reject { strategy, signal, reason });
                let reject = Reject { signal, reason };
                let told = catch_unwind(AssertUnwindSafe(|| slot.strategy.on_reject(&reject)));
                if told.is_err() {
                    self.bench(index, BenchCause::Panicked, turn);
                }
            }
        }
    }
}
