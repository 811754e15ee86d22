//! How often quotes of one pair may be changed.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::time::{DurationNs, ExchNs};

/// Remembers as many changes as there may be within a window.
#[derive(Debug)]
pub(super) struct ChangeRate {
    changes: FixedRing<ExchNs>,
    window: DurationNs,
}

impl ChangeRate {
    /// At most `count` changes within `window`.
    pub(super) fn new(count: usize, window: DurationNs) -> Self {
        Self { changes: FixedRing::new(count), window }
    }

    /// True while one more is allowed.
    pub(super) fn allows(&self, now: ExchNs) -> bool {
        let oldest = self.changes.newest(self.changes.capacity() - 1);
        oldest.is_none_or(|at| now.since(*at) >= self.window)
    }

    /// One more was made.
    pub(super) fn count(&mut self, now: ExchNs) {
        self.changes.push(now);
    }
}
