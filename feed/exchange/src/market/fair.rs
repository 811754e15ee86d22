//! The price everybody has in mind: correlated fair values, moved by regimes, jumps and order flow.
//!
//! One common factor and one own factor per pair follow a random walk whose drift and volatility
//! come from a Markov regime. Order flow pushes a fair value, half of it for good and half fading.
//! A ratio pair has no walk: it is its two legs plus a small deviation that dies out.

use paperwire_core::random::{Rng, exp, ln};
use serde::Deserialize;

use super::listing::{Anchor, Listing};
use super::scenes::Play;

/// Mood of the whole market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Regime {
    /// Little happens.
    Quiet,
    /// An ordinary hour.
    Normal,
    /// Prices drift up.
    TrendUp,
    /// Prices drift down.
    TrendDown,
    /// Large moves either way.
    Turbulent,
}

impl Regime {
    /// Volatility against normal, drift in basis points per minute, mean stay in seconds.
    const fn character(self) -> (f64, f64, f64) {
        match self {
            Self::Quiet => (0.5, 0.0, 120.0),
            Self::Normal => (1.0, 0.0, 150.0),
            Self::TrendUp => (1.1, 5.0, 70.0),
            Self::TrendDown => (1.1, -5.0, 70.0),
            Self::Turbulent => (2.6, 0.0, 40.0),
        }
    }

    fn next(self, rng: &mut Rng) -> Self {
        match (self, rng.below(8)) {
            (Self::Quiet, 0..=4) | (Self::TrendUp | Self::TrendDown, 0..=3) => Self::Normal,
            (Self::Quiet, 5) | (Self::Normal, 0..=1) | (Self::Turbulent, 0..=1) => Self::TrendUp,
            (Self::Quiet, _) | (Self::Normal, 2..=3) | (Self::Turbulent, 2..=3) => Self::TrendDown,
            (Self::Normal, 4..=6) | (Self::TrendUp | Self::TrendDown, 4) => Self::Quiet,
            (Self::Normal, _) | (Self::TrendUp | Self::TrendDown, 5..=6) => Self::Turbulent,
            (Self::TrendUp, _) => Self::TrendDown,
            (Self::TrendDown, _) => Self::TrendUp,
            (Self::Turbulent, _) => Self::Normal,
        }
    }

    /// Which way flow leans: the chance that a new buyer or seller is a buyer.
    pub(crate) const fn buy_bias(self) -> f64 {
        match self {
            Self::TrendUp => 0.66,
            Self::TrendDown => 0.34,
            Self::Quiet | Self::Normal | Self::Turbulent => 0.5,
        }
    }

    /// How busy takers are against normal.
    pub(crate) const fn activity(self) -> f64 {
        match self {
            Self::Quiet => 0.7,
            Self::Normal => 1.0,
            Self::TrendUp | Self::TrendDown => 1.3,
            Self::Turbulent => 1.8,
        }
    }
}

/// Volatility of the common factor, basis points per square root of a minute, in the normal regime.
const MARKET_VOL_BP: f64 = 3.0;
/// Mean seconds between jumps of the common factor.
const JUMP_EVERY_S: f64 = 400.0;
/// Seconds in which the fading half of an impact falls to 1/e.
const IMPACT_FADES_S: f64 = 12.0;
/// The same for the deviation of a ratio pair from its legs.
const DEVIATION_FADES_S: f64 = 8.0;
const BP: f64 = 1e-4;
/// The pair whose flow moves all: bitcoin, which is listed first.
const LEADER: usize = 0;

#[derive(Clone, Copy, Debug)]
struct Walk {
    anchor: Anchor,
    own_vol: f64,
    log_px: f64,
    fading: f64,
}

/// Fair values of all pairs.
#[derive(Debug)]
pub(crate) struct Fair {
    rng: Rng,
    regime: Regime,
    regime_left_s: f64,
    walks: Vec<Walk>,
    play: Play,
    /// Factor on every random move.
    stretch: f64,
}

