//! Reads a tape block by block into one reused buffer.

use std::io::{self, Read, Seek, SeekFrom};

use paperwire_core::raw::RawKind;
use paperwire_core::time::HostNs;

use crate::format::{
    BLOB_MAX, BLOCK_HEADER_LEN, BLOCK_MAGIC, BLOCK_RAW_MAX, FOOTER_LEN, HEADER_LEN,
    INDEX_ENTRY_LEN, MAGIC, PAYLOAD_MAX, TRAILER_MAGIC, TRAILER_MAX, take_varint, u32_at, u64_at,
    unzigzag,
};
use crate::{Record, TapeError};

/// How a tape ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapeEnd {
    /// With its trailer.
    Clean,
    /// Without: the recorder was killed or the disk was full. So many bytes are no whole block.
    Truncated {
        /// Bytes after the last whole block.
        bytes_lost: u64,
    },
}

/// A tape being read.
#[derive(Debug)]
pub struct TapeReader<R> {
    input: R,
    file: String,
    meta: Vec<u8>,
    summary: Option<Vec<u8>>,
    /// First times and offsets of the blocks, of a finished tape.
    index: Vec<(u64, HostNs)>,
    /// Where the blocks end: the trailer, or the end of a torn file.
    blocks_end: u64,
    first_block: u64,
    /// Where the next block starts.
    next_block: u64,
    compressed: Vec<u8>,
    raw: Vec<u8>,
    /// Next record in `raw`.
    at: usize,
    left: u32,
    last: HostNs,
    bytes_lost: u64,
    unknown: u64,
}

