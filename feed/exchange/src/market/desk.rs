//! Everybody who trades one pair: makers around the fair price, takers, and the engine they meet in.
//!
//! Each action is a few orders and cancels of one instant. No maker ever offers below the fair price
//! or bids above it, and when it moves, all quotes on its wrong side go in the same instant, hit by
//! the order that brought the news or pulled: so nobody is ever sold what is already worth more. A
//! desk keeps the numbers of the orders its makers sent in three crowds: those at the touch, a fast one
//! within the first rows, and a slow one deeper down.

use paperwire_core::instrument::Instrument;
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::random::{Rng, exp};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use super::crowd::{Crowd, Quotes};
use super::listing::{Behaviour, Listing, Sizes};
use crate::matching::{Change, Engine, Order, OrderId, OrderKind, rests_on, takes_from};

/// The people and the book of one pair.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) engine: Engine,
    behaviour: Behaviour,
    rng: Rng,
    bids: Quotes,
    asks: Quotes,
    /// Ticks per unit of price.
    ticks_per_unit: f64,
    /// Best bid that the fair price allows, in ticks; the best ask is one tick above.
    bid: f64,
    /// While news are awaited nobody quotes closer to the fair price than this, ticks.
    reach: Option<f64>,
}

/// Share of maker actions that happen deeper than the first rows.
const SLOW_SHARE: f64 = 0.13;
/// Share of placed orders that join a level which is there already.
const JOIN_SHARE: f64 = 0.35;
/// Share of maker actions that move a quote, which cancels one and places another.
const MOVE_SHARE: f64 = 0.05;
/// How much makers lean with the flow they expect, at the touch: sizes there go with its exponential.
const LEAN: f64 = 1.3;
/// How often the side with less at its touch is the one that is left.
pub(super) const THIN_FIRST: f64 = 0.85;

impl Desk {
    /// A desk whose book is already full around `fair`.
    pub(crate) fn new(listing: &Listing, first_trade_id: u64, fair: f64, rng: Rng) -> Self {
        let engine = Engine::new(listing.instrument, first_trade_id);
        let tick = listing.instrument.px_f64(listing.instrument.price_increment);
        let mut desk = Self {
            engine,
            behaviour: listing.behaviour,
            rng,
            bids: Quotes::default(),
            asks: Quotes::default(),
            ticks_per_unit: 1.0 / tick,
            bid: (fair / tick).floor(),
            reach: None,
        };
        let (mut ignored, start) = (Vec::new(), ExchNs::new(0));
        for side in [OrderSide::Buy, OrderSide::Sell] {
            for crowd in [Crowd::Touch, Crowd::Fast, Crowd::Slow] {
                for _ in 0..desk.behaviour.crowd(crowd) {
                    desk.place(side, crowd, 0.0, start, &mut ignored);
                    ignored.clear();
                }
            }
        }
        desk
    }

    /// Middle of the best bid and ask.
    pub(crate) fn mid(&self) -> Option<f64> {
        let rules = self.engine.instrument();
        let (bid, _) = self.engine.best(BookSide::Bid)?;
        let (ask, _) = self.engine.best(BookSide::Ask)?;
        Some(0.5 * (rules.px_f64(bid) + rules.px_f64(ask)))
    }

    /// Makers learn of the fair price; quotes on its wrong side are still there. They stay while it lies
    /// between best bid and ask, or beyond by what is not worth a new quote.
    /// True when quotes move with it.
    pub(crate) fn see(&mut self, fair: f64) -> bool {
        let fair = fair * self.ticks_per_unit;
        let slack = self.behaviour.slack;
        let moves = fair < self.bid - slack || fair > self.bid + 1.0 + slack;
        if moves {
            self.bid = fair.floor();
        }
        moves
    }

    /// Best price that a side may have, in ticks: as close to fair as the grid allows.
    fn limit(&self, side: OrderSide) -> f64 {
        let reach = self.reach.unwrap_or(0.0);
        match side {
            OrderSide::Buy => (self.bid - reach).floor(),
            OrderSide::Sell => (self.bid + 1.0 + reach).ceil(),
        }
    }

    /// The best price of a side, in ticks.
    fn best_ticks(&self, side: OrderSide) -> Option<f64> {
        self.engine.best(rests_on(side)).map(|(px, _)| self.in_ticks(px))
    }

    /// How many ticks the best quote of a side is behind its limit; negative is the wrong side of fair.
    fn behind(&self, side: OrderSide) -> Option<f64> {
        let best = self.best_ticks(side)?;
        Some(match side {
            OrderSide::Buy => self.limit(side) - best,
            OrderSide::Sell => best - self.limit(side),
        })
    }

