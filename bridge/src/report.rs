//! The final report and the status line: for people as aligned text, for machines as JSON.

use std::fmt::Write;

use hdrhistogram::Histogram;
use paperwire_core::latency::{Pair, Stage};
use paperwire_core::num::Money;
use paperwire_core::strategy::{RejectReason, Skip};
use paperwire_core::time::DurationNs;
use paperwire_exec::report::AccountRow;
use paperwire_exec::venue::FILL_MODEL;
use paperwire_feed::market::Counters;
use serde_json::{Value, json};

use crate::tally::Tally;

/// Everything the final report shows besides the tally.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Where the market came from.
    pub source: String,
    /// Name of the session.
    pub session: String,
    /// Seconds of wall time (of a replay: of processing alone).
    pub elapsed_s: f64,
    /// Fee of taking, as a fraction.
    pub taker_fee: Money,
    /// Currency of every account.
    pub numeraire: String,
    /// What the feed counted.
    pub counters: Counters,
    /// Allocations on warm threads.
    pub hot_allocs: u64,
    /// Records that the recording lost.
    pub recording_lost: u64,
    /// Further lines of notice.
    pub notes: Vec<String>,
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// A rate that may not be known.
fn win_rate(row: &AccountRow) -> Option<f64> {
    let decided = row.wins + row.losses;
    #[expect(clippy::cast_precision_loss, reason = "a percentage for display")]
    let rate = (decided > 0).then(|| row.wins as f64 / decided as f64 * 100.0);
    rate
}

fn roi_pct(row: &AccountRow) -> f64 {
    ((row.equity - row.baseline) / row.baseline).to_num::<f64>() * 100.0
}

/// The report as text.
pub fn text(tally: &Tally, summary: &Summary) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, tally, summary);
    out
}

fn write_text(out: &mut String, tally: &Tally, summary: &Summary) -> std::fmt::Result {
    let counters = &summary.counters;
    let Summary { source, session, elapsed_s, numeraire, .. } = summary;
    writeln!(out, "\nPaperwire  {session}  source {source}  {elapsed_s:.1} s")?;
    let fee_pct = summary.taker_fee * 100;
    writeln!(out, "fills {FILL_MODEL}; fee {fee_pct:.4} % taker; accounts in {numeraire}\n")?;
    money_table(out, tally)?;
    writeln!(out)?;
    latency_table(out, tally)?;
    writeln!(out)?;
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
        "         resyncs {}  gaps {}  disconnects {}  malformed {}  unknown {}  conflated {}  trades dropped {}",
        counters.resyncs,
        counters.gaps,
        counters.disconnects,
        counters.malformed,
        counters.unknown_symbols,
        counters.conflated,
        counters.dropped_trades
    )?;
    writeln!(
        out,
        "         duplicate trades {}  missed trades {}",
        counters.duplicate_trades, counters.missed_trades
    )?;
    writeln!(
        out,
        "engine   bars {}  signals {}  fills {}  hot_allocs_total {}",
        tally.bars, tally.signals, tally.fills, summary.hot_allocs
    )?;
    reasons(out, tally)?;
    for note in &summary.notes {
        writeln!(out, "note     {note}")?;
    }
    writeln!(out, "digest   {}", tally.digest.hex())
}

fn money_table(out: &mut String, tally: &Tally) -> std::fmt::Result {
    let width = name_width(tally);
    writeln!(
        out,
        "{:<width$} {:>10} {:>9} {:>8} {:>9} {:>6} {:>6} {:>6} {:>8} {:>8}",
        "strategy",
        "equity",
        "P&L",
        "ROI %",
        "open P&L",
        "fills",
        "closed",
        "win %",
        "max DD %",
        "fees"
    )?;
    let mut order: Vec<usize> = (0..tally.accounts.len()).collect();
    order.sort_by_key(|&index| std::cmp::Reverse(tally.accounts[index].equity));
    for index in order {
        let row = &tally.accounts[index];
        let win = win_rate(row).map_or_else(|| "-".to_owned(), |rate| format!("{rate:.1}"));
        writeln!(
            out,
            "{:<width$} {:>10.4} {:>9.4} {:>8.3} {:>9.4} {:>6} {:>6} {win:>6} {:>8.3} {:>8.4}{}",
            tally.strategies[index].instance,
            row.equity,
            row.equity - row.baseline,
            roi_pct(row),
            row.unrealized,
            row.fills,
            row.closed_trades,
            row.drawdown_max.to_num::<f64>() * 100.0,
            row.fees,
            if row.is_benched { "  BENCHED" } else { "" },
        )?;
    }
    Ok(())
}

