//! What a session says of itself: its name, and the first record of its log and of its tape.

use paperwire_config::conditions::Conditions;
use paperwire_core::instrument::Instrument;
use paperwire_core::time::Rfc3339;
use paperwire_replay::tally::StrategyName;
use paperwire_rt::clock::utc_now;
use paperwire_rt::runner;
use serde_json::{Value, json};

use super::About;

fn strategies_json(names: &[StrategyName]) -> Value {
    let one = |name: &StrategyName| json!({"name": name.instance, "version": name.version, "sha256": name.sha256});
    names.iter().map(one).collect()
}

pub(super) fn start_details(about: &About<'_>, instruments: &[Instrument], source: &str) -> Value {
    let About { config, names, host, order_seed, .. } = *about;
    let [feed, engine] = config.threads.placement();
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

pub(super) fn tape_meta(about: &About<'_>) -> Value {
    let About { config, session, names, host, order_seed } = *about;
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
