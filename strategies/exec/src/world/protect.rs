//! What closes a position ahead of every strategy.
//!
//! A position's stop, target, trailing stop and time are held by the venue: they act at the price of
//! the event that reached them, gapped or not, without the way from here. A stop comes before a target.

use paperwire_core::account::{Position, PositionSide, TrailState, Trigger};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{Money, Px};
use paperwire_core::order::{ExitLevel, Exits, OpenOrder, OrderEnd, OrderSpec, OrderState, Trail};
use paperwire_core::strategy::{Reason, RejectReason};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use crate::fill::Taker;
use crate::intake::Intent;

use super::resting::is_beyond;
use super::{Closing, Env, Happening, Terms, World, behind};

impl World {
    /// What closes the position in `symbol`, when it is reached.
    pub(super) fn protect(
        &mut self,
        symbol: SymbolId,
        traded: Option<(Px, ExchNs)>,
        env: &mut Env<'_>,
    ) {
        if let Some(Closing { trigger, reason, extra_fee }) = self.closing[symbol.index()] {
            return self.close(symbol, trigger, reason, extra_fee, env);
        }
        let position = *self.account.position(symbol);
        let Some(side) = position.side().map(PositionSide::closing) else {
            return;
        };
        let Some(now) = env.trigger_px(symbol, side) else {
            return;
        };
        let is_later = |at: ExchNs| position.entered_at.is_some_and(|entered| at > entered);
        let traded = traded.filter(|(_, at)| is_later(*at)).map(|(px, _)| px);
        // A print beyond a stop counts, since something was worth less than the touch says; one
        // beyond a target does not, since it was not ours.
        let is_past = |stop: Px| {
            is_beyond(side, stop, now) || traded.is_some_and(|px| is_beyond(side, stop, px))
        };
        let trail_stop = position
            .trail
            .and_then(|trail| trail.best.map(|best| behind(side, best, trail.distance)));
        let (trigger, level) = if position.stop.is_some_and(is_past) {
            (Trigger::StopLoss, position.stop)
        } else if trail_stop.is_some_and(is_past) {
            (Trigger::TrailingStop, trail_stop)
        } else if position.target.is_some_and(|target| side.accepts(target, now)) {
            (Trigger::TakeProfit, position.target)
        } else if position.hold_until.is_some_and(|until| env.at >= until) {
            (Trigger::TimeStop, None)
        } else {
            return self.follow(symbol, side, now, env);
        };
        let of = env.view.symbol(symbol).instrument();
        let mut reason = Reason::new(trigger.as_str()).with("price", of.px_f64(now));
        if let Some(level) = level {
            reason = reason.with("level", of.px_f64(level));
        }
        self.close(symbol, trigger, reason, Money::ZERO, env);
    }

    /// Moves what follows the market, after nothing was reached.
    fn follow(&mut self, symbol: SymbolId, side: OrderSide, now: Px, env: &Env<'_>) {
        let position = *self.account.position(symbol);
        if let Some(trail) = position.trail {
            let is_better = |best: Px| best != now && side.accepts(best, now);
            let is_active = trail.best.is_some() || side.accepts(trail.activation, now);
            if is_active && trail.best.is_none_or(is_better) {
                self.account.position_mut(symbol).trail =
                    Some(TrailState { best: Some(now), ..trail });
            }
        }
        if position.break_even.is_some_and(|at| side.accepts(at, now)) {
            let entry = average_entry(&position, env.view.symbol(symbol).instrument());
            let position = self.account.position_mut(symbol);
            position.break_even = None;
            // Only ever closer to the market.
            let is_closer =
                |entry: &Px| position.stop.is_none_or(|stop| is_beyond(side, *entry, stop));
            if let Some(entry) = entry.filter(is_closer) {
                position.stop = Some(entry);
            }
        }
    }

    /// Closes a whole position at the market; what the book does not take now is closed as soon as it
    /// does, whatever the price has done since.
    pub fn close(
        &mut self,
        symbol: SymbolId,
        trigger: Trigger,
        reason: Reason,
        extra_fee: Money,
        env: &mut Env<'_>,
    ) {
        let position = *self.account.position(symbol);
        let Some(side) = position.side().map(PositionSide::closing) else {
            return;
        };
        self.closing[symbol.index()] = Some(Closing { trigger, reason, extra_fee });
        let spec = OrderSpec { is_reduce_only: true, ..OrderSpec::MARKET };
        let levels = env.view.takeable(symbol, side);
        let taker = Taker { symbol, side, qty: position.qty(), limit: None, levels };
        // Never a fill from a book that is not believed, nor an order that would find nothing.
        if !env.can_fill(symbol)
            || !env.takes(symbol, &spec, Intent::Exit)
            || self.model.take(&taker, &self.consumed).qty.is_zero()
        {
            return;
        }
        let order = OpenOrder {
            id: env.ids.order(),
            tag: position.tag,
            symbol,
            side,
            qty: position.qty(),
            left: position.qty(),
            spec,
            state: OrderState::InFlight,
            is_changing: false,
            placed_at: env.at,
            ahead: None,
        };
        let mut terms = Terms::new(Intent::Exit, trigger, reason, env.at);
        terms.is_whole = true;
        terms.extra_fee = extra_fee;
        env.out.push(Happening::Order(order, trigger));
        self.account.row_mut().orders += 1;
        self.send(order, terms, env);
    }

