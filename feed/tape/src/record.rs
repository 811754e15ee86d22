//! What one record says, and its bytes inside a block.
//!
//! A record is a kind, an instant and a payload. Kinds this build does not know are passed over by
//! the reader with a count, so that a later writer may add one within the same format version.

use std::ops::Range;

use paperwire_core::time::HostNs;

use crate::layout::{PAYLOAD_BYTES_MAX, get_varint, put_varint, u64_at, unzigzag, zigzag};

const KIND_FRAME: u8 = 1;
const KIND_CONTROL: u8 = 2;
const KIND_GAP: u8 = 3;
const GAP_LEN: usize = 32;

/// One thing that reached the feed, in the order it was handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When it was received or decided; not necessarily ascending, as two cores may disagree.
    pub rx: HostNs,
    /// What it was.
    pub body: Body<'a>,
}

/// The content of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body<'a> {
    /// The exact bytes of one WebSocket message.
    Frame(&'a [u8]),
    /// Something the feed decided by clock (timer, stale mark, reconnect, conflation); its bytes
    /// belong to the feed.
    Control(&'a [u8]),
    /// The recorder could not keep up here.
    Gap(Gap),
}

/// What the recording, not the market, lost. A replay over a gap cannot give the session's digest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gap {
    /// Records that are missing.
    pub records: u64,
    /// Their payload bytes.
    pub bytes: u64,
    /// When the first of them was received.
    pub from: HostNs,
    /// When the last of them was received.
    pub to: HostNs,
}

impl Gap {
    fn encode(&self) -> [u8; GAP_LEN] {
        let mut out = [0; GAP_LEN];
        out[0..8].copy_from_slice(&self.records.to_le_bytes());
        out[8..16].copy_from_slice(&self.bytes.to_le_bytes());
        out[16..24].copy_from_slice(&self.from.raw().to_le_bytes());
        out[24..32].copy_from_slice(&self.to.raw().to_le_bytes());
        out
    }

    fn decode(payload: &[u8]) -> Option<Self> {
        (payload.len() == GAP_LEN).then(|| Self {
            records: u64_at(payload, 0),
            bytes: u64_at(payload, 8),
            from: HostNs::new(u64_at(payload, 16)),
            to: HostNs::new(u64_at(payload, 24)),
        })
    }
}

impl Body<'_> {
    /// Gives the kind byte and the payload bytes to `write`.
    pub(crate) fn with_bytes<T>(&self, write: impl FnOnce(u8, &[u8]) -> T) -> T {
        match self {
            Self::Frame(bytes) => write(KIND_FRAME, bytes),
            Self::Control(bytes) => write(KIND_CONTROL, bytes),
            Self::Gap(gap) => write(KIND_GAP, &gap.encode()),
        }
    }
}

/// A record found in a block, by place rather than by reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) kind: u8,
    pub(crate) rx: u64,
    pub(crate) payload: Range<usize>,
}

impl Found {
    /// True if this build gives records of this kind out.
    pub(crate) fn is_known(&self) -> bool {
        matches!(self.kind, KIND_FRAME | KIND_CONTROL | KIND_GAP)
    }

    /// The record itself; `None` for an unknown kind.
    pub(crate) fn record<'a>(&self, block: &'a [u8]) -> Option<Record<'a>> {
        let payload = &block[self.payload.clone()];
        let body = match self.kind {
            KIND_FRAME => Body::Frame(payload),
            KIND_CONTROL => Body::Control(payload),
            KIND_GAP => Body::Gap(Gap::decode(payload)?),
            _ => return None,
        };
        Some(Record { rx: HostNs::new(self.rx), body })
    }
}

/// Appends a record; its instant is written as the difference from `rx_prev`, wrapping, so that any
/// order of any instants survives.
pub(crate) fn put(out: &mut Vec<u8>, kind: u8, rx_prev: u64, rx: u64, payload: &[u8]) {
    assert!(payload.len() <= PAYLOAD_BYTES_MAX, "the writer checks the length first");
    out.push(kind);
    put_varint(out, zigzag(rx.wrapping_sub(rx_prev).cast_signed()));
    put_varint(out, u64::try_from(payload.len()).unwrap_or(u64::MAX));
    out.extend_from_slice(payload);
}

/// Reads the record at `at`; `None` when it does not fit the block or a known kind is malformed.
pub(crate) fn get(block: &[u8], at: usize, rx_prev: u64) -> Option<Found> {
    let kind = *block.get(at)?;
    let (folded, at) = get_varint(block, at + 1)?;
    let (len, at) = get_varint(block, at)?;
    let len = usize::try_from(len).ok()?;
    if len > PAYLOAD_BYTES_MAX || len > block.len() - at {
        return None;
    }
    if kind == KIND_GAP && len != GAP_LEN {
        return None;
    }
    let rx = rx_prev.wrapping_add(unzigzag(folded).cast_unsigned());
    Some(Found { kind, rx, payload: at..at + len })
}
