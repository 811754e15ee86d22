//! Files below a root folder: `/` on the machine, a made-up tree in tests. Only reads.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Where the checks read.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    root: PathBuf,
}

/// Why a file could not be read; the reason an unknown check gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unread {
    /// The kernel or this container does not have it.
    Absent(String),
    /// This user may not.
    Denied(String),
    /// It is there, but not as expected.
    Strange(String),
    /// Nothing to do with files: not measured, not applicable.
    Other(String),
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(path) => write!(f, "{path} is not there"),
            Self::Denied(path) => write!(f, "{path} is not readable for this user; try sudo"),
            Self::Strange(path) => write!(f, "{path} is not as expected"),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl Tree {
    pub(super) fn machine() -> Self {
        Self::at(Path::new("/"))
    }

    pub(super) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    /// Where a path given from the root really is.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    /// The whole file, without the white space around it.
    pub(super) fn read(&self, path: &str) -> Result<String, Unread> {
        let bytes = std::fs::read(self.path(path)).map_err(|error| unread(path, &error))?;
        Ok(String::from_utf8_lossy(&bytes).trim().to_owned())
    }

    /// The file as a number.
    pub(super) fn number<N: std::str::FromStr>(&self, path: &str) -> Result<N, Unread> {
        self.read(path)?.parse().map_err(|_| Unread::Strange(path.to_owned()))
    }

    /// Names in a folder, sorted, numbers by their value.
    pub(super) fn names(&self, path: &str) -> Result<Vec<String>, Unread> {
        let entries = std::fs::read_dir(self.path(path)).map_err(|error| unread(path, &error))?;
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into()).collect();
        names.sort_by_key(|name| (name.parse::<u64>().unwrap_or(u64::MAX), name.clone()));
        Ok(names)
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The value of a parameter of the kernel's command line; the last one wins, as in the kernel.
    /// `Some("")` for one without a value.
    pub(super) fn boot_parameter(&self, name: &str) -> Result<Option<String>, Unread> {
        let line = self.read("/proc/cmdline")?;
        Ok(parameter(&line, name).map(str::to_owned))
    }
}

/// Finds `name` or `name=value`; what follows `--` is the first process's, not the kernel's.
fn parameter<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let words = line.split_whitespace().take_while(|word| *word != "--");
    let value = |word: &'a str| match word.split_once('=') {
        Some((key, value)) => (key == name).then_some(value.trim_matches('"')),
        None => (word == name).then_some(""),
    };
    words.filter_map(value).last()
}

fn unread(path: &str, error: &std::io::Error) -> Unread {
    let path = path.to_owned();
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unread::Absent(path),
        ErrorKind::PermissionDenied => Unread::Denied(path),
        _ => Unread::Other(format!("{path}: {error}")),
    }
}

#[cfg(test)]
mod tests;
