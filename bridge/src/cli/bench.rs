//! `paperwire bench`.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use clap::Args;
use paperwire_replay::error::RunError;

use super::{CALM, Layers, Overrides, list, load_over};
use crate::bench::{self, Asked, BenchOptions};
use crate::terminal::Terminal;

/// Frames are sent at planned instants whatever the reader does, and each response is counted from its
/// frame's instant: a stall shows in every frame behind it.
#[derive(Clone, Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    layers: Layers,
    /// Frames a second, separated by commas: 500, 10k, 2.5k, 1m, or "recorded".
    #[arg(long, value_delimiter = ',', default_value = "1k,10k,50k,100k,recorded")]
    rates: Vec<String>,
    /// Measured seconds per rate, 1 to 3600.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Pairs, separated by commas.
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<String>,
    /// Strategies, separated by commas; name#label for further instances.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// Plain sockets instead of TLS.
    #[arg(long)]
    plain: bool,
    /// Count responses from the read that fetched a frame, not from its intended send time: what the
    /// program takes, waits before it forgiven.
    #[arg(long)]
    from_read: bool,
    /// Send from the feed's own thread, between its reads: two cores are then enough for two threads that spin.
    #[arg(long, requires = "from_read")]
    inline_load: bool,
    /// Write an HdrHistogram log per rate into this folder.
    #[arg(long, value_name = "DIR")]
    hdr: Option<PathBuf>,
    /// Where runs are kept, each with its host.
    #[arg(long, value_name = "DIR", default_value = "data/bench")]
    store: PathBuf,
    /// Show ratios to this stored run: a file, or "latest".
    #[arg(long, value_name = "RUN")]
    against: Option<String>,
    /// Compare with a run of another host, too.
    #[arg(long, requires = "against")]
    across_hosts: bool,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &BenchArgs) -> Result<(), RunError> {
    let mut overrides = Overrides::new();
    if !args.symbols.is_empty() {
        overrides.push(("session.symbols".to_owned(), list(&args.symbols)));
    }
    if !args.strategies.is_empty() {
        overrides.push(("session.strategies".to_owned(), list(&args.strategies)));
    }
    let options = BenchOptions {
        rates: Asked::list(&args.rates)?,
        seconds: args.seconds,
        plain: args.plain,
        from_read: args.from_read,
        inline_load: args.inline_load,
        hdr: args.hdr.clone(),
        store: args.store.clone(),
        against: args.against.clone(),
        across_hosts: args.across_hosts,
        json: args.json,
    };
    let config = load_over(CALM, &args.layers, overrides)?;
    let stop = Arc::new(AtomicU32::new(0));
    bench::bench(&config, &options, &stop, &mut Terminal::new(args.json))
}
