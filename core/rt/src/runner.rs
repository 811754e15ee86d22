//! Turns an agent on its own thread: pins it, waits as configured, arms the allocation guard while
//! the agent is warm, and keeps a record of the stalls the machine inflicted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use paperwire_core::agent::Agent;
use paperwire_core::hiccup::HiccupMeter;
use paperwire_core::latency::HICCUP_MIN;
use paperwire_core::time::DurationNs;

use crate::alloc_guard;
use crate::clock::HostClock;
use crate::host::thread_usage;
use crate::watch::thread_id;
use paperwire_core::thread::ThreadUsage;

/// What a thread does when a step found nothing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Burns its core: lowest latency, needs a core of its own.
    Spin,
    /// Offers its core to others between polls.
    Yield,
    /// Sleeps a little between polls: for machines with fewer cores than threads.
    Park,
    /// Sleeps a millisecond: for helpers that nothing waits for.
    Doze,
    /// Sleeps fifty milliseconds: for helpers on a core that a spinning thread needs.
    Rest,
}

impl Wait {
    /// The choice for a machine of `cores` usable cores: three threads spin, and something must be
    /// left for the rest.
    pub const fn for_cores(cores: usize) -> Self {
        match cores {
            0..=2 => Self::Park,
            3 => Self::Yield,
            _ => Self::Spin,
        }
    }

