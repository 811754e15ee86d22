//! Text captures: one frame per line, `<rx_ns>\t<frame>`.

use std::path::Path;

use paperwire_core::raw::RawKind;
use paperwire_core::time::HostNs;

use crate::{Record, TapeError};

/// A capture, read whole: they are small, and a replay reads them more than once.
#[derive(Debug)]
pub struct TsvReader {
    file: String,
    text: Vec<u8>,
    at: usize,
    line: u64,
}

impl TsvReader {
    /// Opens a capture.
    ///
    /// # Errors
    /// [`TapeError::Io`].
    pub fn open(path: &Path) -> Result<Self, TapeError> {
        let file = path.display().to_string();
        match std::fs::read(path) {
            Ok(text) => Ok(Self::new(text, file)),
            Err(error) => Err(TapeError::Io { file, error }),
        }
    }

    /// A capture in memory; `file` names it in errors.
    pub const fn new(text: Vec<u8>, file: String) -> Self {
        Self { file, text, at: 0, line: 0 }
    }

    /// The next frame.
    ///
    /// # Errors
    /// [`TapeError::Line`] with the number of the line.
    #[expect(clippy::should_implement_trait, reason = "records borrow from the reader")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let len = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
            let start = self.at;
            self.at += len + 1;
            self.line += 1;
            let line = &self.text[start..start + len];
            if line.trim_ascii().is_empty() {
                continue;
            }
            let error = |why| TapeError::Line { file: self.file.clone(), line: self.line, why };
            let tab = line.iter().position(|&b| b == b'\t').ok_or_else(|| error("no tab"))?;
            let rx = std::str::from_utf8(&line[..tab]).ok().and_then(|t| t.parse().ok());
            let rx = HostNs::new(rx.ok_or_else(|| error("the time is not a number"))?);
            return Ok(Some(Record { kind: RawKind::Frame, rx, payload: &line[tab + 1..] }));
        }
        Ok(None)
    }

    /// Back to the first line.
    pub const fn rewind(&mut self) {
        self.at = 0;
        self.line = 0;
    }
}
