//! The store on a PostgreSQL server, with TimescaleDB's tables where the server has the extension.
//!
//! One connection, opened again when it was lost, and a second one while a long range is read. Times travel as
//! microseconds and bulk as binary COPY.

mod copy;
mod read;
mod timescale;
mod write;

use std::time::Duration;

use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;
use postgres::error::SqlState;
use postgres::{Client, Config, NoTls};

use crate::model::{Batch, Candle, Extent, FillRow, Gap, Listed, Print, Scale, Span, Written};
use crate::schema;
use crate::store::{Each, Order, Retention, Store, StoreError, Totals, masked};
use crate::turns::{self, Reader};

const CONNECT_WAIT: Duration = Duration::from_secs(5);
/// A server that acknowledges nothing for so long is gone.
const SILENCE_MAX: Duration = Duration::from_secs(10);
/// One process at a time applies migrations; the number is this program's.
const MIGRATION_LOCK: i64 = 0x7061_7065_7277;

/// A server, connected or to be connected.
pub struct PostgresStore {
    config: Config,
    place: String,
    client: Option<Client>,
    retention: Retention,
    /// Version of TimescaleDB, or why there is none.
    timescale: Result<String, String>,
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore").field("place", &self.place).finish_non_exhaustive()
    }
}

/// What the server or the network said, sorted by what helps.
fn failed(place: &str, error: &postgres::Error) -> StoreError {
    let place = place.to_owned();
    let Some(of_server) = error.as_db_error() else {
        return StoreError::Away { place, why: full_text(error) };
    };
    let why = format!("{} ({})", of_server.message(), of_server.code().code());
    // Connection lost, resources short, shutting down or starting, lost a race for a lock.
    let is_away = ["08", "53", "57", "40", "58"]
        .iter()
        .any(|class| of_server.code().code().starts_with(class))
        || *of_server.code() == SqlState::LOCK_NOT_AVAILABLE;
    // A value or a constraint is the rows' own; a missing table or permission is not.
    let is_of_rows = ["22", "23"].iter().any(|class| of_server.code().code().starts_with(class));
    if is_away {
        StoreError::Away { place, why }
    } else if of_server.code().code().starts_with("XX") {
        StoreError::Damaged { place, why }
    } else if is_of_rows {
        StoreError::Refused { place, why }
    } else {
        StoreError::Unusable { place, why }
    }
}

fn full_text(error: &postgres::Error) -> String {
    let source = std::error::Error::source(error).map(|source| format!(": {source}"));
    format!("{error}{}", source.unwrap_or_default())
}

impl PostgresStore {
    /// Connects.
    ///
    /// # Errors
    /// [`StoreError::Address`] or [`StoreError::Away`].
    pub fn open(url: &str, retention: Retention) -> Result<Self, StoreError> {
        let mut config: Config = url.parse().map_err(|_| StoreError::Address(masked(url)))?;
        config.connect_timeout(CONNECT_WAIT).tcp_user_timeout(SILENCE_MAX);
        config.application_name("paperwire");
        if config.get_password().is_none()
            && let Ok(password) = std::env::var("PGPASSWORD")
        {
            config.password(password);
        }
        let place = masked(url);
        let timescale = Err("not asked yet".to_owned());
        let mut store = Self { config, place, client: None, retention, timescale };
        store.client()?;
        Ok(store)
    }

    fn client(&mut self) -> Result<&mut Client, StoreError> {
        if self.client.as_ref().is_none_or(Client::is_closed) {
            let connected = self.config.connect(NoTls);
            self.client = Some(connected.map_err(|error| failed(&self.place, &error))?);
        }
        Ok(self.client.as_mut().expect("it was just connected"))
    }

    /// Does something with the connection.
    fn with<T>(
        &mut self,
        work: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, StoreError> {
        let place = self.place.clone();
        work(self.client()?).map_err(|error| failed(&place, &error))
    }

    fn listed(&mut self, symbol: &str) -> Result<(i32, Scale), StoreError> {
        let found = self.with(|client| write::find(client, symbol))?;
        found.ok_or_else(|| StoreError::Unknown(symbol.to_owned()))
    }

    fn apply_all(&mut self) -> Result<Vec<String>, StoreError> {
        let (place, retention) = (self.place.clone(), self.retention);
        let client = self.client()?;
        let done = |error: postgres::Error| failed(&place, &error);
        let create = "CREATE TABLE IF NOT EXISTS schema_migrations (
                set_name text NOT NULL, number bigint NOT NULL, name text NOT NULL,
                applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (set_name, number))";
        client.batch_execute(create).map_err(done)?;
        let newest = |client: &mut Client, set: &str| {
            let sql = "SELECT coalesce(max(number), 0) FROM schema_migrations WHERE set_name = $1";
            client.query_one(sql, &[&set]).map(|row| row.get::<_, i64>(0))
        };
        let found = newest(client, "postgres").map_err(done)?;
        let known = schema::newest(schema::POSTGRES);
        if found > known {
            return Err(StoreError::Newer { place, found, known });
        }
        let mut applied = Vec::new();
        let note = "INSERT INTO schema_migrations (set_name, number, name) VALUES ($1, $2, $3)";
        for migration in schema::POSTGRES.iter().filter(|of| of.number > found) {
            let mut tx = client.transaction().map_err(done)?;
            tx.batch_execute(migration.sql).map_err(done)?;
            tx.execute(note, &[&"postgres", &migration.number, &migration.name]).map_err(done)?;
            tx.commit().map_err(done)?;
            applied.push(migration.name.to_owned());
        }
        let timescale = timescale::version(client).map_err(done)?;
        if timescale.is_ok() {
            let found = newest(client, "timescale").map_err(done)?;
            for migration in schema::TIMESCALE.iter().filter(|of| of.number > found) {
                for statement in timescale::statements(migration.sql) {
                    client.batch_execute(statement).map_err(done)?;
                }
                let key: [&(dyn postgres::types::ToSql + Sync); 3] =
                    [&"timescale", &migration.number, &migration.name];
                client.execute(note, &key).map_err(done)?;
                applied.push(format!("timescale {}", migration.name));
            }
            applied.extend(timescale::policies(client, retention).map_err(done)?);
        }
        self.timescale = timescale;
        Ok(applied)
    }
}

