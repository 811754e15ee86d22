//! A comparison for machines. What is symmetric bit for bit are the logarithms; ratios are made of them to be read.

use paperwire_core::random::exp;
use paperwire_lab::estimate::Interval;
use paperwire_lab::judge::Row;
use paperwire_lab::verdict::CELLS;
use serde_json::{Value, json};

use crate::measurement::Measurement;
use crate::plan::CONTROL_PROCESSES;
use crate::table::{Comparison, Tables};
use crate::text;
use crate::words::{self, Pace};

/// The comparison as JSON. One tape has its tables at the top, many have a list of them.
pub fn json(measurement: &Measurement, of: &Comparison) -> Value {
    let tables: Vec<Value> = of.tables.iter().map(|tables| self::tables(of, tables)).collect();
    let mut all = json!({
        "a": of.names[0],
        "b": of.names[1],
        "company": measurement.company,
        "is_live": measurement.is_live,
        "sources": measurement.sources,
        "seconds_per_block": measurement.seconds_per_block,
        "seed": measurement.seed,
        "build": measurement.build,
        "host": measurement.host,
        "control_processes": measurement.has_control.then_some(CONTROL_PROCESSES),
        "method": {
            "error_table": of.rules.error,
            "error_each": of.rules.error / f64::from(CELLS),
            "detect": of.rules.detect,
        },
        "notes": measurement.notes,
    });
    let fields = all.as_object_mut().expect("it was made an object");
    match <[Value; 1]>::try_from(tables) {
        Ok([Value::Object(one)]) => fields.extend(one),
        Ok([other]) => drop(fields.insert("tables".to_owned(), other)),
        Err(many) => drop(fields.insert("tables".to_owned(), Value::Array(many))),
    }
    all
}

fn tables(judged: &Comparison, of: &Tables) -> Value {
    let row = |row: &Row| self::row(row, &of.pace, judged.rules.detect);
    json!({
        "source": of.source,
        "unit": of.pace.unit.plural(),
        "processes": of.processes,
        "process_s": of.pace.unit_s,
        "calls": {"a": of.calls[0], "b": of.calls[1]},
        "calls_per_s": of.pace.calls_per_s,
        "warm_up_calls": of.warm_up,
        "service": of.service.iter().map(row).collect::<Value>(),
        "response": of.response.iter().map(row).collect::<Value>(),
        "summary": text::sentences(judged, of),
    })
}

fn row(of: &Row, pace: &Pace, detect: f64) -> Value {
    let ends = |of: Option<Interval>| of.map(|of| [of.low, of.high]);
    let ratios = |of: Option<Interval>| ends(of.map(words::ratio_of));
    let missing = words::missing(of.verdict, pace);
    let count = |unit: &str| missing.filter(|(_, of)| *of == unit).map(|(count, _)| count);
    json!({
        "percentile": of.percentile.name,
        "a_ns": of.ns.map(|ns| ns[0]),
        "b_ns": of.ns.map(|ns| ns[1]),
        "ratio": of.log_ratio.map(exp),
        "log_ratio": of.log_ratio,
        "log_low": of.deciding.map(|of| of.low),
        "log_high": of.deciding.map(|of| of.high),
        "interval": ratios(of.deciding),
        "log_each": ends(of.each),
        "interval_each": ratios(of.each),
        "log_range": ends(of.range),
        "range": ratios(of.range),
        "log_deviation": of.deviation,
        "a_against_itself": ratios(of.control[0]),
        "b_against_itself": ratios(of.control[1]),
        "verdict": words::verdict(of.verdict, pace, detect),
        "missing_calls": count("calls"),
        "missing_units": count(pace.unit.plural()),
    })
}
