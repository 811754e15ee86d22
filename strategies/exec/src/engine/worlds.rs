//! What an event does in the worlds of every strategy, and what comes of it.

use paperwire_core::account::{AccountState, HaltReason};
use paperwire_core::event::{MarketEvent, MarketKind};
use paperwire_core::ids::OrderId;
use paperwire_core::latency::Stage;
use paperwire_core::time::DurationNs;

use crate::report::ReportKind;
use crate::world::{Env, Happening, World};

use super::slot::Tell;
use super::turn::{Io, Turn};
use super::{Engine, strat_id};

/// How long an order may outlast itself in a world where it was not filled: trades that would fill it
/// there come within seconds or mean another market.
const OUTLAST: DurationNs = DurationNs::from_secs(60);

impl Engine {
    /// Lets everything that was on its way and is due arrive.
    pub(super) fn advance(&mut self, turn: &mut Turn<'_, impl Io>) {
        let to = self.market.time().map_or(turn.cause.at, |now| now.max(turn.cause.at));
        for index in 0..self.slots.len() {
            for world in 0..self.slots[index].worlds.len() {
                if self.slots[index].worlds[world].is_due(to) {
                    self.in_world(index, world, turn, |world, env| world.advance(to, env));
                }
            }
            self.tell_due(index, to, turn);
        }
    }

    /// Shows a change of the market to every world that it concerns.
    pub(super) fn meet(&mut self, event: &MarketEvent, turn: &mut Turn<'_, impl Io>) {
        for index in 0..self.slots.len() {
            for world in 0..self.slots[index].worlds.len() {
                let Some(symbol) = event.symbol else {
                    self.in_world(index, world, turn, World::on_timer);
                    continue;
                };
                if self.slots[index].worlds[world].is_concerned(symbol, &self.rules) {
                    self.in_world(index, world, turn, |world, env| match &event.kind {
                        MarketKind::Trade { trade, .. } => world.on_trade(symbol, trade, env),
                        _ => world.on_book(symbol, env),
                    });
                }
            }
            self.check_limits(index, turn);
        }
        if event.symbol.is_none() {
            self.check_global(turn);
        }
    }

    /// Does something in one world, and tells what came of it.
    pub(super) fn in_world(
        &mut self,
        index: usize,
        world: usize,
        turn: &mut Turn<'_, impl Io>,
        action: impl FnOnce(&mut World, &mut Env<'_>),
    ) {
        let is_primary = world == 0;
        let view = self.market.view();
        let slot = &mut self.slots[index];
        let mut env = Env {
            view,
            at: self.market.time().unwrap_or(turn.cause.at),
            rules: &self.rules,
            flip: slot.flip,
            may_enter: slot.may_enter(world),
            strategy: strat_id(index),
            ids: if is_primary { &mut self.ids } else { &mut self.shadow_ids },
            out: &mut self.out,
        };
        action(&mut slot.worlds[world], &mut env);
        if self.out.is_empty() {
            return;
        }
        if is_primary {
            self.tell(index, turn);
        } else {
            slot.settle_shadow(world);
            self.out.clear();
        }
    }

    /// Reports what came about in the world that a strategy lives in, and tells it.
    fn tell(&mut self, index: usize, turn: &mut Turn<'_, impl Io>) {
        let strategy = strat_id(index);
        let mut out = std::mem::take(&mut self.out);
        let told = turn.now();
        if out.iter().any(|happening| matches!(happening, Happening::Fill(_))) {
            let cause = turn.cause;
            turn.bank().stage(Stage::Filled).record(cause.arrived, cause.looked, told);
        }
        let turn = &mut turn.at(told);
        for happening in &out {
            match *happening {
                Happening::Order(order, trigger) => {
                    let latency = DurationNs::ZERO;
                    turn.emit(ReportKind::Order { strategy, order, trigger, latency });
                }
                Happening::Changed(order, reason) => {
                    turn.emit(ReportKind::Changed { strategy, order, reason });
                }
                Happening::Interest(symbol, amount) => {
                    turn.emit(ReportKind::Interest { strategy, symbol, amount });
                }
                Happening::Fill(fill) => {
                    turn.emit(ReportKind::Fill(fill));
                    self.slots[index].on_fill(&fill);
                    self.tell_later(index, Tell::Fill(fill), None, turn);
                }
                Happening::Done(done, order) => {
                    turn.emit(ReportKind::Done { strategy, done });
                    self.outlast(index, done.id);
                    self.tell_later(index, Tell::Done(done), Some(order), turn);
                }
            }
        }
        out.clear();
        self.out = out;
        let is_halted = matches!(self.slots[index].state(), AccountState::Halted(_));
        if !is_halted && self.slots[index].home().account().is_ruined() {
            self.halt(index, HaltReason::Bankrupt, turn);
        }
    }

    /// Orders that have ended where their strategy lives do not stay for ever in the other worlds, where
    /// nobody would cancel them.
    pub(super) fn outlast(&mut self, index: usize, id: OrderId) {
        let until = self.market.view().now().plus(OUTLAST);
        for world in &mut self.slots[index].worlds[1..] {
            world.outlast(id, until);
        }
    }
}
