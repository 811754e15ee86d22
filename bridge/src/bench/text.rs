//! A benchmark for people: details first, so that the answer stands at the end, above the prompt.

use std::fmt::Write as _;
use std::time::Duration;

use paperwire_core::time::DurationNs;
use paperwire_doctor::build_profile;
use paperwire_replay::report::table::Table;

use super::model::{Host, QUANTILE_NAMES, Quantiles, RateRow, Run, StageRow, StrategyRow};
use super::rates::spoken;
use super::store::Ratio;

/// Everything.
pub(super) fn report(run: &Run) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_report(&mut out, run);
    out
}

fn write_report(out: &mut String, run: &Run) -> std::fmt::Result {
    let (way, seconds) = (if run.tls { "TLS" } else { "plain sockets" }, run.seconds);
    let sender = if run.inline_load { ", sent from the feed's own thread" } else { "" };
    writeln!(out, "\nPaperwire bench  {}  {seconds} s per rate over {way}{sender}", run.at)?;
    writeln!(out, "{}\n", host_line(&run.host))?;
    let stages = |of: fn(&StageRow) -> &Quantiles| {
        run.stages.iter().map(move |row| (row.stage.as_str(), row.rate.as_str(), of(row)))
    };
    let strategies = |of: fn(&StrategyRow) -> &Quantiles| {
        run.strategies.iter().map(move |row| (row.name.as_str(), row.rate.as_str(), of(row)))
    };
    let response = if run.from_read {
        "response, from the read that fetched the frame"
    } else {
        "response, from the intended send time"
    };
    writeln!(out, "Stages: service, the work alone")?;
    writeln!(out, "{}", grid("stage", stages(|row| &row.latency_ns)))?;
    writeln!(out, "Stages: {response}")?;
    writeln!(out, "{}", grid("stage", stages(|row| &row.response_ns)))?;
    writeln!(out, "Strategies: service, the work alone")?;
    writeln!(out, "{}", grid("strategy", strategies(|row| &row.latency_ns)))?;
    writeln!(out, "(their response follows that of \"decided\"; --json has it)\n")?;
    writeln!(out, "Load: how late the sender itself was, and what waited when the period ended")?;
    writeln!(out, "{}", load(&run.rates))?;
    writeln!(out, "Losses, and time on a core (of a thread that spins: always all)")?;
    writeln!(out, "{}", losses(&run.rates))?;
    if let Some(noise) = noise(&run.rates, run.seconds) {
        writeln!(
            out,
            "The machine: hiccups of threads that spin, 5 us and more between two idle turns"
        )?;
        writeln!(out, "{noise}")?;
    }
    writeln!(out, "Wire to decision: {response}")?;
    writeln!(out, "{}", decisions(&run.rates))?;
    for row in &run.rates {
        if let Some(probes) = row.probes {
            writeln!(out, "probes at {}: {probes}", spoken(&row.rate))?;
        }
    }
    if let Some(warning) = build_profile::warning() {
        writeln!(out, "{warning}")?;
    }
    write_verdict(out, run)
}

pub(super) fn host_line(host: &Host) -> String {
    let core =
        |core: Option<usize>| core.map_or("any core".to_owned(), |core| format!("core {core}"));
    let kind = if host.is_virtual == "yes" { "virtual machine, " } else { "" };
    format!(
        "host {} graded {}: {kind}{}, {} cores, Linux {}\nfeed on {}, engine on {}, waiting by {}",
        host.hash,
        host.grade,
        host.cpu,
        host.cores,
        host.kernel,
        core(host.feed_core),
        core(host.engine_core),
        host.wait
    )
}

/// Rates under each name, with all percentiles.
fn grid<'a>(head: &str, rows: impl Iterator<Item = (&'a str, &'a str, &'a Quantiles)>) -> Table {
    let header: Vec<&str> = [head, "rate", "count"].into_iter().chain(QUANTILE_NAMES).collect();
    let mut table = Table::new(&header);
    let mut rows: Vec<_> = rows.collect();
    let order = names(rows.iter().map(|(name, _, _)| *name));
    rows.sort_by_key(|(name, _, _)| order.iter().position(|known| known == name));
    let mut last = "";
    for (name, rate, of) in rows {
        let shown = if name == last { "" } else { name };
        last = name;
        let mut cells = vec![shown.to_owned(), rate.to_owned(), of.count.to_string()];
        cells.extend(percentiles(of));
        table.row(cells);
    }
    table
}

