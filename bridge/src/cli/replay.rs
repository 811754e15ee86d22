//! `paperwire replay`.

use std::path::PathBuf;

use clap::Args;
use paperwire_replay::error::RunError;
use paperwire_replay::play;

use super::{Layers, list, load, sets, spans};
use crate::terminal::{self, Terminal};

#[derive(Clone, Debug, Args)]
pub(crate) struct ReplayArgs {
    #[command(flatten)]
    layers: Layers,
    /// Tapes, or captures: lines of receive time in ns, a tab, the frame.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// Symbols of a capture to replay instead of all, separated by commas; a tape has its own.
    #[arg(long, value_delimiter = ',')]
    symbols: Vec<String>,
    /// Strategies instead of the recorded ones.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// "max", or a multiple of the recorded speed such as 1x.
    #[arg(long, default_value = "max")]
    speed: String,
    /// Fail unless the digest is that of the recorded session.
    #[arg(long)]
    verify: bool,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &ReplayArgs) -> Result<(), RunError> {
    let mut overrides = sets(&args.layers)?;
    if !args.strategies.is_empty() {
        overrides.push(("session.strategies".to_owned(), list(&args.strategies)));
    }
    let given = load(&args.layers, overrides.clone())?;
    let options = play::ReplayOptions {
        speed: spans::speed_of(&args.speed)?,
        verify: args.verify,
        order_seed: None,
    };
    let mut terminal = Terminal::new(args.json);
    let mut failure: Option<RunError> = None;
    for file in &args.files {
        let mut config = play::config_of(file, &given, &overrides)?;
        config.chosen_symbols.clone_from(&args.symbols);
        let replayed = play::replay(file, &config, &options, &mut terminal)?;
        terminal.report(&replayed.tally, &replayed.summary, args.json);
        let error = replayed.summary.verification.and_then(|of| of.error(file));
        // A session that differs weighs more than one that cannot be compared.
        failure = match (failure, error) {
            (Some(RunError::Config(_)), Some(error @ RunError::Internal(_))) => Some(error),
            (failure, error) => failure.or(error),
        };
        if terminal::is_unread() {
            break;
        }
    }
    failure.map_or(Ok(()), Err)
}
