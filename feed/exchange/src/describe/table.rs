//! Model and reality side by side, for people and for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::facts::fact;
use super::{Described, key};

/// A table for each pair of `model`; `capture` holds pairs measured from a file, where one was given.
pub fn table(model: &[Described], capture: &[Described]) -> String {
    let mut out = String::new();
    for of in model {
        let measured = capture.iter().find(|other| other.pair == of.pair);
        let file = if measured.is_some() { "file" } else { "" };
        // Writing to memory cannot fail.
        let _ = writeln!(
            out,
            "{:<46} {:>11} {:>11} {:>11}  {:<17} source",
            of.pair, "model", file, "real", "allowed"
        );
        for (key, what) in key::ALL {
            let fact = fact(key, &of.pair);
            let value = of.value(key);
            let (real, range, source) = fact.map_or_else(Default::default, |fact| {
                let range = format!("{} to {}", short(fact.range.0), short(fact.range.1));
                (number(fact.real), range, fact.source.as_str())
            });
            let kept = fact.and_then(|fact| fact.is_kept(of));
            let mark = if kept == Some(false) { " <- outside" } else { "" };
            let file = measured.map_or_else(String::new, |other| number(other.value(key)));
            let line = format!(
                "  {what:<44} {:>11} {file:>11} {real:>11}  {range:<17} {source}{mark}",
                number(value)
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
        out.push('\n');
    }
    for of in capture.iter().filter(|of| !model.iter().any(|other| other.pair == of.pair)) {
        let _ = writeln!(out, "{} (file only)", of.pair);
        for (key, what) in key::ALL {
            let _ = writeln!(out, "  {what:<44} {:>11}", number(of.value(key)));
        }
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    out
}

/// The same as JSON: `pairs[]` with `measures` by key, each with `model`, `file`, `real`, `low`, `high`,
/// `source` and `is_within`.
pub fn json(model: &[Described], capture: &[Described]) -> Value {
    let names: Vec<&str> = model.iter().chain(capture).map(|of| of.pair.as_str()).collect();
    let mut pairs: Vec<Value> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        if names[..at].contains(name) {
            continue;
        }
        let of = |list: &[Described], key: &str| {
            list.iter().find(|of| of.pair == *name).and_then(|of| of.value(key))
        };
        let measure = |(key, what): &(&str, &str)| {
            let value = of(model, key);
            let mut row = json!({"what": what, "model": value, "file": of(capture, key)});
            if let Some(fact) = fact(key, name) {
                row["real"] = json!(fact.real);
                row["low"] = json!(fact.range.0);
                row["high"] = json!(fact.range.1);
                row["source"] = json!(fact.source.as_str());
                let of = model.iter().find(|of| of.pair == *name);
                row["is_within"] = json!(of.and_then(|of| fact.is_kept(of)));
            }
            ((*key).to_owned(), row)
        };
        let measures: serde_json::Map<String, Value> = key::ALL.iter().map(measure).collect();
        pairs.push(json!({"pair": name, "measures": measures}));
    }
    json!({ "pairs": pairs })
}

/// The measures of a pair that leave what its facts allow, as `key value: low to high`.
pub fn outside(of: &Described) -> Vec<String> {
    let check = |(key, _): &(&str, &str)| {
        let fact = fact(key, &of.pair)?;
        let value = number(of.value(key));
        (fact.is_kept(of) == Some(false))
            .then(|| format!("{} {key} {value}: {} to {}", of.pair, fact.range.0, fact.range.1))
    };
    key::ALL.iter().filter_map(check).collect()
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), short)
}

/// Three or four significant digits.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        size if !(1e-9..0.01).contains(&size) => format!("{value:.3}"),
        _ => format!("{value:.5}"),
    }
}
