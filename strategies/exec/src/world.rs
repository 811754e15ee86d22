//! One account with its orders at one simulated venue: everything between a wish and a booked fill.
//!
//! A strategy has one world that it lives in, and may have others in which the same orders meet other
//! fill models. Worlds share nothing. Within a market event the order is fixed: what is on its way and
//! due arrives at the market as it was before the event; then margin, then what closes positions, then
//! triggers, then resting orders. A world never fills from a book that is not live.

mod execute;
mod protect;
mod resting;

pub use execute::opens;
pub use protect::{Settled, average_entry, bits};

use arrayvec::ArrayVec;
use paperwire_core::account::{Fill, OrderId, StratId, Trigger};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::{ORDERS_MAX, SYMBOLS_MAX};
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{
    Distance, Exits, OpenOrder, OrderDone, OrderEnd, OrderState, OrderTrigger, TimeInForce,
};
use paperwire_core::strategy::{Flip, Reason};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use crate::consumed::Consumed;
use crate::fee::FeeModel;
use crate::fill::FillModel;
use crate::margin::MarginRules;
use crate::portfolio::{Opening, Portfolio};
use crate::queue::QueuePosition;

/// Which price decides whether a stop, a target or a trigger is reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TriggerPrice {
    /// The one at which the order would execute: bid for a sell, ask for a buy. A print through a
    /// stop counts too.
    #[default]
    Executable,
    /// The last trade.
    Last,
    /// The middle of the touch.
    Mid,
}

impl TriggerPrice {
    /// By its word in configuration.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "executable" => Self::Executable,
            "last" => Self::Last,
            "mid" => Self::Mid,
            _ => return None,
        })
    }
}

/// What holds in every world of a run.
#[derive(Debug)]
pub struct Rules {
    /// Leverage, maintenance, liquidation.
    pub margin: MarginRules,
    /// What the venue charges.
    pub fees: Box<dyn FeeModel>,
    /// Whether own fills eat displayed liquidity.
    pub has_overlay: bool,
    /// Which price triggers.
    pub trigger_price: TriggerPrice,
    /// By symbol: the symbols whose value changes with its price.
    pub touches: Vec<u64>,
}

/// Numbers of orders and fills within the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids {
    orders: u64,
    fills: u64,
}

impl Ids {
    /// The next order's.
    pub const fn order(&mut self) -> OrderId {
        self.orders += 1;
        OrderId(self.orders)
    }

    const fn fill(&mut self) -> paperwire_core::account::FillId {
        self.fills += 1;
        paperwire_core::account::FillId(self.fills)
    }
}

/// What came about in a world, in order.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would allocate on the engine's thread")]
pub enum Happening {
    /// The venue itself made an order of what closes a position.
    Order(OpenOrder, Trigger),
    /// An execution.
    Fill(Fill),
    /// The end of an order.
    Done(OrderDone),
    /// Equity fell below the maintenance margin.
    MarginCall,
}

/// What a world works with besides itself.
#[derive(Debug)]
pub struct Env<'a> {
    /// The market.
    pub view: MarketView<'a>,
    /// Now, on the exchange's clock.
    pub at: ExchNs,
    /// What holds everywhere.
    pub rules: &'a Rules,
    /// What an entry against an open position does.
    pub flip: Flip,
    /// False while the account takes no entries.
    pub may_enter: bool,
    /// Whose world.
    pub strategy: StratId,
    /// Numbers.
    pub ids: &'a mut Ids,
    /// Where happenings go.
    pub out: &'a mut Vec<Happening>,
}

impl Env<'_> {
    fn bbo(&self, symbol: SymbolId) -> Option<Bbo> {
        self.view.symbol(symbol).bbo()
    }

    fn is_matching(&self, symbol: SymbolId) -> bool {
        self.view.symbol(symbol).instrument().status.is_matching()
    }

    /// The price that decides triggers of an order of `side`; `None` without a live book.
    fn trigger_px(&self, symbol: SymbolId, side: OrderSide) -> Option<Px> {
        let state = self.view.symbol(symbol);
        let bbo = state.bbo()?;
        Some(match self.rules.trigger_price {
            TriggerPrice::Executable if side == OrderSide::Buy => bbo.ask.px,
            TriggerPrice::Executable => bbo.bid.px,
            TriggerPrice::Last => state.last()?,
            TriggerPrice::Mid => Px::new(bbo.mid_doubled() / 2),
        })
    }

    /// A distance in prices at `from`; `None` while too few bars have closed.
    pub fn distance(&self, symbol: SymbolId, distance: Distance, from: Px) -> Option<Px> {
        let state = self.view.symbol(symbol);
        let of = state.instrument();
        let width = match distance {
            Distance::Percent(percent) => of.px_f64(from) * percent / 100.0,
            Distance::Atr { times, period, timeframe } => {
                let mut atr = paperwire_signals::atr::Atr::new(u32::from(period.max(1)));
                for bar in state.bars(timeframe).iter() {
                    atr.push(of.px_f64(bar.high), of.px_f64(bar.low), of.px_f64(bar.close));
                }
                atr.value()? * times
            }
        };
        of.px_from_f64(width)
    }
}

