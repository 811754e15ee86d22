//! A file that a session writes while others may take it away: deleted, rotated, or cut under it.
//!
//! A descriptor outlives the name of its file. So a file that was deleted can still be read through it, and
//! is written again under the same name; one that was moved keeps what it has, and a new one begins. Only
//! what was cut is gone, and is counted. Whoever holds a file looks at least once a second.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use paperwire_rt::owner::try_own;

/// What others did to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has another name now, and all that it had.
    Moved,
    /// It has no name any more, and is there as long as it is held.
    Deleted,
    /// It is shorter than what was written, by so many bytes.
    Cut(u64),
}

/// An open file, at whose end is written.
#[derive(Debug)]
pub struct HeldFile {
    path: PathBuf,
    file: File,
    /// Bytes that it should have.
    len: u64,
}

impl HeldFile {
    /// Creates a file, and its folder, for this session alone.
    ///
    /// # Errors
    /// What the system says; [`io::ErrorKind::AlreadyExists`] when another session has written it or
    /// writes it.
    pub fn create(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let meta = file.metadata()?;
        // A device has no owner.
        if meta.is_file() && (meta.len() > 0 || !try_own(&file)?) {
            let why = "another session has it; give this one another folder";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, why));
        }
        Ok(Self { path: path.to_owned(), file, len: 0 })
    }

    /// Creates a file that must not exist, in a folder that must.
    ///
    /// # Errors
    /// What the system says.
    pub fn create_new(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(path)?;
        try_own(&file)?;
        Ok(Self { path: path.to_owned(), file, len: 0 })
    }

    /// Where it is meant to be.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes that it should have.
    pub const fn bytes(&self) -> u64 {
        self.len
    }

    /// What happened to it since the last look. A cut is told once; the others until [`Self::reopen`].
    ///
    /// # Errors
    /// What the system says.
    pub fn look(&mut self) -> io::Result<Option<Fate>> {
        let own = self.file.metadata()?;
        let is_own = |there: &fs::Metadata| (there.ino(), there.dev()) == (own.ino(), own.dev());
        if !fs::metadata(&self.path).is_ok_and(|there| is_own(&there)) {
            return Ok(Some(if own.is_file() && own.nlink() == 0 {
                Fate::Deleted
            } else {
                Fate::Moved
            }));
        }
        if own.is_file() && own.len() < self.len {
            let less = self.len - own.len();
            self.len = own.len();
            return Ok(Some(Fate::Cut(less)));
        }
        Ok(None)
    }

    /// Begins a new file under the old name; one that was deleted gives it all that it had.
    ///
    /// # Errors
    /// What the system says; then the old file is still held, and nothing of the new one was changed.
    pub fn reopen(&mut self, fate: Fate) -> io::Result<()> {
        let mut fresh = open(&self.path)?;
        let before = fresh.metadata()?.len();
        // Nobody waits for the lock of a file that others put there.
        let _ = try_own(&fresh);
        let mut len = before;
        if fate == Fate::Deleted {
            self.file.seek(SeekFrom::Start(0))?;
            match io::copy(&mut self.file, &mut fresh) {
                Ok(copied) => len += copied,
                Err(error) => {
                    let _ = fresh.set_len(before);
                    return Err(error);
                }
            }
        }
        (self.file, self.len) = (fresh, len);
        Ok(())
    }

    /// Cuts it to its first `len` bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn cut(&mut self, len: u64) -> io::Result<()> {
        self.file.set_len(len)?;
        self.len = len;
        Ok(())
    }

    /// All that it has now.
    ///
    /// # Errors
    /// What the system says.
    pub fn content(&mut self) -> io::Result<Vec<u8>> {
        let mut content = Vec::new();
        self.file.seek(SeekFrom::Start(0))?;
        io::Read::read_to_end(&mut self.file, &mut content)?;
        Ok(content)
    }

    /// Asks the disk itself to have it.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }
}

impl Write for HeldFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.len += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Writes a whole file or nothing of it, over one that is there; two who write at once do not mix.
///
/// # Errors
/// What the system says.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = write_beside(path, bytes)?;
    let renamed = fs::rename(&beside, path);
    if renamed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    renamed
}

/// Writes a whole file or nothing of it, and never over one that is there.
///
/// # Errors
/// What the system says; [`io::ErrorKind::AlreadyExists`] when there is one.
pub fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = write_beside(path, bytes)?;
    let linked = fs::hard_link(&beside, path);
    let _ = fs::remove_file(&beside);
    linked
}

fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let beside = path.with_file_name(name);
    let written = fs::write(&beside, bytes);
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| beside)
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

#[cfg(test)]
mod tests;