impl Store for PostgresStore {
    fn place(&self) -> &str {
        &self.place
    }

    fn lacks(&self) -> Vec<String> {
        match &self.timescale {
            Ok(_) => Vec::new(),
            Err(why) => vec![format!(
                "TimescaleDB ({why}): nothing is compressed, rolled up or forgotten by the database; \
                 all queries work, longer bars are made of minutes on reading"
            )],
        }
    }

    fn migrate(&mut self) -> Result<Vec<String>, StoreError> {
        self.with(|client| client.execute("SELECT pg_advisory_lock($1)", &[&MIGRATION_LOCK]))?;
        let applied = self.apply_all();
        // Without a connection there is no lock either.
        let _ =
            self.with(|client| client.execute("SELECT pg_advisory_unlock($1)", &[&MIGRATION_LOCK]));
        applied
    }

    fn commit(&mut self, batch: &Batch) -> Result<Written, StoreError> {
        let (place, has_timescale) = (self.place.clone(), self.timescale.is_ok());
        let client = self.client()?;
        let done = |error: postgres::Error| failed(&place, &error);
        let mut tx = client.transaction().map_err(done)?;
        let written = write::batch(&mut tx, &place, batch, has_timescale)?;
        tx.commit().map_err(done)?;
        Ok(written)
    }

    fn symbols(&mut self) -> Result<Vec<Listed>, StoreError> {
        self.with(read::symbols)
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
            let stored = self.with(|client| read::stored(client, key, span))?;
            let pieces = turns::pieces(timeframe, stored, limit);
            // A server that has no connection left is read from by one.
            if !pieces.is_empty()
                && let Ok(mut second) = self.config.connect(NoTls)
            {
                let place = self.place.clone();
                let done = |error: postgres::Error| failed(&place, &error);
                let begun = read::one_view(self.client()?, &mut second);
                let [first, second] = begun.map_err(done)?;
                let first = &mut read::pieces(first, key).map_err(done)?;
                let second = &mut read::pieces(second, key).map_err(done)?;
                let first: Reader<'_> = &mut |piece| first(piece).map_err(done);
                let second: Reader<'_> = &mut |piece| second(piece).map_err(done);
                return turns::read(&pieces, [first, second], limit, each);
            }
        }
        self.with(|client| read::candles(client, key, span, order, limit, each))
    }

    fn rolled_up(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
        each: Each<'_, Candle>,
    ) -> Result<bool, StoreError> {
        if self.timescale.is_err() {
            return Ok(false);
        }
        let (id, _) = self.listed(symbol)?;
        self.with(|client| timescale::rolled_up(client, id, timeframe, span, each))?;
        Ok(true)
    }

    fn rolled_up_ends(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
    ) -> Result<Option<(ExchNs, ExchNs)>, StoreError> {
        if self.timescale.is_err() {
            return Ok(None);
        }
        let (id, _) = self.listed(symbol)?;
        self.with(|client| timescale::ends(client, id, timeframe))
    }

    fn prints(
        &mut self,
        symbol: &str,
        span: Span,
        limit: usize,
        each: Each<'_, Print>,
    ) -> Result<(), StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.with(|client| read::prints(client, id, span, limit, each))
    }

    fn extent(&mut self, symbol: &str, timeframe: Timeframe) -> Result<Option<Extent>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.with(|client| read::extent(client, id, timeframe))
    }

    fn extent_of_prints(&mut self, symbol: &str) -> Result<Option<Extent>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.with(|client| read::extent_of_prints(client, id))
    }

    fn holes(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        span: Span,
    ) -> Result<Vec<Span>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.with(|client| read::holes(client, id, timeframe, span))
    }

    fn gaps(&mut self, symbol: &str) -> Result<Vec<Gap>, StoreError> {
        let (id, _) = self.listed(symbol)?;
        self.with(|client| read::gaps(client, id, symbol))
    }

    fn checkpoint(&mut self, key: &str) -> Result<Option<String>, StoreError> {
        let sql = "SELECT value FROM checkpoints WHERE key = $1";
        let row = self.with(|client| client.query_opt(sql, &[&key]))?;
        Ok(row.map(|row| row.get(0)))
    }

    fn fills(&mut self, session: &str, each: Each<'_, FillRow>) -> Result<(), StoreError> {
        self.with(|client| read::fills(client, session, each))
    }

    fn totals(&mut self) -> Result<Totals, StoreError> {
        self.with(read::totals)
    }

    fn refresh(&mut self, span: Span) -> Result<(), StoreError> {
        if self.timescale.is_err() {
            return Ok(());
        }
        self.with(|client| timescale::refresh(client, span))
    }
}
