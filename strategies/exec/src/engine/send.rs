//! From a signal to an order on its way: checks, size, room, and what changes orders under way.

use paperwire_core::account::{AccountState, Liquidity, PositionSide, Trigger};
use paperwire_core::bar::Timeframe;
use paperwire_core::instrument::SymbolId;
use paperwire_core::latency::Stage;
use paperwire_core::limits::{ORDERS_MAX, VALUE_MAX};
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{OpenOrder, OrderPrice, OrderState, OrderTrigger};
use paperwire_core::regime::Adjustment;
use paperwire_core::strategy::{Action, RejectReason, Signal, Size};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;

use paperwire_signals::router;

use crate::intake::{self, Intent, Look, Sized};
use crate::latency::Leg;
use crate::portfolio::counted;
use crate::report::ReportKind;
use crate::risk;
use crate::world::{Change, Env, Replacement, Settled, Terms, Whose, opens};

use super::turn::{Io, Turn};
use super::{Engine, strat_id};

/// A spread of a thousand times the price is as good as any wider one.
const COST_MAX: Money = Money::const_from_int(1_000);

impl Engine {
    pub(super) fn execute(
        &mut self,
        index: usize,
        signal: &Signal,
        turn: &mut Turn<'_, impl Io>,
    ) -> Result<(), RejectReason> {
        self.check_ready(index, signal.symbol)?;
        match signal.action {
            Action::Protect => return self.protect(index, signal, turn),
            Action::Cancel => return self.cancel(index, signal, turn),
            Action::Replace => return self.replace(index, signal, turn),
            Action::Buy | Action::Sell | Action::Short | Action::Cover | Action::Close => {}
        }
        let signal = &self.routed(index, signal)?;
        let sized = self.size(index, signal)?;
        let order = OpenOrder {
            id: self.ids.order(),
            tag: signal.tag,
            symbol: signal.symbol,
            side: sized.side,
            qty: sized.qty,
            left: sized.qty,
            spec: signal.order,
            state: OrderState::InFlight,
            is_changing: false,
            placed_at: self.market.view().now(),
            ahead: None,
        };
        let latency = self.draw(index, Leg::Feed).plus(self.draw(index, Leg::Place));
        let due = order.placed_at.plus(latency);
        let mut terms = Terms::new(sized.intent, Trigger::Strategy, signal.reason, due);
        terms.is_whole = sized.is_whole && signal.order.trigger.is_none();
        terms.exits = signal.exits;
        terms.latency = latency;
        let (strategy, trigger) = (strat_id(index), Trigger::Strategy);
        self.slots[index].home_mut().account_mut().row_mut().orders += 1;
        let ordered = turn.now();
        let cause = turn.cause;
        turn.bank().stage(Stage::Ordered).record(cause.arrived, cause.looked, ordered);
        let turn = &mut turn.at(ordered);
        turn.emit(ReportKind::Order { strategy, order, trigger, latency });
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, turn, |world, env| world.send(order, terms, env));
        }
        Ok(())
    }

    /// The signal as the market's regime leaves it.
    fn routed(&self, index: usize, signal: &Signal) -> Result<Signal, RejectReason> {
        let slot = &self.slots[index];
        let by = slot.adjustment(self.market.view().regime(signal.symbol));
        if by == Adjustment::NEUTRAL {
            return Ok(*signal);
        }
        let held = slot.known_position(signal.symbol).side();
        router::adjusted(signal, &by, held).ok_or(RejectReason::RegimeOff)
    }

    fn check_ready(&self, index: usize, symbol: SymbolId) -> Result<(), RejectReason> {
        let slot = &self.slots[index];
        if symbol.index() >= slot.known.positions.len() || !slot.symbols.contains(symbol) {
            return Err(RejectReason::NotItsSymbol);
        }
        let view = self.market.view();
        let state = view.symbol(symbol);
        let has_bars = |(timeframe, bars): &(Timeframe, u16)| {
            state.bars(*timeframe).len() >= usize::from(*bars)
        };
        if slot.warmup.iter().all(has_bars) { Ok(()) } else { Err(RejectReason::WarmingUp) }
    }

    /// What sizing looks at: the market, and the position as far as the strategy knows it.
    fn look(&self, index: usize, symbol: SymbolId) -> Result<Look<'_>, RejectReason> {
        let view = self.market.view();
        let state = view.symbol(symbol);
        let slot = &self.slots[index];
        let bbo = state.bbo().filter(|bbo| bbo.bid.px.raw() > 0);
        Ok(Look {
            instrument: state.instrument(),
            position: slot.known_position(symbol),
            bbo: bbo.ok_or(RejectReason::BookNotLive)?,
            quote_rate: view.quote_rate(symbol).ok_or(RejectReason::NoQuoteRate)?,
            flip: slot.flip,
            at: view.now(),
        })
    }

    /// Everything that can be known before the venue sees it.
    fn size(&mut self, index: usize, signal: &Signal) -> Result<Sized, RejectReason> {
        let symbol = signal.symbol;
        let look = self.look(index, symbol)?;
        let mut sized = intake::size(signal, &look)?;
        let slot = &self.slots[index];
        if slot.home().orders().len() >= ORDERS_MAX {
            return Err(RejectReason::TooManyOrders);
        }
        if sized.intent == Intent::Enter {
            match slot.state() {
                AccountState::Active => {}
                AccountState::Paused => return Err(RejectReason::Paused),
                AccountState::Halted(_) => return Err(RejectReason::Halted),
            }
            if !slot.home().account().is_based() {
                return Err(RejectReason::NoQuoteRate);
            }
            sized = self.cut(index, symbol, sized, &look, Money::ZERO)?;
        }
        intake::check_display(&signal.order, sized.qty)?;
        self.check_levels(index, signal, &sized)?;
        if sized.intent == Intent::Enter {
            self.slots[index].risk.enter(self.market.view().now())?;
        }
        Ok(sized)
    }

    /// Cuts an entry to what the account may hold.
    fn cut(
        &self,
        index: usize,
        symbol: SymbolId,
        sized: Sized,
        look: &Look<'_>,
        replaced: Money,
    ) -> Result<Sized, RejectReason> {
        let slot = &self.slots[index];
        let world = &slot.home();
        // The usual case: nobody set a limit, nothing else waits or is held on the other side.
        if slot.risk.has_no_room_limit() && self.policy.global.has_no_room_limit() {
            // What does not even fit 63 bits is not the usual case.
            let is_small = sized.px.raw().checked_mul(sized.qty.raw()).is_some();
            let value = || look.instrument.try_money(sized.px.notional(sized.qty));
            let value = is_small.then(value).flatten();
            let value = value.and_then(|value| value.checked_mul(look.quote_rate));
            let standing = world.account().standing();
            let is_ample = |value: Money| {
                let (side, cost) = (opens(sized.side), self.entry_cost(index, look));
                value < standing.equity
                    && self.rules.margin.has_ample_room(side, &standing, cost, value)
            };
            if world.orders().is_empty()
                && value.is_some_and(is_ample)
                && !intake::is_below_minimum(sized.qty, sized.px, look.instrument)
            {
                return Ok(sized);
            }
        }
        let (room, why) = self.room(index, symbol, &sized, look, replaced);
        intake::cut(sized, room, why, look)
    }

    /// Fee and spread of an entry that takes, as a fraction of its value.
    fn entry_cost(&self, index: usize, look: &Look<'_>) -> Money {
        let volume = self.slots[index].home().account().volume_30d();
        let fee = self.rules.fees.rate(look.instrument, Liquidity::Taker, volume);
        let (bid, ask) = (i128::from(look.bbo.bid.px.raw()), i128::from(look.bbo.ask.px.raw()));
        fee + Money::from_bits(((ask - bid) << 64) / bid).min(COST_MAX)
    }

    /// How much an entry may add, in the numeraire, and what binds. `replaced` is what an order that
    /// makes way for it had kept for itself.
    fn room(
        &self,
        index: usize,
        symbol: SymbolId,
        sized: &Sized,
        look: &Look<'_>,
        replaced: Money,
    ) -> (Money, RejectReason) {
        let slot = &self.slots[index];
        let world = &slot.home();
        let account = world.account();
        let cost = self.entry_cost(index, look);
        let side = opens(sized.side);
        // What an order turns around first is closed, and frees its room.
        let value = account.value(symbol);
        let against = look.position.side().is_some_and(|held| held != side);
        let (turned, held) = if against { (value, Money::ZERO) } else { (Money::ZERO, value) };
        let mut standing = account.standing();
        match side {
            PositionSide::Long => standing.short -= turned,
            PositionSide::Short => standing.long -= turned,
        }
        // Entries that still wait have their room already.
        let view = self.market.view();
        let committed = |of: Option<SymbolId>| world.committed(sized.side, of, &view) - replaced;
        let room = self.rules.margin.room(side, &standing, cost) - committed(None);
        let of_all = || {
            let sides = [OrderSide::Buy, OrderSide::Sell];
            let of = |slot: &super::Slot| {
                let world = &slot.home();
                let waiting = sides.map(|side| world.committed(side, None, &view));
                world.account().row().exposure() + waiting[0] + waiting[1]
            };
            self.slots.iter().map(of).sum::<Money>() - turned - replaced
        };
        let limit = risk::smaller(
            slot.risk.room(
                || held + committed(Some(symbol)),
                || account.row().exposure() - turned + committed(None),
            ),
            self.policy.global.room(of_all),
        );
        match limit {
            Some((limit, why)) if limit < room => (limit + turned, why),
            _ => (room + turned, RejectReason::NoFunds),
        }
    }

    /// A level on the wrong side refuses the whole signal, before anything is bought; so does a distance
    /// that cannot be measured.
    fn check_levels(
        &mut self,
        index: usize,
        signal: &Signal,
        sized: &Sized,
    ) -> Result<(), RejectReason> {
        let is_waiting = signal.order.limit_px().is_some() || signal.order.trigger.is_some();
        let view = self.market.view();
        let bbo = view.symbol(signal.symbol).bbo().ok_or(RejectReason::BookNotLive)?;
        let now = match sized.side {
            _ if is_waiting => sized.px,
            OrderSide::Buy => bbo.bid.px,
            OrderSide::Sell => bbo.ask.px,
        };
        let env = self.env(index);
        if let Some(OrderTrigger::Trail(distance)) = signal.order.trigger {
            env.distance(signal.symbol, distance, now).ok_or(RejectReason::NoAtr)?;
        }
        if sized.intent == Intent::Exit {
            return Ok(());
        }
        let side = opens(sized.side);
        Settled::new(&signal.exits, side, sized.px, Some(now), signal.symbol, &env).map(|_| ())
    }

    /// A look at the primary world's surroundings, to check with.
    fn env(&mut self, index: usize) -> Env<'_> {
        let view = self.market.view();
        Env {
            view,
            at: view.now(),
            rules: &self.rules,
            flip: self.slots[index].flip,
            may_enter: true,
            strategy: strat_id(index),
            ids: &mut self.ids,
            out: &mut self.out,
        }
    }

    fn protect(
        &mut self,
        index: usize,
        signal: &Signal,
        turn: &mut Turn<'_, impl Io>,
    ) -> Result<(), RejectReason> {
        let symbol = signal.symbol;
        let known = *self.slots[index].known_position(symbol);
        let side = known.side().ok_or(RejectReason::NoPosition)?;
        let look = self.look(index, symbol)?;
        let now = if side == PositionSide::Long { look.bbo.bid.px } else { look.bbo.ask.px };
        let entry = crate::world::average_entry(&known, look.instrument);
        let entry = entry.ok_or(RejectReason::NoPosition)?;
        Settled::new(&signal.exits, side, entry, Some(now), symbol, &self.env(index))?;
        let way = self.draw(index, Leg::Feed).plus(self.draw(index, Leg::Place));
        let due = self.market.view().now().plus(way);
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, turn, |world, env| {
                world.send_exits(symbol, signal.exits, due, env);
            });
        }
        Ok(())
    }

    /// The order that a signal names, as far as its strategy knows.
    fn named(&self, index: usize, signal: &Signal) -> Result<OpenOrder, RejectReason> {
        let is_meant = |order: &&OpenOrder| {
            order.symbol == signal.symbol && order.tag == signal.tag && signal.tag != 0
        };
        let mut found = self.slots[index].home().orders().iter().filter(is_meant);
        let order = found.next().copied().ok_or(RejectReason::NoSuchOrder)?;
        if found.next().is_some() { Err(RejectReason::AmbiguousTag) } else { Ok(order) }
    }

    fn replace(
        &mut self,
        index: usize,
        signal: &Signal,
        turn: &mut Turn<'_, impl Io>,
    ) -> Result<(), RejectReason> {
        let order = self.named(index, signal)?;
        if order.is_changing {
            return Err(RejectReason::ChangeUnderWay);
        }
        let px = match (signal.order.price, order.spec.limit_px()) {
            (OrderPrice::Limit(px), Some(_)) => px,
            (OrderPrice::Market, Some(px)) => px,
            (_, None) => return Err(RejectReason::BadTerms),
        };
        let look = self.look(index, signal.symbol)?;
        intake::check_px(px, look.instrument)?;
        let qty = match signal.size {
            Size::All => order.qty,
            Size::Base(_) | Size::Notional(_) => intake::quantity(signal.size, px, &look)?,
        };
        let qty = look.instrument.floor_to_lot(qty);
        let intent = self.slots[index].home().intent(order.id).unwrap_or(Intent::Exit);
        let sized = Sized { side: order.side, qty, intent, is_whole: false, px };
        let sized = if intent == Intent::Enter {
            let value = |px: Px, qty: Qty| {
                let value = look.instrument.try_money(px.notional(qty));
                let value = value.and_then(|value| value.checked_mul(look.quote_rate));
                counted(value).unwrap_or(VALUE_MAX)
            };
            let kept = order.spec.limit_px().map_or(Money::ZERO, |px| value(px, order.left));
            self.cut(index, signal.symbol, sized, &look, kept)?
        } else {
            intake::cut_exit(sized, &look)?
        };
        intake::check_display(&order.spec, sized.qty)?;
        let to = Some(Replacement { px: Some(px), qty: sized.qty, reason: signal.reason });
        self.change(index, signal, Whose::Order(order.id), Leg::Place, to, turn)
    }

    fn cancel(
        &mut self,
        index: usize,
        signal: &Signal,
        turn: &mut Turn<'_, impl Io>,
    ) -> Result<(), RejectReason> {
        let whose = Whose::Tag(signal.tag);
        self.change(index, signal, whose, Leg::Cancel, None, turn)
    }

    fn change(
        &mut self,
        index: usize,
        signal: &Signal,
        whose: Whose,
        leg: Leg,
        to: Option<Replacement>,
        turn: &mut Turn<'_, impl Io>,
    ) -> Result<(), RejectReason> {
        let way = self.draw(index, Leg::Feed).plus(self.draw(index, leg));
        let change = Change { due: self.market.view().now().plus(way), to };
        // An order may be gone of which the strategy has not been told: the venue would not find it.
        let mut is_found = self.slots[index].is_ended_untold(signal.symbol, signal.tag);
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, turn, |account, env| {
                let is_there = account.change(signal.symbol, whose, change, env);
                is_found |= world == 0 && is_there;
            });
        }
        if is_found { Ok(()) } else { Err(RejectReason::NoSuchOrder) }
    }

    pub(super) fn draw(&mut self, index: usize, leg: Leg) -> DurationNs {
        let load = self.rate.load(self.market.view().now());
        self.latency.draw(leg, &mut self.slots[index].rng, load)
    }
}
