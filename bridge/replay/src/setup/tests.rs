//! What a key of the configuration changes in the engine.

use paperwire_config::{ConfigError, DEFAULTS};
use paperwire_core::instrument::{SymbolName, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};
use sha2::{Digest, Sha256};
use toml::{Table, Value};

use super::*;

fn load(text: &str) -> Result<Config, ConfigError> {
    let folder = std::env::temp_dir().join(format!("paperwire-config-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let name = Sha256::digest(text).iter().map(|b| format!("{b:02x}")).collect::<String>();
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    Config::load(Some(&path), std::iter::empty(), &[])
}

#[track_caller]
fn check(text: &str, message: &str) {
    let error = load(text).expect_err(text).to_string();
    assert!(error.contains(message), "{error}");
}

fn instruments() -> Vec<Instrument> {
    let of = |base: &str, quote: &str| Instrument {
        name: SymbolName::from(&format!("{base}/{quote}")).unwrap(),
        base: AssetName::from(base).unwrap(),
        quote: AssetName::from(quote).unwrap(),
        price_precision: 1,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    };
    vec![of("BTC", "USD"), of("ETH", "BTC"), of("SOL", "EUR")]
}

/// What the engine is built with, as text: its configuration and that of `order_flow`.
fn built(text: &str) -> String {
    let config = load(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    let engine = engine_config(&config, &instruments(), config.feed.depth).unwrap();
    let chosen = choose(&config).unwrap();
    let chosen = chosen.iter().find(|of| of.instance == "order_flow").unwrap();
    format!("{engine:?} {chosen:?}")
}

/// Each key with a value that changes the engine, and one that is refused.
const KEYS: &[(&str, &str, &str, &str)] = &[
    ("account", "capital", "250.5", "0"),
    ("account", "starting_assets", "{ BTC = \"0.5\" }", "{ BTC = -1 }"),
    ("account", "long_leverage", "3", "11"),
    ("account", "short_leverage", "1", "-1"),
    ("account", "leverage_base", "\"smaller\"", "\"mine\""),
    ("account", "maintenance_margin", "0.1", "0.5"),
    ("account", "liquidation", "\"progressive\"", "\"some\""),
    ("account", "liquidation_fee", "0.01", "1"),
    ("account", "rollover_fee", "0.0002", "0.2"),
    ("venue", "fill_model", "\"queue\"", "\"optimistic\""),
    ("venue", "slippage", "0.001", "5"),
    ("venue", "overlay", "false", "1"),
    ("venue", "bracket", "false", "\"no\""),
    ("venue", "trigger_price", "\"mid\"", "\"bid\""),
    ("venue.fees", "schedule", "\"kraken-2026-09-19\"", "\"kraken\""),
    ("venue.fees", "maker", "0", "0.26"),
    ("venue.fees", "taker", "0.0026", "-0.001"),
    ("venue.fees", "volume_30d", "50000", "-1"),
    ("venue.latency", "model", "\"constant\"", "\"gamma\""),
    ("venue.latency", "feed_ms", "1.5\nmodel = \"constant\"", "-1"),
    ("venue.latency", "place_ms", "1\nmodel = \"constant\"", "60001"),
    ("venue.latency", "cancel_ms", "1\nmodel = \"lognormal\"", "nan"),
    ("venue.latency", "ack_ms", "1\nmodel = \"lognormal\"", "inf"),
    ("venue.latency", "sigma", "0.1\nmodel = \"lognormal\"", "3.1"),
    ("venue.latency", "load_exponent", "1\nmodel = \"constant\"", "-0.1"),
    ("venue.latency", "typical_rate", "80", "0"),
    ("venue.latency.files", "feed", "SAMPLES", "\"nowhere\""),
    ("venue.latency.files", "place", "SAMPLES", "\"nowhere\""),
    ("venue.latency.files", "cancel", "SAMPLES", "\"nowhere\""),
    ("venue.latency.files", "ack", "SAMPLES", "\"nowhere\""),
    ("risk", "position_max", "50", "-1"),
    ("risk", "exposure_max", "50", "2e9"),
    ("risk", "orders_per_min", "10", "100001"),
    ("risk", "loss_max", "5", "-1"),
    ("risk", "drawdown_max", "0.1", "10"),
    ("risk", "losses_in_row", "3\ncooldown_s = 60", "3"),
    ("risk", "cooldown_s", "60", "604801"),
    ("risk", "global_exposure_max", "50", "-1"),
    ("risk", "global_loss_max", "5", "-1"),
    ("risk", "flatten_on_halt", "true", "1"),
    ("strategy.order_flow", "flip", "\"reverse\"", "\"turn\""),
    ("strategy.order_flow.risk", "position_max", "50", "-1"),
    ("strategy.order_flow.risk", "exposure_max", "50", "-1"),
    ("strategy.order_flow.risk", "orders_per_min", "10", "-1"),
    ("strategy.order_flow.risk", "loss_max", "5", "\"five\""),
    ("strategy.order_flow.risk", "drawdown_max", "0.1", "1.1"),
    ("strategy.order_flow.risk", "losses_in_row", "3\ncooldown_s = 60", "3"),
    ("strategy.order_flow.risk", "cooldown_s", "60", "604801"),
];

#[test]
fn every_key_of_the_simulation_reaches_the_engine_and_has_a_range() {
    let plain = built("");
    for &(table, key, good, bad) in KEYS {
        let text = |value: &str| format!("[{table}]\n{key} = {value}");
        if table == "venue.latency.files" {
            continue; // has a test of its own
        }
        assert_ne!(built(&text(good)), plain, "{table}.{key} = {good} changes nothing");
        let error = load(&text(bad)).expect_err(&text(bad)).to_string();
        let is_named = error.contains(key);
        assert!(is_named, "{table}.{key} = {bad}: {error}");
    }
}

#[test]
fn no_key_of_the_simulation_is_left_out_of_the_table_above() {
    fn leaves(at: &str, table: &Table, out: &mut Vec<(String, String)>) {
        for (key, value) in table {
            match value {
                Value::Table(below) if !below.is_empty() => {
                    leaves(&format!("{at}.{key}"), below, out);
                }
                _ => out.push((at.to_owned(), key.clone())),
            }
        }
    }
    let defaults: Table = DEFAULTS.parse().unwrap();
    let mut found = Vec::new();
    for section in ["account", "venue", "risk"] {
        leaves(section, defaults[section].as_table().unwrap(), &mut found);
    }
    assert_eq!(found.len(), 40);
    for (table, key) in found {
        assert!(
            KEYS.iter().any(|row| row.0 == table && row.1 == key),
            "{table}.{key} is not tested"
        );
    }
}

#[test]
fn measured_latencies_come_from_a_file_for_each_way() {
    let path = std::env::temp_dir().join(format!("paperwire-samples-{}", std::process::id()));
    std::fs::write(&path, "# a comment\n100\n250.5\n").unwrap();
    let path = path.display().to_string();
    let all = ["feed", "place", "cancel", "ack"];
    let text = |missing: &str| {
        let file = |leg: &&str| format!("{leg} = {:?}", if *leg == missing { "" } else { &path });
        let files = all.iter().map(file).collect::<Vec<_>>().join(", ");
        format!("[venue.latency]\nmodel = \"measured\"\nfiles = {{ {files} }}")
    };
    assert!(built(&text("")).contains("measured, samples: feed 2, place 2, cancel 2, ack 2"));
    for leg in all {
        let key = format!("venue.latency.files.{leg} = \"\": the model \"measured\" needs a file");
        check(&text(leg), &key);
    }
    let nowhere = text("").replacen(&path, "/nowhere", 1);
    check(&nowhere, "venue.latency.files.feed = /nowhere: cannot be read");
}

#[test]
fn a_starting_asset_needs_a_pair_that_prices_it() {
    let check = |asset: &str| {
        let config = load(&format!("[account]\nstarting_assets = {{ {asset} = 1 }}")).unwrap();
        engine_config(&config, &instruments(), 10).map_err(|error| error.to_string())
    };
    check("BTC").unwrap();
    check("ETH").unwrap(); // by way of BTC
    for asset in ["SOL", "DOGE", "USD"] {
        let error = check(asset).unwrap_err();
        let expected =
            format!("account.starting_assets.{asset}: no pair of the run prices it in USD");
        assert!(error.contains(&expected), "{error}");
    }
}
