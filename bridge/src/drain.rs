//! The drain thread: empties the rings of the pinned threads, sums up, and hands on to the journal.

pub(crate) mod trading;

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use paperwire_core::book::BookError;
use paperwire_core::command::Command;
use paperwire_core::event::{GapReason, MarketEvent};
use paperwire_core::glance::{GlanceDrain, Glances};
use paperwire_core::instrument::SymbolId;
use paperwire_core::latency::{BankDrain, BankSwap};
use paperwire_core::limits::{
    COMMAND_RING_LEN, FEED_REPORT_RING_LEN, MARKET_RING_LEN, REPORT_RING_LEN,
};
use paperwire_core::ring::{Consumer, Producer, ring};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::engine::ENGINE_STAGES;
use paperwire_exec::report::Report;
use paperwire_feed::agent::FEED_STAGES;
use paperwire_feed::arrival::Stall;
use paperwire_feed::market::Counters;
use paperwire_feed::report::{FeedReport, FeedReportKind};
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;
use serde_json::{Value, json};

use crate::announcer::Announcer;
use crate::attribution::{HostWatch, LongCall};
use crate::budget::Budget;
use crate::compare::blocks::Blocks;
use crate::hdr::HdrFile;
use crate::history::live::Live;
use crate::journal::{Entry, Journal};
use crate::page::inbox::Inbox;
use crate::quarantine::{Detail, Quarantines};
use crate::repeats::Repeats;
use crate::report;
use crate::tally::Tally;

/// What the rest of the program sees of a running session.
#[derive(Debug)]
pub struct Shared {
    /// All reports so far.
    pub tally: Tally,
    /// The feed's counters.
    pub counters: Counters,
    /// Records that the recorder's ring could not take.
    pub raw_lost: u64,
    /// Lines for the terminal.
    pub notices: VecDeque<String>,
    /// A symbol that the venue refused for good: the run cannot be what was asked for.
    pub rejected: Option<String>,
    /// True once every subscription delivered.
    pub was_live: bool,
    /// Books that were not believed so far.
    pub quarantines: Quarantines,
    /// What was wrong with the logs so far, for the final report.
    pub log_problems: Vec<String>,
    /// Why the history store is not complete, once it was closed.
    pub history_failed: Option<String>,
    /// Looks at the engine's thread, once it runs.
    pub host: Option<HostWatch>,
    /// What is put aside for the page, when there is one.
    pub inbox: Option<Inbox>,
    /// What was ordered over HTTP and by whom, for the log.
    pub audits: Vec<Value>,
}

impl Shared {
    /// Nothing yet.
    pub fn new(tally: Tally, counters: Counters) -> Self {
        Self {
            quarantines: Quarantines::new(tally.instruments.len()),
            tally,
            counters,
            raw_lost: 0,
            notices: VecDeque::new(),
            rejected: None,
            was_live: false,
            log_problems: Vec::new(),
            history_failed: None,
            host: None,
            inbox: None,
            audits: Vec::new(),
        }
    }
}

impl Shared {
    /// A line for the terminal, and for the page under its kind.
    pub fn tell(&mut self, kind: &'static str, line: String, clock: &HostClock) {
        if let Some(inbox) = &mut self.inbox {
            inbox.event(clock.now(), kind, &line);
        }
        self.notices.push_back(line);
    }
}

/// The way of commands to the feed thread, for everyone who may give some.
pub type Commands = Arc<Mutex<Producer<Command>>>;

/// What the thread empties and feeds.
#[derive(Debug)]
pub struct DrainParts {
    /// From the engine.
    pub reports: Consumer<Report>,
    /// From the feed.
    pub feed_reports: Consumer<FeedReport>,
    /// Histograms of both threads.
    pub banks: [BankDrain; 2],
    /// The market for people, from the engine.
    pub glances: GlanceDrain,
    /// How long a strategy may take.
    pub budget: Budget,
    /// To the feed, which makes events of them.
    pub commands: Commands,
    /// To the logs, when there are any.
    pub journal: Option<Journal>,
    /// To the history store, when there is one.
    pub history: Option<Live>,
    /// To the histogram log, when there is one.
    pub hdr: Option<HdrFile>,
    /// To the tape, when there is one: the steps of the trail.
    pub trail: Option<Sender<Vec<u8>>>,
    /// From the tape's thread, when there is one: what the user should know of its file.
    pub tape_notices: Option<Receiver<String>>,
    /// When the next steps are sent.
    pub trail_at: HostNs,
    /// To a comparison, when there is one.
    pub blocks: Option<Arc<Mutex<Blocks>>>,
    /// What the thread does while there is nothing to drain.
    pub wait: Wait,
}

/// The pinned threads' ends of everything between them and the bridge.
#[derive(Debug)]
pub struct Ends {
    /// From the feed to the engine.
    pub market: (Producer<MarketEvent>, Consumer<MarketEvent>),
    /// From the engine.
    pub reports: Producer<Report>,
    /// From the feed.
    pub feed_reports: Producer<FeedReport>,
    /// Histograms of the feed.
    pub feed_banks: BankSwap,
    /// Histograms of the engine.
    pub engine_banks: BankSwap,
    /// The market for people, of the engine.
    pub glances: Glances,
    /// To the feed.
    pub commands: Consumer<Command>,
}

