//! The embedded store: one SQLite file in write-ahead mode, read while it is written.
//!
//! Rows lie in the order of (symbol, timeframe, time), so that a range is one sequential read.

mod gone;
mod read;
mod write;

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use paperwire_core::bar::Timeframe;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, TransactionBehavior, params};

use crate::model::{Batch, Candle, Extent, FillRow, Gap, Listed, Print, Scale, Span, Written};
use crate::schema;
use crate::store::{Each, Order, Store, StoreError, Totals};
use crate::turns::{self, Reader};

/// How long a call waits for another process that writes.
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// An open database file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    path: PathBuf,
    place: String,
    /// The file that was opened; `None` when the system could not tell.
    file: Option<gone::Identity>,
    /// What happened to it, until it was told.
    notice: Option<String>,
}

/// What the system or SQLite said, sorted by what helps.
fn failed(place: &str, error: &rusqlite::Error) -> StoreError {
    let (place, why) = (place.to_owned(), error.to_string());
    match error.sqlite_error_code() {
        Some(
            ErrorCode::DatabaseBusy
            | ErrorCode::DatabaseLocked
            | ErrorCode::DiskFull
            | ErrorCode::SystemIoFailure
            | ErrorCode::CannotOpen
            | ErrorCode::ReadOnly
            | ErrorCode::PermissionDenied
            | ErrorCode::OutOfMemory,
        ) => StoreError::Away { place, why },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged { place, why }
        }
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig) => {
            StoreError::Refused { place, why }
        }
        _ => StoreError::Unusable { place, why },
    }
}

impl SqliteStore {
    /// Opens the file, or creates it with its folder.
    ///
    /// # Errors
    /// [`StoreError::Away`] when that cannot be done.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let place = path.display().to_string();
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|error| StoreError::Away {
                place: place.clone(),
                why: error.to_string(),
            })?;
        }
        let opened = Connection::open(path).and_then(|connection| {
            connection.busy_timeout(BUSY_WAIT)?;
            // In write-ahead mode a commit that is not yet synced may vanish with the machine's power,
            // never with the process; the file stays whole in either case.
            connection.execute_batch(
                "PRAGMA page_size = 8192; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
                 PRAGMA cache_size = -65536; PRAGMA mmap_size = 1073741824;
                 PRAGMA journal_size_limit = 67108864; PRAGMA foreign_keys = ON;",
            )?;
            Ok(connection)
        });
        let connection = opened.map_err(|error| failed(&place, &error))?;
        connection.set_prepared_statement_cache_capacity(64);
        let file = gone::identity(path);
        Ok(Self { connection, path: path.to_owned(), place, file, notice: None })
    }

    fn done<T>(&self, result: rusqlite::Result<T>) -> Result<T, StoreError> {
        result.map_err(|error| failed(&self.place, &error))
    }

    /// Number and scale of a symbol.
    fn listed(&self, symbol: &str) -> Result<(i64, Scale), StoreError> {
        let found = self.done(write::find(&self.connection, symbol))?;
        found.ok_or_else(|| StoreError::Unknown(symbol.to_owned()))
    }

    /// Two connections that see the file as it is now; `None` where one does as well, or when the symbol's
    /// scale changes between the two.
    fn two_readers(
        &self,
        symbol: &str,
        pieces: &[Span],
    ) -> Result<Option<[Connection; 2]>, StoreError> {
        if pieces.is_empty() {
            return Ok(None);
        }
        let open = || {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(&self.path, flags)?;
            connection.busy_timeout(BUSY_WAIT)?;
            connection.execute_batch("PRAGMA mmap_size = 1073741824; BEGIN")?;
            let found = write::find(&connection, symbol)?;
            Ok((connection, found))
        };
        let ((first, before), (second, after)) = (self.done(open())?, self.done(open())?);
        Ok((before == after).then_some([first, second]))
    }

    fn applied(&self) -> rusqlite::Result<i64> {
        self.connection.execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                number INTEGER PRIMARY KEY, name TEXT NOT NULL,
                applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)",
        )?;
        let newest = "SELECT coalesce(max(number), 0) FROM schema_migrations";
        self.connection.query_row(newest, [], |row| row.get(0))
    }

    fn apply(&mut self, migration: &schema::Migration) -> rusqlite::Result<()> {
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Another process may have been faster.
        let known = "SELECT 1 FROM schema_migrations WHERE number = ?";
        let known = tx.query_row(known, [migration.number], |_| Ok(())).optional()?;
        if known.is_none() {
            tx.execute_batch(migration.sql)?;
            let note = "INSERT INTO schema_migrations (number, name) VALUES (?, ?)";
            tx.execute(note, params![migration.number, migration.name])?;
        }
        tx.commit()
    }
}

