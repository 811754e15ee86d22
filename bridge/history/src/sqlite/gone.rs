//! A database file that somebody deletes, moves or replaces while it is open.
//!
//! SQLite writes on to a file without a name, and what is written there is gone with the process. So each
//! commit looks first: what the connection still has is written again under the name, write-ahead log
//! and all, and the rows go there.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::{SqliteStore, failed};
use crate::store::{Store, StoreError};

/// Device and number of a file.
pub(super) type Identity = (u64, u64);

/// The file that stands under a name now.
pub(super) fn identity(path: &Path) -> Option<Identity> {
    fs::metadata(path).ok().map(|of| (of.dev(), of.ino()))
}

impl SqliteStore {
    /// Sees to it that rows go to the file that stands under the name.
    pub(super) fn look(&mut self) -> Result<(), StoreError> {
        let there = identity(&self.path);
        if there == self.file || self.file.is_none() {
            return Ok(());
        }
        let what = if there.is_none() {
            self.bring_back()?;
            "is no longer there; all that it had is written again"
        } else {
            "was replaced by another; rows go to that one from now on"
        };
        let mut fresh = Self::open(&self.path)?;
        fresh.migrate()?;
        fresh.notice = Some(format!("the history database {} {what}", self.place));
        *self = fresh;
        Ok(())
    }

    /// Writes what the connection still has under the name that has nothing.
    fn bring_back(&self) -> Result<(), StoreError> {
        let away = |error: std::io::Error| StoreError::Away {
            place: self.place.clone(),
            why: error.to_string(),
        };
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(away)?;
        }
        let beside = with_ending(&self.path, ".new");
        let _ = fs::remove_file(&beside);
        let copied = self.connection.execute("VACUUM INTO ?1", [beside.display().to_string()]);
        copied.map_err(|error| failed(&self.place, &error))?;
        // The old log must not be taken for that of the new file.
        for ending in ["-wal", "-shm"] {
            let _ = fs::remove_file(with_ending(&self.path, ending));
        }
        fs::rename(beside, &self.path).map_err(away)
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
