//! Files that commands write. Each one grows beside its place and takes it when it is whole, so that a part is
//! never taken for all; none takes the place of the history store or of a file that belongs to it.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use paperwire_config::Config;
use paperwire_history::store::Address;

/// What SQLite keeps beside its file.
const COMPANIONS: [&str; 4] = ["", "-wal", "-shm", "-journal"];
/// Links that are followed from one name.
const LINKS_MAX: usize = 40;

/// Why a file cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    /// It is the store.
    #[error("{0} is the history store or belongs to it; choose another file")]
    Store(PathBuf),
    /// It is a folder.
    #[error("{0} is a folder; name a file in it")]
    Folder(PathBuf),
    /// The system refused.
    #[error("{path}: {error}; make the folder, or choose one that may be written to")]
    Io {
        /// Which.
        path: PathBuf,
        /// The system's reason.
        error: io::Error,
    },
}

/// Where stores lie that no output may take the place of.
#[derive(Clone, Debug, Default)]
pub struct Stores(Vec<PathBuf>);

impl Stores {
    /// The configured store and the one at `url`, where they are files.
    pub fn of(config: &Config, url: Option<&str>) -> Self {
        let urls = [Some(config.history.url.as_str()), url];
        let file = |url: &str| match Address::parse(url) {
            Ok(Address::Sqlite(path)) => Some(path),
            Ok(Address::Postgres(_)) | Err(_) => None,
        };
        Self(urls.into_iter().flatten().filter_map(file).collect())
    }

    /// Refuses a path that is a store or belongs to one, by whatever name, link or hard link.
    ///
    /// # Errors
    /// [`OutputError::Store`].
    pub fn refuse(&self, path: &Path) -> Result<(), OutputError> {
        let target = resolved(path);
        for store in self.0.iter().flat_map(|store| [store.clone(), resolved(store)]) {
            for end in COMPANIONS {
                let mut name: OsString = store.clone().into_os_string();
                name.push(end);
                let of_store = PathBuf::from(name);
                if resolved(&of_store) == target || is_same_file(&of_store, &target) {
                    return Err(OutputError::Store(path.to_owned()));
                }
            }
        }
        Ok(())
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Output {
    target: PathBuf,
    /// What is written instead until it is whole; `None` for a pipe or a device, which is written as it is.
    part: Option<PathBuf>,
}

impl Output {
    /// A file that takes its place when it is whole.
    ///
    /// # Errors
    /// [`OutputError`].
    pub fn at(path: &Path, stores: &Stores) -> Result<Self, OutputError> {
        stores.refuse(path)?;
        let target = resolved(path);
        match fs::metadata(&target) {
            Ok(of) if of.is_dir() => return Err(OutputError::Folder(path.to_owned())),
            Ok(of) if !of.is_file() => return Ok(Self { target, part: None }),
            Ok(_) | Err(_) => {}
        }
        let name = target.file_name().ok_or_else(|| OutputError::Folder(path.to_owned()))?;
        let mut part = OsString::from(".");
        part.push(name);
        part.push(format!(".part-{}", std::process::id()));
        let part = target.with_file_name(part);
        File::create(&part).map_err(|error| OutputError::Io { path: path.to_owned(), error })?;
        Ok(Self { target, part: Some(part) })
    }

    /// Where to write until [`Self::finish`].
    pub fn path(&self) -> &Path {
        self.part.as_deref().unwrap_or(&self.target)
    }

    /// Puts the whole file in its place.
    ///
    /// # Errors
    /// The system's.
    pub fn finish(mut self) -> io::Result<()> {
        let Some(part) = &self.part else {
            return Ok(());
        };
        File::open(part)?.sync_all()?;
        if let Ok(of) = fs::metadata(&self.target) {
            fs::set_permissions(part, of.permissions())?;
        }
        fs::rename(part, &self.target)?;
        self.part = None;
        Ok(())
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            // What was not finished is of no use to anybody.
            let _ = fs::remove_file(part);
        }
    }
}

/// Writes a whole text.
///
/// # Errors
/// [`OutputError`].
pub fn write(path: &Path, text: impl AsRef<[u8]>, stores: &Stores) -> Result<(), OutputError> {
    let failed = |error| OutputError::Io { path: path.to_owned(), error };
    let output = Output::at(path, stores)?;
    fs::write(output.path(), text).map_err(failed)?;
    output.finish().map_err(failed)
}

/// Where a path leads when all links are followed, whether anything is there or not.
fn resolved(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS_MAX {
        let Ok(to) = fs::read_link(&path) else { break };
        path = path.parent().map(|folder| folder.join(&to)).unwrap_or(to);
    }
    let folder = match path.parent() {
        Some(folder) if folder.as_os_str().is_empty() => Path::new("."),
        Some(folder) => folder,
        None => return path,
    };
    match (fs::canonicalize(folder), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

fn is_same_file(a: &Path, b: &Path) -> bool {
    let id = |path: &Path| fs::metadata(path).map(|of| (of.dev(), of.ino())).ok();
    id(a).is_some_and(|a| Some(a) == id(b))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::symlink;

    use super::*;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("paperwire-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_file_takes_its_place_when_it_is_whole_and_a_part_never_does() {
        let folder = Folder::new("output");
        let (path, stores) = (folder.0.join("a.csv"), Stores::default());
        fs::write(&path, "old").unwrap();
        symlink("a.csv", folder.0.join("link")).unwrap();
        let begun = Output::at(&folder.0.join("link"), &stores).unwrap();
        File::create(begun.path()).unwrap().write_all(b"half").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        drop(begun);
        assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2, "no part stays");
        write(&folder.0.join("link"), "new", &stores).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"new");
        assert!(fs::symlink_metadata(folder.0.join("link")).unwrap().is_symlink());
        write(Path::new("/dev/null"), "new", &stores).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
        assert!(matches!(write(&folder.0, "x", &stores), Err(OutputError::Folder(_))));
    }

    #[test]
    fn no_output_takes_the_place_of_the_store_by_any_name() {
        let folder = Folder::new("output-store");
        let at = |name: &str| folder.0.join(name);
        fs::create_dir(at("data")).unwrap();
        fs::write(at("data/h.db"), "rows").unwrap();
        symlink(at("data"), at("folder")).unwrap();
        symlink("data/h.db", at("link.csv")).unwrap();
        symlink("link.csv", at("link2.csv")).unwrap();
        symlink("data/h.db-wal", at("wal.csv")).unwrap();
        fs::hard_link(at("data/h.db"), at("hard.csv")).unwrap();
        // The store itself may be named by a link; what belongs to it lies beside the file.
        for store in ["data/h.db", "link2.csv"] {
            let stores = Stores(vec![at(store)]);
            for name in [
                "data/h.db",
                "data/../data/h.db",
                "folder/h.db",
                "link.csv",
                "link2.csv",
                "hard.csv",
                "data/h.db-wal",
                "data/h.db-shm",
                "data/h.db-journal",
                "folder/h.db-shm",
                "wal.csv",
            ] {
                let refused = write(&at(name), "x", &stores);
                assert!(matches!(refused, Err(OutputError::Store(_))), "{store} {name}");
            }
            write(&at("data/h.db.csv"), "x", &stores).unwrap();
        }
        assert_eq!(fs::read(at("data/h.db")).unwrap(), b"rows");
    }
}
