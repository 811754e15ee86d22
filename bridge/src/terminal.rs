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

    /// What goes on at the moment, on a line that the next one replaces. Only for people: a file or a
    /// pipe gets nothing. An empty text clears the line.
    pub fn progress(&mut self, text: &str) {
        use std::io::{IsTerminal, Write};
        let mut screen = std::io::stderr();
        if self.is_quiet || !screen.is_terminal() {
            return;
        }
        let indent = if text.is_empty() { "" } else { "  " };
        // A terminal that went away takes its progress with it.
        let _ = write!(screen, "\r\x1b[K{indent}{text}").and_then(|()| screen.flush());
    }

    /// Columns that a result may use: those of the screen within reason, 100 for a file or a pipe.
    pub fn width(&self) -> usize {
        use std::os::fd::AsFd;
        let columns = paperwire_rt::host::columns(std::io::stdout().as_fd());
        columns.map_or(100, |columns| usize::from(columns).clamp(60, 140))
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
