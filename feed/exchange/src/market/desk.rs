//! Everybody who trades one pair: makers around the fair price, takers, and the engine they meet in.
//!
//! Each action is a few orders and cancels of one instant. A desk keeps the numbers of the orders its
//! makers sent, split into a fast crowd near the touch that requotes all the time and a slow crowd
//! deeper down; numbers of filled orders are dropped when they come up.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use super::listing::{Behaviour, Listing, Sizes};
use crate::matching::{Change, Engine, Order, OrderId, OrderKind, rests_on, takes_from};
use paperwire_core::random::Rng;

/// Which makers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Crowd {
    Fast,
    Slow,
}

#[derive(Debug, Default)]
struct Quotes {
    fast: Vec<OrderId>,
    slow: Vec<OrderId>,
}

/// The people and the book of one pair.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) engine: Engine,
    behaviour: Behaviour,
    rng: Rng,
    bids: Quotes,
    asks: Quotes,
    /// Prices in ticks per unit of price.
    ticks_per_unit: f64,
    /// Where makers see the fair price, in ticks: they sit still until it has moved enough.
    anchor: f64,
    /// How far that is, in ticks.
    patience: f64,
}

/// How far the fair price moves before makers follow at rate 1, in mean distances of the fast crowd.
const PATIENCE: f64 = 0.2;

