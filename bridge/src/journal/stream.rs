//! One log file: lines gather, are written whole, rotated by size, and compressed when rotated.
//!
//! While the disk refuses them, lines are kept up to a bound. Beyond it whole lines are given up, the
//! oldest first, and fills only when nothing else is left: a fill is what an audit cannot do without.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write {file}: {error}; free space or change [logs] dir (lines are kept and retried)"
)]
pub struct StreamError {
    /// Which.
    pub file: String,
    /// What the system says.
    pub error: io::Error,
}

/// How much a line is worth when not all of them can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Worth {
    /// It describes.
    Ordinary,
    /// A fill.
    Fill,
}

/// What was given up because nothing could be written for too long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lost {
    /// Lines, fills included.
    pub lines: u64,
    /// Fills.
    pub fills: u64,
}

impl std::ops::AddAssign for Lost {
    fn add_assign(&mut self, other: Self) {
        self.lines += other.lines;
        self.fills += other.fills;
    }
}

/// Where and how much.
#[derive(Clone, Debug)]
pub struct StreamConfig {
    /// Folder of the file.
    pub folder: PathBuf,
    /// Folder of its rotated ones.
    pub archive: PathBuf,
    /// Bytes at which it is rotated.
    pub size_max: u64,
    /// Rotated files kept.
    pub files_max: usize,
    /// Bytes kept in memory while it cannot be written.
    pub kept_max: usize,
}

const ZSTD_LEVEL: i32 = 3;

/// A log file with its rotation.
#[derive(Debug)]
pub struct Stream {
    path: PathBuf,
    stem: String,
    config: StreamConfig,
    file: Option<File>,
    /// Lines that the kernel does not have.
    buffer: Vec<u8>,
    /// Length and worth of each of them; of the first one the length of what is left.
    lines: VecDeque<(usize, Worth)>,
    /// True when the kernel has a part of the first line: it must get the rest.
    is_begun: bool,
    size: u64,
    rotations: u32,
    lost: Lost,
}

