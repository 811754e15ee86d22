//! Commands from outside, and what halts an account.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::{AccountState, HaltReason, Trigger};
use paperwire_core::agent::Clock;
use paperwire_core::command::{Command, Origin, ParamChange, Verb};
use paperwire_core::ids::StratId;
use paperwire_core::order::OrderEnd;
use paperwire_core::time::ExchNs;

use crate::intake::Intent;
use crate::report::{BenchCause, ReportKind};

use super::{Cause, Context, Engine, ReportSink, emit, strat_id};

impl Engine {
    pub(super) fn command<C: Clock, R: ReportSink>(
        &mut self,
        command: &Command,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let (target, verb, origin) = match *command {
            Command::Do { target, verb, origin } => (target, verb, origin),
            Command::Set { target, change, origin } => {
                return self.set_param(target, change, origin, cause, ctx);
            }
        };
        for index in 0..self.slots.len() {
            let strategy = strat_id(index);
            if target.is_some_and(|target| target != strategy) {
                continue;
            }
            emit(ctx, cause, ReportKind::Command { strategy, verb, origin });
            match verb {
                Verb::Pause => {
                    if self.slots[index].state() == AccountState::Active {
                        self.set_state(index, AccountState::Paused, cause, ctx);
                        self.cancel_entries(index, OrderEnd::Operator, cause, ctx);
                    }
                }
                Verb::Resume => self.resume(index, cause, ctx),
                Verb::Flatten => {
                    let end = OrderEnd::Operator;
                    self.flatten(index, Trigger::Operator, "flatten", end, cause, ctx);
                }
                Verb::Reset => self.reset(index, cause, ctx),
                Verb::Bench => {
                    if !self.slots[index].is_benched {
                        self.bench(index, BenchCause::Ordered(origin), cause, ctx);
                    }
                }
                Verb::Kill => {
                    if !self.is_final(index) {
                        self.halt(index, HaltReason::Killed, cause, ctx);
                    }
                    let end = OrderEnd::Operator;
                    self.flatten(index, Trigger::Operator, "kill", end, cause, ctx);
                }
            }
        }
    }

    fn set_param<C: Clock, R: ReportSink>(
        &mut self,
        target: StratId,
        change: ParamChange,
        origin: Origin,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        // A replay may run fewer strategies than were recorded.
        let Some(slot) = self.slots.get_mut(target.index()).filter(|slot| !slot.is_benched) else {
            return;
        };
        let strategy = &mut slot.strategy;
        let taken = catch_unwind(AssertUnwindSafe(|| strategy.on_param(change)));
        match taken {
            Ok(true) => {
                emit(ctx, cause, ReportKind::Param { strategy: target, change, origin });
            }
            Ok(false) => {}
            Err(_) => self.bench(target.index(), BenchCause::Panicked, cause, ctx),
        }
    }

    fn is_final(&self, index: usize) -> bool {
        let last = [HaltReason::Benched, HaltReason::Bankrupt].map(AccountState::Halted);
        last.contains(&self.slots[index].state())
    }

    fn resume<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        // A strategy that panicked has no sound state to go on from, a bankrupt account no money.
        if !self.is_final(index) {
            let slot = &mut self.slots[index];
            slot.risk.restart(slot.worlds[0].account().row());
            self.set_state(index, AccountState::Active, cause, ctx);
        }
    }

    fn reset<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let before = self.slots[index].state();
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, cause, ctx, |world, env| {
                world.cancel_where(|_, _| true, OrderEnd::Operator, env);
                world.reset(env);
            });
        }
        // Answers under way are of the old account.
        self.tell_due(index, ExchNs::new(i64::MAX), cause, ctx);
        // The account was made from scratch in a state of its own; what changes is seen from before.
        self.slots[index].worlds[0].account_mut().set_state(before);
        let slot = &mut self.slots[index];
        slot.risk.restart(slot.worlds[0].account().row());
        let state = if slot.is_benched {
            AccountState::Halted(HaltReason::Benched)
        } else if before == AccountState::Paused {
            // A pause is a person's wish, and only a person's `resume` ends it.
            AccountState::Paused
        } else {
            AccountState::Active
        };
        self.set_state(index, state, cause, ctx);
    }

    pub(super) fn halt<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        why: HaltReason,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        self.set_state(index, AccountState::Halted(why), cause, ctx);
        self.cancel_entries(index, OrderEnd::Blocked, cause, ctx);
    }

    /// Sets the state of the account that the strategy lives in; the others follow it.
    fn set_state<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        state: AccountState,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        if self.slots[index].state() == state {
            return;
        }
        self.slots[index].worlds[0].account_mut().set_state(state);
        emit(ctx, cause, ReportKind::State { strategy: strat_id(index), state });
    }

    fn cancel_entries<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        end: OrderEnd,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, cause, ctx, |world, env| {
                world.cancel_where(|_, terms| terms.intent == Intent::Enter, end, env);
            });
        }
    }

    /// Cancels every order and closes every position, in every world.
    pub(super) fn flatten<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        trigger: Trigger,
        code: &'static str,
        end: OrderEnd,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, cause, ctx, |world, env| {
                world.flatten(trigger, code, end, env);
            });
        }
    }
}
