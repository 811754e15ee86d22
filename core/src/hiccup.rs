//! Time that a spinning thread lost: gaps between clock readings that should have been neighbours.
//!
//! A [`HiccupMeter`] is shown successive readings by the thread that spins. It reads no clock itself and
//! takes all its memory in `new`, so it may run on a pinned thread. What it records is the machine's
//! doing as long as nothing but the next reading lies between two of them; around real work call
//! [`HiccupMeter::look_away`].

use hdrhistogram::Histogram;

use crate::limits::LATENCY_MAX_NS;
use crate::time::{DurationNs, HostNs};

/// One gap: how long, and the reading that ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hiccup {
    /// Time between the two readings.
    pub span: DurationNs,
    /// The later of them.
    pub ended_at: HostNs,
}

/// Records every gap between two readings that is at least as long as its threshold.
#[derive(Debug)]
pub struct HiccupMeter {
    threshold: DurationNs,
    before: Option<HostNs>,
    gaps: Histogram<u64>,
    lost: DurationNs,
    largest: Option<Hiccup>,
}

impl HiccupMeter {
    /// A meter that has seen nothing.
    pub fn new(threshold: DurationNs) -> Self {
        let gaps = Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3);
        Self {
            threshold,
            before: None,
            gaps: gaps.expect("bounds are valid constants"),
            lost: DurationNs::ZERO,
            largest: None,
        }
    }

    /// Takes the next reading; returns the gap before it when that is a hiccup.
    #[inline]
    pub fn show(&mut self, now: HostNs) -> Option<Hiccup> {
        let before = self.before.replace(now)?;
        let span = now.since(before);
        if span < self.threshold || span == DurationNs::ZERO {
            return None;
        }
        let hiccup = Hiccup { span, ended_at: now };
        self.gaps.saturating_record(span.raw());
        self.lost = self.lost.plus(span);
        if self.largest.is_none_or(|largest| span > largest.span) {
            self.largest = Some(hiccup);
        }
        Some(hiccup)
    }

    /// The time until the next reading is work, no gap.
    #[inline]
    pub const fn look_away(&mut self) {
        self.before = None;
    }

    /// Gaps shorter than this are the loop itself.
    pub const fn threshold(&self) -> DurationNs {
        self.threshold
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.gaps.len()
    }

    /// All of them together.
    pub const fn lost(&self) -> DurationNs {
        self.lost
    }

    /// The longest, the first of its length.
    pub const fn largest(&self) -> Option<Hiccup> {
        self.largest
    }

    /// Their lengths in nanoseconds.
    pub const fn gaps(&self) -> &Histogram<u64> {
        &self.gaps
    }

    /// Forgets everything; the threshold stays.
    pub fn clear(&mut self) {
        self.gaps.reset();
        self.before = None;
        self.lost = DurationNs::ZERO;
        self.largest = None;
    }
}

#[cfg(test)]
mod tests;
