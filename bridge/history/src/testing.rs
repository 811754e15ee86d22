//! What the tests share: temporary folders, made-up rows, and a PostgreSQL cluster of one's own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use crate::model::{Candle, MINUTE_NS, Print, SECOND_NS, Scale, Source};

/// A folder that is gone with the value.
#[derive(Debug)]
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("paperwire-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
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

/// A PostgreSQL server of this test alone, in a temporary folder, on a port of its own.
#[derive(Debug)]
pub(crate) struct Cluster {
    folder: Folder,
    port: u16,
    bin: PathBuf,
    preload: &'static str,
}

/// Where Debian and others put the server's programs.
fn server_programs() -> Option<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path().join("bin"))
        .filter(|bin| bin.join("initdb").exists())
        .collect();
    found.sort();
    found.pop()
}

impl Cluster {
    /// Starts one; `None`, loudly, where there is no PostgreSQL.
    pub(crate) fn start(name: &str) -> Option<Self> {
        Self::start_with(name, "")
    }

    fn start_with(name: &str, preload: &'static str) -> Option<Self> {
        let Some(bin) = server_programs() else {
            eprintln!("SKIPPED: no PostgreSQL server; install the package postgresql");
            return None;
        };
        let folder = Folder::new(name);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let cluster = Self { folder, port, bin, preload };
        if cluster.is_root() {
            assert!(shell(&["chown", "postgres", cluster.folder.0.to_str().unwrap()]));
        }
        let data = cluster.data();
        let auth = ["-A", "trust", "-U", "paperwire", "-N", "-E", "UTF8", "--locale=C"];
        let mut args = vec!["-D", data.as_str()];
        args.extend(auth);
        assert!(cluster.run("initdb", &args), "initdb");
        cluster.up();
        Some(cluster)
    }

    fn data(&self) -> String {
        self.folder.0.join("data").to_str().unwrap().to_owned()
    }

    fn is_root(&self) -> bool {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
    }

    fn run(&self, program: &str, args: &[&str]) -> bool {
        let program = self.bin.join(program);
        let program = program.to_str().unwrap();
        let mut all = vec![];
        if self.is_root() {
            all.extend(["runuser", "-u", "postgres", "--"]);
        }
        all.push(program);
        all.extend(args);
        shell(&all)
    }

    /// Starts the server and waits until it answers.
    pub(crate) fn up(&self) {
        let folder = self.folder.0.to_str().unwrap();
        let options = format!(
            "-p {} -h 127.0.0.1 -k {folder} -c shared_preload_libraries='{}' -c fsync=off \
             -c timescaledb.telemetry_level=off -c max_wal_size=4GB",
            self.port, self.preload
        );
        let options = match self.preload {
            "" => options.replace(" -c timescaledb.telemetry_level=off", ""),
            _ => options,
        };
        let data = self.data();
        let log = format!("{folder}/log");
        let args = ["-D", data.as_str(), "-l", log.as_str(), "-w", "-o", options.as_str(), "start"];
        let is_up = self.run("pg_ctl", &args);
        assert!(is_up, "{}", std::fs::read_to_string(log).unwrap_or_default());
    }

    /// Kills the server as a crash would.
    pub(crate) fn kill(&self) {
        let data = self.data();
        assert!(self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]));
    }

    /// A new, empty database.
    pub(crate) fn database(&self, name: &str) -> String {
        let server = format!("postgres://paperwire@127.0.0.1:{}", self.port);
        create_database(&format!("{server}/postgres"), name);
        format!("{server}/{name}")
    }
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
        let is_there = server_programs().is_some_and(|bin| {
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

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        self.run("pg_ctl", &["-D", &data, "-m", "immediate", "-w", "stop"]);
    }
}

fn shell(args: &[&str]) -> bool {
    let mut command = Command::new(args[0]);
    command.args(&args[1..]).current_dir("/").stdin(Stdio::null());
    // A server inherits them and would hold a pipe of the test open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
