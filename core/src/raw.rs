//! The byte ring from the feed to the recorder: records of any length in one fixed piece of memory.
//!
//! A record that does not fit is not written; the next one that fits is preceded by a gap record with
//! the number lost, so that a recording never hides a hole.

use crate::limits::RAW_RING_BYTES;
use crate::time::HostNs;

/// What a record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RawKind {
    /// Text of a WebSocket message exactly as received.
    Frame = 1,
    /// Something the feed decided by its clock, as encoded by the feed.
    Control = 2,
    /// The payload is the number of records lost, as eight little-endian bytes.
    Gap = 3,
    /// Checksums after the reports of the last second, as encoded by the bridge.
    Trail = 4,
    /// Between which instants the next frame arrived, as encoded by the feed.
    Arrival = 5,
}

impl RawKind {
    /// The kind of a code, as read back from a recording.
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Frame),
            2 => Some(Self::Control),
            3 => Some(Self::Gap),
            4 => Some(Self::Trail),
            5 => Some(Self::Arrival),
            _ => None,
        }
    }
}

/// A record without its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawRecord {
    /// What it holds.
    pub kind: RawKind,
    /// When the feed received or decided it.
    pub rx: HostNs,
}

const HEADER_LEN: usize = 1 + 8 + 4;

/// The writing end.
#[derive(Debug)]
pub struct RawProducer {
    inner: rtrb::Producer<u8>,
    lost: u64,
    lost_total: u64,
}

/// The reading end.
#[derive(Debug)]
pub struct RawConsumer {
    inner: rtrb::Consumer<u8>,
}

/// A byte ring of [`RAW_RING_BYTES`].
pub fn raw_ring() -> (RawProducer, RawConsumer) {
    raw_ring_of(RAW_RING_BYTES)
}

/// A byte ring of another size, for tests of a full one.
pub fn raw_ring_of(bytes: usize) -> (RawProducer, RawConsumer) {
    let (producer, consumer) = rtrb::RingBuffer::new(bytes);
    (RawProducer { inner: producer, lost: 0, lost_total: 0 }, RawConsumer { inner: consumer })
}

impl RawProducer {
    /// Writes a record, or counts it as lost when there is no room.
    pub fn push(&mut self, kind: RawKind, rx: HostNs, payload: &[u8]) {
        if self.lost > 0 {
            let lost = self.lost.to_le_bytes();
            let room = self.inner.slots() >= 2 * HEADER_LEN + lost.len() + payload.len();
            if !room || !self.write(RawKind::Gap, rx, &lost) {
                self.lost += 1;
                self.lost_total += 1;
                return;
            }
            self.lost = 0;
        }
        if !self.write(kind, rx, payload) {
            self.lost += 1;
            self.lost_total += 1;
        }
    }

    /// Records lost so far.
    pub const fn lost_total(&self) -> u64 {
        self.lost_total
    }

    fn write(&mut self, kind: RawKind, rx: HostNs, payload: &[u8]) -> bool {
        let Ok(len) = u32::try_from(payload.len()) else {
            return false;
        };
        let Ok(mut chunk) = self.inner.write_chunk(HEADER_LEN + payload.len()) else {
            return false;
        };
        let mut header = [0u8; HEADER_LEN];
        header[0] = kind as u8;
        header[1..9].copy_from_slice(&rx.raw().to_le_bytes());
        header[9..].copy_from_slice(&len.to_le_bytes());
        let (first, second) = chunk.as_mut_slices();
        scatter(first, second, 0, &header);
        scatter(first, second, HEADER_LEN, payload);
        chunk.commit_all();
        true
    }
}

/// Copies `bytes` to offset `at` of the concatenation of two slices.
fn scatter(first: &mut [u8], second: &mut [u8], at: usize, bytes: &[u8]) {
    let in_first = first.len().saturating_sub(at).min(bytes.len());
    if in_first > 0 {
        first[at..at + in_first].copy_from_slice(&bytes[..in_first]);
    }
    let rest = &bytes[in_first..];
    if !rest.is_empty() {
        let start = (at + in_first) - first.len();
        second[start..start + rest.len()].copy_from_slice(rest);
    }
}

impl RawConsumer {
    /// Takes the oldest record; its payload replaces the content of `payload`.
    ///
    /// # Panics
    /// When the ring holds something that its producer cannot have written.
    pub fn next(&mut self, payload: &mut Vec<u8>) -> Option<RawRecord> {
        let header = self.inner.read_chunk(HEADER_LEN).ok()?;
        let mut bytes = [0u8; HEADER_LEN];
        gather(header.as_slices(), &mut bytes);
        header.commit_all();
        let kind = RawKind::from_code(bytes[0]).expect("only kinds are written");
        let mut rx = [0u8; 8];
        rx.copy_from_slice(&bytes[1..9]);
        let mut len = [0u8; 4];
        len.copy_from_slice(&bytes[9..]);
        let len = usize::try_from(u32::from_le_bytes(len)).expect("usize holds 32 bits");
        let body = self.inner.read_chunk(len).expect("header and payload are published together");
        payload.resize(len, 0);
        gather(body.as_slices(), payload);
        body.commit_all();
        Some(RawRecord { kind, rx: HostNs::new(u64::from_le_bytes(rx)) })
    }

    /// True once the writing end is gone; records may still wait.
    pub fn is_abandoned(&self) -> bool {
        self.inner.is_abandoned()
    }
}

fn gather((first, second): (&[u8], &[u8]), out: &mut [u8]) {
    out[..first.len()].copy_from_slice(first);
    out[first.len()..].copy_from_slice(second);
}

#[cfg(test)]
mod tests;
