//! What measuring costs: the price of each probe, measured at start-up on the thread that asks.
//!
//! It is subtracted nowhere and shown everywhere. All memory is taken first; then the allocation guard is
//! armed, as it is on a warm thread. Bounded to some 20 ms.

use std::fmt;
use std::hint::black_box;

use hdrhistogram::Histogram;
use paperwire_core::latency::{Bank, Pair, Stage};
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::ring::ring;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use serde::{Deserialize, Serialize};

/// Nanoseconds of one probe each, the median of many batches.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ProbeTax {
    /// One read of the host clock.
    pub clock_read_ns: f64,
    /// One record into a histogram.
    pub record_ns: f64,
    /// One push and pop of a ring on the same thread.
    pub ring_hop_ns: f64,
    /// Arming the allocation guard, once a step.
    pub guard_ns: f64,
    /// A whole event: a clock read and two records for each stage.
    pub event_ns: f64,
}

/// How much of wire-to-signal, from arrival to the last strategy's answer, is measuring.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProbeShare {
    /// Looks at the clock on the way of an event that was decided on, on average.
    pub looks_per_event: f64,
    /// Their cost.
    pub event_ns: f64,
    /// The median of wire-to-signal, which holds that cost.
    pub wire_to_signal_ns: u64,
    /// The one of the other.
    pub percent: f64,
}

impl ProbeTax {
    /// What these histograms cost wire-to-signal while they were filled. `None` before the first decision.
    ///
    /// Counted, not estimated: each record stands for a look that was met. Stages are recorded once the event
    /// is handed on or decided, and calls once the last strategy has answered, when nobody waits for it.
    #[expect(clippy::cast_precision_loss, reason = "counts and times for display")]
    pub fn share(&self, bank: &Bank) -> Option<ProbeShare> {
        let decided = bank.of(Stage::Decided)?;
        let (events, wire_to_signal_ns) =
            (decided.response.len(), decided.response.value_at_quantile(0.5));
        if events == 0 || wire_to_signal_ns == 0 {
            return None;
        }
        let is_read = bank.of(Stage::Read).is_some_and(|of| !of.service.is_empty());
        let looks_of = |(stage, pair): (Stage, &Pair)| {
            let looks = match stage {
                // Where responses count from the read, its look is before them.
                Stage::Read => u64::from(pair.response.max() > 0),
                // Between decoding and its push a frame meets one look: at the verified book or the trade.
                Stage::BookApplied => 0,
                // The look after the push is in the way only where the engine has to wait for this thread.
                Stage::Enqueued => 1 + u64::from(!is_read),
                // The end of the last call is the decision.
                stage if stage >= Stage::Decided => 0,
                _ => 1,
            };
            looks * pair.service.len()
        };
        let calls: u64 = bank.strategies().iter().map(|pair| pair.service.len()).sum();
        // A call has a look before it and one after.
        let looks = bank.stages().map(looks_of).sum::<u64>() + 2 * calls;
        let looks_per_event = looks as f64 / events as f64;
        let event_ns = looks_per_event * self.clock_read_ns;
        let percent = 100.0 * event_ns / wire_to_signal_ns as f64;
        Some(ProbeShare { looks_per_event, event_ns, wire_to_signal_ns, percent })
    }
}

impl fmt::Display for ProbeShare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.1} looks at the clock per event cost {:.0} ns: {:.1} % of the median wire-to-signal of {}",
            self.looks_per_event,
            self.event_ns,
            self.percent,
            DurationNs::new(self.wire_to_signal_ns),
        )
    }
}

/// Operations whose time is taken together: the clock is coarser than one of them.
const BATCH: u32 = 256;

/// Batches at most; the median of fewer says the same.
const BATCHES: usize = 200;

/// Time for one of the four measurements.
const TIME_MAX: DurationNs = DurationNs::from_millis(4);

/// Measures on the calling thread.
pub fn measure(clock: &HostClock) -> ProbeTax {
    let mut histogram: Histogram<u32> =
        Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("bounds are valid constants");
    let (mut ring_in, mut ring_out) = ring::<HostNs>(2);
    let mut times = Vec::with_capacity(BATCHES);
    let mut value = 100u64;

    alloc_guard::arm(true);
    let clock_read_ns = median_ns(clock, &mut times, || {
        black_box(clock.now());
    });
    let record_ns = median_ns(clock, &mut times, || {
        // Different buckets, as real latencies meet.
        value = value * 7 % 9_973 + 50;
        histogram.saturating_record(black_box(value));
    });
    let ring_hop_ns = median_ns(clock, &mut times, || {
        let pushed = ring_in.push(black_box(HostNs::new(1)));
        black_box((pushed.is_ok(), ring_out.pop()));
    });
    let guard_ns = median_ns(clock, &mut times, || {
        black_box(alloc_guard::arm(black_box(true)));
    });
    alloc_guard::arm(false);

    #[expect(clippy::cast_precision_loss, reason = "a dozen stages")]
    let stages = Stage::ALL.len() as f64;
    let event_ns = (stages * (clock_read_ns + 2.0 * record_ns)).round();
    ProbeTax { clock_read_ns, record_ns, ring_hop_ns, guard_ns, event_ns }
}

/// The median of the batches' mean times, in nanoseconds with one decimal.
fn median_ns(clock: &HostClock, times: &mut Vec<u64>, mut operation: impl FnMut()) -> f64 {
    times.clear();
    let started = clock.now();
    while times.len() < BATCHES {
        let from = clock.now();
        for _ in 0..BATCH {
            operation();
        }
        let to = clock.now();
        times.push(to.since(from).raw());
        if to.since(started) >= TIME_MAX {
            break;
        }
    }
    times.sort_unstable();
    let median = times[times.len() / 2];
    #[expect(clippy::cast_precision_loss, reason = "a batch takes microseconds")]
    let tenths = (median * 10 / u64::from(BATCH)) as f64;
    tenths / 10.0
}

impl fmt::Display for ProbeTax {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "clock read {:.1} ns, record {:.1} ns, ring hop on one thread {:.1} ns, guard {:.1} ns; \
             an event through all {} stages {:.0} ns",
            self.clock_read_ns,
            self.record_ns,
            self.ring_hop_ns,
            self.guard_ns,
            Stage::ALL.len(),
            self.event_ns,
        )
    }
}

#[cfg(test)]
mod tests;