impl Fair {
    /// Fair prices at the start of `play`; every random move is `stretch` times as large as usual.
    pub(crate) fn new(listings: &[Listing], rng: Rng, play: Play, stretch: f64) -> Self {
        let walks = listings
            .iter()
            .map(|l| Walk {
                anchor: l.behaviour.anchor,
                own_vol: l.behaviour.own_vol_bp * BP,
                log_px: match l.behaviour.anchor {
                    Anchor::Market(_) => ln(l.behaviour.start),
                    Anchor::Ratio(..) => 0.0,
                },
                fading: 0.0,
            })
            .collect();
        Self { rng, regime: Regime::Normal, regime_left_s: 45.0, walks, play, stretch }
    }

    pub(crate) const fn regime(&self) -> Regime {
        self.regime
    }

    /// Which way flow leans in a pair: the chance that a new buyer or seller is a buyer.
    pub(crate) fn buy_bias(&self, index: usize) -> f64 {
        self.play.buys(index).unwrap_or(self.regime.buy_bias())
    }

    /// How busy the takers of a pair are against normal.
    pub(crate) fn activity(&self, index: usize) -> f64 {
        self.regime.activity() * self.play.activity(index)
    }

    /// Lets `dt` seconds pass.
    pub(crate) fn step(&mut self, dt: f64) {
        self.regime_left_s -= dt;
        if self.regime_left_s <= 0.0 {
            self.regime = self.regime.next(&mut self.rng);
            self.regime_left_s = self.rng.exponential(self.regime.character().2).max(8.0);
        }
        self.play.step(dt, &mut self.rng);
        if let Some(mood) = self.play.mood() {
            self.regime = mood;
        }
        let (vol, drift_bp, _) = self.regime.character();
        let vol = vol * self.stretch;
        let root = (dt / 60.0).sqrt();
        let mut common = drift_bp * BP * dt / 60.0;
        common += vol * MARKET_VOL_BP * BP * root * self.rng.gaussian();
        if self.rng.chance(dt / JUMP_EVERY_S) {
            let size = self.rng.range(4.0, 14.0) * BP * self.stretch;
            common += if self.rng.chance(self.regime.buy_bias()) { size } else { -size };
        }
        let keep = exp(-dt / IMPACT_FADES_S);
        let keep_deviation = exp(-dt / DEVIATION_FADES_S);
        for (index, walk) in self.walks.iter_mut().enumerate() {
            walk.fading *= keep;
            walk.log_px += self.play.drift(index, dt);
            match walk.anchor {
                Anchor::Market(beta) => {
                    let own = vol * walk.own_vol * root * self.rng.gaussian();
                    walk.log_px += beta * common + own;
                }
                Anchor::Ratio(..) => {
                    let noise = 2.0 * BP * (2.0 * dt / DEVIATION_FADES_S).sqrt();
                    walk.log_px = walk.log_px * keep_deviation + noise * self.rng.gaussian();
                }
            }
        }
    }

    /// Order flow moves the fair value of `index` by `bp` basis points, half of it for good. Flow in the
    /// first pair is news for the whole market: the others follow it, each by its part.
    pub(crate) fn push(&mut self, index: usize, bp: f64) {
        self.walks[index].log_px += 0.5 * bp * BP;
        self.walks[index].fading += 0.5 * bp * BP;
        if index == LEADER {
            for walk in &mut self.walks[LEADER + 1..] {
                if let Anchor::Market(beta) = walk.anchor {
                    walk.log_px += 0.5 * beta * bp * BP;
                }
            }
        }
    }

    /// Arbitrage pulls a ratio pair back towards its legs.
    pub(crate) fn close_deviation(&mut self, index: usize) {
        let walk = &mut self.walks[index];
        debug_assert!(matches!(walk.anchor, Anchor::Ratio(..)), "only a ratio can deviate");
        walk.log_px *= 0.4;
        walk.fading *= 0.4;
    }

    /// True while a scene keeps a ratio pair away from its legs.
    pub(crate) fn is_held(&self, index: usize) -> bool {
        self.play.is_held(index)
    }

    /// The fair price.
    pub(crate) fn price(&self, index: usize) -> f64 {
        exp(self.log_price(index))
    }

    /// Its logarithm.
    pub(crate) fn log_price(&self, index: usize) -> f64 {
        let walk = &self.walks[index];
        let legs = match walk.anchor {
            Anchor::Market(_) => 0.0,
            Anchor::Ratio(over, under) => self.log_price(over) - self.log_price(under),
        };
        legs + walk.log_px + walk.fading + self.play.offset(index)
    }
}
