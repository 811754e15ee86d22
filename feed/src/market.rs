//! From frames to market events: the part of the feed that live sessions and replays share.
//!
//! `MarketFeed` is a pure state machine of frames and [`crate::control::Control`] decisions. It owns the verified books
//! and their states, and writes [`MarketEvent`]s to a sink. It reads no clock and no socket.

mod agreed;
mod clock;
mod counters;
mod decide;
mod doubt;
mod emit;
mod probe;
mod trades;
mod trading;

use paperwire_core::agent::Clock;
use paperwire_core::book::{BookError, L2Book, Level};
use paperwire_core::event::{GapReason, MarketEvent, MarketKind, Stamps, SymbolStatus};
use paperwire_core::instrument::{Instrument, SymbolId, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::Stage;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ExchNs, HostNs};

use crate::control::Pressure;
use crate::wire::WireError;
use crate::wire::cold::{ColdFrame, ColdReader};
use crate::wire::hot::{self, BookHead, Frame, Refused, Scratch};
use crate::wire::symbols::SymbolTable;

pub use clock::Step;
use clock::VenueClock;
pub use counters::Counters;
use emit::{Address, Emitter};
pub use probe::Probe;
use trades::TradeNumbers;
pub use trades::{Distance, NumberJump, PRINT_DISTANCE_DEFAULT};
use trading::Trading;
pub use trading::{Stop, TradingNotice, TradingNotices};

/// Where market events go: the ring to the engine, or the engine itself in a replay.
pub trait EventSink {
    /// Takes an event. There is room: the feed looked before the frame (see [`Pressure`]).
    fn push(&mut self, event: MarketEvent);
}

/// What a frame was, for the session that must act on some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Market data, applied.
    Applied,
    /// A snapshot made this symbol's book live.
    Snapshot(SymbolId),
    /// Trades of these symbols (bit = index), whatever they are worth; none of a snapshot without trades.
    Trades(SymbolSet),
    /// A ticker.
    Ticker(SymbolId),
    /// A sign of life.
    Heartbeat,
    /// Not market data.
    Cold(ColdFrame),
    /// Not of a book, and unreadable: lost.
    Unread(WireError),
    /// These symbols must be fetched again.
    Desync(SymbolSet, GapReason),
}

/// State of one symbol's book.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BookState {
    /// Waits for its first snapshot.
    #[default]
    Empty,
    /// Verified by its last message.
    Live,
    /// Verified, but silent for too long.
    Stale,
    /// Failed; waits for a new snapshot.
    Resync,
}

#[derive(Debug)]
struct SymbolBook {
    book: L2Book,
    state: BookState,
    /// Exchange time of the last believed message: the start of a gap. `None` before the engine was
    /// told of one.
    good_until: Option<ExchNs>,
    /// Why it is not believed.
    reason: GapReason,
    /// Arrival of the last book message.
    heard_at: Option<HostNs>,
    /// Arrival of the oldest change that is kept back from the engine.
    kept_since: Option<HostNs>,
    /// What may be done with the pair, learned before any time was known.
    untold: Option<TradingStatus>,
    /// So were other rules for its orders.
    has_untold_rules: bool,
    numbers: TradeNumbers,
}

impl SymbolBook {
    fn new(depth: u16) -> Self {
        Self {
            book: L2Book::new(usize::from(depth)),
            state: BookState::Empty,
            good_until: None,
            reason: GapReason::Disconnect,
            heard_at: None,
            kept_since: None,
            untold: None,
            has_untold_rules: false,
            numbers: TradeNumbers::new(),
        }
    }
}

/// The verified market.
#[derive(Debug)]
pub struct MarketFeed {
    symbols: SymbolTable,
    books: Vec<SymbolBook>,
    scratch: Scratch,
    cold: ColdReader,
    out: Emitter,
    pressure: Pressure,
    /// Symbols whose changes were kept back from the engine.
    conflated: SymbolSet,
    /// Symbols whose trades were dropped since their last flush.
    lost_trades: SymbolSet,
    counters: Counters,
    venue: VenueClock,
    /// How the exchange's clock was set by the last frame, until it was told.
    stepped: Option<Step>,
    /// Some time is known.
    is_timed: bool,
    /// Of what is worked on now: a frame, or a decision.
    stamps: Stamps,
    print_distance: Distance,
    refused: Option<Refused>,
    number_jump: Option<NumberJump>,
    last_error: Option<(SymbolId, BookError)>,
    last_wire_error: Option<WireError>,
    trading: Trading,
}

