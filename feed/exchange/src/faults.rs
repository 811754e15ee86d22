//! Faults on a timetable: what a real exchange does on a bad day, on purpose and repeatably.
//!
//! A script is TOML, one `[[fault]]` table per fault:
//!
//! ```toml
//! [[fault]]
//! kind = "bad_checksum"  # see `FaultKind` for all kinds
//! symbol = "BTC/USD"     # whose messages are struck or counted; any pair's when absent
//! at_message = 200       # the 200th message it could act on; or at_s = 10.0, seconds after start
//! count = 1              # how many messages, or how many times (default 1)
//! every_s = 60.0         # between repetitions of a timed fault (default: at once)
//! duration_ms = 2000     # how long a stall or outage lasts, or how late a trade is
//! ```
//!
//! Seconds are exchange time. Messages are counted as published: one per channel, pair and depth,
//! however many subscribers it has. A fault in a message reaches all of them.

use paperwire_core::time::{DurationNs, ExchNs};
use serde::Deserialize;
use toml::Spanned;

use crate::publish::{Frame, Topic};

mod mangle;

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// A book message with a checksum that is off by one bit.
    BadChecksum,
    /// A book message in which one quantity is not the true one.
    ChangedDigit,
    /// A book, trade, ticker or ohlc message cut in the middle.
    Malformed,
    /// A book message that is never sent.
    Lost,
    /// A bid above the best ask, with a checksum that fits; the next message takes it back.
    Crossed,
    /// A trade message sent twice.
    DuplicateTrades,
    /// A trade message with times `duration_ms` in the past.
    LateTrades,
    /// All WebSocket connections end without a closing frame.
    Drop,
    /// Nothing is sent for `duration_ms`, heartbeats neither; then all of it at once.
    Stall,
    /// Book, trade and other subscriptions made within `duration_ms` are confirmed and stay empty.
    Silent,
    /// New connections are closed at once for `duration_ms`.
    Refuse,
    /// Every request, REST and WebSocket, is over the limit for `duration_ms`.
    RateLimit,
    /// The system status is `maintenance` for `duration_ms`.
    Maintenance,
}

impl FaultKind {
    /// True for what happens to the exchange rather than to one message.
    const fn is_timed(self) -> bool {
        matches!(
            self,
            Self::Drop
                | Self::Stall
                | Self::Silent
                | Self::Refuse
                | Self::RateLimit
                | Self::Maintenance
        )
    }

    const fn needs_duration(self) -> bool {
        matches!(self, Self::LateTrades) || (self.is_timed() && !matches!(self, Self::Drop))
    }

    const fn acts_on(self, topic: Topic) -> bool {
        match self {
            Self::BadChecksum | Self::ChangedDigit | Self::Lost | Self::Crossed => {
                matches!(topic, Topic::Book(..))
            }
            Self::DuplicateTrades | Self::LateTrades => matches!(topic, Topic::Trade(_)),
            _ => true,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    /// Since the start.
    After(DurationNs),
    /// From this message on, counted from 1.
    Message(u64),
}

#[derive(Clone, Debug, PartialEq)]
struct Fault {
    kind: FaultKind,
    symbol: Option<String>,
    when: When,
    count: u32,
    every: DurationNs,
    duration: DurationNs,
}

/// A script of faults; empty means a perfect day.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    list: Vec<Fault>,
}

/// What is wrong with a script, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault script, line {line}: {problem}")]
pub struct FaultError {
    /// Line of the script, from 1.
    pub line: usize,
    /// What is wrong, naming the key.
    pub problem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default)]
    fault: Vec<Spanned<Entry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    kind: FaultKind,
    symbol: Option<String>,
    at_s: Option<f64>,
    at_message: Option<u64>,
    count: Option<u32>,
    every_s: Option<f64>,
    duration_ms: Option<u64>,
}

impl Faults {
    /// A perfect day.
    pub const fn none() -> Self {
        Self { list: Vec::new() }
    }

    /// Reads a script.
    ///
    /// # Errors
    /// [`FaultError`] with the line and key of the first thing that is wrong.
    pub fn parse(text: &str) -> Result<Self, FaultError> {
        let line = |at: usize| 1 + text[..at.min(text.len())].matches('\n').count();
        let script: Script = toml::from_str(text).map_err(|e| FaultError {
            line: line(e.span().map_or(0, |span| span.start)),
            problem: e.message().to_owned(),
        })?;
        let mut list = Vec::with_capacity(script.fault.len());
        for entry in script.fault {
            let at = line(entry.span().start);
            let fault =
                entry.into_inner().check().map_err(|p| FaultError { line: at, problem: p })?;
            list.push(fault);
        }
        Ok(Self { list })
    }

    /// How many faults the script has.
    pub const fn len(&self) -> usize {
        self.list.len()
    }

    /// True for a perfect day.
    pub const fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The first symbol of the script that is not listed.
    pub(crate) fn unknown_symbol(&self, listed: impl Fn(&str) -> bool) -> Option<&str> {
        self.list.iter().filter_map(|f| f.symbol.as_deref()).find(|symbol| !listed(symbol))
    }
}

