//! The recorded session: what a live run heard and decided, so that a replay gives the same bytes.
//!
//! * [`writer`]: appends records in compressed blocks, each readable alone
//! * [`reader`]: reads finished and torn tapes, and says exactly what is missing
//! * [`tsv`]: captures of one frame per line, `<rx_ns>\t<frame>`
//! * [`Source`]: either of the two, by content
//!
//! The layout is drawn in `docs/TAPE.md`. A file that was cut at any byte is read up to its last whole
//! block; a damaged block is an error and never a wrong record.

#![warn(missing_docs)]

pub mod format;
pub mod reader;
pub mod tsv;
pub mod writer;

use std::path::Path;

use paperwire_core::raw::RawKind;
use paperwire_core::time::HostNs;

pub use reader::{TapeEnd, TapeReader};
pub use writer::TapeWriter;

/// One record of a tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it holds.
    pub kind: RawKind,
    /// When the feed received or decided it.
    pub rx: HostNs,
    /// The bytes.
    pub payload: &'a [u8],
}

/// Why a tape cannot be written or read. Names the file and the remedy.
#[derive(Debug, thiserror::Error)]
pub enum TapeError {
    /// A recording of that name exists.
    #[error("{file} exists and is not overwritten: choose another name or move it away")]
    Exists {
        /// The file.
        file: String,
    },
    /// The system refused.
    #[error("{file}: {error}{}", hint(error))]
    Io {
        /// The file.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// Not a tape, or one of another version.
    #[error("{file} is not a tape that this version reads: {why}")]
    Format {
        /// The file.
        file: String,
        /// What is wrong.
        why: &'static str,
    },
    /// A block's checksum does not match: what follows cannot be trusted.
    #[error("{file} is damaged at byte {offset}: {why}; records before it are intact")]
    Damaged {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
        /// What is wrong.
        why: &'static str,
    },
    /// A line of a text capture is not `<rx_ns>\t<frame>`.
    #[error("{file} line {line}: {why}; expected <receive time in ns><tab><frame>")]
    Line {
        /// The file.
        file: String,
        /// Counted from 1.
        line: u64,
        /// What is wrong.
        why: &'static str,
    },
}

fn hint(error: &std::io::Error) -> &'static str {
    match error.kind() {
        std::io::ErrorKind::StorageFull => {
            "; free some space, what was recorded so far is readable"
        }
        std::io::ErrorKind::PermissionDenied => {
            "; check the permissions of the file and its folder"
        }
        std::io::ErrorKind::NotFound => "; check the path",
        _ => "",
    }
}

/// A tape or a text capture, read the same way.
#[derive(Debug)]
pub enum Source {
    /// A recorded session.
    Tape(TapeReader<std::fs::File>),
    /// Frames only, without a session around them.
    Tsv(tsv::TsvReader),
}

impl Source {
    /// Opens a file and finds out which it is.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let file = path.display().to_string();
        let mut opened = std::fs::File::open(path)
            .map_err(|error| TapeError::Io { file: file.clone(), error })?;
        let mut magic = [0u8; format::MAGIC.len()];
        let read = std::io::Read::read(&mut opened, &mut magic)
            .map_err(|error| TapeError::Io { file: file.clone(), error })?;
        if magic[..read] == format::MAGIC {
            return Ok(Self::Tape(TapeReader::new(opened, file)?));
        }
        tsv::TsvReader::open(path).map(Self::Tsv)
    }

    /// The session's metadata, as the recorder gave it; none in a text capture.
    pub fn meta(&self) -> Option<&[u8]> {
        match self {
            Self::Tape(tape) => Some(tape.meta()),
            Self::Tsv(_) => None,
        }
    }

    /// The session's summary, of a finished tape.
    pub fn summary(&self) -> Option<&[u8]> {
        match self {
            Self::Tape(tape) => tape.summary(),
            Self::Tsv(_) => None,
        }
    }

    /// The next record, borrowed until the next call; `None` at the end.
    ///
    /// # Errors
    /// [`TapeError`].
    #[expect(clippy::should_implement_trait, reason = "records borrow from the reader")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        match self {
            Self::Tape(tape) => tape.next(),
            Self::Tsv(lines) => lines.next(),
        }
    }

    /// Back to the first record.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn rewind(&mut self) -> Result<(), TapeError> {
        match self {
            Self::Tape(tape) => tape.rewind(),
            Self::Tsv(lines) => {
                lines.rewind();
                Ok(())
            }
        }
    }

    /// How the file ends.
    pub fn end(&self) -> TapeEnd {
        match self {
            Self::Tape(tape) => tape.end(),
            Self::Tsv(_) => TapeEnd::Clean,
        }
    }
}

#[cfg(test)]
mod tests;
