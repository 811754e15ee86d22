//! Commands from outside, and what halts an account.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::{AccountState, HaltReason, Trigger};
use paperwire_core::command::{Command, Origin, ParamChange, Verb};
use paperwire_core::ids::StratId;
use paperwire_core::order::OrderEnd;
use paperwire_core::time::ExchNs;

use crate::intake::Intent;
use crate::report::{BenchCause, ReportKind};

use super::turn::{Io, Turn};
use super::{Engine, strat_id};

impl Engine {
    pub(super) fn command(&mut self, command: &Command, turn: &mut Turn<'_, impl Io>) {
        let (target, verb, origin) = match *command {
            Command::Do { target, verb, origin } => (target, verb, origin),
            Command::Set { target, change, origin } => {
                return self.set_param(target, change, origin, turn);
            }
        };
        for index in 0..self.slots.len() {
            let strategy = strat_id(index);
            if target.is_some_and(|target| target != strategy) {
                continue;
            }
            turn.emit(ReportKind::Command { strategy, verb, origin });
            match verb {
                Verb::Pause => {
                    if self.slots[index].state() == AccountState::Active {
                        self.set_state(index, AccountState::Paused, turn);
                        self.cancel_entries(index, OrderEnd::Operator, turn);
                    }
                }
                Verb::Resume => self.resume(index, turn),
                Verb::Flatten => {
                    let end = OrderEnd::Operator;
                    self.flatten(index, Trigger::Operator, "flatten", end, turn);
                }
                Verb::Reset => self.reset(index, turn),
                Verb::Bench => {
                    if !self.slots[index].is_benched {
                        self.bench(index, BenchCause::Ordered(origin), turn);
                    }
                }
                Verb::Kill => {
                    if !self.is_final(index) {
                        self.halt(index, HaltReason::Killed, turn);
                    }
                    let end = OrderEnd::Operator;
                    self.flatten(index, Trigger::Operator, "kill", end, turn);
                }
            }
        }
    }

    fn set_param(
        &mut self,
        target: StratId,
        change: ParamChange,
        origin: Origin,
        turn: &mut Turn<'_, impl Io>,
    ) {
        // A replay may run fewer strategies than were recorded.
        let Some(slot) = self.slots.get_mut(target.index()).filter(|slot| !slot.is_benched) else {
            return;
        };
        let strategy = &mut slot.strategy;
        let taken = catch_unwind(AssertUnwindSafe(|| strategy.on_param(change)));
        match taken {
            Ok(true) => {
                turn.emit(ReportKind::Param { strategy: target, change, origin });
            }
            Ok(false) => {}
            Err(_) => self.bench(target.index(), BenchCause::Panicked, turn),
        }
    }

    fn is_final(&self, index: usize) -> bool {
        let last = [HaltReason::Benched, HaltReason::Bankrupt].map(AccountState::Halted);
        last.contains(&self.slots[index].state())
    }

    fn resume(&mut self, index: usize, turn: &mut Turn<'_, impl Io>) {
        // A strategy that panicked has no sound state to go on from, a bankrupt account no money.
        if !self.is_final(index) {
            self.slots[index].restart_risk();
            self.set_state(index, AccountState::Active, turn);
        }
    }

    fn reset(&mut self, index: usize, turn: &mut Turn<'_, impl Io>) {
        let before = self.slots[index].state();
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, turn, |world, env| {
                world.cancel_where(|_, _| true, OrderEnd::Operator, env);
                world.reset(env);
            });
        }
        // Answers under way are of the old account.
        self.tell_due(index, ExchNs::new(i64::MAX), turn);
        // The account was made from scratch in a state of its own; what changes is seen from before.
        self.slots[index].home_mut().account_mut().set_state(before);
        let slot = &mut self.slots[index];
        slot.restart_risk();
        let state = if slot.is_benched {
            AccountState::Halted(HaltReason::Benched)
        } else if before == AccountState::Paused {
            // A pause is a person's wish, and only a person's `resume` ends it.
            AccountState::Paused
        } else {
            AccountState::Active
        };
        self.set_state(index, state, turn);
    }

    /// Halts an account that is over one of its limits.
    pub(super) fn check_limits(&mut self, index: usize, turn: &mut Turn<'_, impl Io>) {
        if let Some(why) = self.slots[index].over_limit() {
            self.halt(index, why, turn);
            if self.policy.flatten_on_halt {
                self.flatten(index, Trigger::Risk, why.as_str(), OrderEnd::Blocked, turn);
            }
        }
    }

    pub(super) fn check_global(&mut self, turn: &mut Turn<'_, impl Io>) {
        let profit = self.slots.iter().map(|slot| slot.home().account().row().profit()).sum();
        if !self.policy.global.is_over(profit) {
            return;
        }
        for index in 0..self.slots.len() {
            if !matches!(self.slots[index].state(), AccountState::Halted(_)) {
                self.halt(index, HaltReason::GlobalLoss, turn);
                if self.policy.flatten_on_halt {
                    let why = HaltReason::GlobalLoss.as_str();
                    self.flatten(index, Trigger::Risk, why, OrderEnd::Blocked, turn);
                }
            }
        }
    }

    pub(super) fn halt(&mut self, index: usize, why: HaltReason, turn: &mut Turn<'_, impl Io>) {
        self.set_state(index, AccountState::Halted(why), turn);
        self.cancel_entries(index, OrderEnd::Blocked, turn);
    }

    /// Sets the state of the account that the strategy lives in; the others follow it.
    fn set_state(&mut self, index: usize, state: AccountState, turn: &mut Turn<'_, impl Io>) {
        if self.slots[index].state() == state {
            return;
        }
        self.slots[index].home_mut().account_mut().set_state(state);
        turn.emit(ReportKind::State { strategy: strat_id(index), state });
    }

    fn cancel_entries(&mut self, index: usize, end: OrderEnd, turn: &mut Turn<'_, impl Io>) {
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, turn, |world, env| {
                world.cancel_where(|_, terms| terms.intent == Intent::Enter, end, env);
            });
        }
    }

    /// Cancels every order and closes every position, in every world.
    pub(super) fn flatten(
        &mut self,
        index: usize,
        trigger: Trigger,
        code: &'static str,
        end: OrderEnd,
        turn: &mut Turn<'_, impl Io>,
    ) {
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, turn, |world, env| {
                world.flatten(trigger, code, end, env);
            });
        }
    }
}
