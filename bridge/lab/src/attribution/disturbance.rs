//! What else happened to the engine's thread and its core around a long call: interrupts, page faults, switches.

use std::collections::VecDeque;

use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::{DurationNs, HostNs};

use super::LOOKS_MAX;

/// What was counted between the two looks next to a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disturbed {
    /// Faults and switches of the thread; `None` where nobody looked.
    pub usage: Option<ThreadUsage>,
    /// Interrupts of its core, and the time between the readings; `None` without a core of its own.
    pub interrupts: Option<(u64, DurationNs)>,
}

/// Counters by the instant they were read at.
#[derive(Debug)]
pub struct Looks<T>(VecDeque<(HostNs, T)>);

impl<T: Copy> Looks<T> {
    fn new() -> Self {
        Self(VecDeque::with_capacity(LOOKS_MAX))
    }

    /// Takes a later reading.
    pub fn push(&mut self, at: HostNs, value: T) {
        if self.0.len() == LOOKS_MAX {
            self.0.pop_front();
        }
        self.0.push_back((at, value));
    }

    /// The last look before a span and the first after it.
    fn around(&self, from: HostNs, to: HostNs) -> Option<[(HostNs, T); 2]> {
        let before = self.0.partition_point(|(at, _)| *at <= from).checked_sub(1)?;
        let after = self.0.partition_point(|(at, _)| *at < to);
        Some([self.0[before], *self.0.get(after)?])
    }
}

/// Everything counted so far.
#[derive(Debug)]
pub struct Disturbances {
    /// Faults and switches of the thread.
    pub usage: Looks<ThreadUsage>,
    /// Interrupts of its core.
    pub interrupts: Looks<u64>,
}

impl Default for Disturbances {
    fn default() -> Self {
        Self { usage: Looks::new(), interrupts: Looks::new() }
    }
}

impl Disturbances {
    /// What came around a span.
    pub fn around(&self, from: HostNs, to: HostNs) -> Disturbed {
        let usage = self.usage.around(from, to);
        let interrupts = self.interrupts.around(from, to);
        Disturbed {
            usage: usage.map(|[(_, before), (_, after)]| after.since(before)),
            interrupts: interrupts
                .map(|[(first, a), (last, b)]| (b.saturating_sub(a), last.since(first))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_gets_what_came_between_the_looks_next_to_it() {
        let mut seen = Disturbances::default();
        let us = |micros: u64| HostNs::new(micros * 1_000);
        for (at, minor_faults) in [(1_000, 0), (2_000, 3), (3_000, 3)] {
            seen.usage.push(us(at), ThreadUsage { minor_faults, ..ThreadUsage::default() });
        }
        for (at, count) in [(500, 10), (6_500, 16)] {
            seen.interrupts.push(us(at), count);
        }
        let faults = |from, to| seen.around(us(from), us(to)).usage.map(|of| of.minor_faults);
        assert_eq!(faults(1_200, 1_900), Some(3));
        assert_eq!(faults(2_000, 3_000), Some(0));
        assert_eq!(faults(1_500, 2_500), Some(3));
        assert_eq!(faults(900, 1_500), None);
        assert_eq!(faults(2_500, 3_001), None);
        let interrupts = seen.around(us(1_200), us(1_900)).interrupts;
        assert_eq!(interrupts, Some((6, DurationNs::from_millis(6))));
        assert_eq!(Disturbances::default().around(us(1), us(2)), Disturbed::default());
    }
}
