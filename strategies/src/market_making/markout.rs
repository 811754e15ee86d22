//! What the mid did after our fills: the price of being filled by those who know more.
//!
//! A fill's markout is how far the mid lies in its favour 1, 5 and 30 s later, as a fraction of the fill's
//! price; each horizon has an exponential mean. While that of 5 s is worse than a bound, both half
//! spreads widen step by step, and narrow again afterwards.

use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

const HORIZONS: [DurationNs; 3] =
    [DurationNs::from_secs(1), DurationNs::from_secs(5), DurationNs::from_secs(30)];
/// The horizon that decides.
const DECISIVE: usize = 1;
/// Fills followed at one time; more than that within half a minute are not followed.
const FOLLOWED_MAX: usize = 32;
/// Weight of the newest fill in a mean, once there are enough.
const WEIGHT: f64 = 0.1;
const WIDEN_STEP: f64 = 1.25;
const WIDEN_MAX: f64 = 2.0;

#[derive(Clone, Copy, Debug)]
struct Followed {
    side: OrderSide,
    px: f64,
    at: ExchNs,
    /// Horizons passed.
    passed: usize,
}

#[derive(Clone, Copy, Debug, Default)]
struct Mean {
    value: f64,
    count: u32,
}

impl Mean {
    fn push(&mut self, x: f64) {
        self.count = self.count.saturating_add(1);
        self.value += WEIGHT.max(1.0 / f64::from(self.count)) * (x - self.value);
    }
}

/// Follows fills of one pair.
#[derive(Debug)]
pub(super) struct Markouts {
    followed: [Option<Followed>; FOLLOWED_MAX],
    open: usize,
    means: [Mean; HORIZONS.len()],
    widening: f64,
}

impl Default for Markouts {
    fn default() -> Self {
        Self {
            followed: [None; FOLLOWED_MAX],
            open: 0,
            means: [Mean::default(); HORIZONS.len()],
            widening: 1.0,
        }
    }
}

impl Markouts {
    /// A quote was filled at `px`.
    pub(super) fn start(&mut self, side: OrderSide, px: f64, at: ExchNs) {
        if let Some(free) = self.followed.iter_mut().find(|place| place.is_none()) {
            *free = Some(Followed { side, px, at, passed: 0 });
            self.open += 1;
        }
    }

    /// Takes the mid; `bound` is the fraction that the decisive mean may lose.
    pub(super) fn look(&mut self, mid: f64, now: ExchNs, bound: f64) {
        if self.open == 0 {
            return;
        }
        for place in &mut self.followed {
            let Some(fill) = place else {
                continue;
            };
            let sign = if fill.side == OrderSide::Buy { 1.0 } else { -1.0 };
            let gain = sign * (mid - fill.px) / fill.px;
            while fill.passed < HORIZONS.len() && now.since(fill.at) >= HORIZONS[fill.passed] {
                self.means[fill.passed].push(gain);
                if fill.passed == DECISIVE {
                    let is_bad = self.means[DECISIVE].value < -bound;
                    let step = if is_bad { WIDEN_STEP } else { 1.0 / WIDEN_STEP };
                    self.widening = (self.widening * step).clamp(1.0, WIDEN_MAX);
                }
                fill.passed += 1;
            }
            if fill.passed == HORIZONS.len() {
                *place = None;
                self.open -= 1;
            }
        }
    }

    /// The factor on both half spreads, 1 to 2.
    pub(super) const fn widening(&self) -> f64 {
        self.widening
    }

    /// The decisive mean, as a fraction; zero before the first.
    pub(super) const fn mean(&self) -> f64 {
        self.means[DECISIVE].value
    }
}