impl MarketFeed {
    /// Books of `depth` rows for these instruments; all memory is taken here.
    pub fn new(instruments: &[Instrument], depth: u16) -> Self {
        Self {
            symbols: SymbolTable::new(instruments),
            books: instruments.iter().map(|_| SymbolBook::new(depth)).collect(),
            scratch: Scratch::new(),
            cold: ColdReader::new(),
            out: Emitter::default(),
            pressure: Pressure::None,
            conflated: SymbolSet::EMPTY,
            lost_trades: SymbolSet::EMPTY,
            counters: Counters::default(),
            venue: VenueClock::default(),
            stepped: None,
            is_timed: false,
            stamps: Stamps::default(),
            print_distance: PRINT_DISTANCE_DEFAULT,
            refused: None,
            number_jump: None,
            last_error: None,
            last_wire_error: None,
            trading: Trading::new(instruments, TradingStatus::Online),
        }
    }

    /// Begins while the venue is in this state, which it told before the list of pairs.
    #[must_use]
    pub const fn under(mut self, system: TradingStatus) -> Self {
        self.trading.system = system;
        self
    }

    /// What happened so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The instruments; the index is the [`SymbolId`].
    pub fn instruments(&self) -> &[Instrument] {
        self.symbols.instruments()
    }

    /// Every symbol.
    pub fn symbols(&self) -> impl Iterator<Item = SymbolId> + use<> {
        self.ids()
    }

    /// The symbol of this name.
    pub fn symbol_of(&self, name: &str) -> Option<SymbolId> {
        self.symbols.find(name.as_bytes()).map(|(symbol, _)| symbol)
    }

    /// State of one book.
    pub fn state(&self, symbol: SymbolId) -> BookState {
        self.books[symbol.index()].state
    }

    /// Arrival of the last message of one book; `None` before the first.
    pub fn heard_at(&self, symbol: SymbolId) -> Option<HostNs> {
        self.books[symbol.index()].heard_at
    }

    /// The book itself.
    pub fn book(&self, symbol: SymbolId) -> &L2Book {
        &self.books[symbol.index()].book
    }

    /// The last failed check, for the log.
    pub const fn last_error(&self) -> Option<(SymbolId, BookError)> {
        self.last_error
    }

    /// The last unreadable frame's error, for the log.
    pub const fn last_wire_error(&self) -> Option<WireError> {
        self.last_wire_error
    }

    /// How full the sink is known to be.
    pub const fn pressure(&self) -> Pressure {
        self.pressure
    }

    /// The first symbol that waits for room for its whole book.
    pub fn waiting(&self) -> Option<SymbolId> {
        (self.conflated | self.lost_trades).iter().next()
    }

    /// Events that flushing a symbol takes.
    pub fn flush_len(&self, symbol: SymbolId) -> usize {
        let book = &self.books[symbol.index()].book;
        let levels = book.levels(BookSide::Bid).len() + book.levels(BookSide::Ask).len();
        levels.div_ceil(paperwire_core::limits::EVENT_LEVELS) + 3
    }

    /// The exchange's time now, carried forward from the last message by the host clock; `None` before
    /// any is known.
    pub fn estimate(&self, now: HostNs) -> Option<ExchNs> {
        self.venue.estimate(now)
    }

    /// Latest exchange time of any message, and when that was read.
    pub const fn venue_time(&self) -> Option<(ExchNs, HostNs)> {
        self.venue.latest()
    }

    /// How the exchange's clock was set by the last frame, once.
    pub const fn take_step(&mut self) -> Option<Step> {
        self.stepped.take()
    }

