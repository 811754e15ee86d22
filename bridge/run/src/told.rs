//! What people are told while a session runs, and what the log keeps of it.

use crossbeam::channel::Sender;
use paperwire_core::instrument::SymbolId;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_feed::arrival::Stall;
use paperwire_feed::report::{FeedReport, FeedReportKind};
use paperwire_replay::trading;
use paperwire_rt::clock::HostClock;
use serde_json::{Value, json};

use crate::totals::Totals;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Told {
    /// What it is about, in the page's words: `notice`, `control`, `resync`, `gap`, `trading`, `connection`.
    pub kind: &'static str,
    /// For people.
    pub line: Option<String>,
    /// For the log: the name of the event and its details.
    pub record: Option<(&'static str, Value)>,
}

impl Told {
    /// A line for people alone.
    pub const fn line(kind: &'static str, line: String) -> Self {
        Self { kind, line: Some(line), record: None }
    }
}

/// From any thread to the drain thread, which hands it to every sink.
pub type Tell = Sender<Told>;

/// What a report says that stands for `count` of its kind since the last one that was told, with its effect on the
/// totals; nothing of what is counted only.
pub(crate) fn of_feed(
    report: &FeedReport,
    count: u64,
    totals: &mut Totals,
    clock: &HostClock,
) -> Option<Told> {
    let name = |symbol: SymbolId| totals.tally.instruments[symbol.index()].name.to_string();
    let names = |symbols: SymbolSet| {
        let all = symbols & SymbolSet::all(totals.tally.instruments.len());
        let names: Vec<_> = all.iter().map(name).collect();
        names.join(", ")
    };
    let (event, mut details, mut notice): (_, Value, Option<String>) = match &report.kind {
        FeedReportKind::Counters { counters, raw_lost } => {
            totals.counters = *counters;
            totals.raw_lost = *raw_lost;
            return None;
        }
        FeedReportKind::Connected => ("connected", Value::Null, Some("connected".to_owned())),
        FeedReportKind::Disconnected { why, retry_at } => {
            let wait = retry_at.since(clock.now());
            let text = format!("disconnected: {why}; next attempt in {wait}");
            ("disconnected", json!({"why": why.as_str(), "retry_in_ns": wait.raw()}), Some(text))
        }
        // What follows from it is told by itself.
        FeedReportKind::Venue { system } => {
            ("venue_status", json!({"system": system.as_str()}), None)
        }
        FeedReportKind::Trading(notice) => {
            let (event, details, text) = trading::told(notice, &totals.tally.instruments);
            (event, details, Some(text))
        }
        FeedReportKind::AllLive { stopped } => {
            totals.was_live = true;
            let but = match stopped.is_empty() {
                true => String::new(),
                false => format!(", but not of {}", names(*stopped)),
            };
            let text =
                format!("every book is live and verified, and every subscription delivers{but}");
            ("all_live", json!({"stopped": names(*stopped)}), Some(text))
        }
        FeedReportKind::Rejected { symbol, error } => {
            let name = symbol.map_or_else(|| "list of pairs".to_owned(), name);
            let text = format!("{name}: {error}");
            let details = json!({"symbol": name, "error": error.as_str()});
            totals.rejected = Some(text.clone());
            ("symbol_rejected", details, Some(text))
        }
        FeedReportKind::Refused { error } => {
            let text = format!("request refused, will be repeated: {error}");
            ("request_refused", json!({"error": error.as_str()}), Some(text))
        }
        FeedReportKind::Silent { symbol, channel } => {
            let (name, channel) = (symbol.map(name), channel.as_str());
            let of = name.as_deref().unwrap_or("list of pairs");
            let text = format!("{of}: the {channel} subscription is silent; subscribing again");
            ("subscription_silent", json!({"symbol": name, "channel": channel}), Some(text))
        }
        FeedReportKind::BadBook { symbol, error } => {
            let name = name(*symbol);
            let text = format!("{name}: {error}; quarantined, fetching the book again");
            ("book_quarantined", json!({"symbol": name, "error": error.to_string()}), Some(text))
        }
        FeedReportKind::Malformed { error, symbols } => {
            let names = names(*symbols);
            let text = format!("unreadable frame ({error}); quarantined {names}");
            ("frame_malformed", json!({"error": error.to_string(), "symbols": names}), Some(text))
        }
        FeedReportKind::Unread { error } => {
            let text = format!("unreadable frame of no book ({error}); it is lost");
            ("frame_unread", json!({"error": error.to_string()}), Some(text))
        }
        FeedReportKind::RefusedRows(refused) => {
            let (symbol, why) = (name(refused.symbol), refused.why.as_str());
            let text = format!("{symbol}: refused {why}");
            let details = json!({"symbol": symbol, "why": why, "rows": refused.count});
            ("value_refused", details, Some(text))
        }
        FeedReportKind::ClockStepped(step) => {
            let text = format!(
                "the venue's clock was set from {} to {}; several messages agree, so it is believed",
                step.from, step.to
            );
            let details = json!({"from_ns": step.from.raw(), "to_ns": step.to.raw()});
            ("venue_clock_stepped", details, Some(text))
        }
        FeedReportKind::NumbersJumped(jump) => {
            let symbol = name(jump.symbol);
            let text = format!(
                "{symbol}: trade numbers jumped from {} to {}; how many trades were missed is unknown",
                jump.from, jump.to
            );
            let details = json!({"symbol": symbol, "from": jump.from, "to": jump.to});
            ("trade_numbers_jumped", details, Some(text))
        }
        FeedReportKind::Stalled(Stall { from, to, frames }) => {
            let span = to.since(*from);
            let text = format!(
                "nothing was read for {span}; {frames} frames count from the earliest they can have arrived"
            );
            ("feed_stalled", json!({"span_ns": span.raw(), "frames": frames}), Some(text))
        }
        FeedReportKind::Void { symbols, reason } => {
            let (names, reason) = (names(*symbols), reason.as_str());
            let text = format!("{names}: book void ({reason}); fetching again");
            ("book_void", json!({"symbols": names, "reason": reason}), Some(text))
        }
    };
    if count > 1 {
        if let Some(details) = details.as_object_mut() {
            details.insert("count".to_owned(), count.into());
        }
        if let Some(notice) = &mut notice {
            notice.push_str(&format!(" ({count} such since the last notice)"));
        }
    }
    let kind = match &report.kind {
        FeedReportKind::BadBook { .. }
        | FeedReportKind::Malformed { .. }
        | FeedReportKind::Silent { .. } => "resync",
        FeedReportKind::Void { .. }
        | FeedReportKind::ClockStepped(_)
        | FeedReportKind::NumbersJumped(_) => "gap",
        FeedReportKind::Trading(_) => "trading",
        _ => "connection",
    };
    Some(Told { kind, line: notice, record: Some((event, details)) })
}
