//! What the tests share: temporary folders, made-up rows, and a PostgreSQL cluster of one's own.

mod cluster;

use std::path::{Path, PathBuf};

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

pub(crate) use cluster::{Cluster, Folder};

use crate::model::{Candle, MINUTE_NS, Print, SECOND_NS, Scale, Source};

impl Folder {
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

pub(crate) const SCALE: Scale = Scale { price: 1, qty: 8 };

pub(crate) const fn minute(minute: i64) -> ExchNs {
    ExchNs::new(minute * MINUTE_NS)
}

pub(crate) fn candle(at: i64, source: Source) -> Candle {
    let close = 1000 + at % 17;
    Candle {
        open_at: minute(at),
        open: Px::new(1000),
        high: Px::new(1020),
        low: Px::new(990),
        close: Px::new(close),
        volume: Qty::new(100 + at),
        vwap: Some(Px::new(1001)),
        trades: 3,
        source,
        flags: BarFlags::default(),
    }
}

pub(crate) fn print(second: i64, trade_id: i64) -> Print {
    Print {
        at: ExchNs::new(second * SECOND_NS + 123_456_000),
        px: Px::new(1000 + trade_id % 7),
        qty: Qty::new(5),
        trade_id,
        taker: Some(OrderSide::Buy),
        is_market: Some(trade_id % 2 == 0),
        source: Source::Ws,
    }
}

pub(crate) const M1: Timeframe = Timeframe::M1;

/// The captured history beside the repository, if it is there; says loudly when it is not.
pub(crate) fn captured(name: &str) -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/kraken");
    let captures = std::env::var_os("PAPERWIRE_CAPTURES").map(PathBuf::from);
    let root = captures.and_then(|dir| dir.parent().map(Path::to_owned)).unwrap_or(root);
    let path = root.join("history").join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there; set PAPERWIRE_CAPTURES", path.display());
    None
}

fn create_database(admin: &str, name: &str) {
    let mut client = postgres::Client::connect(admin, postgres::NoTls).unwrap();
    client.batch_execute(&format!("DROP DATABASE IF EXISTS {name}")).unwrap();
    client.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
}

/// A server with TimescaleDB: the one that `PAPERWIRE_TIMESCALE_URL` names (databases `paperwire_test_*` are
/// made on it), or one of one's own where the extension is installed.
#[derive(Debug)]
pub(crate) enum Timescale {
    Own(Cluster),
    Given(String),
}

impl Timescale {
    /// `None`, loudly, where there is none.
    pub(crate) fn start(name: &str) -> Option<Self> {
        if let Ok(url) = std::env::var("PAPERWIRE_TIMESCALE_URL") {
            return Some(Self::Given(url));
        }
        let is_there = cluster::server_programs().is_some_and(|bin| {
            bin.parent().is_some_and(|root| root.join("lib/timescaledb.so").exists())
        });
        if !is_there {
            eprintln!("SKIPPED: TimescaleDB is not installed; set PAPERWIRE_TIMESCALE_URL");
            return None;
        }
        Cluster::start_with(name, "timescaledb").map(Self::Own)
    }

    /// A new, empty database.
    pub(crate) fn database(&self, name: &str) -> String {
        match self {
            Self::Own(cluster) => cluster.database(name),
            Self::Given(url) => {
                let name = format!("paperwire_test_{name}");
                create_database(url, &name);
                let end = url.rfind('/').expect("an address of a database has a slash");
                format!("{}/{name}", &url[..end])
            }
        }
    }
}
