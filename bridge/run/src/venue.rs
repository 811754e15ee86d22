//! Where the market comes from: the built-in exchange, Kraken, or another address of its protocol.

use std::sync::Arc;

use paperwire_config::Config;
use paperwire_core::instrument::Instrument;
use paperwire_core::secret::masked_url;
use paperwire_core::time::ExchNs;
use paperwire_doctor::descriptors;
use paperwire_exchange::market::scenes;
use paperwire_exchange::{Exchange, ExchangeConfig, Faults};
use paperwire_feed::control::Control;
use paperwire_feed::net::connect::{ConnectError, Endpoint};
use paperwire_history::limiter::Limiter;
use paperwire_history::rest::Rest;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::{Deadline, Late, Stop};

use crate::history::{self, fetch};

const KRAKEN_WS: &str = "wss://ws.kraken.com/v2";
/// Base of Kraken's REST interface.
pub const KRAKEN_REST: &str = "https://api.kraken.com";

/// Whether the clock of the market runs as fast as ours, so that its time in a frame bounds when that arrived.
pub fn has_exchange_time(config: &Config) -> bool {
    config.session.source == "kraken" || (config.exchange.speed - 1.0).abs() < f64::EPSILON
}

/// Where the market comes from.
pub(crate) struct Venue {
    /// Its address.
    pub(crate) name: String,
    /// Where to connect.
    pub(crate) endpoint: Endpoint,
    rest: Option<String>,
    exchange: Option<Exchange>,
}

impl Venue {
    pub(crate) fn open(
        config: &Config,
        runtime: &tokio::runtime::Runtime,
        notices: &mut dyn Notices,
    ) -> Result<Self, RunError> {
        let source = config.session.source.as_str();
        let rest = config.rest_url.clone();
        let url_error = |error: ConnectError| RunError::Config(error.to_string());
        match source {
            "exchange" => {
                let mut exchange = exchange_config(config)?;
                exchange.connections_max = descriptors::EXCHANGE / 2;
                let exchange = runtime.block_on(Exchange::start(exchange));
                let exchange = exchange.map_err(|error| RunError::Config(error.to_string()))?;
                let endpoint = Endpoint::parse(&exchange.ws_url()).map_err(url_error)?;
                let endpoint = endpoint.trusting(exchange.certificate_der());
                let (url, rest_url) = (exchange.ws_url(), exchange.rest_url());
                let profile = &config.exchange.profile;
                notices.notice(&format!("built-in exchange at {url}, REST at {rest_url}"));
                let name = format!("{url}, built in, profile {profile}");
                let rest = Some(rest.unwrap_or(rest_url));
                Ok(Self { name, endpoint, rest, exchange: Some(exchange) })
            }
            "kraken" => {
                let endpoint = Endpoint::parse(KRAKEN_WS).map_err(url_error)?;
                let rest = Some(rest.unwrap_or_else(|| KRAKEN_REST.to_owned()));
                Ok(Self { name: KRAKEN_WS.to_owned(), endpoint, rest, exchange: None })
            }
            url => {
                let endpoint = Endpoint::parse(url).map_err(url_error)?;
                Ok(Self { name: masked_url(url), endpoint, rest, exchange: None })
            }
        }
    }

    /// Base of its REST interface, if it has one.
    pub(crate) fn rest(&self) -> Option<&str> {
        self.rest.as_deref()
    }

    /// History of every symbol; without it strategies warm up on live bars.
    ///
    /// # Errors
    /// [`RunError::Stopped`].
    pub(crate) fn history(
        &self,
        config: &Config,
        instruments: &[Instrument],
        clock: &HostClock,
        stop: &Stop,
        notices: &mut dyn Notices,
    ) -> Result<Vec<Control>, RunError> {
        let Some(rest) = self.rest.clone().filter(|_| config.warmup) else {
            return Ok(Vec::new());
        };
        let is_own = self.exchange.as_ref().is_some_and(|of| of.rest_url() == rest);
        let limiter = if is_own { Limiter::of_own_exchange() } else { Limiter::shared() };
        let (config, instruments) = (config.clone(), instruments.to_vec());
        let asking = Deadline::within(fetch::limit(instruments.len()), clock, stop);
        // The last request may have begun just before the end.
        let waiting = Deadline::within(fetch::limit(instruments.len() + 1), clock, stop);
        let until = asking.clone();
        // A database or a server that does not answer holds that thread and not this one.
        let fetched = waiting.run("warm-up", move || {
            let mut rest =
                Rest::hurried(&rest, limiter).until(Arc::new(move || until.left().is_err()));
            let mut stored = history::warm::reader(&config);
            fetch::fetch(&mut rest, &instruments, &mut stored, &asking)
        });
        match fetched {
            Ok((history, problems)) => {
                problems.iter().for_each(|problem| notices.notice(problem));
                notices.notice(&format!("{} bars of history", history.len()));
                Ok(history)
            }
            Err(Late::Stopped) => Err(RunError::Stopped),
            Err(late) => {
                notices.notice(&format!(
                    "no history: the warm-up {late}; strategies warm up on live bars"
                ));
                Ok(Vec::new())
            }
        }
    }

    pub(crate) fn close(self, runtime: &tokio::runtime::Runtime) {
        if let Some(exchange) = self.exchange {
            runtime.block_on(exchange.stop());
        }
    }
}

/// The built-in exchange as the configuration wants it.
///
/// # Errors
/// When the fault script cannot be read.
pub fn exchange_config(config: &Config) -> Result<ExchangeConfig, RunError> {
    let section = &config.exchange;
    let mut exchange = ExchangeConfig::new(config.session.seed);
    let profile = section.profile().map_err(|error| RunError::Config(error.to_string()))?;
    exchange.market.rate = section.rate * profile.rate();
    exchange.market.volatility = section.volatility * profile.volatility();
    exchange.market.extra_symbols = section.extra_symbols;
    exchange.market.history_minutes = section.history_minutes;
    exchange.market.start = ExchNs::parse_rfc3339(section.start.as_bytes());
    exchange.speed = section.speed * profile.speed();
    if !section.faults.is_empty() {
        let file = &section.faults;
        let text = std::fs::read_to_string(file)
            .map_err(|error| RunError::Config(format!("exchange.faults = {file}: {error}")))?;
        let faults = Faults::parse(&text);
        exchange.faults = faults.map_err(|error| RunError::Config(format!("{file}: {error}")))?;
    }
    if !section.scenes.is_empty() {
        let file = &section.scenes;
        let text = std::fs::read_to_string(file)
            .map_err(|error| RunError::Config(format!("exchange.scenes = {file}: {error}")))?;
        let scenes = scenes::parse(&text);
        exchange.market.scenes =
            scenes.map_err(|error| RunError::Config(format!("{file}: {error}")))?;
    }
    Ok(exchange)
}
