//! What can go wrong with a tape, each variant with what to do about it.
//!
//! Writing and reading fail differently, so they have an enum each. A tape that merely stops early
//! is no error: see [`crate::TapeEnd::Truncated`].

use std::io;
use std::path::PathBuf;

use crate::layout::{FORMAT_VERSION, META_BYTES_MAX, PAYLOAD_BYTES_MAX, SUMMARY_BYTES_MAX};

/// Why a recording could not be started or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The file is there already; a recording never replaces one.
    #[error("{} exists already: record under another name, or move it away", path.display())]
    Exists {
        /// The file asked for.
        path: PathBuf,
    },
    /// The disk has no room left.
    #[error(
        "no space left for {} after {whole_bytes} whole bytes: free space on its disk or record \
         elsewhere, then start a new tape; this one is readable up to its last whole block",
        path.display()
    )]
    DiskFull {
        /// The tape being written.
        path: PathBuf,
        /// Bytes that stand in the file up to its last whole block.
        whole_bytes: u64,
    },
    /// The operating system refused for another reason.
    #[error(
        "cannot write {}: {source}; check its folder and rights, then start a new tape",
        path.display()
    )]
    Io {
        /// The tape being written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// An earlier write failed, so the file ends inside a block.
    #[error("{} had a failed write and takes no more records: start a new tape", path.display())]
    Broken {
        /// The tape being written.
        path: PathBuf,
    },
    /// A payload is longer than a record may hold.
    #[error("a record of {len} bytes is over {PAYLOAD_BYTES_MAX}: write a gap in its place")]
    PayloadTooLong {
        /// Bytes of the payload.
        len: usize,
    },
    /// The session metadata is longer than a header may hold.
    #[error("session metadata of {len} bytes is over {META_BYTES_MAX}: keep less in it")]
    MetaTooLong {
        /// Bytes of the metadata.
        len: usize,
    },
    /// The summary is longer than a trailer may hold; the records are safe, the tape unfinished.
    #[error("a summary of {len} bytes is over {SUMMARY_BYTES_MAX}: keep less in it")]
    SummaryTooLong {
        /// Bytes of the summary.
        len: usize,
    },
}

/// Why a recording cannot be read, or cannot be read any further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// Neither a tape nor a capture.
    #[error(
        "{} is neither a tape nor a capture of `<rx_ns><tab><frame>` lines: check the file name",
        path.display()
    )]
    NotATape {
        /// The file read.
        path: PathBuf,
    },
    /// The file ends inside its own header, so it holds no record.
    #[error("{} ends inside its header and holds no record: delete it", path.display())]
    HeaderTruncated {
        /// The file read.
        path: PathBuf,
    },
    /// The header fails its checksum.
    #[error("the header of {} is corrupt: restore the file from a copy", path.display())]
    HeaderCorrupt {
        /// The file read.
        path: PathBuf,
    },
    /// A format this build does not know.
    #[error(
        "{} is a tape of version {version} with flags {flags:#06x}; this build reads version \
         {FORMAT_VERSION} with none: use the paperwire that wrote it",
        path.display()
    )]
    Unsupported {
        /// The file read.
        path: PathBuf,
        /// The version it names.
        version: u16,
        /// The flags it sets.
        flags: u16,
    },
    /// A block or the trailer fails a check. Every record given before is good.
    #[error(
        "{} is corrupt at byte {offset} ({what}), {bytes_lost} bytes from there on are not read: \
         use the records before it, or restore the file from a copy",
        path.display()
    )]
    Corrupt {
        /// The file read.
        path: PathBuf,
        /// Where the damaged block or trailer begins.
        offset: u64,
        /// Which check failed.
        what: &'static str,
        /// Bytes from `offset` to the end of the file.
        bytes_lost: u64,
    },
    /// A line of a capture is not `<rx_ns><tab><frame>`.
    #[error("{} line {line}: {what}: mend or delete that line", path.display())]
    Line {
        /// The file read.
        path: PathBuf,
        /// Its number, from 1.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The operating system refused.
    #[error("cannot read {}: {source}; check that it is there and readable", path.display())]
    Io {
        /// The file read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
