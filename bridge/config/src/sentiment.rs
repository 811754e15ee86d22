//! `[sentiment]`: whether and where values from outside the venue are fetched.

use std::time::Duration;

use paperwire_core::secret::{Secret, masked_url};
use serde::Deserialize;

use super::ConfigError;
use super::secrets::{no_login, secret};
use super::value::{range, wrong};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentimentSection {
    enabled: bool,
    #[serde(deserialize_with = "secret")]
    fear_greed_url: Secret,
    #[serde(deserialize_with = "secret")]
    dominance_url: Secret,
    timeout_ms: u64,
    refresh_s: u64,
}

/// Whether and where sentiment is fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentimentConfig {
    /// Whether at all.
    pub enabled: bool,
    /// Address of the fear and greed index, whose query may hold a key; `None` leaves it out.
    pub fear_greed_url: Option<Secret>,
    /// Address of bitcoin's dominance, likewise; `None` leaves it out.
    pub dominance_url: Option<Secret>,
    /// Longest time of one answer.
    pub timeout: Duration,
    /// Time between two fetches of the same address.
    pub refresh: Duration,
}

impl SentimentSection {
    pub(super) fn check(&self) -> Result<SentimentConfig, ConfigError> {
        range("sentiment.timeout_ms", self.timeout_ms, 100, 60_000)?;
        range("sentiment.refresh_s", self.refresh_s, 60, 86_400)?;
        let config = SentimentConfig {
            enabled: self.enabled,
            fear_greed_url: address("sentiment.fear_greed_url", &self.fear_greed_url)?,
            dominance_url: address("sentiment.dominance_url", &self.dominance_url)?,
            timeout: Duration::from_millis(self.timeout_ms),
            refresh: Duration::from_secs(self.refresh_s),
        };
        if config.enabled && config.fear_greed_url.is_none() && config.dominance_url.is_none() {
            let expected = "both addresses are empty; give one, or set it to false";
            return Err(wrong("sentiment.enabled", &true, expected));
        }
        Ok(config)
    }
}

/// Plain HTTP only to this machine: on any other way the answer could be anyone's.
fn address(key: &str, given: &Secret) -> Result<Option<Secret>, ConfigError> {
    let url = given.reveal();
    no_login(key, url)?;
    const LOCAL: [&str; 2] = ["http://127.0.0.1", "http://localhost"];
    let is_local = LOCAL.iter().any(|local| {
        url.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
    });
    if url.is_empty() {
        Ok(None)
    } else if is_local || url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) {
        Ok(Some(given.clone()))
    } else {
        Err(wrong(key, &masked_url(url), "expected an address https://..., or nothing"))
    }
}

#[cfg(test)]
mod tests;
