//! `paperwire run`, and what happens without a command.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use clap::Args;
use paperwire_page::Page;
use paperwire_replay::error::RunError;
use paperwire_replay::trust;
use paperwire_run::session::{self, RunOptions};
use paperwire_run::spectator::Spectator;
use paperwire_run::totals::lock;
use toml::Value;

use super::{Layers, Overrides, list, load, spans};
use crate::terminal::Terminal;

#[derive(Clone, Debug, Default, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    layers: Layers,
    /// "exchange" (built in), "kraken", or an address wss://...
    #[arg(long)]
    source: Option<String>,
    /// Pairs, separated by commas.
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<String>,
    /// Strategies, separated by commas; name#label for further instances.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// How long: 90s, 15m, 8h; without it until stopped.
    #[arg(long, value_name = "TIME")]
    duration: Option<String>,
    /// Capital of every strategy.
    #[arg(long)]
    capital: Option<String>,
    /// Seed of the built-in exchange.
    #[arg(long)]
    seed: Option<u32>,
    /// Refuse strategies that were not trusted as they are; see `strategies trust`.
    #[arg(long)]
    strict: bool,
    /// Record the session to this tape.
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    /// Write an HdrHistogram log of every stage and strategy into this folder.
    #[arg(long, value_name = "DIR")]
    hdr: Option<PathBuf>,
    /// Serve no page.
    #[arg(long)]
    no_dashboard: bool,
    /// Print the final report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &RunArgs) -> Result<(), RunError> {
    let mut overrides = Overrides::new();
    let mut set = |key: &str, value: Value| overrides.push((key.to_owned(), value));
    if let Some(source) = &args.source {
        set("session.source", Value::String(source.clone()));
    }
    if !args.symbols.is_empty() {
        set("session.symbols", list(&args.symbols));
    }
    if !args.strategies.is_empty() {
        set("session.strategies", list(&args.strategies));
    }
    if let Some(duration) = &args.duration {
        set("session.duration_s", Value::Integer(spans::seconds_of(duration)?));
    }
    if let Some(capital) = &args.capital {
        set("account.capital", Value::String(capital.clone()));
    }
    if let Some(seed) = args.seed {
        set("session.seed", Value::Integer(seed.into()));
    }
    let config = load(&args.layers, overrides)?;
    let has_page = !args.no_dashboard && config.dashboard.enabled;
    if has_page {
        paperwire_page::check(&config)?;
    }
    let options = RunOptions {
        record: args.record.clone(),
        hdr: args.hdr.clone(),
        console: true,
        has_history: true,
        strict: args.strict.then(|| PathBuf::from(trust::LOCK)),
        spectator: has_page.then(|| Box::new(Page::default()) as Box<dyn Spectator>),
        ..RunOptions::default()
    };
    let (stop, mut terminal) = (Arc::new(AtomicU32::new(0)), Terminal::new(false));
    let finished = session::run(&config, options, &stop, &mut terminal)?;
    terminal.report(&lock(&finished.totals).tally, &finished.summary, args.json);
    finished.result()
}
