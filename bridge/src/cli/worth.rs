//! `paperwire worth`.

use std::path::PathBuf;

use clap::Args;
use paperwire_replay::error::RunError;
use paperwire_replay::worth;

use super::{Layers, list, load, sets};
use crate::terminal::Terminal;

#[derive(Clone, Debug, Args)]
pub(crate) struct WorthArgs {
    #[command(flatten)]
    layers: Layers,
    /// A tape.
    file: PathBuf,
    /// How much longer orders and cancellations take to the venue, separated by commas.
    #[arg(long, value_delimiter = ',', default_values = worth::DELAYS)]
    delays: Vec<String>,
    /// Strategies instead of the recorded ones.
    #[arg(long, value_delimiter = ',')]
    strategies: Vec<String>,
    /// Print the result as JSON.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: &WorthArgs) -> Result<(), RunError> {
    let delays = args.delays.iter().map(|text| worth::delay_of(text));
    let delays = delays.collect::<Result<Vec<u64>, _>>()?;
    let mut overrides = sets(&args.layers)?;
    if !args.strategies.is_empty() {
        overrides.push(("session.strategies".to_owned(), list(&args.strategies)));
    }
    let given = load(&args.layers, overrides.clone())?;
    let mut terminal = Terminal::new(args.json);
    let worth = worth::measure(&args.file, &given, &overrides, &delays, &mut terminal)?;
    terminal.result(&if args.json { format!("{:#}", worth.json()) } else { worth.text() });
    Ok(())
}
