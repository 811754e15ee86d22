//! From an order at the venue to a booked fill.

use paperwire_core::account::{Evidence, Fill, Liquidity, PositionSide, Trigger};
use paperwire_core::ids::OrderId;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::SymbolState;
use paperwire_core::num::{Money, Notional, Px, Qty};
use paperwire_core::order::{Exits, OpenOrder, OrderEnd, OrderSpec, OrderState, TimeInForce};
use paperwire_core::strategy::{Flip, Reason};
use paperwire_core::trade::OrderSide;

use crate::fill::{Taker, Walk};
use crate::intake::Intent;
use crate::margin::Standing;
use crate::portfolio::{Execution, counted};

use super::{Env, Happening, World};

/// What may be filled of an order as the position stands.
#[derive(Clone, Copy, Debug)]
struct Allowed {
    /// Makes the position smaller.
    close: Qty,
    /// Opens or adds.
    open: Qty,
    /// How the order ends when this does not fill it.
    rest: Option<OrderEnd>,
}

/// What an order gets.
#[derive(Clone, Copy, Debug)]
struct Clipped {
    walk: Walk,
    allowed: Allowed,
    /// Equity allows no more, although the book has more.
    is_clipped: bool,
}

impl Clipped {
    /// Why the order cannot go on after this, if it cannot.
    fn end(&self) -> Option<OrderEnd> {
        let is_all = self.walk.qty == self.allowed.close + self.allowed.open;
        if self.is_clipped { Some(OrderEnd::NoFunds) } else { self.allowed.rest.filter(|_| is_all) }
    }
}

/// A fill that costs more equity than this bound leaves must not come of rounding: 2^-32 of one unit.
const ROUNDING: Money = Money::from_bits(1 << 32);

/// Attempts to make an entry small enough; each takes at least a sixteenth off.
const CLIP_STEPS: usize = 48;

impl World {
    /// Executes what the book gives now; what is left rests or ends, by the order's terms.
    pub(super) fn work(&mut self, id: OrderId, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        let order = self.orders[index];
        let OrderSpec { tif, is_post_only, .. } = order.spec;
        let limit = order.spec.limit_px();
        let state = env.view.symbol(order.symbol);
        let Some(bbo) = state.bbo() else {
            return self.end(id, OrderEnd::BookNotLive, env);
        };
        let touch = if order.side == OrderSide::Buy { bbo.ask.px } else { bbo.bid.px };
        if limit.is_none_or(|limit| order.side.accepts(limit, touch)) {
            if is_post_only {
                return self.end(id, OrderEnd::WouldTake, env);
            }
            if tif == TimeInForce::Fok && self.preview(index, env).walk.qty < order.left {
                return self.end(id, OrderEnd::NotImmediate, env);
            }
            self.take(id, env);
        }
        let Some(index) = self.find(id) else {
            return;
        };
        if matches!(tif, TimeInForce::Ioc | TimeInForce::Fok) {
            return self.end(id, OrderEnd::NotImmediate, env);
        }
        let Some(limit) = limit else {
            return self.end(id, OrderEnd::NoLiquidity, env);
        };
        let (order, terms) = (&mut self.orders[index], &mut self.terms[index]);
        order.state = OrderState::Resting;
        terms.show(order, state, limit, env.at);
    }