/// What an order does to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Opens or adds.
    Enter,
    /// Only makes smaller.
    Exit,
}

/// The part of an order that only the venue needs.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// What it does to a position.
    pub intent: Intent,
    /// Its quantity is that of the position when it arrives.
    pub is_whole: bool,
    /// What closes the position it opens.
    pub exits: Exits,
    /// Why.
    pub reason: Reason,
    /// What made it.
    pub trigger: Trigger,
    /// Way to the venue that was drawn for it.
    pub latency: DurationNs,
    /// When it arrives.
    pub due: ExchNs,
    /// Fee besides the schedule's, as a fraction of the value.
    pub extra_fee: Money,
    /// A cancel or replace on its way.
    pub change: Option<Change>,
    /// Shown part not yet filled.
    shown: Qty,
    /// Where its trigger stands.
    trigger_px: Px,
    /// How far a trailing trigger stays behind; zero for others.
    trail: Px,
    queue: QueuePosition,
}

impl Terms {
    /// Terms of an order that arrives at `due`.
    pub fn new(intent: Intent, trigger: Trigger, reason: Reason, due: ExchNs) -> Self {
        Self {
            intent,
            is_whole: false,
            exits: Exits::KEEP,
            reason,
            trigger,
            latency: DurationNs::default(),
            due,
            extra_fee: Money::ZERO,
            change: None,
            shown: Qty::ZERO,
            trigger_px: Px::ZERO,
            trail: Px::ZERO,
            queue: QueuePosition::enter(None, due),
        }
    }
}

/// A cancel or replace on its way to the venue.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// When it arrives.
    pub due: ExchNs,
    /// New price and quantity; `None` cancels.
    pub to: Option<(Option<Px>, Qty)>,
}

/// Orders that the venue itself makes come on top of a strategy's own.
const ORDERS_CAPACITY: usize = ORDERS_MAX + SYMBOLS_MAX;

/// Happenings of one event in one world: each order filled and ended, each position closed.
pub const HAPPENINGS_MAX: usize = 4 * ORDERS_CAPACITY;

type Found = ArrayVec<OrderId, ORDERS_CAPACITY>;

/// An account at a venue.
#[derive(Debug)]
pub struct World {
    model: Box<dyn FillModel>,
    account: Portfolio,
    /// As the strategy sees them, the oldest first.
    orders: Vec<OpenOrder>,
    /// The rest of each, at the same place.
    terms: Vec<Terms>,
    consumed: Consumed,
    /// Nothing is due before this.
    next_due: ExchNs,
    /// Bit = symbol with an open order.
    order_symbols: u64,
    /// An order came, went or changed since these two were last found.
    is_changed: bool,
}

/// Later than everything.
const NEVER: ExchNs = ExchNs::new(i64::MAX);

impl World {
    /// A world before its first event.
    pub fn new(model: Box<dyn FillModel>, opening: Opening, symbols: usize) -> Self {
        Self {
            model,
            account: Portfolio::new(opening, symbols),
            orders: Vec::with_capacity(ORDERS_CAPACITY),
            terms: Vec::with_capacity(ORDERS_CAPACITY),
            consumed: Consumed::default(),
            next_due: NEVER,
            order_symbols: 0,
            is_changed: false,
        }
    }

