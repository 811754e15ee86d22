//! Kraken's WebSocket v2 messages: bytes in, integers out.
//!
//! `book`, `trade` and `ticker` frames, which are nearly all of them, are read by [`hot`]: one pass, no
//! copy, no allocation, exact numbers. Every other message is read by [`cold`] with `simd-json` and
//! reused buffers. Requests are written by [`request`]. What [`hot`] reads is held against [`mod@reference`] in tests.

pub mod cold;
pub mod hot;
pub mod reference;
pub mod request;
pub mod scan;
pub mod symbols;

use paperwire_core::num::DecimalError;
use paperwire_core::time::DurationNs;

/// Why a frame could not be read. Names what the sender did, so that a log line is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// Not JSON, or cut off.
    #[error("not valid JSON at byte {at}")]
    Syntax {
        /// Offset of the first byte that does not fit.
        at: usize,
    },
    /// A field that the message must have is missing or of another type.
    #[error("field {field} is missing or of another type")]
    Field {
        /// Its name.
        field: &'static str,
    },
    /// A number does not fit its instrument.
    #[error("{field}: {error}")]
    Number {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        error: DecimalError,
    },
    /// More levels or trades than any real message has.
    #[error("more {what} than one message may carry")]
    TooMany {
        /// Of what.
        what: &'static str,
    },
    /// A time that neither the messages before nor this host's clock lead one to expect.
    #[error("its time is {by} ahead of ours")]
    Ahead {
        /// How far.
        by: DurationNs,
    },
}
