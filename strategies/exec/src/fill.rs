//! Fill models: what the simulated venue gives an order.
//!
//! Nobody outside the venue knows what an order would really have got, so the doubt is a value: each
//! model answers the same two questions, what a taker gets from a book and when a resting order is
//! reached. A run names its model wherever it shows money, and may price the same orders under several
//! at once. No model ever fills from a book that is not live; the caller sees to that.

use std::fmt::Debug;

use paperwire_core::book::Level;
use paperwire_core::checksum::CHECKED_LEVELS;
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::{Money, Notional, Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use crate::consumed::Consumed;
use crate::queue::QueuePosition;

/// What a taker wants.
#[derive(Clone, Copy, Debug)]
pub struct Taker<'a> {
    /// In what.
    pub symbol: SymbolId,
    /// Direction.
    pub side: OrderSide,
    /// How much at most.
    pub qty: Qty,
    /// The worst price it accepts; `None` accepts all.
    pub limit: Option<Px>,
    /// The side of the book it takes from, best first.
    pub levels: &'a [Level],
}

/// What a taker gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Walk {
    /// Filled quantity.
    pub qty: Qty,
    /// Sum of price times quantity.
    pub notional: Notional,
    /// Price of the last level taken.
    pub worst_px: Px,
    /// Place of the last level taken, from 1; 0 when nothing was.
    pub levels: u16,
    /// Displayed quantity passed over because the account had taken it before.
    pub consumed: Qty,
}

impl Walk {
    /// A whole quantity at one price.
    pub const fn at(px: Px, qty: Qty, levels: u16) -> Self {
        Self { qty, notional: px.notional(qty), worst_px: px, levels, consumed: Qty::ZERO }
    }

    /// The average price, rounded to the price precision, for display and for percentages.
    ///
    /// # Panics
    /// Of nothing.
    pub fn average_px(&self) -> Px {
        let qty = i128::from(self.qty.raw());
        let rounded = (self.notional.raw() + qty / 2).div_euclid(qty);
        Px::new(i64::try_from(rounded).expect("an average lies between the prices it is of"))
    }

    /// True when it reached levels that no checksum covers.
    pub fn is_unverified_depth(&self) -> bool {
        usize::from(self.levels) > CHECKED_LEVELS
    }
}

/// A public trade as resting orders see it; what fills one of them is gone for the next.
#[derive(Clone, Copy, Debug)]
pub struct Print {
    /// Price.
    pub px: Px,
    /// Quantity that is left of it.
    pub qty: Qty,
    /// The taker's side.
    pub taker: OrderSide,
    /// When the exchange matched it.
    pub at: ExchNs,
}

/// A resting order as its fill model sees it.
#[derive(Clone, Copy, Debug)]
pub struct Rest {
    /// Direction.
    pub side: OrderSide,
    /// Its price.
    pub px: Px,
    /// Quantity not yet filled.
    pub left: Qty,
    /// The part of it that stands in the queue: of an iceberg the shown one.
    pub shown: Qty,
}

impl Rest {
    /// True when the print went beyond the price, so that everything there was taken.
    fn is_through(&self, print: &Print) -> bool {
        self.side.accepts(self.px, print.px) && print.px != self.px
    }

    fn is_hit_by(&self, print: &Print) -> bool {
        print.taker != self.side && self.side.accepts(self.px, print.px)
    }
}

/// What the simulated venue gives.
pub trait FillModel: Send + Debug {
    /// Its word in configuration and reports.
    fn name(&self) -> &'static str;

