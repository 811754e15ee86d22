//! The final report and the status: for people as aligned text, for machines as JSON.

mod host;
mod json;
mod ranking;
pub mod table;
mod tables;

use std::fmt::Write;

use paperwire_config::conditions::Conditions;
use paperwire_core::latency::Stage;
use paperwire_core::order::OrderEnd;
use paperwire_core::rules::Rules;
use paperwire_core::strategy::{RejectReason, Skip};
use paperwire_core::time::DurationNs;
use paperwire_doctor::build_profile;
use paperwire_doctor::probes::ProbeTax;
use paperwire_exec::performance::{MINUTES_PER_YEAR, Performance};
use paperwire_feed::arrival::ArrivalCounts;
use paperwire_feed::market::Counters;

use crate::quarantine::Quarantine;
use crate::tally::Tally;
use crate::trading::restriction;
use crate::verify::Verification;

pub use ranking::{Ranking, Verdict, roi};

pub use host::long_call_json;
pub use json::json;

/// What was given up because nothing could be written for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Lines, fills included.
    pub lines: u64,
    /// Fills.
    pub fills: u64,
}

impl std::ops::AddAssign for Lost {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.fills += other.fills;
    }
}

/// Everything the final report shows besides the tally.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Where the market came from.
    pub source: String,
    /// Name of the session.
    pub session: String,
    /// Seconds of wall time (of a replay: of processing alone).
    pub elapsed_s: f64,
    /// Under which assumptions money was made.
    pub conditions: Conditions,
    /// What the feed counted.
    pub counters: Counters,
    /// Frames whose arrival lies between two instants, of which the earlier one counts.
    pub arrivals: ArrivalCounts,
    /// Allocations on warm threads.
    pub hot_allocs: u64,
    /// Records that the recording lost.
    pub recording_lost: u64,
    /// What the logs lost.
    pub logs_lost: Lost,
    /// The price of a probe, measured when the session started.
    pub probe_tax: ProbeTax,
    /// The rules that it followed.
    pub rules: Rules,
    /// What came of comparing a replay with its recording, when that was asked for.
    pub verification: Option<Verification>,
    /// Books that were not believed.
    pub quarantines: Vec<Quarantine>,
    /// Further lines of notice.
    pub notes: Vec<String>,
}

/// Columns that a line of conditions may take.
const WIDTH: usize = 100;

/// The report as text.
pub fn text(tally: &Tally, summary: &Summary) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, tally, summary);
    out
}

fn write_text(out: &mut String, tally: &Tally, summary: &Summary) -> std::fmt::Result {
    let Summary { source, session, elapsed_s, conditions, .. } = summary;
    writeln!(out, "\nPaperwire  {session}  source {source}  {elapsed_s:.1} s")?;
    writeln!(out, "{}; amounts in {}\n", conditions.lines(WIDTH), conditions.numeraire)?;
    write_money(out, tally, summary)?;
    writeln!(out, "{}", tables::latency(tally))?;
    for table in [host::verdicts(tally), host::longest(tally), host::threads(tally)] {
        if !table.is_empty() {
            writeln!(out, "{table}")?;
        }
    }
    write_feed(out, &summary.counters)?;
    if summary.arrivals.bounded > 0 {
        let ArrivalCounts { bounded, by_exchange, unstamped, widest } = summary.arrivals;
        writeln!(
            out,
            "         {bounded} frames waited for a read and count from the earliest they can have arrived: \
             {by_exchange} by the exchange's time, up to {widest} before the kernel's; {unstamped} had no kernel time"
        )?;
    }
    writeln!(
        out,
        "engine   bars {}  signals {}  fills {}  hot_allocs_total {}",
        tally.bars, tally.signals, tally.fills, summary.hot_allocs
    )?;
    if let Some(share) = summary.probe_tax.share(&tally.bank) {
        writeln!(out, "probes   {share}")?;
    }
    if let Some(warning) = build_profile::warning() {
        writeln!(out, "build    {warning}")?;
    }
    for of in &summary.quarantines {
        let (symbol, reason, count) = (&of.symbol, of.reason, of.count);
        let error = of.error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
        let first = of.first_frame.map_or_else(String::new, |at| format!(", first at frame {at}"));
        writeln!(out, "not believed  {symbol}  {reason} {count}{first}{error}")?;
    }
    reasons(out, tally)?;
    for note in &summary.notes {
        writeln!(out, "note     {note}")?;
    }
    writeln!(out, "digest   {}", tally.digest.hex())
}

