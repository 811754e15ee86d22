//! The bytes of a tape: magics, widths, limits, and the checks on each fixed part.
//!
//! Pure functions over slices, no I/O and no allocation. All integers are little-endian, all
//! checksums CRC-32 (IEEE). A `decode` either proves its part or returns `None`; it never panics on
//! any input of the right length. `docs/TAPE.md` draws the same layout.

/// The version this build writes and reads.
pub const FORMAT_VERSION: u16 = 1;

/// Longest payload of one record: twice the largest WebSocket message the feed accepts, so that a
/// frame always fits beside what a control record may add to it.
pub const PAYLOAD_BYTES_MAX: usize = 8 << 20;
const _: () = assert!(PAYLOAD_BYTES_MAX >= paperwire_core::limits::FRAME_BYTES_MAX);

/// Longest session metadata: the instrument table of the whole venue is under 1 MiB.
pub const META_BYTES_MAX: usize = 4 << 20;

/// Longest summary: a digest and one row of numbers per strategy.
pub const SUMMARY_BYTES_MAX: usize = 1 << 20;

/// Raw bytes at which a block is closed without being asked. At the captured 200 B a frame that is
/// some 5,000 frames; larger blocks do not compress noticeably better (measured in `docs/TAPE.md`).
pub const BLOCK_RAW_TARGET: usize = 1 << 20;

/// Kind byte, rx delta (10), payload length (4 for [`PAYLOAD_BYTES_MAX`], 5 by width of `u32`).
pub(crate) const RECORD_HEAD_MAX: usize = 1 + 10 + 5;

/// Most raw bytes of a block: one record of the greatest length, alone.
pub const BLOCK_RAW_MAX: usize = PAYLOAD_BYTES_MAX + RECORD_HEAD_MAX;
const _: () = assert!(BLOCK_RAW_MAX >= BLOCK_RAW_TARGET);

/// Entries kept for seeking. One block a second fills it in 18 hours; then neighbours are merged in
/// pairs, so memory stays at 65,536 x 40 B = 2.5 MiB however long the session is.
pub const INDEX_ENTRIES_MAX: usize = 65_536;

/// Starts with a byte no text has and ends with a newline, so that neither a capture nor a file
/// mangled by a text-mode copy is taken for a tape.
pub(crate) const FILE_MAGIC: [u8; 8] = *b"\x89PWTAPE\n";
pub(crate) const BLOCK_MAGIC: [u8; 4] = *b"PWBK";
pub(crate) const TRAILER_MAGIC: [u8; 4] = *b"PWIX";
pub(crate) const FOOTER_MAGIC: [u8; 8] = *b"PWTEND\x1a\n";

pub(crate) const FILE_HEAD_LEN: usize = 16;
pub(crate) const CRC_LEN: usize = 4;
pub(crate) const BLOCK_HEAD_LEN: usize = 48;
pub(crate) const TRAILER_HEAD_LEN: usize = 20;
pub(crate) const INDEX_ENTRY_LEN: usize = 40;
pub(crate) const FOOTER_LEN: usize = 20;
pub(crate) const TRAILER_LEN_MAX: usize =
    TRAILER_HEAD_LEN + INDEX_ENTRIES_MAX * INDEX_ENTRY_LEN + SUMMARY_BYTES_MAX;

/// The fixed start of the file; the metadata and a checksum over both follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHead {
    pub(crate) version: u16,
    /// Incompatible additions; none is defined, so a reader refuses any.
    pub(crate) flags: u16,
    pub(crate) meta_len: u32,
}

impl FileHead {
    pub(crate) fn encode(self) -> [u8; FILE_HEAD_LEN] {
        let mut out = [0; FILE_HEAD_LEN];
        out[0..8].copy_from_slice(&FILE_MAGIC);
        out[8..10].copy_from_slice(&self.version.to_le_bytes());
        out[10..12].copy_from_slice(&self.flags.to_le_bytes());
        out[12..16].copy_from_slice(&self.meta_len.to_le_bytes());
        out
    }

