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

/// The mean of each measure over several seeds, so that one lively hour decides nothing.
fn pooled(seeds: std::ops::Range<u64>, seconds: u64) -> Vec<Described> {
    let config = |seed| MarketConfig { history_minutes: 0, ..MarketConfig::new(seed) };
    let runs: Vec<Vec<Described>> =
        seeds.map(|seed| model(&config(seed), 25, seconds).unwrap()).collect();
    let pool = |at: usize| {
        let measure = |key: &'static str| {
            let values: Vec<f64> = runs.iter().filter_map(|run| run[at].value(key)).collect();
            let value =
                (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64);
            Measure { key, value }
        };
        let measures = key::ALL.iter().map(|(key, _)| measure(key)).collect();
        Described { pair: runs[0][at].pair.clone(), measures }
    };
    (0..runs[0].len()).map(pool).collect()
}

#[test]
fn the_model_keeps_to_captures_and_publications() {
    let described = if std::env::var_os("SLOW_TESTS").is_some() {
        pooled(1..5, 24 * 3_600)
    } else {
        eprintln!("3 seeds of 10 minutes, captures only; SLOW_TESTS=1 plays 4 days");
        pooled(1..4, 600)
    };
    let outside: Vec<String> = described.iter().flat_map(outside).collect();
    assert!(outside.is_empty(), "{outside:#?}");
}

#[test]
fn a_table_names_what_is_outside_and_json_says_the_same() {
    let measures = |one_tick| {
        vec![
            Measure { key: key::SECONDS, value: Some(900.0) },
            Measure { key: key::ONE_TICK, value: Some(one_tick) },
        ]
    };
    let of =
        |one_tick| vec![Described { pair: "BTC/USD".to_owned(), measures: measures(one_tick) }];
    let text = table(&of(0.1), &of(0.998));
    let line = text.lines().find(|line| line.contains("spread of one tick")).unwrap();
    for part in ["0.100", "0.998", "0.999", "0.990 to 1.00", "capture", "<- outside"] {
        assert!(line.contains(part), "{line}");
    }
    assert!(!table(&of(0.995), &[]).contains("outside"));
    let row = &json(&of(0.1), &of(0.998))["pairs"][0]["measures"]["one_tick_share"];
    assert_eq!(row["is_within"], false);
    assert_eq!(row["file"], 0.998);
}
