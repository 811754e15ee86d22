//! How busy each thread was, and how long it waited for a core: the kernel's own account.

use std::collections::BTreeMap;

use paperwire_core::time::DurationNs;
use paperwire_rt::runner::RunnerStats;
use paperwire_rt::watch::ran_and_waited;
use serde::{Deserialize, Serialize};

/// The threads of the way, in its order.
const NAMES: [&str; 4] = ["load", "feed", "engine", "bridge"];

/// One thread during the measured time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ThreadLoad {
    /// `load`, `feed`, `engine` or `bridge`.
    pub(crate) name: String,
    /// Part of the time on a core, in percent; of a spinning thread always all of it.
    pub(crate) cpu_pct: f64,
    /// Part of the time ready to run without a core, in percent.
    pub(crate) starved_pct: f64,
}

/// What the machine took from a spinning thread: its hiccups, 5 us and more between two idle turns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Noise {
    /// `feed` or `engine`.
    pub(crate) name: String,
    /// How many.
    pub(crate) hiccups: u64,
    /// All of them together.
    pub(crate) lost_ns: u64,
    /// The longest since the session began, warm-up included.
    pub(crate) longest_ns: u64,
}

impl Noise {
    /// Of a thread so far.
    pub(super) fn of(name: &str, stats: &RunnerStats) -> Self {
        Self {
            name: name.to_owned(),
            hiccups: stats.hiccups(),
            lost_ns: stats.lost().raw(),
            longest_ns: stats.hiccup_max().raw(),
        }
    }

    /// What came since `earlier`.
    pub(super) fn since(&self, earlier: &Self) -> Self {
        Self {
            hiccups: self.hiccups - earlier.hiccups,
            lost_ns: self.lost_ns - earlier.lost_ns,
            ..self.clone()
        }
    }
}

/// Nanoseconds on a core and waiting for one, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Threads(BTreeMap<String, (u64, u64)>);

impl Threads {
    /// Reads `/proc`; what cannot be read is left out.
    pub(super) fn now() -> Self {
        let mut threads = BTreeMap::new();
        for task in std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten() {
            let read = |file: &str| std::fs::read_to_string(task.path().join(file)).ok();
            let (Some(name), Some(times)) = (read("comm"), read("schedstat")) else { continue };
            if NAMES.contains(&name.trim())
                && let Some((cpu, starved)) = ran_and_waited(&times)
            {
                threads.insert(name.trim().to_owned(), (cpu.raw(), starved.raw()));
            }
        }
        Self(threads)
    }

    /// What came since `earlier`, `elapsed` ago.
    #[expect(clippy::cast_precision_loss, reason = "percentages for display")]
    pub(super) fn since(&self, earlier: &Self, elapsed: DurationNs) -> Vec<ThreadLoad> {
        let percent = |ns: u64| {
            let tenths = ns as f64 * 1000.0 / elapsed.raw().max(1) as f64;
            tenths.round() / 10.0
        };
        let row = |name: &&str| {
            let (cpu, starved) = self.0.get(*name)?;
            let (cpu_before, starved_before) = earlier.0.get(*name)?;
            Some(ThreadLoad {
                name: (*name).to_owned(),
                cpu_pct: percent(cpu.saturating_sub(*cpu_before)),
                starved_pct: percent(starved.saturating_sub(*starved_before)),
            })
        };
        NAMES.iter().filter_map(row).collect()
    }
}