impl Desk {
    /// A desk whose book is already full around `fair`.
    pub(crate) fn new(
        listing: &Listing,
        first_trade_id: u64,
        fair: f64,
        rate: f64,
        rng: Rng,
    ) -> Self {
        let engine = Engine::new(listing.instrument, first_trade_id);
        let tick = listing.instrument.px_f64(listing.instrument.price_increment);
        let mut desk = Self {
            engine,
            behaviour: listing.behaviour,
            rng,
            bids: Quotes::default(),
            asks: Quotes::default(),
            ticks_per_unit: 1.0 / tick,
            anchor: fair / tick,
            patience: PATIENCE * listing.behaviour.fast.1 / rate,
        };
        let mut ignored = Vec::new();
        for side in [OrderSide::Buy, OrderSide::Sell] {
            for (crowd, count) in
                [(Crowd::Fast, desk.behaviour.fast.0), (Crowd::Slow, desk.behaviour.slow.0)]
            {
                for _ in 0..count {
                    desk.place(side, crowd, ExchNs::new(0), &mut ignored);
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

    /// A maker places, pulls or moves one quote.
    pub(crate) fn requote(&mut self, now: ExchNs, changes: &mut Vec<Change>) {
        let side = if self.rng.chance(0.5) { OrderSide::Buy } else { OrderSide::Sell };
        let crowd = if self.rng.chance(0.85) { Crowd::Fast } else { Crowd::Slow };
        let target = match crowd {
            Crowd::Fast => self.behaviour.fast.0,
            Crowd::Slow => self.behaviour.slow.0,
        };
        self.drop_filled(side, crowd);
        let count = self.crowd(side, crowd).len();
        // A crowd below its size mostly places, above it mostly pulls.
        let place = match count.cmp(&target) {
            std::cmp::Ordering::Less => 0.75,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.25,
        };
        if self.rng.chance(0.15) {
            self.pull(side, crowd, changes);
            self.place(side, crowd, now, changes);
        } else if self.rng.chance(place) {
            self.place(side, crowd, now, changes);
        } else {
            self.pull(side, crowd, changes);
        }
    }

    /// Moves the book one step towards the fair price; false when there is nothing to do.
    ///
    /// A quote on the wrong side of fair is pulled by its maker and put back elsewhere, or is hit
    /// by someone faster. A gap between the touch and fair is closed by a new quote.
    pub(crate) fn chase(&mut self, fair: f64, now: ExchNs, changes: &mut Vec<Change>) -> bool {
        let seen = fair * self.ticks_per_unit;
        if (seen - self.anchor).abs() > self.patience {
            self.anchor = seen;
        }
        let ticks = self.anchor;
        let edge = self.behaviour.half_spread;
        let gap = edge + 1.2 + 0.003 * self.behaviour.fast.1;
        let first = if self.rng.chance(0.5) { OrderSide::Buy } else { OrderSide::Sell };
        for side in [first, first.opposite()] {
            let Some((id, px, qty)) = self.engine.front(rests_on(side)) else {
                self.place(side, Crowd::Fast, now, changes);
                return true;
            };
            let raw = self.in_ticks(px);
            // How far the best quote of this side is behind fair; negative is the wrong side.
            let behind = if side == OrderSide::Buy { ticks - raw } else { raw - ticks };
            if behind < edge - 0.9 {
                if self.rng.chance(0.08) {
                    self.snipe(side.opposite(), px, qty, now, changes);
                } else {
                    let gone = self.engine.cancel(id, changes);
                    debug_assert!(gone.is_ok(), "the front order rests");
                    match self.forget(side, id) {
                        // The patient go deeper again, the nimble sometimes wait for a while.
                        Crowd::Slow => self.place(side, Crowd::Slow, now, changes),
                        Crowd::Fast if self.rng.chance(0.6) => {
                            self.place(side, Crowd::Fast, now, changes);
                        }
                        Crowd::Fast => {}
                    }
                }
                return true;
            }
            if behind > gap {
                // A maker with a quote too many moves one up instead of adding one.
                if self.crowd(side, Crowd::Fast).len() >= self.behaviour.fast.0 {
                    self.pull(side, Crowd::Fast, changes);
                }
                self.improve(side, ticks, edge, gap - 1.0, now, changes);
                return true;
            }
        }
        false
    }

    /// One aggressive order; `scale` multiplies the usual size. Returns what it filled.
    pub(crate) fn take(
        &mut self,
        side: OrderSide,
        scale: f64,
        now: ExchNs,
        changes: &mut Vec<Change>,
    ) -> Qty {
        let sizes = self.behaviour.taker;
        let small = scale <= 1.0 && self.rng.chance(0.2);
        let scaled = Sizes { median: sizes.median * scale, ..sizes };
        let qty = if small { self.lots(self.behaviour.dust) } else { self.draw(scaled) };
        let kind = match self.engine.best(takes_from(side)) {
            // A limit some ticks through the touch: sweeps a few levels, never the whole book.
            Some((best, _)) if self.rng.chance(0.6) => {
                let reach = self.rng.exponential(0.3 * self.behaviour.fast.1);
                let limit =
                    self.in_ticks(best) + if side == OrderSide::Buy { reach } else { -reach };
                OrderKind::Ioc(self.on_grid(limit))
            }
            _ => OrderKind::Market,
        };
        let sent = self.engine.submit(Order { side, qty, kind }, now, changes);
        sent.map_or(Qty::ZERO, |receipt| receipt.filled)
    }

    /// Chance-driven choices of the scheduler that belong to this pair.
    pub(crate) const fn rng(&mut self) -> &mut Rng {
        &mut self.rng
    }

    pub(crate) const fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// Hits one known quote with a limit order, sometimes of its whole size.
    fn snipe(&mut self, side: OrderSide, px: Px, qty: Qty, now: ExchNs, changes: &mut Vec<Change>) {
        let part =
            if self.rng.chance(0.25) { qty } else { self.draw(self.behaviour.taker).min(qty) };
        let qty = part.max(self.engine.instrument().qty_min);
        let sent = self.engine.submit(Order { side, qty, kind: OrderKind::Ioc(px) }, now, changes);
        debug_assert!(sent.is_ok(), "a resting price and a legal size: {sent:?}");
    }

    /// A new best quote close to fair.
    fn improve(
        &mut self,
        side: OrderSide,
        ticks: f64,
        edge: f64,
        far: f64,
        now: ExchNs,
        changes: &mut Vec<Change>,
    ) {
        // Rounding to the grid adds up to one tick; beyond `far` the gap would stay open.
        let away = (edge + self.rng.exponential(0.002 * self.behaviour.fast.1)).min(far);
        let at =
            if side == OrderSide::Buy { (ticks - away).floor() } else { (ticks + away).ceil() };
        self.post(side, Crowd::Fast, at, now, changes);
    }

    fn place(&mut self, side: OrderSide, crowd: Crowd, now: ExchNs, changes: &mut Vec<Change>) {
        let mean = match crowd {
            Crowd::Fast => self.behaviour.fast.1,
            Crowd::Slow => self.behaviour.slow.1,
        };
        let away = self.behaviour.half_spread + self.rng.exponential(mean);
        let ticks = self.anchor;
        let at =
            if side == OrderSide::Buy { (ticks - away).floor() } else { (ticks + away).ceil() };
        self.post(side, crowd, at, now, changes);
    }

    fn post(
        &mut self,
        side: OrderSide,
        crowd: Crowd,
        ticks: f64,
        now: ExchNs,
        changes: &mut Vec<Change>,
    ) {
        let mut px = self.on_grid(ticks);
        let tick = self.engine.instrument().price_increment.raw();
        // Post only: at best one tick before the other side.
        if let Some((opposite, _)) = self.engine.best(takes_from(side)) {
            px = match side {
                OrderSide::Buy => px.min(Px::new(opposite.raw() - tick)),
                OrderSide::Sell => px.max(Px::new(opposite.raw() + tick)),
            };
        }
        let qty = if self.rng.chance(0.22) {
            self.lots(self.behaviour.dust)
        } else {
            self.draw(self.behaviour.maker)
        };
        let order = Order { side, qty, kind: OrderKind::PostOnly(px) };
        // Refused only when too small for the value minimum or at the edge of the grid.
        if let Ok(receipt) = self.engine.submit(order, now, changes) {
            self.crowd_mut(side, crowd).push(receipt.id);
        }
    }

    /// Cancels one quote of the crowd, at random.
    fn pull(&mut self, side: OrderSide, crowd: Crowd, changes: &mut Vec<Change>) {
        loop {
            let count = self.crowd(side, crowd).len();
            if count == 0 {
                return;
            }
            let at = self.rng.below(count);
            let id = self.crowd_mut(side, crowd).swap_remove(at);
            // Numbers of filled orders are met here and dropped.
            if self.engine.cancel(id, changes).is_ok() {
                return;
            }
        }
    }

    /// Looks at a few quotes and forgets those that were filled, so that the count stays honest.
    fn drop_filled(&mut self, side: OrderSide, crowd: Crowd) {
        for _ in 0..3 {
            let count = self.crowd(side, crowd).len();
            if count == 0 {
                return;
            }
            let at = self.rng.below(count);
            if self.engine.find(self.crowd(side, crowd)[at]).is_none() {
                self.crowd_mut(side, crowd).swap_remove(at);
            }
        }
    }

    /// Strikes a cancelled quote off the lists and says whose it was.
    fn forget(&mut self, side: OrderSide, id: OrderId) -> Crowd {
        let fast = self.crowd_mut(side, Crowd::Fast);
        if let Some(at) = fast.iter().position(|q| *q == id) {
            fast.swap_remove(at);
            return Crowd::Fast;
        }
        let slow = self.crowd_mut(side, Crowd::Slow);
        if let Some(at) = slow.iter().position(|q| *q == id) {
            slow.swap_remove(at);
        }
        Crowd::Slow
    }

    fn draw(&mut self, sizes: Sizes) -> Qty {
        let value = self.rng.log_normal(sizes.median, sizes.sigma).min(sizes.cap);
        // People like round numbers, machines do not.
        let rounded = if self.rng.chance(0.2) { round_figure(value) } else { value };
        self.lots(rounded)
    }

    fn lots(&self, value: f64) -> Qty {
        let rules = self.engine.instrument();
        let qty = rules.qty_from_f64(value).unwrap_or(rules.qty_min);
        rules.floor_to_lot(qty).max(rules.qty_min)
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

    const fn crowd(&self, side: OrderSide, crowd: Crowd) -> &Vec<OrderId> {
        let quotes = match side {
            OrderSide::Buy => &self.bids,
            OrderSide::Sell => &self.asks,
        };
        match crowd {
            Crowd::Fast => &quotes.fast,
            Crowd::Slow => &quotes.slow,
        }
    }

    const fn crowd_mut(&mut self, side: OrderSide, crowd: Crowd) -> &mut Vec<OrderId> {
        let quotes = match side {
            OrderSide::Buy => &mut self.bids,
            OrderSide::Sell => &mut self.asks,
        };
        match crowd {
            Crowd::Fast => &mut quotes.fast,
            Crowd::Slow => &mut quotes.slow,
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