impl Store for SqliteStore {
    fn place(&self) -> &str {
        &self.place
    }

    fn lacks(&self) -> Vec<String> {
        Vec::new()
    }

    fn migrate(&mut self) -> Result<Vec<String>, StoreError> {
        let found = self.applied();
        let found = self.done(found)?;
        let known = schema::newest(schema::SQLITE);
        if found > known {
            return Err(StoreError::Newer { place: self.place.clone(), found, known });
        }
        let mut done = Vec::new();
        for migration in schema::SQLITE.iter().filter(|migration| migration.number > found) {
            let applied = self.apply(migration);
            self.done(applied)?;
            done.push(migration.name.to_owned());
        }
        Ok(done)
    }

    fn take_notice(&mut self) -> Option<String> {
        self.notice.take()
    }

    fn commit(&mut self, batch: &Batch) -> Result<Written, StoreError> {
        self.look()?;
        let place = self.place.clone();
        let tx = self.connection.transaction_with_behavior(TransactionBehavior::Immediate);
        let tx = tx.map_err(|error| failed(&place, &error))?;
        let written = write::batch(&tx, &place, batch)?;
        tx.commit().map_err(|error| failed(&place, &error))?;
        Ok(written)
    }

    fn symbols(&mut self) -> Result<Vec<Listed>, StoreError> {
        let result = read::symbols(&self.connection);
        self.done(result)
    }

    fn candles(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        order: Order,
        limit: usize,
        each: Each<'_, Candle>,
    ) -> Result<(), StoreError> {
        let (id, _) = self.listed(symbol)?;
        let key = (id, timeframe);
        if order == Order::Ascending && turns::is_long(timeframe, span, limit) {
            let stored = self.done(read::stored(&self.connection, key, span))?;
            let pieces = turns::pieces(timeframe, stored, limit);
            if let Some([first, second]) = self.two_readers(symbol, &pieces)? {
                let reader = |connection: Connection| {
                    let place = &self.place;
                    move |piece| {
                        let rows = read::piece(&connection, key, piece);
                        rows.map_err(|error| failed(place, &error))
                    }
                };
                let readers: [Reader<'_>; 2] = [&mut reader(first), &mut reader(second)];
                return turns::read(&pieces, readers, limit, each);
            }
        }
        self.done(read::candles(&self.connection, key, span, order, limit, each))
    }

    fn rolled_up(
        &mut self,
        _symbol: &str,
        _timeframe: Timeframe,
        _span: Span,
        _each: Each<'_, Candle>,
    ) -> Result<bool, StoreError> {
        Ok(false)
    }

    fn prints(
        &mut self,
        symbol: &str,
        span: Span,
        limit: usize,
        each: Each<'_, Print>,
    ) -> Result<(), StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.done(read::prints(&self.connection, id, span, limit, each))
    }

    fn extent(&mut self, symbol: &str, timeframe: Timeframe) -> Result<Option<Extent>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.done(read::extent(&self.connection, id, timeframe))
    }

    fn extent_of_prints(&mut self, symbol: &str) -> Result<Option<Extent>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.done(read::extent_of_prints(&self.connection, id))
    }

    fn holes(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
    ) -> Result<Vec<Span>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.done(read::holes(&self.connection, id, timeframe, span))
    }

    fn gaps(&mut self, symbol: &str) -> Result<Vec<Gap>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.done(read::gaps(&self.connection, id, symbol))
    }

    fn checkpoint(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM checkpoints WHERE key = ?";
        let value = self.connection.query_row(sql, [key], |row| row.get(0)).optional();
        self.done(value)
    }

    fn fills(&mut self, session: &str, each: Each<'_, FillRow>) -> Result<(), StoreError> {
        self.done(read::fills(&self.connection, session, each))
    }

    fn totals(&mut self) -> Result<Totals, StoreError> {
        self.done(read::totals(&self.connection))
    }
}

/// Passes rows on until someone has enough.
fn pass<T>(
    mut rows: rusqlite::Rows<'_>,
    make: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    each: Each<'_, T>,
) -> rusqlite::Result<()> {
    while let Some(row) = rows.next()? {
        if let ControlFlow::Break(()) = each(make(row)?) {
            break;
        }
    }
    Ok(())
}
