//! The events of a second that waited longest from their arrival to the last strategy's answer, each with the
//! instants at which it passed: what a percentile cannot show, where one real tick lost its time.
//!
//! Written by the engine into memory it took at the start; an event that is not among them costs one
//! comparison.

use arrayvec::ArrayVec;

use crate::event::Seq;
use crate::instrument::SymbolId;
use crate::limits::SLOWEST_MAX;
use crate::time::{DurationNs, ExchNs, HostNs};

/// One event on its way, in the order of its instants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SlowTick {
    /// Which.
    pub seq: Seq,
    /// Its symbol; `None` for a timer.
    pub symbol: Option<SymbolId>,
    /// The exchange's time of it.
    pub exch: ExchNs,
    /// Arrival of its bytes.
    pub arrived: HostNs,
    /// Put into the market ring, after it was read, opened, decoded and verified.
    pub enqueued: HostNs,
    /// Taken out by the engine.
    pub dequeued: HostNs,
    /// Market, bars, stops and margin were done.
    pub applied: HostNs,
    /// The last strategy had answered.
    pub decided: HostNs,
}

impl SlowTick {
    /// From arrival to decision.
    pub const fn response(&self) -> DurationNs {
        self.decided.since(self.arrived)
    }
}

/// At most [`SLOWEST_MAX`] of them.
#[derive(Debug, Default)]
pub struct Slowest {
    list: ArrayVec<SlowTick, SLOWEST_MAX>,
    /// Once the list is full: what an event must exceed.
    least: DurationNs,
}

impl Slowest {
    /// Looks at an event that is through.
    #[inline]
    pub fn look(&mut self, tick: &SlowTick) {
        if tick.response() > self.least {
            self.keep(tick);
        }
    }

    #[cold]
    fn keep(&mut self, tick: &SlowTick) {
        if self.list.is_full() {
            let quickest = self.list.iter_mut().min_by_key(|of| of.response());
            *quickest.expect("a full list has one") = *tick;
        } else {
            self.list.push(*tick);
        }
        if self.list.is_full() {
            let responses = self.list.iter().map(SlowTick::response);
            self.least = responses.min().expect("a full list has one");
        }
    }

    /// In no order.
    pub fn as_slice(&self) -> &[SlowTick] {
        &self.list
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.list.clear();
        self.least = DurationNs::ZERO;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_waited_longest_are_kept_whatever_their_order() {
        let mut slowest = Slowest::default();
        let count = 5 * SLOWEST_MAX as u64 + 3;
        for round in 0..2 {
            for i in 0..count {
                let arrived = HostNs::new(1_000);
                let decided = arrived.plus(DurationNs::new(1 + (i * 7 + round) % count));
                slowest.look(&SlowTick { arrived, decided, ..SlowTick::default() });
            }
            let mut kept: Vec<u64> =
                slowest.as_slice().iter().map(|tick| tick.response().raw()).collect();
            kept.sort_unstable();
            let longest: Vec<u64> = (count + 1 - SLOWEST_MAX as u64..=count).collect();
            assert_eq!(kept, longest);
            slowest.clear();
            assert!(slowest.as_slice().is_empty());
        }
    }
}
