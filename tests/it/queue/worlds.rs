//! One random flow played into two engines, with our order and without it.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;
use paperwire_exchange::matching::{Change, Engine, Order, OrderId, OrderKind, Receipt, Trade};

use super::plain;
use crate::material::Random;

/// Prices visible to the subscriber, each side.
const DEPTH: usize = 6;

/// Actions after our order.
const ACTIONS: usize = 400;

/// Our order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ours {
    pub(super) side: OrderSide,
    pub(super) px: Px,
    pub(super) qty: Qty,
}

impl Ours {
    /// The half of the book it rests on, and the other.
    const fn halves(self) -> (BookSide, BookSide) {
        match self.side {
            OrderSide::Buy => (BookSide::Bid, BookSide::Ask),
            OrderSide::Sell => (BookSide::Ask, BookSide::Bid),
        }
    }

    /// Whether a taker of our order would rather have `px` than our price.
    pub(super) fn is_behind(self, px: Px) -> bool {
        self.halves().0.better(self.px, px)
    }
}

/// What one action did to the world without us, and to our order in the other.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: ExchNs,
    pub(super) trades: Vec<Trade>,
    /// Total at our price, on our side; `None` outside the visible depth.
    pub(super) shown: Option<Qty>,
    /// Total of the other side at or through our price.
    pub(super) opposite: Qty,
    /// Of our order, since it rests.
    pub(super) filled: Qty,
}

/// A session from a little before our order.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) ours: Ours,
    /// The first step after which our order rests.
    pub(super) arrival: usize,
    pub(super) steps: Vec<Step>,
    /// Ended because the worlds are not comparable any more.
    pub(super) is_cut: bool,
}

struct Worlds {
    without: Engine,
    with: Engine,
    /// Numbers of orders that may still rest, without us and with us.
    orders: Vec<(Option<OrderId>, Option<OrderId>)>,
    now: i64,
    /// Nanoseconds between most actions, at most.
    wait_max: i64,
    changes: Vec<Change>,
    ignored: Vec<Change>,
}

fn raw(random: &mut Random, low: i64, high: i64) -> i64 {
    low + i64::try_from(random.below(usize::try_from(high - low + 1).unwrap())).unwrap()
}

impl Worlds {
    fn new(wait_max: i64) -> Self {
        Self {
            without: Engine::new(plain(), 1),
            with: Engine::new(plain(), 1),
            orders: Vec::new(),
            now: 1_000_000_000_000,
            wait_max,
            changes: Vec::new(),
            ignored: Vec::new(),
        }
    }

    fn submit(&mut self, side: OrderSide, qty: i64, kind: OrderKind) {
        let order = Order { side, qty: Qty::new(qty), kind };
        let at = ExchNs::new(self.now);
        let without = self.without.submit(order, at, &mut self.changes).unwrap();
        let with = self.with.submit(order, at, &mut self.ignored).unwrap();
        let id = |receipt: Receipt| (!receipt.resting.is_zero()).then_some(receipt.id);
        self.orders.push((id(without), id(with)));
    }

    fn cancel(&mut self, random: &mut Random) {
        let (without, with) = (&self.without, &self.with);
        let rests = |of: &Engine, id: Option<OrderId>| id.is_some_and(|id| of.find(id).is_some());
        self.orders.retain(|(a, b)| rests(without, *a) || rests(with, *b));
        if self.orders.is_empty() {
            return;
        }
        let (a, b) = self.orders.swap_remove(random.below(self.orders.len()));
        // Not there any more in one of the worlds: nothing to cancel in it.
        let _ = a.map(|id| self.without.cancel(id, &mut self.changes));
        let _ = b.map(|id| self.with.cancel(id, &mut self.ignored));
    }

    /// One action of the flow, decided by the world without us; `sells` of 100 takers sell.
    fn act(&mut self, random: &mut Random, sells: i64) {
        self.now += match random.below(10) {
            0 => 0,
            1 => raw(random, 1, 10 * self.wait_max),
            _ => raw(random, 1, self.wait_max),
        };
        self.changes.clear();
        self.ignored.clear();
        let best = |half| self.without.best(half).map_or(1_000, |(px, _)| px.raw());
        let (bid, ask) = (best(BookSide::Bid), best(BookSide::Ask));
        let taker = if raw(random, 1, 100) <= sells { OrderSide::Sell } else { OrderSide::Buy };
        match random.below(100) {
            0..45 => {
                let distance = raw(random, 0, 2) * raw(random, 0, 3) + raw(random, 0, 1);
                let is_buy = random.below(2) == 0;
                let (side, px) = if is_buy {
                    (OrderSide::Buy, (bid + 1 - distance).min(ask - 1))
                } else {
                    (OrderSide::Sell, (ask - 1 + distance).max(bid + 1))
                };
                self.submit(side, raw(random, 1, 20), OrderKind::Limit(Px::new(px)));
            }
            45..72 => self.cancel(random),
            72..84 => self.submit(taker, raw(random, 1, 15), OrderKind::Market),
            84..87 => self.submit(taker, raw(random, 20, 120), OrderKind::Market),
            kind => {
                // Takes up to a limit; the rest waits there or is dropped.
                let reach = raw(random, 0, 2);
                let px = Px::new(if taker == OrderSide::Buy { ask + reach } else { bid - reach });
                let limit = if kind < 96 { OrderKind::Limit(px) } else { OrderKind::Ioc(px) };
                self.submit(taker, raw(random, 1, 40), limit);
            }
        }
    }

