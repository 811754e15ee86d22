//! Attribution of a long call: to the strategy, to the machine that gave the core to others meanwhile, or to neither
//! because the looks cannot tell.
//!
//! The bridge looks at the engine's thread each millisecond: how long it ran, how long it waited for its core
//! while it was ready. [`losses`] bounds from that what the thread ran inside of a call, `repetition` knows which
//! short calls come again and again, and [`disturbance`] counts what else may have struck: interrupts of the core,
//! faults, switches. This is said of single calls only; percentiles are always shown over all of them first.

pub mod disturbance;
pub mod losses;
mod repetition;

use hdrhistogram::Histogram;
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::outlier::Outlier;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_rt::clock::HostClock;
use paperwire_rt::host::ThreadUsage;
use paperwire_rt::runner::{RunnerConfig, RunnerStats, Wait};
use paperwire_rt::watch::ThreadWatch;

use disturbance::{DisturbanceWatch, Disturbed};
use losses::Losses;
use repetition::Repetition;

/// Time between two looks: calls shorter than this share their interval with others, and the loss of the
/// interval counts against them as far as it would fit.
const LOOK_EVERY: DurationNs = DurationNs::from_millis(1);
/// Looks kept: calls are known at most a second later, two when the bridge is busy.
const LOOKS_MAX: usize = 4096;
/// Longest calls of the run that are shown one by one.
pub const LONGEST_MAX: usize = 8;

/// The verdict on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doing {
    /// The thread did not run for at least half of the call.
    Host,
    /// It ran for more than half of it, and the call is long enough to tell, or comes again and again.
    Strategy,
    /// The looks allow both, or nobody looked at the time.
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

/// Looks at the engine's thread.
#[derive(Debug)]
pub struct HostWatch {
    watch: ThreadWatch,
    losses: Losses,
    repetition: Repetition,
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
            repetition: Repetition::default(),
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

    /// The calls of one second with the verdict on each and what else happened around it.
    pub fn judge<'a>(&'a mut self, calls: &'a [Outlier]) -> impl Iterator<Item = LongCall> + 'a {
        for call in calls {
            self.repetition.note(call, self.losses.loss(call).as_ref());
        }
        let Self { losses, repetition, disturbances, .. } = self;
        calls.iter().map(|call| {
            let loss = losses.loss(call);
            let doing = loss.as_ref().map_or(Doing::Unknown, |loss| {
                losses.judge(call.span(), loss, || repetition.is_repeated(call, loss))
            });
            let lost = loss.map_or(DurationNs::ZERO, |loss| loss.most);
            let disturbed = disturbances.seen().around(call.from, call.to);
            LongCall { outlier: *call, doing, lost, disturbed }
        })
    }
}

/// A long call with everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongCall {
    /// The call.
    pub outlier: Outlier,
    /// The verdict.
    pub doing: Doing,
    /// What the thread lost in it at most.
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

/// Long calls of one strategy by the verdict on them.
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
