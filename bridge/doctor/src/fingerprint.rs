//! Which host it was, in a few words and a short hash: two runs with different ones are not comparable.
//! The host's name is kept as a hash only.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::cpu_list::CpuSet;
use super::isolation::isolated_cores;
use super::kernel::is_virtual;
use super::tree::Tree;

/// What makes one host behave unlike another. What could not be read is `unknown`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fingerprint {
    /// Short hash over everything below.
    pub hash: String,
    /// The CPU by its maker's name.
    pub cpu: String,
    /// Cores that are online.
    pub cores: usize,
    /// Release of the kernel.
    pub kernel: String,
    /// "yes", "no" or "unknown".
    pub is_virtual: &'static str,
    /// Frequency governor of the first core.
    pub governor: String,
    /// Isolated cores as a list.
    pub isolated: String,
    /// The kernel's clock source.
    pub clock_source: String,
    /// Memory in GiB, rounded: the kernel keeps a little more or less at each boot.
    pub memory_gib: u64,
    /// Short hash of the host's name.
    pub host: String,
}

const UNKNOWN: &str = "unknown";

impl Fingerprint {
    pub(super) fn of(tree: &Tree) -> Self {
        let read = |path: &str| tree.read(path).unwrap_or_else(|_| UNKNOWN.to_owned());
        let cpuinfo = tree.read("/proc/cpuinfo").unwrap_or_default();
        let cpu = cpuinfo.lines().find(|line| line.starts_with("model name"));
        let cpu =
            cpu.and_then(|line| line.split_once(':')).map_or(UNKNOWN, |(_, name)| name.trim());
        let online = tree.read("/sys/devices/system/cpu/online").ok();
        let online = online.and_then(|text| CpuSet::from_list(&text)).unwrap_or_default();
        let memory = tree.read("/proc/meminfo").unwrap_or_default();
        let memory = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let memory_kib: u64 = memory
            .and_then(|text| text.split_whitespace().next())
            .and_then(|number| number.parse().ok())
            .unwrap_or(0);
        let mut fingerprint = Self {
            hash: String::new(),
            cpu: cpu.to_owned(),
            cores: online.len(),
            kernel: read("/proc/sys/kernel/osrelease"),
            is_virtual: match is_virtual(tree) {
                Ok(true) => "yes",
                Ok(false) => "no",
                Err(_) => UNKNOWN,
            },
            governor: read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
            isolated: isolated_cores(tree).map_or_else(|_| UNKNOWN.to_owned(), |of| of.to_string()),
            clock_source: read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
            memory_gib: (memory_kib + (1 << 19)) >> 20,
            host: short_hash(&read("/proc/sys/kernel/hostname")),
        };
        fingerprint.hash = short_hash(&fingerprint.canonical());
        fingerprint
    }

    /// One line a field, in a fixed order: the hash must not follow a change of names.
    fn canonical(&self) -> String {
        [
            &self.cpu,
            &self.cores.to_string(),
            &self.kernel,
            self.is_virtual,
            &self.governor,
            &self.isolated,
            &self.clock_source,
            &self.memory_gib.to_string(),
            &self.host,
        ]
        .join("\n")
    }
}

/// The first 48 bits of SHA-256 in hexadecimal.
fn short_hash(text: &str) -> String {
    Sha256::digest(text).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}
