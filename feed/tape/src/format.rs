//! Numbers of the layout, shared by writer and reader. See `docs/TAPE.md`.

/// First bytes of every tape; the last one is the version.
pub const MAGIC: [u8; 8] = *b"PWTAPE\x00\x01";
/// First bytes of every block.
pub const BLOCK_MAGIC: [u8; 4] = *b"PWBL";
/// First bytes of the trailer.
pub const TRAILER_MAGIC: [u8; 4] = *b"PWEN";

/// Magic, length of the metadata, checksum of the metadata.
pub const HEADER_LEN: usize = 8 + 4 + 4;
/// Magic, compressed length, raw length, records, first and last time, checksum.
pub const BLOCK_HEADER_LEN: usize = 4 + 4 + 4 + 4 + 8 + 8 + 4;
/// Offset of the trailer and its magic, at the very end of the file.
pub const FOOTER_LEN: usize = 8 + 4;
/// One block's entry in the index: offset, first and last time, records.
pub const INDEX_ENTRY_LEN: usize = 8 + 8 + 8 + 4;

/// A block is closed when its records reach this size.
pub const BLOCK_BYTES: usize = 256 << 10;
/// Longest payload of a record: the largest WebSocket message.
pub const PAYLOAD_MAX: usize = 8 << 20;
/// Longest raw block: a block that was nearly full when the longest record came.
pub const BLOCK_RAW_MAX: usize = BLOCK_BYTES + PAYLOAD_MAX + 32;
/// Longest metadata or summary.
pub const BLOB_MAX: usize = 4 << 20;

/// Longest trailer: a summary, and the index of more than a month of one block a second.
pub const TRAILER_MAX: usize = BLOB_MAX + 3_000_000 * INDEX_ENTRY_LEN;

/// Appends an unsigned LEB128 number.
pub fn put_varint(out: &mut Vec<u8>, value: u64) {
    let mut rest = value;
    loop {
        let low = u8::try_from(rest & 0x7f).expect("seven bits");
        rest >>= 7;
        if rest == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

/// Takes an unsigned LEB128 number off the front of `bytes`.
pub fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        let low = u64::from(byte & 0x7f);
        if shift == 63 && low > 1 {
            return None;
        }
        value |= low << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// A signed difference as an unsigned number with small absolute values small (zigzag).
pub const fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)).cast_unsigned()
}

/// The inverse of [`zigzag`].
pub const fn unzigzag(value: u64) -> i64 {
    (value >> 1).cast_signed() ^ -((value & 1).cast_signed())
}

/// Little-endian 32-bit number at `at`.
pub fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_le_bytes(*b))
}

/// Little-endian 64-bit number at `at`.
pub fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|b| u64::from_le_bytes(*b))
}
