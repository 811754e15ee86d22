//! Scenes on a timetable: markets as one wants them, to see what a strategy does in them.
//!
//! A script is TOML, one `[[scene]]` table per scene:
//!
//! ```toml
//! [[scene]]
//! at_s = 600.0          # seconds of exchange time since the start; below 0 in the made-up past
//! lasts_s = 300.0
//! count = 3             # how many times (default 1)
//! every_s = 900.0       # from one beginning to the next (default: lasts_s)
//! mood = "trend_up"     # of the whole market: quiet, normal, trend_up, trend_down, turbulent
//! symbol = "XRP/USD"    # whom the rest is about; every pair when absent
//! move_bp = 80.0        # how far the fair price goes, evenly over the scene, and stays
//! offset_bp = 60.0      # how far it stands off while the scene lasts, and comes back; arbitrage waits
//! wander_bp = 60.0      # deviation of a displacement that comes and goes like noise; arbitrage waits
//! wander_s = 3600.0     # the time in which it falls to 1/e (default 60)
//! activity = 6.0        # takers come so many times as often (default 1)
//! buys = 0.9            # share of them that buy (default: by the mood)
//! ```
//!
//! Scenes may overlap. What they do not name goes on as ever.

use paperwire_core::random::{Rng, exp};
use serde::Deserialize;

use super::regime::Regime;

/// One scene.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// Seconds since the start.
    pub at_s: f64,
    /// Its length in seconds.
    pub lasts_s: f64,
    /// How many times it comes.
    #[serde(default = "once")]
    pub count: u32,
    /// Seconds from one beginning to the next; its length unless given.
    pub every_s: Option<f64>,
    /// Mood of the whole market.
    pub mood: Option<Regime>,
    /// The pair that the rest is about, by its WebSocket name.
    pub symbol: Option<String>,
    /// Lasting move of the fair price, basis points.
    #[serde(default)]
    pub move_bp: f64,
    /// Passing displacement of the fair price, basis points.
    #[serde(default)]
    pub offset_bp: f64,
    /// Standard deviation of a displacement that reverts to nothing, basis points.
    #[serde(default)]
    pub wander_bp: f64,
    /// Its time constant in seconds.
    #[serde(default = "minute")]
    pub wander_s: f64,
    /// Factor on how often takers come.
    #[serde(default = "one")]
    pub activity: f64,
    /// Share of takers that buy.
    pub buys: Option<f64>,
}

const fn one() -> f64 {
    1.0
}

const fn once() -> u32 {
    1
}

const fn minute() -> f64 {
    60.0
}

/// Why a script cannot be played.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SceneError {
    /// Not TOML, or not of this form.
    #[error("{0}")]
    Syntax(String),
    /// A value that makes no sense.
    #[error("scene {number}: {key} = {value}: expected {expected}")]
    Value {
        /// Which, from 1.
        number: usize,
        /// The key.
        key: &'static str,
        /// Given.
        value: String,
        /// What is allowed.
        expected: &'static str,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    scene: Vec<Scene>,
}

/// Reads a script.
///
/// # Errors
/// [`SceneError`] for the first thing that is wrong.
pub fn parse(text: &str) -> Result<Vec<Scene>, SceneError> {
    let script: Script =
        toml::from_str(text).map_err(|error| SceneError::Syntax(error.to_string()))?;
    for (index, scene) in script.scene.iter().enumerate() {
        scene.check(index + 1)?;
    }
    Ok(script.scene)
}

impl Scene {
    fn check(&self, number: usize) -> Result<(), SceneError> {
        let ranges = [
            ("at_s", self.at_s, -1e7, 1e7, "-10000000 to 10000000"),
            ("lasts_s", self.lasts_s, 0.1, 1e7, "0.1 to 10000000"),
            ("count", f64::from(self.count), 1.0, 1e6, "1 to 1000000"),
            ("every_s", self.every(), self.lasts_s, 1e7, "lasts_s to 10000000"),
            ("move_bp", self.move_bp, -5000.0, 5000.0, "-5000 to 5000"),
            ("offset_bp", self.offset_bp, -5000.0, 5000.0, "-5000 to 5000"),
            ("wander_bp", self.wander_bp, 0.0, 5000.0, "0 to 5000"),
            ("wander_s", self.wander_s, 1.0, 1e7, "1 to 10000000"),
            ("activity", self.activity, 0.01, 100.0, "0.01 to 100"),
            ("buys", self.buys.unwrap_or(0.5), 0.0, 1.0, "0 to 1"),
        ];
        match ranges.into_iter().find(|(_, value, low, high, _)| !(*low..=*high).contains(value)) {
            None => Ok(()),
            Some((key, value, _, _, expected)) => {
                Err(SceneError::Value { number, key, value: value.to_string(), expected })
            }
        }
    }

