//! Whose doing a long call was: the strategy's, or the machine's that gave the core to others meanwhile.
//!
//! The bridge looks at the engine's thread each millisecond: how long it ran, how long it waited for its core
//! while it was ready. [`disturbance`] counts beside it what else may have struck: interrupts of its core, faults,
//! switches. A call during most of which the thread did not run is the host's. This is said of single
//! calls only; percentiles are always shown over all of them first.

pub mod disturbance;

use std::collections::VecDeque;

use hdrhistogram::Histogram;
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::outlier::Outlier;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_rt::clock::HostClock;
use paperwire_rt::host::ThreadUsage;
use paperwire_rt::runner::{RunnerConfig, RunnerStats, Wait};
use paperwire_rt::watch::{ThreadLook, ThreadWatch};

use disturbance::{DisturbanceWatch, Disturbed};

/// Time between two looks: calls shorter than this share their interval with others, and the loss of the
/// interval counts against them as far as it would fit.
const LOOK_EVERY: DurationNs = DurationNs::from_millis(1);
/// Looks kept: calls are known at most a second later, two when the bridge is busy.
const LOOKS_MAX: usize = 4096;
/// Longest calls of the run that are shown one by one.
pub const LONGEST_MAX: usize = 8;

/// Whose doing it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The thread did not run for at least half of the call.
    Host,
    /// It ran.
    Strategy,
    /// Nobody looked at the time.
    Unknown,
}

impl Doing {
    /// The word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Strategy => "strategy",
            Self::Unknown => "unknown",
        }
    }
}

/// What the engine's thread lost, by the looks at it.
#[derive(Debug)]
pub struct Losses {
    /// A thread that never sleeps loses whatever it did not run; one that does only what it waited for.
    spins: bool,
    looks: VecDeque<ThreadLook>,
}

impl Losses {
    /// Nothing seen yet.
    pub fn new(spins: bool) -> Self {
        Self { spins, looks: VecDeque::with_capacity(LOOKS_MAX) }
    }

    /// Takes a later look.
    pub fn push(&mut self, look: ThreadLook) {
        if self.looks.len() == LOOKS_MAX {
            self.looks.pop_front();
        }
        self.looks.push_back(look);
    }

    /// How much of a span the thread lost at most; `None` when the looks do not reach around it.
    pub fn lost(&self, from: HostNs, to: HostNs) -> Option<DurationNs> {
        let covers = self.looks.front()?.at <= from && self.looks.back()?.at >= to;
        let first = self.looks.partition_point(|look| look.at <= from).checked_sub(1)?;
        let mut lost = DurationNs::ZERO;
        for (a, b) in self.looks.range(first..).zip(self.looks.range(first + 1..)) {
            if a.at >= to {
                break;
            }
            let overlap = b.at.min(to).since(a.at.max(from));
            lost = lost.plus(self.between(a, b).min(overlap));
        }
        covers.then_some(lost)
    }

    fn between(&self, a: &ThreadLook, b: &ThreadLook) -> DurationNs {
        let waited = b.waited.raw().saturating_sub(a.waited.raw());
        let ran = b.ran.raw().saturating_sub(a.ran.raw());
        let idle = b.at.since(a.at).raw().saturating_sub(ran);
        DurationNs::new(if self.spins { idle.max(waited) } else { waited })
    }

    /// Whose doing a call was, and what the thread lost in it.
    pub fn judge(&self, outlier: &Outlier) -> (Doing, DurationNs) {
        match self.lost(outlier.from, outlier.to) {
            None => (Doing::Unknown, DurationNs::ZERO),
            Some(lost) if 2 * lost.raw() >= outlier.span().raw() => (Doing::Host, lost),
            Some(lost) => (Doing::Strategy, lost),
        }
    }
}

/// Looks at the engine's thread.
#[derive(Debug)]
pub struct HostWatch {
    watch: ThreadWatch,
    losses: Losses,
    disturbances: DisturbanceWatch,
    next_at: HostNs,
}

impl HostWatch {
    /// A watch over a thread that spins, or does not, on a core of its own, or on none.
    ///
    /// # Errors
    /// When the kernel keeps no statistics of threads, or there is no such thread.
    pub fn new(thread: i32, spins: bool, core: Option<usize>) -> std::io::Result<Self> {
        Ok(Self {
            watch: ThreadWatch::new(thread)?,
            losses: Losses::new(spins),
            disturbances: DisturbanceWatch::new(thread, core),
            next_at: HostNs::default(),
        })
    }

