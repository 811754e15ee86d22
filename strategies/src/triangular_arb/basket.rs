//! Three orders on their way, and what came of them.

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::instrument::Instrument;
use paperwire_core::num::{Px, Qty};
use paperwire_core::strategy::{Action, OrderSpec, Reason, Signal, Signals, Size, TimeInForce};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use super::depth::{Leg, Plan};
use super::trio::{Cycle, Trio};

/// One planned order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) leg: Leg,
    pub(super) qty: Qty,
    filled: Qty,
    worst: Px,
}

/// A basket from its first order until nothing of it is left behind.
#[derive(Clone, Debug)]
pub(super) struct Basket {
    /// Index of its trio.
    pub(super) trio: usize,
    pub(super) orders: [Order; 3],
    /// Orders sent, or given up.
    sent: usize,
    pub(super) began: ExchNs,
    /// Value put in, and what should have been earned of it.
    pub(super) usd: f64,
    pub(super) expected: f64,
    reason: Reason,
    /// Money received less money paid and fees.
    flow: f64,
    /// Coins of the alt and of the coin that were bought and not sold.
    coins: [f64; 2],
}

/// What a basket is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Orders are under way or due later.
    Waits,
    /// An order was just signalled.
    Signalled,
    /// Every order is over.
    Over,
}

impl Basket {
    /// `qty` is that of each leg in whole lots, `usd` the value put in.
    pub(super) fn new(
        trio: usize,
        legs: [Leg; 3],
        qty: [Qty; 3],
        plan: &Plan,
        usd: f64,
        reason: Reason,
        now: ExchNs,
    ) -> Self {
        let order = |at: usize| Order {
            leg: legs[at],
            qty: qty[at],
            filled: Qty::ZERO,
            worst: plan.worst[at],
        };
        Self {
            trio,
            orders: [order(0), order(1), order(2)],
            sent: 0,
            began: now,
            usd,
            expected: usd * plan.net,
            reason,
            flow: 0.0,
            coins: [0.0; 2],
        }
    }

    /// Sends every order at once.
    pub(super) fn send_all(&mut self, out: &mut Signals) {
        while self.sent < self.orders.len() {
            self.send(self.orders[self.sent].qty, out);
        }
    }

    /// Sends the next order: of a sequence, each comes `delay` after the one before and is as large as
    /// what that got.
    pub(super) fn proceed(
        &mut self,
        account: &AccountView<'_>,
        instruments: &[Instrument],
        now: ExchNs,
        delay: DurationNs,
        out: &mut Signals,
    ) -> Progress {
        let is_open = |order: &Order| account.has_orders(order.leg.symbol);
        if self.orders[..self.sent].iter().any(is_open) {
            return Progress::Waits;
        }
        if self.sent == self.orders.len() {
            return Progress::Over;
        }
        let next = &self.orders[self.sent];
        let mut qty = next.qty;
        if let Some(before) = self.sent.checked_sub(1).map(|at| &self.orders[at]) {
            let share = before.filled.raw() as f64 / before.qty.raw() as f64;
            let of = &instruments[next.leg.symbol.index()];
            let part = of.qty_from_f64(of.qty_f64(next.qty) * share.min(1.0));
            qty = of.floor_to_lot(part.unwrap_or(Qty::ZERO)).min(next.qty);
            if !is_taken(of, qty, next.worst) {
                self.sent = self.orders.len();
                return Progress::Over;
            }
        }
        let steps = u64::try_from(self.sent).unwrap_or(u64::MAX);
        let due = self.began.plus(DurationNs::new(delay.raw().saturating_mul(steps)));
        if now < due {
            return Progress::Waits;
        }
        self.send(qty, out);
        Progress::Signalled
    }

    /// A market that moved past the worst price of the plan leaves the order unfilled.
    fn send(&mut self, qty: Qty, out: &mut Signals) {
        let order = &mut self.orders[self.sent];
        order.qty = qty;
        self.sent += 1;
        let action = match order.leg.side {
            OrderSide::Buy => Action::Buy,
            OrderSide::Sell => Action::Short,
        };
        let spec = OrderSpec { tif: TimeInForce::Ioc, ..OrderSpec::limit(order.worst) };
        let tag = u32::try_from(self.sent).unwrap_or(u32::MAX);
        let signal = Signal::new(order.leg.symbol, action, Size::Base(qty), self.reason);
        out.push(signal.order(spec).tag(tag));
    }

    /// Takes a fill of any of its pairs, whoever wanted it.
    pub(super) fn on_fill(&mut self, fill: &Fill, trio: &Trio, of: &Instrument) {
        if !trio.has(fill.symbol) {
            return;
        }
        let at = usize::try_from(fill.tag).unwrap_or(usize::MAX).wrapping_sub(1);
        if let Some(order) = self.orders.get_mut(at)
            && order.leg == (Leg { symbol: fill.symbol, side: fill.side })
        {
            order.filled += fill.qty;
        }
        let sign = if fill.side == OrderSide::Buy { 1.0 } else { -1.0 };
        let coins = sign * of.qty_f64(fill.qty);
        let value = sign * fill.value.to_num::<f64>();
        self.flow -= fill.fee.to_num::<f64>();
        if fill.symbol == trio.cross {
            self.coins[0] += coins;
            self.coins[1] -= value;
        } else {
            self.flow -= value * fill.quote_rate.to_num::<f64>();
            self.coins[usize::from(fill.symbol == trio.coin)] += coins;
        }
    }

    /// What it earned, with what is left of alt and coin at these values.
    pub(super) fn result(&self, units: [f64; 2]) -> f64 {
        self.flow + self.coins[0] * units[0] + self.coins[1] * units[1]
    }

    /// True when no order of it got anything.
    pub(super) fn is_empty(&self) -> bool {
        self.orders.iter().all(|order| order.filled.is_zero())
    }
}

/// True when the venue takes an order of this size.
pub(super) fn is_taken(of: &Instrument, qty: Qty, px: Px) -> bool {
    !qty.is_zero() && qty >= of.qty_min && of.money(px.notional(qty)) >= of.cost_min
}

/// The plan's quantities in whole lots; a leg is never more than what the one before brings.
pub(super) fn in_lots(legs: [Leg; 3], plan: &Plan, instruments: &[Instrument]) -> Option<[Qty; 3]> {
    let mut share = 1.0;
    let mut all = [Qty::ZERO; 3];
    for (at, leg) in legs.iter().enumerate() {
        let of = &instruments[leg.symbol.index()];
        let wanted = plan.coins[at] * share;
        let qty = of.floor_to_lot(of.qty_from_f64(wanted)?);
        if !is_taken(of, qty, plan.worst[at]) {
            return None;
        }
        share = (of.qty_f64(qty) / plan.coins[at]).min(share);
        all[at] = qty;
    }
    Some(all)
}

/// Why a basket is made.
pub(super) fn explain(cycle: Cycle, plan: &Plan, usd: f64, trio: &Trio, touch_net: f64) -> Reason {
    Reason::new(cycle.code())
        .with("net_pct", 100.0 * plan.net)
        .with("touch_net_pct", 100.0 * touch_net)
        .with("usd", usd)
        .with("expected_usd", usd * plan.net)
        .with("opportunities", trio.measure.opportunities() as f64)
        .with("life_ms", trio.measure.life_ms_median())
}
