//! Writes a tape: records gather in a block, a block is compressed and written whole.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use paperwire_core::raw::RawKind;
use paperwire_core::time::HostNs;

use crate::TapeError;
use crate::format::{
    BLOCK_BYTES, BLOCK_MAGIC, HEADER_LEN, MAGIC, PAYLOAD_MAX, TRAILER_MAGIC, put_varint, zigzag,
};

/// Level 1: the recorder shares its cores with the run, and frames compress well anyway.
const ZSTD_LEVEL: i32 = 1;

#[derive(Clone, Copy, Debug)]
struct IndexEntry {
    offset: u64,
    first: HostNs,
    last: HostNs,
    records: u32,
}

/// A tape being written. After an error nothing more is written: the file ends with whole blocks.
#[derive(Debug)]
pub struct TapeWriter<W> {
    out: W,
    file: String,
    offset: u64,
    block: Vec<u8>,
    compressed: Vec<u8>,
    records: u32,
    first: HostNs,
    last: HostNs,
    index: Vec<IndexEntry>,
    /// A write failed: the file may end inside a block, and nothing may follow it.
    is_broken: bool,
}

impl TapeWriter<File> {
    /// Creates the file with the session's metadata.
    ///
    /// # Errors
    /// [`TapeError`]; an existing file is left alone.
    pub fn create(path: &Path, meta: &[u8]) -> Result<Self, TapeError> {
        let file = path.display().to_string();
        let opened = OpenOptions::new().write(true).create_new(true).open(path);
        let out = opened.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists { file: file.clone() },
            _ => TapeError::Io { file: file.clone(), error },
        })?;
        Self::new(out, file, meta)
    }
}

impl<W: Write> TapeWriter<W> {
    /// Starts a tape on `out`; `file` names it in errors.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn new(out: W, file: String, meta: &[u8]) -> Result<Self, TapeError> {
        let mut writer = Self {
            out,
            file,
            offset: 0,
            block: Vec::with_capacity(BLOCK_BYTES + 4096),
            compressed: Vec::with_capacity(BLOCK_BYTES),
            records: 0,
            first: HostNs::default(),
            last: HostNs::default(),
            index: Vec::new(),
            is_broken: false,
        };
        let mut header = Vec::with_capacity(HEADER_LEN + meta.len());
        header.extend_from_slice(&MAGIC);
        header.extend_from_slice(&len32(meta.len()).to_le_bytes());
        header.extend_from_slice(&crc32fast::hash(meta).to_le_bytes());
        header.extend_from_slice(meta);
        writer.write(&header)?;
        Ok(writer)
    }

    /// Appends a record; a full block is written at once.
    ///
    /// # Errors
    /// [`TapeError`].
    ///
    /// # Panics
    /// For a payload longer than any WebSocket message we accept.
    pub fn append(&mut self, kind: RawKind, rx: HostNs, payload: &[u8]) -> Result<(), TapeError> {
        assert!(payload.len() <= PAYLOAD_MAX, "the feed refuses longer messages");
        if self.records == 0 {
            self.first = rx;
            self.last = rx;
        }
        let delta = rx.raw().wrapping_sub(self.last.raw()).cast_signed();
        self.block.push(kind as u8);
        put_varint(&mut self.block, zigzag(delta));
        put_varint(&mut self.block, payload.len() as u64);
        self.block.extend_from_slice(payload);
        self.last = rx;
        self.records += 1;
        if self.block.len() >= BLOCK_BYTES { self.flush_block() } else { Ok(()) }
    }

    /// Writes what has gathered; the owner calls it at least once a second.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn flush_block(&mut self) -> Result<(), TapeError> {
        if self.records == 0 {
            return Ok(());
        }
        let mut compressed = std::mem::take(&mut self.compressed);
        compressed.clear();
        compressed.resize(zstd::zstd_safe::compress_bound(self.block.len()), 0);
        let len = zstd::bulk::compress_to_buffer(&self.block, &mut compressed[..], ZSTD_LEVEL)
            .map_err(|error| TapeError::Io { file: self.file.clone(), error })?;
        compressed.truncate(len);

        let mut header = Vec::with_capacity(crate::format::BLOCK_HEADER_LEN + compressed.len());
        header.extend_from_slice(&BLOCK_MAGIC);
        header.extend_from_slice(&len32(compressed.len()).to_le_bytes());
        header.extend_from_slice(&len32(self.block.len()).to_le_bytes());
        header.extend_from_slice(&self.records.to_le_bytes());
        header.extend_from_slice(&self.first.raw().to_le_bytes());
        header.extend_from_slice(&self.last.raw().to_le_bytes());
        let mut crc = crc32fast::Hasher::new();
        crc.update(&header);
        crc.update(&compressed);
        header.extend_from_slice(&crc.finalize().to_le_bytes());

        let (offset, first, last) = (self.offset, self.first, self.last);
        self.index.push(IndexEntry { offset, first, last, records: self.records });
        // One write, so that a kill between two cannot leave a header without its body.
        header.extend_from_slice(&compressed);
        let written = self.write(&header);
        self.compressed = compressed;
        written?;
        self.block.clear();
        self.records = 0;
        Ok(())
    }

    /// What it is written to.
    pub const fn out_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Length of the whole blocks that were written, and the header: what follows them after an error
    /// belongs to no block.
    pub const fn whole_bytes(&self) -> u64 {
        self.offset
    }

    /// Writes the index and the session's summary; only then is the tape finished.
    ///
    /// # Errors
    /// [`TapeError`].
    pub fn finish(mut self, summary: &[u8]) -> Result<W, TapeError> {
        self.flush_block()?;
        let mut body = Vec::new();
        body.extend_from_slice(&len32(summary.len()).to_le_bytes());
        body.extend_from_slice(summary);
        body.extend_from_slice(&len32(self.index.len()).to_le_bytes());
        for entry in &self.index {
            body.extend_from_slice(&entry.offset.to_le_bytes());
            body.extend_from_slice(&entry.first.raw().to_le_bytes());
            body.extend_from_slice(&entry.last.raw().to_le_bytes());
            body.extend_from_slice(&entry.records.to_le_bytes());
        }
        let trailer_at = self.offset;
        let mut trailer = Vec::with_capacity(body.len() + 32);
        trailer.extend_from_slice(&TRAILER_MAGIC);
        trailer.extend_from_slice(&len32(body.len()).to_le_bytes());
        trailer.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        trailer.extend_from_slice(&body);
        trailer.extend_from_slice(&trailer_at.to_le_bytes());
        trailer.extend_from_slice(&TRAILER_MAGIC);
        self.write(&trailer)?;
        self.out.flush().map_err(|error| TapeError::Io { file: self.file.clone(), error })?;
        Ok(self.out)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), TapeError> {
        let written = if self.is_broken {
            Err(io::Error::other("an earlier write failed, and the recording ended there"))
        } else {
            self.out.write_all(bytes)
        };
        self.is_broken |= written.is_err();
        written.map_err(|error| TapeError::Io { file: self.file.clone(), error })?;
        self.offset += bytes.len() as u64;
        Ok(())
    }
}

/// Lengths of one block or blob; all are bounded far below 4 GiB.
fn len32(len: usize) -> u32 {
    u32::try_from(len).expect("blocks and blobs are bounded by the format")
}
