//! The host clock: the time-stamp counter scaled to nanoseconds, and UTC beside it.

use paperwire_core::agent::Clock;
use paperwire_core::time::{ExchNs, HostNs};

/// Reads the TSC; clones are the same clock and may move to any thread.
#[derive(Clone, Debug)]
pub struct HostClock {
    inner: quanta::Clock,
    /// In the counter's own units.
    origin: u64,
}

impl Default for HostClock {
    fn default() -> Self {
        Self::new()
    }
}

impl HostClock {
    /// The process's clock; the first call calibrates the counter (about 10 to 200 ms).
    pub fn new() -> Self {
        static CLOCK: std::sync::OnceLock<HostClock> = std::sync::OnceLock::new();
        CLOCK
            .get_or_init(|| {
                let inner = quanta::Clock::new();
                let origin = inner.raw();
                Self { inner, origin }
            })
            .clone()
    }

    /// Now, as nanoseconds since the process's first use of the clock.
    #[inline]
    pub fn now(&self) -> HostNs {
        // By way of a `Duration` it would be divided into seconds and multiplied again.
        HostNs::new(self.inner.delta_as_nanos(self.origin, self.inner.raw()))
    }

    /// What a UTC instant is on this clock, by one reading of both clocks at once.
    pub fn relation(&self) -> UtcRelation {
        UtcRelation { utc: utc_now(), host: self.now() }
    }
}

impl Clock for HostClock {
    #[inline]
    fn now(&self) -> HostNs {
        Self::now(self)
    }
}

/// The UTC wall clock; for names of files, the epoch of simulated markets and log lines.
pub fn utc_now() -> ExchNs {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ns = since.map(|s| i64::try_from(s.as_nanos()).unwrap_or(i64::MAX)).unwrap_or(0);
    ExchNs::new(ns)
}

/// One simultaneous reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub struct UtcRelation {
    utc: ExchNs,
    host: HostNs,
}

impl UtcRelation {
    /// A UTC instant on the host clock; instants before the clock's start become zero.
    pub fn to_host(&self, at: ExchNs) -> HostNs {
        let offset = at.raw() - self.utc.raw();
        let host = i128::from(self.host.raw()) + i128::from(offset);
        HostNs::new(u64::try_from(host.max(0)).unwrap_or(u64::MAX))
    }

    /// A host instant as UTC.
    pub fn to_utc(&self, at: HostNs) -> ExchNs {
        let offset = i128::from(at.raw()) - i128::from(self.host.raw());
        ExchNs::new(i64::try_from(i128::from(self.utc.raw()) + offset).unwrap_or(i64::MAX))
    }

    /// When it was taken.
    pub const fn taken_at(&self) -> HostNs {
        self.host
    }
}
