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
use paperwire_core::time::DurationNs;

use disturbance::{Disturbances, Disturbed};
use losses::Losses;
use repetition::Repetition;

/// Time between two looks: calls shorter than this share their interval with others, and the loss of the
/// interval counts against them as far as it would fit.
pub const LOOK_EVERY: DurationNs = DurationNs::from_millis(1);
/// Looks kept: calls are known at most a second later, two when the bridge is busy.
const LOOKS_MAX: usize = 4096;
/// Longest calls of the run that are shown one by one.
pub const LONGEST_MAX: usize = 8;

/// The verdict on a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribution {
    /// The thread did not run for at least half of the call.
    Host,
    /// It ran for more than half of it, and the call is long enough to tell, or comes again and again.
    Strategy,
    /// The looks allow both, or nobody looked at the time.
    Unknown,
}

impl Attribution {
    /// The word in reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Strategy => "strategy",
            Self::Unknown => "unknown",
        }
    }
}

/// Everything that was seen of the engine's thread, to judge its long calls by.
#[derive(Debug)]
pub struct Evidence {
    /// What it ran and lost.
    pub losses: Losses,
    /// What else happened to it and to its core.
    pub disturbances: Disturbances,
    repetition: Repetition,
}

impl Evidence {
    /// Nothing seen yet of a thread that spins, or sleeps without work.
    pub fn new(spins: bool) -> Self {
        Self {
            losses: Losses::new(spins),
            disturbances: Disturbances::default(),
            repetition: Repetition::default(),
        }
    }

    /// The calls of one second with their attribution and what else happened around each.
    pub fn judge<'a>(&'a mut self, calls: &'a [Outlier]) -> impl Iterator<Item = LongCall> + 'a {
        for call in calls {
            self.repetition.note(call, self.losses.loss(call).as_ref());
        }
        let Self { losses, repetition, disturbances } = self;
        calls.iter().map(|call| {
            let loss = losses.loss(call);
            let attribution = loss.as_ref().map_or(Attribution::Unknown, |loss| {
                losses.judge(call.span(), loss, || repetition.is_repeated(call, loss))
            });
            let lost = loss.map_or(DurationNs::ZERO, |loss| loss.most);
            let disturbed = disturbances.around(call.from, call.to);
            LongCall { outlier: *call, attribution, lost, disturbed }
        })
    }
}

/// A long call with everything that is known of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LongCall {
    /// The call.
    pub outlier: Outlier,
    /// The verdict.
    pub attribution: Attribution,
    /// What the thread lost in it at most.
    pub lost: DurationNs,
    /// What else was counted around it.
    pub disturbed: Disturbed,
}

impl LongCall {
    /// One that nobody looked at.
    pub fn unseen(outlier: &Outlier) -> Self {
        let disturbed = Disturbed::default();
        Self {
            outlier: *outlier,
            attribution: Attribution::Unknown,
            lost: DurationNs::ZERO,
            disturbed,
        }
    }
}

/// Long calls of one strategy by the verdict on them.
#[derive(Debug)]
pub struct Verdicts {
    /// Calls attributed to the host.
    pub host: u64,
    /// Calls of its own.
    pub strategy: u64,
    /// Calls that nobody can tell.
    pub unknown: u64,
    /// Lengths of the calls attributed to the host.
    pub of_host: Histogram<u32>,
}

impl Default for Verdicts {
    fn default() -> Self {
        let of_host = Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3);
        let of_host = of_host.expect("bounds are valid constants");
        Self { host: 0, strategy: 0, unknown: 0, of_host }
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
        let LongCall { outlier, attribution, .. } = call;
        let index = usize::from(outlier.strategy);
        if self.strategies.len() <= index {
            self.strategies.resize_with(index + 1, Verdicts::default);
        }
        let of = &mut self.strategies[index];
        match attribution {
            Attribution::Host => {
                of.host += 1;
                of.of_host.saturating_record(outlier.span().raw());
            }
            Attribution::Strategy => of.strategy += 1,
            Attribution::Unknown => of.unknown += 1,
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
