//! How much a cycle carries: three ladders walked together.

use paperwire_core::book::Level;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::num::Px;
use paperwire_core::trade::OrderSide;

/// Steps of the walk; each uses up a level of one leg.
const STEPS_MAX: usize = 30;

/// One leg of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leg {
    pub(super) symbol: SymbolId,
    pub(super) side: OrderSide,
}

/// What a cycle gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Plan {
    /// Money put in, in the quote currency of the first leg.
    pub(super) put_in: f64,
    /// What remains of it after the last leg and all fees, as a fraction beyond 1.
    pub(super) net: f64,
    /// Coins of each leg's base.
    pub(super) coins: [f64; 3],
    /// Worst level of each leg.
    pub(super) worst: [Px; 3],
}

/// A place on one leg's ladder. A buy turns quote into base, a sale base into quote.
struct Climber<'a> {
    levels: &'a [Level],
    of: &'a Instrument,
    side: OrderSide,
    /// What comes out for one that goes in, at this level.
    rate: f64,
    /// How much more may go in at this level.
    left: f64,
    px: Px,
    coins: f64,
}

impl<'a> Climber<'a> {
    fn new(leg: Leg, market: &MarketView<'a>) -> Option<Self> {
        let of = market.symbol(leg.symbol).instrument();
        let levels = market.takeable(leg.symbol, leg.side);
        let mut climber =
            Self { levels, of, side: leg.side, rate: 0.0, left: 0.0, px: Px::ZERO, coins: 0.0 };
        climber.climb().then_some(climber)
    }

    /// Goes to the next level; false at the end of what is shown.
    fn climb(&mut self) -> bool {
        let Some((level, rest)) = self.levels.split_first() else {
            return false;
        };
        self.levels = rest;
        let (px, qty) = (self.of.px_f64(level.px), self.of.qty_f64(level.qty));
        (self.rate, self.left) = match self.side {
            OrderSide::Buy => (1.0 / px, qty * px),
            OrderSide::Sell => (px, qty),
        };
        self.px = level.px;
        self.rate.is_finite() && self.rate > 0.0
    }

    fn take(&mut self, amount: f64) -> f64 {
        self.left -= amount;
        let out = amount * self.rate;
        self.coins += if self.side == OrderSide::Buy { out } else { amount };
        out
    }
}

/// Walks as far as the next unit still earns `least`, up to `limit` of money. `kept` is what fees
/// leave of a unit that goes round. `None` when not even the first unit earns it.
pub(super) fn solve(
    legs: [Leg; 3],
    market: &MarketView<'_>,
    kept: f64,
    least: f64,
    limit: f64,
) -> Option<Plan> {
    let [a, b, c] = legs.map(|leg| Climber::new(leg, market));
    let mut climbers = [a?, b?, c?];
    let (mut put_in, mut out) = (0.0, 0.0);
    let mut worst = [Px::ZERO; 3];
    for _ in 0..STEPS_MAX {
        let [first, second, third] = &climbers;
        let round = first.rate * second.rate * third.rate;
        if round * kept - 1.0 < least || put_in >= limit {
            break;
        }
        // What each leg still takes, in money put in.
        let room = [first.left, second.left / first.rate, third.left / (first.rate * second.rate)];
        let step = room.iter().fold(limit - put_in, |least, room| least.min(*room)).max(0.0);
        let mut amount = step;
        for (climber, worst) in climbers.iter_mut().zip(&mut worst) {
            *worst = climber.px;
            amount = climber.take(amount);
        }
        put_in += step;
        out += amount;
        // The leg that bound goes on; rounding must not keep it where nothing is left.
        let is_over = climbers.iter_mut().zip(room).any(|(climber, room)| {
            let is_used_up = room <= step * (1.0 + 1e-12);
            is_used_up && !climber.climb()
        });
        if is_over {
            break;
        }
    }
    let is_plan = put_in > 0.0 && out.is_finite();
    is_plan.then(|| Plan {
        put_in,
        net: out * kept / put_in - 1.0,
        coins: climbers.map(|climber| climber.coins),
        worst,
    })
}