    /// `None` when the magic is another. The checksum is the caller's: it covers the metadata too.
    pub(crate) fn decode(bytes: &[u8; FILE_HEAD_LEN]) -> Option<Self> {
        if bytes[0..8] != FILE_MAGIC {
            return None;
        }
        Some(Self {
            version: u16::from_le_bytes([bytes[8], bytes[9]]),
            flags: u16::from_le_bytes([bytes[10], bytes[11]]),
            meta_len: u32_at(bytes, 12),
        })
    }
}

/// The fixed start of a block; its compressed bytes follow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockHead {
    pub(crate) packed_len: u32,
    pub(crate) raw_len: u32,
    pub(crate) records: u32,
    /// Records in all blocks before this one: a missing or doubled block shows.
    pub(crate) records_before: u64,
    pub(crate) rx_min: u64,
    pub(crate) rx_max: u64,
    pub(crate) packed_crc: u32,
}

impl BlockHead {
    pub(crate) fn encode(&self) -> [u8; BLOCK_HEAD_LEN] {
        let mut out = [0; BLOCK_HEAD_LEN];
        out[0..4].copy_from_slice(&BLOCK_MAGIC);
        out[4..8].copy_from_slice(&self.packed_len.to_le_bytes());
        out[8..12].copy_from_slice(&self.raw_len.to_le_bytes());
        out[12..16].copy_from_slice(&self.records.to_le_bytes());
        out[16..24].copy_from_slice(&self.records_before.to_le_bytes());
        out[24..32].copy_from_slice(&self.rx_min.to_le_bytes());
        out[32..40].copy_from_slice(&self.rx_max.to_le_bytes());
        out[40..44].copy_from_slice(&self.packed_crc.to_le_bytes());
        let crc = crc32fast::hash(&out[..44]);
        out[44..48].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// `None` unless magic, checksum and limits hold, so that its lengths may be trusted.
    pub(crate) fn decode(bytes: &[u8; BLOCK_HEAD_LEN]) -> Option<Self> {
        if bytes[0..4] != BLOCK_MAGIC || u32_at(bytes, 44) != crc32fast::hash(&bytes[..44]) {
            return None;
        }
        let head = Self {
            packed_len: u32_at(bytes, 4),
            raw_len: u32_at(bytes, 8),
            records: u32_at(bytes, 12),
            records_before: u64_at(bytes, 16),
            rx_min: u64_at(bytes, 24),
            rx_max: u64_at(bytes, 32),
            packed_crc: u32_at(bytes, 40),
        };
        let raw_len = usize::try_from(head.raw_len).ok()?;
        let packed_len = usize::try_from(head.packed_len).ok()?;
        let is_bounded = raw_len <= BLOCK_RAW_MAX && packed_len <= packed_len_max(raw_len);
        let is_filled = head.records > 0 && head.rx_min <= head.rx_max;
        let counts = head.records_before.checked_add(u64::from(head.records)).is_some();
        (is_bounded && is_filled && counts).then_some(head)
    }
}

/// Most bytes that `raw_len` bytes can take when compressed.
pub(crate) fn packed_len_max(raw_len: usize) -> usize {
    zstd::zstd_safe::compress_bound(raw_len)
}

/// A run of one or more neighbouring blocks, for seeking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct IndexEntry {
    pub(crate) offset: u64,
    pub(crate) records_before: u64,
    pub(crate) records: u64,
    pub(crate) rx_min: u64,
    pub(crate) rx_max: u64,
}

impl IndexEntry {
    pub(crate) fn encode(&self) -> [u8; INDEX_ENTRY_LEN] {
        let mut out = [0; INDEX_ENTRY_LEN];
        out[0..8].copy_from_slice(&self.offset.to_le_bytes());
        out[8..16].copy_from_slice(&self.records_before.to_le_bytes());
        out[16..24].copy_from_slice(&self.records.to_le_bytes());
        out[24..32].copy_from_slice(&self.rx_min.to_le_bytes());
        out[32..40].copy_from_slice(&self.rx_max.to_le_bytes());
        out
    }

