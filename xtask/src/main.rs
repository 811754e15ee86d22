//! `cargo xtask test`: every check of the repository in one command, cheap ones first.
//!
//! A development tool, never part of the product; it imports no room of the house. Map:
//!
//! * `steps`: the checks and their commands, one row each.
//! * `run`: runs rows, times them, sums up.
//! * `tools`: what a machine may lack, and how it is had.
//! * `tidy`: the house rules that no compiler checks.
//! * `icount`: instructions of the hot functions against a baseline.
//! * `world`: the real binary against hostile feeds, kills, full disks and floods.

#![expect(clippy::print_stdout, reason = "a command line tool reports to its user")]
#![expect(clippy::print_stderr, reason = "a command line tool reports to its user")]

mod icount;
mod run;
mod steps;
mod tidy;
mod tools;
mod world;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
cargo xtask test                every check, cheap ones first
cargo xtask test --step NAME    one check alone (repeat --step for more)
cargo xtask test --list         the names of the checks and what they run
cargo xtask gate                slow checks before a release, by hand: minutes to hours
cargo xtask gate --step NAME    one of them (repeat --step for more)
cargo xtask gate --list         their names and what they run
cargo xtask world               the release binary against a bad world, a step of the gate by itself;
                                --only NAME --rounds N --round R --binary FILE play a part of it
cargo xtask tidy                the house rules alone
cargo xtask icount              instructions of the hot functions against the baseline
cargo xtask icount --bless      makes what is counted now the baseline

A check whose tool is missing prints SKIPPED with the reason, and again at the end.
PAPERWIRE_CAPTURES=DIR          where captured sessions (*.tsv) are, for the tests that read them
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let root = root();
    match args.as_slice() {
        ["help" | "--help" | "-h"] | ["test", "--help" | "-h"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        ["tidy"] => finish(tidy::run(&root)),
        ["icount"] => match steps::named(steps::ALL, &["--step", "icount"]) {
            Ok(chosen) => finish(run::steps(&root, &chosen)),
            Err(problem) => usage(&problem),
        },
        ["icount", "--bless"] => {
            finish(tools::ensure(&tools::VALGRIND, &root).and_then(|()| icount::bless(&root)))
        }
        ["test", rest @ ..] => table(&root, steps::ALL, rest),
        ["world", rest @ ..] => finish(world::run(&root, rest)),
        ["gate", rest @ ..] => table(&root, steps::GATE, rest),
        [] => usage("a command is missing"),
        [other, ..] => usage(&format!("`{other}` is no command")),
    }
}

/// Runs a table of checks, some of its rows, or lists them.
fn table(root: &Path, table: &'static [steps::Step], args: &[&str]) -> ExitCode {
    match args {
        [] => finish(run::steps(root, &table.iter().collect::<Vec<_>>())),
        ["--list"] => {
            for step in table {
                println!("{:<8} {}", step.name, step.about);
            }
            ExitCode::SUCCESS
        }
        rest => match steps::named(table, rest) {
            Ok(chosen) => finish(run::steps(root, &chosen)),
            Err(problem) => usage(&problem),
        },
    }
}

fn finish(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn usage(problem: &str) -> ExitCode {
    eprintln!("{problem}\n\n{HELP}");
    ExitCode::from(2)
}

/// The repository, wherever the command was given.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map_or_else(|| here.to_owned(), Path::to_owned)
}