/// Makes every ring of a session of so many strategies and symbols. The bridge's side watches no budget and writes
/// nothing until it is told to.
pub fn wire(strategies: usize, symbols: usize) -> (Ends, DrainParts) {
    let (reports, reports_out) = ring(REPORT_RING_LEN);
    let (feed_reports, feed_reports_out) = ring(FEED_REPORT_RING_LEN);
    let (feed_banks, feed_drain) = BankSwap::new(&FEED_STAGES, 0);
    let (engine_banks, engine_drain) = BankSwap::new(&ENGINE_STAGES, strategies);
    let (commands_in, commands) = ring(COMMAND_RING_LEN);
    let market = ring(MARKET_RING_LEN);
    let (glances, glances_out) = Glances::new(symbols);
    let parts = DrainParts {
        reports: reports_out,
        feed_reports: feed_reports_out,
        banks: [feed_drain, engine_drain],
        glances: glances_out,
        budget: Budget::new(DurationNs::ZERO, strategies),
        commands: Arc::new(Mutex::new(commands_in)),
        journal: None,
        history: None,
        hdr: None,
        blocks: None,
        trail: None,
        tape_notices: None,
        trail_at: HostNs::default(),
        wait: Wait::Park,
    };
    (Ends { market, reports, feed_reports, feed_banks, engine_banks, glances, commands }, parts)
}

/// Time between two records of the trail.
const TRAIL_EVERY: DurationNs = DurationNs::from_secs(1);
/// Reports taken per turn before other rings are looked at.
const REPORTS_PER_TURN: usize = 4096;

/// Starts the thread; it ends when both pinned threads are gone and everything is drained, and then
/// gives the journal back.
///
/// # Errors
/// When the system has no thread left.
pub fn start(
    mut parts: DrainParts,
    shared: Arc<Mutex<Shared>>,
    clock: HostClock,
) -> std::io::Result<JoinHandle<Option<Journal>>> {
    std::thread::Builder::new().name("bridge".to_owned()).spawn(move || {
        let (mut announcer, mut repeats) = (Announcer::default(), Repeats::default());
        loop {
            let is_over = parts.reports.is_abandoned() && parts.feed_reports.is_abandoned();
            let work = turn(&mut parts, &mut announcer, &mut repeats, &shared, &clock);
            if work == 0 {
                if is_over {
                    tell_the_rest(&mut repeats, &parts, &shared, &clock);
                    close_history(&mut parts, &shared);
                    return parts.journal;
                }
                parts.wait.wait();
            }
        }
    })
}

/// Tells what was held back for the end of its minute.
fn tell_the_rest(
    repeats: &mut Repeats,
    parts: &DrainParts,
    shared: &Mutex<Shared>,
    clock: &HostClock,
) {
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    while let Some((report, count)) = repeats.rest() {
        tell_feed_report(&report, count, &mut shared, parts.journal.as_ref(), clock);
    }
}

/// Writes what is queued for the history, and tells how it ended.
fn close_history(parts: &mut DrainParts, shared: &Mutex<Shared>) {
    if let Some(history) = parts.history.take() {
        let closed = history.close();
        let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
        shared.notices.extend(closed.problems);
        shared.history_failed = closed.failure;
    }
}

