//! What the engine's thread lost inside of a call, by the looks next to it: at least so much, at most so much.
//!
//! A strategy cannot sleep, so whatever the thread did not run inside of a call it lost, to another thread or to a
//! hypervisor. Between two looks it is not known where in the interval the thread ran. Inside of the call it lost at
//! most what it did not run in the interval, and at least what the interval's running time cannot fill.

use std::collections::VecDeque;

use paperwire_core::outlier::Outlier;
use paperwire_core::thread::ThreadLook;
use paperwire_core::time::{DurationNs, HostNs};

use super::{Attribution, LOOKS_MAX};

/// A call shorter than two looks apart leaves room for an interrupt, a hypervisor and a neighbour beside the
/// strategy, all of which the thread's clock counts as running.
pub(super) const TELLING_MIN: DurationNs = DurationNs::from_millis(2);

/// What was lost inside of one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Not less.
    pub least: DurationNs,
    /// Not more.
    pub most: DurationNs,
    /// Of that, the time in which another thread had the core, at most.
    pub waited: DurationNs,
}

/// What the engine's thread ran and waited, by the looks at it.
#[derive(Debug)]
pub struct Losses {
    /// A thread that never sleeps loses whatever it does not run, inside of a call or outside.
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

    /// What was lost inside of a call; `None` when the looks do not reach around it.
    pub fn loss(&self, call: &Outlier) -> Option<Loss> {
        let (from, to) = (call.from, call.to);
        let covers = self.looks.front()?.at <= from && self.looks.back()?.at >= to;
        let first = self.looks.partition_point(|look| look.at <= from).checked_sub(1)?;
        let [mut least, mut most, mut waited] = [0u64; 3];
        for (a, b) in self.looks.range(first..).zip(self.looks.range(first + 1..)) {
            if a.at >= to {
                break;
            }
            let overlap = overlap(a.at.max(from), b.at.min(to));
            let ran = b.ran.raw().saturating_sub(a.ran.raw());
            let wait = b.waited.raw().saturating_sub(a.waited.raw());
            let idle = b.at.since(a.at).raw().saturating_sub(ran).max(wait);
            least += overlap.saturating_sub(ran);
            most += idle.min(overlap);
            waited += wait.min(overlap);
        }
        let [least, most, waited] = [least, most, waited].map(DurationNs::new);
        covers.then_some(Loss { least, most, waited })
    }

    /// The verdict on a call of this length, and whether it is one that comes again and again is asked where that
    /// decides.
    pub fn judge(
        &self,
        span: DurationNs,
        loss: &Loss,
        is_repeated: impl Fn() -> bool,
    ) -> Attribution {
        let is_half = |part: DurationNs| 2 * part.raw() >= span.raw();
        match () {
            () if is_half(loss.least) => Attribution::Host,
            () if !is_half(loss.most) && span >= TELLING_MIN => Attribution::Strategy,
            () if span < TELLING_MIN && !is_half(loss.waited) && is_repeated() => {
                Attribution::Strategy
            }
            // Such a thread does not sleep: what it lost next to a stretched call, it lost in it.
            () if is_half(loss.most) && self.spins => Attribution::Host,
            () => Attribution::Unknown,
        }
    }
}

const fn overlap(from: HostNs, to: HostNs) -> u64 {
    to.since(from).raw()
}
