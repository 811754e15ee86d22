//! When the frames of a planned load should have come.
//!
//! Under an open-loop load a frame carries the instant at which it was to be sent. Taking that as its
//! arrival charges every stall, wherever it happens, to each frame that had to wait behind it; the
//! kernel's receive time would forgive the time in which a full socket held the sender up.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use paperwire_core::time::{ExchNs, HostNs};
use paperwire_rt::clock::UtcRelation;

/// `"2026-01-01T00:00:00.000000Z"` stands before this in every book and trade message.
const TAIL: &[u8] = b"\"}]}";
const TIME_LEN: usize = "2026-01-01T00:00:00.000000Z".len();

/// How far the feed has come, for whoever waits for the end of a load.
#[derive(Debug, Default)]
pub struct Progress {
    frames: AtomicU64,
    intended_ns: AtomicU64,
    done_ns: AtomicU64,
}

impl Progress {
    /// Frames with an intended time that are done.
    pub fn frames(&self) -> u64 {
        self.frames.load(Ordering::Acquire)
    }

    /// When the latest of them was to be sent.
    pub fn intended_at(&self) -> HostNs {
        HostNs::new(self.intended_ns.load(Ordering::Acquire))
    }

    /// When it was done.
    pub fn done_at(&self) -> HostNs {
        HostNs::new(self.done_ns.load(Ordering::Acquire))
    }
}

/// The sender's way from its instants to the host's clock, and the account of what came.
#[derive(Clone, Debug)]
pub struct Plan {
    relation: UtcRelation,
    progress: Arc<Progress>,
    is_from_read: bool,
}

impl Plan {
    /// A load whose timestamps were made from the host's clock by this very relation.
    pub const fn new(relation: UtcRelation, progress: Arc<Progress>) -> Self {
        Self { relation, progress, is_from_read: false }
    }

    /// Responses count from the read that fetched a frame instead. That forgives every wait before
    /// it, so it tells what the program takes, never what a user gets.
    #[must_use]
    pub fn from_read(self, is_from_read: bool) -> Self {
        Self { is_from_read, ..self }
    }

    /// What counts as the arrival of a frame: its read, or when it was to be sent if it is a part of the load.
    pub(crate) fn arrival(&self, frame: &[u8], read_at: HostNs) -> Option<HostNs> {
        if self.is_from_read { Some(read_at) } else { self.intended_at(frame) }
    }

    /// When a frame was to be sent; `None` for what is not a part of the load.
    pub(crate) fn intended_at(&self, frame: &[u8]) -> Option<HostNs> {
        let before = frame.strip_suffix(TAIL)?;
        let at = before.get(before.len().checked_sub(TIME_LEN)?..)?;
        ExchNs::parse_rfc3339(at).map(|at| self.relation.to_host(at))
    }

    /// A frame with this [`Self::arrival`] is done, and counted if it is a part of the load. Only the feed thread
    /// counts.
    pub(crate) fn done(&self, frame: &[u8], arrival: Option<HostNs>, now: HostNs) {
        let intended = if self.is_from_read { self.intended_at(frame) } else { arrival };
        let Some(intended) = intended else { return };
        let progress = &*self.progress;
        progress.intended_ns.store(intended.raw(), Ordering::Relaxed);
        progress.done_ns.store(now.raw(), Ordering::Relaxed);
        let frames = progress.frames.load(Ordering::Relaxed);
        progress.frames.store(frames + 1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::time::DurationNs;
    use paperwire_rt::clock::HostClock;

    use super::*;

    #[test]
    fn the_last_time_of_a_frame_is_its_intended_one() {
        let relation = HostClock::new().relation();
        let plan = Plan::new(relation, Arc::default());
        let at = relation.taken_at().plus(DurationNs::from_secs(5));
        let utc = relation.to_utc(at).raw() / 1_000 * 1_000;
        let text = paperwire_core::time::Rfc3339 { at: ExchNs::new(utc), fraction: 6 };
        let frame = format!(
            r#"{{"data":[{{"timestamp":"2020-01-01T00:00:00.000000Z"}},{{"timestamp":"{text}"}}]}}"#
        );
        let intended = plan.intended_at(frame.as_bytes()).unwrap();
        assert_eq!(relation.to_utc(intended), ExchNs::new(utc));
        let read_at = at.plus(DurationNs::from_micros(7));
        assert_eq!(plan.arrival(frame.as_bytes(), read_at), Some(intended));
        assert_eq!(plan.clone().from_read(true).arrival(frame.as_bytes(), read_at), Some(read_at));
        plan.done(frame.as_bytes(), plan.arrival(frame.as_bytes(), read_at), read_at);
        plan.done(b"{}", plan.arrival(b"{}", read_at), read_at);
        assert_eq!((plan.progress.frames(), plan.progress.intended_at()), (1, intended));
        for other in [r#"{"channel":"heartbeat"}"#, "", r#""}]}"#, r#"{"data":[{"qty":"1.0"}]}"#] {
            assert_eq!(plan.intended_at(other.as_bytes()), None);
        }
    }
}
