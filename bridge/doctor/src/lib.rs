//! `paperwire doctor`: forty checks of the host, graded, each with what was read, why it matters and the
//! command that fixes it.
//!
//! A check is a pure function of what was `Seen`: a tree of files (the machine's own, or a made-up one
//! in tests), `Facts` that need a system call, and what the noise test measured. It never changes
//! anything; the disk check writes one small file into the data folder and removes it. What cannot be read
//! is [`Grade::Unknown`] with the reason, never silently good.
//!
//! * [`quick`]: everything but what takes seconds, for the start of a run
//! * [`examine`]: everything, with the noise test in between
//! * themes: `isolation`, `interrupts`, `topology`, `power`, `clock`, `scheduling`, `memory`,
//!   `kernel`, `network`, `product`, `noise`
//! * `verdict`: the overall grade; `fingerprint`: which host it was; [`text`] and [`script`]: for people

use paperwire_core::time::DurationNs;
use paperwire_rt::runner::RunnerConfig;
use serde::Serialize;

use facts::Facts;
use probes::ProbeTax;
use sample::Sample;
use tree::{Tree, Unread};

pub use cores::Cores;
pub use fingerprint::Fingerprint;
pub use fix::Fix;
pub use noise::CoreNoise;
pub use verdict::Letter;

pub mod build_profile;
mod clock;
pub mod clock_step;
mod cores;
mod cpu_list;
pub mod descriptors;
mod facts;
mod fingerprint;
mod fix;
pub mod interrupt_table;
mod interrupts;
mod isolation;
mod kernel;
mod memory;
mod network;
mod noise;
mod power;
pub mod probes;
mod product;
mod sample;
mod scheduling;
pub mod script;
mod skew;
mod tasks;
pub mod text;
mod topology;
mod tree;
mod verdict;

/// What a run would ask of this machine.
#[derive(Clone, Debug)]
pub struct Demands {
    /// Cores of the feed and of the engine, and what the threads do without work.
    pub threads: [RunnerConfig; 2],
    /// How long a read may poll the network card; zero leaves it to the machine.
    pub busy_poll: DurationNs,
    /// Whether it locks its memory.
    pub lock_memory: bool,
    /// Folder of its logs; empty for none.
    pub logs_dir: String,
    /// Symbols that it records.
    pub symbols: usize,
    /// Strategies that it runs.
    pub strategies: usize,
    /// Connections that its page serves where descriptors suffice.
    pub page_connections_max: usize,
    /// Addresses that it serves on, other than loopback, each with its key.
    pub public_addresses: Vec<String>,
    /// Keys of secrets that stand in its configuration.
    pub secret_keys: Vec<String>,
}

/// How one check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Grade {
    /// As it should be.
    Good,
    /// Recorded; there is no right or wrong.
    Info,
    /// Costs some of the tail.
    Warn,
    /// The tail is the machine's, not the strategy's.
    Fail,
    /// Not readable here; the reason stands where the reading would.
    Unknown,
}

impl Grade {
    /// The word used in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Info => "info",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Unknown => "?",
        }
    }
}

/// One check as it came out.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its number, 1 to 40; it never changes.
    pub number: u8,
    /// What is checked.
    pub name: &'static str,
    /// The group it is shown in.
    pub group: &'static str,
    /// How it came out.
    pub grade: Grade,
    /// What was read, or why nothing could be.
    pub read: String,
    /// Why it matters.
    pub why: &'static str,
    /// What mends it.
    pub fix: Option<Fix>,
}

/// Everything an examination found; what a session's header and a comparison of hosts need.
#[derive(Clone, Debug, Serialize)]
pub struct Examination {
    /// The overall grade, by the rule of [`Letter::of`].
    pub grade: Letter,
    /// Which host it was.
    pub fingerprint: Fingerprint,
    /// True without the noise test.
    pub is_quick: bool,
    /// Where the pinned threads go and how they wait.
    pub cores: Cores,
    /// What the probes themselves cost, when that was measured.
    pub probe_tax: Option<ProbeTax>,
    /// What the noise test saw, core by core.
    pub noise: Vec<CoreNoise>,
    /// All forty, in order of their numbers.
    pub findings: Vec<Finding>,
}

impl Examination {
    /// With what the probes cost here, which the quick form leaves out.
    #[must_use]
    pub fn with_probes(self, tax: ProbeTax) -> Self {
        Self { probe_tax: Some(tax), ..self }
    }

    /// Everything, for machines.
    ///
    /// # Panics
    /// Never: it is made of texts and numbers.
    pub fn json(&self) -> String {
        serde_json::to_string_pretty(self).expect("texts and numbers have a JSON form")
    }