    /// Its fill model's name.
    pub fn model(&self) -> &'static str {
        self.model.name()
    }

    /// Its account.
    pub const fn account(&self) -> &Portfolio {
        &self.account
    }

    /// Its account, for the counters and states that the engine keeps there.
    pub const fn account_mut(&mut self) -> &mut Portfolio {
        &mut self.account
    }

    /// Its open orders, the oldest first.
    pub fn orders(&self) -> &[OpenOrder] {
        &self.orders
    }

    /// True when something is due by `to`.
    pub fn is_due(&self, to: ExchNs) -> bool {
        self.next_due <= to
    }

    /// True when something may happen with `symbol`.
    pub fn is_concerned(&self, symbol: SymbolId, rules: &Rules) -> bool {
        let valued = self.account.open() | self.account.spot_symbols();
        valued & rules.touches[symbol.index()] != 0
            || self.order_symbols >> symbol.0 & 1 == 1
            || !self.consumed.is_untouched(symbol)
    }

    /// Sum of what entries of one side that are still open would add, at their own prices.
    pub fn committed(&self, side: OrderSide, view: &MarketView<'_>) -> Money {
        let mut sum = Money::ZERO;
        for (order, terms) in self.orders.iter().zip(&self.terms) {
            if terms.intent == Intent::Exit || order.side != side {
                continue;
            }
            let state = view.symbol(order.symbol);
            let px = order.spec.limit_px().or_else(|| state.bbo().map(|bbo| bbo.ask.px));
            if let (Some(px), Some(rate)) = (px, view.quote_rate(order.symbol)) {
                sum += state.instrument().money(px.notional(order.left)) * rate;
            }
        }
        sum
    }

    /// Sends an order; with nothing on the way it acts at once.
    ///
    /// # Panics
    /// Beyond [`ORDERS_MAX`] orders of a strategy, which it is refused before.
    pub fn send(&mut self, order: OpenOrder, terms: Terms, env: &mut Env<'_>) {
        assert!(self.orders.len() < ORDERS_CAPACITY, "a strategy is refused further orders before");
        let due = terms.due;
        self.orders.push(OpenOrder { state: OrderState::InFlight, ..order });
        self.terms.push(terms);
        self.is_changed = true;
        if due <= env.at {
            self.arrive(order.id, env);
        }
        self.schedule();
    }

    /// Sends a cancel or replace for the orders of `symbol` called `tag` (all for 0); false when there
    /// is none.
    pub fn change(
        &mut self,
        symbol: SymbolId,
        tag: u32,
        change: Change,
        env: &mut Env<'_>,
    ) -> bool {
        let mut found = Found::new();
        for (order, terms) in self.orders.iter().zip(&mut self.terms) {
            if order.symbol == symbol && (tag == 0 || order.tag == tag) {
                found.push(order.id);
                // A cancel stands, whatever is wished after it.
                if terms.change.is_none_or(|before| before.to.is_some()) {
                    terms.change = Some(change);
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

    /// Brings time to `to`: all that is due before then arrives, in the order of its time, and meets
    /// the market as it is.
    pub fn advance(&mut self, to: ExchNs, env: &mut Env<'_>) {
        while self.next_due <= to {
            let Some((id, due)) = self.first_due() else {
                break;
            };
            env.at = env.at.max(due);
            let index = self.find(id).expect("it was just found");
            if self.terms[index].change.is_some_and(|change| change.due == due) {
                self.apply_change(id, env);
            } else if self.orders[index].state == OrderState::InFlight {
                self.arrive(id, env);
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

    /// Finds anew what is due next and which symbols have orders, when that may have changed.
    fn schedule(&mut self) {
        if std::mem::take(&mut self.is_changed) {
            self.next_due = self.first_due().map_or(NEVER, |(_, due)| due);
            self.order_symbols = self.orders.iter().fold(0, |bits, o| bits | 1 << o.symbol.0);
        }
    }

    fn find(&self, id: OrderId) -> Option<usize> {
        self.orders.iter().position(|order| order.id == id)
    }

    /// Orders of a symbol in one state, the oldest first.
    fn of(&self, symbol: SymbolId, state: OrderState) -> Found {
        let of = |order: &&OpenOrder| order.symbol == symbol && order.state == state;
        self.orders.iter().filter(of).map(|order| order.id).collect()
    }

    /// Takes an order off the venue.
    fn end(&mut self, id: OrderId, end: OrderEnd, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        self.is_changed = true;
        let order = self.orders.remove(index);
        self.terms.remove(index);
        let OpenOrder { tag, symbol, left, .. } = order;
        env.out.push(Happening::Done(OrderDone { id, tag, symbol, left, end }));
    }

    /// Cancels every order that `of` picks, at once.
    pub fn cancel_where(
        &mut self,
        of: impl Fn(&OpenOrder, &Terms) -> bool,
        end: OrderEnd,
        env: &mut Env<'_>,
    ) {
        let picked = self.orders.iter().zip(&self.terms).filter(|(order, terms)| of(order, terms));
        let picked: Found = picked.map(|(order, _)| order.id).collect();
        for id in picked {
            self.end(id, end, env);
        }
        self.schedule();
    }

    fn apply_change(&mut self, id: OrderId, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        let Some(change) = self.terms[index].change.take() else {
            return;
        };
        self.is_changed = true;
        let Some((px, qty)) = change.to else {
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
        if keeps_price && is_smaller {
            return;
        }
        if let Some(px) = px {
            order.spec.price = paperwire_core::order::OrderPrice::Limit(px);
        }
        if order.state == OrderState::Resting {
            self.work(id, env);
        }
    }

    /// An order reaches the venue.
    fn arrive(&mut self, id: OrderId, env: &mut Env<'_>) {
        let Some(index) = self.find(id) else {
            return;
        };
        let order = self.orders[index];
        if env.bbo(order.symbol).is_none() {
            return self.end(id, OrderEnd::BookNotLive, env);
        }
        if !env.is_matching(order.symbol) {
            return self.end(id, OrderEnd::VenueClosed, env);
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
            OrderTrigger::Stop(px) | OrderTrigger::TakeProfit(px) => terms.trigger_px = px,
            OrderTrigger::Trail(distance) => {
                let Some(now) = env.trigger_px(order.symbol, order.side) else {
                    return false;
                };
                let Some(trail) = env.distance(order.symbol, distance, now) else {
                    return false;
                };
                terms.trail = trail;
                terms.trigger_px = behind(order.side, now, trail);
            }
        }
        true
    }
}

/// The price `trail` behind `px` for a stop of this side: above for a buy, below for a sell.
fn behind(side: OrderSide, px: Px, trail: Px) -> Px {
    match side {
        OrderSide::Buy => Px::new(px.raw().saturating_add(trail.raw())),
        OrderSide::Sell => Px::new(px.raw().saturating_sub(trail.raw()).max(1)),
    }
}

#[cfg(test)]
mod tests;
