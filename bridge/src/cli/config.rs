//! `paperwire config`.

use clap::{Args, Subcommand};
use paperwire_replay::error::RunError;
use paperwire_run::preflight;

use super::{Layers, Overrides, load};
use crate::terminal::Terminal;

#[derive(Clone, Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    action: ConfigAction,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ConfigAction {
    /// Say whether the configuration and its strategies are usable.
    Check(Layers),
    /// Print the effective configuration with its hash.
    Print(Layers),
}

pub(crate) fn run(args: &ConfigArgs) -> Result<(), RunError> {
    let mut terminal = Terminal::new(false);
    match &args.action {
        ConfigAction::Check(layers) => {
            let config = load(layers, Overrides::new())?;
            preflight::check(&config)?;
            paperwire_page::check(&config)?;
            terminal.result(&format!("usable, sha256 {}", config.hash()));
        }
        ConfigAction::Print(layers) => {
            let config = load(layers, Overrides::new())?;
            terminal.result(&format!("# sha256 {}\n{}", config.hash(), config.to_toml()));
        }
    }
    Ok(())
}