impl<R: Read + Seek> TapeReader<R> {
    /// Reads the header, and the trailer when there is one.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn new(input: R, file: String) -> Result<Self, TapeError> {
        let mut reader = Self {
            input,
            file,
            meta: Vec::new(),
            summary: None,
            index: Vec::new(),
            blocks_end: 0,
            first_block: 0,
            next_block: 0,
            compressed: Vec::new(),
            raw: Vec::new(),
            at: 0,
            left: 0,
            last: HostNs::default(),
            bytes_lost: 0,
            unknown: 0,
        };
        let len = reader.input.seek(SeekFrom::End(0)).map_err(|error| reader.io(error))?;
        reader.read_header(len)?;
        reader.blocks_end = len;
        reader.read_trailer(len)?;
        Ok(reader)
    }

    /// The session's metadata.
    pub fn meta(&self) -> &[u8] {
        &self.meta
    }

    /// The session's summary, of a finished tape.
    pub fn summary(&self) -> Option<&[u8]> {
        self.summary.as_deref()
    }

    /// How the tape ends; for a torn one exact once every record was read.
    pub const fn end(&self) -> TapeEnd {
        match self.summary {
            Some(_) => TapeEnd::Clean,
            None => TapeEnd::Truncated { bytes_lost: self.bytes_lost },
        }
    }

    /// Records of kinds that this version does not know; they were passed over.
    pub const fn unknown(&self) -> u64 {
        self.unknown
    }

    /// The next record; `None` at the end of the last whole block.
    ///
    /// # Errors
    /// [`TapeError::Damaged`] when a block is not what was written.
    #[expect(clippy::should_implement_trait, reason = "records borrow from the reader")]
    pub fn next(&mut self) -> Result<Option<Record<'_>>, TapeError> {
        loop {
            while self.left == 0 {
                if !self.read_block()? {
                    return Ok(None);
                }
            }
            let mut rest = &self.raw[self.at..];
            let total = rest.len();
            let parsed = parse_record(&mut rest, self.last);
            let Some((code, rx, payload)) = parsed else {
                return Err(self.damaged("a record does not fit its block"));
            };
            let start = self.at + (total - rest.len()) - payload;
            self.at = start + payload;
            self.left -= 1;
            self.last = rx;
            match RawKind::from_code(code) {
                Some(kind) => {
                    let payload = &self.raw[start..start + payload];
                    return Ok(Some(Record { kind, rx, payload }));
                }
                None => self.unknown += 1,
            }
        }
    }

    /// Back to the first record.
    ///
    /// # Errors
    /// None today; kept for sources that can fail to seek.
    pub fn rewind(&mut self) -> Result<(), TapeError> {
        self.next_block = self.first_block;
        self.left = 0;
        self.unknown = 0;
        Ok(())
    }

    /// To the block that holds `rx`, by the index; a torn tape starts from the beginning.
    ///
    /// # Errors
    /// As [`Self::next`].
    pub fn seek(&mut self, rx: HostNs) -> Result<(), TapeError> {
        self.rewind()?;
        let after = self.index.partition_point(|(_, first)| *first <= rx);
        if let Some((offset, _)) = after.checked_sub(1).and_then(|at| self.index.get(at)) {
            self.next_block = *offset;
        }
        Ok(())
    }

    fn read_header(&mut self, len: u64) -> Result<(), TapeError> {
        let mut header = [0u8; HEADER_LEN];
        if !self.read_at(0, &mut header)? || header[..MAGIC.len()] != MAGIC {
            return Err(self.format("the magic number is missing or of another version"));
        }
        let meta_len = u32_at(&header, 8).unwrap_or(0);
        self.first_block = HEADER_LEN as u64 + u64::from(meta_len);
        self.next_block = self.first_block;
        let meta_len = usize::try_from(meta_len).unwrap_or(usize::MAX);
        if meta_len > BLOB_MAX || self.first_block > len {
            return Err(self.format("the metadata is cut off"));
        }
        let mut meta = vec![0; meta_len];
        if !self.read_at(HEADER_LEN as u64, &mut meta)?
            || u32_at(&header, 12) != Some(crc32fast::hash(&meta))
        {
            return Err(self.format("the metadata is damaged"));
        }
        self.meta = meta;
        Ok(())
    }

    /// A trailer that is absent or wrong makes the tape a torn one, not an unreadable one.
    fn read_trailer(&mut self, len: u64) -> Result<(), TapeError> {
        let mut footer = [0u8; FOOTER_LEN];
        let Some(footer_at) = len.checked_sub(FOOTER_LEN as u64) else {
            return Ok(());
        };
        if !self.read_at(footer_at, &mut footer)? || footer[8..] != TRAILER_MAGIC {
            return Ok(());
        }
        let at = u64_at(&footer, 0).unwrap_or(u64::MAX);
        if at < self.first_block || at >= footer_at {
            return Ok(());
        }
        let Ok(trailer_len) = usize::try_from(footer_at - at) else {
            return Ok(());
        };
        if trailer_len > TRAILER_MAX {
            return Ok(());
        }
        let mut trailer = vec![0; trailer_len];
        if !self.read_at(at, &mut trailer)? || !trailer.starts_with(&TRAILER_MAGIC) {
            return Ok(());
        }
        let body = &trailer[12.min(trailer_len)..];
        let is_whole = u32_at(&trailer, 4).is_some_and(|len| len as usize == body.len())
            && u32_at(&trailer, 8) == Some(crc32fast::hash(body));
        if !is_whole {
            return Ok(());
        }
        if let Some((summary, index)) = parse_trailer(body) {
            self.summary = Some(summary);
            self.index = index;
            self.blocks_end = at;
        }
        Ok(())
    }

    /// Reads and checks the next block; false at the end.
    fn read_block(&mut self) -> Result<bool, TapeError> {
        let at = self.next_block;
        let mut header = [0u8; BLOCK_HEADER_LEN];
        if at == self.blocks_end {
            return Ok(false);
        }
        if self.blocks_end < at + BLOCK_HEADER_LEN as u64 || !self.read_at(at, &mut header)? {
            return self.torn(at);
        }
        let number = |at| u32_at(&header, at).unwrap_or(0);
        if header[..4] != BLOCK_MAGIC {
            // The trailer of a tape that was cut inside it.
            if header[..4] == TRAILER_MAGIC && self.summary.is_none() {
                return self.torn(at);
            }
            return Err(self.damaged("a block does not start with its magic number"));
        }
        let (compressed_len, raw_len) = (number(4) as usize, number(8) as usize);
        let body_at = at + BLOCK_HEADER_LEN as u64;
        if raw_len > BLOCK_RAW_MAX || compressed_len > 2 * BLOCK_RAW_MAX {
            return Err(self.damaged("a block is longer than any that is written"));
        }
        if body_at + compressed_len as u64 > self.blocks_end {
            return self.torn(at);
        }
        let mut compressed = std::mem::take(&mut self.compressed);
        compressed.resize(compressed_len, 0);
        let read = self.read_at(body_at, &mut compressed);
        self.compressed = compressed;
        read?;
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header[..BLOCK_HEADER_LEN - 4]);
        crc.update(&self.compressed);
        if u32_at(&header, BLOCK_HEADER_LEN - 4) != Some(crc.finalize()) {
            return Err(self.damaged("a block's checksum does not match"));
        }
        self.raw.resize(raw_len, 0);
        let raw_read = zstd::bulk::decompress_to_buffer(&self.compressed, &mut self.raw[..]);
        if !raw_read.is_ok_and(|len| len == raw_len) {
            return Err(self.damaged("a block cannot be decompressed"));
        }
        self.next_block = body_at + compressed_len as u64;
        self.at = 0;
        self.left = number(12);
        self.last = HostNs::new(u64_at(&header, 16).unwrap_or(0));
        Ok(true)
    }

    /// The file ends inside the block at `at`: so it is when a recorder was killed, but never in a
    /// finished tape, whose trailer says where its blocks end.
    fn torn(&mut self, at: u64) -> Result<bool, TapeError> {
        if self.summary.is_some() {
            return Err(self.damaged("a block runs into the trailer"));
        }
        self.bytes_lost = self.blocks_end.saturating_sub(at);
        Ok(false)
    }

    /// Fills `buffer` from `offset`; false when the file is shorter.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<bool, TapeError> {
        let seeked = self.input.seek(SeekFrom::Start(offset));
        let read = seeked.and_then(|_| self.input.read_exact(buffer));
        match read {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(self.io(error)),
        }
    }

    fn io(&self, error: io::Error) -> TapeError {
        TapeError::Io { file: self.file.clone(), error }
    }

    fn format(&self, why: &'static str) -> TapeError {
        TapeError::Format { file: self.file.clone(), why }
    }

    fn damaged(&self, why: &'static str) -> TapeError {
        TapeError::Damaged { file: self.file.clone(), offset: self.next_block, why }
    }
}

