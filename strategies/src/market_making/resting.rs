//! From the quotes as they should be to what is sent: placing, moving, taking away.
//!
//! A quote is found among the account's open orders by its tag, so that nothing is sent twice while
//! messages are under way. It moves when it is off by a share of the half spread, not with every
//! change of the book: a move costs the place in the queue, and the venue counts moves.

use paperwire_core::account::AccountView;
use paperwire_core::num::{Px, Qty};
use paperwire_core::order::{OpenOrder, OrderState};
use paperwire_core::strategy::{Action, ExitLevel, OrderSpec, Reason, Signal, Signals, Size, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use super::desk::Desk;
use super::params::Params;
use super::quotes::{Reading, Wish, slot_of};
use super::{TAG_ASK, TAG_BID};

/// Name of a side's order.
pub(super) const fn tag_of(side: OrderSide) -> u32 {
    match side {
        OrderSide::Buy => TAG_BID,
        OrderSide::Sell => TAG_ASK,
    }
}

impl Desk {
    /// The open order with this tag.
    pub(super) fn order<'a>(&self, account: &AccountView<'a>, tag: u32) -> Option<&'a OpenOrder> {
        account.orders.iter().find(|order| order.symbol == self.id && order.tag == tag)
    }

    /// Takes every quote away that is not gone already.
    pub(super) fn withdraw(
        &mut self,
        account: &AccountView<'_>,
        why: Skip,
        now: ExchNs,
        out: &mut Signals,
    ) {
        let open =
            [TAG_BID, TAG_ASK].map(|tag| self.order(account, tag).is_some_and(|o| !o.is_changing));
        let reason = Reason::new(why.as_str());
        match open {
            [false, false] => return,
            [true, false] => out.push(Signal::cancel(self.id, TAG_BID, reason)),
            [false, true] => out.push(Signal::cancel(self.id, TAG_ASK, reason)),
            // One message for both; it also finds a sale of old inventory, which is over at once anyway.
            [true, true] => out.push(Signal::cancel(self.id, 0, reason)),
        }
        self.changes.count(now);
    }

    /// Brings the open order of one side nearer to the wish.
    pub(super) fn settle(
        &mut self,
        side: OrderSide,
        wish: Result<Wish, Skip>,
        reading: &Reading,
        account: &AccountView<'_>,
        params: &Params,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        let now = self.now;
        let tag = tag_of(side);
        let Some(order) = self.order(account, tag) else {
            return self.place(side, wish?, reading, params, out);
        };
        if order.is_changing || order.state == OrderState::InFlight {
            return Err(Skip::OrderUnderWay);
        }
        let wish = match wish {
            Ok(wish) if wish.is_exit == order.spec.is_reduce_only => wish,
            // An order that may turn the position around is not one that may only reduce it.
            Ok(_) => {
                self.take_away(tag, Reason::new("requote"), now, out);
                return Ok(());
            }
            Err(why) => {
                self.take_away(tag, Reason::new(why.as_str()), now, out);
                return Err(why);
            }
        };
        let Some(to) = self.change(side, order, &wish, reading, params) else {
            self.slots[slot_of(side)].is_forced = false;
            return Ok(());
        };
        if !self.changes.allows(now) {
            if is_through(side, order, reading, self.tick()) {
                self.take_away(tag, Reason::new("through"), now, out);
            }
            return Err(Skip::RateLimited);
        }
        let (px, left) = to;
        let total = (order.qty - order.left) + left;
        let signal = Signal::new(self.id, Action::Replace, Size::Base(total), {
            reading.explain("requote", self.scale)
        });
        out.push(signal.order(OrderSpec::post_only(px)).tag(tag));
        self.changes.count(now);
        self.mark(side, now);
        Ok(())
    }

    fn place(
        &mut self,
        side: OrderSide,
        wish: Wish,
        reading: &Reading,
        params: &Params,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        let now = self.now;
        let slot = &self.slots[slot_of(side)];
        if now < slot.retry_at || !self.is_due(side, params) {
            return Err(Skip::TimeCooldown);
        }
        let (action, code) = match (side, wish.is_exit) {
            (OrderSide::Buy, false) => (Action::Buy, "quote_bid"),
            (OrderSide::Sell, false) => (Action::Short, "quote_ask"),
            (OrderSide::Buy, true) => (Action::Cover, "reduce_bid"),
            (OrderSide::Sell, true) => (Action::Sell, "reduce_ask"),
        };
        let reason = reading.explain(code, self.scale);
        let spec = OrderSpec { is_reduce_only: wish.is_exit, ..OrderSpec::post_only(wish.px) };
        let mut signal = Signal::new(self.id, action, Size::Base(wish.qty), reason)
            .order(spec)
            .tag(tag_of(side));
        if !wish.is_exit {
            // Every quote may be the one that opens, or turns, the position.
            let stop = ExitLevel::PctFromFill(self.table.stop_pct);
            signal = signal.bracket(stop, ExitLevel::Keep);
        }
        out.push(signal);
        self.mark(side, now);
        Ok(())
    }

    /// The new price and open quantity of a resting order, when it is to be moved.
    fn change(
        &self,
        side: OrderSide,
        order: &OpenOrder,
        wish: &Wish,
        reading: &Reading,
        params: &Params,
    ) -> Option<(Px, Qty)> {
        let px = order.spec.limit_px()?;
        let off = (wish.px.raw() - px.raw()).abs();
        let enough = self.tick().max(params.requote_share * reading.delta);
        let is_forced = self.slots[slot_of(side)].is_forced;
        let is_moved = off as f64 >= enough && self.is_due(side, params);
        if is_moved || is_through(side, order, reading, self.tick()) {
            return (off != 0).then_some((wish.px, wish.qty));
        }
        if is_forced && (off != 0 || wish.qty != order.left) {
            return Some((wish.px, wish.qty));
        }
        // A quarter too much is cut where it stands, which keeps its place in the queue.
        let is_large = order.left.raw() > wish.qty.raw() + wish.qty.raw() / 4;
        (is_large && self.is_due(side, params)).then_some((px, wish.qty))
    }

    fn take_away(&mut self, tag: u32, reason: Reason, now: ExchNs, out: &mut Signals) {
        out.push(Signal::cancel(self.id, tag, reason));
        self.changes.count(now);
    }

    fn tick(&self) -> f64 {
        self.instrument.price_increment.raw() as f64
    }

    fn is_due(&self, side: OrderSide, params: &Params) -> bool {
        let slot = &self.slots[slot_of(side)];
        let waited = self.now.since(slot.changed_at);
        slot.is_forced || waited >= DurationNs::from_millis(params.requote_min_ms)
    }

    fn mark(&mut self, side: OrderSide, now: ExchNs) {
        let slot = &mut self.slots[slot_of(side)];
        slot.changed_at = now;
        slot.is_forced = false;
    }
}

/// True when a resting order is a tick or more beyond the reservation price: whoever takes it gains.
fn is_through(side: OrderSide, order: &OpenOrder, reading: &Reading, tick: f64) -> bool {
    let Some(px) = order.spec.limit_px() else {
        return false;
    };
    let px = px.raw() as f64;
    match side {
        OrderSide::Buy => px >= reading.reservation + tick,
        OrderSide::Sell => px <= reading.reservation - tick,
    }
}
