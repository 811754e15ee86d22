//! Saves what can be read of a damaged SQLite store, and writes what a run could not.
//!
//! The damaged file is never written to: its rows go into a new one, which takes its place; it stays beside it under
//! another name. Nobody else may use the store meanwhile.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, OpenFlags, params_from_iter};

use crate::sqlite::SqliteStore;
use crate::store::{Store, StoreError};

/// A table, its columns and those of them that order it.
struct Table {
    name: &'static str,
    columns: &'static [&'static str],
    key: usize,
}

const fn table(name: &'static str, key: usize, columns: &'static [&'static str]) -> Table {
    Table { name, columns, key }
}

/// What is saved, in this order: rows of symbols that were lost mean nothing.
const TABLES: [Table; 8] = [
    table("instruments", 1, &["id", "name", "price_scale", "qty_scale"]),
    table(
        "fills",
        3,
        &[
            "session", "strategy", "fill_id", "symbol", "at", "side", "price", "qty", "value",
            "fee", "realized",
        ],
    ),
    table(
        "equity",
        3,
        &["session", "strategy", "at", "equity", "cash", "realized", "unrealized", "fees"],
    ),
    table(
        "latency",
        4,
        &[
            "session", "stage", "strategy", "at", "count", "p50_ns", "p90_ns", "p99_ns", "p999_ns",
            "max_ns",
        ],
    ),
    table("gaps", 3, &["symbol_id", "from_at", "to_at", "reason", "state", "attempts", "error"]),
    table("checkpoints", 1, &["key", "value"]),
    table(
        "candles",
        3,
        &[
            "symbol_id",
            "minutes",
            "open_at",
            "open",
            "high",
            "low",
            "close",
            "volume",
            "vwap",
            "trades",
            "quality",
            "revision",
        ],
    ),
    table(
        "trades",
        3,
        &["symbol_id", "at", "trade_id", "price", "qty", "side", "is_market", "source"],
    ),
];

/// What became of one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Saved {
    /// Its name.
    pub table: &'static str,
    /// Rows that were read.
    pub rows: u64,
    /// False when a part of it could not be read.
    pub is_whole: bool,
}

/// What became of a damaged store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Where the damaged file is now.
    pub kept: PathBuf,
    /// Table by table.
    pub saved: Vec<Saved>,
}

/// Repairs the store at `path`; `None` when nothing is wrong with it. `now_s` names the file that is kept.
///
/// # Errors
/// [`StoreError`]; then the file is where it was.
pub fn sqlite(path: &Path, now_s: i64) -> Result<Option<Repaired>, StoreError> {
    if !path.exists() || is_sound(path) {
        return Ok(None);
    }
    let place = path.display().to_string();
    let away =
        |error: std::io::Error| StoreError::Away { place: place.clone(), why: error.to_string() };
    let fresh = beside(path, ".repaired");
    remove(&fresh).map_err(away)?;
    let saved = {
        SqliteStore::open(&fresh)?.migrate()?;
        let to = Connection::open(&fresh).map_err(|error| unusable(&fresh, &error))?;
        let from = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).ok();
        let saved = save(from.as_ref(), &to).map_err(|error| unusable(&fresh, &error))?;
        // What is still in the log of the new file goes into the file itself, which is moved.
        to.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE;")
            .map_err(|error| unusable(&fresh, &error))?;
        saved
    };
    let kept = beside(path, &format!(".damaged-{now_s}"));
    for end in ["", "-wal", "-shm"] {
        let (from, to) = (beside(path, end), beside(&kept, end));
        match std::fs::rename(&from, &to) {
            Err(error) if end.is_empty() || error.kind() != std::io::ErrorKind::NotFound => {
                return Err(away(error));
            }
            _ => {}
        }
    }
    std::fs::rename(&fresh, path).map_err(away)?;
    Ok(Some(Repaired { kept, saved }))
}

fn unusable(path: &Path, error: &rusqlite::Error) -> StoreError {
    StoreError::Unusable { place: path.display().to_string(), why: error.to_string() }
}

fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name: OsString = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

fn remove(path: &Path) -> std::io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        match std::fs::remove_file(beside(path, end)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Whether SQLite finds nothing wrong with any page of the file.
fn is_sound(path: &Path) -> bool {
    let checked =
        Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).and_then(|of| {
            of.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0))
        });
    checked.is_ok_and(|answer| answer == "ok")
}

fn save(from: Option<&Connection>, to: &Connection) -> rusqlite::Result<Vec<Saved>> {
    to.execute_batch("PRAGMA foreign_keys = OFF; BEGIN")?;
    let mut all = Vec::new();
    for of in &TABLES {
        let mut saved = Saved { table: of.name, rows: 0, is_whole: false };
        if let Some(from) = from {
            // Up to the damage from both ends.
            saved.is_whole = copy(from, to, of, "", &mut saved.rows)?;
            if !saved.is_whole {
                copy(from, to, of, " DESC", &mut saved.rows)?;
            }
        }
        all.push(saved);
    }
    for table in ["candles", "trades", "gaps"] {
        to.execute(
            &format!("DELETE FROM {table} WHERE symbol_id NOT IN (SELECT id FROM instruments)"),
            [],
        )?;
    }
    to.execute_batch("COMMIT")?;
    for saved in &mut all {
        let sql = format!("SELECT count(*) FROM {}", saved.table);
        saved.rows = to.query_row(&sql, [], |row| row.get::<_, i64>(0))?.unsigned_abs();
    }
    Ok(all)
}

