//! The contract of a pinned thread: a value that is stepped.
//!
//! The runner in `paperwire-rt` turns an agent on its own thread; tests and replay call `step`
//! themselves, with no thread, no sleep and no port.

use crate::time::HostNs;

/// How much a step did; zero lets the runner wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WorkCount(pub usize);

/// Something that one thread turns.
pub trait Agent: Send {
    /// Shown as the thread's name.
    fn name(&self) -> &'static str;
    /// One bounded turn; `now` decides timeouts. `None` ends the agent.
    fn step(&mut self, now: HostNs) -> Option<WorkCount>;
    /// True while steps must not allocate; the runner arms the allocation guard accordingly.
    fn is_warm(&self) -> bool;
    /// Called once after the last step, on the same thread.
    fn on_close(&mut self) {}
}

/// Reads the host clock, for measuring only; decisions use the `now` of the step.
pub trait Clock: Send {
    /// Now.
    fn now(&self) -> HostNs;
}

/// A clock that stands still, for tests that measure nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> HostNs {
        HostNs::default()
    }
}