    /// True when a side has no quote at its limit, and may have one.
    pub(crate) fn is_open(&self) -> bool {
        let sides = [OrderSide::Buy, OrderSide::Sell];
        let open = |side| self.behind(side).is_none_or(|behind| behind > 0.5);
        self.reach.is_none() && sides.into_iter().any(open)
    }

    /// True when a quote stands on the wrong side of fair.
    pub(crate) fn is_wrong(&self) -> bool {
        let sides = [OrderSide::Buy, OrderSide::Sell];
        sides.iter().any(|side| self.behind(*side).is_some_and(|behind| behind < -0.5))
    }

    /// Pulls every quote of the side that is better than its limit.
    pub(crate) fn clear(&mut self, side: OrderSide, changes: &mut Vec<Change>) {
        while self.behind(side).is_some_and(|behind| behind < -0.5) {
            let Some((id, _, _)) = self.engine.front(rests_on(side)) else { return };
            let gone = self.engine.cancel(id, changes);
            debug_assert!(gone.is_ok(), "the front order rests");
        }
    }

    /// Makers of one side step back from the fair price, whichever way the news may be: by `reach`, as a
    /// part of the price.
    pub(crate) fn brace(&mut self, side: OrderSide, reach: f64, changes: &mut Vec<Change>) {
        self.reach = Some(reach * self.bid);
        self.clear(side, changes);
    }

    /// The news are there.
    pub(crate) const fn relax(&mut self) {
        self.reach = None;
    }

    /// Closes one gap between the touch and fair; false when there is none, or it may not be yet.
    pub(crate) fn improve(&mut self, lean: f64, now: ExchNs, changes: &mut Vec<Change>) -> bool {
        let first = if self.rng.chance(0.5) { OrderSide::Buy } else { OrderSide::Sell };
        for side in [first, first.opposite()] {
            if self.behind(side).is_none_or(|behind| behind > 0.5) {
                self.place(side, Crowd::Touch, lean, now, changes);
                return !changes.is_empty();
            }
        }
        false
    }

    /// A maker places, pulls or moves one quote. `lean` is the sign expected of the next order: makers
    /// queue up where it will not trade.
    pub(crate) fn requote(&mut self, lean: f64, now: ExchNs, changes: &mut Vec<Change>) {
        let draw = self.rng.unit();
        let behaviour = &self.behaviour;
        let crowd = if draw < behaviour.touch.1 {
            Crowd::Touch
        } else if draw < behaviour.touch.1 + SLOW_SHARE {
            Crowd::Slow
        } else {
            Crowd::Fast
        };
        let mut side = if self.rng.chance(0.5) { OrderSide::Buy } else { OrderSide::Sell };
        self.drop_filled(side, crowd);
        let count = self.quotes(side).of(crowd).len();
        // A crowd below its size mostly places, above it mostly pulls.
        let mut place = match count.cmp(&self.behaviour.crowd(crowd)) {
            std::cmp::Ordering::Less => 0.75,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.25,
        };
        if crowd == Crowd::Touch {
            let with = if side == OrderSide::Buy { lean } else { -lean };
            place += 0.25 * with;
            if self.rng.chance(0.5 * lean.abs()) {
                side = if lean > 0.0 { OrderSide::Buy } else { OrderSide::Sell };
            }
        }
        if self.rng.chance(MOVE_SHARE) {
            self.pull(side, crowd, changes);
            self.place(side, crowd, lean, now, changes);
        } else if self.rng.chance(place) {
            self.place(side, crowd, lean, now, changes);
        } else {
            self.pull(side, crowd, changes);
        }
    }

    /// Makers of one side leave the touch for a while: mostly where fewer of them stand.
    pub(crate) fn flicker(&mut self, changes: &mut Vec<Change>) {
        let side = self.thin_side(THIN_FIRST);
        let Some((px, _)) = self.engine.best(rests_on(side)) else { return };
        while let Some((id, front, _)) = self.engine.front(rests_on(side)) {
            if front != px || self.engine.cancel(id, changes).is_err() {
                return;
            }
        }
    }

    /// With this chance the side with less at its touch, else the other one.
    pub(crate) fn thin_side(&mut self, chance: f64) -> OrderSide {
        let at = |side| self.engine.best(side).map_or(Qty::ZERO, |(_, qty)| qty);
        let bids_thin = at(BookSide::Bid) < at(BookSide::Ask);
        let thin = self.rng.chance(chance);
        if bids_thin == thin { OrderSide::Buy } else { OrderSide::Sell }
    }