    fn every(&self) -> f64 {
        self.every_s.unwrap_or(self.lasts_s)
    }

    fn is_on(&self, at_s: f64) -> bool {
        let times = ((at_s - self.at_s) / self.every()).floor();
        let since = at_s - self.at_s - times * self.every();
        (0.0..f64::from(self.count)).contains(&times) && since < self.lasts_s
    }
}

/// A scene whose pair was found.
#[derive(Clone, Debug)]
struct Cast {
    scene: Scene,
    /// `None` is every pair.
    index: Option<usize>,
    /// Where the displacement that wanders is now, in deviations.
    wander: f64,
}

/// The scenes of a market, and how far it has come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Play {
    cast: Vec<Cast>,
    at_s: f64,
}

impl Play {
    /// The scenes for these pairs from an instant on, or the name that is not among them.
    pub(crate) fn new(
        scenes: &[Scene],
        find: impl Fn(&str) -> Option<usize>,
        at_s: f64,
    ) -> Result<Self, String> {
        let cast = |scene: &Scene| {
            let index = match &scene.symbol {
                None => None,
                Some(name) => Some(find(name).ok_or_else(|| name.clone())?),
            };
            Ok(Cast { scene: scene.clone(), index, wander: 0.0 })
        };
        Ok(Self { cast: scenes.iter().map(cast).collect::<Result<_, String>>()?, at_s })
    }

    /// Lets time pass. What wanders is an Ornstein-Uhlenbeck process, exact for any step.
    pub(crate) fn step(&mut self, dt: f64, rng: &mut Rng) {
        self.at_s += dt;
        let is_on = |cast: &&mut Cast| cast.scene.wander_bp > 0.0 && cast.scene.is_on(self.at_s);
        for cast in self.cast.iter_mut().filter(is_on) {
            let keep = exp(-dt / cast.scene.wander_s);
            cast.wander = keep * cast.wander + (1.0 - keep * keep).sqrt() * rng.gaussian();
        }
    }

    fn cast_on(&self, index: usize) -> impl Iterator<Item = &Cast> {
        let concerns = move |cast: &&Cast| cast.index.is_none_or(|of| of == index);
        self.cast.iter().filter(concerns).filter(|cast| cast.scene.is_on(self.at_s))
    }

    fn on(&self, index: usize) -> impl Iterator<Item = &Scene> {
        self.cast_on(index).map(|cast| &cast.scene)
    }

    /// The mood that a scene sets.
    pub(crate) fn mood(&self) -> Option<Regime> {
        let on = self.cast.iter().filter(|cast| cast.scene.is_on(self.at_s));
        on.filter_map(|cast| cast.scene.mood).next_back()
    }

    /// By how much the logarithm of a fair price moves for good within `dt` seconds.
    pub(crate) fn drift(&self, index: usize, dt: f64) -> f64 {
        self.on(index).map(|scene| scene.move_bp * 1e-4 * dt / scene.lasts_s).sum()
    }

    /// By how much it stands off now.
    pub(crate) fn offset(&self, index: usize) -> f64 {
        let of = |cast: &Cast| cast.scene.offset_bp + cast.wander * cast.scene.wander_bp;
        self.cast_on(index).map(|cast| 1e-4 * of(cast)).sum()
    }

    /// True while a scene holds the price away from where arbitrage would bring it.
    pub(crate) fn is_held(&self, index: usize) -> bool {
        self.on(index).any(|scene| scene.offset_bp != 0.0 || scene.wander_bp > 0.0)
    }

    pub(crate) fn activity(&self, index: usize) -> f64 {
        self.on(index).map(|scene| scene.activity).product()
    }

    pub(crate) fn buys(&self, index: usize) -> Option<f64> {
        self.on(index).filter_map(|scene| scene.buys).last()
    }
}

#[cfg(test)]
mod tests;