fn latency_table(out: &mut String, tally: &Tally) -> std::fmt::Result {
    let width = name_width(tally).max(14);
    writeln!(
        out,
        "{:<width$} {:>9} | {:>8} {:>8} {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} {:>8}",
        "latency", "count", "p50", "p90", "p99", "p99.9", "max", "p50", "p99", "p99.9", "max"
    )?;
    writeln!(
        out,
        "{:<width$} {:>9} | {:^44} | {:^35}",
        "", "", "service (work alone)", "response (from arrival)"
    )?;
    let mut line = |name: &str, pair: &Pair| -> std::fmt::Result {
        if pair.service.is_empty() {
            return Ok(());
        }
        let at = |of: &Histogram<u32>, q: f64| DurationNs::new(of.value_at_quantile(q)).to_string();
        let (service, response) = (&pair.service, &pair.response);
        writeln!(
            out,
            "{name:<width$} {:>9} | {:>8} {:>8} {:>8} {:>8} {:>8} | {:>8} {:>8} {:>8} {:>8}",
            service.len(),
            at(service, 0.5),
            at(service, 0.9),
            at(service, 0.99),
            at(service, 0.999),
            DurationNs::new(service.max()).to_string(),
            at(response, 0.5),
            at(response, 0.99),
            at(response, 0.999),
            DurationNs::new(response.max()).to_string(),
        )
    };
    for (stage, pair) in tally.bank.stages() {
        line(stage.as_str(), pair)?;
    }
    for (name, pair) in tally.strategies.iter().zip(tally.bank.strategies()) {
        line(&name.instance, pair)?;
    }
    Ok(())
}

/// Why strategies did nothing and why signals were refused: the three most frequent of each.
fn reasons(out: &mut String, tally: &Tally) -> std::fmt::Result {
    for (index, name) in tally.strategies.iter().enumerate() {
        let rejects =
            RejectReason::ALL.iter().map(|r| r.as_str()).zip(tally.rejects[index].clone());
        let skips = Skip::ALL.iter().map(|s| s.as_str()).zip(tally.skips[index].clone());
        let (rejects, skips) = (top(rejects.collect()), top(skips.collect()));
        if !rejects.is_empty() || !skips.is_empty() {
            writeln!(
                out,
                "{:<8} {}: rejected [{rejects}] waited [{skips}]",
                "reasons", name.instance
            )?;
        }
    }
    Ok(())
}