fn write_money(out: &mut String, tally: &Tally, summary: &Summary) -> std::fmt::Result {
    let ranking = Ranking::of(tally);
    writeln!(out, "{}", tables::money(tally, &ranking))?;
    write!(out, "{}", tables::trading(tally, &ranking))?;
    writeln!(
        out,
        "P&L = realised + open P&L - fees - interest; a win is net of fees; - is undefined"
    )?;
    if tally.accounts.iter().any(|row| row.spot_start > 0) {
        writeln!(out, "open P&L counts the change of starting assets too")?;
    }
    writeln!(
        out,
        "Sharpe and Sortino: {RATIO_MINUTES_MIN} or more minute returns, annualised by the square root of \
         {MINUTES_PER_YEAR}\n"
    )?;
    if let Some(bracket) = tables::bracket(tally, &ranking, &summary.conditions.fill_model) {
        write!(out, "{bracket}")?;
        writeln!(
            out,
            "every order met all of these models; a rank is robust where they and the one lived in \
             agree on it\n"
        )?;
    }
    let (positions, count) = tables::positions(tally);
    if count > 0 {
        writeln!(out, "{positions}")?;
    }
    Ok(())
}

/// Fewer minutes say nothing: annualised, the standard error of a ratio of `n` of them is about
/// `725 / sqrt(n)`.
const RATIO_MINUTES_MIN: u64 = 30;

/// A ratio of minute returns, once there are enough of them.
pub fn lasting(of: &Performance, ratio: Option<f64>) -> Option<f64> {
    ratio.filter(|_| of.return_count() >= RATIO_MINUTES_MIN)
}

fn write_feed(out: &mut String, counters: &Counters) -> std::fmt::Result {
    writeln!(
        out,
        "feed     frames {}  book updates {}  trades {}  checksums {} ok, {} bad",
        counters.frames,
        counters.book_updates,
        counters.trades,
        counters.checksums_ok,
        counters.checksums_bad
    )?;
    writeln!(
        out,
        "         resyncs {}  gaps {}  disconnects {}  malformed {}  refused {}  unknown {}  conflated {}  trades dropped {}",
        counters.resyncs,
        counters.gaps,
        counters.disconnects,
        counters.malformed,
        counters.refused,
        counters.unknown_symbols,
        counters.conflated,
        counters.dropped_trades
    )?;
    writeln!(
        out,
        "         duplicate trades {}  missed trades {}",
        counters.duplicate_trades, counters.missed_trades
    )
}

/// Why signals were refused, orders went unfilled and strategies did nothing: the three most frequent
/// of each.
fn reasons(out: &mut String, tally: &Tally) -> std::fmt::Result {
    let words = |all: Vec<&'static str>, counts: &[u64]| top(all.into_iter().zip(counts));
    for (index, name) in tally.strategies.iter().enumerate() {
        let rejects = RejectReason::ALL.iter().map(|why| why.as_str()).collect();
        let skips = Skip::ALL.iter().map(|why| why.as_str()).collect();
        let mut ends = tally.ends[index].clone();
        ends[OrderEnd::Filled as usize] = 0;
        let unfilled = OrderEnd::ALL.iter().map(|end| end.as_str()).collect();
        let parts = [
            ("refused", words(rejects, &tally.rejects[index])),
            ("unfilled", words(unfilled, &ends)),
            ("waited", words(skips, &tally.skips[index])),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(_, counts)| !counts.is_empty())
            .map(|(what, counts)| format!("{what}: {counts}"))
            .collect();
        if !parts.is_empty() {
            writeln!(out, "{:<8} {}  {}", "reasons", name.instance, parts.join("; "))?;
        }
    }
    Ok(())
}

fn top<'a>(counts: impl Iterator<Item = (&'static str, &'a u64)>) -> String {
    let mut counts: Vec<_> = counts.filter(|(_, count)| **count > 0).collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    counts.truncate(3);
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    parts.join(", ")
}

/// What a running session has come to, every ten seconds: the market and the feed in a line, then the
/// strategies.
pub fn status(tally: &Tally, counters: &Counters, elapsed_s: f64, hot_allocs: u64) -> String {
    let mut out = format!("[{elapsed_s:7.1} s]");
    for (of, row) in tally.instruments.iter().zip(&tally.markets).take(4) {
        let touch = match (row.bid, row.ask) {
            (Some(bid), Some(ask)) => format!("{}/{}", of.show_px(bid), of.show_px(ask)),
            _ => "not live".to_owned(),
        };
        let restricted = restriction(row.trading).map_or_else(String::new, |of| format!(" ({of})"));
        let _ = write!(out, "  {} {touch}{restricted}", of.name);
    }
    let (frames, resyncs) = (counters.frames, counters.resyncs);
    let _ = write!(out, "  frames {frames}  resyncs {resyncs}");
    if let Some(pair) = tally.bank.of(Stage::Decided) {
        let p99 = DurationNs::new(pair.response.value_at_quantile(0.99));
        let _ = write!(out, "  arrival-to-decision p99 {p99}");
    }
    let (table, more) = tables::status(tally, &Ranking::of(tally));
    let _ = write!(out, "  hot allocs {hot_allocs}\n{table}");
    if more > 0 {
        let _ = write!(out, "            and {more} more");
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests;
