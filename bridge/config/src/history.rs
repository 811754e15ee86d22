//! `[history]`: whether a run keeps what it sees, where, and for how long.

use std::path::PathBuf;

use paperwire_history::store::{Address, Retention, masked};
use serde::Deserialize;

use super::ConfigError;
use super::value::{range, wrong};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistorySection {
    enabled: bool,
    url: String,
    spill: String,
    fill_days: u32,
    trades_days: u32,
    minutes_days: u32,
    intraday_days: u32,
    compress_after_days: u32,
}

/// Whether a run keeps what it sees, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryConfig {
    /// Whether a run writes at all.
    pub enabled: bool,
    /// The database.
    pub url: String,
    /// Folder of what waits for a database that is away.
    pub spill: PathBuf,
    /// How far back a run looks for missing minutes, in days; 0 is not at all.
    pub fill_days: u32,
    /// How long TimescaleDB keeps what.
    pub retention: Retention,
}

impl HistorySection {
    pub(super) fn check(&self) -> Result<HistoryConfig, ConfigError> {
        let address = Address::parse(&self.url);
        let address = address
            .map_err(|error| wrong("history.url", &masked(&self.url), &error.to_string()))?;
        let shown = address.to_string();
        // The configuration is printed, hashed and stored with every run.
        if shown != self.url && !self.url.starts_with("sqlite:") {
            let expected = "leave the password out and set it as PGPASSWORD in the environment";
            return Err(wrong("history.url", &shown, expected));
        }
        if self.spill.is_empty() {
            return Err(wrong("history.spill", &self.spill, "expected a folder"));
        }
        for (key, days) in [
            ("history.fill_days", self.fill_days),
            ("history.trades_days", self.trades_days),
            ("history.minutes_days", self.minutes_days),
            ("history.intraday_days", self.intraday_days),
            ("history.compress_after_days", self.compress_after_days),
        ] {
            range(key, u64::from(days), 0, 36_500)?;
        }
        Ok(HistoryConfig {
            enabled: self.enabled,
            url: self.url.clone(),
            spill: PathBuf::from(&self.spill),
            fill_days: self.fill_days,
            retention: Retention {
                trades_days: self.trades_days,
                minutes_days: self.minutes_days,
                intraday_days: self.intraday_days,
                compress_after_days: self.compress_after_days,
            },
        })
    }
}
