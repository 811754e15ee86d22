//! The price that everything known so far is worth, and how fast it moves: a martingale.
//!
//! A fair price stands still until something is learned: from an informed order ([`Fair::learn`]), from
//! news that concerns all pairs ([`Fair::strike`]), or from a scene ([`super::scenes`]). Orders move it by
//! what is surprising about them, news by draws of mean zero, so that nothing that has happened says where
//! it will go, while the volatility has a memory: a regime and two passing moods multiply it. A ratio
//! pair is its two legs plus a small deviation that dies out. Only a scene gives the price a direction.

use paperwire_core::random::{Rng, exp, ln};

use super::listing::{Anchor, Listing};
use super::regime::Regime;
use super::scenes::Play;

/// Part of the volatility that all pairs share, basis points per square root of a minute.
pub(crate) const NEWS_VOL_BP: f64 = 3.0;
/// Passing moods of the volatility: seconds in which they fall to 1/e, and the deviation of their logarithm.
const MOODS: [(f64, f64); 2] = [(45.0, 0.40), (400.0, 0.45)];
/// Seconds in which the deviation of a ratio pair from its legs falls to 1/e, and its size.
const DEVIATION_FADES_S: f64 = 8.0;
const DEVIATION_BP: f64 = 0.8;
/// One basis point.
pub(crate) const BP: f64 = 1e-4;

#[derive(Clone, Copy, Debug)]
struct Walk {
    anchor: Anchor,
    /// Own volatility, per square root of a minute.
    own_vol: f64,
    log_px: f64,
}

/// Fair values of all pairs.
#[derive(Debug)]
pub(crate) struct Fair {
    rng: Rng,
    regime: Regime,
    regime_left_s: f64,
    moods: [f64; MOODS.len()],
    walks: Vec<Walk>,
    play: Play,
    /// Factor of the profile on every random move.
    stretch: f64,
}

impl Fair {
    /// Fair prices at the start of `play`; every random move is `stretch` times as large as usual.
    pub(crate) fn new(listings: &[Listing], mut rng: Rng, play: Play, stretch: f64) -> Self {
        let walks = listings
            .iter()
            .map(|l| Walk {
                anchor: l.behaviour.anchor,
                own_vol: l.behaviour.own_vol_bp * BP,
                log_px: match l.behaviour.anchor {
                    Anchor::Market(_) => ln(l.behaviour.start),
                    Anchor::Ratio(..) => 0.0,
                },
            })
            .collect();
        let moods = MOODS.map(|(_, sigma)| sigma * rng.gaussian());
        let regime = Regime::Normal;
        Self { rng, regime, regime_left_s: 240.0, moods, walks, play, stretch }
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
        self.pulse() * self.play.activity(index)
    }

    /// How lively the market is against an ordinary moment: 1 on average over the squares.
    pub(crate) fn pulse(&self) -> f64 {
        let spread: f64 = MOODS.iter().map(|(_, sigma)| sigma * sigma).sum();
        self.regime.character().0 * exp(self.moods.iter().sum::<f64>() - spread)
    }

    /// Factor on the size of a single move. Moves come `pulse` times as often, so that the variance of a
    /// second grows with its square.
    pub(crate) fn size(&self) -> f64 {
        self.stretch * self.pulse().sqrt()
    }

    /// Lets `dt` seconds pass.
    pub(crate) fn step(&mut self, dt: f64) {
        self.regime_left_s -= dt;
        if self.regime_left_s <= 0.0 {
            self.regime = self.regime.next(&mut self.rng);
            self.regime_left_s = self.rng.exponential(self.regime.character().2).max(8.0);
        }
        for (mood, (fades_s, sigma)) in self.moods.iter_mut().zip(MOODS) {
            let keep = exp(-dt / fades_s);
            *mood = keep * *mood + sigma * (1.0 - keep * keep).sqrt() * self.rng.gaussian();
        }
        self.play.step(dt, &mut self.rng);
        if let Some(mood) = self.play.mood() {
            self.regime = mood;
        }
        let common = self.regime.character().1 * BP * dt / 60.0;
        let keep = exp(-dt / DEVIATION_FADES_S);
        for (index, walk) in self.walks.iter_mut().enumerate() {
            walk.log_px += self.play.drift(index, dt);
            match walk.anchor {
                Anchor::Market(beta) => walk.log_px += beta * common,
                Anchor::Ratio(..) => {
                    let noise = DEVIATION_BP * BP * (1.0 - keep * keep).sqrt();
                    walk.log_px = walk.log_px * keep + noise * self.rng.gaussian();
                }
            }
        }
    }

    /// Lets `dt` seconds of the made-up past go by, where orders and news are not played one by one.
    pub(crate) fn step_past(&mut self, dt: f64) {
        self.step(dt);
        let root = self.stretch * self.pulse() * (dt / 60.0).sqrt();
        let common = NEWS_VOL_BP * BP * root * self.rng.gaussian();
        for walk in &mut self.walks {
            if let Anchor::Market(beta) = walk.anchor {
                walk.log_px += beta * common + walk.own_vol * root * self.rng.gaussian();
            }
        }
    }

    /// An informed order moves the fair value of one pair.
    pub(crate) fn learn(&mut self, index: usize, log_move: f64) {
        self.walks[index].log_px += log_move;
    }

    /// News move every pair that follows the market, each by its part.
    pub(crate) fn strike(&mut self, log_move: f64) {
        for walk in &mut self.walks {
            if let Anchor::Market(beta) = walk.anchor {
                walk.log_px += beta * log_move;
            }
        }
    }

    /// Arbitrage pulls a ratio pair back towards its legs.
    pub(crate) fn close_deviation(&mut self, index: usize) {
        let walk = &mut self.walks[index];
        debug_assert!(matches!(walk.anchor, Anchor::Ratio(..)), "only a ratio can deviate");
        walk.log_px *= 0.4;
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
        legs + walk.log_px + self.play.offset(index)
    }
}
