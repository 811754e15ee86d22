//! Where the lines come from: plain files, `.gz`, the entries of a `.zip`, and folders of all of them.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

/// One file of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file on the disk.
    pub path: PathBuf,
    /// The entry in it, when it is an archive.
    pub entry: Option<String>,
}

impl Input {
    /// Every file of lines at `path`, sorted by name; folders are walked.
    ///
    /// # Errors
    /// When a folder or an archive cannot be read.
    pub fn all(path: &Path) -> io::Result<Vec<Self>> {
        let mut found = Vec::new();
        if path.is_dir() {
            let entries = std::fs::read_dir(path)?.map(|entry| entry.map(|entry| entry.path()));
            let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
            entries.sort();
            for entry in entries {
                let is_lines =
                    ["csv", "gz", "zip"].iter().any(|known| has_extension(&entry, known));
                if entry.is_dir() || is_lines {
                    found.extend(Self::all(&entry)?);
                }
            }
        } else if has_extension(path, "zip") {
            let archive = zip::ZipArchive::new(File::open(path)?)?;
            let mut names: Vec<String> = archive.file_names().map(str::to_owned).collect();
            names.retain(|name| name.ends_with(".csv") && !name.contains("__MACOSX"));
            names.sort();
            let entry = |name| Self { path: path.to_owned(), entry: Some(name) };
            found.extend(names.into_iter().map(entry));
        } else {
            File::open(path)?;
            found.push(Self { path: path.to_owned(), entry: None });
        }
        Ok(found)
    }

    /// The name that says what is in it, without folders.
    pub fn name(&self) -> String {
        let inner = self.entry.as_deref().map(Path::new).unwrap_or(&self.path);
        inner.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// As shown to people.
    pub fn shown(&self) -> String {
        match &self.entry {
            Some(entry) => format!("{}:{entry}", self.path.display()),
            None => self.path.display().to_string(),
        }
    }

    /// Passes on every line without its end, until `each` returns `false`.
    pub(super) fn lines(&self, each: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
        let file = File::open(&self.path)?;
        match &self.entry {
            Some(entry) => {
                let mut archive = zip::ZipArchive::new(BufReader::new(file))?;
                lines(archive.by_name(entry)?, each)
            }
            None if has_extension(&self.path, "gz") => lines(MultiGzDecoder::new(file), each),
            None => lines(file, each),
        }
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found.eq_ignore_ascii_case(extension))
}

/// Longer lines are no lines of these files.
const LINE_BYTES_MAX: usize = 4096;

fn lines(from: impl Read, mut each: impl FnMut(&[u8]) -> bool) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(1 << 18, from);
    let mut carried: Vec<u8> = Vec::new();
    loop {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            let goes_on = carried.is_empty() || each(trimmed(&carried));
            let _ = goes_on;
            return Ok(());
        }
        let mut rest = buffer;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            rest = &after[1..];
            let goes_on = if carried.is_empty() {
                each(trimmed(line))
            } else {
                carried.extend_from_slice(line);
                let goes_on = each(trimmed(&carried));
                carried.clear();
                goes_on
            };
            if !goes_on {
                return Ok(());
            }
        }
        carried.extend_from_slice(rest);
        if carried.len() > LINE_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line of more than 4 KiB"));
        }
        let used = buffer.len();
        reader.consume(used);
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