    /// One line for the start of a run.
    pub fn line(&self) -> String {
        let count = |grade| self.findings.iter().filter(|of| of.grade == grade).count();
        format!(
            "host {} graded {}: {} fail, {} warn; `paperwire doctor` says why",
            self.fingerprint.hash,
            self.grade,
            count(Grade::Fail),
            count(Grade::Warn),
        )
    }
}

/// All that the checks may look at.
struct Seen<'a> {
    tree: &'a Tree,
    cores: &'a Cores,
    facts: &'a Facts,
    /// What was counted while the examined cores were spinning.
    sample: Option<&'a Sample>,
}

/// What a check says; the table adds its number, name and reason.
struct Outcome {
    grade: Grade,
    read: String,
    fix: Option<Fix>,
}

impl Outcome {
    fn good(read: impl Into<String>) -> Self {
        Self { grade: Grade::Good, read: read.into(), fix: None }
    }

    fn info(read: impl Into<String>) -> Self {
        Self { grade: Grade::Info, read: read.into(), fix: None }
    }

    fn warn(read: impl Into<String>, fix: Fix) -> Self {
        Self { grade: Grade::Warn, read: read.into(), fix: Some(fix) }
    }

    fn fail(read: impl Into<String>, fix: Fix) -> Self {
        Self { grade: Grade::Fail, read: read.into(), fix: Some(fix) }
    }

    fn unknown(reason: impl Into<String>) -> Self {
        Self { grade: Grade::Unknown, read: reason.into(), fix: None }
    }

    fn with_fix(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }
}

/// A row of the table of checks.
struct Check {
    number: u8,
    name: &'static str,
    why: &'static str,
    /// What cannot be read makes the check unknown.
    judge: fn(&Seen<'_>) -> Result<Outcome, Unread>,
}

/// A heading of the report.
struct Group {
    name: &'static str,
    checks: &'static [Check],
}

const GROUPS: [Group; 11] = [
    Group { name: "isolation", checks: &isolation::CHECKS },
    Group { name: "interrupts", checks: &interrupts::CHECKS },
    Group { name: "topology", checks: &topology::CHECKS },
    Group { name: "frequency and idling", checks: &power::CHECKS },
    Group { name: "clocks", checks: &clock::CHECKS },
    Group { name: "scheduling", checks: &scheduling::CHECKS },
    Group { name: "memory", checks: &memory::CHECKS },
    Group { name: "kernel", checks: &kernel::CHECKS },
    Group { name: "network", checks: &network::CHECKS },
    Group { name: "paperwire itself", checks: &product::CHECKS },
    Group { name: "noise", checks: &noise::CHECKS },
];

/// Number of checks.
pub const CHECKS_LEN: usize = 40;

/// Examines the machine without what takes seconds: well under 200 ms, for the start of a run.
pub fn quick(demands: &Demands) -> Examination {
    let tree = Tree::machine();
    let cores = Cores::of(demands);
    let facts = Facts::quick(&tree, demands, &cores);
    conclude(&Seen { tree: &tree, cores: &cores, facts: &facts, sample: None })
}

/// Examines the machine, spinning on its pinned cores for `noise_s` seconds (0 leaves that out).
/// `progress` is told now and then what is going on.
pub fn examine(demands: &Demands, noise_s: u64, mut progress: impl FnMut(&str)) -> Examination {
    let tree = Tree::machine();
    let cores = Cores::of(demands);
    progress("probes, disk, clocks");
    let facts = Facts::all(&tree, demands, &cores);
    let sample = (noise_s > 0).then(|| Sample::take(&tree, &cores, noise_s, &mut progress));
    conclude(&Seen { tree: &tree, cores: &cores, facts: &facts, sample: sample.as_ref() })
}

fn conclude(seen: &Seen<'_>) -> Examination {
    let mut findings: Vec<Finding> = GROUPS
        .iter()
        .flat_map(|group| group.checks.iter().map(move |check| judge(group.name, check, seen)))
        .collect();
    findings.sort_by_key(|finding| finding.number);
    Examination {
        grade: Letter::of(&findings, seen.sample.is_some()),
        fingerprint: Fingerprint::of(seen.tree),
        is_quick: seen.sample.is_none(),
        cores: seen.cores.clone(),
        probe_tax: seen.facts.probe_tax,
        noise: seen.sample.map(|sample| sample.noise.clone()).unwrap_or_default(),
        findings,
    }
}

fn judge(group: &'static str, check: &Check, seen: &Seen<'_>) -> Finding {
    let outcome = (check.judge)(seen).unwrap_or_else(|unread| Outcome::unknown(unread.to_string()));
    Finding {
        number: check.number,
        name: check.name,
        group,
        grade: outcome.grade,
        read: outcome.read,
        why: check.why,
        fix: outcome.fix,
    }
}

#[cfg(test)]
mod tests;