    /// Takes one frame that was read at `rx`. Times are told by that; what it brings is stamped with the arrival and
    /// the instants of `probe`.
    pub fn on_frame<C: Clock>(
        &mut self,
        rx: HostNs,
        frame: &[u8],
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        self.counters.frames += 1;
        let decoded = hot::decode(frame, &self.symbols, &mut self.scratch);
        probe.mark(Stage::Decoded);
        self.stamps = Stamps { arrived: probe.arrived, enqueued: probe.at };
        self.counters.unknown_symbols += self.scratch.foreign;
        if let Some(refused) = self.scratch.refused {
            self.refuse(refused);
        }
        match decoded {
            Ok(Frame::Book(head)) => self.on_book(rx, &head, probe, sink),
            Ok(Frame::Trades { is_snapshot }) => self.on_trades(rx, is_snapshot, probe, sink),
            Ok(Frame::Ticker(row)) => self.on_ticker(rx, &row, probe, sink),
            Ok(Frame::Heartbeat) => Outcome::Heartbeat,
            Ok(Frame::Nothing) => Outcome::Applied,
            Ok(Frame::Misnamed(symbol)) => self.distrust(SymbolSet::only(symbol), sink),
            Ok(Frame::Unread(error)) => self.on_unread(error),
            Ok(Frame::Other { may_be_book }) => self.on_cold(rx, frame, may_be_book, sink),
            Err(error) => self.on_malformed(frame, error, sink),
        }
    }

    fn on_cold(
        &mut self,
        rx: HostNs,
        frame: &[u8],
        may_be_book: bool,
        sink: &mut impl EventSink,
    ) -> Outcome {
        match self.cold.read(frame) {
            Ok(frame @ ColdFrame::Instruments { is_snapshot, .. }) => {
                self.on_list(rx, is_snapshot, sink);
                Outcome::Cold(frame)
            }
            Ok(frame @ ColdFrame::Status { system: Some(system), .. }) => {
                self.on_system(rx, TradingStatus::from_wire(&system), sink);
                Outcome::Cold(frame)
            }
            Ok(ColdFrame::Ack(ack)) => {
                self.on_answer(rx, &ack, sink);
                Outcome::Cold(ColdFrame::Ack(ack))
            }
            Ok(ColdFrame::Unknown) => {
                self.counters.unknown_symbols += 1;
                match self.named_in(frame) {
                    // It may be a damaged one of a book.
                    named if may_be_book && !named.is_empty() => self.distrust(named, sink),
                    _ => Outcome::Cold(ColdFrame::Unknown),
                }
            }
            Ok(cold) => Outcome::Cold(cold),
            Err(error) if may_be_book => self.on_malformed(frame, error, sink),
            Err(error) => self.on_unread(error),
        }
    }

    fn ids(&self) -> impl Iterator<Item = SymbolId> + use<> {
        let len = u16::try_from(self.books.len()).expect("at most SYMBOLS_MAX symbols");
        (0..len).map(SymbolId)
    }

