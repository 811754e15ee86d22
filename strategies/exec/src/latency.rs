//! How long the ways between the strategy and the venue are, drawn afresh for each message.
//!
//! A model gives the time of one leg of one order; the engine adds it to the exchange time of what
//! caused it and acts when the market has come that far. Draws come from the strategy's own seeded
//! generator and use no function that differs between processors, so a run repeats to the byte.
//! Latency grows with the market's message rate, since it is worst when everyone trades at once.
//! Nothing here waits, reads a clock or allocates after it was built.

mod measured;
mod random;
mod rate;

use std::fmt::{self, Debug};

use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::time::DurationNs;

pub use measured::{Measured, SAMPLES_MAX, Samples, SamplesError};
pub use paperwire_core::random::Rng;
use paperwire_core::random::{exp, ln};
pub use random::stream;
pub use rate::MessageRate;

/// The longest draw of any model, which is what histograms still resolve. A message that is on its
/// way for longer is lost rather than late.
pub const DRAW_MAX: DurationNs = DurationNs::new(LATENCY_MAX_NS);

/// Largest deviation of a log-normal latency: at 3, one draw in a thousand is ten thousand times
/// the median, and more describes no network.
pub const SIGMA_MAX: f64 = 3.0;

/// Largest exponent of the load: at 4, twice the messages take sixteen times as long.
pub const EXPONENT_MAX: f64 = 4.0;

/// Loads above this count as this, which keeps every product finite.
const LOAD_MAX: f64 = 1e6;

/// One way of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Leg {
    /// Market data from the venue's matching engine to the strategy.
    Feed,
    /// A new order to the matching engine.
    Place,
    /// A cancellation to the matching engine.
    Cancel,
    /// The venue's answer to the strategy.
    Ack,
}

impl Leg {
    /// Every leg, in the order of arrays by leg.
    pub const ALL: [Self; 4] = [Self::Feed, Self::Place, Self::Cancel, Self::Ack];

    /// As an index of an array by leg.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The word used in logs and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Place => "place",
            Self::Cancel => "cancel",
            Self::Ack => "ack",
        }
    }
}

/// Decides how long a message is on its way.
pub trait LatencyModel: Send + Debug {
    /// How it is named beside every result.
    fn name(&self) -> &str;

    /// The time of one message on `leg`, at most [`DRAW_MAX`]. `load` is the current message rate
    /// divided by the typical one ([`MessageRate::load`]).
    fn draw(&mut self, leg: Leg, rng: &mut Rng, load: f64) -> DurationNs;
}

/// How latency grows with the load: by `max(1, load)^exponent`.
///
/// A quiet market is not faster than a typical one, because distance does not shrink.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Surge {
    exponent: f64,
}

impl Surge {
    /// Latency does not depend on the load.
    pub const OFF: Self = Self { exponent: 0.0 };

    /// Latency grows with this power of the load; 0 is off.
    ///
    /// # Panics
    /// When the exponent is not in `0..=EXPONENT_MAX`.
    pub fn new(exponent: f64) -> Self {
        let is_sane = (0.0..=EXPONENT_MAX).contains(&exponent);
        assert!(is_sane, "configuration asks for a load exponent in 0..={EXPONENT_MAX}");
        Self { exponent }
    }

    /// What a latency is multiplied by: 1 or more, finite.
    pub fn factor(self, load: f64) -> f64 {
        // Written so that a load that is no number counts as typical.
        if load > 1.0 && self.exponent > 0.0 {
            exp(self.exponent * ln(load.min(LOAD_MAX)))
        } else {
            1.0
        }
    }

    /// A latency under load, exact to the nanosecond where the factor is 1.
    fn stretch(self, latency: DurationNs, load: f64) -> DurationNs {
        let factor = self.factor(load);
        if factor > 1.0 { bounded(float(latency) * factor) } else { latency.min(DRAW_MAX) }
    }
}

impl fmt::Display for Surge {
    /// Nothing when off, so that it can end any model's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exponent > 0.0 { write!(f, ", times load^{}", self.exponent) } else { Ok(()) }
    }
}

/// Every message arrives at once, under any load: the reference that others are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoLatency;

impl LatencyModel for NoLatency {
    fn name(&self) -> &str {
        "none"
    }

    fn draw(&mut self, _leg: Leg, _rng: &mut Rng, _load: f64) -> DurationNs {
        DurationNs::ZERO
    }
}

/// Each leg always takes the same time, but for the load.
#[derive(Clone, Debug)]
pub struct Constant {
    name: String,
    legs: [DurationNs; 4],
    surge: Surge,
}

impl Constant {
    /// A time for each leg, in the order of [`Leg::ALL`].
    ///
    /// # Panics
    /// When a time is above [`DRAW_MAX`].
    pub fn new(legs: [DurationNs; 4], surge: Surge) -> Self {
        let name = format!("constant {}{surge}", by_leg(&legs));
        Self { name, legs, surge }
    }
}

impl LatencyModel for Constant {
    fn name(&self) -> &str {
        &self.name
    }

    fn draw(&mut self, leg: Leg, _rng: &mut Rng, load: f64) -> DurationNs {
        self.surge.stretch(self.legs[leg.index()], load)
    }
}

/// Each leg has a median time, and a tail: its logarithm is normally distributed.
#[derive(Clone, Debug)]
pub struct LogNormal {
    name: String,
    medians: [DurationNs; 4],
    sigma: f64,
    surge: Surge,
}

impl LogNormal {
    /// A median for each leg, in the order of [`Leg::ALL`], and the deviation of the logarithm:
    /// half of all draws lie within a factor of `exp(0.674 sigma)` of the median.
    ///
    /// # Panics
    /// When a median is above [`DRAW_MAX`] or `sigma` is not in `0..=SIGMA_MAX`.
    pub fn new(medians: [DurationNs; 4], sigma: f64, surge: Surge) -> Self {
        let is_sane = (0.0..=SIGMA_MAX).contains(&sigma);
        assert!(is_sane, "configuration asks for a sigma in 0..={SIGMA_MAX}");
        let name = format!("log-normal sigma {sigma}, median {}{surge}", by_leg(&medians));
        Self { name, medians, sigma, surge }
    }
}

impl LatencyModel for LogNormal {
    fn name(&self) -> &str {
        &self.name
    }

    fn draw(&mut self, leg: Leg, rng: &mut Rng, load: f64) -> DurationNs {
        let spread = exp(self.sigma * rng.gaussian());
        bounded(float(self.medians[leg.index()]) * spread * self.surge.factor(load))
    }
}

/// The legs' times as text, and the check that all of them lie below the bound.
fn by_leg(legs: &[DurationNs; 4]) -> String {
    let [feed, place, cancel, ack] = legs;
    for time in legs {
        assert!(*time <= DRAW_MAX, "configuration asks for latencies up to {DRAW_MAX}");
    }
    format!("feed {feed}, place {place}, cancel {cancel}, ack {ack}")
}

#[expect(clippy::cast_precision_loss, reason = "latencies stay far below 2^53 ns")]
fn float(latency: DurationNs) -> f64 {
    latency.raw() as f64
}

/// The nearest latency to a number of nanoseconds, at most [`DRAW_MAX`].
#[expect(clippy::cast_possible_truncation, reason = "rounded, and below the bound")]
#[expect(clippy::cast_sign_loss, reason = "products of numbers that are not negative")]
fn bounded(ns: f64) -> DurationNs {
    debug_assert!(ns >= 0.0, "a latency is a number and not negative");
    DurationNs::new(ns.min(float(DRAW_MAX)).round() as u64)
}

#[cfg(test)]
mod tests;
