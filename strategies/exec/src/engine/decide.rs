//! Calls strategies and sends what they want.

use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::{
    AccountState, AccountView, HaltReason, Liquidity, PositionSide, Trigger,
};
use paperwire_core::agent::Clock;
use paperwire_core::bar::Timeframe;
use paperwire_core::instrument::SymbolId;
use paperwire_core::latency::Stage;
use paperwire_core::limits::ORDERS_MAX;
use paperwire_core::num::Money;
use paperwire_core::order::{OpenOrder, OrderPrice, OrderState};
use paperwire_core::strategy::{Action, Event, Reject, RejectReason, Signal, Size};
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_core::trade::OrderSide;

use crate::intake::{self, Look, Sized};
use crate::latency::Leg;
use crate::report::ReportKind;
use crate::risk;
use crate::world::{Change, Env, Intent, Settled, Terms, opens};

use super::slot::{Tell, Told};
use super::{Cause, Context, Engine, ReportSink, emit, strat_id};

impl Engine {
    pub(super) fn on_bars<C: Clock, R: ReportSink>(
        &mut self,
        is_history: bool,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let closed = std::mem::take(&mut self.closed);
        for (symbol, timeframe, bar) in &closed {
            let (symbol, timeframe) = (*symbol, *timeframe);
            if timeframe == Timeframe::M1 && !is_history {
                emit(ctx, cause, ReportKind::Bar { symbol, bar: *bar });
            }
            let event = Event::Bar { symbol, timeframe, bar, is_history };
            self.decide(&event, Some(symbol), is_history, cause, ctx);
        }
        self.closed = closed;
    }

    /// Calls every strategy that trades `symbol` (all of them for a timer), and executes what it
    /// wants. Returns when the last one was done.
    pub(super) fn decide<C: Clock, R: ReportSink>(
        &mut self,
        event: &Event<'_>,
        symbol: Option<SymbolId>,
        is_history: bool,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> HostNs {
        let mask = symbol.map_or(u64::MAX, |symbol| 1 << symbol.0);
        let count = self.slots.len();
        let mut from = ctx.clock.now();
        if count == 0 {
            return from;
        }
        let first = usize::try_from(cause.seq.0 % count as u64).expect("less than the count");
        for index in (first..count).chain(0..first) {
            let slot = &mut self.slots[index];
            if slot.is_benched || slot.symbols & mask == 0 {
                continue;
            }
            slot.signals.clear();
            let view = self.market.view();
            let account = slot.worlds[0].account();
            let of = view.symbol(symbol.unwrap_or(SymbolId(0))).instrument();
            let volume = account.volume_30d();
            let account = AccountView {
                cash: account.row().cash,
                equity: account.row().equity,
                positions: if slot.tells.is_empty() { account.positions() } else { &slot.known },
                orders: slot.worlds[0].orders(),
                state: account.row().state,
                taker_fee: self.rules.fees.rate(of, Liquidity::Taker, volume),
                maker_fee: self.rules.fees.rate(of, Liquidity::Maker, volume),
            };
            let (strategy, signals) = (&mut slot.strategy, &mut slot.signals);
            let called = catch_unwind(AssertUnwindSafe(|| {
                strategy.on_event(event, &view, &account, signals);
            }));
            let to = ctx.clock.now();
            ctx.bank.strategy(index).record(cause.arrived, from, to);
            from = to;
            if called.is_err() {
                self.bench(index, cause, ctx);
                continue;
            }
            if let Some(why) = slot.signals.skipped() {
                slot.skips[why as usize] += 1;
            }
            if !slot.signals.as_slice().is_empty() && !is_history {
                self.execute_all(index, cause.at(from), ctx);
                from = ctx.clock.now();
            }
        }
        from
    }

    fn bench<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        self.slots[index].is_benched = true;
        emit(ctx, cause, ReportKind::Benched { strategy: strat_id(index) });
        self.halt(index, HaltReason::Benched, cause, ctx);
    }

