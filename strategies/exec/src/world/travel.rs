//! What is on its way: orders, cancels, replaces and exits arrive when they are due, in the order of
//! their times, and what is sent later overtakes nothing.

use paperwire_core::ids::OrderId;
use paperwire_core::instrument::SymbolId;
use paperwire_core::order::{
    Exits, OpenOrder, OrderEnd, OrderPrice, OrderState, OrderTrigger, TimeInForce,
};
use paperwire_core::time::ExchNs;

use crate::intake::Intent;
use crate::queue::QueuePosition;

use super::{
    Change, Env, ExitsUnderWay, Found, Happening, NEVER, ORDERS_CAPACITY, Replacement, Terms,
    Whose, World, behind,
};

impl World {
    /// Sends an order; with nothing on the way it acts at once.
    pub fn send(&mut self, order: OpenOrder, terms: Terms, env: &mut Env<'_>) {
        if self.orders.len() == ORDERS_CAPACITY {
            // Only where the strategy does not live: there its orders may outlast those it knows of.
            self.end(self.orders[0].id, OrderEnd::Cancelled, env);
        }
        let due = terms.due;
        self.orders.push(OpenOrder { state: OrderState::InFlight, ..order });
        self.terms.push(terms);
        self.is_changed = true;
        if due <= env.at {
            self.arrive(order.id, env);
        }
        self.schedule();
    }

    /// Sends a cancel or replace; false when no order is meant.
    pub fn change(
        &mut self,
        symbol: SymbolId,
        whose: Whose,
        change: Change,
        env: &mut Env<'_>,
    ) -> bool {
        let mut found = Found::new();
        for (order, terms) in self.orders.iter_mut().zip(&mut self.terms) {
            if order.symbol == symbol && whose.is(order) {
                found.push(order.id);
                // A cancel stands, whatever is wished after it.
                if terms.change.is_none_or(|before| before.to.is_some()) {
                    terms.change = Some(change);
                    order.is_changing = true;
                }
            }
        }
        self.is_changed = true;
        for id in &found {
            let index = self.find(*id).expect("it was just found");
            // What is sent after an order cannot overtake it.
            if change.due <= env.at && self.orders[index].state != OrderState::InFlight {
                self.apply_change(*id, env);
            }
        }
        self.schedule();
        !found.is_empty()
    }

    /// Sends new exits for the position in `symbol`.
    pub fn send_exits(&mut self, symbol: SymbolId, exits: Exits, due: ExchNs, env: &Env<'_>) {
        if due <= env.at || self.exits_under_way.is_full() {
            return self.apply_exits(symbol, &exits, env);
        }
        self.exits_under_way.push(ExitsUnderWay { due, symbol, exits });
        self.is_changed = true;
        self.schedule();
    }

    /// An order has ended where its strategy lives: it stays here until `until` at most.
    pub fn outlast(&mut self, id: OrderId, until: ExchNs) {
        if let Some(index) = self.find(id) {
            let tif = &mut self.orders[index].spec.tif;
            let until = if let TimeInForce::Gtd(before) = *tif { before.min(until) } else { until };
            *tif = TimeInForce::Gtd(until);
            self.is_changed = true;
            self.schedule();
        }
    }

    /// Brings time to `to`: all that is due before then arrives, in the order of its time, and meets
    /// the market as it is.
    pub fn advance(&mut self, to: ExchNs, env: &mut Env<'_>) {
        while self.next_due <= to {
            if let Some(at) = self.exits_under_way.iter().position(|way| way.due <= self.next_due) {
                let way = self.exits_under_way.remove(at);
                env.at = env.at.max(way.due);
                self.apply_exits(way.symbol, &way.exits, env);
                self.is_changed = true;
                self.schedule();
                continue;
            }
            let Some((id, due)) = self.first_due() else {
                break;
            };
            env.at = env.at.max(due);
            let index = self.find(id).expect("it was just found");
            if self.orders[index].state == OrderState::InFlight {
                self.arrive(id, env);
            } else if self.terms[index].change.is_some_and(|change| change.due == due) {
                self.apply_change(id, env);
            } else {
                self.end(id, OrderEnd::Expired, env);
            }
            self.schedule();
        }
    }

