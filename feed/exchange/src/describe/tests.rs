use std::fs;

use paperwire_core::time::ExchNs;

use super::facts::Source;
use super::*;

/// A capture's pairs by their measures; `None` with a loud line where there is no capture.
fn capture(name: &str) -> Option<Vec<Described>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/kraken");
    let folder = std::env::var("PAPERWIRE_CAPTURES").unwrap_or_else(|_| default.to_owned());
    let Ok(text) = fs::read_to_string(format!("{folder}/ws/{name}")) else {
        eprintln!("SKIPPED: capture {name} not found; set PAPERWIRE_CAPTURES to its folder");
        return None;
    };
    let mut reader = CaptureReader::default();
    for line in text.lines() {
        let (rx, frame) = line.split_once('\t').unwrap();
        reader.frame(ExchNs::new(rx.parse().unwrap()), frame);
    }
    Some(reader.finish())
}

#[test]
fn the_figures_of_the_captures_are_those_that_the_facts_name() {
    for name in ["btcusd_d25_20260802.tsv", "xrpusd_d25_20260802.tsv"] {
        let Some(pairs) = capture(name) else { return };
        assert_eq!(pairs.len(), 1);
        let of = &pairs[0];
        let facts = facts::FACTS.iter().filter(|fact| fact.source == Source::Capture);
        for fact in facts.filter(|fact| fact.pair == Some(of.pair.as_str())) {
            let value = of.value(fact.key).unwrap();
            let real = fact.real.unwrap();
            assert!((value / real - 1.0).abs() < 0.03, "{} {}: {value}, {real}", of.pair, fact.key);
            assert!((fact.range.0..=fact.range.1).contains(&real), "{}", fact.key);
        }
    }
}
