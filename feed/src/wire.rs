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
}

/// Why a value of a trade, a ticker or a time is not believed. Neither has a checksum of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Refusal {
    /// A time that is none, or outside of what the venue, this host's clock or the messages before
    /// lead one to expect.
    Time,
    /// Not a positive price within the bounds and precision of the pair.
    Price,
    /// Not a positive quantity within the bounds and precision of the pair.
    Quantity,
    /// Neither `buy` nor `sell`.
    Side,
    /// Not a number that a trade has.
    TradeId,
    /// Between two ticks of the pair.
    OffTick,
    /// Farther from the verified book than a trade can be.
    Far,
}

impl Refusal {
    /// Every reason, in the order of their codes.
    pub const ALL: [Self; 7] = [
        Self::Time,
        Self::Price,
        Self::Quantity,
        Self::Side,
        Self::TradeId,
        Self::OffTick,
        Self::Far,
    ];

    /// What is said of the value in a log.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Time => "a time that cannot be",
            Self::Price => "a price that cannot be",
            Self::Quantity => "a quantity that cannot be",
            Self::Side => "a side that is neither buy nor sell",
            Self::TradeId => "a trade number that cannot be",
            Self::OffTick => "a price between two ticks",
            Self::Far => "a price far outside the verified book",
        }
    }
}
