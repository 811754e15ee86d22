//! A comparison for people: where it comes from, a table each for service and response, and a sentence.

use std::fmt::Write;

use paperwire_core::time::DurationNs;

use super::Comparison;
use super::stats::{A, ARMS, B, CELLS, Interval, Quantile, Row, Verdict, float};
use crate::report::table::Table;

/// Columns of a line of text.
const WIDTH: usize = 100;

/// The comparison as text.
pub fn text(of: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, of);
    out.trim_end().to_owned()
}

fn write_text(out: &mut String, of: &Comparison) -> std::fmt::Result {
    let [a, b, control] = &of.names;
    line(out, "compare", &format!("A = {a}, B = {b}; control: {control}, A once more"))?;
    line(out, "source", &of.source)?;
    let first = of.called_first.map_or_else(String::new, |counts| {
        let [a, b, control] = counts.map(|count| share(count, counts.iter().sum()));
        format!("; % called first: A {a}, B {b}, control {control}")
    });
    line(
        out,
        "ticks",
        &format!(
            "{} of each in {} blocks of {} s, {} a second{first}",
            grouped(of.ticks.iter().min().copied().unwrap_or(0)),
            of.blocks,
            of.seconds_per_block,
            rate(of.ticks_per_s),
        ),
    )?;
    line(out, "warm-up", &warm_up(of))?;
    line(
        out,
        "host",
        &format!(
            "{}; each time holds {:.0} ns of measuring; the clock shows steps of {} ns",
            host(of),
            of.probe_ns(),
            of.settings.clock_step_ns
        ),
    )?;
    writeln!(out)?;
    for (name, rows) in [("service", &of.service), ("response", &of.response)] {
        writeln!(out, "{}", table(name, rows, of))?;
    }
    let share = of.settings.error / f64::from(CELLS);
    let method = format!(
        "Service is the strategy's work alone; response runs {}, the turns of the others included. \
         Intervals and floor hold with {:.0} % for both tables together, {:.1} % for each cell ({} \
         resamples of the same blocks for all). The floor is A against its control: B is called slower \
         or faster only when its whole interval is outside. No difference is said only where one of {} % \
         would have been found in 95 % of such sessions (`finds`).",
        of.arrival,
        100.0 * (1.0 - of.settings.error),
        100.0 * (1.0 - share),
        of.settings.resamples,
        percent(of.settings.detect),
    );
    writeln!(out, "{}\n", wrapped(&method, WIDTH))?;
    for sentence in sentences(of) {
        writeln!(out, "{}", wrapped(&sentence, WIDTH))?;
    }
    for note in &of.notes {
        writeln!(out, "{}", wrapped(&format!("note: {note}"), WIDTH))?;
    }
    Ok(())
}

fn line(out: &mut String, name: &str, text: &str) -> std::fmt::Result {
    let lines = wrapped(text, WIDTH - 9);
    writeln!(out, "{name:<9}{}", lines.replace('\n', "\n         "))
}

fn host(of: &Comparison) -> String {
    let line = of.host.line();
    let line = line.split(';').next().unwrap_or_default();
    line.strip_prefix("host ").unwrap_or(line).to_owned()
}

fn warm_up(of: &Comparison) -> String {
    let apart = |arm: usize| {
        let times = &of.warm_up.service[arm];
        let time = |ns: Option<u64>| DurationNs::new(ns.unwrap_or(0)).to_string();
        let (median, max) = (time(times.quantile(Quantile::ALL[0])), time(times.max()));
        format!("p50 {median}, max {max}")
    };
    format!(
        "the first {} s and {} ticks apart: A {}; B {}",
        of.warm_up.blocks as u64 * of.seconds_per_block,
        grouped(of.warm_up.service.iter().map(super::stats::Sparse::count).min().unwrap_or(0)),
        apart(A),
        apart(B)
    )
}

fn table(name: &str, rows: &[Row], of: &Comparison) -> Table {
    let mut table = Table::new(&[name, "A", "B", "B / A", "interval", "floor", "finds", "B is"]);
    for row in rows {
        let time =
            |arm: usize| row.values[arm].map_or_else(dash, |ns| DurationNs::new(ns).to_string());
        let interval = |of: Option<Interval>| of.map_or_else(dash, |of| shown(&of));
        table.row(vec![
            row.quantile.name.to_owned(),
            time(A),
            time(B),
            row.ratio.map_or_else(dash, ratio),
            interval(row.interval),
            interval(row.floor),
            row.detectable.map_or_else(dash, |of| format!("{} %", percent(of))),
            verdict(row.verdict, of.ticks_per_s),
        ]);
    }
    table
}

