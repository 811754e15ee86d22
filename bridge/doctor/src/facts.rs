//! What the checks need beyond files: answers to system calls, another program's output, and what the
//! configuration and the build say. Gathered once, so that the checks stay pure.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::net::UdpSocket;
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::descriptors::{Descriptors, raise_limit};
use paperwire_rt::host::{self, ClockSync};
use paperwire_rt::rx;

use super::cores::Cores;
use super::skew::{self, Skew};
use super::tree::Tree;
use super::{Demands, network};
use crate::probes::{self, ProbeTax};

/// Everything that is no file below the root.
#[derive(Clone, Debug)]
pub(super) struct Facts {
    pub(super) clock_sync: Result<ClockSync, String>,
    pub(super) skew: Result<Skew, String>,
    pub(super) receive_stamps: Result<(), String>,
    pub(super) busy_poll: Result<(), String>,
    /// What a run would ask for.
    pub(super) demands: Demands,
    /// Output of `ethtool -c`.
    pub(super) coalescing: Result<String, String>,
    /// Output of `ethtool -T`.
    pub(super) stamping: Result<String, String>,
    pub(super) disk: Disk,
    /// What the database answered; `None` where none is configured.
    pub(super) database: Option<Result<String, String>>,
    pub(super) build: Build,
    /// Descriptors as a run would have them.
    pub(super) descriptors: Result<Descriptors, String>,
    pub(super) probe_tax: Option<ProbeTax>,
    /// System management interrupts since boot, from the CPU's own counter.
    pub(super) smi_count: Result<u64, String>,
    pub(super) has_rtla: bool,
}

/// What a socket of ours is tried with when the configuration asks for nothing.
const BUSY_POLL: DurationNs = DurationNs::from_micros(50);

/// The disk that logs go to.
#[derive(Clone, Debug)]
pub(super) struct Disk {
    pub(super) folder: String,
    pub(super) symbols: u64,
    pub(super) free_bytes: Result<u64, String>,
    pub(super) sync_count: u32,
    /// The slowest write that was forced to the disk; `None` when none was tried.
    pub(super) sync_worst: Option<Result<DurationNs, String>>,
}

/// How this program was built.
#[derive(Clone, Debug)]
pub(super) struct Build {
    pub(super) opt_level: &'static str,
    pub(super) has_debug_assertions: bool,
    pub(super) cpu_level: &'static str,
    pub(super) commit: &'static str,
}

impl Facts {
    /// Everything that takes no more than some tens of milliseconds.
    pub(super) fn quick(tree: &Tree, demands: &Demands, cores: &Cores) -> Self {
        let interface = network::interface(tree).map_err(|unread| unread.to_string());
        let ethtool = |flag: &str| ethtool(flag, interface.as_deref().map_err(Clone::clone)?);
        let clock = HostClock::new();
        Self {
            clock_sync: host::clock_sync().map_err(|error| error.to_string()),
            skew: skew::measure(&cores.examined()),
            receive_stamps: on_socket(|socket| rx::enable_timestamps(socket.as_fd())),
            busy_poll: on_socket(|socket| {
                let asked = demands.busy_poll;
                let span = if asked > DurationNs::ZERO { asked } else { BUSY_POLL };
                host::busy_poll(socket.as_fd(), span)
            }),
            demands: demands.clone(),
            coalescing: ethtool("-c"),
            stamping: ethtool("-T"),
            disk: Disk::of(demands),
            database: None,
            build: Build::this(),
            descriptors: descriptors(),
            probe_tax: Some(probes::measure(&clock)),
            smi_count: smi_count(tree),
            has_rtla: is_installed("rtla"),
        }
    }

    /// The same and a few synced writes into the data folder.
    pub(super) fn all(tree: &Tree, demands: &Demands, cores: &Cores) -> Self {
        let mut facts = Self::quick(tree, demands, cores);
        facts.disk.try_writes(&HostClock::new());
        facts
    }
}

/// A run raises its limit as far as it may.
fn descriptors() -> Result<Descriptors, String> {
    raise_limit().map_err(|error| error.to_string())
}

fn on_socket(ask: impl FnOnce(&UdpSocket) -> std::io::Result<()>) -> Result<(), String> {
    UdpSocket::bind("127.0.0.1:0").and_then(|socket| ask(&socket)).map_err(|e| e.to_string())
}

fn ethtool(flag: &str, interface: &str) -> Result<String, String> {
    let output = Command::new("ethtool").args([flag, interface]).output();
    let output = output.map_err(|_| "ethtool is not installed".to_owned())?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(format!("ethtool {flag}: {}", said.lines().last().unwrap_or("no answer")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn is_installed(name: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(name).is_file())
}

/// Model-specific register 0x34 of Intel CPUs, `MSR_SMI_COUNT`.
fn smi_count(tree: &Tree) -> Result<u64, String> {
    let file = File::open(tree.path("/dev/cpu/0/msr"));
    let file = file.map_err(|_| "the SMI counter needs root and `modprobe msr`".to_owned())?;
    let mut count = [0; 8];
    file.read_exact_at(&mut count, 0x34).map_err(|_| "this CPU counts no SMIs".to_owned())?;
    Ok(u64::from_le_bytes(count))
}

impl Disk {
    fn of(demands: &Demands) -> Self {
        let is_there = !demands.logs_dir.is_empty() && Path::new(&demands.logs_dir).is_dir();
        // Before the first run the folder is missing; it will be made here.
        let folder = if is_there { demands.logs_dir.clone() } else { ".".to_owned() };
        let folder = std::fs::canonicalize(&folder)
            .map_or(folder, |path| path.to_string_lossy().into_owned());
        Self {
            free_bytes: host::free_bytes(Path::new(&folder)).map_err(|error| error.to_string()),
            symbols: u64::try_from(demands.symbols).unwrap_or(u64::MAX),
            folder,
            sync_count: 0,
            sync_worst: None,
        }
    }

    /// Writes a small file without a name again and again, each time down to the disk.
    fn try_writes(&mut self, clock: &HostClock) {
        const WRITES: u32 = 50;
        const TIME_MAX: DurationNs = DurationNs::from_millis(500);
        let path = Path::new(&self.folder).join(format!(".paperwire-{}", std::process::id()));
        let mut count = 0;
        let mut attempt = || -> std::io::Result<DurationNs> {
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            // Without its name it goes when it is closed, even if this process is killed.
            std::fs::remove_file(&path)?;
            let started = clock.now();
            let mut worst = DurationNs::ZERO;
            while count < WRITES && clock.now().since(started) < TIME_MAX {
                let from = clock.now();
                file.write_all(&[0; 4096])?;
                file.sync_data()?;
                worst = worst.max(clock.now().since(from));
                count += 1;
            }
            Ok(worst)
        };
        self.sync_worst = Some(attempt().map_err(|error| error.to_string()));
        self.sync_count = count;
    }
}

impl Build {
    fn this() -> Self {
        let cpu_level = match () {
            () if cfg!(target_feature = "avx512f") => "up to AVX-512",
            () if cfg!(target_feature = "avx2") => "up to AVX2",
            () => "the architecture's least",
        };
        Self {
            opt_level: env!("PAPERWIRE_OPT_LEVEL"),
            has_debug_assertions: cfg!(debug_assertions),
            cpu_level,
            commit: env!("PAPERWIRE_COMMIT"),
        }
    }
}

#[cfg(test)]
mod tests;