    /// What a taker gets now, or a resting order that the other side has reached. `consumed` says what
    /// the account has taken of these levels before.
    fn take(&self, taker: &Taker<'_>, consumed: &Consumed) -> Walk;

    /// Remembers as taken what [`Self::take`] gave for the same arguments.
    fn commit(&self, taker: &Taker<'_>, consumed: &mut Consumed);

    /// What a print fills of a resting order.
    fn on_print(&self, rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty;
}

/// What one level gives: what it shows less what was taken before, as far as `share` gives it away.
/// Also what was taken before.
fn free(
    taker: &Taker<'_>,
    level: &Level,
    consumed: &Consumed,
    share: impl Fn(Qty) -> Qty,
) -> (Qty, Qty) {
    let gone = consumed.at(taker.symbol, taker.side.takes(), level.px).min(level.qty);
    (Qty::new((share(level.qty).raw() - gone.raw()).max(0)), gone)
}

fn accepted<'a>(taker: &Taker<'a>) -> impl Iterator<Item = (u16, &'a Level)> {
    let (limit, side) = (taker.limit, taker.side);
    (1u16..)
        .zip(taker.levels)
        .take_while(move |(_, level)| limit.is_none_or(|limit| side.accepts(limit, level.px)))
}

fn walk(taker: &Taker<'_>, consumed: &Consumed, share: impl Fn(Qty) -> Qty) -> Walk {
    let mut left = taker.qty;
    let mut walk = Walk::default();
    for (place, level) in accepted(taker) {
        if left.is_zero() {
            break;
        }
        let (free, gone) = free(taker, level, consumed, &share);
        walk.consumed += gone;
        if free.is_zero() {
            continue;
        }
        let taken = left.min(free);
        walk.qty += taken;
        walk.notional += level.px.notional(taken);
        walk.worst_px = level.px;
        walk.levels = place;
        left -= taken;
    }
    walk
}

fn commit(taker: &Taker<'_>, consumed: &mut Consumed, share: impl Fn(Qty) -> Qty) {
    let mut left = taker.qty;
    let is_untouched = consumed.is_untouched(taker.symbol);
    for (_, level) in accepted(taker) {
        if left.is_zero() {
            break;
        }
        let (free, gone) = if is_untouched {
            (share(level.qty), Qty::ZERO)
        } else {
            free(taker, level, consumed, &share)
        };
        let taken = left.min(free);
        if taken.is_zero() {
            continue;
        }
        left -= taken;
        if gone.is_zero() {
            consumed.take_first(taker.symbol, taker.side.takes(), level.px, taken);
        } else {
            consumed.take_more(taker.symbol, taker.side.takes(), level.px, taken);
        }
    }
}

const fn whole(shown: Qty) -> Qty {
    shown
}

const fn half(shown: Qty) -> Qty {
    Qty::new(shown.raw() / 2)
}

/// What goes strictly through a resting order fills it, as far as it goes.
fn fill_through(rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty {
    if rest.is_hit_by(print) && rest.is_through(print) {
        queue.on_print_through(print.qty, print.at, rest.left)
    } else {
        Qty::ZERO
    }
}

/// The predecessor's rule: all of it at the touch, a fixed slippage worse, whatever the book shows.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    /// Slippage as a fraction of the price.
    pub slippage: Money,
}

impl FillModel for Seed {
    fn name(&self) -> &'static str {
        "seed"
    }

    fn take(&self, taker: &Taker<'_>, _: &Consumed) -> Walk {
        let Some(best) = taker.levels.first() else {
            return Walk::default();
        };
        if taker.limit.is_some_and(|limit| !taker.side.accepts(limit, best.px)) {
            return Walk::default();
        }
        // Rounded away from us to the price grid, and never beyond the limit.
        let slip: i64 = (Money::from_num(best.px.raw()) * self.slippage).ceil().to_num();
        let px = match taker.side {
            OrderSide::Buy => Px::new(best.px.raw() + slip),
            OrderSide::Sell => Px::new((best.px.raw() - slip).max(1)),
        };
        let px = match taker.limit {
            Some(limit) if !taker.side.accepts(limit, px) => limit,
            _ => px,
        };
        Walk::at(px, taker.qty, 1)
    }

    fn commit(&self, _: &Taker<'_>, _: &mut Consumed) {}

    fn on_print(&self, rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty {
        if fill_through(rest, queue, print).is_zero() { Qty::ZERO } else { rest.left }
    }
}

/// Takers walk the visible book; a resting order fills by what trades strictly through its price.
#[derive(Clone, Copy, Debug)]
pub struct BookWalk;

impl FillModel for BookWalk {
    fn name(&self) -> &'static str {
        "book_walk"
    }

    fn take(&self, taker: &Taker<'_>, consumed: &Consumed) -> Walk {
        walk(taker, consumed, whole)
    }

    fn commit(&self, taker: &Taker<'_>, consumed: &mut Consumed) {
        commit(taker, consumed, whole);
    }

    fn on_print(&self, rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty {
        fill_through(rest, queue, print)
    }
}

/// Takers walk the visible book; a resting order waits its turn in the queue at its price.
#[derive(Clone, Copy, Debug)]
pub struct Queue;

impl FillModel for Queue {
    fn name(&self) -> &'static str {
        "queue"
    }

    fn take(&self, taker: &Taker<'_>, consumed: &Consumed) -> Walk {
        walk(taker, consumed, whole)
    }

    fn commit(&self, taker: &Taker<'_>, consumed: &mut Consumed) {
        commit(taker, consumed, whole);
    }

    fn on_print(&self, rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty {
        if rest.is_hit_by(print) && !rest.is_through(print) {
            queue.on_print_at(print.qty, print.at, rest.shown)
        } else {
            fill_through(rest, queue, print)
        }
    }
}

/// The lower end of the bracket: half of each level is gone before a taker gets there, and a resting
/// order fills only by what trades strictly through its price.
#[derive(Clone, Copy, Debug)]
pub struct Pessimistic;

impl FillModel for Pessimistic {
    fn name(&self) -> &'static str {
        "pessimistic"
    }

    fn take(&self, taker: &Taker<'_>, consumed: &Consumed) -> Walk {
        walk(taker, consumed, half)
    }

    fn commit(&self, taker: &Taker<'_>, consumed: &mut Consumed) {
        commit(taker, consumed, half);
    }

    fn on_print(&self, rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty {
        fill_through(rest, queue, print)
    }
}

/// The upper end of the bracket: takers get everything at the touch, a resting order fills whole as
/// soon as anything trades at its price.
#[derive(Clone, Copy, Debug)]
pub struct Optimistic;

impl FillModel for Optimistic {
    fn name(&self) -> &'static str {
        "optimistic"
    }

    fn take(&self, taker: &Taker<'_>, _: &Consumed) -> Walk {
        match taker.levels.first() {
            Some(best) if taker.limit.is_none_or(|limit| taker.side.accepts(limit, best.px)) => {
                Walk::at(best.px, taker.qty, 1)
            }
            _ => Walk::default(),
        }
    }

    fn commit(&self, _: &Taker<'_>, _: &mut Consumed) {}

    fn on_print(&self, rest: &Rest, queue: &mut QueuePosition, print: &Print) -> Qty {
        let is_later = print.at > queue.entered_at();
        if is_later && rest.is_hit_by(print) { rest.left } else { Qty::ZERO }
    }
}

/// The model called `name`, or `None`; `slippage` is used by `seed` alone.
pub fn by_name(name: &str, slippage: Money) -> Option<Box<dyn FillModel>> {
    Some(match name {
        "seed" => Box::new(Seed { slippage }),
        "book_walk" => Box::new(BookWalk),
        "queue" => Box::new(Queue),
        "pessimistic" => Box::new(Pessimistic),
        "optimistic" => Box::new(Optimistic),
        _ => return None,
    })
}

/// Every name of [`by_name`] that a run may choose.
pub const NAMES: [&str; 3] = ["seed", "book_walk", "queue"];

/// The models of the bracket, from low to high.
pub const BRACKET: [&str; 3] = ["pessimistic", "queue", "optimistic"];

#[cfg(test)]
mod tests;