    pub(crate) fn decode(bytes: &[u8; INDEX_ENTRY_LEN]) -> Self {
        Self {
            offset: u64_at(bytes, 0),
            records_before: u64_at(bytes, 8),
            records: u64_at(bytes, 16),
            rx_min: u64_at(bytes, 24),
            rx_max: u64_at(bytes, 32),
        }
    }
}

/// The fixed start of the trailer; the index entries and the summary follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TrailerHead {
    pub(crate) entries: u32,
    pub(crate) summary_len: u32,
    /// Records in the whole tape.
    pub(crate) records: u64,
}

impl TrailerHead {
    pub(crate) fn encode(self) -> [u8; TRAILER_HEAD_LEN] {
        let mut out = [0; TRAILER_HEAD_LEN];
        out[0..4].copy_from_slice(&TRAILER_MAGIC);
        out[4..8].copy_from_slice(&self.entries.to_le_bytes());
        out[8..12].copy_from_slice(&self.summary_len.to_le_bytes());
        out[12..20].copy_from_slice(&self.records.to_le_bytes());
        out
    }

    /// `None` when the magic is another; the checksum stands in the footer.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() < TRAILER_HEAD_LEN || bytes[0..4] != TRAILER_MAGIC {
            return None;
        }
        Some(Self {
            entries: u32_at(bytes, 4),
            summary_len: u32_at(bytes, 8),
            records: u64_at(bytes, 12),
        })
    }

    /// Bytes from the trailer's start to the footer.
    pub(crate) fn trailer_len(self) -> u64 {
        // At most 2^32 * 41 + 20: far from overflow.
        20 + u64::from(self.entries) * 40 + u64::from(self.summary_len)
    }
}

/// The last bytes of a finished tape, found from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Footer {
    pub(crate) trailer_offset: u64,
    /// Over the trailer's bytes, then the eight bytes of `trailer_offset`.
    pub(crate) crc: u32,
}

impl Footer {
    pub(crate) fn new(trailer_offset: u64, trailer: &[u8]) -> Self {
        let mut crc = crc32fast::Hasher::new();
        crc.update(trailer);
        crc.update(&trailer_offset.to_le_bytes());
        Self { trailer_offset, crc: crc.finalize() }
    }

    pub(crate) fn encode(self) -> [u8; FOOTER_LEN] {
        let mut out = [0; FOOTER_LEN];
        out[0..8].copy_from_slice(&self.trailer_offset.to_le_bytes());
        out[8..12].copy_from_slice(&self.crc.to_le_bytes());
        out[12..20].copy_from_slice(&FOOTER_MAGIC);
        out
    }

    pub(crate) fn decode(bytes: &[u8; FOOTER_LEN]) -> Option<Self> {
        if bytes[12..20] != FOOTER_MAGIC {
            return None;
        }
        Some(Self { trailer_offset: u64_at(bytes, 0), crc: u32_at(bytes, 8) })
    }
}

/// Appends `value` seven bits a byte, least first, the top bit set on all but the last.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Reads a varint at `at`; gives it and where the next field begins. `None` when it runs past the
/// end or over 64 bits.
pub(crate) fn get_varint(bytes: &[u8], at: usize) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, &byte) in bytes.get(at..)?.iter().take(10).enumerate() {
        let part = u64::from(byte & 0x7f);
        if index == 9 && part > 1 {
            return None;
        }
        value |= part << (7 * index);
        if byte < 0x80 {
            return Some((value, at + index + 1));
        }
    }
    None
}

/// Folds a signed difference so that small ones of either sign stay short.
pub(crate) const fn zigzag(delta: i64) -> u64 {
    (delta << 1).cast_unsigned() ^ (delta >> 63).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub(crate) const fn unzigzag(folded: u64) -> i64 {
    (folded >> 1).cast_signed() ^ -((folded & 1).cast_signed())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut wide = [0; 4];
    wide.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(wide)
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut wide = [0; 8];
    wide.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(wide)
}

#[cfg(test)]
mod tests;
