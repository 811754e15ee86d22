//! What a session says of itself: its name, and the first record of its log and of its tape.

use paperwire_core::instrument::Instrument;
use paperwire_core::time::Rfc3339;
use paperwire_history::store::Address;
use paperwire_rt::clock::utc_now;
use paperwire_rt::runner;
use serde_json::{Value, json};

use std::path::PathBuf;

use super::{RunOptions, placement};
use crate::conditions::Conditions;
use crate::config::Config;
use crate::doctor::Examination;
use crate::page::Facts;
use crate::setup::{self, Chosen};
use crate::tally::StrategyName;

fn strategies_json(names: &[StrategyName]) -> Value {
    let one = |name: &StrategyName| json!({"name": name.instance, "version": name.version, "sha256": name.sha256});
    names.iter().map(one).collect()
}

pub(super) fn start_details(
    config: &Config,
    names: &[StrategyName],
    instruments: &[Instrument],
    source: &str,
    host: &Examination,
    order_seed: u64,
) -> Value {
    let [feed, engine] = placement(config);
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "rules": config.rules.number(),
        "source": source,
        "config_sha256": config.hash(),
        "config": config.to_toml(),
        "conditions": Conditions::of(config).json(),
        "strategies": strategies_json(names),
        "symbols": instruments.iter().map(|of| of.name.as_str()).collect::<Vec<_>>(),
        "usable_cores": runner::usable_cores().len(),
        "feed_core": feed.core,
        "engine_core": engine.core,
        "wait": feed.wait.as_str(),
        "order_seed": order_seed,
        "host": host,
    })
}

/// What the page shows and never changes.
pub(super) fn facts(
    config: &Config,
    session: &str,
    chosen: &[Chosen],
    instruments: &[Instrument],
    source: &str,
    host: &Examination,
    options: &RunOptions,
) -> Facts {
    let trades = |of: &Chosen| {
        let symbols = config.session.symbols.iter().filter(|symbol| of.trades(symbol));
        symbols.cloned().collect()
    };
    Facts {
        session: session.to_owned(),
        source: source.to_owned(),
        config_sha256: config.hash(),
        numeraire: config.session.numeraire.clone(),
        conditions: Conditions::of(config).to_string(),
        names: setup::names(chosen),
        symbols: chosen.iter().map(trades).collect(),
        instruments: instruments.to_vec(),
        host: host.clone(),
        tape: options.record.clone(),
        logs: Some(&config.logs.dir).filter(|dir| !dir.is_empty()).map(PathBuf::from),
        // The built-in market makes up another past at each start.
        store: (options.has_history
            && config.history.enabled
            && config.session.source != "exchange")
            .then(|| Address::parse(&config.history.url).ok())
            .flatten()
            .map(|address| (address, config.source_name())),
        budget: config.threads.strategy_budget,
        dashboard: config.dashboard.clone(),
        alerts: config.alerts.clone(),
    }
}

pub(super) fn tape_meta(
    config: &Config,
    session: &str,
    names: &[StrategyName],
    host: &Examination,
    order_seed: u64,
) -> Value {
    json!({
        "session": session,
        "version": env!("CARGO_PKG_VERSION"),
        "rules": config.rules.number(),
        "started": Rfc3339 { at: utc_now(), fraction: 3 }.to_string(),
        "config_sha256": config.hash(),
        "config": config.to_toml(),
        "conditions": Conditions::of(config).json(),
        "strategies": strategies_json(names),
        "order_seed": order_seed,
        "host": host,
    })
}

/// Sortable by time, and different for two starts within one second.
pub(super) fn session_name() -> String {
    let now = utc_now();
    let text = Rfc3339 { at: now, fraction: 0 }.to_string().replace(['-', ':'], "");
    let distinct = now.raw().rem_euclid(1_000_000_000) / 1_000;
    format!("pw-{text}-{distinct:06}")
}
