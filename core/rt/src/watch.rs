//! What the kernel did to one of our threads, asked from another: time on a core, time it waited for one.
//!
//! Two system calls a look, none of them on the watched thread. Time on a core comes from the thread's own
//! CPU clock (`clock_getcpuclockid(3)` explains its number), which is exact to the moment; `schedstat` has the
//! time it was ready and another ran in its place.

use std::fs::File;
use std::os::unix::fs::FileExt;

use paperwire_core::thread::ThreadLook;
use paperwire_core::time::DurationNs;

use crate::clock::HostClock;

/// The kernel's number of the calling thread.
pub fn thread_id() -> i32 {
    // SAFETY: gettid takes nothing, fails never and touches no memory of ours.
    // JUSTIFICATION: the standard library's ThreadId is not the kernel's.
    unsafe { libc::gettid() }
}

/// Time that a thread ran and time that it was ready and did not, by the text of its `schedstat`. The former
/// may be a timer's tick behind while it runs.
pub fn ran_and_waited(schedstat: &str) -> Option<(DurationNs, DurationNs)> {
    let mut times = schedstat.split_whitespace().map_while(|text| text.parse().ok());
    Some((DurationNs::new(times.next()?), DurationNs::new(times.next()?)))
}

/// Looks at one thread of this process, as long as it lives.
#[derive(Debug)]
pub struct ThreadWatch {
    clock_id: libc::clockid_t,
    schedstat: File,
}

impl ThreadWatch {
    /// A watch over the thread of this number.
    ///
    /// # Errors
    /// When the kernel keeps no statistics of threads (`CONFIG_SCHED_INFO`), or there is no such thread.
    pub fn new(thread: i32) -> std::io::Result<Self> {
        // Per thread, time as the scheduler counts it: the two low bits and the one above them.
        const SCHEDULER_OF_THREAD: libc::clockid_t = 0b110;
        let schedstat = File::open(format!("/proc/self/task/{thread}/schedstat"))?;
        Ok(Self { clock_id: !thread << 3 | SCHEDULER_OF_THREAD, schedstat })
    }

    /// Looks once; `None` when the thread has ended.
    pub fn look(&self, clock: &HostClock) -> Option<ThreadLook> {
        let mut text = [0; 96];
        let len = self.schedstat.read_at(&mut text, 0).ok()?;
        let (_, waited) = ran_and_waited(std::str::from_utf8(&text[..len]).ok()?)?;
        let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
        // SAFETY: the pointer is to one live `timespec`, which the kernel fills; a number that is no clock
        // of ours any more is refused.
        // JUSTIFICATION: no safe wrapper in our dependencies reads the CPU clock of another thread.
        if unsafe { libc::clock_gettime(self.clock_id, &raw mut time) } != 0 {
            return None;
        }
        let (s, ns) = (u64::try_from(time.tv_sec).ok()?, u64::try_from(time.tv_nsec).ok()?);
        let ran = DurationNs::new(s * 1_000_000_000 + ns);
        Some(ThreadLook { at: clock.now(), ran, waited })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_works_is_seen_running_and_one_that_ended_is_not_seen() {
        let clock = HostClock::new();
        let (tell, told) = std::sync::mpsc::channel();
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let worker = std::thread::spawn(move || {
            tell.send(thread_id()).unwrap();
            while wait.try_recv().is_err() {
                std::hint::spin_loop();
            }
        });
        let Ok(watch) = ThreadWatch::new(told.recv().unwrap()) else {
            eprintln!("SKIPPED: this kernel keeps no statistics of threads");
            release.send(()).unwrap();
            return worker.join().unwrap();
        };
        let first = watch.look(&clock).unwrap();
        let later = loop {
            let look = watch.look(&clock).unwrap();
            if look.ran > first.ran {
                break look;
            }
        };
        assert!(later.at > first.at && later.waited >= first.waited);
        release.send(()).unwrap();
        worker.join().unwrap();
        // The kernel forgets a thread a moment after it was joined.
        while watch.look(&clock).is_some() {
            std::thread::yield_now();
        }
    }
}
