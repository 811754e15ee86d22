//! The one place that prints: notices to standard error, results to standard output.
//!
//! A reader that closes its pipe (`paperwire ... | head`) is no failure and no reason to panic: nothing more is
//! printed, what must be whole is finished, and the process ends with [`CLOSED_PIPE`]. A standard output that
//! fails otherwise, such as a file on a full disk, is an error, because what was written is not the whole answer.

use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use paperwire_core::text::is_plain;
use paperwire_replay::notices::Notices;
use paperwire_replay::report::{self, Summary};
use paperwire_replay::tally::Tally;

/// Exit code of a command whose reader left: what a shell reports of a program that SIGPIPE ended.
pub(crate) const CLOSED_PIPE: u8 = 141;
/// Exit code of a command line that is not understood.
const USAGE: u8 = 64;
/// Exit code of a command whose answer could not be written whole.
const NOT_WRITTEN: u8 = 4;

/// Why standard output is not whole. There is one of it, whichever [`Terminal`] writes.
static OUTPUT_LOST: OnceLock<io::Error> = OnceLock::new();
/// The reader of standard error's pipe has left.
static NOTICES_UNREAD: AtomicBool = AtomicBool::new(false);

/// Whether a pipe that this process writes to has lost its reader.
pub(crate) fn is_unread() -> bool {
    let is_closed = |error: &io::Error| error.kind() == ErrorKind::BrokenPipe;
    NOTICES_UNREAD.load(Ordering::Relaxed) || OUTPUT_LOST.get().is_some_and(is_closed)
}

/// The exit code of a command that ended with `code`, once it is known what became of its output.
pub(crate) fn exit_code(code: u8) -> u8 {
    match OUTPUT_LOST.get() {
        Some(error) if error.kind() != ErrorKind::BrokenPipe => {
            let text =
                format!("standard output: {error}; what was printed is not the whole answer");
            Terminal::new(false).error(&text);
            if code == 0 { NOT_WRITTEN } else { code }
        }
        _ if code == 0 && is_unread() => CLOSED_PIPE,
        _ => code,
    }
}

/// Writes a text to standard output, whole or not at all.
fn write_output(text: &str) {
    if OUTPUT_LOST.get().is_some() {
        return;
    }
    let mut output = io::stdout().lock();
    let written = output.write_all(text.as_bytes()).and_then(|()| output.flush());
    if let Err(error) = written {
        // Whoever was first has said it.
        let _ = OUTPUT_LOST.set(error);
    }
}

/// Writes a line to standard error. A screen, a journal or a file that does not take it is nobody's loss; a pipe
/// without a reader is remembered. A journal's socket is no pipe: a service outlives a restart of its journal.
fn write_notice(text: &str) {
    let mut screen = io::stderr().lock();
    let written = screen.write_all(text.as_bytes());
    if written.is_err_and(|error| error.kind() == ErrorKind::BrokenPipe) && is_pipe(&screen) {
        NOTICES_UNREAD.store(true, Ordering::Relaxed);
    }
}

/// Prints what the reader of the command line says: help and version to standard output, a mistake to standard
/// error. Gives the exit code.
pub(crate) fn usage(said: &clap::Error) -> u8 {
    let text = said.render();
    if said.use_stderr() {
        write_notice(&styled(&text, &io::stderr()));
        return USAGE;
    }
    write_output(&styled(&text, &io::stdout()));
    0
}

/// In colours where a person reads it.
fn styled(text: &clap::builder::StyledStr, stream: &impl IsTerminal) -> String {
    let is_plain = !stream.is_terminal() || std::env::var_os("NO_COLOR").is_some();
    if is_plain { text.to_string() } else { text.ansi().to_string() }
}

fn is_pipe(stream: &impl AsFd) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let kind = stream.as_fd().try_clone_to_owned().and_then(|fd| File::from(fd).metadata());
    kind.is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// What a person sees of a command.
#[derive(Debug, Default)]
pub(crate) struct Terminal {
    is_quiet: bool,
}

impl Terminal {
    /// A terminal; quiet when only the result is wanted.
    pub(crate) const fn new(is_quiet: bool) -> Self {
        Self { is_quiet }
    }

    /// Columns that a result may use: those of the screen within reason, 100 for a file or a pipe.
    pub(crate) fn width(&self) -> usize {
        let columns = paperwire_rt::host::columns(io::stdout().as_fd());
        columns.map_or(100, |columns| usize::from(columns).clamp(60, 140))
    }

    /// The end of a session.
    pub(crate) fn report(&mut self, tally: &Tally, summary: &Summary, as_json: bool) {
        if as_json {
            self.result(&format!("{:#}", report::json(tally, summary)));
        } else {
            self.result(&report::text(tally, summary));
        }
    }

    /// The answer of a command.
    pub(crate) fn result(&mut self, text: &str) {
        write_output(&format!("{text}\n"));
    }

    /// Why a command failed.
    pub(crate) fn error(&mut self, error: &dyn std::fmt::Display) {
        write_notice(&format!("error: {}\n", safe(&error.to_string())));
    }
}

impl Notices for Terminal {
    fn notice(&mut self, text: &str) {
        if !self.is_quiet {
            write_notice(&format!("  {}\n", safe(text)));
        }
    }

    fn status(&mut self, line: &str) {
        if !self.is_quiet {
            write_notice(&format!("{line}\n"));
        }
    }

    fn progress(&mut self, text: &str) {
        let mut screen = io::stderr();
        if self.is_quiet || !screen.is_terminal() {
            return;
        }
        let indent = if text.is_empty() { "" } else { "  " };
        // A terminal that went away takes its progress with it.
        let _ = write!(screen, "\r\x1b[K{indent}{text}").and_then(|()| screen.flush());
    }

    fn is_unread(&self) -> bool {
        is_unread()
    }
}

/// A text that may quote somebody from outside: its lines and nothing that a terminal takes for an order.
fn safe(text: &str) -> String {
    let keep =
        |character: char| if is_plain(character) || character == '\n' { character } else { '?' };
    text.chars().map(keep).collect()
}
