//! Looks at the engine's thread from the bridge, never on the pinned thread: how long it ran and waited, and what else
//! happened to it and to its core. `paperwire_lab::attribution` judges long calls by it.

mod disturbance;

use paperwire_core::outlier::Outlier;
use paperwire_core::time::HostNs;
use paperwire_lab::attribution::{Evidence, LOOK_EVERY, LongCall};
use paperwire_rt::clock::HostClock;
use paperwire_rt::watch::ThreadWatch;

use disturbance::DisturbanceWatch;

/// Looks at the engine's thread.
#[derive(Debug)]
pub struct HostWatch {
    watch: ThreadWatch,
    evidence: Evidence,
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
            evidence: Evidence::new(spins),
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
            self.evidence.losses.push(look);
            self.disturbances.look(&mut self.evidence.disturbances, clock);
            self.next_at = now.plus(LOOK_EVERY);
        }
    }

    /// Looks at everything, whether it is time to or not: calls that have just ended are to be judged.
    pub fn look_now(&mut self, clock: &HostClock) {
        if let Some(look) = self.watch.look(clock) {
            self.evidence.losses.push(look);
            self.disturbances.look_now(&mut self.evidence.disturbances, clock);
        }
    }

    /// The calls of one second with their attribution and what else happened around each.
    pub fn judge<'a>(&'a mut self, calls: &'a [Outlier]) -> impl Iterator<Item = LongCall> + 'a {
        self.evidence.judge(calls)
    }
}

#[cfg(test)]
mod tests;