impl Entry {
    fn check(self) -> Result<Fault, String> {
        let when = match (self.at_s, self.at_message) {
            (Some(s), None) => When::After(seconds("at_s", s)?),
            (None, Some(0)) => return Err("at_message: messages are counted from 1".to_owned()),
            (None, Some(n)) => When::Message(n),
            (None, None) => return Err("at_s or at_message is missing".to_owned()),
            (Some(_), Some(_)) => return Err("at_s and at_message exclude each other".to_owned()),
        };
        if self.kind.needs_duration() && self.duration_ms.is_none() {
            return Err("duration_ms is missing".to_owned());
        }
        let count = self.count.unwrap_or(1);
        if count == 0 {
            return Err("count: must be at least 1".to_owned());
        }
        Ok(Fault {
            kind: self.kind,
            symbol: self.symbol,
            when,
            count,
            every: self.every_s.map_or(Ok(DurationNs::ZERO), |s| seconds("every_s", s))?,
            duration: DurationNs::from_millis(self.duration_ms.unwrap_or(0)),
        })
    }
}

fn seconds(key: &str, value: f64) -> Result<DurationNs, String> {
    if !(0.0..=1e9).contains(&value) {
        return Err(format!("{key}: {value} is not a number of seconds"));
    }
    #[expect(clippy::cast_possible_truncation, reason = "at most 1e18")]
    #[expect(clippy::cast_sign_loss, reason = "not negative")]
    Ok(DurationNs::new((value * 1e9) as u64))
}

/// Where a script stands.
#[derive(Debug)]
pub(crate) struct Running {
    start: ExchNs,
    list: Vec<Progress>,
    fired: u64,
}

#[derive(Debug)]
struct Progress {
    fault: Fault,
    seen: u64,
    fired: u32,
    active_until: Option<ExchNs>,
}

/// What the exchange must do because a timed fault began or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// It begins.
    Begin(FaultKind),
    /// It is over.
    End(FaultKind),
}

impl Progress {
    fn due(&self, now: ExchNs, start: ExchNs) -> bool {
        if self.fired >= self.fault.count {
            return false;
        }
        match self.fault.when {
            When::After(span) => {
                let wait = span.raw() + self.fault.every.raw() * u64::from(self.fired);
                now.since(start).raw() >= wait && now >= start
            }
            When::Message(n) => self.seen >= n,
        }
    }

    /// Whether it acts on this pair, or for `None` on what is about no single pair.
    fn concerns(&self, name: Option<&str>) -> bool {
        self.fault.symbol.is_none() || self.fault.symbol.as_deref() == name
    }
}

impl Running {
    pub(crate) fn new(faults: &Faults, start: ExchNs) -> Self {
        let list = faults
            .list
            .iter()
            .map(|fault| Progress { fault: fault.clone(), seen: 0, fired: 0, active_until: None })
            .collect();
        Self { start, list, fired: 0 }
    }

    /// How many times a fault struck.
    pub(crate) const fn fired(&self) -> u64 {
        self.fired
    }

    /// Begins and ends what is due by the clock or by the messages counted so far.
    pub(crate) fn turn(&mut self, now: ExchNs, turns: &mut Vec<Turn>) {
        for progress in &mut self.list {
            let kind = progress.fault.kind;
            if !kind.is_timed() {
                continue;
            }
            if progress.active_until.is_some_and(|until| now >= until) {
                progress.active_until = None;
                turns.push(Turn::End(kind));
            }
            if progress.active_until.is_none() && progress.due(now, self.start) {
                progress.fired += 1;
                self.fired += 1;
                if kind != FaultKind::Drop {
                    progress.active_until = Some(now.plus(progress.fault.duration));
                }
                turns.push(Turn::Begin(kind));
            }
        }
    }

    /// Whether such a fault is on now for this pair (or for all).
    pub(crate) fn is_on(&self, kind: FaultKind, name: Option<&str>) -> bool {
        self.list.iter().any(|p| {
            p.fault.kind == kind && p.active_until.is_some() && (name.is_none() || p.concerns(name))
        })
    }

    /// Passes one message through the script: what is to be sent instead of it, in order.
    ///
    /// `cross` makes the two messages that cross a book and uncross it again.
    pub(crate) fn on_frame(
        &mut self,
        frame: &Frame,
        name: Option<&str>,
        cross: impl Fn(&Frame) -> Option<(String, String)>,
    ) -> Outgoing {
        let mut out = Outgoing { texts: vec![frame.text.clone()], before_next: None };
        for progress in &mut self.list {
            let kind = progress.fault.kind;
            if !kind.acts_on(frame.topic) || !progress.concerns(name) {
                continue;
            }
            progress.seen += 1;
            if kind.is_timed() || !progress.due(frame.at, self.start) {
                continue;
            }
            if mangle::apply(kind, frame, progress.fault.duration, &cross, &mut out) {
                progress.fired += 1;
                self.fired += 1;
            }
        }
        out
    }
}

/// What is sent instead of one message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    /// Now, in this order.
    pub(crate) texts: Vec<String>,
    /// Before the next message of the same topic.
    pub(crate) before_next: Option<String>,
}

#[cfg(test)]
mod tests;
