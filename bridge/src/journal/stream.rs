//! One log file: lines gather, are written whole, rotated by size, and compressed when rotated.

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

/// Lines kept in memory while a file cannot be written; beyond that the oldest are lost, with a count.
const KEPT_BYTES_MAX: usize = 64 << 20;
const ZSTD_LEVEL: i32 = 3;

/// A log file with its rotation.
#[derive(Debug)]
pub struct Stream {
    path: PathBuf,
    archive: PathBuf,
    stem: String,
    file: Option<File>,
    /// Lines that the kernel does not have.
    buffer: Vec<u8>,
    size: u64,
    size_max: u64,
    files_max: usize,
    rotations: u32,
    lost_bytes: u64,
}

impl Stream {
    /// Creates `folder/stem.jsonl` and the archive folder.
    ///
    /// # Errors
    /// [`StreamError`].
    pub fn create(
        folder: &Path,
        archive: &Path,
        stem: &str,
        size_max: u64,
        files_max: usize,
    ) -> Result<Self, StreamError> {
        let path = folder.join(format!("{stem}.jsonl"));
        let create = || {
            fs::create_dir_all(folder)?;
            fs::create_dir_all(archive)?;
            append_to(&path)
        };
        let file =
            create().map_err(|error| StreamError { file: path.display().to_string(), error })?;
        let (archive, stem) = (archive.to_owned(), stem.to_owned());
        Ok(Self {
            path,
            archive,
            stem,
            file: Some(file),
            buffer: Vec::new(),
            size: 0,
            size_max,
            files_max,
            rotations: 0,
            lost_bytes: 0,
        })
    }

    /// Adds a line.
    pub fn push(&mut self, line: &str) {
        if self.buffer.len() + line.len() > KEPT_BYTES_MAX {
            self.lost_bytes += self.buffer.len() as u64;
            self.buffer.clear();
        }
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.push(b'\n');
    }

    /// Hands all lines to the kernel; what it does not take is kept.
    ///
    /// # Errors
    /// [`StreamError`], each time it fails.
    pub fn flush(&mut self) -> Result<(), StreamError> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let result = self.write_out();
        let failed = |error| StreamError { file: self.path.display().to_string(), error };
        result.map_err(failed)?;
        if self.size >= self.size_max {
            self.rotate()
                .map_err(|error| StreamError { file: self.path.display().to_string(), error })?;
        }
        Ok(())
    }

    /// Asks for the disk itself.
    pub fn sync(&mut self) {
        let _ = self.flush();
        if let Some(file) = &self.file {
            let _ = file.sync_data();
        }
    }

    /// Bytes that were given up because nothing could be written for too long.
    pub const fn lost_bytes(&self) -> u64 {
        self.lost_bytes
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
        if result.is_err() {
            // The next attempt opens the path anew: the disk may have been changed under it.
            self.file = None;
        }
        result
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.rotations += 1;
        let rotated = self.archive.join(format!("{}_{:04}.jsonl", self.stem, self.rotations));
        self.file = None;
        fs::rename(&self.path, &rotated)?;
        self.size = 0;
        self.file = Some(append_to(&self.path)?);
        let (archive, stem, keep) = (self.archive.clone(), self.stem.clone(), self.files_max);
        std::thread::Builder::new().name("archive".to_owned()).spawn(move || {
            // A failure leaves the plain file, which is as good for reading.
            if compress(&rotated).is_ok() {
                prune(&archive, &stem, keep);
            }
        })?;
        Ok(())
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