    fn due_of(order: &OpenOrder, terms: &Terms) -> ExchNs {
        let mut due = terms.change.map_or(NEVER, |change| change.due);
        if order.state == OrderState::InFlight {
            // What is sent after it cannot overtake it.
            return terms.due;
        }
        if let TimeInForce::Gtd(until) = order.spec.tif {
            due = due.min(until);
        }
        due
    }

    fn first_due(&self) -> Option<(OrderId, ExchNs)> {
        let due = self.orders.iter().zip(&self.terms).map(|(o, t)| (o.id, Self::due_of(o, t)));
        due.min_by_key(|(id, due)| (*due, *id)).filter(|(_, due)| *due < NEVER)
    }

    /// Finds again what is due next and which symbols have orders, when that may have changed.
    pub(super) fn schedule(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            let exits = self.exits_under_way.iter().map(|way| way.due).min().unwrap_or(NEVER);
            self.next_due = self.first_due().map_or(NEVER, |(_, due)| due).min(exits);
            self.order_symbols = self.orders.iter().map(|order| order.symbol).collect();
        }
    }

    fn apply_change(&mut self, id: OrderId, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        let Some(change) = self.terms[index].change.take() else {
            return;
        };
        self.is_changed = true;
        self.orders[index].is_changing = false;
        let Some(Replacement { px, qty, reason }) = change.to else {
            return self.end(id, OrderEnd::Cancelled, env);
        };
        let (order, terms) = (&mut self.orders[index], &mut self.terms[index]);
        let filled = order.qty - order.left;
        if qty <= filled {
            return self.end(id, OrderEnd::Replaced, env);
        }
        let keeps_price = px.is_none() || px == order.spec.limit_px();
        let is_smaller = qty <= order.qty;
        order.qty = qty;
        order.left = qty - filled;
        terms.shown = terms.shown.min(order.left);
        if let Some(px) = px {
            order.spec.price = OrderPrice::Limit(px);
        }
        terms.reason = reason;
        env.out.push(Happening::Changed(*order, reason));
        if (keeps_price && is_smaller) || order.state != OrderState::Resting {
            return;
        }
        if env.can_fill(order.symbol) {
            self.work(id, env);
        } else {
            // Nothing is known of the book: it stands behind whatever shows up.
            terms.queue = QueuePosition::enter(None, env.at);
        }
    }

    /// An order reaches the venue.
    fn arrive(&mut self, id: OrderId, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        let order = self.orders[index];
        if !env.takes(order.symbol, &order.spec, self.terms[index].intent) {
            return self.end(id, OrderEnd::VenueClosed, env);
        }
        if !env.can_fill(order.symbol) {
            return self.end(id, OrderEnd::BookNotLive, env);
        }
        if matches!(order.spec.tif, TimeInForce::Gtd(until) if until <= env.at) {
            return self.end(id, OrderEnd::Expired, env);
        }
        let is_flat = self.account.position(order.symbol).lots == 0;
        if is_flat && (self.terms[index].intent == Intent::Exit || order.spec.is_reduce_only) {
            return self.end(id, OrderEnd::NothingToReduce, env);
        }
        if self.terms[index].is_whole {
            let held = self.account.position(order.symbol).qty();
            (self.orders[index].qty, self.orders[index].left) = (held, held);
        }
        self.orders[index].state = OrderState::Waiting;
        self.is_changed = true;
        match order.spec.trigger {
            None => self.work(id, env),
            Some(trigger) => {
                if self.set_trigger(index, trigger, env) {
                    self.check_trigger(id, None, env);
                } else {
                    self.end(id, OrderEnd::NoLiquidity, env);
                }
            }
        }
    }

    fn set_trigger(&mut self, index: usize, trigger: OrderTrigger, env: &Env<'_>) -> bool {
        let order = &self.orders[index];
        let terms = &mut self.terms[index];
        match trigger {
            OrderTrigger::Stop(px) | OrderTrigger::TakeProfit(px) => {
                terms.trigger_px = Some(px);
            }
            OrderTrigger::Trail(distance) => {
                let Some(now) = env.trigger_px(order.symbol, order.side) else {
                    return false;
                };
                let Some(trail) = env.distance(order.symbol, distance, now) else {
                    return false;
                };
                terms.trail = Some(trail);
                terms.trigger_px = Some(behind(order.side, now, trail));
            }
        }
        true
    }
}