fn turn(
    parts: &mut DrainParts,
    announcer: &mut Announcer,
    repeats: &mut Repeats,
    shared: &Mutex<Shared>,
    clock: &HostClock,
) -> usize {
    let mut work = 0;
    // Nobody panics while holding it; if somebody did, the sums are still the best there is.
    let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = &mut *shared;
    if let Some(inbox) = &mut shared.inbox {
        parts.glances.take(&mut inbox.glance);
        inbox.waiting(parts.reports.len());
        if inbox.history.is_none() {
            inbox.history = parts.history.as_ref().map(Live::stats);
        }
    }
    if let Some(host) = &mut shared.host {
        host.look(clock);
    }
    while work < REPORTS_PER_TURN
        && let Some(report) = parts.reports.pop()
    {
        let drained = clock.now();
        shared.tally.absorb_drained(&report, drained);
        if let Some(inbox) = &mut shared.inbox {
            inbox.report(&report, drained);
        }
        for line in announcer.report(&report, &shared.tally) {
            shared.tell("control", line, clock);
        }
        if let Some(history) = &mut parts.history {
            history.report(&report);
        }
        if let Some(journal) = &parts.journal {
            journal.write(Entry::Report(Box::new(report)));
        }
        work += 1;
    }
    if work == 0 {
        // A command to many strategies may come in parts; it is through once nothing follows.
        if let Some(line) = announcer.flush(&shared.tally) {
            shared.tell("control", line, clock);
        }
    }
    while let Some(report) = parts.feed_reports.pop() {
        work += 1;
        count_quarantine(&report.kind, &mut shared.quarantines);
        if let Some(history) = &mut parts.history {
            history.feed_report(&report);
        }
        if repeats.is_news(&report, clock.now()) {
            tell_feed_report(&report, 1, shared, parts.journal.as_ref(), clock);
        }
    }
    while let Some((report, count)) = repeats.due(clock.now()) {
        tell_feed_report(&report, count, shared, parts.journal.as_ref(), clock);
    }
    while let Some(problem) = parts.journal.as_ref().and_then(Journal::take_problem) {
        shared.tell("notice", problem.clone(), clock);
        shared.log_problems.push(problem);
    }
    while let Some(notice) = parts.tape_notices.as_ref().and_then(|from| from.try_recv().ok()) {
        shared.tell("notice", notice.clone(), clock);
        shared.log_problems.push(notice);
    }
    for audit in shared.audits.drain(..) {
        if let Some(journal) = &parts.journal {
            journal.write(Entry::System("control", audit));
        }
    }
    if let Some(problem) = parts.history.as_ref().and_then(Live::take_problem) {
        shared.tell("notice", problem, clock);
    }
    let now = clock.now();
    if let Some(trail) = &parts.trail
        && (now >= parts.trail_at || parts.reports.is_abandoned())
        && let Some(steps) = shared.tally.trail.take()
    {
        parts.trail_at = now.plus(TRAIL_EVERY);
        // Without a recorder there is no tape that would lack them.
        let _ = trail.send(steps);
    }
    for banks in &mut parts.banks {
        let (hdr, host, judged) = (&mut parts.hdr, &mut shared.host, &mut shared.tally.judged);
        let (journal, strategies) = (&parts.journal, &shared.tally.strategies);
        let inbox = &mut shared.inbox;
        let (mut told, history) = (Vec::new(), &mut parts.history);
        banks.drain(&mut shared.tally.bank, |bank| {
            let outliers = bank.outliers().as_slice();
            let calls: Vec<LongCall> = match host.as_mut() {
                Some(host) if !outliers.is_empty() => {
                    host.look_now(clock);
                    host.judge(outliers).collect()
                }
                _ => outliers.iter().map(LongCall::unseen).collect(),
            };
            for command in parts.budget.look(bank, &calls, now) {
                let mut commands = parts.commands.lock().unwrap_or_else(PoisonError::into_inner);
                // A ring full of commands will do without this one; the next miss says it again.
                let _ = commands.push(command);
            }
            for call in calls {
                if judged.add(&call)
                    && let Some(journal) = journal
                {
                    let details = report::long_call_json(&call, strategies);
                    journal.write(Entry::System("long_call", details));
                }
                if let Some(inbox) = inbox {
                    inbox.call(call);
                }
            }
            if let Some(inbox) = inbox {
                inbox.bank(bank, now);
            }
            if let Some(blocks) = &parts.blocks {
                blocks.lock().unwrap_or_else(PoisonError::into_inner).take(bank, 1);
            }
            if let Some(history) = history {
                history.latencies(bank);
            }
            if let Some(hdr) = hdr {
                told.extend(hdr.append(bank, now, Duration::from_secs(1)));
            }
        });
        for problem in told {
            shared.tell("notice", problem.clone(), clock);
            shared.log_problems.push(problem);
        }
    }
    work
}

fn count_quarantine(kind: &FeedReportKind, all: &mut Quarantines) {
    match *kind {
        FeedReportKind::BadBook { symbol, error } => {
            let reason = match error {
                BookError::Checksum { .. } => GapReason::Checksum,
                BookError::Crossed { .. } => GapReason::Crossed,
            };
            all.add(SymbolSet::only(symbol), reason, None, Detail::Book(error));
        }
        FeedReportKind::Malformed { error, symbols } => {
            all.add(symbols, GapReason::Malformed, None, Detail::Wire(error));
        }
        FeedReportKind::Void { symbols, reason } => all.add(symbols, reason, None, Detail::None),
        _ => {}
    }
}

/// Tells a report that stands for `count` of its kind since the last one that was told.
fn tell_feed_report(
    report: &FeedReport,
    count: u64,
    shared: &mut Shared,
    journal: Option<&Journal>,
    clock: &HostClock,
) {
    let name = |symbol: SymbolId| shared.tally.instruments[symbol.index()].name.to_string();
    let names = |symbols: SymbolSet| {
        let all = symbols & SymbolSet::all(shared.tally.instruments.len());
        let names: Vec<_> = all.iter().map(name).collect();
        names.join(", ")
    };
    let (event, mut details, mut notice): (_, Value, Option<String>) = match &report.kind {
        FeedReportKind::Counters { counters, raw_lost } => {
            shared.counters = *counters;
            shared.raw_lost = *raw_lost;
            return;
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
            let (event, details, text) = trading::told(notice, &shared.tally.instruments);
            (event, details, Some(text))
        }
        FeedReportKind::AllLive { stopped } => {
            shared.was_live = true;
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
            shared.rejected = Some(text.clone());
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
    if let Some(journal) = journal {
        journal.write(Entry::System(event, details));
    }
    if let Some(notice) = notice {
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
        shared.tell(kind, notice, clock);
    }
}

#[cfg(test)]
mod tests;
