//! A PostgreSQL cluster of a test's own, in a folder of its own. The tests of the page use this file, too.

use std::path::PathBuf;
use std::process::{Command, Stdio};

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
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
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
pub(crate) fn server_programs() -> Option<PathBuf> {
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

    /// The same with a library that the server loads first.
    pub(crate) fn start_with(name: &str, preload: &'static str) -> Option<Self> {
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
        let port = self.port.to_string();
        let to = ["-h", "127.0.0.1", "-p", port.as_str(), "-U", "paperwire", name];
        assert!(self.run("createdb", &to), "createdb {name}");
        format!("postgres://paperwire@127.0.0.1:{port}/{name}")
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