    fn taker<'a>(&self, index: usize, qty: Qty, env: &Env<'a>) -> Taker<'a> {
        let order = &self.orders[index];
        Taker {
            symbol: order.symbol,
            side: order.side,
            qty,
            limit: order.spec.limit_px(),
            levels: env.view.takeable(order.symbol, order.side),
        }
    }

    /// What the whole order would get now.
    fn preview(&self, index: usize, env: &Env<'_>) -> Clipped {
        let allowed = self.allowed(index, env);
        let taker = self.taker(index, Qty::ZERO, env);
        self.clip(index, allowed, env, |qty| {
            self.model.take(&Taker { qty, ..taker }, &self.consumed)
        })
    }

    /// Takes from the book.
    fn take(&mut self, id: OrderId, env: &mut Env<'_>) {
        let index = self.find(id).expect("an order of this world");
        let got = self.preview(index, env);
        if got.walk.qty.is_zero() {
            let end = got.end().unwrap_or(OrderEnd::NoLiquidity);
            // A limit order that finds nothing behind its own earlier fills may rest.
            if end != OrderEnd::NoLiquidity || self.orders[index].spec.limit_px().is_none() {
                self.end(id, end, env);
            }
            return;
        }
        if env.rules.has_overlay {
            let taker = self.taker(index, got.walk.qty, env);
            self.model.commit(&taker, &mut self.consumed);
        }
        self.book(id, &got.walk, Liquidity::Taker, None, env);
        self.after_fill(id, got.end(), env);
    }

    /// Fills a resting order at its own price, up to `qty`; returns how much.
    pub(super) fn fill_resting(
        &mut self,
        id: OrderId,
        qty: Qty,
        print: Option<(Px, Qty)>,
        env: &mut Env<'_>,
    ) -> Qty {
        let Some(index) = self.find(id) else {
            return Qty::ZERO;
        };
        let px = self.orders[index].spec.limit_px().expect("only a limit order rests");
        let mut allowed = self.allowed(index, env);
        let whole = allowed;
        allowed.close = allowed.close.min(qty);
        allowed.open = allowed.open.min(qty - allowed.close);
        if allowed.close + allowed.open < whole.close + whole.open {
            allowed.rest = None;
        }
        let got = self.clip(index, allowed, env, |qty| Walk::at(px, qty, 0));
        if got.walk.qty.is_zero() {
            self.end(id, got.end().unwrap_or(OrderEnd::NothingToReduce), env);
            return Qty::ZERO;
        }
        self.book(id, &got.walk, Liquidity::Maker, print, env);
        self.after_fill(id, got.end(), env);
        got.walk.qty
    }

    /// What follows a fill: the pair order goes, a full order ends, so does one that may not go on.
    fn after_fill(&mut self, id: OrderId, end: Option<OrderEnd>, env: &mut Env<'_>) {
        self.cancel_pair(id, env);
        let index = self.find(id).expect("an order is not its own pair");
        let order = self.orders[index];
        if order.left.is_zero() {
            self.end(id, OrderEnd::Filled, env);
        } else if let Some(end) = end {
            self.end(id, end, env);
        }
    }

    /// Ends what a closed position leaves behind: its exits, which must not meet a later position, and,
    /// when it was not closed by its strategy, the rest of the orders that had opened it.
    fn cancel_idle(&mut self, symbol: SymbolId, but: OrderId, is_forced: bool, env: &mut Env<'_>) {
        let is_idle = |other: &super::OpenOrder, terms: &super::Terms| {
            let is_exit = terms.intent == Intent::Exit || other.spec.is_reduce_only;
            let is_there = other.state != OrderState::InFlight;
            let is_rest = is_forced && terms.has_protected;
            other.id != but && other.symbol == symbol && is_there && (is_exit || is_rest)
        };
        self.cancel_where(is_idle, OrderEnd::NothingToReduce, env);
    }

    /// Cancels the other orders of the same pair.
    pub(super) fn cancel_pair(&mut self, id: OrderId, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        let (symbol, oco) = (self.orders[index].symbol, self.orders[index].spec.oco);
        if oco != 0 {
            let is_other = |other: &super::OpenOrder, _: &super::Terms| {
                other.id != id && other.symbol == symbol && other.spec.oco == oco
            };
            self.cancel_where(is_other, OrderEnd::OtherFilled, env);
        }
    }

    fn allowed(&self, index: usize, env: &Env<'_>) -> Allowed {
        let (order, terms) = (&self.orders[index], &self.terms[index]);
        let position = self.account.position(order.symbol);
        let reduces = position.side().is_some_and(|side| side.closing() == order.side);
        let close = if reduces { order.left.min(position.qty()) } else { Qty::ZERO };
        let rest = order.left - close;
        let only_closes = |end| Allowed { close, open: Qty::ZERO, rest: Some(end) };
        if terms.intent == Intent::Exit || order.spec.is_reduce_only {
            return only_closes(OrderEnd::NothingToReduce);
        }
        match (reduces, env.flip) {
            (true, Flip::Reject) => {
                Allowed { close: Qty::ZERO, ..only_closes(OrderEnd::OppositePosition) }
            }
            (true, Flip::Reduce) => only_closes(OrderEnd::NothingToReduce),
            (true, Flip::Reverse) | (false, _) if !env.may_enter => only_closes(OrderEnd::Blocked),
            (true, Flip::Reverse) | (false, _) => Allowed { close, open: rest, rest: None },
        }
    }

    /// The largest of `walk` that leaves the account within its limits.
    fn clip(
        &self,
        index: usize,
        allowed: Allowed,
        env: &Env<'_>,
        walk: impl Fn(Qty) -> Walk,
    ) -> Clipped {
        let mut open = allowed.open;
        let mut allowed = allowed;
        if allowed.close + open > Qty::ZERO && !self.is_countable(index, allowed.close, env, &walk)
        {
            // What closes a position for more than is counted waits until it is worth less.
            (allowed.close, open) = (Qty::ZERO, Qty::ZERO);
        }
        for step in 0..CLIP_STEPS {
            let got = walk(allowed.close + open);
            let room = if got.qty > allowed.close {
                self.room_after(index, allowed.close, &got, env)
            } else {
                None
            };
            let Some(room) = room else {
                return Clipped { walk: got, allowed, is_clipped: step > 0 };
            };
            let of = env.view.symbol(self.orders[index].symbol).instrument();
            let opened = (got.qty - allowed.close).raw();
            let less = Qty::new(opened - opened / 16 - 1);
            open = of.floor_to_lot(room.min(less).max(Qty::ZERO));
        }
        Clipped { walk: walk(allowed.close), allowed, is_clipped: true }
    }

    /// True when what closes a position is worth an amount that is counted.
    fn is_countable(
        &self,
        index: usize,
        close: Qty,
        env: &Env<'_>,
        walk: &impl Fn(Qty) -> Walk,
    ) -> bool {
        if close.is_zero() {
            return true;
        }
        let symbol = self.orders[index].symbol;
        let of = env.view.symbol(symbol).instrument();
        let value = of.try_money(walk(close).notional);
        let rate = env.view.quote_rate(symbol);
        counted(value.zip(rate).and_then(|(value, rate)| value.checked_mul(rate))).is_some()
    }

    /// `None` when the account is within its limits after the walk; else about how much may be opened.
    fn room_after(&self, index: usize, close: Qty, walk: &Walk, env: &Env<'_>) -> Option<Qty> {
        let order = &self.orders[index];
        let state = env.view.symbol(order.symbol);
        let of = state.instrument();
        let (Some(bbo), Some(rate)) = (state.bbo(), env.view.quote_rate(order.symbol)) else {
            return Some(Qty::ZERO);
        };
        let worth = |notional: Option<Money>| counted(notional?.checked_mul(rate));
        let mid_value = |qty: Qty| {
            let doubled = i128::from(qty.raw()) * i128::from(bbo.mid_doubled());
            worth(of.try_money(Notional::new(doubled)).map(|value| value / 2))
        };
        let (Some(value), Some(of_mid), Some(closed_value), Some(opened)) = (
            worth(of.try_money(walk.notional)),
            mid_value(walk.qty),
            mid_value(close),
            mid_value(walk.qty - close),
        ) else {
            return Some(Qty::ZERO);
        };
        let liquidity = if walk.levels == 0 { Liquidity::Maker } else { Liquidity::Taker };
        let worse = match order.side {
            OrderSide::Buy => value - of_mid,
            OrderSide::Sell => of_mid - value,
        };
        let cost = value * self.fee_rate(index, liquidity, env) + worse;

        let mut closed = self.account.standing();
        let other = match order.side {
            OrderSide::Buy => &mut closed.short,
            OrderSide::Sell => &mut closed.long,
        };
        *other = (*other - closed_value).max(Money::ZERO);
        let mut after = Standing { equity: closed.equity - cost - ROUNDING, ..closed };
        match order.side {
            OrderSide::Buy => after.long += opened,
            OrderSide::Sell => after.short += opened,
        }
        if env.rules.margin.holds(&after) {
            return None;
        }
        let cost_share = cost.max(Money::ZERO).checked_div(value).unwrap_or(Money::ZERO);
        let room = env.rules.margin.room(opens(order.side), &closed, cost_share);
        // In proportion of values; the loop comes back when that was not exact.
        let share = room.checked_div(opened).unwrap_or(Money::ZERO).min(Money::ONE);
        let lots = share.checked_mul(Money::from_num((walk.qty - close).raw()));
        Some(Qty::new(lots.map_or(0, |lots| lots.floor().to_num())))
    }

    pub(super) fn fee_rate(&self, index: usize, liquidity: Liquidity, env: &Env<'_>) -> Money {
        let of = env.view.symbol(self.orders[index].symbol).instrument();
        let volume = self.account.volume_30d();
        env.rules.fees.rate(of, liquidity, volume) + self.terms[index].extra_fee
    }

    /// Books a walk, the closing part before the opening one.
    fn book(
        &mut self,
        id: OrderId,
        walk: &Walk,
        liquidity: Liquidity,
        print: Option<(Px, Qty)>,
        env: &mut Env<'_>,
    ) {
        let index = self.find(id).expect("an order of this world");
        let order = self.orders[index];
        let state = env.view.symbol(order.symbol);
        let rate = env.view.quote_rate(order.symbol).expect("an order without a rate is refused");
        let position = self.account.position(order.symbol);
        let reduces = position.side().is_some_and(|side| side.closing() == order.side);
        let close = if reduces { walk.qty.min(position.qty()) } else { Qty::ZERO };
        let open = walk.qty - close;
        let (whole, qty) = (walk.notional.raw(), i128::from(walk.qty.raw()));
        let part = i128::from(close.raw());
        let close_part = whole / qty * part + whole % qty * part / qty;
        let fee_rate = self.fee_rate(index, liquidity, env);
        let (order_ref, terms) = (&mut self.orders[index], &mut self.terms[index]);
        order_ref.left -= walk.qty;
        terms.shown = Qty::new((terms.shown.raw() - walk.qty.raw()).max(0));
        let evidence = evidence(state, &order, terms, walk, print, env);
        let (trigger, reason, exits) = (terms.trigger, terms.reason, terms.exits);
        let has_protected = terms.has_protected;
        terms.has_protected |= !open.is_zero();
        let booking = Booking {
            order,
            walk: *walk,
            liquidity,
            rate,
            fee_rate,
            evidence,
            trigger,
            reason,
            exits,
            has_protected,
        };
        let open_part = walk.notional.raw() - close_part;
        for (qty, notional) in [(close, close_part), (open, open_part)] {
            if !qty.is_zero() {
                self.book_part(&booking, qty, Notional::new(notional), env);
            }
        }
    }

    /// Books what an execution closes, or what it opens, and tells of it as one fill.
    fn book_part(&mut self, of: &Booking, qty: Qty, notional: Notional, env: &mut Env<'_>) {
        let Booking { order, walk, .. } = of;
        let symbol = order.symbol;
        let instrument = env.view.symbol(symbol).instrument();
        let value = instrument.money(notional);
        let execution = Execution {
            symbol,
            side: order.side,
            qty,
            value,
            quote_rate: of.rate,
            fee: value * of.rate * of.fee_rate,
            liquidity: of.liquidity,
            counts_as_volume: env.rules.fees.needs_volume()
                && !crate::fee::is_pegged_pair(instrument),
            at: env.at,
            tag: order.tag,
        };
        let was_flat = self.account.position(symbol).lots == 0;
        let booked = self.account.book(&execution);
        let px = Walk { qty, notional, ..*walk }.average_px();
        if booked.trade_net.is_some() {
            self.closing[symbol.index()] = None;
            self.cancel_idle(symbol, order.id, of.trigger != Trigger::Strategy, env);
        }
        if !booked.is_exit && (was_flat || !of.has_protected) {
            // By its first part; later ones must not undo what followed the market since.
            self.protect_entry(symbol, &of.exits, px, env);
        }
        self.mark(symbol, env);
        // A position that was just closed has no mark any more.
        self.account.remark(env.at);
        assert!(
            booked.is_exit || env.rules.margin.holds(&self.account.standing()),
            "an entry leaves its account within its leverage"
        );
        env.out.push(Happening::Fill(Fill {
            id: env.ids.fill(),
            order: order.id,
            strategy: env.strategy,
            symbol,
            at: env.at,
            side: order.side,
            qty,
            px,
            worst_px: walk.worst_px,
            levels: walk.levels,
            liquidity: of.liquidity,
            evidence: of.evidence,
            is_unverified_depth: walk.is_unverified_depth(),
            value,
            quote_rate: of.rate,
            fee: execution.fee,
            realized: booked.realized,
            net: booked.net,
            trade_net: booked.trade_net,
            trigger: of.trigger,
            reason: of.reason,
            tag: order.tag,
            lots_after: self.account.position(symbol).lots,
            cash_after: self.account.row().cash,
        }));
    }
}