    /// The word used in configuration and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Spin => "spin",
            Self::Yield => "yield",
            Self::Park => "park",
            Self::Doze => "doze",
            Self::Rest => "rest",
        }
    }

    /// Waits once.
    #[inline]
    pub fn wait(self) {
        match self {
            Self::Spin => std::hint::spin_loop(),
            Self::Yield => std::thread::yield_now(),
            Self::Park => sleep(PARK),
            Self::Doze => sleep(DOZE),
            Self::Rest => sleep(REST),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where a thread may sleep")]
fn sleep(length: Duration) {
    std::thread::sleep(length);
}

/// Long enough to free the core, short against the network's own jitter of milliseconds.
const PARK: Duration = Duration::from_micros(50);
const DOZE: Duration = Duration::from_millis(1);
const REST: Duration = Duration::from_millis(50);

/// How to run one agent.
#[derive(Clone, Copy, Debug)]
pub struct RunnerConfig {
    /// Core to pin to, or `None` to leave it to the scheduler.
    pub core: Option<usize>,
    /// What to do without work.
    pub wait: Wait,
}

/// What the thread saw of its machine; read from other threads.
#[derive(Debug, Default)]
pub struct RunnerStats {
    thread: AtomicI32,
    steps: AtomicU64,
    hiccups: AtomicU64,
    hiccup_max_ns: AtomicU64,
    lost_ns: AtomicU64,
    switches_by_force: AtomicU64,
    switches_by_choice: AtomicU64,
    minor_faults: AtomicU64,
    major_faults: AtomicU64,
    is_pinned: AtomicBool,
}

impl RunnerStats {
    /// The kernel's number of the thread, once it runs.
    pub fn thread(&self) -> Option<i32> {
        Some(self.thread.load(Ordering::Acquire)).filter(|thread| *thread != 0)
    }

    /// Turns so far.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Times a spinning thread lost at least [`HICCUP_MIN`] between two turns without work.
    pub fn hiccups(&self) -> u64 {
        self.hiccups.load(Ordering::Relaxed)
    }

    /// The longest of them.
    pub fn hiccup_max(&self) -> DurationNs {
        DurationNs::new(self.hiccup_max_ns.load(Ordering::Relaxed))
    }

    /// All of them together.
    pub fn lost(&self) -> DurationNs {
        DurationNs::new(self.lost_ns.load(Ordering::Relaxed))
    }

    /// Faults and switches from the first step to the last; known once the thread has ended.
    pub fn usage(&self) -> ThreadUsage {
        ThreadUsage {
            minor_faults: self.minor_faults.load(Ordering::Relaxed),
            major_faults: self.major_faults.load(Ordering::Relaxed),
            switches_by_choice: self.switches_by_choice.load(Ordering::Relaxed),
            switches_by_force: self.switches_by_force.load(Ordering::Relaxed),
        }
    }

    fn show(&self, steps: u64, meter: &HiccupMeter) {
        self.steps.store(steps, Ordering::Relaxed);
        self.hiccups.store(meter.count(), Ordering::Relaxed);
        self.lost_ns.store(meter.lost().raw(), Ordering::Relaxed);
        let longest = meter.largest().map_or(0, |largest| largest.span.raw());
        self.hiccup_max_ns.store(longest, Ordering::Relaxed);
    }

    fn show_usage(&self, usage: ThreadUsage) {
        self.minor_faults.store(usage.minor_faults, Ordering::Relaxed);
        self.major_faults.store(usage.major_faults, Ordering::Relaxed);
        self.switches_by_choice.store(usage.switches_by_choice, Ordering::Relaxed);
        self.switches_by_force.store(usage.switches_by_force, Ordering::Relaxed);
    }

    /// True when the kernel accepted the pinning.
    pub fn is_pinned(&self) -> bool {
        self.is_pinned.load(Ordering::Relaxed)
    }
}

/// A running agent.
#[derive(Debug)]
pub struct Running<A> {
    stop: Arc<AtomicBool>,
    stats: Arc<RunnerStats>,
    handle: JoinHandle<A>,
}

impl<A> Running<A> {
    /// Asks the thread to end after its current step.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
    }

    /// True once the thread has ended, by request or by itself.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }

    /// What it saw of the machine.
    pub const fn stats(&self) -> &Arc<RunnerStats> {
        &self.stats
    }

    /// Waits for the end, and gives the agent back with all it knows.
    ///
    /// # Errors
    /// The panic of the thread.
    pub fn join(self) -> std::thread::Result<A> {
        self.handle.join()
    }
}

/// Cores this process may use: those of the mask that it inherited, in which isolated cores are not.
pub fn usable_cores() -> Vec<usize> {
    core_affinity::get_core_ids().map_or_else(Vec::new, |ids| ids.iter().map(|c| c.id).collect())
}

/// Pins the calling thread to a core, inside of the inherited mask or not; false when the kernel refuses, as
/// it does a core that is off or that the cgroup does not have.
pub fn pin(core: usize) -> bool {
    core_affinity::set_for_current(core_affinity::CoreId { id: core })
}

/// Starts the agent on a thread of its own.
///
/// # Errors
/// When the system has no thread left.
pub fn spawn<A: Agent + 'static>(
    agent: A,
    config: RunnerConfig,
    clock: HostClock,
) -> std::io::Result<Running<A>> {
    let stop = Arc::new(AtomicBool::new(false));
    let stats = Arc::new(RunnerStats::default());
    let (thread_stop, thread_stats) = (stop.clone(), stats.clone());
    let handle = std::thread::Builder::new().name(agent.name().to_owned()).spawn(move || {
        if let Some(core) = config.core {
            thread_stats.is_pinned.store(pin(core), Ordering::Relaxed);
        }
        thread_stats.thread.store(thread_id(), Ordering::Release);
        turn(agent, config.wait, &clock, &thread_stop, &thread_stats)
    })?;
    Ok(Running { stop, stats, handle })
}

fn turn<A: Agent>(
    mut agent: A,
    wait: Wait,
    clock: &HostClock,
    stop: &AtomicBool,
    stats: &RunnerStats,
) -> A {
    // Counted here and stored now and then: a locked increment per turn would be felt.
    let mut steps = 0u64;
    let mut meter = HiccupMeter::new(HICCUP_MIN);
    // Touches its pages now: the first gap in each would be a fault of its own.
    meter.clear();
    let before = thread_usage().unwrap_or_default();
    while !stop.load(Ordering::Acquire) {
        let now = clock.now();
        // Two idle turns of a spinning thread are some ten nanoseconds apart; the rest was taken.
        meter.show(now);
        meter.look_away();
        alloc_guard::arm(agent.is_warm());
        let work = agent.step(now);
        steps += 1;
        if steps.is_multiple_of(1024) {
            stats.show(steps, &meter);
        }
        match work {
            None => break,
            Some(work) if work.0 == 0 => {
                if wait == Wait::Spin {
                    meter.show(clock.now());
                }
                wait.wait();
            }
            Some(_) => {}
        }
    }
    alloc_guard::arm(false);
    stats.show_usage(thread_usage().unwrap_or_default().since(before));
    agent.on_close();
    stats.show(steps, &meter);
    agent
}

#[cfg(test)]
mod tests;
