//! How far apart the counters of two cores are: two threads toss a ball, and each notes its clock.

use std::sync::atomic::{AtomicU64, Ordering};

use paperwire_core::time::{DurationNs, HostNs};
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner;

use super::cpu_list::CpuSet;

/// Bounds of the distance. The ball's way takes time, so one measurement gives no single number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Skew {
    pub(super) at_least: DurationNs,
    pub(super) at_most: DurationNs,
}

const ROUNDS: u64 = 2_000;

/// The test ends here, however far it came; a shared core can take very long.
const TIME_MAX: DurationNs = DurationNs::from_millis(20);

/// Between the first two of the cores.
pub(super) fn measure(cores: &CpuSet) -> Result<Skew, String> {
    let mut cores = cores.iter();
    let (Some(first), Some(second)) = (cores.next(), cores.next()) else {
        return Err("it takes two cores".to_owned());
    };
    let clock = HostClock::new();
    let deadline = clock.now().plus(TIME_MAX);
    // Odd values fly to the second thread, even ones back; `theirs` is what its clock showed.
    let (ball, theirs) = (AtomicU64::new(0), AtomicU64::new(0));
    let wait_for = |value: u64, clock: &HostClock| loop {
        if ball.load(Ordering::Acquire) == value {
            return true;
        }
        if clock.now() > deadline {
            return false;
        }
    };
    let best = std::thread::scope(|scope| {
        scope.spawn(|| {
            runner::pin(second);
            for round in 0..ROUNDS {
                if !wait_for(round * 2 + 1, &clock) {
                    return;
                }
                theirs.store(clock.now().raw(), Ordering::Relaxed);
                ball.store(round * 2 + 2, Ordering::Release);
            }
        });
        // A thread of its own: the caller's affinity is not ours to change.
        let tosser = scope.spawn(|| {
            let is_pinned = runner::pin(first);
            let mut best: Option<Skew> = None;
            for round in 0..ROUNDS {
                let sent = clock.now();
                ball.store(round * 2 + 1, Ordering::Release);
                if !wait_for(round * 2 + 2, &clock) {
                    break;
                }
                let back = clock.now();
                let skew = bounds(sent, HostNs::new(theirs.load(Ordering::Relaxed)), back);
                if best.is_none_or(|best| skew.at_most < best.at_most) {
                    best = Some(skew);
                }
            }
            best.filter(|_| is_pinned)
        });
        tosser.join().unwrap_or(None)
    });
    best.ok_or_else(|| "the cores did not answer each other in time".to_owned())
}

/// The other clock was read at some instant between `sent` and `back`: so far off it is, at least and
/// at most.
fn bounds(sent: HostNs, theirs: HostNs, back: HostNs) -> Skew {
    let outside = sent.since(theirs).raw().max(theirs.since(back).raw());
    let farthest = if theirs > sent { theirs.since(sent) } else { back.since(theirs) };
    let farthest = farthest.raw().max(back.since(theirs).raw());
    Skew { at_least: DurationNs::new(outside), at_most: DurationNs::new(farthest) }
}

#[cfg(test)]
mod tests;
