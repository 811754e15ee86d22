//! Waiting that ends: at an instant, or as soon as somebody asks the program to stop.
//!
//! For cold threads only. Whatever connects, shakes hands or asks for something gets one [`Deadline`]
//! for the whole of it; a peer that sends a byte now and then does not move it. What a system call
//! would hold beyond that is done by [`Deadline::run`] on a thread of its own, which is left behind.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

use paperwire_core::time::{DurationNs, HostNs};

use crate::clock::HostClock;

/// Nothing waits longer than this between two looks at a request to stop.
pub const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Requests to stop, counted; shared by everything that waits.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<AtomicU32>);

impl Stop {
    /// The count that signals write to.
    pub const fn of(requests: Arc<AtomicU32>) -> Self {
        Self(requests)
    }

    /// True from the first request on.
    pub fn is_requested(&self) -> bool {
        self.0.load(Ordering::Acquire) > 0
    }
}

/// Why a wait ended before what was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Late {
    /// The deadline passed.
    #[error("timed out")]
    TimedOut,
    /// Somebody asked the program to stop.
    #[error("stopped on request")]
    Stopped,
    /// The thread that did the work panicked, or the system has none left.
    #[error("its thread ended early")]
    Gone,
}

impl From<Late> for io::Error {
    fn from(late: Late) -> Self {
        Self::new(io::ErrorKind::TimedOut, late)
    }
}

/// The end of a wait.
#[derive(Clone, Debug)]
pub struct Deadline {
    clock: HostClock,
    at: HostNs,
    stop: Stop,
}

impl Deadline {
    /// So long from now, or until a request to stop.
    pub fn within(limit: DurationNs, clock: &HostClock, stop: &Stop) -> Self {
        Self { clock: clock.clone(), at: clock.now().plus(limit), stop: stop.clone() }
    }

    /// Time until the deadline, never zero.
    ///
    /// # Errors
    /// [`Late`] when it has passed, or when a stop was requested.
    pub fn left(&self) -> Result<Duration, Late> {
        if self.stop.is_requested() {
            return Err(Late::Stopped);
        }
        match self.at.since(self.clock.now()).raw() {
            0 => Err(Late::TimedOut),
            left => Ok(Duration::from_nanos(left)),
        }
    }

    /// How long a system call may wait before the deadline is looked at again.
    ///
    /// # Errors
    /// [`Late`].
    pub fn slice(&self) -> Result<Duration, Late> {
        self.left().map(|left| left.min(LOOK_EVERY))
    }

    /// Waits so long.
    ///
    /// # Errors
    /// [`Late`] when the deadline or a request to stop comes first.
    pub fn pause(&self, length: DurationNs) -> Result<(), Late> {
        let end = self.clock.now().plus(length);
        while self.clock.now() < end {
            self.left()?;
            crate::runner::Wait::Doze.wait();
        }
        Ok(())
    }

    /// Does `work` on a thread called `name` and waits for it. Work that is not done by the deadline is
    /// left behind on its thread, and its result is dropped there.
    ///
    /// # Errors
    /// [`Late`].
    pub fn run<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Late> {
        let (done, result) = sync_channel(1);
        std::thread::Builder::new()
            .name(name.to_owned())
            // Nobody may be waiting any more; then the result is dropped.
            .spawn(move || drop(done.send(work())))
            .map_err(|_| Late::Gone)?;
        loop {
            match result.recv_timeout(self.slice()?) {
                Ok(value) => return Ok(value),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Err(Late::Gone),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deadline(limit: DurationNs) -> (Deadline, Arc<AtomicU32>) {
        let requests = Arc::new(AtomicU32::new(0));
        let stop = Stop::of(requests.clone());
        (Deadline::within(limit, &HostClock::new(), &stop), requests)
    }

    #[test]
    fn work_that_never_ends_is_left_behind_at_the_deadline_and_at_a_request_to_stop() {
        let never = || std::thread::park();
        let (short, _) = deadline(DurationNs::from_millis(1));
        assert_eq!(short.run("never", never), Err(Late::TimedOut));
        assert_eq!(short.pause(DurationNs::from_secs(3_600)), Err(Late::TimedOut));
        let (long, requests) = deadline(DurationNs::from_secs(3_600));
        assert_eq!(long.run("at once", || 7), Ok(7));
        requests.fetch_add(1, Ordering::AcqRel);
        assert_eq!(long.run("never", never), Err(Late::Stopped));
        assert_eq!(long.pause(DurationNs::from_secs(3_600)), Err(Late::Stopped));
    }

    #[test]
    fn work_that_panics_is_told_from_work_that_is_late() {
        let (long, _) = deadline(DurationNs::from_secs(3_600));
        assert_eq!(long.run::<()>("panics", || panic!("as the test wants")), Err(Late::Gone));
    }
}
