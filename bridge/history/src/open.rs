//! Opens the store that an address names.

use crate::postgres::PostgresStore;
use crate::sqlite::SqliteStore;
use crate::store::{Address, Retention, Store, StoreError};

impl Address {
    /// Opens it and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open(&self, retention: Retention) -> Result<Box<dyn Store>, StoreError> {
        let mut store = self.open_as_is(retention)?;
        store.migrate()?;
        Ok(store)
    }

    /// Opens it with its tables as they are; [`Store::migrate`] must follow.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn open_as_is(&self, retention: Retention) -> Result<Box<dyn Store>, StoreError> {
        Ok(match self {
            Self::Sqlite(path) => Box::new(SqliteStore::open(path)?),
            Self::Postgres(url) => Box::new(PostgresStore::open(url.reveal(), retention)?),
        })
    }
}