    /// Looks, when it is time to.
    pub fn look(&mut self, clock: &HostClock) {
        let now = clock.now();
        if now >= self.next_at
            && let Some(look) = self.watch.look(clock)
        {
            self.losses.push(look);
            self.disturbances.look(clock);
            self.next_at = now.plus(LOOK_EVERY);
        }
    }

    /// Looks at everything, whether it is time to or not: calls that have just ended are to be judged.
    pub fn look_now(&mut self, clock: &HostClock) {
        if let Some(look) = self.watch.look(clock) {
            self.losses.push(look);
            self.disturbances.look_now(clock);
        }
    }

    /// A call with whose doing it was and what else happened around it.
    pub fn judge(&self, outlier: &Outlier) -> LongCall {
        let (doing, lost) = self.losses.judge(outlier);
        let disturbed = self.disturbances.seen().around(outlier.from, outlier.to);
        LongCall { outlier: *outlier, doing, lost, disturbed }
    }
}

/// A long call with everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongCall {
    /// The call.
    pub outlier: Outlier,
    /// Whose doing it was.
    pub doing: Doing,
    /// What the thread lost in it.
    pub lost: DurationNs,
    /// What else was counted around it.
    pub disturbed: Disturbed,
}

impl LongCall {
    /// One that nobody looked at.
    pub fn unseen(outlier: &Outlier) -> Self {
        let disturbed = Disturbed::default();
        Self { outlier: *outlier, doing: Doing::Unknown, lost: DurationNs::ZERO, disturbed }
    }
}

/// Long calls of one strategy by whose doing they were.
#[derive(Debug)]
pub struct Verdicts {
    /// Calls of the host's doing.
    pub host: u64,
    /// Calls of its own.
    pub strategy: u64,
    /// Calls that nobody can tell.
    pub unknown: u64,
    /// Lengths of those of the host's doing.
    pub of_host: Histogram<u32>,
}

impl Default for Verdicts {
    fn default() -> Self {
        let of_host = Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3);
        let of_host = of_host.expect("bounds are valid constants");
        Self { host: 0, strategy: 0, unknown: 0, of_host }
    }
}

/// What became of a pinned thread.
#[derive(Clone, Debug)]
pub struct ThreadRow {
    /// Its name.
    pub name: &'static str,
    /// The core that it was pinned to.
    pub core: Option<usize>,
    /// What it did without work.
    pub wait: Wait,
    /// Times it lost its core between two idle turns; told of a thread that spins only.
    pub hiccups: u64,
    /// All of them together.
    pub lost: DurationNs,
    /// The longest.
    pub longest: DurationNs,
    /// Faults and switches.
    pub usage: ThreadUsage,
}

impl ThreadRow {
    /// The row of a thread that has ended.
    pub fn of(name: &'static str, config: RunnerConfig, stats: &RunnerStats) -> Self {
        Self {
            name,
            core: config.core.filter(|_| stats.is_pinned()),
            wait: config.wait,
            hiccups: stats.hiccups(),
            lost: stats.lost(),
            longest: stats.hiccup_max(),
            usage: stats.usage(),
        }
    }
}

/// Every judged call of a run.
#[derive(Debug, Default)]
pub struct Judged {
    /// By strategy; empty while nobody looks, as in a replay.
    pub strategies: Vec<Verdicts>,
    /// The longest of all, the longest first.
    pub longest: Vec<LongCall>,
}

impl Judged {
    /// Takes a judged call; true when it is one of the longest so far.
    pub fn add(&mut self, call: &LongCall) -> bool {
        let LongCall { outlier, doing, .. } = call;
        let index = usize::from(outlier.strategy);
        if self.strategies.len() <= index {
            self.strategies.resize_with(index + 1, Verdicts::default);
        }
        let of = &mut self.strategies[index];
        match doing {
            Doing::Host => {
                of.host += 1;
                of.of_host.saturating_record(outlier.span().raw());
            }
            Doing::Strategy => of.strategy += 1,
            Doing::Unknown => of.unknown += 1,
        }
        let is_longer = |other: &LongCall| other.outlier.span() >= outlier.span();
        let at = self.longest.partition_point(is_longer);
        let is_long = at < LONGEST_MAX;
        if is_long {
            self.longest.insert(at, *call);
            self.longest.truncate(LONGEST_MAX);
        }
        is_long
    }
}

#[cfg(test)]
mod tests;
