//! When a frame can have arrived: between two instants, of which the earlier one counts after a stall.
//!
//! The kernel's receive time is that of a segment's last byte, and segments that wait together share one. So a
//! process that did not read for half a second finds half a second of frames with the time of the last of them.
//! `Arrivals` bounds each frame from the other side: it came after the last poll that left nothing in the kernel,
//! and after the instant that the exchange wrote into it, moved by the least offset between the two clocks of the
//! last minute. Runs on the feed thread; a frame read within [`STALL_MIN`] of an empty poll costs two comparisons.
//! Nothing here allocates or reads a clock.

mod offset;

use paperwire_core::limits::BACKLOG_BYTES_MIN;
use paperwire_core::time::{DurationNs, ExchNs, HostNs};

use crate::net::socket::ReadStamps;
use offset::LeastOffset;

/// A read this long after the last empty poll follows a stall. Less is what a parked thread sleeps, and charging
/// that to every frame would count one sleep twice.
pub const STALL_MIN: DurationNs = DurationNs::from_millis(1);
/// A stall this long is told.
const STALL_TOLD_MIN: DurationNs = DurationNs::from_millis(100);
/// The time of a frame stands at its end; no row of a message is longer.
const STAMP_WITHIN: usize = 4_096;
const STAMP_KEY: &[u8] = b"\"timestamp\":\"";

/// When a frame arrived, as far as it can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Not before this.
    pub earliest: HostNs,
    /// Not after this: the kernel's receive time, or the read.
    pub latest: HostNs,
    /// Whether the earlier end is the start of the frame's response.
    pub is_bounded: bool,
}

impl Arrival {
    /// The arrival of a frame that was read soon after an empty poll.
    #[inline]
    pub(crate) fn by_kernel(stamps: &ReadStamps, kernel: Option<HostNs>) -> Self {
        // The two clocks were related up to a second ago and may have been set since.
        let latest = kernel.unwrap_or(stamps.read_at).max(stamps.empty_at).min(stamps.read_at);
        Self { earliest: stamps.empty_at, latest, is_bounded: false }
    }

    /// The start of the frame's response.
    pub const fn counted(&self) -> HostNs {
        if self.is_bounded { self.earliest } else { self.latest }
    }
}

/// Bytes of an encoded arrival: both ends.
pub const ARRIVAL_BYTES: usize = 16;

impl Arrival {
    /// The payload of a tape's record.
    pub fn encode(&self) -> [u8; ARRIVAL_BYTES] {
        let mut out = [0; ARRIVAL_BYTES];
        out[..8].copy_from_slice(&self.earliest.raw().to_le_bytes());
        out[8..].copy_from_slice(&self.latest.raw().to_le_bytes());
        out
    }

    /// Reads a payload; `None` when it is not one.
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let bytes: &[u8; ARRIVAL_BYTES] = payload.try_into().ok()?;
        let end = |at: usize| {
            let bytes = bytes[at..at + 8].first_chunk()?;
            Some(HostNs::new(u64::from_le_bytes(*bytes)))
        };
        let (earliest, latest) = (end(0)?, end(8)?);
        (earliest <= latest).then_some(Self { earliest, latest, is_bounded: true })
    }
}

/// Frames whose earlier end counted. Counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ArrivalCounts {
    /// All of them.
    pub bounded: u64,
    /// Those whose bound is the exchange's time.
    pub by_exchange: u64,
    /// Frames without a receive time of the kernel.
    pub unstamped: u64,
    /// The widest span between the two ends.
    pub widest: DurationNs,
}

impl ArrivalCounts {
    /// Takes a frame whose earlier end counts.
    pub fn add(&mut self, arrival: &Arrival) {
        self.bounded += 1;
        self.widest = self.widest.max(arrival.latest.since(arrival.earliest));
    }
}

/// A stretch during which this process did not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// The last empty poll before it.
    pub from: HostNs,
    /// The last read that found what had gathered.
    pub to: HostNs,
    /// Frames that had.
    pub frames: u64,
}

/// Places frames in time.
#[derive(Debug)]
pub(crate) struct Arrivals {
    /// `None` where the exchange's clock runs at another speed than ours.
    offsets: Option<LeastOffset>,
    /// While frames may have waited at the sender: the last empty poll before it came to that.
    held_since: Option<HostNs>,
    /// Bound of the last frame with a time, and the read that it came with.
    last: Option<(HostNs, HostNs)>,
    counts: ArrivalCounts,
    stall: Option<Stall>,
}

impl Arrivals {
    pub(crate) fn new(has_exchange_time: bool) -> Self {
        let offsets = has_exchange_time.then(LeastOffset::default);
        let counts = ArrivalCounts::default();
        Self { offsets, held_since: None, last: None, counts, stall: None }
    }

