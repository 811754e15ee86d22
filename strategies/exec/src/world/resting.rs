//! Orders that wait: for their trigger, or in the book for their turn.

use arrayvec::ArrayVec;
use paperwire_core::ids::OrderId;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::SymbolState;
use paperwire_core::num::{Px, Qty};
use paperwire_core::order::{OpenOrder, OrderState, OrderTrigger};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};

use crate::fill::{Print, Rest};
use crate::queue::QueuePosition;

use super::{Env, ORDERS_CAPACITY, Terms, World, behind};

impl Terms {
    /// Puts the shown part of an order at the end of the queue at its price.
    pub(super) fn show(
        &mut self,
        order: &mut OpenOrder,
        state: &SymbolState,
        limit: Px,
        at: ExchNs,
    ) {
        self.shown = order.spec.display.map_or(order.left, |display| display.min(order.left));
        let shown = state.book().and_then(|book| book.shown(order.side.rests(), limit));
        self.queue = QueuePosition::enter(shown, at);
        order.ahead = self.queue.ahead();
    }
}

impl World {
    /// Follows the queues at the prices of resting orders after a book message.
    pub(super) fn follow_queues(&mut self, symbol: SymbolId, env: &Env<'_>) {
        let state = env.view.symbol(symbol);
        let (Some(book), Some(at)) = (state.book(), state.book_at()) else {
            return;
        };
        for (order, terms) in self.orders.iter_mut().zip(&mut self.terms) {
            if order.symbol != symbol || order.state != OrderState::Resting {
                continue;
            }
            let px = order.spec.limit_px().expect("only a limit order rests");
            if let Some(shown) = book.shown(order.side.rests(), px) {
                terms.queue.on_level(shown, at);
                order.ahead = terms.queue.ahead();
            }
        }
    }

    /// Moves trailing triggers and releases the orders whose trigger is reached.
    pub(super) fn check_triggers(
        &mut self,
        symbol: SymbolId,
        traded: Option<(Px, ExchNs)>,
        env: &mut Env<'_>,
    ) {
        for id in self.of(symbol, OrderState::Waiting) {
            self.check_trigger(id, traded, env);
        }
    }

    pub(super) fn check_trigger(
        &mut self,
        id: OrderId,
        traded: Option<(Px, ExchNs)>,
        env: &mut Env<'_>,
    ) {
        let Some(index) = self.find(id) else {
            return;
        };
        let order = &self.orders[index];
        let terms = &mut self.terms[index];
        if !env.takes(order.symbol, &order.spec, terms.intent) {
            return;
        }
        // What was matched before it came did not meet it.
        let traded = traded.filter(|(_, at)| *at > terms.due).map(|(px, _)| px);
        let (Some(trigger), Some(now)) =
            (order.spec.trigger, env.trigger_px(order.symbol, order.side))
        else {
            return;
        };
        let is_reached = match trigger {
            OrderTrigger::TakeProfit(px) => order.side.accepts(px, now),
            OrderTrigger::Stop(_) | OrderTrigger::Trail(_) => {
                let at = terms.trigger_px;
                let is_past = |px: Px| at.is_some_and(|at| is_beyond(order.side, at, px));
                is_past(now) || traded.is_some_and(is_past)
            }
        };
        if is_reached {
            self.cancel_pair(id, env);
            self.work(id, env);
            return;
        }
        if let (Some(at), Some(trail)) = (terms.trigger_px, terms.trail) {
            let behind = behind(order.side, now, trail);
            terms.trigger_px = Some(match order.side {
                OrderSide::Buy => at.min(behind),
                OrderSide::Sell => at.max(behind),
            });
        }
    }

    /// Fills resting orders that the other side of the book has reached.
    pub(super) fn reach(&mut self, symbol: SymbolId, env: &mut Env<'_>) {
        for id in self.of(symbol, OrderState::Resting) {
            let Some(index) = self.find(id) else {
                continue;
            };
            let order = self.orders[index];
            let px = order.spec.limit_px().expect("only a limit order rests");
            let levels = env.view.takeable(symbol, order.side);
            if levels.first().is_none_or(|best| !order.side.accepts(px, best.px)) {
                continue;
            }
            let taker = crate::fill::Taker {
                symbol,
                side: order.side,
                qty: order.left,
                limit: Some(px),
                levels,
            };
            let qty = self.model.take(&taker, &self.consumed).qty;
            if qty.is_zero() {
                continue;
            }
            let filled = self.fill_resting(id, qty, None, env);
            if env.rules.has_overlay && !filled.is_zero() {
                let taker = crate::fill::Taker {
                    symbol,
                    side: order.side,
                    qty: filled,
                    limit: Some(px),
                    levels,
                };
                self.model.commit(&taker, &mut self.consumed);
            }
            self.show_next_part(id, env);
        }
    }

    /// Fills resting orders by a trade, those with the better price first.
    pub(super) fn hit(&mut self, symbol: SymbolId, trade: &TradeTick, env: &mut Env<'_>) {
        let hit = trade.taker.opposite();
        let mut turn: ArrayVec<(Px, OrderId), ORDERS_CAPACITY> = ArrayVec::new();
        for order in &self.orders {
            let is_here = order.symbol == symbol && order.state == OrderState::Resting;
            if let (true, Some(px)) = (is_here && order.side == hit, order.spec.limit_px()) {
                turn.push((px, order.id));
            }
        }
        turn.sort_unstable_by_key(|(px, id)| match hit {
            OrderSide::Buy => (-px.raw(), *id),
            OrderSide::Sell => (px.raw(), *id),
        });
        let mut print = Print { px: trade.px, qty: trade.qty, taker: trade.taker, at: trade.at };
        for (px, id) in turn {
            while let Some(index) = self.find(id) {
                let rest = self.rest(index, px);
                let queue = &mut self.terms[index].queue;
                let qty = self.model.on_print(&rest, queue, &print);
                self.orders[index].ahead = self.terms[index].queue.ahead();
                if qty.is_zero() {
                    break;
                }
                let of_print = Some((trade.px, trade.qty));
                let filled = self.fill_resting(id, qty, of_print, env);
                print.qty = Qty::new((print.qty.raw() - filled.raw()).max(0));
                if !self.show_next_part(id, env) || print.qty.is_zero() {
                    break;
                }
            }
        }
    }

    fn rest(&self, index: usize, px: Px) -> Rest {
        let order = &self.orders[index];
        Rest { side: order.side, px, left: order.left, shown: self.terms[index].shown }
    }

    /// Shows the next part of an iceberg when the shown one is gone, at the end of the queue.
    fn show_next_part(&mut self, id: OrderId, env: &Env<'_>) -> bool {
        let Some(index) = self.find(id) else {
            return false;
        };
        let (order, terms) = (&mut self.orders[index], &mut self.terms[index]);
        if !terms.shown.is_zero() || order.left.is_zero() {
            return false;
        }
        let px = order.spec.limit_px().expect("only a limit order rests");
        terms.show(order, env.view.symbol(order.symbol), px, env.at);
        true
    }
}

/// True when `px` is where a stop of this side acts: at or above for a buy, at or below for a sell.
pub(super) const fn is_beyond(side: OrderSide, stop: Px, px: Px) -> bool {
    match side {
        OrderSide::Buy => px.raw() >= stop.raw(),
        OrderSide::Sell => px.raw() <= stop.raw(),
    }
}