/// Kind, time and length of the payload of the record at the front; leaves `rest` after it.
fn parse_record(rest: &mut &[u8], last: HostNs) -> Option<(u8, HostNs, usize)> {
    let (&code, tail) = rest.split_first()?;
    *rest = tail;
    let delta = unzigzag(take_varint(rest)?);
    let rx = HostNs::new(last.raw().wrapping_add(delta.cast_unsigned()));
    let len = usize::try_from(take_varint(rest)?).ok().filter(|len| *len <= PAYLOAD_MAX)?;
    *rest = rest.get(len..)?;
    Some((code, rx, len))
}

/// A summary and an index of (offset, first time).
type Trailer = (Vec<u8>, Vec<(u64, HostNs)>);

fn parse_trailer(body: &[u8]) -> Option<Trailer> {
    let summary_len = usize::try_from(u32_at(body, 0)?).ok()?;
    let summary = body.get(4..4 + summary_len)?.to_vec();
    let count = usize::try_from(u32_at(body, 4 + summary_len)?).ok()?;
    let entries = body.get(8 + summary_len..)?;
    if entries.len() != count.checked_mul(INDEX_ENTRY_LEN)? {
        return None;
    }
    let entry = |bytes: &[u8]| Some((u64_at(bytes, 0)?, HostNs::new(u64_at(bytes, 8)?)));
    let index: Option<Vec<_>> = entries.chunks_exact(INDEX_ENTRY_LEN).map(entry).collect();
    Some((summary, index?))
}
