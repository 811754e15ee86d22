//! What a run refuses before it opens a connection or writes a file: asked by `run`, and by `config check`, which says
//! "usable" of exactly what a run would start with.
//!
//! What only the world can say comes later: whether the venue answers, a pair is traded, a port is free, a disk has room.

use std::path::Path;

use paperwire_config::Config;
use paperwire_core::instrument::{AssetName, SymbolName};
use paperwire_exchange::market::listing::listings;
use paperwire_feed::net::connect::Endpoint;
use paperwire_replay::error::RunError;
use paperwire_replay::setup::{self, Chosen, SetupError};

use crate::venue;

/// Every check; the strategies that would run.
///
/// # Errors
/// [`RunError`], of which the message names the key and what to write.
pub fn check(config: &Config) -> Result<Vec<Chosen>, RunError> {
    let chosen = setup::choose(config)?;
    source(config)?;
    let names = config.session.symbols.iter().map(|name| pair(name));
    money(config, &names.collect::<Result<Vec<_>, _>>()?)?;
    for one in &chosen {
        one.require_symbol(&config.session.symbols)?;
    }
    folders(config)?;
    Ok(chosen)
}

/// A name of the form `BASE/QUOTE`, in two parts.
fn pair(name: &str) -> Result<(AssetName, AssetName), RunError> {
    let wrong = || {
        RunError::Config(format!("session.symbols = {name}: expected a pair such as \"BTC/USD\""))
    };
    SymbolName::from(name).map_err(|_| wrong())?;
    let (base, quote) = name.split_once('/').ok_or_else(wrong)?;
    let asset = |text: &str| AssetName::from(text).ok().filter(|asset| !asset.is_empty());
    asset(base).zip(asset(quote)).ok_or_else(wrong)
}

/// The venue's address, or the built-in exchange with its scripts and its list of pairs.
fn source(config: &Config) -> Result<(), RunError> {
    match config.session.source.as_str() {
        "kraken" => {}
        "exchange" => {
            venue::exchange_config(config)?;
            let listed = listings(config.exchange.extra_symbols);
            let known: Vec<&str> = listed.iter().map(|listing| listing.name()).collect();
            let missing =
                config.session.symbols.iter().find(|name| !known.contains(&name.as_str()));
            if let Some(missing) = missing {
                let likeness = |name: &&&str| strsim::jaro_winkler(name, missing);
                let best = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
                return Err(RunError::Config(format!(
                    "not traded here: {missing}; did you mean {}?",
                    best.copied().unwrap_or_default()
                )));
            }
        }
        url => {
            Endpoint::parse(url).map_err(|error| RunError::Config(error.to_string()))?;
        }
    }
    Ok(())
}

/// Every account is kept in one currency: at least one pair must lead to it, and each starting asset.
fn money(config: &Config, pairs: &[(AssetName, AssetName)]) -> Result<(), RunError> {
    let numeraire = setup::numeraire(config)?;
    let has = |base: &AssetName, quote: &AssetName| {
        pairs.iter().any(|of| of.0 == *base && of.1 == *quote)
    };
    let leads =
        |quote: &AssetName| *quote == numeraire || has(quote, &numeraire) || has(&numeraire, quote);
    if !pairs.iter().any(|(_, quote)| leads(quote)) {
        let quotes: Vec<&str> = pairs.iter().map(|(_, quote)| quote.as_str()).collect();
        return Err(RunError::Config(format!(
            "session.numeraire = {numeraire}: no pair of the run is quoted in it or converts {} to it; add such a \
             pair to session.symbols or choose another currency",
            quotes[0]
        )));
    }
    for (asset, _) in &config.account.starting_assets {
        if !pairs.iter().any(|(base, quote)| base == asset && leads(quote)) {
            let (asset, numeraire) = (asset.to_string(), numeraire.to_string());
            return Err(SetupError::Unpriced { asset, numeraire }.into());
        }
    }
    Ok(())
}

/// Nothing stands where a folder is to be made.
fn folders(config: &Config) -> Result<(), RunError> {
    let history = &config.history;
    let logs = Some(("logs.dir", Path::new(&config.logs.dir)));
    let spill = Some(("history.spill", history.spill.as_path())).filter(|_| history.enabled);
    for (key, folder) in logs.into_iter().chain(spill) {
        // The nearest part of the path that is there decides.
        let there = folder.ancestors().find(|part| part.exists());
        if let Some(file) = there.filter(|part| !part.is_dir()) {
            let text = format!("{key} = {}: {} is no folder", folder.display(), file.display());
            return Err(RunError::Storage(text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_of(sets: &[(&str, &str)]) -> Result<usize, String> {
        let quiet = [("dashboard.bind", "127.0.0.1:0")];
        let set = |(key, text): &(&str, &str)| ((*key).to_owned(), Config::value_of(key, text));
        let sets = quiet.iter().chain(sets).map(set);
        let config = Config::load(None, std::iter::empty(), &sets.collect::<Vec<_>>());
        let config = config.map_err(|error| error.to_string())?;
        check(&config).map(|chosen| chosen.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_a_run_would_refuse_at_its_start_is_refused_before_it() {
        assert_eq!(check_of(&[]), Ok(10), "the defaults are usable");
        let file = std::env::current_exe().unwrap();
        let below_a_file = file.join("logs").display().to_string();
        for (sets, message) in [
            (&[("exchange.faults", "no/such.faults")][..], "exchange.faults = no/such.faults"),
            (&[("exchange.scenes", "no/such.toml")], "exchange.scenes = no/such.toml"),
            (&[("session.numeraire", "EUR")], "session.numeraire = EUR: no pair of the run"),
            (&[("session.numeraire", "a currency with a long name")], "not an asset name"),
            (&[("session.symbols", "[\"BTCUSD\"]")], "BTC"),
            (&[("session.symbols", "[\"XBT/USD\"]")], "did you mean BTC/USD?"),
            (
                &[("session.source", "kraken"), ("session.symbols", "[\"BTCUSD\"]")],
                "expected a pair",
            ),
            (&[("session.source", "wss://host:port/v2")], "is not a WebSocket address"),
            (&[("account.starting_assets", "{ DOT = 1 }")], "account.starting_assets.DOT"),
            (
                &[
                    ("session.strategies", "[\"ratio_trading\"]"),
                    ("session.symbols", "[\"ETH/USD\"]"),
                ],
                "ratio_trading trades BTC/USD",
            ),
            (&[("logs.dir", below_a_file.as_str())], "is no folder"),
            (&[("history.spill", below_a_file.as_str())], "is no folder"),
        ] {
            let found = check_of(sets).expect_err(message);
            assert!(found.contains(message), "{sets:?}: {found}");
        }
    }
}
