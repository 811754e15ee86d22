//! `[dashboard]` and `[alerts]`: how the page is served, and who is told when nobody looks at it.

use std::net::SocketAddr;

use paperwire_dashboard::alert::{Channel, Rules};
use serde::Deserialize;
use toml::{Table, Value};

use super::ConfigError;
use super::value::{float, narrow, range, wrong};

/// `[dashboard]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DashboardFile {
    enabled: bool,
    bind: String,
    token: String,
    names: Vec<String>,
    updates_per_s: f64,
}

/// `[alerts]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AlertsFile {
    webhook_url: String,
    discord_url: String,
    telegram_token: String,
    telegram_chat: String,
    telegram_url: String,
    drawdown_pct: f64,
    feed_gap_s: u64,
    writer_lag_s: u64,
    halted: bool,
    hourly_max: u64,
}

/// How the page is served.
#[derive(Clone)]
pub struct DashboardSection {
    /// Whether it is.
    pub enabled: bool,
    /// Where it listens.
    pub bind: SocketAddr,
    /// What a browser or a program must know.
    pub token: Option<String>,
    /// Further names of this server.
    pub names: Vec<String>,
    /// Updates each second.
    pub updates_per_s: f64,
}

impl std::fmt::Debug for DashboardSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let token = self.token.as_ref().map(|_| MASK);
        f.debug_struct("DashboardSection").field("bind", &self.bind).field("token", &token).finish()
    }
}

/// Who is told when.
#[derive(Clone)]
pub struct AlertsSection {
    /// When.
    pub rules: Rules,
    /// Who; nobody without an address.
    pub channels: Vec<Channel>,
}

impl std::fmt::Debug for AlertsSection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let channels: Vec<&str> = self.channels.iter().map(Channel::name).collect();
        f.debug_struct("AlertsSection").field("channels", &channels).finish_non_exhaustive()
    }
}

const MASK: &str = "***";
/// Keys that are never shown, logged or recorded.
const SECRETS: [(&str, &str); 4] = [
    ("dashboard", "token"),
    ("alerts", "webhook_url"),
    ("alerts", "discord_url"),
    ("alerts", "telegram_token"),
];

/// Puts a mask over every secret that is set.
pub(super) fn mask(tree: &mut Table) {
    for (section, key) in SECRETS {
        let value = tree.get_mut(section).and_then(|section| section.get_mut(key));
        if let Some(Value::String(text)) = value.filter(|value| value.as_str() != Some("")) {
            MASK.clone_into(text);
        }
    }
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
        for (key, url) in [
            ("alerts.webhook_url", &self.webhook_url),
            ("alerts.discord_url", &self.discord_url),
            ("alerts.telegram_url", &self.telegram_url),
        ] {
            // The text may hold a secret; it is not repeated.
            if !(url.is_empty() || url == MASK || is_safe(url)) {
                let expected = "expected https://..., or http:// on this machine";
                return Err(wrong(key, &MASK, expected));
            }
        }
        let given = |text: String| Some(text).filter(|text| !text.is_empty());
        channels.extend(given(self.webhook_url).map(Channel::Webhook));
        channels.extend(given(self.discord_url).map(Channel::Discord));
        match (given(self.telegram_token), given(self.telegram_chat)) {
            (Some(token), Some(chat)) => {
                let api = format!("{}/bot{token}", self.telegram_url.trim_end_matches('/'));
                channels.push(Channel::Telegram { api, chat });
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
