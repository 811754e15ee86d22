//! The one place that prints: notices to standard error, results to standard output.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "this is the terminal")]

use crate::report::{self, Summary};
use crate::tally::Tally;

/// What a person sees of a command.
#[derive(Debug, Default)]
pub struct Terminal {
    is_quiet: bool,
}

impl Terminal {
    /// A terminal; quiet when only the result is wanted.
    pub const fn new(is_quiet: bool) -> Self {
        Self { is_quiet }
    }

    /// Something that happened.
    pub fn notice(&mut self, text: &str) {
        if !self.is_quiet {
            eprintln!("  {text}");
        }
    }

    /// The regular line of a running session.
    pub fn status(&mut self, line: &str) {
        if !self.is_quiet {
            eprintln!("{line}");
        }
    }

    /// The end of a session.
    pub fn report(&mut self, tally: &Tally, summary: &Summary, as_json: bool) {
        if as_json {
            self.result(&format!("{:#}", report::json(tally, summary)));
        } else {
            self.result(&report::text(tally, summary));
        }
    }

    /// The answer of a command.
    pub fn result(&mut self, text: &str) {
        println!("{text}");
    }

    /// Why a command failed.
    pub fn error(&mut self, error: &dyn std::fmt::Display) {
        eprintln!("error: {error}");
    }
}
