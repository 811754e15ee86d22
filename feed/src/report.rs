//! What the feed tells the bridge: fixed-size values for logs and counters.

use paperwire_core::book::BookError;
use paperwire_core::event::GapReason;
use paperwire_core::instrument::SymbolId;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::HostNs;

use crate::arrival::Stall;
use crate::market::{Counters, NumberJump, Step, TradingNotice};
use crate::net::connect::FailureText;
use crate::wire::WireError;
use crate::wire::cold::VenueText;
use crate::wire::hot::Refused;
use crate::wire::request::Channel;

/// One report and when it was made.
#[derive(Clone, Copy, Debug)]
pub struct FeedReport {
    /// When.
    pub at: HostNs,
    /// What.
    pub kind: FeedReportKind,
}

/// What happened on the connection.
#[derive(Clone, Copy, Debug)]
pub enum FeedReportKind {
    /// A connection is up; subscriptions follow.
    Connected,
    /// The connection is lost, or an attempt failed.
    Disconnected {
        /// In words.
        why: FailureText,
        /// The next attempt.
        retry_at: HostNs,
    },
    /// The state of the venue.
    Venue {
        /// `online`, `maintenance`, `cancel_only` or `post_only`.
        system: VenueText,
    },
    /// What may be traded, or how, changed.
    Trading(TradingNotice),
    /// Every subscription delivers, but those of pairs that are stopped.
    AllLive {
        /// The stopped symbols.
        stopped: SymbolSet,
    },
    /// The venue refused a subscription for good.
    Rejected {
        /// The symbol of the subscription; `None` for the list of pairs.
        symbol: Option<SymbolId>,
        /// In its words.
        error: VenueText,
    },
    /// The venue refused a request that will be repeated.
    Refused {
        /// In its words.
        error: VenueText,
    },
    /// A subscription was acknowledged and then silent, or never acknowledged.
    Silent {
        /// The symbol of the subscription; `None` for the list of pairs.
        symbol: Option<SymbolId>,
        /// The channel.
        channel: Channel,
    },
    /// A book failed its check and is quarantined until a new snapshot verifies.
    BadBook {
        /// Which.
        symbol: SymbolId,
        /// How.
        error: BookError,
    },
    /// A frame could not be read; the books it may have changed are quarantined.
    Malformed {
        /// How.
        error: WireError,
        /// The quarantined symbols.
        symbols: SymbolSet,
    },
    /// A book was declared void for another reason.
    Void {
        /// The quarantined symbols.
        symbols: SymbolSet,
        /// Why.
        reason: GapReason,
    },
    /// A frame that is of no book could not be read; it is lost.
    Unread {
        /// How.
        error: WireError,
    },
    /// Nothing was read for a while; what gathered counts from when it can have arrived.
    Stalled(Stall),
    /// Trades, tickers or times with values that cannot be; they reach nothing.
    RefusedRows(Refused),
    /// The exchange's clock was set, forward or back; several frames agree on it, so it is believed.
    ClockStepped(Step),
    /// A pair's trade numbers jumped; several trades agree on it, so it is believed.
    NumbersJumped(NumberJump),
    /// Counters, each second.
    Counters {
        /// Of the market.
        counters: Counters,
        /// Frames that the recorder lost.
        raw_lost: u64,
    },
}
