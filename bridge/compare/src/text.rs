//! A comparison for people: where it comes from, a table each for service and response, the control, and a
//! sentence.

use std::fmt::Write;

use paperwire_core::time::DurationNs;
use paperwire_lab::estimate::Interval;
use paperwire_lab::judge::Row;
use paperwire_replay::report::table::Table;

use crate::measurement::Measurement;
use crate::plan::CONTROL_PROCESSES;
use crate::table::{Comparison, Tables};
use crate::words::{self, grouped, percent};

/// Columns of a line of text.
const WIDTH: usize = 100;

/// The comparison as text.
pub fn text(measurement: &Measurement, of: &Comparison) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_text(&mut out, measurement, of);
    out.trim_end().to_owned()
}

fn write_text(out: &mut String, of: &Measurement, judged: &Comparison) -> std::fmt::Result {
    let [a, b] = &judged.names;
    let company = match of.company.as_slice() {
        [] => "each once, alone".to_owned(),
        others => format!("each once, beside {}", others.join(", ")),
    };
    line(out, "compare", &format!("A = {a}, B = {b}; {company}"))?;
    line(out, "build", &format!("{}; {}", of.build, host(of)))?;
    line(out, "control", &control(of))?;
    for tables in &judged.tables {
        writeln!(out)?;
        write_tables(out, of, judged, tables)?;
    }
    writeln!(out, "\n{}", wrapped(&method(judged), WIDTH))?;
    for note in &of.notes {
        writeln!(out, "{}", wrapped(&format!("note: {note}"), WIDTH))?;
    }
    Ok(())
}

fn host(of: &Measurement) -> String {
    format!(
        "host {}; each time holds {:.0} ns of measuring; the clock shows steps of {} ns",
        of.host.words, of.host.clock_read_ns, of.host.clock_step_ns
    )
}

fn control(of: &Measurement) -> String {
    match (of.has_control, of.is_live) {
        (true, _) => format!(
            "{CONTROL_PROCESSES} processes of A with A and {CONTROL_PROCESSES} of B with B, run in between"
        ),
        (false, true) => "none: sessions are not run for a control".to_owned(),
        (false, false) => {
            "none (--no-control): a defect of the instrument would not show".to_owned()
        }
    }
}

fn write_tables(
    out: &mut String,
    of: &Measurement,
    judged: &Comparison,
    tables: &Tables,
) -> std::fmt::Result {
    let played = if of.is_live { "live" } else { "replayed at full speed" };
    line(out, "source", &format!("{}, {played}", tables.source))?;
    let [a, b] = tables.calls.map(grouped);
    let calls = if a == b { format!("{a} of each") } else { format!("{a} of A, {b} of B") };
    let time = tables.pace.unit_s.map_or_else(String::new, |each| format!(" of {each:.2} s"));
    let rate = tables
        .pace
        .calls_per_s
        .map_or_else(String::new, |rate| format!(", {} a second of the market", whole(rate)));
    line(
        out,
        "calls",
        &format!(
            "{calls} in a process{rate}; the first {} of each are cut off",
            grouped(tables.warm_up)
        ),
    )?;
    line(out, "runs", &format!("{} fresh processes{time}", tables.processes))?;
    writeln!(out)?;
    for (name, rows) in [("service", &tables.service), ("response", &tables.response)] {
        writeln!(out, "{}", table(name, rows, tables, judged.rules.detect))?;
    }
    if of.has_control {
        writeln!(out, "{}", control_table(tables))?;
    }
    for sentence in sentences(judged, tables) {
        writeln!(out, "{}", wrapped(&sentence, WIDTH))?;
    }
    Ok(())
}

fn whole(rate: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a positive rate")]
    let whole = rate.round() as u64;
    grouped(whole)
}

fn line(out: &mut String, name: &str, text: &str) -> std::fmt::Result {
    let lines = wrapped(text, WIDTH - 9);
    writeln!(out, "{name:<8} {}", lines.replace('\n', "\n         "))
}

fn table(name: &str, rows: &[Row], of: &Tables, detect: f64) -> Table {
    let each = if of.pace.unit.plural() == "tapes" { "per tape" } else { "per process" };
    let mut table = Table::new(&[name, "A", "B", "B / A", "interval", each, "B is"]);
    for row in rows {
        let time = |arm: usize| {
            row.ns.map_or_else(dash, |ns| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a time"
                )]
                let whole = ns[arm].round() as u64;
                DurationNs::new(whole).to_string()
            })
        };
        table.row(vec![
            row.percentile.name.to_owned(),
            time(0),
            time(1),
            row.log_ratio.map_or_else(dash, |of| words::ratio(paperwire_core::random::exp(of))),
            row.deciding.map_or_else(dash, words::range),
            row.range.map_or_else(dash, words::range),
            words::verdict(row.verdict, &of.pace, detect),
        ]);
    }
    table
}

/// Each strategy against itself.
fn control_table(of: &Tables) -> Table {
    let names = of.service.iter().map(|row| row.percentile.name);
    let header: Vec<&str> = std::iter::once("against itself").chain(names).collect();
    let mut table = Table::new(&header);
    for (name, rows) in [("service", &of.service), ("response", &of.response)] {
        for (arm, who) in ["A", "B"].into_iter().enumerate() {
            let cell =
                |row: &Row| row.control[arm].map_or_else(dash, |of: Interval| words::range(of));
            let cells = rows.iter().map(cell);
            table.row(std::iter::once(format!("{who}, {name}")).chain(cells).collect());
        }
    }
    table
}

fn dash() -> String {
    "-".to_owned()
}

/// What the tables say, in words.
pub fn sentences(judged: &Comparison, of: &Tables) -> Vec<String> {
    let [a, b] = judged.names.each_ref().map(String::as_str);
    let scope = of.scope.words();
    let say = |name: &str, rows: &[Row]| {
        format!("{name}, {scope}: {}.", words::sentence(rows, [a, b], judged.rules.detect))
    };
    vec![say("Service", &of.service), say("Response", &of.response)]
}

fn method(of: &Comparison) -> String {
    let unit = of.tables.first().map_or("processes", |of| of.pace.unit.plural());
    format!(
        "Service runs from just before a strategy's call to just after; response from the moment its frame was \
         taken (live: received) to the end of the call, the other's turn included. A and B are geometric means \
         over {unit}. The interval is of Student's t over {unit}, {:.1} % for each cell, so that all eight of a \
         table hold with {:.0} %. Slower or faster is said when it excludes 1 and the two differ by more than a \
         step of the clock; no difference when it lies within {} %.",
        100.0 * (1.0 - of.rules.cell_error()),
        100.0 * (1.0 - of.rules.error),
        percent(of.rules.detect),
    )
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
