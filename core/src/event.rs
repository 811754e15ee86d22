//! What travels from the feed to the engine: one fixed-size, `Copy` value per change.

use crate::bar::Closed;
use crate::book::Level;
use crate::command::Command;
use crate::instrument::{OrderRules, SymbolId, TradingStatus};
use crate::ladder::BookSide;
use crate::limits::EVENT_LEVELS;
use crate::num::{Px, Qty};
use crate::regime::Sentiment;
use crate::time::{ExchNs, HostNs};
use crate::trade::TradeTick;

/// Our own arrival number: gap-free within a session, the same in its replay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Seq(pub u64);

/// When this event passed the stages before the engine, on the host clock. They are measured, never
/// decided upon: a replay has other stamps and the same results.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stamps {
    /// Arrival of the bytes: the kernel's receive time where there is one, else the poll that saw
    /// them. The start of every response time.
    pub arrived: HostNs,
    /// Put into the market ring.
    pub enqueued: HostNs,
}

/// One change of the market. Two cache lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(align(64))]
pub struct MarketEvent {
    /// Arrival number.
    pub seq: Seq,
    /// The exchange's time of the change, or for a timer its estimate.
    pub exch: ExchNs,
    /// Host times on the way here.
    pub stamps: Stamps,
    /// Its symbol; `None` for a timer, a command and sentiment, which are about no single one.
    pub symbol: Option<SymbolId>,
    /// What changed.
    pub kind: MarketKind,
}
const _: () = assert!(size_of::<MarketEvent>() == 128);

/// What changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarketKind {
    /// Changed levels of a live book; strategies run after the part marked `is_last`.
    Book(LevelBatch),
    /// Part of a whole book that replaces what was known; the part marked `is_last` makes it live.
    Reset(LevelBatch),
    /// A trade. Those of a snapshot happened before we listened: tape only, no bar, no strategy.
    Trade {
        /// The print.
        trade: TradeTick,
        /// From the snapshot after a subscription.
        is_snapshot: bool,
    },
    /// The ticker's last price.
    Ticker {
        /// Last traded price.
        last: Px,
    },
    /// A closed bar of history, for warm-up.
    History(Closed),
    /// The symbol can be trusted less, or again.
    Status(SymbolStatus),
    /// The venue's own word on what may be done with the pair.
    Trading(TradingStatus),
    /// The venue changed increments or minimums of the pair's orders.
    Rules(OrderRules),
    /// Something was ordered from outside.
    Command(Command),
    /// What the crowd feels, from outside the venue: a slow value, numbered like everything else.
    Sentiment(Sentiment),
    /// A second passed.
    Timer,
}

impl MarketKind {
    /// Whether it is about one symbol rather than about all of them.
    pub const fn has_symbol(&self) -> bool {
        !matches!(self, Self::Timer | Self::Command(_) | Self::Sentiment(_))
    }
}

/// Up to [`EVENT_LEVELS`] changed levels of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelBatch {
    levels: [Level; EVENT_LEVELS],
    len: u8,
    /// Bit `i` set: level `i` is an ask.
    asks: u8,
    /// First part of its message.
    pub is_first: bool,
    /// Last part of its message.
    pub is_last: bool,
}
const _: () = assert!(EVENT_LEVELS <= 8, "one bit per level");

impl LevelBatch {
    /// No level yet.
    pub const fn new(is_first: bool) -> Self {
        let level = Level { px: Px::ZERO, qty: Qty::ZERO };
        Self { levels: [level; EVENT_LEVELS], len: 0, asks: 0, is_first, is_last: false }
    }

    /// Adds a level.
    ///
    /// # Panics
    /// When the batch is full.
    pub fn push(&mut self, side: BookSide, level: Level) {
        let at = usize::from(self.len);
        self.levels[at] = level;
        if side == BookSide::Ask {
            self.asks |= 1 << at;
        }
        self.len += 1;
    }

    /// True when no further level fits.
    pub const fn is_full(&self) -> bool {
        self.len as usize == EVENT_LEVELS
    }

    /// True without levels.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The levels in the order of the message.
    pub fn iter(&self) -> impl Iterator<Item = (BookSide, Level)> + '_ {
        (0..usize::from(self.len)).map(|at| {
            let side = if self.asks >> at & 1 == 1 { BookSide::Ask } else { BookSide::Bid };
            (side, self.levels[at])
        })
    }
}

/// How far a symbol's data can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SymbolStatus {
    /// Verified and fresh. Only a `Reset` makes a symbol live; this ends a `Stale`.
    Live,
    /// Silent for longer than allowed while the connection lives.
    Stale,
    /// The book failed its check and is being fetched again.
    Resync,
    /// Nothing was heard between two instants.
    Gap {
        /// Last instant before it.
        from: ExchNs,
        /// First instant after it.
        to: ExchNs,
        /// Why.
        reason: GapReason,
    },
}

/// Why data is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum GapReason {
    /// The connection was lost.
    Disconnect,
    /// The book failed its checksum.
    Checksum,
    /// The book was crossed.
    Crossed,
    /// A message could not be read.
    Malformed,
    /// A subscription fell silent.
    Silent,
    /// The engine fell behind and got a whole book instead of each change.
    Conflated,
    /// The exchange's clock was set: nothing is known of the time between, which may lie ahead.
    Clock,
    /// The exchange's trade numbers jumped: how many trades were missed is not known.
    TradeIds,
    /// The pair cannot be followed any more: other precisions, not listed, or its subscription was ended.
    Stopped,
}

impl GapReason {
    /// Every reason, in the order of their codes.
    pub const ALL: [Self; 9] = [
        Self::Disconnect,
        Self::Checksum,
        Self::Crossed,
        Self::Malformed,
        Self::Silent,
        Self::Conflated,
        Self::Clock,
        Self::TradeIds,
        Self::Stopped,
    ];

    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Disconnect => "disconnect",
            Self::Checksum => "checksum",
            Self::Crossed => "crossed",
            Self::Malformed => "malformed",
            Self::Silent => "silent",
            Self::Conflated => "conflated",
            Self::Clock => "clock",
            Self::TradeIds => "trade_ids",
            Self::Stopped => "stopped",
        }
    }
}
