//! The `paperwire` command.

mod bench;
mod cli;
mod terminal;

use std::process::ExitCode;

use clap::Parser;
use paperwire_rt::alloc_guard::GuardedAlloc;

use crate::terminal::Terminal;

/// Counts what warm threads allocate: `hot_allocs_total` in every report.
#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;

fn main() -> ExitCode {
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        Err(said) => return ExitCode::from(terminal::exit_code(terminal::usage(&said))),
    };
    let code = match cli::dispatch(cli) {
        Ok(()) => 0,
        Err(error) => {
            Terminal::new(false).error(&error);
            error.exit_code()
        }
    };
    ExitCode::from(terminal::exit_code(code))
}