fn dash() -> String {
    "-".to_owned()
}

/// A share in percent, with a decimal where it matters.
fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    let text = if percent < 100.0 { format!("{percent:.1}") } else { format!("{percent:.0}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Three decimals around 1, where they matter.
fn ratio(of: f64) -> String {
    match of {
        _ if of < 10.0 => format!("{of:.3}"),
        _ if of < 100.0 => format!("{of:.1}"),
        _ => format!("{of:.0}"),
    }
}

fn shown(of: &Interval) -> String {
    format!("{} to {}", ratio(of.low), ratio(of.high))
}

/// The verdict in words.
pub fn verdict(of: Verdict, ticks_per_s: f64) -> String {
    match of {
        Verdict::Faster => "faster".to_owned(),
        Verdict::Slower => "slower".to_owned(),
        Verdict::NoDifference => "no difference detected".to_owned(),
        Verdict::TooCoarse => "too close to tell here".to_owned(),
        Verdict::NotEnough { ticks } => {
            let more = format!("not enough data: need {} more ticks", grouped(ticks));
            match minutes(ticks, ticks_per_s) {
                Some(minutes) => format!("{more} ({minutes:.1} min)"),
                None => more,
            }
        }
    }
}

/// Minutes until as many ticks have come, at the rate so far.
pub fn minutes(ticks: u64, ticks_per_s: f64) -> Option<f64> {
    (ticks_per_s > 0.0).then(|| float(ticks) / ticks_per_s / 60.0)
}

/// What the tables say, in words.
pub fn sentences(of: &Comparison) -> Vec<String> {
    let tables = [("Service", &of.service), ("Response", &of.response)];
    tables.map(|(name, rows)| format!("{name}: {}.", sentence(rows, &of.names))).into()
}

/// What a table says, in words.
pub(crate) fn sentence(rows: &[Row], [a, b, _]: &[String; ARMS]) -> String {
    let mut parts: Vec<String> = Vec::new();
    for row in rows.iter().filter(|row| matches!(row.verdict, Verdict::Faster | Verdict::Slower)) {
        let Some(interval) = row.interval else { continue };
        let (low, high) = (interval.low, interval.high);
        parts.push(match parts.is_empty() {
            true => {
                format!("{b}'s {} is {low:.2} to {high:.2} times that of {a}", row.quantile.name)
            }
            false => format!("its {} {low:.2} to {high:.2} times", row.quantile.name),
        });
    }
    let of = |wanted: fn(&Verdict) -> bool| {
        rows.iter().filter(move |row| wanted(&row.verdict)).map(|row| row.quantile.name)
    };
    let equal: Vec<_> = of(|verdict| *verdict == Verdict::NoDifference).collect();
    if !equal.is_empty() {
        let unseen = rows.iter().filter(|row| equal.contains(&row.quantile.name));
        let floor = unseen.filter_map(|row| row.floor).map(|of| of.high).fold(1.0, f64::max);
        parts.push(format!(
            "no difference detected at {}, where {a} differs from itself by up to {:.1} %",
            equal.join(", "),
            100.0 * (floor - 1.0)
        ));
    }
    let close: Vec<_> = of(|verdict| *verdict == Verdict::TooCoarse).collect();
    if !close.is_empty() {
        parts.push(format!(
            "too close to tell at {}: steps of the clock, or what {a} always differs from itself, are larger than \
             what is looked for",
            close.join(", ")
        ));
    }
    let open: Vec<_> = of(|verdict| matches!(verdict, Verdict::NotEnough { .. })).collect();
    if !open.is_empty() {
        parts.push(format!("not enough data for {}", open.join(", ")));
    }
    parts.join("; ")
}

fn share(count: u64, of: u64) -> String {
    format!("{:.1}", 100.0 * float(count) / float(of.max(1)))
}

/// Ticks a second, whole.
fn rate(of: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate")]
    let whole = of.round() as u64;
    grouped(whole)
}

/// 1234567 as 1,234,567.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Breaks at spaces so that no line is longer than `width` where words allow it.
fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                let _ = write!(line, " {word}");
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines.join("\n")
}
