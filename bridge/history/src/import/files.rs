//! Where the lines come from: plain files, `.gz`, the entries of a `.zip`, and folders of all of them.
//!
//! What cannot be read is a problem of its own with its name, and stops nothing else.

use std::collections::BTreeSet;
use std::fs::{self, File, Metadata};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::ImportError;
use crate::names::without;

/// One file of lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// The file on the disk.
    pub path: PathBuf,
    /// The entry in it, when it is an archive.
    pub entry: Option<String>,
}

/// What is at some path.
#[derive(Debug, Default)]
pub struct Found {
    /// Files of lines, sorted by name.
    pub inputs: Vec<Input>,
    /// What should have been one and cannot be read.
    pub problems: Vec<ImportError>,
}

impl Found {
    /// Looks for every file of lines at `path`. Folders are walked, each one once, wherever links lead.
    pub(super) fn at(path: &Path) -> Self {
        let mut found = Self::default();
        found.walk(path, true, &mut BTreeSet::new());
        if found.inputs.is_empty() && found.problems.is_empty() {
            found.refuse(path, "there is no .csv, .csv.gz or .zip in this folder");
        }
        found
    }

    fn refuse(&mut self, path: &Path, why: &str) {
        self.failed(path, io::Error::new(io::ErrorKind::InvalidData, why));
    }

    fn failed(&mut self, path: &Path, error: io::Error) {
        self.problems.push(ImportError::Io { file: path.display().to_string(), error });
    }

    fn walk(&mut self, path: &Path, is_named: bool, walked: &mut BTreeSet<(u64, u64)>) {
        let of = match metadata(path) {
            Ok(of) => of,
            Err(error) if is_named || is_of_kind(path) => return self.failed(path, error),
            Err(_) => return,
        };
        if of.is_dir() {
            // A link may lead back to a folder that is being walked.
            if walked.insert((of.dev(), of.ino())) {
                self.folder(path, walked);
            }
            return;
        }
        if !is_named && !is_of_kind(path) {
            return;
        }
        if !of.is_file() {
            // A pipe would be waited for, and nothing but a file can be read twice.
            return self
                .refuse(path, "it is no regular file; save what comes from it and import that");
        }
        if has_extension(path, "zip") {
            return self.archive(path);
        }
        match File::open(path) {
            Ok(_) => self.inputs.push(Input { path: path.to_owned(), entry: None }),
            Err(error) => self.failed(path, error),
        }
    }

    fn folder(&mut self, path: &Path, walked: &mut BTreeSet<(u64, u64)>) {
        let entries = fs::read_dir(path).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
        });
        match entries {
            Ok(mut entries) => {
                entries.sort();
                entries.iter().for_each(|entry| self.walk(entry, false, walked));
            }
            Err(error) => self.failed(path, error),
        }
    }

    fn archive(&mut self, path: &Path) {
        let opened =
            File::open(path).and_then(|file| Ok(zip::ZipArchive::new(BufReader::new(file))?));
        let archive = match opened {
            Ok(archive) => archive,
            Err(error) => return self.failed(path, error),
        };
        let mut names: Vec<String> = archive.file_names().map(str::to_owned).collect();
        names.retain(|name| !name.ends_with('/') && is_of_kind(Path::new(name)));
        names.retain(|name| !name.contains("__MACOSX"));
        names.sort();
        if names.is_empty() {
            return self.refuse(path, "there is no .csv or .csv.gz in this archive");
        }
        for name in names {
            let input = Input { path: path.to_owned(), entry: Some(name) };
            let entry = input.entry.as_deref().map(Path::new);
            if entry.is_some_and(|entry| has_extension(entry, "zip")) {
                let shown = input.shown();
                self.refuse(
                    Path::new(&shown),
                    "an archive in an archive; unpack the outer one first",
                );
            } else {
                self.inputs.push(input);
            }
        }
    }
}

/// Of what a link leads to.
fn metadata(path: &Path) -> io::Result<Metadata> {
    fs::metadata(path).map_err(|error| {
        let is_link = fs::symlink_metadata(path).is_ok_and(|of| of.file_type().is_symlink());
        match is_link {
            true => io::Error::new(error.kind(), format!("a link that leads nowhere ({error})")),
            false => error,
        }
    })
}

/// Whether a name is one of a file of lines; what a Mac puts beside one is not.
fn is_of_kind(path: &Path) -> bool {
    let is_own = path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with("._"));
    is_own && ["csv", "gz", "zip"].iter().any(|known| has_extension(path, known))
}

impl Input {
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
                let is_gz = without(entry, ".gz").is_some();
                let entry = archive.by_name(entry)?;
                if is_gz { lines(MultiGzDecoder::new(entry), each) } else { lines(entry, each) }
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
    pass_mark(&mut reader)?;
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

/// Some programs begin a text with a mark of its encoding.
fn pass_mark(reader: &mut impl BufRead) -> io::Result<()> {
    match reader.fill_buf()? {
        [0xef, 0xbb, 0xbf, ..] => reader.consume(3),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => {
            let why = "it is UTF-16; save it as UTF-8 or plain text";
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        }
        _ => {}
    }
    Ok(())
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