    fn execute_all<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let signals = self.slots[index].signals.clone();
        for signal in signals.as_slice() {
            if self.slots[index].is_benched {
                return;
            }
            let strategy = strat_id(index);
            self.slots[index].worlds[0].account_mut().row_mut().signals += 1;
            emit(ctx, cause, ReportKind::Signal { strategy, signal: *signal });
            if let Err(reason) = self.execute(index, signal, cause, ctx) {
                let slot = &mut self.slots[index];
                slot.worlds[0].account_mut().row_mut().rejects += 1;
                emit(ctx, cause, ReportKind::Reject { strategy, signal: *signal, reason });
                let reject = Reject { signal: *signal, reason };
                let told = catch_unwind(AssertUnwindSafe(|| slot.strategy.on_reject(&reject)));
                if told.is_err() {
                    self.bench(index, cause, ctx);
                }
            }
        }
    }

    fn execute<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        signal: &Signal,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> Result<(), RejectReason> {
        self.check_ready(index, signal.symbol)?;
        match signal.action {
            Action::Protect => return self.protect(index, signal, cause, ctx),
            Action::Cancel => return self.change(index, signal, Leg::Cancel, None, cause, ctx),
            Action::Replace => return self.replace(index, signal, cause, ctx),
            Action::Buy | Action::Sell | Action::Short | Action::Cover | Action::Close => {}
        }
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
        self.slots[index].worlds[0].account_mut().row_mut().orders += 1;
        let ordered = ctx.clock.now();
        ctx.bank.stage(Stage::Ordered).record(cause.arrived, cause.looked, ordered);
        let cause = cause.at(ordered);
        emit(ctx, cause, ReportKind::Order { strategy, order, trigger, latency });
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, cause, ctx, |world, env| world.send(order, terms, env));
        }
        Ok(())
    }

    fn check_ready(&self, index: usize, symbol: SymbolId) -> Result<(), RejectReason> {
        let slot = &self.slots[index];
        if symbol.index() >= slot.known.len() || slot.symbols >> symbol.0 & 1 == 0 {
            return Err(RejectReason::NotItsSymbol);
        }
        let view = self.market.view();
        let state = view.symbol(symbol);
        let has_bars = |(timeframe, bars): &(Timeframe, u16)| {
            state.bars(*timeframe).len() >= usize::from(*bars)
        };
        if slot.warmup.iter().all(has_bars) { Ok(()) } else { Err(RejectReason::WarmingUp) }
    }

    /// Everything that can be known before the venue sees it.
    fn size(&mut self, index: usize, signal: &Signal) -> Result<Sized, RejectReason> {
        let view = self.market.view();
        let symbol = signal.symbol;
        let state = view.symbol(symbol);
        let slot = &self.slots[index];
        let account = slot.worlds[0].account();
        let look = Look {
            instrument: state.instrument(),
            position: account.position(symbol),
            bbo: state.bbo().ok_or(RejectReason::BookNotLive)?,
            quote_rate: view.quote_rate(symbol).ok_or(RejectReason::NoQuoteRate)?,
            flip: slot.flip,
            at: view.now(),
        };
        let sized = intake::size(signal, &look)?;
        if slot.worlds[0].orders().len() >= ORDERS_MAX {
            return Err(RejectReason::TooManyOrders);
        }
        if sized.intent == Intent::Exit {
            return Ok(sized);
        }
        match account.row().state {
            AccountState::Active => {}
            AccountState::Paused => return Err(RejectReason::Paused),
            AccountState::Halted(_) => return Err(RejectReason::Halted),
        }
        if !account.is_based() {
            return Err(RejectReason::NoQuoteRate);
        }
        let (room, why) = self.room(index, symbol, &sized, &look);
        let sized = intake::cut(sized, room, why, &look)?;
        intake::check_display(&signal.order, sized.qty)?;
        self.check_exits(index, signal, &sized)?;
        self.slots[index].risk.enter(self.market.view().now())?;
        Ok(sized)
    }

    /// How much an entry may add, in the numeraire, and what binds.
    fn room(
        &self,
        index: usize,
        symbol: SymbolId,
        sized: &Sized,
        look: &Look<'_>,
    ) -> (Money, RejectReason) {
        let slot = &self.slots[index];
        let world = &slot.worlds[0];
        let account = world.account();
        let volume = account.volume_30d();
        let fee = self.rules.fees.rate(look.instrument, Liquidity::Taker, volume);
        let spread = Money::from_num(look.bbo.ask.px.raw() - look.bbo.bid.px.raw());
        let cost = fee + spread / Money::from_num(look.bbo.bid.px.raw());
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
        let committed = world.committed(sized.side, &self.market.view());
        let room = self.rules.margin.room(side, &standing, cost) - committed;
        let of_all = || {
            let all = self.slots.iter().map(|s| s.worlds[0].account().row().exposure());
            all.sum::<Money>() - turned
        };
        let limit = risk::smaller(
            slot.risk.room(held, account.row().exposure() - turned),
            self.policy.global.room(of_all),
        );
        match limit {
            Some((limit, why)) if limit < room => (limit + turned, why),
            _ => (room + turned, RejectReason::NoFunds),
        }
    }

    /// A level on the wrong side refuses the whole signal, before anything is bought.
    fn check_exits(
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
        let env = Env {
            view,
            at: view.now(),
            rules: &self.rules,
            flip: self.slots[index].flip,
            may_enter: true,
            strategy: strat_id(index),
            ids: &mut self.ids,
            out: &mut self.out,
        };
        let side = opens(sized.side);
        Settled::new(&signal.exits, side, sized.px, Some(now), signal.symbol, &env).map(|_| ())
    }

    fn protect<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        signal: &Signal,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> Result<(), RejectReason> {
        let mut result = Ok(());
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, cause, ctx, |account, env| {
                let set = account.protect_open(signal.symbol, &signal.exits, env);
                if world == 0 {
                    result = set;
                }
            });
            result?;
        }
        let slot = &mut self.slots[index];
        let set = slot.worlds[0].account().position(signal.symbol);
        let known = &mut slot.known[signal.symbol.index()];
        (known.stop, known.target) = (set.stop, set.target);
        Ok(())
    }

    fn replace<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        signal: &Signal,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> Result<(), RejectReason> {
        let no_order = RejectReason::NoSuchOrder;
        let named = |order: &&OpenOrder| {
            order.symbol == signal.symbol && order.tag == signal.tag && signal.tag != 0
        };
        let order = *self.slots[index].worlds[0].orders().iter().find(named).ok_or(no_order)?;
        let view = self.market.view();
        let of = view.symbol(signal.symbol).instrument();
        let px = match (signal.order.price, order.spec.limit_px()) {
            (OrderPrice::Limit(px), Some(_)) => px,
            (OrderPrice::Market, Some(px)) => px,
            (_, None) => return Err(RejectReason::BadTerms),
        };
        intake::check_px(px, of)?;
        let rate = view.quote_rate(signal.symbol).ok_or(RejectReason::NoQuoteRate)?;
        let qty = match signal.size {
            Size::All => order.qty,
            Size::Base(qty) => qty,
            Size::Notional(_) => {
                let look = Look {
                    instrument: of,
                    position: self.slots[index].worlds[0].account().position(signal.symbol),
                    bbo: view.symbol(signal.symbol).bbo().ok_or(RejectReason::BookNotLive)?,
                    quote_rate: rate,
                    flip: self.slots[index].flip,
                    at: view.now(),
                };
                intake::quantity(signal.size, px, &look)?
            }
        };
        let qty = of.floor_to_lot(qty);
        if qty < of.qty_min || qty.is_zero() {
            return Err(RejectReason::BelowMinimum);
        }
        let to = Some((Some(px), qty));
        self.change(index, signal, Leg::Place, to, cause, ctx)
    }

    fn change<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        signal: &Signal,
        leg: Leg,
        to: Option<(Option<paperwire_core::num::Px>, paperwire_core::num::Qty)>,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) -> Result<(), RejectReason> {
        let way = self.draw(index, Leg::Feed).plus(self.draw(index, leg));
        let change = Change { due: self.market.view().now().plus(way), to };
        let mut result = Ok(());
        for world in 0..self.slots[index].worlds.len() {
            self.in_world(index, world, cause, ctx, |account, env| {
                let is_found = account.change(signal.symbol, signal.tag, change, env);
                if world == 0 && !is_found {
                    result = Err(RejectReason::NoSuchOrder);
                }
            });
        }
        result
    }

    fn draw(&mut self, index: usize, leg: Leg) -> paperwire_core::time::DurationNs {
        let load = self.rate.load(self.market.view().now());
        self.latency.draw(leg, &mut self.slots[index].rng, load)
    }

    /// Tells a strategy now, or when the message has come back from the venue.
    pub(super) fn tell_later<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        tell: Tell,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let back = self.draw(index, Leg::Ack);
        let slot = &mut self.slots[index];
        let symbol = match tell {
            Tell::Fill(fill) => fill.symbol,
            Tell::Done(done) => done.symbol,
        };
        let position = *slot.worlds[0].account().position(symbol);
        if back.raw() == 0 && slot.tells.is_empty() {
            slot.known[symbol.index()] = position;
            return self.tell_now(index, &tell, cause, ctx);
        }
        let mut due = self.market.view().now().plus(back);
        if let Some(last) = slot.tells.back() {
            // Messages of one connection do not overtake each other.
            due = due.max(last.due);
        }
        let told = Told { due, tell, position };
        if slot.is_full() {
            let first = slot.tells.pop_front().expect("it is full");
            self.tell_told(index, &first, cause, ctx);
        }
        self.slots[index].tells.push_back(told);
    }

    pub(super) fn tell_due<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        to: ExchNs,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        while let Some(told) = self.slots[index].tells.front().copied()
            && told.due <= to
        {
            self.slots[index].tells.pop_front();
            self.tell_told(index, &told, cause, ctx);
        }
    }

    fn tell_told<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        told: &Told,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let symbol = match told.tell {
            Tell::Fill(fill) => fill.symbol,
            Tell::Done(done) => done.symbol,
        };
        self.slots[index].known[symbol.index()] = told.position;
        self.tell_now(index, &told.tell, cause, ctx);
    }

    fn tell_now<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        tell: &Tell,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let slot = &mut self.slots[index];
        if slot.is_benched {
            return;
        }
        let strategy = &mut slot.strategy;
        let told = catch_unwind(AssertUnwindSafe(|| match tell {
            Tell::Fill(fill) => strategy.on_fill(fill),
            Tell::Done(done) => strategy.on_order_done(done),
        }));
        if told.is_err() {
            self.bench(index, cause, ctx);
        }
    }
}