/// Each name once, in order of appearance.
fn names<'a>(all: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut names = Vec::new();
    for name in all {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What the machine took from the threads that spin; nothing where none does.
fn noise(rates: &[RateRow], seconds: u32) -> Option<Table> {
    let mut table = Table::new(&["rate", "thread", "hiccups", "lost", "longest"]);
    for (row, of) in rates.iter().flat_map(|row| row.noise.iter().map(move |of| (row, of))) {
        let share = 100.0 * Duration::from_nanos(of.lost_ns).as_secs_f64() / f64::from(seconds);
        let (hiccups, lost) = (of.hiccups.to_string(), format!("{share:.2} %"));
        let longest = duration(of.longest_ns);
        table.row(vec![row.rate.clone(), of.name.clone(), hiccups, lost, longest]);
    }
    rates.iter().any(|row| !row.noise.is_empty()).then_some(table)
}

fn decisions(rates: &[RateRow]) -> Table {
    let header: Vec<&str> = ["rate", "asked/s", "achieved/s"]
        .into_iter()
        .chain(QUANTILE_NAMES)
        .chain(["count"])
        .collect();
    let mut table = Table::new(&header);
    for row in rates {
        let name =
            if row.saturated.is_some() { format!("{} (!)", row.rate) } else { row.rate.clone() };
        let mut cells = vec![name, whole(row.asked_per_s), whole(row.achieved_per_s)];
        cells.extend(percentiles(&row.decision_ns));
        cells.push(row.decision_ns.count.to_string());
        table.row(cells);
    }
    table
}

fn load(rates: &[RateRow]) -> Table {
    let mut table = Table::new(&[
        "rate",
        "frames",
        "sent late p50",
        "p99",
        "max",
        "socket full for",
        "left",
        "oldest",
    ]);
    for row in rates {
        let late = &row.sent_late_ns;
        table.row(vec![
            row.rate.clone(),
            row.frames.to_string(),
            duration(late.p50),
            duration(late.p99),
            duration(late.max),
            duration(row.blocked_ns),
            row.backlog_frames.to_string(),
            duration(row.backlog_ns),
        ]);
    }
    table
}

fn losses(rates: &[RateRow]) -> Table {
    let mut table = Table::new(&[
        "rate",
        "conflated",
        "dropped",
        "bad sums",
        "hot allocs",
        "signals",
        "fills",
        "load",
        "feed",
        "engine",
        "bridge",
    ]);
    for row in rates {
        let cpu = |name: &str| {
            let thread = row.threads.iter().find(|thread| thread.name == name);
            thread.map_or("-".to_owned(), |thread| format!("{:.0} %", thread.cpu_pct))
        };
        table.row(vec![
            row.rate.clone(),
            row.conflated.to_string(),
            (row.dropped_trades + row.frames - row.frames_done).to_string(),
            row.checksums_bad.to_string(),
            row.hot_allocs.to_string(),
            row.signals.to_string(),
            row.fills.to_string(),
            cpu("load"),
            cpu("feed"),
            cpu("engine"),
            cpu("bridge"),
        ]);
    }
    table
}

fn write_verdict(out: &mut String, run: &Run) -> std::fmt::Result {
    match &run.saturation {
        Some(of) => {
            writeln!(out, "(!) saturated at {}:", spoken(&of.rate))?;
            for reason in of.why.split("; ") {
                writeln!(out, "    {reason}")?;
            }
        }
        None => writeln!(out, "not saturated at any of these rates")?,
    }
    for row in run.rates.iter().filter(|row| row.conflated > 0) {
        writeln!(
            out,
            "    at {} {} book messages were conflated: a later whole book waited for them and is the one decided on",
            spoken(&row.rate),
            row.conflated
        )?;
    }
    for row in run.rates.iter().filter(|row| row.frames_done < row.frames) {
        let left = row.frames - row.frames_done;
        writeln!(
            out,
            "    at {} {left} frames were never read and are in no percentile; the true ones are worse",
            spoken(&row.rate)
        )?;
    }
    writeln!(
        out,
        "hot_allocs_total {}  dropped {}  conflated {}",
        run.hot_allocs_total, run.dropped, run.conflated
    )
}

/// How this run stands to an earlier one: above 1 is slower than it was.
pub(super) fn ratios(run: &Run, against: &Run, ratios: &[Ratio]) -> String {
    let header: Vec<&str> = ["this / that", "rate"].into_iter().chain(QUANTILE_NAMES).collect();
    let mut table = Table::new(&header);
    let mut last = "";
    for of in ratios {
        let shown = if of.name == last { "" } else { of.name.as_str() };
        last = &of.name;
        let mut cells = vec![shown.to_owned(), of.rate.clone()];
        let ratio =
            |ratio: Option<f64>| ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        cells.extend(of.all.map(ratio));
        table.row(cells);
    }
    let mut out = format!("\nAgainst the run of {}; above 1 is slower now\n", against.at);
    if ratios.is_empty() {
        let theirs: Vec<&str> = against.rates.iter().map(|row| row.rate.as_str()).collect();
        let _ = writeln!(out, "no rate in common: that run has {}", theirs.join(", "));
    } else {
        let _ = write!(out, "{table}");
    }
    if run.host.hash != against.host.hash {
        let that = &against.host.hash;
        let _ =
            write!(out, "\nanother host ({that}): these ratios compare machines, not programs\n");
    }
    if run.config_sha256 != against.config_sha256 || way(run) != way(against) {
        out += "\nthe configurations differ: what changed may be that\n";
    }
    out
}

/// Over what and from which thread was sent, and from when responses count.
const fn way(of: &Run) -> (bool, bool, bool) {
    (of.tls, of.from_read, of.inline_load)
}

/// One line when a rate is through.
pub(super) fn line(row: &RateRow) -> String {
    let of = &row.decision_ns;
    format!(
        "{}: achieved {}/s, wire to decision p50 {}, p99 {}, max {}{}",
        spoken(&row.rate),
        whole(row.achieved_per_s),
        duration(of.p50),
        duration(of.p99),
        duration(of.max),
        if row.saturated.is_some() { "  (saturated)" } else { "" }
    )
}

/// A percentile that fewer samples than it needs would make up is a dash; the maximum says it all.
fn percentiles(of: &Quantiles) -> [String; 6] {
    const SAMPLES_MIN: [u64; 6] = [1, 10, 100, 1_000, 10_000, 1];
    let mut shown = of.all().map(duration);
    for (cell, least) in shown.iter_mut().zip(SAMPLES_MIN) {
        if of.count < least {
            "-".clone_into(cell);
        }
    }
    shown
}

fn duration(ns: u64) -> String {
    DurationNs::new(ns).to_string()
}

fn whole(rate: f64) -> String {
    if rate < 100.0 { format!("{rate:.1}") } else { format!("{rate:.0}") }
}
