//! When something is wrong and nobody looks: drawdown, feed gap, writer lag, halted strategy, told to a webhook,
//! Discord or Telegram.
//!
//! The rules look at snapshots. A condition is told once when it begins and once when it ends; all together at most so
//! many an hour, so that a bad night is no flood. What could not be delivered is tried again, and then told in the events.

use std::collections::BTreeMap;

use paperwire_core::secret::Secret;
use serde_json::{Value, json};

use crate::view::Snapshot;

/// When somebody is told.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Drawdown of a strategy, in percent of its highest equity; 0 never.
    pub drawdown_pct: f64,
    /// Seconds without a live market; 0 never.
    pub feed_gap_s: u64,
    /// Seconds by which the history store is behind; 0 never.
    pub writer_lag_s: u64,
    /// Whether a strategy that halts is told.
    pub halted: bool,
    /// Messages an hour.
    pub hourly_max: u32,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Any address that takes JSON: `{"text", "kind", "subject", "is_over", "session"}`.
    Webhook(Secret),
    /// A Discord webhook's address.
    Discord(Secret),
    /// A Telegram bot: the API's address with the bot's token, and the chat.
    Telegram {
        /// `https://api.telegram.org/bot<token>`.
        api: Secret,
        /// The chat's number or name.
        chat: String,
    },
}

impl Channel {
    /// The name in logs, without secrets.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Webhook(_) => "webhook",
            Self::Discord(_) => "discord",
            Self::Telegram { .. } => "telegram",
        }
    }

    /// Address and body of a message. The address is a secret in all three.
    pub fn message(&self, alert: &Alert, session: &str) -> (Secret, Value) {
        let text = alert.to_string();
        match self {
            Self::Webhook(url) => {
                let Alert { kind, subject, is_over, .. } = alert;
                let body = json!({"text": text, "kind": kind, "subject": subject, "is_over": is_over, "session": session});
                (url.clone(), body)
            }
            // Discord reads @everyone in names of strategies otherwise.
            Self::Discord(url) => {
                (url.clone(), json!({"content": text, "allowed_mentions": {"parse": []}}))
            }
            Self::Telegram { api, chat } => (
                Secret::new(format!("{}/sendMessage", api.reveal())),
                json!({"chat_id": chat, "text": text}),
            ),
        }
    }
}

/// One message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// `drawdown`, `feed_gap`, `writer_lag` or `halted`.
    pub kind: &'static str,
    /// Whose.
    pub subject: String,
    /// What was read.
    pub detail: String,
    /// True when it is over.
    pub is_over: bool,
}

impl std::fmt::Display for Alert {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = if self.is_over { "over" } else { "ALERT" };
        write!(f, "[paperwire] {word}: {} {}: {}", self.subject, self.kind, self.detail)
    }
}

/// What holds, and what was said of it.
#[derive(Debug)]
pub struct Watch {
    rules: Rules,
    told: BTreeMap<(&'static str, String), String>,
    /// Second since which the market is not live.
    dark_since: Option<u64>,
    /// Seconds in which something was said within the last hour.
    sent: Vec<u64>,
    /// Messages that the limit swallowed.
    swallowed: u64,
}

const HOUR_S: u64 = 3600;

impl Watch {
    /// Nothing said yet.
    pub const fn new(rules: Rules) -> Self {
        Self { rules, told: BTreeMap::new(), dark_since: None, sent: Vec::new(), swallowed: 0 }
    }

    /// Messages that were not sent because there were too many.
    pub const fn swallowed(&self) -> u64 {
        self.swallowed
    }

    /// Looks at a snapshot `second` seconds after the start; what is to be said now.
    pub fn look(&mut self, of: &Snapshot, second: u64) -> Vec<Alert> {
        let now = self.conditions(of, second);
        let mut alerts = Vec::new();
        for (key, detail) in &now {
            if !self.told.contains_key(key) {
                let (kind, subject) = key.clone();
                alerts.push(Alert { kind, subject, detail: detail.clone(), is_over: false });
            }
        }
        for (kind, subject) in self.told.keys().filter(|key| !now.contains_key(*key)) {
            let (kind, subject) = (*kind, subject.clone());
            alerts.push(Alert { kind, subject, detail: "as before".to_owned(), is_over: true });
        }
        self.told = now;
        self.sent.retain(|sent| second.saturating_sub(*sent) < HOUR_S);
        let room = (self.rules.hourly_max as usize).saturating_sub(self.sent.len());
        self.swallowed += alerts.len().saturating_sub(room) as u64;
        alerts.truncate(room);
        self.sent.extend(alerts.iter().map(|_| second));
        alerts
    }

    fn conditions(
        &mut self,
        of: &Snapshot,
        second: u64,
    ) -> BTreeMap<(&'static str, String), String> {
        let mut now = BTreeMap::new();
        let rules = self.rules;
        for row in &of.strategies {
            let key = |kind| (kind, row.name.clone());
            // Half of the limit ends it, so that it does not flicker about the limit.
            let limit = match self.told.contains_key(&key("drawdown")) {
                true => rules.drawdown_pct / 2.0,
                false => rules.drawdown_pct,
            };
            if rules.drawdown_pct > 0.0 && row.drawdown_pct >= limit {
                let text = format!("{:.2} % below its highest equity", row.drawdown_pct);
                now.insert(key("drawdown"), text);
            }
            if rules.halted && row.is_halted {
                now.insert(key("halted"), format!("no entries are taken: {}", row.state));
            }
        }
        match of.session.mode.as_str() {
            "STALE" => {
                let since = *self.dark_since.get_or_insert(second);
                if rules.feed_gap_s > 0 && second - since >= rules.feed_gap_s {
                    let text = format!("no live book for {} s", rules.feed_gap_s);
                    now.insert(("feed_gap", of.session.source.clone()), text);
                }
            }
            _ => self.dark_since = None,
        }
        if let Some(history) = &of.host.history {
            let is_behind = history.lag_ms >= rules.writer_lag_s * 1_000 || !history.is_reachable;
            if rules.writer_lag_s > 0 && is_behind && history.waiting > 0 {
                let text = format!(
                    "{} rows wait, {} bytes on disk",
                    history.waiting, history.spilled_bytes
                );
                now.insert(("writer_lag", "history".to_owned()), text);
            }
        }
        now
    }
}

#[cfg(test)]
mod tests;
