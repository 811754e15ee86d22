//! Writes what a run could not: rows that the store refused then, and what is left in the spill.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use super::commit::REJECTED;
use crate::model::Batch;
use crate::spill::Spill;
use crate::store::{Store, StoreError};

/// What became of the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Rows that were taken; those that were there already count, too.
    pub rows: u64,
    /// Lines that are still refused, each with its reason; they stay where they are.
    pub refused: Vec<String>,
}

/// Why it ended early; what was not written is where it was.
#[derive(Debug, thiserror::Error)]
pub enum RecoverError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The spill's folder.
    #[error("{0}; what waits in the spill is untouched")]
    Io(#[from] io::Error),
}

/// Writes what waits in the folder of a spill into a store.
///
/// # Errors
/// [`RecoverError`].
pub fn recover(folder: &Path, store: &mut dyn Store) -> Result<Recovered, RecoverError> {
    let mut done = Recovered::default();
    if !folder.exists() {
        return Ok(done);
    }
    set_aside(&folder.join(REJECTED), store, &mut done)?;
    let mut spill = Spill::open(folder)?;
    while let Some(record) = spill.first()? {
        if let Err(why) = written(&record, store, &mut done)? {
            let mut file =
                fs::OpenOptions::new().create(true).append(true).open(folder.join(REJECTED))?;
            file.write_all(&[&record[..], b"\n"].concat())?;
            done.refused.push(why);
        }
        spill.taken()?;
    }
    Ok(done)
}

/// The lines that were refused; those that still are stay.
fn set_aside(path: &Path, store: &mut dyn Store, done: &mut Recovered) -> Result<(), RecoverError> {
    // Under a name of our own: a run that goes on sets further rows aside in a new file meanwhile.
    let mut own = path.as_os_str().to_owned();
    own.push(format!(".{}", std::process::id()));
    let own = Path::new(&own);
    match fs::rename(path, own) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed?,
    }
    let sorted = sort_out(own, store, done);
    let left = match &sorted {
        Ok(left) => left.clone(),
        // Nothing is known of those that follow: all stay, and rows are stored once.
        Err(_) => fs::read(own)?,
    };
    if !left.is_empty() {
        fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(&left)?;
    }
    fs::remove_file(own)?;
    sorted.map(|_| ())
}

/// Writes each line into the store; returns those that are refused again.
fn sort_out(
    path: &Path,
    store: &mut dyn Store,
    done: &mut Recovered,
) -> Result<Vec<u8>, RecoverError> {
    let file = fs::File::open(path)?;
    let mut left = Vec::new();
    for line in BufReader::new(file).split(b'\n') {
        let line = line?;
        if line.is_empty() {
            continue;
        }
        if let Err(why) = written(&line, store, done)? {
            done.refused.push(why);
            left.extend_from_slice(&line);
            left.push(b'\n');
        }
    }
    Ok(left)
}

/// Commits one record; the inner error is why it never will be.
fn written(
    record: &[u8],
    store: &mut dyn Store,
    done: &mut Recovered,
) -> Result<Result<(), String>, StoreError> {
    let batch: Batch = match serde_json::from_slice(record) {
        Ok(batch) => batch,
        Err(error) => return Ok(Err(error.to_string())),
    };
    match store.commit(&batch) {
        Ok(_) => {
            done.rows += u64::try_from(batch.rows()).unwrap_or(0);
            Ok(Ok(()))
        }
        Err(error) if error.is_of_rows() => Ok(Err(error.to_string())),
        Err(error) => Err(error),
    }
}