    fn on_book<C: Clock>(
        &mut self,
        rx: HostNs,
        head: &BookHead,
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let symbol = head.symbol;
        let entry = &mut self.books[symbol.index()];
        if head.is_snapshot {
            entry.book.clear();
        } else if matches!(entry.state, BookState::Empty | BookState::Resync) {
            self.counters.before_snapshot += 1;
            return Outcome::Applied;
        }
        let verified = entry.book.apply(&self.scratch.levels, head.checksum);
        probe.mark(Stage::BookApplied);
        self.counters.book_updates += 1;
        if let Err(error) = verified {
            self.last_error = Some((symbol, error));
            let reason = match error {
                BookError::Checksum { .. } => GapReason::Checksum,
                BookError::Crossed { .. } => GapReason::Crossed,
            };
            self.counters.checksums_bad += u64::from(reason == GapReason::Checksum);
            self.void(symbol, reason, sink);
            return Outcome::Desync(SymbolSet::only(symbol), reason);
        }
        self.counters.checksums_ok += 1;
        entry.heard_at = Some(rx);
        let was = std::mem::replace(&mut entry.state, BookState::Live);
        let outcome = if head.is_snapshot { Outcome::Snapshot(symbol) } else { Outcome::Applied };
        // A damaged time is no word against levels that verify.
        let Some(at) = self.book_time(head, rx, sink) else {
            // The engine is told of no book without a time; the first message with one brings it.
            return outcome;
        };
        let entry = &mut self.books[symbol.index()];
        let (from, reason) = (entry.good_until.replace(at), entry.reason);
        if was == BookState::Stale {
            self.emit(sink, symbol, at, MarketKind::Status(SymbolStatus::Live));
        }
        if was == BookState::Resync {
            let gap = SymbolStatus::Gap { from: from.unwrap_or(at), to: at, reason };
            self.counters.gaps += 1;
            self.emit(sink, symbol, at, MarketKind::Status(gap));
        }
        if self.pressure != Pressure::None || self.conflated.contains(symbol) {
            self.books[symbol.index()].kept_since.get_or_insert(probe.arrived);
            self.conflated.insert(symbol);
            self.counters.conflated += 1;
        } else if from.is_none() && !head.is_snapshot {
            self.tell_whole(
                symbol,
                at,
                Stamps { arrived: probe.arrived, enqueued: probe.at },
                sink,
            );
        } else {
            // Verified a moment ago: not worth another look at the clock.
            let stamps = Stamps { arrived: probe.arrived, enqueued: probe.at };
            let rows = self.scratch.levels.iter();
            let rows = rows.map(|l| (l.side, Level { px: l.px, qty: l.qty }));
            let to = Address { symbol: Some(symbol), at, stamps };
            self.out.levels(to, head.is_snapshot, rows, sink);
        }
        probe.mark(Stage::Enqueued);
        outcome
    }

    fn flush(&mut self, symbol: SymbolId, rx: HostNs, sink: &mut impl EventSink) {
        let is_conflated = self.conflated.contains(symbol);
        let has_lost_trades = self.lost_trades.contains(symbol);
        self.conflated.remove(symbol);
        self.lost_trades.remove(symbol);
        let kept_since = self.books[symbol.index()].kept_since.take();
        // Nothing is kept back before a time is known.
        let Some(at) = self.books[symbol.index()].good_until.or_else(|| self.estimate(rx)) else {
            return;
        };
        if has_lost_trades {
            let gap = SymbolStatus::Gap { from: at, to: at, reason: GapReason::Conflated };
            self.counters.gaps += 1;
            self.emit(sink, symbol, at, MarketKind::Status(gap));
        }
        let is_whole =
            matches!(self.books[symbol.index()].state, BookState::Live | BookState::Stale);
        if is_conflated && is_whole {
            // The whole book stands for all changes kept back: it waited as long as the oldest of them.
            let Stamps { arrived, enqueued } = self.stamps;
            let stamps = Stamps { arrived: kept_since.unwrap_or(arrived), enqueued };
            self.tell_whole(symbol, at, stamps, sink);
        }
    }

    /// Tells the engine a whole book.
    fn tell_whole(
        &mut self,
        symbol: SymbolId,
        at: ExchNs,
        stamps: Stamps,
        sink: &mut impl EventSink,
    ) {
        let book = &self.books[symbol.index()].book;
        let bids = book.levels(BookSide::Bid).map(|level| (BookSide::Bid, level));
        let asks = book.levels(BookSide::Ask).map(|level| (BookSide::Ask, level));
        self.out.levels(Address { symbol: Some(symbol), at, stamps }, true, bids.chain(asks), sink);
    }

    fn emit(
        &mut self,
        sink: &mut impl EventSink,
        symbol: impl Into<Option<SymbolId>>,
        at: ExchNs,
        kind: MarketKind,
    ) {
        let (symbol, stamps) = (symbol.into(), self.stamps);
        self.out.push(sink, Address { symbol, at, stamps }, kind);
    }
}

const _: () = assert!(paperwire_core::limits::SYMBOLS_MAX <= 64, "one bit per symbol");

#[cfg(test)]
mod tests;
