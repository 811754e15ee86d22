//! The `paperwire` command.

mod cli;

use std::process::ExitCode;

use clap::Parser;
use paperwire_bridge::terminal::Terminal;
use paperwire_rt::alloc_guard::GuardedAlloc;

/// Counts what warm threads allocate: `hot_allocs_total` in every report.
#[global_allocator]
static ALLOC: GuardedAlloc = GuardedAlloc;

fn main() -> ExitCode {
    match cli::dispatch(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            Terminal::new(false).error(&error);
            ExitCode::from(error.exit_code())
        }
    }
}