fn top(mut counts: Vec<(&'static str, u64)>) -> String {
    counts.retain(|(_, count)| *count > 0);
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts.truncate(3);
    let parts: Vec<String> = counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    parts.join(", ")
}

fn name_width(tally: &Tally) -> usize {
    tally.strategies.iter().map(|name| name.instance.len()).max().unwrap_or(0).max(8)
}

/// The line of every ten seconds.
pub fn status_line(tally: &Tally, counters: &Counters, elapsed_s: f64, hot_allocs: u64) -> String {
    let mut out = format!("[{elapsed_s:7.1} s]");
    for (of, row) in tally.instruments.iter().zip(&tally.markets).take(4) {
        let mid = match (row.bid, row.ask) {
            (Some(bid), Some(ask)) => format!("{}/{}", of.show_px(bid), of.show_px(ask)),
            _ => "not live".to_owned(),
        };
        let _ = write!(out, "  {} {mid}", of.name);
    }
    let (frames, resyncs) = (counters.frames, counters.resyncs);
    let _ = write!(out, "  frames {frames}  resyncs {resyncs}");
    if let Some((_, pair)) = tally.bank.stages().find(|(stage, _)| *stage == Stage::Decided) {
        let p99 = DurationNs::new(pair.response.value_at_quantile(0.99));
        let _ = write!(out, "  arrival-to-decision p99 {p99}");
    }
    let _ = write!(out, "  hot allocs {hot_allocs}");
    for (name, row) in tally.strategies.iter().zip(&tally.accounts).take(6) {
        let _ = write!(out, "  {} {:.2} ({} fills)", name.instance, row.equity, row.fills);
    }
    out
}

/// The report as JSON, with the field names that others build on.
pub fn json(tally: &Tally, summary: &Summary) -> Value {
    let counters = &summary.counters;
    #[expect(clippy::cast_precision_loss, reason = "a rate for display")]
    let frames_per_s =
        if summary.elapsed_s > 0.0 { counters.frames as f64 / summary.elapsed_s } else { 0.0 };
    let strategies: Vec<Value> = (0..tally.strategies.len()).map(|i| strategy(tally, i)).collect();
    let stages: Vec<Value> = tally
        .bank
        .stages()
        .filter(|(_, pair)| !pair.service.is_empty())
        .map(|(stage, pair)| {
            json!({
                "stage": stage.as_str(),
                "latency_ns": latency(&pair.service),
                "response_ns": latency(&pair.response),
            })
        })
        .collect();
    json!({
        "source": summary.source,
        "session": summary.session,
        "fill_model": FILL_MODEL,
        "taker_fee": format!("{:.6}", summary.taker_fee),
        "frames": counters.frames,
        "book_updates": counters.book_updates,
        "checksums_ok": counters.checksums_ok,
        "checksums_bad": counters.checksums_bad,
        "resyncs": counters.resyncs,
        "gaps": counters.gaps,
        "disconnects": counters.disconnects,
        "malformed": counters.malformed,
        "unknown_symbols": counters.unknown_symbols,
        "conflated": counters.conflated,
        "dropped_trades": counters.dropped_trades,
        "duplicate_trades": counters.duplicate_trades,
        "trades": counters.trades,
        "bars": tally.bars,
        "signals": tally.signals,
        "fills": tally.fills,
        "digest": tally.digest.hex(),
        "elapsed_s": summary.elapsed_s,
        "frames_per_s": frames_per_s,
        "hot_allocs_total": summary.hot_allocs,
        "recording_lost": summary.recording_lost,
        "notes": summary.notes,
        "strategies": strategies,
        "stages": stages,
    })
}

fn strategy(tally: &Tally, index: usize) -> Value {
    let (name, row) = (&tally.strategies[index], &tally.accounts[index]);
    let pair = &tally.bank.strategies()[index];
    let amount = |amount: Money| format!("{amount:.10}");
    json!({
        "name": name.instance,
        "version": name.version,
        "sha256": name.sha256,
        "equity": amount(row.equity),
        "realized_pnl": amount(row.realized),
        "unrealized_pnl": amount(row.unrealized),
        "fees": amount(row.fees),
        "closed_trades": row.closed_trades,
        "fills": row.fills,
        "signals": row.signals,
        "rejects": row.rejects,
        "win_rate": win_rate(row),
        "max_drawdown_pct": row.drawdown_max.to_num::<f64>() * 100.0,
        "benched": row.is_benched,
        "latency_ns": latency(&pair.service),
        "response_ns": latency(&pair.response),
    })
}

fn latency(histogram: &Histogram<u32>) -> Value {
    let mut value = json!({"max": histogram.max(), "count": histogram.len()});
    for (name, quantile) in QUANTILES {
        value[name] = json!(histogram.value_at_quantile(quantile));
    }
    value
}
