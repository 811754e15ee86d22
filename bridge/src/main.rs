//! The `paperwire` command.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use paperwire_bridge::terminal::{self, Terminal};
use paperwire_rt::alloc_guard::GuardedAlloc;

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