/// Copies rows in the order of the key until the end or the damage; whether that was the end.
fn copy(
    from: &Connection,
    to: &Connection,
    of: &Table,
    direction: &str,
    rows: &mut u64,
) -> rusqlite::Result<bool> {
    let columns = of.columns.join(", ");
    let order: Vec<String> =
        of.columns[..of.key].iter().map(|column| format!("{column}{direction}")).collect();
    let sql = format!("SELECT {columns} FROM {} ORDER BY {}", of.name, order.join(", "));
    let marks = vec!["?"; of.columns.len()].join(", ");
    // A value that is none of its column's is left out with its row.
    let insert = format!("INSERT OR IGNORE INTO {} ({columns}) VALUES ({marks})", of.name);
    let mut insert = to.prepare(&insert)?;
    let Ok(mut select) = from.prepare(&sql) else {
        return Ok(false);
    };
    let Ok(mut found) = select.query([]) else {
        return Ok(false);
    };
    loop {
        let row = match found.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(true),
            Err(_) => return Ok(false),
        };
        let values = (0..of.columns.len()).map(|at| row.get::<_, Value>(at));
        let Ok(values) = values.collect::<rusqlite::Result<Vec<_>>>() else {
            continue;
        };
        *rows += u64::try_from(insert.execute(params_from_iter(values))?).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::*;
    use crate::model::{Batch, Source, SymbolRows};
    use crate::store::{Address, Retention};
    use crate::testing::{Folder, M1, SCALE, candle, print};

    fn filled(path: &Path) {
        let mut store = Address::Sqlite(path.to_owned()).open(Retention::KEEP).unwrap();
        let candles = (0..20_000).map(|at| candle(at, Source::Csv)).collect();
        let prints = (0..2_000).map(|at| print(at, at)).collect();
        let rows = SymbolRows { candles, prints, ..SymbolRows::new("BTC/USD", SCALE) };
        store.commit(&Batch { symbols: vec![rows], ..Batch::default() }).unwrap();
    }

    fn bars(path: &Path) -> u64 {
        let mut store = Address::Sqlite(path.to_owned()).open(Retention::KEEP).unwrap();
        store.extent("BTC/USD", M1).unwrap().map_or(0, |of| of.rows)
    }

    #[test]
    fn a_sound_store_is_left_alone_and_a_damaged_one_is_named_and_saved() {
        let folder = Folder::new("repair");
        let path = folder.file("h.db");
        filled(&path);
        assert_eq!(sqlite(&path, 7).unwrap(), None);
        assert_eq!(sqlite(&folder.file("none.db"), 7).unwrap(), None);
        // A page in the middle is overwritten.
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        let middle = file.metadata().unwrap().len() / 2 / 8192 * 8192;
        file.write_all_at(&[0xa5; 8192], middle).unwrap();
        let mut store = Address::Sqlite(path.clone()).open(Retention::KEEP).unwrap();
        let read = store.extent("BTC/USD", M1).and_then(|_| store.extent_of_prints("BTC/USD"));
        assert!(matches!(read, Err(StoreError::Damaged { .. })), "{read:?}");
        assert!(read.unwrap_err().to_string().contains("history repair"));
        drop(store);
        let repaired = sqlite(&path, 7).unwrap().unwrap();
        assert!(repaired.kept.ends_with("h.db.damaged-7") && repaired.kept.exists());
        assert!(repaired.saved.iter().any(|of| !of.is_whole));
        let left = bars(&path);
        assert!((15_000..20_000).contains(&left), "{left} bars of 20000");
        assert_eq!(sqlite(&path, 8).unwrap(), None);
    }

    #[test]
    fn a_file_that_is_no_database_is_kept_and_a_new_one_begun() {
        let folder = Folder::new("repair-none");
        let path = folder.file("h.db");
        std::fs::write(&path, vec![b'x'; 20_000]).unwrap();
        let opened = Address::Sqlite(path.clone()).open(Retention::KEEP);
        assert!(matches!(opened, Err(StoreError::Damaged { .. })), "{opened:?}");
        let repaired = sqlite(&path, 9).unwrap().unwrap();
        assert!(repaired.saved.iter().all(|of| of.rows == 0 && !of.is_whole));
        assert_eq!(std::fs::metadata(repaired.kept).unwrap().len(), 20_000);
        let mut store = Address::Sqlite(path).open(Retention::KEEP).unwrap();
        assert!(store.symbols().unwrap().is_empty());
    }
}