    /// One order of somebody who knows nothing that others do not. Returns what it filled.
    pub(crate) fn take(&mut self, side: OrderSide, now: ExchNs, changes: &mut Vec<Change>) -> Qty {
        let qty = self.draw(self.behaviour.taker, 1.0);
        // Most send no more than the touch holds: who takes looks at what there is.
        let order = match self.engine.best(takes_from(side)) {
            Some((best, there)) if self.rng.chance(0.95) => {
                let qty = qty.min(self.lots_of(there)).max(self.engine.instrument().qty_min);
                Order { side, qty, kind: OrderKind::Ioc(best) }
            }
            _ => Order { side, qty, kind: OrderKind::Market },
        };
        self.engine.submit(order, now, changes).map_or(Qty::ZERO, |receipt| receipt.filled)
    }

    /// One order of somebody who knows better: makers have just learned the new price from it, and what
    /// stands on its wrong side is hit, up to the size of a large order, or pulled in the same instant.
    pub(crate) fn sweep(&mut self, side: OrderSide, now: ExchNs, changes: &mut Vec<Change>) {
        let against = side.opposite();
        let limit = self.limit(against);
        // One tick better than the new limit: nothing at the limit itself need go.
        let through = if side == OrderSide::Buy { limit - 1.0 } else { limit + 1.0 };
        let wrong = self.behind(against).is_some_and(|behind| behind < -0.5);
        if !wrong {
            self.take(side, now, changes);
            return;
        }
        let px = self.on_grid(through);
        let there: i64 = self
            .engine
            .levels(takes_from(side))
            .take_while(|(level, _)| side.accepts(px, *level))
            .map(|(_, qty)| qty.raw())
            .sum();
        let part = self.rng.range(0.25, 1.0);
        let most = self.lots(self.behaviour.sweep_max * part);
        let qty = Qty::new(there).min(most).max(self.engine.instrument().qty_min);
        let sent = self.engine.submit(Order { side, qty, kind: OrderKind::Ioc(px) }, now, changes);
        debug_assert!(sent.is_ok(), "a price on the grid and a legal size: {sent:?}");
        self.clear(against, changes);
    }

    /// One order of an arbitrageur.
    pub(crate) fn arbitrage(&mut self, side: OrderSide, now: ExchNs, changes: &mut Vec<Change>) {
        let Some((best, there)) = self.engine.best(takes_from(side)) else { return };
        let qty = self.draw(self.behaviour.taker, 3.0).min(self.lots_of(there));
        let qty = qty.max(self.engine.instrument().qty_min);
        let order = Order { side, qty, kind: OrderKind::Ioc(best) };
        let sent = self.engine.submit(order, now, changes);
        debug_assert!(sent.is_ok(), "a resting price and a legal size: {sent:?}");
    }

    /// Chance-driven choices of the scheduler that belong to this pair.
    pub(crate) const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    pub(crate) const fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    fn place(
        &mut self,
        side: OrderSide,
        crowd: Crowd,
        lean: f64,
        now: ExchNs,
        changes: &mut Vec<Change>,
    ) {
        let limit = self.limit(side);
        let joined = if crowd == Crowd::Fast && self.rng.chance(JOIN_SHARE) {
            self.somewhere(side)
        } else {
            None
        };
        let away = match (crowd, joined) {
            (_, Some(at)) => (limit - at).abs().max(1.0),
            (Crowd::Touch, None) => 0.0,
            (Crowd::Fast, None) => {
                let (_, from, span) = self.behaviour.fast;
                (from + self.rng.unit() * span).floor()
            }
            (Crowd::Slow, None) => 2.0 + self.rng.exponential(self.behaviour.slow.1).floor(),
        };
        if crowd == Crowd::Touch && self.reach.is_some() {
            return;
        }
        let at = if side == OrderSide::Buy { limit - away } else { limit + away };
        let mut px = self.on_grid(at);
        let tick = self.engine.instrument().price_increment.raw();
        // Post only: at best one tick before the other side.
        if let Some((opposite, _)) = self.engine.best(takes_from(side)) {
            px = match side {
                OrderSide::Buy => px.min(Px::new(opposite.raw() - tick)),
                OrderSide::Sell => px.max(Px::new(opposite.raw() + tick)),
            };
        }
        let (near, far) = self.behaviour.depth;
        let deep = (away / self.behaviour.fast.2).min(1.0);
        let factor = match crowd {
            Crowd::Touch => near * exp(LEAN * if side == OrderSide::Buy { lean } else { -lean }),
            Crowd::Fast | Crowd::Slow => near + (far - near) * deep,
        };
        let qty = self.draw(self.behaviour.maker, factor);
        let order = Order { side, qty, kind: OrderKind::PostOnly(px) };
        // Refused only when too small for the value minimum or at the edge of the grid.
        if let Ok(receipt) = self.engine.submit(order, now, changes) {
            self.quotes_mut(side).of_mut(crowd).push(receipt.id);
        }
    }