    fn step(&self, ours: Ours, id: Option<OrderId>) -> Step {
        let (own, other) = ours.halves();
        let mut better = 0;
        let mut shown = Some(Qty::ZERO);
        for (px, qty) in self.without.levels(own) {
            if px == ours.px {
                shown = Some(qty);
                break;
            }
            if ours.is_behind(px) {
                break;
            }
            better += 1;
        }
        if better >= DEPTH {
            shown = None;
        }
        let mut opposite = Qty::ZERO;
        for (_, qty) in
            self.without.levels(other).take_while(|(px, _)| *px == ours.px || ours.is_behind(*px))
        {
            opposite += qty;
        }
        let trades = self.changes.iter().filter_map(|change| match change {
            Change::Trade(trade) => Some(*trade),
            Change::Level { .. } => None,
        });
        let left = id.map_or(ours.qty, |id| self.with.left(id).unwrap_or(Qty::ZERO));
        Step {
            at: ExchNs::new(self.now),
            trades: trades.collect(),
            shown,
            opposite,
            filled: ours.qty - left,
        }
    }
}

/// Where our order joins: at the best price, behind it, or alone between the best prices.
fn choose(random: &mut Random, worlds: &Worlds) -> Ours {
    let side = if random.below(2) == 0 { OrderSide::Buy } else { OrderSide::Sell };
    let best = |half| worlds.without.best(half).map_or(1_000, |(px, _)| px.raw());
    let (bid, ask) = (best(BookSide::Bid), best(BookSide::Ask));
    let distance = [-1, 0, 0, 0, 1, 1, 2, 3, 5, 8][random.below(10)];
    let px = match side {
        OrderSide::Buy => (bid - distance).min(ask - 1),
        OrderSide::Sell => (ask + distance).max(bid + 1),
    };
    Ours { side, px: Px::new(px), qty: Qty::new(raw(random, 1, 40)) }
}

/// Plays one session.
pub(super) fn session(random: &mut Random) -> Session {
    // Slow and fast against the window in which a print may explain a fall.
    let mut worlds = Worlds::new([200_000_000, 20_000_000][random.below(2)]);
    for distance in 1..=10 {
        for _ in 0..raw(random, 1, 3) {
            let kind = |px| OrderKind::Limit(Px::new(px));
            worlds.submit(OrderSide::Buy, raw(random, 1, 20), kind(1_000 - distance));
            worlds.submit(OrderSide::Sell, raw(random, 1, 20), kind(1_000 + distance));
        }
    }
    let sells = raw(random, 30, 70);
    // The book settles; the last of these is still on its way when our order joins.
    for _ in 0..raw(random, 20, 60) {
        worlds.act(random, sells);
    }
    let mut warm = Vec::new();
    while warm.len() < 30
        || worlds.without.best(BookSide::Bid).is_none()
        || worlds.without.best(BookSide::Ask).is_none()
    {
        worlds.act(random, sells);
        warm.push((worlds.now, worlds.changes.clone()));
    }
    let ours = choose(random, &worlds);
    let mut steps = Vec::new();
    for (now, changes) in warm {
        // Only prints matter before we join, and what the book is at the end.
        (worlds.now, worlds.changes) = (now, changes);
        steps.push(worlds.step(ours, None));
    }
    let arrival = steps.len();
    worlds.changes.clear();
    let order = Order { side: ours.side, qty: ours.qty, kind: OrderKind::PostOnly(ours.px) };
    let at = ExchNs::new(worlds.now);
    let id = worlds.with.submit(order, at, &mut worlds.ignored).unwrap().id;
    steps.push(worlds.step(ours, Some(id)));
    let mut is_cut = false;
    for _ in 0..ACTIONS {
        worlds.act(random, sells);
        let step = worlds.step(ours, Some(id));
        is_cut = step.filled < ours.qty && !step.opposite.is_zero();
        steps.push(step);
        if is_cut {
            break;
        }
    }
    Session { ours, arrival, steps, is_cut }
}
