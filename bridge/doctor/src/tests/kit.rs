//! Made-up hosts: a temporary folder of small files, facts, and what a noise test saw.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::DurationNs;
use paperwire_rt::descriptors::Descriptors;
use paperwire_rt::host::ClockSync;
use paperwire_rt::runner::{RunnerConfig, Wait};

use crate::cores::Cores;
use crate::facts::{Build, Disk, Facts};
use crate::interrupt_table::InterruptTable;
use crate::noise::CoreNoise;
use crate::probes::ProbeTax;
use crate::sample::Sample;
use crate::skew::Skew;
use crate::tree::Tree;
use crate::{Demands, Examination, Finding, Seen, conclude};

/// Removed with all its files in the end.
pub(super) struct Host {
    folder: PathBuf,
    pub(super) cores: Cores,
    pub(super) facts: Facts,
    pub(super) sample: Option<Sample>,
}

impl Host {
    /// A host without any file, with good facts and a silent noise test.
    pub(super) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "paperwire-doctor-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        );
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let sample = Sample {
            seconds: 10.0,
            interrupts: InterruptTable::parse(INTERRUPTS),
            steal: Ok((0, 4000)),
            noise: vec![noise(2, 9_000, 1_500), noise(3, 12_000, 1_400)],
        };
        Self { folder, cores: cores(), facts: facts(), sample: Some(sample) }
    }

    /// Writes a file of the host.
    pub(super) fn file(self, path: &str, text: &str) -> Self {
        let path = self.folder.join(path.trim_start_matches('/'));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    /// Takes a file or folder away.
    pub(super) fn without(self, path: &str) -> Self {
        let path = self.folder.join(path.trim_start_matches('/'));
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap();
        } else {
            std::fs::remove_file(path).unwrap();
        }
        self
    }

    pub(super) fn examine(&self) -> Examination {
        let tree = Tree::at(&self.folder);
        conclude(&Seen {
            tree: &tree,
            cores: &self.cores,
            facts: &self.facts,
            sample: self.sample.as_ref(),
        })
    }

    pub(super) fn finding(&self, number: u8) -> Finding {
        self.examine().findings.swap_remove(usize::from(number) - 1)
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        // Left behind, it lies in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

pub(super) fn noise(core: usize, max_ns: u64, p999_ns: u64) -> CoreNoise {
    CoreNoise {
        core,
        is_pinned: true,
        readings: 600_000_000,
        threshold_ns: 120,
        gaps: 900,
        lost_ns: 500_000,
        p50_ns: 400,
        p99_ns: 1_000,
        p999_ns,
        max_ns,
        max_at_s: 4.2,
        usage: Some(ThreadUsage::default()),
    }
}

/// Feed on 2, engine on 3, two cores for the rest.
pub(super) fn cores() -> Cores {
    Cores { feed: Some(2), engine: Some(3), wait: "spin", usable: (0..4).collect() }
}

/// What the default configuration asks for.
pub(super) fn demands() -> Demands {
    Demands {
        threads: [RunnerConfig { core: None, wait: Wait::Park }; 2],
        busy_poll: DurationNs::ZERO,
        lock_memory: false,
        logs_dir: String::new(),
        symbols: 3,
        strategies: 10,
        page_connections_max: 576,
        public_addresses: Vec::new(),
        secret_keys: Vec::new(),
    }
}

pub(super) fn facts() -> Facts {
    let sync = ClockSync {
        is_synced: true,
        error_max: DurationNs::from_millis(3),
        error_estimate: DurationNs::from_micros(90),
    };
    Facts {
        clock_sync: Ok(sync),
        skew: Ok(Skew { at_least: DurationNs::ZERO, at_most: DurationNs::new(40) }),
        receive_stamps: Ok(()),
        busy_poll: Ok(()),
        demands: demands(),
        coalescing: Ok("Adaptive RX: off  TX: n/a\nrx-usecs:\t0\n".to_owned()),
        stamping: Ok("Capabilities:\n\thardware-receive\n".to_owned()),
        disk: Disk {
            folder: "/var/log/paperwire".to_owned(),
            symbols: 3,
            free_bytes: Ok(90_000_000_000),
            sync_count: 50,
            sync_worst: Some(Ok(DurationNs::from_micros(800))),
        },
        database: None,
        build: Build {
            opt_level: "3",
            has_debug_assertions: false,
            cpu_level: "up to AVX2",
            commit: "0123456789ab",
        },
        descriptors: Ok(Descriptors { limit: 1024, limit_max: 1024, open: 20 }),
        probe_tax: Some(ProbeTax {
            clock_read_ns: 12.0,
            record_ns: 5.0,
            ring_hop_ns: 7.0,
            guard_ns: 1.0,
            event_ns: 264.0,
        }),
        smi_count: Ok(0),
        has_rtla: true,
    }
}

const INTERRUPTS: &str = "      CPU0 CPU1 CPU2 CPU3
  30:   900  800    0    0  PCI-MSI  eth0-rx-0
 LOC:  5000 5000    9   10  Local timer interrupts
";

/// A thread of another process that was last on this core.
pub(super) fn stat(name: &str, state: char, core: usize, policy: u32) -> String {
    format!("50 ({name}) {state} 1 50 50 0 -1 4194304 {}{core} 0 {policy} 0 0", "0 ".repeat(29))
}

/// A bare-metal host with everything of docs/tuning.md done.
pub(super) fn tuned() -> Host {
    let mut host = Host::new();
    for (path, text) in TUNED {
        host = host.file(path, text);
    }
    for core in [2, 3] {
        let cpu = |file: &str| format!("/sys/devices/system/cpu/cpu{core}/{file}");
        for (file, text) in [
            ("topology/thread_siblings_list", format!("{core}")),
            ("cache/index3/shared_cpu_list", "0-3".to_owned()),
            ("cpufreq/scaling_governor", "performance".to_owned()),
            ("cpufreq/energy_performance_preference", "performance".to_owned()),
            ("cpufreq/scaling_min_freq", "3600000".to_owned()),
            ("cpufreq/scaling_max_freq", "3600000".to_owned()),
            ("thermal_throttle/core_throttle_count", "0".to_owned()),
            ("cpuidle/state0/name", "POLL".to_owned()),
            ("cpuidle/state0/latency", "0".to_owned()),
            ("cpuidle/state0/disable", "0".to_owned()),
            ("cpuidle/state2/name", "C6".to_owned()),
            ("cpuidle/state2/latency", "133".to_owned()),
            ("cpuidle/state2/disable", "1".to_owned()),
        ] {
            host = host.file(&cpu(file), &text);
        }
    }
    host.file("/proc/50/task/50/stat", &stat("sshd", 'S', 0, 0))
        .file("/proc/self/stat", &stat("paperwire", 'R', 1, 0))
}

const TUNED: [(&str, &str); 45] = [
    ("/proc/cmdline", "quiet isolcpus=managed_irq,domain,2-3 nohz_full=2-3 rcu_nocbs=2-3"),
    ("/sys/devices/system/cpu/isolated", "2-3\n"),
    ("/sys/devices/system/cpu/nohz_full", "2-3\n"),
    ("/sys/devices/system/cpu/online", "0-3\n"),
    ("/sys/devices/virtual/workqueue/cpumask", "3\n"),
    ("/proc/self/cgroup", "0::/paperwire.slice/paperwire.service\n"),
    ("/sys/fs/cgroup/paperwire.slice/paperwire.service/cpu.max", "max 100000\n"),
    ("/sys/fs/cgroup/paperwire.slice/memory.high", "max\n"),
    (
        "/proc/self/status",
        "Name:\tpaperwire\nVmLck:\t 0 kB\nCapEff:\t0000000000000000\nCpus_allowed_list:\t0-3\n",
    ),
    (
        "/proc/self/limits",
        "Limit  Soft  Hard\nMax locked memory  unlimited  unlimited  bytes\nMax realtime priority  0  0\n",
    ),
    (
        "/proc/net/snmp",
        "Tcp: OutSegs RetransSegs
Tcp: 1000 3
",
    ),
    (
        "/proc/interrupts",
        "      CPU0 CPU1 CPU2 CPU3\n  30:   900  800    0    0  PCI-MSI  eth0-rx-0\n LOC:  5000 5000    9   10  Local timer interrupts\n",
    ),
    ("/proc/irq/30/effective_affinity_list", "0\n"),
    ("/proc/50/comm", "sshd\n"),
    ("/proc/11/comm", "rcuop/2\n"),
    ("/proc/11/status", "Name:\trcuop/2\nCpus_allowed_list:\t0-1\n"),
    ("/proc/net/route", "Iface Destination Gateway\neth0 000200C0 0\neth0 00000000 010200C0\n"),
    ("/sys/class/net/eth0/device/numa_node", "0\n"),
    ("/sys/devices/system/node/node0/cpulist", "0-3\n"),
    ("/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
    (
        "/proc/cpuinfo",
        "processor : 0\nmodel name : Some CPU 9\nflags : fpu rdtscp constant_tsc nonstop_tsc\n",
    ),
    ("/proc/sys/kernel/sched_rt_runtime_us", "950000\n"),
    ("/proc/sys/kernel/sched_rt_period_us", "1000000\n"),
    ("/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"),
    ("/sys/kernel/mm/transparent_hugepage/defrag", "always defer [madvise] never\n"),
    ("/sys/kernel/mm/ksm/run", "0\n"),
    ("/proc/sys/vm/compaction_proactiveness", "0\n"),
    ("/proc/sys/kernel/numa_balancing", "0\n"),
    ("/proc/swaps", "Filename Type Size Used Priority\n"),
    ("/proc/sys/vm/swappiness", "60\n"),
    ("/proc/sys/kernel/nmi_watchdog", "0\n"),
    ("/proc/sys/kernel/timer_migration", "0\n"),
    ("/proc/sys/kernel/watchdog", "1\n"),
    ("/proc/sys/kernel/watchdog_cpumask", "0-1\n"),
    ("/proc/sys/vm/stat_interval", "60\n"),
    ("/proc/stat", "cpu  10 0 10 900 0 0 0 0 0 0\ncpu0 1 2\n"),
    ("/sys/devices/system/cpu/vulnerabilities/meltdown", "Not affected\n"),
    ("/sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n"),
    ("/proc/sys/kernel/osrelease", "6.12.1\n"),
    ("/proc/sys/kernel/hostname", "box-of-mine\n"),
    ("/proc/meminfo", "MemTotal:       65000000 kB\n"),
    ("/proc/sys/net/core/busy_read", "50\n"),
    ("/proc/sys/net/core/busy_poll", "0\n"),
    ("/proc/sys/net/ipv4/tcp_slow_start_after_idle", "0\n"),
    ("/proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n"),
];
