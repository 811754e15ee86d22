//! `paperwire history`.

use clap::Args;
use paperwire_bridge::history;
use paperwire_bridge::run::RunError;
use paperwire_bridge::terminal::Terminal;

use super::{Layers, Overrides, load};

#[derive(Clone, Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    layers: Layers,
    #[command(flatten)]
    common: history::cli::Common,
    #[command(subcommand)]
    action: history::cli::Action,
}

pub(crate) fn run(args: &HistoryArgs) -> Result<(), RunError> {
    let config = load(&args.layers, Overrides::new())?;
    let mut terminal = Terminal::new(args.common.json);
    history::cli::run(&args.action, &args.common, &config, &mut terminal)
}