    /// Another connection: nothing waits at its sender, and its way may be another.
    pub(crate) fn on_connected(&mut self) {
        let offsets = self.offsets.as_ref().map(|_| LeastOffset::default());
        *self = Self { offsets, held_since: None, last: None, ..*self };
    }

    pub(crate) const fn counts(&self) -> &ArrivalCounts {
        &self.counts
    }

    /// The last stall that is worth a word, once.
    pub(crate) const fn take_stall(&mut self) -> Option<Stall> {
        self.stall.take()
    }

    /// When `frame` arrived, of a read for which the kernel gave this time.
    #[inline]
    pub(crate) fn place(
        &mut self,
        stamps: &ReadStamps,
        kernel: Option<HostNs>,
        frame: &[u8],
    ) -> Arrival {
        if kernel.is_some() && self.held_since.is_none() && stamps.waited() <= STALL_MIN {
            return Arrival::by_kernel(stamps, kernel);
        }
        self.bound(stamps, kernel, frame)
    }

    /// Learns from the exchange's time of a frame that was placed; nothing is learnt after a stall, when the kernel's
    /// time may be late, nor from what waited at the sender.
    #[inline]
    pub(crate) fn learn(&mut self, stamps: &ReadStamps, sent: ExchNs, latest: HostNs) {
        if let Some(offsets) = &mut self.offsets
            && self.held_since.is_none()
            && stamps.waited() <= STALL_MIN
        {
            offsets.push(sent, latest);
        }
    }

    #[cold]
    fn bound(&mut self, stamps: &ReadStamps, kernel: Option<HostNs>, frame: &[u8]) -> Arrival {
        let is_late = stamps.waited() > STALL_MIN;
        let Arrival { latest, .. } = Arrival::by_kernel(stamps, kernel);
        let sent = self.offsets.as_ref().and_then(|of| of.on_host(stamp_of(frame)?));
        if is_late && stamps.taken >= BACKLOG_BYTES_MIN && self.offsets.is_some() {
            self.held_since.get_or_insert(stamps.empty_at);
        }
        if let (Some(since), Some(sent)) = (self.held_since, sent)
            && since < stamps.empty_at
            && self.offsets.as_ref().is_some_and(|of| of.is_usual(latest.since(sent)))
        {
            self.held_since = None;
        }
        let is_bounded =
            is_late || kernel.is_none() || (self.held_since.is_some() && sent.is_some());
        if !is_bounded {
            return Arrival::by_kernel(stamps, kernel);
        }
        let earliest = self.earliest(stamps, sent).min(latest);
        let arrival = Arrival { earliest, latest, is_bounded };
        self.counts.add(&arrival);
        self.counts.unstamped += u64::from(kernel.is_none());
        self.counts.by_exchange += u64::from(sent == Some(earliest));
        self.note_stall(stamps);
        arrival
    }

    fn earliest(&mut self, stamps: &ReadStamps, sent: Option<HostNs>) -> HostNs {
        match sent {
            // What waited at the sender was put there after the stall began.
            Some(sent) => {
                let earliest = sent.max(self.held_since.unwrap_or(stamps.empty_at));
                self.last = Some((earliest, stamps.read_at));
                earliest
            }
            // A frame comes after those before it.
            None => {
                let before = self.last.filter(|(_, read_at)| *read_at == stamps.read_at);
                before.map_or(stamps.empty_at, |(earliest, _)| earliest.max(stamps.empty_at))
            }
        }
    }

    fn note_stall(&mut self, stamps: &ReadStamps) {
        if stamps.waited() < STALL_TOLD_MIN {
            return;
        }
        let same = self.stall.filter(|stall| stall.from == stamps.empty_at);
        let frames = same.map_or(0, |stall| stall.frames) + 1;
        self.stall = Some(Stall { from: stamps.empty_at, to: stamps.read_at, frames });
    }
}

/// The exchange's time in the text of a frame; the end of a bar is none.
fn stamp_of(frame: &[u8]) -> Option<ExchNs> {
    if frame.starts_with(b"{\"channel\":\"ohlc\"") {
        return None;
    }
    let end = &frame[frame.len().saturating_sub(STAMP_WITHIN)..];
    let key = end.windows(STAMP_KEY.len()).rposition(|window| window == STAMP_KEY)?;
    let value = &end[key + STAMP_KEY.len()..];
    let len = value.iter().position(|byte| *byte == b'"')?;
    ExchNs::parse_rfc3339(&value[..len])
}

#[cfg(test)]
mod tests;