    /// Where some order of the fast crowd rests, in ticks.
    fn somewhere(&mut self, side: OrderSide) -> Option<f64> {
        let count = self.quotes(side).of(Crowd::Fast).len();
        if count == 0 {
            return None;
        }
        let at = self.rng.below(count);
        let id = self.quotes(side).of(Crowd::Fast)[at];
        self.engine.find(id).map(|(_, px)| self.in_ticks(px))
    }

    /// Cancels one quote of the crowd, at random; never the last one at the touch.
    fn pull(&mut self, side: OrderSide, crowd: Crowd, changes: &mut Vec<Change>) {
        for _ in 0..8 {
            let count = self.quotes(side).of(crowd).len();
            if count == 0 {
                return;
            }
            let at = self.rng.below(count);
            let id = self.quotes(side).of(crowd)[at];
            let Some((_, px)) = self.engine.find(id) else {
                // Filled or swept away.
                self.quotes_mut(side).of_mut(crowd).swap_remove(at);
                continue;
            };
            let best = self.engine.best(rests_on(side));
            let at_touch = best.is_some_and(|(best, _)| best == px);
            if crowd == Crowd::Touch && !at_touch {
                // The touch has moved on: this one is now one of the rows.
                self.quotes_mut(side).of_mut(crowd).swap_remove(at);
                self.quotes_mut(side).of_mut(Crowd::Fast).push(id);
                continue;
            }
            if at_touch && best.is_some_and(|(_, total)| self.engine.left(id) == Some(total)) {
                continue;
            }
            self.quotes_mut(side).of_mut(crowd).swap_remove(at);
            let gone = self.engine.cancel(id, changes);
            debug_assert!(gone.is_ok(), "it was just found");
            return;
        }
    }

    /// Looks at a few quotes and forgets those that were filled, so that the count stays honest.
    fn drop_filled(&mut self, side: OrderSide, crowd: Crowd) {
        for _ in 0..3 {
            let count = self.quotes(side).of(crowd).len();
            if count == 0 {
                return;
            }
            let at = self.rng.below(count);
            let id: OrderId = self.quotes(side).of(crowd)[at];
            if self.engine.find(id).is_none() {
                self.quotes_mut(side).of_mut(crowd).swap_remove(at);
            }
        }
    }

    fn draw(&mut self, sizes: Sizes, factor: f64) -> Qty {
        let value = sizes.draw(&mut self.rng);
        // People like round numbers, machines do not.
        let rounded = if self.rng.chance(0.2) { round_figure(value) } else { value };
        self.lots(rounded * factor)
    }

    fn lots(&self, value: f64) -> Qty {
        let rules = self.engine.instrument();
        let qty = rules.qty_from_f64(value).unwrap_or(rules.qty_min);
        rules.floor_to_lot(qty).max(rules.qty_min)
    }

    fn lots_of(&self, qty: Qty) -> Qty {
        let rules: &Instrument = self.engine.instrument();
        rules.floor_to_lot(qty)
    }

    #[expect(clippy::cast_precision_loss, reason = "ticks are far below 2^53")]
    fn in_ticks(&self, px: Px) -> f64 {
        (px.raw() / self.engine.instrument().price_increment.raw()) as f64
    }

    #[expect(clippy::cast_possible_truncation, reason = "clamped to a range that fits")]
    fn on_grid(&self, ticks: f64) -> Px {
        let whole = ticks.round().clamp(1.0, 1e12) as i64;
        Px::new(whole * self.engine.instrument().price_increment.raw())
    }

    const fn quotes(&self, side: OrderSide) -> &Quotes {
        match side {
            OrderSide::Buy => &self.bids,
            OrderSide::Sell => &self.asks,
        }
    }

    const fn quotes_mut(&mut self, side: OrderSide) -> &mut Quotes {
        match side {
            OrderSide::Buy => &mut self.bids,
            OrderSide::Sell => &mut self.asks,
        }
    }
}

/// One significant digit.
fn round_figure(value: f64) -> f64 {
    let mut unit = 1.0;
    while value < unit {
        unit /= 10.0;
    }
    while value >= unit * 10.0 {
        unit *= 10.0;
    }
    (value / unit).floor() * unit
}
