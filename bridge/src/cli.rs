//! The command line: one file a command holds its arguments and what it does.

mod bench;
mod compare;
mod config;
mod doctor;
mod exchange;
mod history;
mod replay;
mod run;
mod spans;
mod strategies;
mod worth;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use paperwire_config::Config;
use paperwire_replay::error::RunError;
use toml::Value;

/// Paper trading against Kraken's live order book, with the tail latency of every strategy.
#[derive(Debug, Parser)]
#[command(name = "paperwire", version, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: run::RunArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Paper-trade live; the default without a command.
    Run(run::RunArgs),
    /// Replay recorded sessions or captures.
    Replay(replay::ReplayArgs),
    /// Replay a tape with slower and slower orders: what latency costs each strategy.
    Worth(worth::WorthArgs),
    /// Compare the tail latency of two strategies on the same ticks, with a confidence interval.
    Compare(compare::CompareArgs),
    /// One process of a comparison; `compare` starts it.
    #[command(hide = true, name = "compare-process")]
    CompareProcess,
    /// Measure latency under open-loop load from the built-in exchange, at given rates.
    Bench(bench::BenchArgs),
    /// Serve the built-in exchange alone, for any Kraken client.
    Exchange(exchange::ExchangeArgs),
    /// Check or show the configuration.
    Config(config::ConfigArgs),
    /// List, describe, create, verify or trust strategies.
    Strategies(strategies::StrategiesArgs),
    /// Import, fill, export and read stored bars and trades.
    History(history::HistoryArgs),
    /// Check this machine for sources of tail latency, and print the fix for each.
    Doctor(doctor::DoctorArgs),
}

/// Where the configuration comes from, for every command.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Layers {
    /// Configuration file; see config/default.toml for every key.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Any key of the configuration, for example --set feed.depth=100 (repeatable).
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

/// Does what the arguments ask for.
///
/// # Errors
/// [`RunError`], whose exit code is the command's.
pub(crate) fn dispatch(cli: Cli) -> Result<(), RunError> {
    match cli.command.unwrap_or(Command::Run(cli.run)) {
        Command::Run(args) => run::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Worth(args) => worth::run(&args),
        Command::Compare(args) => compare::run(args),
        Command::CompareProcess => compare::serve(),
        Command::Bench(args) => bench::run(&args),
        Command::Exchange(args) => exchange::run(&args),
        Command::Config(args) => config::run(&args),
        Command::Strategies(args) => strategies::run(&args),
        Command::History(args) => history::run(&args),
        Command::Doctor(args) => doctor::run(&args),
    }
}

/// Keys of the configuration that the command line sets.
type Overrides = Vec<(String, Value)>;

fn sets(layers: &Layers) -> Result<Overrides, RunError> {
    let set = |text: &String| {
        let (key, value) = text.split_once('=').ok_or_else(|| {
            // What follows the key may be a secret.
            let key = text.split(|c: char| !(c.is_alphanumeric() || "._".contains(c))).next();
            let key = key.unwrap_or_default();
            RunError::Config(format!("--set {key}: expected KEY=VALUE, such as feed.depth=100"))
        })?;
        Ok((key.to_owned(), Config::value_of(key, value)))
    };
    layers.sets.iter().map(set).collect()
}

/// Market of the commands that measure: as the captured one, not faster than the clock.
const CALM: &[(&str, &str)] = &[("exchange.profile", "calm")];

fn load(layers: &Layers, overrides: Overrides) -> Result<Config, RunError> {
    load_over(&[], layers, overrides)
}

fn load_over(
    defaults: &[(&str, &str)],
    layers: &Layers,
    mut overrides: Overrides,
) -> Result<Config, RunError> {
    overrides.extend(sets(layers)?);
    Config::load_over(defaults, layers.config.as_deref(), std::env::vars_os(), &overrides)
        .map_err(|error| RunError::Config(error.to_string()))
}

fn list(names: &[String]) -> Value {
    Value::Array(names.iter().map(|name| Value::String(name.trim().to_owned())).collect())
}
