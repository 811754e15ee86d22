//! One account with its orders at one simulated venue: everything between a wish and a booked fill.
//!
//! A strategy has one world that it lives in, and may have others in which the same orders meet other
//! fill models. Worlds share nothing. Within a market event the order is fixed: what is on its way and
//! due arrives at the market as it was before the event; then margin, then what closes positions, then
//! triggers, then resting orders. A world never fills from a book that is not live.

mod events;
mod execute;
mod margin;
mod protect;
mod resting;
mod travel;

pub use execute::opens;
pub use protect::{Settled, average_entry};

use arrayvec::ArrayVec;
use paperwire_core::account::{Fill, Trigger};
use paperwire_core::book::Bbo;
use paperwire_core::ids::{OrderId, StratId};
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::{ORDERS_MAX, SYMBOLS_MAX, VALUE_MAX};
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{
    Distance, Exits, OpenOrder, OrderDone, OrderEnd, OrderSpec, OrderState,
};
use paperwire_core::strategy::{Flip, Reason};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use crate::consumed::Consumed;
use crate::fee::FeeModel;
use crate::fill::FillModel;
use crate::intake::{self, Intent};
use crate::margin::MarginRules;
use crate::portfolio::{Opening, Portfolio, counted};
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
    pub touches: Vec<SymbolSet>,
}

/// Numbers of orders and fills within the run.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ids {
    orders: u64,
    fills: u64,
}

impl Ids {
    /// Numbers that no order of a strategy has.
    pub const fn shadow() -> Self {
        Self { orders: 1 << 63, fills: 0 }
    }

    /// The next order's.
    pub const fn order(&mut self) -> OrderId {
        self.orders += 1;
        OrderId(self.orders)
    }

    const fn fill(&mut self) -> paperwire_core::ids::FillId {
        self.fills += 1;
        paperwire_core::ids::FillId(self.fills)
    }
}

/// What came about in a world, in order.
#[derive(Clone, Copy, Debug)]
pub enum Happening {
    /// The venue itself made an order of what closes a position.
    Order(OpenOrder, Trigger),
    /// An execution.
    Fill(Fill),
    /// The end of an order, and the order as it was.
    Done(OrderDone, OpenOrder),
    /// An order was replaced, and is this now, for this reason.
    Changed(OpenOrder, Reason),
    /// Margin interest was charged for the position in a symbol.
    Interest(SymbolId, Money),
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

    /// Whether the venue takes such orders now.
    fn takes(&self, symbol: SymbolId, spec: &OrderSpec, intent: Intent) -> bool {
        let status = self.view.symbol(symbol).instrument().status;
        intake::check_status(spec, intent, status).is_ok()
    }

    /// Whether anything of `symbol` can be executed and booked now: the book is live, its currency has
    /// a price, the venue matches.
    fn can_fill(&self, symbol: SymbolId) -> bool {
        let state = self.view.symbol(symbol);
        let has_prices = state.bbo().is_some() && self.view.quote_rate(symbol).is_some();
        has_prices && state.instrument().status.is_matching()
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
    /// The position it opened has its exits already.
    has_protected: bool,
    /// Shown part not yet filled.
    shown: Qty,
    /// Where its trigger stands; `None` before it arrives, and without one.
    trigger_px: Option<Px>,
    /// How far a trailing trigger stays behind; `None` for others.
    trail: Option<Px>,
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
            has_protected: false,
            shown: Qty::ZERO,
            trigger_px: None,
            trail: None,
            queue: QueuePosition::enter(None, due),
        }
    }
}

/// A cancel or replace on its way to the venue.
#[derive(Clone, Copy, Debug)]
pub struct Change {
    /// When it arrives.
    pub due: ExchNs,
    /// New price and quantity, and why; `None` cancels.
    pub to: Option<Replacement>,
}

/// What an order becomes.
#[derive(Clone, Copy, Debug)]
pub struct Replacement {
    /// Its price; `None` leaves it.
    pub px: Option<Px>,
    /// Its whole quantity, what is filled of it included.
    pub qty: Qty,
    /// Why.
    pub reason: Reason,
}

/// Which orders a change is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This one.
    Order(OrderId),
    /// Those so named; all of the symbol for 0.
    Tag(u32),
}

impl Whose {
    fn is(self, order: &OpenOrder) -> bool {
        match self {
            Self::Order(id) => order.id == id,
            Self::Tag(tag) => tag == 0 || order.tag == tag,
        }
    }
}

/// New exits of a position on their way to the venue.
#[derive(Clone, Copy, Debug)]
struct ExitsUnderWay {
    due: ExchNs,
    symbol: SymbolId,
    exits: Exits,
}

/// Exits under way at one time; more than that act at once, which errs on the safe side.
const EXITS_UNDER_WAY_MAX: usize = 16;

/// A position that must be closed and could not be, or not wholly.
#[derive(Clone, Copy, Debug)]
struct Closing {
    trigger: Trigger,
    reason: Reason,
    extra_fee: Money,
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
    exits_under_way: ArrayVec<ExitsUnderWay, EXITS_UNDER_WAY_MAX>,
    /// By symbol: what has to be closed as soon as the book takes it.
    closing: Vec<Option<Closing>>,
    /// Equity was below the maintenance margin at the last look.
    is_called: bool,
    /// Symbols with an open order.
    order_symbols: SymbolSet,
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
            exits_under_way: ArrayVec::new(),
            closing: vec![None; symbols],
            is_called: false,
            order_symbols: SymbolSet::EMPTY,
            is_changed: false,
        }
    }

    /// The exchange's clock was set: everything under way stays as far away as it was. A time that a
    /// strategy named stands.
    pub fn follow_clock(&mut self, by: ClockStep) {
        for terms in &mut self.terms {
            terms.due = terms.due.stepped(by);
            terms.change = terms.change.map(|of| Change { due: of.due.stepped(by), ..of });
            terms.queue.follow_clock(by);
        }
        for exits in &mut self.exits_under_way {
            exits.due = exits.due.stepped(by);
        }
        self.account.follow_clock(by);
        self.is_changed = true;
        self.schedule();
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
        !valued.is_disjoint(rules.touches[symbol.index()])
            || self.order_symbols.contains(symbol)
            || !self.consumed.is_untouched(symbol)
    }

    /// What an open order does to a position.
    pub fn intent(&self, id: OrderId) -> Option<Intent> {
        self.find(id).map(|index| self.terms[index].intent)
    }

    /// Sum of what entries of one side that are still open would add, at their own prices, or at those
    /// to come; of one symbol or of all.
    pub fn committed(&self, side: OrderSide, of: Option<SymbolId>, view: &MarketView<'_>) -> Money {
        let mut sum = Money::ZERO;
        for (order, terms) in self.orders.iter().zip(&self.terms) {
            let is_other = of.is_some_and(|of| of != order.symbol);
            if terms.intent == Intent::Exit || order.side != side || is_other {
                continue;
            }
            let state = view.symbol(order.symbol);
            let px = order.spec.limit_px().or_else(|| state.bbo().map(|bbo| bbo.ask.px));
            if let (Some(px), Some(rate)) = (px, view.quote_rate(order.symbol)) {
                let value = state.instrument().try_money(px.notional(order.left));
                let value = counted(value.and_then(|value| value.checked_mul(rate)));
                sum += value.unwrap_or(VALUE_MAX);
            }
        }
        sum
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
        env.out.push(Happening::Done(OrderDone { id, tag, symbol, left, end }, order));
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
