//! `[venue]`: one choice for each doubt about what a real venue would have done.

use paperwire_core::num::Money;
use paperwire_core::time::DurationNs;
use paperwire_exec::engine::VenueConfig;
use paperwire_exec::fee::{self, FeeModel, Flat};
use paperwire_exec::fill;
use paperwire_exec::latency::{
    Constant, EXPONENT_MAX, LatencyModel, Leg, LogNormal, Measured, NoLatency, SIGMA_MAX, Samples,
    Surge,
};
use paperwire_exec::world::TriggerPrice;
use serde::Deserialize;
use toml::Value;

use super::ConfigError;
use super::value::{amount, float, narrow, rate, word, wrong};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VenueSection {
    fill_model: String,
    slippage: Value,
    overlay: bool,
    bracket: bool,
    trigger_price: String,
    fees: FeesSection,
    latency: LatencySection,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FeesSection {
    schedule: String,
    maker: Value,
    taker: Value,
    volume_30d: Value,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LatencySection {
    model: String,
    feed_ms: f64,
    place_ms: f64,
    cancel_ms: f64,
    ack_ms: f64,
    sigma: f64,
    load_exponent: f64,
    typical_rate: u64,
    files: FilesSection,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FilesSection {
    feed: String,
    place: String,
    cancel: String,
    ack: String,
}

/// What the venue charges.
#[derive(Clone, Debug)]
pub enum FeeChoice {
    /// The same everywhere.
    Flat(Flat),
    /// A dated table.
    Tiered(fee::Tiered),
}

/// How long messages are on their way.
#[derive(Clone, Debug)]
pub enum LatencyChoice {
    /// No time at all.
    None,
    /// Always the same time.
    Constant(Constant),
    /// A median and a tail.
    LogNormal(LogNormal),
    /// As measured.
    Measured(Measured),
}

/// The simulated venue of every strategy.
#[derive(Clone, Debug)]
pub struct VenueChoice {
    /// What an order gets, one of [`fill::NAMES`].
    pub fill_model: String,
    /// Slippage of the `seed` model.
    pub slippage: Money,
    /// Whether own fills eat displayed liquidity.
    pub has_overlay: bool,
    /// Whether every order also meets the models of [`fill::BRACKET`].
    pub has_bracket: bool,
    /// Which price sets off stops and targets.
    pub trigger_price: TriggerPrice,
    /// What is charged.
    pub fees: FeeChoice,
    /// Value traded in the thirty days before.
    pub volume_30d: Money,
    /// Time on the way.
    pub latency: LatencyChoice,
    /// Messages per second of a typical market.
    pub typical_rate: u32,
}

impl VenueChoice {
    /// As the engine wants it.
    pub fn build(&self) -> VenueConfig {
        VenueConfig {
            fill_model: self.fill_model.clone(),
            slippage: self.slippage,
            has_overlay: self.has_overlay,
            has_bracket: self.has_bracket,
            latency: self.latency.build(),
            typical_rate: self.typical_rate,
            fees: self.fees.build(),
            trigger_price: self.trigger_price,
        }
    }
}

impl FeeChoice {
    /// The model.
    pub fn build(&self) -> Box<dyn FeeModel> {
        match self {
            Self::Flat(flat) => Box::new(flat.clone()),
            Self::Tiered(tiered) => Box::new(*tiered),
        }
    }
}

impl LatencyChoice {
    /// The model.
    pub fn build(&self) -> Box<dyn LatencyModel> {
        match self {
            Self::None => Box::new(NoLatency),
            Self::Constant(model) => Box::new(model.clone()),
            Self::LogNormal(model) => Box::new(model.clone()),
            Self::Measured(model) => Box::new(model.clone()),
        }
    }
}

impl VenueSection {
    pub(super) fn check(&self) -> Result<VenueChoice, ConfigError> {
        let is_known = |name: &str| fill::NAMES.contains(&name).then(|| name.to_owned());
        let triggers = ["executable", "last", "mid"];
        Ok(VenueChoice {
            fill_model: word("venue.fill_model", &self.fill_model, &fill::NAMES, is_known)?,
            slippage: rate("venue.slippage", &self.slippage)?,
            has_overlay: self.overlay,
            has_bracket: self.bracket,
            trigger_price: word(
                "venue.trigger_price",
                &self.trigger_price,
                &triggers,
                TriggerPrice::by_name,
            )?,
            fees: self.fees.check()?,
            volume_30d: amount("venue.fees.volume_30d", &self.fees.volume_30d)?,
            latency: self.latency.check()?,
            typical_rate: narrow(
                "venue.latency.typical_rate",
                self.latency.typical_rate,
                1,
                1_000_000,
            )?,
        })
    }
}

impl FeesSection {
    fn check(&self) -> Result<FeeChoice, ConfigError> {
        // Checked whichever schedule is chosen: a wrong value must not wait for its day.
        let maker = rate("venue.fees.maker", &self.maker)?;
        let taker = rate("venue.fees.taker", &self.taker)?;
        let known: Vec<&str> = std::iter::once("flat").chain(fee::PRESETS).collect();
        word("venue.fees.schedule", &self.schedule, &known, |name| match name {
            "flat" => Some(FeeChoice::Flat(Flat::new(maker, taker))),
            preset => fee::by_name(preset).map(FeeChoice::Tiered),
        })
    }
}

const MS_MAX: f64 = 60_000.0;

impl LatencySection {
    fn check(&self) -> Result<LatencyChoice, ConfigError> {
        let legs = self.legs()?;
        let sigma = float("venue.latency.sigma", self.sigma, 0.0, SIGMA_MAX)?;
        let exponent = float("venue.latency.load_exponent", self.load_exponent, 0.0, EXPONENT_MAX)?;
        let surge = Surge::new(exponent);
        Ok(match self.model.as_str() {
            "none" => LatencyChoice::None,
            "constant" => LatencyChoice::Constant(Constant::new(legs, surge)),
            "lognormal" => LatencyChoice::LogNormal(LogNormal::new(legs, sigma, surge)),
            "measured" => LatencyChoice::Measured(Measured::new(self.files.read()?, surge)),
            other => {
                let expected = "expected \"none\", \"constant\", \"lognormal\", \"measured\"";
                return Err(wrong("venue.latency.model", &other, expected));
            }
        })
    }

    fn legs(&self) -> Result<[DurationNs; 4], ConfigError> {
        let mut legs = [DurationNs::ZERO; 4];
        let values = [self.feed_ms, self.place_ms, self.cancel_ms, self.ack_ms];
        for ((of, leg), ms) in Leg::ALL.into_iter().zip(&mut legs).zip(values) {
            let ms = float(&format!("venue.latency.{}_ms", of.as_str()), ms, 0.0, MS_MAX)?;
            let ns = std::time::Duration::from_secs_f64(ms / 1000.0).as_nanos();
            *leg = DurationNs::new(u64::try_from(ns).expect("at most a minute"));
        }
        Ok(legs)
    }
}

impl FilesSection {
    /// Samples of each leg, in the order of [`Leg::ALL`].
    fn read(&self) -> Result<[Samples; 4], ConfigError> {
        Ok([
            samples(Leg::Feed, &self.feed)?,
            samples(Leg::Place, &self.place)?,
            samples(Leg::Cancel, &self.cancel)?,
            samples(Leg::Ack, &self.ack)?,
        ])
    }
}

fn samples(leg: Leg, file: &str) -> Result<Samples, ConfigError> {
    let key = format!("venue.latency.files.{}", leg.as_str());
    if file.is_empty() {
        let expected = "the model \"measured\" needs a file of latencies in microseconds here";
        return Err(wrong(&key, &"\"\"", expected));
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| wrong(&key, &file, &format!("cannot be read: {error}")))?;
    Samples::parse(&text).map_err(|error| wrong(&key, &file, &error.to_string()))
}