    /// Starts the account from scratch; orders are cancelled before.
    pub fn reset(&mut self, env: &Env<'_>) {
        assert!(self.orders.is_empty(), "orders are cancelled before");
        self.consumed.clear();
        self.closing.fill(None);
        self.exits_under_way.clear();
        self.is_called = false;
        self.is_changed = true;
        self.schedule();
        self.account.reset();
        for symbol in self.account.spot_symbols() {
            self.mark(symbol, env);
        }
    }

    /// Cancels every order and closes every position.
    pub fn flatten(
        &mut self,
        trigger: Trigger,
        code: &'static str,
        end: OrderEnd,
        env: &mut Env<'_>,
    ) {
        self.cancel_where(|_, _| true, end, env);
        for symbol in self.account.open() {
            self.close(symbol, trigger, Reason::new(code), Money::ZERO, env);
        }
    }

    /// Sets what closes a position as its entry asked; levels that the fill overran act at the next
    /// event.
    pub(super) fn protect_entry(
        &mut self,
        symbol: SymbolId,
        exits: &Exits,
        fill_px: Px,
        env: &Env<'_>,
    ) {
        if let Some(side) = self.account.side(symbol)
            && let Ok(set) = Settled::new(exits, side, fill_px, None, symbol, env)
        {
            set.apply(self.account.position_mut(symbol), env);
        }
    }

    /// New exits reach the venue; percentages count from the average entry, and levels that the market
    /// has passed meanwhile act at the next event.
    pub(super) fn apply_exits(&mut self, symbol: SymbolId, exits: &Exits, env: &Env<'_>) {
        let position = *self.account.position(symbol);
        let entry = average_entry(&position, env.view.symbol(symbol).instrument());
        if let (Some(side), Some(entry)) = (position.side(), entry)
            && let Ok(set) = Settled::new(exits, side, entry, None, symbol, env)
        {
            set.apply(self.account.position_mut(symbol), env);
        }
    }
}

/// Average entry price, rounded to the price precision; `None` when flat.
pub fn average_entry(position: &Position, of: &Instrument) -> Option<Px> {
    of.px_from_f64(paperwire_signals::costs::entry_price(position, of)?)
}

/// Exits as prices, checked.
#[derive(Clone, Copy, Debug)]
pub struct Settled {
    stop: Change,
    target: Change,
    trail: Option<TrailState>,
    break_even: Option<Px>,
    hold: Option<DurationNs>,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Keep,
    To(Option<Px>),
}

impl Settled {
    /// Exits of a position of `side` entered at `entry`. With `now`, the price at which it could be
    /// closed, levels on the wrong side of it are refused.
    ///
    /// # Errors
    /// [`RejectReason::BadExitLevel`] or [`RejectReason::NoAtr`].
    pub fn new(
        exits: &Exits,
        side: PositionSide,
        entry: Px,
        now: Option<Px>,
        symbol: SymbolId,
        env: &Env<'_>,
    ) -> Result<Self, RejectReason> {
        let of = env.view.symbol(symbol).instrument();
        let bad = RejectReason::BadExitLevel;
        let closing = side.closing();
        let away = |percent: f64, in_profit: bool| {
            let up = (side == PositionSide::Long) == in_profit;
            let factor = if up { 1.0 + percent / 100.0 } else { 1.0 - percent / 100.0 };
            of.px_from_f64(of.px_f64(entry) * factor).filter(|_| percent > 0.0).ok_or(bad)
        };
        let level = |level: ExitLevel, in_profit: bool| {
            let px = match level {
                ExitLevel::Keep => return Ok(Change::Keep),
                ExitLevel::Clear => return Ok(Change::To(None)),
                ExitLevel::PctFromFill(percent) => away(percent, in_profit)?,
                ExitLevel::At(px) => px,
            };
            // A stop that is reached already, or a target, is a mistake of whoever set it.
            let is_wrong = now.is_some_and(|now| match in_profit {
                true => closing.accepts(px, now),
                false => is_beyond(closing, px, now),
            });
            if px.raw() <= 0 || is_wrong { Err(bad) } else { Ok(Change::To(Some(px))) }
        };
        let trail = match exits.trail {
            None => None,
            Some(Trail { distance, activation_pct }) => {
                let distance = env.distance(symbol, distance, entry).ok_or(RejectReason::NoAtr)?;
                let activation =
                    if activation_pct > 0.0 { away(activation_pct, true)? } else { entry };
                let best = if activation_pct > 0.0 { None } else { Some(now.unwrap_or(entry)) };
                Some(TrailState { distance, activation, best })
            }
        };
        let break_even = exits.break_even_pct.map(|percent| away(percent, true)).transpose()?;
        Ok(Self {
            stop: level(exits.stop, false)?,
            target: level(exits.target, true)?,
            trail,
            break_even,
            hold: exits.hold_max,
        })
    }

    fn apply(&self, position: &mut Position, env: &Env<'_>) {
        if let Change::To(stop) = self.stop {
            position.stop = stop;
        }
        if let Change::To(target) = self.target {
            position.target = target;
        }
        position.trail = self.trail.or(position.trail);
        position.break_even = self.break_even.or(position.break_even);
        position.hold_until = self.hold.map(|hold| env.at.plus(hold)).or(position.hold_until);
    }
}