impl Stream {
    /// Creates `folder/stem.jsonl` and the archive folder.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn create(config: StreamConfig, stem: &str) -> Result<Self, StreamError> {
        let path = config.folder.join(format!("{stem}.jsonl"));
        let create = || {
            fs::create_dir_all(&config.folder)?;
            fs::create_dir_all(&config.archive)?;
            append_to(&path)
        };
        let file =
            create().map_err(|error| StreamError { file: path.display().to_string(), error })?;
        Ok(Self {
            path,
            stem: stem.to_owned(),
            config,
            file: Some(file),
            buffer: Vec::new(),
            lines: VecDeque::new(),
            is_begun: false,
            size: 0,
            rotations: 0,
            lost: Lost::default(),
        })
    }

    /// Adds a line.
    pub fn push(&mut self, line: &str, worth: Worth) {
        let len = line.len() + 1;
        if self.buffer.len() + len > self.config.kept_max && !self.make_room(len, worth) {
            self.lost += one(worth);
            return;
        }
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
        self.lines.push_back((len, worth));
    }

    /// Hands all lines to the kernel; what it does not take is kept.
    ///
    /// # Errors
    /// [`StreamError`], each time it fails.
    pub fn flush(&mut self) -> Result<(), StreamError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.write_out().map_err(|error| self.failed(error))?;
        if self.size >= self.config.size_max {
            self.rotate().map_err(|error| self.failed(error))?;
        }
        Ok(())
    }

    /// The end: writes everything and asks for the disk itself. What cannot be written now is lost.
    ///
    /// # Errors
    /// [`StreamError`] when lines or the disk's confirmation are missing.
    pub fn finish(&mut self) -> Result<(), StreamError> {
        let flushed = self.flush();
        for (_, worth) in self.lines.drain(..) {
            self.lost += one(worth);
        }
        self.buffer.clear();
        flushed?;
        match &self.file {
            Some(file) => file.sync_data().map_err(|error| self.failed(error)),
            None => Ok(()),
        }
    }

    /// What was given up so far.
    pub const fn lost(&self) -> Lost {
        self.lost
    }

    fn failed(&self, error: io::Error) -> StreamError {
        StreamError { file: self.path.display().to_string(), error }
    }

    /// Makes room for a line, unless only fills could make it and it is none. An eighth of the bound
    /// goes at once, so that the buffer is copied once for that much and not for each line.
    fn make_room(&mut self, len: usize, worth: Worth) -> bool {
        let wanted = len.max(self.config.kept_max / 8);
        if self.give_up(Worth::Ordinary, wanted) >= len {
            return true;
        }
        worth == Worth::Fill && {
            self.give_up(Worth::Fill, wanted);
            true
        }
    }

    /// Gives up the oldest lines of a worth, at least `wanted` bytes if there are as many.
    fn give_up(&mut self, victim: Worth, wanted: usize) -> usize {
        let mut freed = 0;
        let mut kept = Vec::new();
        let mut kept_lines = VecDeque::with_capacity(self.lines.len());
        let mut at = 0;
        for (index, &(len, worth)) in self.lines.iter().enumerate() {
            let is_begun = index == 0 && self.is_begun;
            if freed < wanted && worth == victim && !is_begun {
                freed += len;
                self.lost += one(worth);
            } else {
                kept.extend_from_slice(&self.buffer[at..at + len]);
                kept_lines.push_back((len, worth));
            }
            at += len;
        }
        assert_eq!(at, self.buffer.len(), "the lines are what the buffer holds");
        (self.buffer, self.lines) = (kept, kept_lines);
        freed
    }

    fn write_out(&mut self) -> io::Result<()> {
        if self.file.is_none() {
            self.file = Some(append_to(&self.path)?);
        }
        let file = self.file.as_mut().ok_or(io::ErrorKind::NotFound)?;
        let mut written = 0;
        let result = loop {
            match file.write(&self.buffer[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
            if written == self.buffer.len() {
                break Ok(());
            }
        };
        // Whatever the kernel took must not be written again.
        self.size += written as u64;
        self.buffer.drain(..written);
        self.strike(written);
        if result.is_err() {
            // The next attempt opens the path anew: the disk may have been changed under it.
            self.file = None;
        }
        result
    }

    /// Strikes what the kernel has off the list of lines.
    fn strike(&mut self, mut written: usize) {
        while written > 0
            && let Some((len, _)) = self.lines.front_mut()
        {
            if *len > written {
                *len -= written;
                self.is_begun = true;
                return;
            }
            written -= *len;
            self.is_begun = false;
            self.lines.pop_front();
        }
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.rotations += 1;
        let rotated =
            self.config.archive.join(format!("{}_{:04}.jsonl", self.stem, self.rotations));
        self.file = None;
        fs::rename(&self.path, &rotated)?;
        self.size = 0;
        self.file = Some(append_to(&self.path)?);
        let (archive, stem, keep) =
            (self.config.archive.clone(), self.stem.clone(), self.config.files_max);
        std::thread::Builder::new().name("archive".to_owned()).spawn(move || {
            // A failure leaves the plain file, which is as good for reading.
            if compress(&rotated).is_ok() {
                prune(&archive, &stem, keep);
            }
        })?;
        Ok(())
    }
}

const fn one(worth: Worth) -> Lost {
    Lost {
        lines: 1,
        fills: match worth {
            Worth::Fill => 1,
            Worth::Ordinary => 0,
        },
    }
}

fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

fn compress(path: &Path) -> io::Result<()> {
    let packed = path.with_extension("jsonl.zst");
    let unfinished = path.with_extension("jsonl.zst.part");
    zstd::stream::copy_encode(File::open(path)?, File::create(&unfinished)?, ZSTD_LEVEL)?;
    fs::rename(&unfinished, &packed)?;
    fs::remove_file(path)
}

/// Removes the oldest archives of one stream; names sort by age.
fn prune(archive: &Path, stem: &str, keep: usize) {
    let Ok(entries) = fs::read_dir(archive) else {
        return;
    };
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        name.strip_prefix(stem).is_some_and(|rest| rest.starts_with('_') && rest.ends_with(".zst"))
    };
    let mut files: Vec<PathBuf> =
        entries.flatten().map(|entry| entry.path()).filter(is_ours).collect();
    files.sort_unstable();
    let excess = files.len().saturating_sub(keep);
    for path in &files[..excess] {
        let _ = fs::remove_file(path);
    }
}
