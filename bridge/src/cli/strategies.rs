//! `paperwire strategies`.

use std::path::Path;

use clap::{Args, Subcommand};
use paperwire_bridge::run::RunError;
use paperwire_bridge::terminal::Terminal;
use paperwire_bridge::{commands, trust};

#[derive(Clone, Debug, Args)]
pub(crate) struct StrategiesArgs {
    #[command(subcommand)]
    action: StrategiesAction,
}

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum StrategiesAction {
    /// Every strategy of this binary.
    List {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Parameters, symbols and warm-up of one strategy.
    Describe {
        /// Its name.
        name: String,
    },
    /// Compare strategies with what was trusted; fails when one is not.
    Verify {
        /// Their names; all of this binary without any.
        names: Vec<String>,
    },
    /// Trust strategies as they are now, after reading them.
    Trust {
        /// Their names; all of this binary without any.
        names: Vec<String>,
    },
    /// Write a working strategy to start from.
    New {
        /// Lower snake case.
        name: String,
    },
}

pub(crate) fn run(args: &StrategiesArgs) -> Result<(), RunError> {
    let mut terminal = Terminal::new(false);
    match &args.action {
        StrategiesAction::List { json } => terminal.result(&commands::strategies(*json)),
        StrategiesAction::Describe { name } => terminal.result(&commands::describe(name)?),
        StrategiesAction::Verify { names } => {
            let (text, all_trusted) = commands::verify(names, Path::new(trust::LOCK))?;
            terminal.result(&text);
            all_trusted?;
        }
        StrategiesAction::Trust { names } => {
            terminal.result(&commands::trust(names, Path::new(trust::LOCK))?);
        }
        StrategiesAction::New { name } => {
            let root = Path::new(".");
            terminal.result(&commands::new_strategy(name, root)?);
        }
    }
    Ok(())
}
