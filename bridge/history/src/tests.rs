//! What every store promises, checked on each of them by the same functions.

pub(crate) mod contract;
mod timescale;

use crate::sqlite::SqliteStore;
use crate::store::{Address, Retention, Store};
use crate::testing::{Cluster, Folder, Timescale};

/// A new, empty store for each promise.
fn keeps_its_promises(mut open: impl FnMut(&str) -> Box<dyn Store>) {
    for (name, promise) in contract::ALL {
        let mut store = open(name);
        promise(&mut *store);
    }
}

#[test]
fn sqlite_keeps_its_promises() {
    let folder = Folder::new("contract");
    keeps_its_promises(|name| {
        let address = Address::Sqlite(folder.file(&format!("{name}.db")));
        address.open(Retention::KEEP).unwrap()
    });
}

#[test]
fn migrating_again_does_nothing_and_a_newer_file_is_refused() {
    let folder = Folder::new("migrate");
    let path = folder.file("a.db");
    let mut store = SqliteStore::open(&path).unwrap();
    assert_eq!(store.migrate().unwrap(), ["0001_history"]);
    assert_eq!(store.migrate().unwrap(), [""; 0]);
    let connection = rusqlite::Connection::open(&path).unwrap();
    let sql = "INSERT INTO schema_migrations (number, name) VALUES (99, 'later')";
    connection.execute(sql, []).unwrap();
    assert!(store.migrate().unwrap_err().to_string().contains("migration 99"));
}

#[test]
fn postgres_keeps_its_promises() {
    let Some(cluster) = Cluster::start("pg-contract") else { return };
    keeps_its_promises(|name| {
        let address = Address::parse(&cluster.database(name)).unwrap();
        let mut store = address.open(Retention::KEEP).unwrap();
        assert!(store.lacks()[0].contains("TimescaleDB"), "{:?}", store.lacks());
        assert_eq!(store.migrate().unwrap(), [""; 0], "applied twice");
        store
    });
}

#[test]
fn timescale_keeps_its_promises() {
    let Some(cluster) = Timescale::start("ts-contract") else { return };
    keeps_its_promises(|name| {
        let address = Address::parse(&cluster.database(name)).unwrap();
        let mut store = address.open(Retention::KEEP).unwrap();
        assert_eq!(store.lacks(), [""; 0]);
        assert_eq!(store.migrate().unwrap(), [""; 0], "applied twice");
        store
    });
}
