//! One log file: lines gather, are written whole, rotated by size, and compressed when rotated.
//!
//! While the disk refuses them, lines are kept up to a bound. Beyond it whole lines are given up, the
//! oldest first, and fills only when nothing else is left: a fill is what an audit cannot do without. A
//! file that somebody deleted is written again, one that was moved is followed by a new one, and lines
//! that were cut from it are counted as lost. No file ends with a part of a line.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use paperwire_replay::held_file::{Fate, HeldFile};
use paperwire_replay::report::Lost;

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

/// A file that somebody had taken away or cut, and what was done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// Which.
    pub path: PathBuf,
    /// What was done.
    pub how: Mend,
    /// Lines that were written again, or that are lost.
    pub lines: Lost,
}

/// What was done about a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mend {
    /// It was deleted: its lines are written again.
    Rewritten,
    /// It was moved: a new one is begun.
    Begun,
    /// It was cut: lines are lost.
    Cut,
}

/// What is told of files that had the same fate.
pub fn told(mended: &[Mended]) -> Option<String> {
    let first = mended.first()?;
    let mut sum = Lost::default();
    mended.iter().for_each(|of| sum += of.lines);
    let Lost { lines, fills } = sum;
    let which = match mended.len() {
        1 => first.path.display().to_string(),
        count => format!("{count} logs, {} the first,", first.path.display()),
    };
    Some(match first.how {
        Mend::Rewritten => format!(
            "deleted under the run: {which} with {lines} lines, {fills} of them fills; all are written again"
        ),
        Mend::Begun => format!("moved away under the run: {which} and begun again"),
        Mend::Cut => {
            format!(
                "cut under the run: {which} by {lines} lines, {fills} of them fills, which are lost"
            )
        }
    })
}

const ZSTD_LEVEL: i32 = 3;

/// A log file with its rotation.
#[derive(Debug)]
pub struct Stream {
    path: PathBuf,
    stem: String,
    config: StreamConfig,
    file: HeldFile,
    /// Lines that the kernel does not have, the first one perhaps in part.
    buffer: Vec<u8>,
    /// Length and worth of each of them.
    lines: VecDeque<(usize, Worth)>,
    /// Bytes of the first line that the file has already: it must get the rest.
    begun: usize,
    /// Whole lines that the file has.
    in_file: Lost,
    /// It refused the last write: perhaps it is no longer what stands under its name.
    has_failed: bool,
    /// What a flush found out about it.
    untold: Option<Mended>,
    rotations: u32,
    lost: Lost,
}

impl Stream {
    /// Creates `folder/stem.jsonl` and the archive folder.
    ///
    /// # Errors
    /// [`StreamError`], also when another session has that file.
    pub fn create(config: StreamConfig, stem: &str) -> Result<Self, StreamError> {
        let path = config.folder.join(format!("{stem}.jsonl"));
        let file = fs::create_dir_all(&config.archive).and_then(|()| HeldFile::create(&path));
        let file = file.map_err(|error| StreamError { file: path.display().to_string(), error })?;
        Ok(Self {
            path,
            stem: stem.to_owned(),
            config,
            file,
            buffer: Vec::new(),
            lines: VecDeque::new(),
            begun: 0,
            in_file: Lost::default(),
            has_failed: false,
            untold: None,
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

    /// Looks whether the file is still there, and mends what can be mended; says what had happened.
    ///
    /// # Errors
    /// [`StreamError`] when the file cannot be had again; what it had is held and tried again.
    pub fn look(&mut self) -> Result<Option<Mended>, StreamError> {
        let Some(fate) = self.file.look().map_err(|error| self.failed(error))? else {
            return Ok(self.untold.take());
        };
        let (how, lines) = self.mend(fate).map_err(|error| self.failed(error))?;
        Ok(Some(Mended { path: self.path.clone(), how, lines }))
    }

    fn mend(&mut self, fate: Fate) -> io::Result<(Mend, Lost)> {
        match fate {
            Fate::Deleted => {
                self.file.reopen(fate)?;
                Ok((Mend::Rewritten, self.in_file))
            }
            Fate::Moved => {
                // The line that was begun belongs whole into one file.
                let whole = self.file.bytes() - self.begun as u64;
                if self.begun > 0 {
                    // A file elsewhere that cannot be cut keeps the part, which nobody misses.
                    let _ = self.file.cut(whole);
                }
                self.file.reopen(fate)?;
                (self.begun, self.in_file) = (0, Lost::default());
                Ok((Mend::Begun, Lost::default()))
            }
            Fate::Cut(_) => {
                let content = self.file.content()?;
                let whole = content.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                self.file.cut(whole as u64)?;
                let left = count(&content[..whole]);
                let lines = self.in_file.lines.saturating_sub(left.lines);
                let fills = self.in_file.fills.saturating_sub(left.fills);
                (self.begun, self.in_file) = (0, left);
                self.lost += Lost { lines, fills };
                Ok((Mend::Cut, Lost { lines, fills }))
            }
        }
    }

    /// Hands all lines to the kernel; what it does not take is kept.
    ///
    /// # Errors
    /// [`StreamError`], each time it fails.
    pub fn flush(&mut self) -> Result<(), StreamError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if self.has_failed {
            self.untold = self.look()?;
        }
        let written = self.write_out();
        self.has_failed = written.is_err();
        written.map_err(|error| self.failed(error))?;
        if self.file.bytes() >= self.config.size_max {
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
        if self.begun > 0 {
            // A reader must not meet a part of a line; making a file shorter needs no room.
            let whole = self.file.bytes() - std::mem::take(&mut self.begun) as u64;
            self.file.cut(whole).map_err(|error| self.failed(error))?;
        }
        flushed?;
        self.file.sync().map_err(|error| self.failed(error))
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
            let is_begun = index == 0 && self.begun > 0;
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
        let mut written = self.begun;
        let result = loop {
            match self.file.write(&self.buffer[written..]) {
                Ok(0) => break Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => written += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
            if written == self.buffer.len() {
                break Ok(());
            }
        };
        self.strike(written);
        result
    }

    /// Strikes lines that the kernel has whole; the rest of `written` are the bytes of a begun one.
    fn strike(&mut self, written: usize) {
        let mut whole = 0;
        while let Some(&(len, worth)) = self.lines.front()
            && whole + len <= written
        {
            whole += len;
            self.in_file += one(worth);
            self.lines.pop_front();
        }
        self.buffer.drain(..whole);
        self.begun = written - whole;
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.rotations += 1;
        let rotated =
            self.config.archive.join(format!("{}_{:04}.jsonl", self.stem, self.rotations));
        fs::create_dir_all(&self.config.archive)?;
        fs::rename(&self.path, &rotated)?;
        self.file = HeldFile::create(&self.path)?;
        self.in_file = Lost::default();
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

/// Lines of a file's content, and fills among them.
fn count(content: &[u8]) -> Lost {
    const FILL: &[u8] = b"\"event\":\"fill\"";
    let mut found = Lost::default();
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        found.lines += 1;
        found.fills += u64::from(line.windows(FILL.len()).any(|part| part == FILL));
    }
    found
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
