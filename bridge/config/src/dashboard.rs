//! `[dashboard]` and `[alerts]`: how the page is served, and who is told when nobody looks at it.

use std::net::SocketAddr;

use paperwire_core::secret::{MASK, Secret};
use paperwire_dashboard::alert::{Channel, Rules};
use paperwire_dashboard::{CONNECTIONS_MAX, Settings};
use serde::Deserialize;

use super::ConfigError;
use super::secrets::{plain_address, secret};
use super::value::{float, narrow, range, wrong};

/// `[dashboard]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DashboardFile {
    enabled: bool,
    bind: String,
    #[serde(deserialize_with = "secret")]
    token: Secret,
    names: Vec<String>,
    updates_per_s: f64,
}

/// `[alerts]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsFile {
    #[serde(deserialize_with = "secret")]
    webhook_url: Secret,
    #[serde(deserialize_with = "secret")]
    discord_url: Secret,
    #[serde(deserialize_with = "secret")]
    telegram_token: Secret,
    telegram_chat: String,
    telegram_url: String,
    drawdown_pct: f64,
    feed_gap_s: u64,
    writer_lag_s: u64,
    halted: bool,
    hourly_max: u64,
}

/// How the page is served.
#[derive(Clone, Debug)]
pub struct DashboardSection {
    /// Whether it is.
    pub enabled: bool,
    /// Where it listens.
    pub bind: SocketAddr,
    /// What a browser or a program must know.
    pub token: Option<Secret>,
    /// Further names of this server.
    pub names: Vec<String>,
    /// Updates each second.
    pub updates_per_s: f64,
}

impl DashboardSection {
    /// As the server of the page wants it, with so many connections at once at most.
    pub fn settings(&self, connections_max: usize) -> Settings {
        Settings {
            bind: self.bind,
            token: self.token.clone(),
            names: self.names.clone(),
            connections_max: connections_max.min(CONNECTIONS_MAX),
        }
    }
}

/// Who is told when.
#[derive(Clone, Debug)]
pub struct AlertsSection {
    /// When.
    pub rules: Rules,
    /// Who; nobody without an address.
    pub channels: Vec<Channel>,
}

impl DashboardFile {
    pub(super) fn check(self) -> Result<DashboardSection, ConfigError> {
        let bind = self.bind.parse().map_err(|_| {
            wrong("dashboard.bind", &self.bind, "expected an address and a port, 127.0.0.1:8080")
        })?;
        float("dashboard.updates_per_s", self.updates_per_s, 1.0, 4.0)?;
        Ok(DashboardSection {
            enabled: self.enabled,
            bind,
            token: Some(self.token).filter(|token| !token.is_empty()),
            names: self.names,
            updates_per_s: self.updates_per_s,
        })
    }
}

impl AlertsFile {
    pub(super) fn check(self) -> Result<AlertsSection, ConfigError> {
        let mut channels = Vec::new();
        let urls = [
            ("alerts.webhook_url", self.webhook_url.reveal()),
            ("alerts.discord_url", self.discord_url.reveal()),
            ("alerts.telegram_url", &self.telegram_url),
        ];
        for (key, url) in urls {
            // The text may hold a secret; it is not repeated.
            if !(url.is_empty() || url == MASK || is_safe(url)) {
                let expected = "expected https://..., or http:// on this machine";
                return Err(wrong(key, &MASK, expected));
            }
        }
        let telegram_url = plain_address("alerts.telegram_url", self.telegram_url)?;
        let given = |secret: Secret| Some(secret).filter(|secret| !secret.is_empty());
        channels.extend(given(self.webhook_url).map(Channel::Webhook));
        channels.extend(given(self.discord_url).map(Channel::Discord));
        let chat = Some(self.telegram_chat).filter(|chat| !chat.is_empty());
        match (given(self.telegram_token), chat) {
            (Some(token), Some(chat)) => {
                let base = telegram_url.unwrap_or_default();
                let api = format!("{}/bot{}", base.trim_end_matches('/'), token.reveal());
                channels.push(Channel::Telegram { api: Secret::new(api), chat });
            }
            (None, None) => {}
            _ => {
                let expected = "telegram_token and telegram_chat belong together";
                return Err(wrong("alerts.telegram_chat", &MASK, expected));
            }
        }
        float("alerts.drawdown_pct", self.drawdown_pct, 0.0, 100.0)?;
        range("alerts.writer_lag_s", self.writer_lag_s, 0, 86_400)?;
        range("alerts.feed_gap_s", self.feed_gap_s, 0, 86_400)?;
        let rules = Rules {
            drawdown_pct: self.drawdown_pct,
            feed_gap_s: self.feed_gap_s,
            writer_lag_s: self.writer_lag_s,
            halted: self.halted,
            hourly_max: narrow("alerts.hourly_max", self.hourly_max, 1, 1000)?,
        };
        Ok(AlertsSection { rules, channels })
    }
}

fn is_safe(url: &str) -> bool {
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
    url.starts_with("https://") || local.iter().any(|start| url.starts_with(start))
}