/// What the closing and the opening part of one execution have in common.
struct Booking {
    /// As it was before.
    order: OpenOrder,
    walk: Walk,
    liquidity: Liquidity,
    /// Value of the quote currency in the numeraire.
    rate: Money,
    fee_rate: Money,
    evidence: Evidence,
    trigger: Trigger,
    reason: Reason,
    exits: Exits,
    /// The position had the order's exits before this execution.
    has_protected: bool,
}

/// The side of the position that an order of this side opens.
pub const fn opens(side: OrderSide) -> PositionSide {
    match side {
        OrderSide::Buy => PositionSide::Long,
        OrderSide::Sell => PositionSide::Short,
    }
}

fn evidence(
    state: &SymbolState,
    order: &super::OpenOrder,
    terms: &super::Terms,
    walk: &Walk,
    print: Option<(Px, Qty)>,
    env: &Env<'_>,
) -> Evidence {
    let bbo = state.bbo().expect("nothing is filled without a live book");
    let book_at = state.book_at().expect("a live book has changed");
    let rested = order.state == OrderState::Resting;
    Evidence {
        bid: bbo.bid.px,
        ask: bbo.ask.px,
        book_age: env.at.since(book_at),
        latency: terms.latency,
        ahead_at_entry: if rested { terms.queue.ahead_at_entry() } else { None },
        print,
        consumed: walk.consumed,
    }
}
