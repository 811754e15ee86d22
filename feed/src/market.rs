//! From frames to market events: the part of the feed that live sessions and replays share.
//!
//! `MarketFeed` is a pure state machine of frames and [`crate::control::Control`] decisions. It owns the verified books
//! and their states, and writes [`MarketEvent`]s to a sink. It reads no clock and no socket.

mod clock;
mod decide;

use arrayvec::ArrayVec;
use paperwire_core::agent::Clock;
use paperwire_core::book::{BookError, L2Book, Level};
use paperwire_core::event::{
    GapReason, LevelBatch, MarketEvent, MarketKind, Seq, Stamps, SymbolStatus,
};
use paperwire_core::instrument::{Instrument, SymbolId, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::time::{DurationNs, ExchNs, HostNs};

use crate::control::Pressure;
use crate::wire::WireError;
use crate::wire::cold::{ColdFrame, ColdReader};
use crate::wire::hot::{self, BookHead, Frame, Scratch, TickerRow};
use crate::wire::symbols::SymbolTable;

use clock::VenueClock;

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
    /// A trade or ticker subscription delivered.
    Data(SymbolId),
    /// A sign of life.
    Heartbeat,
    /// Not market data.
    Cold(ColdFrame),
    /// These symbols (bit = index) must be fetched anew.
    Desync(u64, GapReason),
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
    /// Exchange time of the last believed message: the start of a gap.
    good_until: ExchNs,
    /// Why it is not believed.
    reason: GapReason,
    /// Arrival of the last book message.
    heard_at: HostNs,
    /// Arrival of the oldest change that was kept back from the engine.
    kept_since: HostNs,
    last_trade_id: Option<i64>,
}

/// What happened so far. Counters only grow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// WebSocket messages.
    pub frames: u64,
    /// Book messages applied, snapshots included.
    pub book_updates: u64,
    /// Trades passed on.
    pub trades: u64,
    /// Checksums that matched.
    pub checksums_ok: u64,
    /// Checksums that did not.
    pub checksums_bad: u64,
    /// Times a book was declared void and fetched anew.
    pub resyncs: u64,
    /// Frames that could not be read.
    pub malformed: u64,
    /// Rows of symbols nobody asked for.
    pub unknown_symbols: u64,
    /// Updates that came before a snapshot.
    pub before_snapshot: u64,
    /// Trades that had been seen before.
    pub duplicate_trades: u64,
    /// Trade numbers that never came.
    pub missed_trades: u64,
    /// Book messages kept back because the engine was slow.
    pub conflated: u64,
    /// Trades dropped because the engine was slower still.
    pub dropped_trades: u64,
    /// Gaps announced to the engine.
    pub gaps: u64,
    /// Connections lost.
    pub disconnects: u64,
}

/// Stages that a frame passes after it was found.
const FRAME_STAGES_MAX: usize = 3;

/// Notes when one frame passes its stages. Histograms are written afterwards, when the engine already has it.
#[derive(Debug)]
pub struct Probe<'a, C> {
    clock: &'a C,
    arrived: HostNs,
    begun: HostNs,
    at: HostNs,
    passed: ArrayVec<(Stage, HostNs), FRAME_STAGES_MAX>,
}

impl<'a, C: Clock> Probe<'a, C> {
    /// A frame that arrived at `arrived` and has reached its last stage at `at`.
    pub const fn new(clock: &'a C, arrived: HostNs, at: HostNs) -> Self {
        Self { clock, arrived, begun: at, at, passed: ArrayVec::new_const() }
    }

    /// The end of a stage.
    #[inline]
    pub fn mark(&mut self, stage: Stage) {
        self.at = self.clock.now();
        self.passed.push((stage, self.at));
    }

    /// Writes what was noted.
    #[inline]
    pub fn record(&self, bank: &mut Bank) {
        let mut from = self.begun;
        for &(stage, at) in &self.passed {
            bank.stage(stage).record(self.arrived, from, at);
            from = at;
        }
    }
}

/// No pair trades this often between two messages; a damaged number could say so.
const TRADE_ID_JUMP_MAX: i64 = 1_000_000;

/// The verified market.
#[derive(Debug)]
pub struct MarketFeed {
    symbols: SymbolTable,
    books: Vec<SymbolBook>,
    scratch: Scratch,
    cold: ColdReader,
    out: Emitter,
    pressure: Pressure,
    /// Symbols (bit = index) whose changes were kept back from the engine.
    conflated: u64,
    /// Symbols whose trades were dropped since their last flush.
    lost_trades: u64,
    counters: Counters,
    venue: VenueClock,
    /// How far the exchange's clock jumped with the last frame, until it was told.
    jumped: Option<DurationNs>,
    last_error: Option<(SymbolId, BookError)>,
    last_wire_error: Option<WireError>,
}

impl MarketFeed {
    /// Books of `depth` rows for these instruments; all memory is taken here.
    pub fn new(instruments: &[Instrument], depth: u16) -> Self {
        let book = || SymbolBook {
            book: L2Book::new(usize::from(depth)),
            state: BookState::Empty,
            good_until: ExchNs::default(),
            reason: GapReason::Disconnect,
            heard_at: HostNs::default(),
            kept_since: HostNs::default(),
            last_trade_id: None,
        };
        Self {
            symbols: SymbolTable::new(instruments),
            books: instruments.iter().map(|_| book()).collect(),
            scratch: Scratch::new(),
            cold: ColdReader::new(),
            out: Emitter::default(),
            pressure: Pressure::None,
            conflated: 0,
            lost_trades: 0,
            counters: Counters::default(),
            venue: VenueClock::default(),
            jumped: None,
            last_error: None,
            last_wire_error: None,
        }
    }

    /// What happened so far.
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The instruments; the index is the [`SymbolId`].
    pub fn instruments(&self) -> &[Instrument] {
        self.symbols.instruments()
    }

    /// State of one book.
    pub fn state(&self, symbol: SymbolId) -> BookState {
        self.books[symbol.index()].state
    }

    /// Arrival of the last message of one book.
    pub fn heard_at(&self, symbol: SymbolId) -> HostNs {
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
        let waiting = self.conflated | self.lost_trades;
        (waiting != 0).then(|| SymbolId(u16::try_from(waiting.trailing_zeros()).expect("below 64")))
    }

    /// Events that flushing a symbol takes.
    pub fn flush_len(&self, symbol: SymbolId) -> usize {
        let book = &self.books[symbol.index()].book;
        let levels = book.levels(BookSide::Bid).len() + book.levels(BookSide::Ask).len();
        levels.div_ceil(paperwire_core::limits::EVENT_LEVELS) + 3
    }

    /// The exchange's time now, carried forward from the last message by the host clock.
    pub fn estimate(&self, now: HostNs) -> Option<ExchNs> {
        self.venue.estimate(now)
    }

    /// How far the exchange's clock was ahead of ours when it was believed anew, once.
    pub const fn take_jump(&mut self) -> Option<DurationNs> {
        self.jumped.take()
    }

    /// Takes one frame that arrived at `rx`.
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
        let result = decoded.and_then(|frame| self.check_time(frame, rx));
        match result {
            Ok(Frame::Book(head)) => self.on_book(rx, &head, probe, sink),
            Ok(Frame::Trades { is_snapshot }) => self.on_trades(is_snapshot, probe, sink),
            Ok(Frame::Ticker(row)) => self.on_ticker(rx, &row, probe, sink),
            Ok(Frame::Heartbeat) => Outcome::Heartbeat,
            Ok(Frame::Other) => self.on_cold(rx, frame, sink),
            Ok(Frame::UnknownSymbol) => {
                self.counters.unknown_symbols += 1;
                self.distrust(self.everyone(), sink)
            }
            Err(error) => self.on_malformed(frame, error, sink),
        }
    }

    fn on_cold(&mut self, rx: HostNs, frame: &[u8], sink: &mut impl EventSink) -> Outcome {
        match self.cold.read(frame) {
            Ok(frame @ ColdFrame::Instruments { .. }) => {
                for index in 0..self.cold.instruments().len() {
                    let row = self.cold.instruments()[index];
                    self.on_instrument(rx, &row, sink);
                }
                Outcome::Cold(frame)
            }
            Ok(ColdFrame::Unknown) => {
                // A channel we do not know that names one of our symbols may be a damaged one we do.
                let named = self.named_in(frame);
                self.counters.unknown_symbols += 1;
                if named == 0 {
                    Outcome::Cold(ColdFrame::Unknown)
                } else {
                    self.distrust(named, sink)
                }
            }
            Ok(cold) => Outcome::Cold(cold),
            Err(error) => self.on_malformed(frame, error, sink),
        }
    }

    /// The venue told what may be done with a pair.
    fn on_instrument(&mut self, rx: HostNs, row: &Instrument, sink: &mut impl EventSink) {
        let Some((symbol, known)) = self.symbols.find(row.name.as_bytes()) else {
            return;
        };
        let same_numbers = known.price_precision == row.price_precision
            && known.qty_precision == row.qty_precision;
        let at = self.venue.latest().map(|(at, _)| at).unwrap_or_default();
        // With another precision every number would be read wrong: closed until a restart.
        let status = if same_numbers { row.status } else { TradingStatus::Closed };
        self.emit(sink, symbol, at, rx, MarketKind::Trading(status));
    }

    fn on_malformed(
        &mut self,
        frame: &[u8],
        error: WireError,
        sink: &mut impl EventSink,
    ) -> Outcome {
        self.counters.malformed += 1;
        self.last_wire_error = Some(error);
        let named = self.named_in(frame);
        self.distrust(if named == 0 { self.everyone() } else { named }, sink)
    }

    fn ids(&self) -> impl Iterator<Item = SymbolId> + use<> {
        let len = u16::try_from(self.books.len()).expect("at most SYMBOLS_MAX symbols");
        (0..len).map(SymbolId)
    }

    /// Refuses frames with a time that no exchange would send.
    fn check_time(&mut self, frame: Frame, rx: HostNs) -> Result<Frame, WireError> {
        let latest = match frame {
            Frame::Book(head) => head.at,
            Frame::Ticker(row) => row.at,
            Frame::Trades { .. } => self.scratch.trades.iter().map(|(_, trade)| trade.at).max(),
            Frame::Heartbeat | Frame::Other | Frame::UnknownSymbol => None,
        };
        if let Some(at) = latest {
            self.jumped = self.venue.take(at, rx)?.or(self.jumped);
        }
        Ok(frame)
    }

    fn on_book<C: Clock>(
        &mut self,
        rx: HostNs,
        head: &BookHead,
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let symbol = head.symbol;
        let at = head.at.or_else(|| self.estimate(rx)).unwrap_or_default();
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
            return Outcome::Desync(1 << symbol.0, reason);
        }
        self.counters.checksums_ok += 1;
        entry.heard_at = rx;
        let was = std::mem::replace(&mut entry.state, BookState::Live);
        let (from, reason) = (entry.good_until, entry.reason);
        entry.good_until = at;
        if was == BookState::Stale {
            self.emit(sink, symbol, at, rx, MarketKind::Status(SymbolStatus::Live));
        }
        if was == BookState::Resync {
            let gap = SymbolStatus::Gap { from, to: at, reason };
            self.counters.gaps += 1;
            self.emit(sink, symbol, at, rx, MarketKind::Status(gap));
        }
        if self.pressure != Pressure::None || self.conflated >> symbol.0 & 1 == 1 {
            if self.conflated >> symbol.0 & 1 == 0 {
                self.books[symbol.index()].kept_since = probe.arrived;
            }
            self.conflated |= 1 << symbol.0;
            self.counters.conflated += 1;
        } else {
            // Verified a moment ago: not worth another look at the clock.
            let stamps = Stamps { arrived: probe.arrived, enqueued: probe.at };
            let rows = self.scratch.levels.iter();
            let rows = rows.map(|l| (l.side, Level { px: l.px, qty: l.qty }));
            let to = Address { symbol: Some(symbol), at, stamps };
            self.out.levels(to, head.is_snapshot, rows, sink);
        }
        probe.mark(Stage::Enqueued);
        if head.is_snapshot { Outcome::Snapshot(symbol) } else { Outcome::Applied }
    }

    fn flush(&mut self, symbol: SymbolId, rx: HostNs, sink: &mut impl EventSink) {
        let bit = 1u64 << symbol.0;
        let is_conflated = self.conflated & bit != 0;
        let has_lost_trades = self.lost_trades & bit != 0;
        self.conflated &= !bit;
        self.lost_trades &= !bit;
        let at = self.books[symbol.index()].good_until;
        if has_lost_trades {
            let gap = SymbolStatus::Gap { from: at, to: at, reason: GapReason::Conflated };
            self.counters.gaps += 1;
            self.emit(sink, symbol, at, rx, MarketKind::Status(gap));
        }
        let is_whole =
            matches!(self.books[symbol.index()].state, BookState::Live | BookState::Stale);
        if !is_conflated || !is_whole {
            return;
        }
        let SymbolBook { book, kept_since: arrived, .. } = &self.books[symbol.index()];
        let bids = book.levels(BookSide::Bid).map(|level| (BookSide::Bid, level));
        let asks = book.levels(BookSide::Ask).map(|level| (BookSide::Ask, level));
        // The whole book stands for all changes kept back: it waited as long as the oldest of them.
        let stamps = Stamps { arrived: *arrived, enqueued: rx };
        let to = Address { symbol: Some(symbol), at, stamps };
        self.out.levels(to, true, bids.chain(asks), sink);
    }

    fn on_trades<C: Clock>(
        &mut self,
        is_snapshot: bool,
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let mut outcome = Outcome::Applied;
        for (symbol, trade) in &self.scratch.trades {
            let entry = &mut self.books[symbol.index()];
            if let Some(last) = entry.last_trade_id {
                let step = trade.trade_id - last;
                if step <= 0 {
                    self.counters.duplicate_trades += 1;
                    continue;
                }
                if step > TRADE_ID_JUMP_MAX {
                    self.counters.malformed += 1;
                    continue;
                }
                self.counters.missed_trades += step.unsigned_abs() - 1;
            }
            entry.last_trade_id = Some(trade.trade_id);
            if self.pressure == Pressure::Drop {
                self.lost_trades |= 1 << symbol.0;
                self.counters.dropped_trades += 1;
                continue;
            }
            self.counters.trades += 1;
            let stamps = Stamps { arrived: probe.arrived, enqueued: probe.clock.now() };
            let to = Address { symbol: Some(*symbol), at: trade.at, stamps };
            self.out.push(sink, to, MarketKind::Trade { trade: *trade, is_snapshot });
            outcome = Outcome::Data(*symbol);
        }
        probe.mark(Stage::Enqueued);
        outcome
    }

    fn on_ticker<C: Clock>(
        &mut self,
        rx: HostNs,
        row: &TickerRow,
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        if self.pressure != Pressure::Drop {
            let at = row.at.or_else(|| self.estimate(rx)).unwrap_or_default();
            let kind = MarketKind::Ticker { bid: row.bid, ask: row.ask, last: row.last };
            self.emit(sink, row.symbol, at, probe.arrived, kind);
        }
        probe.mark(Stage::Enqueued);
        Outcome::Data(row.symbol)
    }

    /// Bits of the symbols whose names occur in a frame that could not be read.
    fn named_in(&self, frame: &[u8]) -> u64 {
        let is_named = |symbol: &SymbolId| {
            let name = self.symbols.instruments()[symbol.index()].name;
            frame.windows(name.len()).any(|window| window == name.as_bytes())
        };
        self.ids().filter(is_named).fold(0, |bits, symbol| bits | 1 << symbol.0)
    }

    fn everyone(&self) -> u64 {
        self.ids().fold(0, |bits, symbol| bits | 1 << symbol.0)
    }

    /// A frame that may have changed these books could not be used: they are no longer known to be
    /// what the exchange has.
    fn distrust(&mut self, symbols: u64, sink: &mut impl EventSink) -> Outcome {
        for symbol in self.ids().filter(|symbol| symbols >> symbol.0 & 1 == 1) {
            self.void(symbol, GapReason::Malformed, sink);
        }
        Outcome::Desync(symbols, GapReason::Malformed)
    }

    fn void(&mut self, symbol: SymbolId, reason: GapReason, sink: &mut impl EventSink) {
        let entry = &mut self.books[symbol.index()];
        entry.book.clear();
        self.conflated &= !(1 << symbol.0);
        if matches!(entry.state, BookState::Empty | BookState::Resync) {
            return;
        }
        entry.state = BookState::Resync;
        entry.reason = reason;
        let at = entry.good_until;
        self.counters.resyncs += 1;
        let stamp = self.venue.latest().map(|(_, rx)| rx).unwrap_or_default();
        self.emit(sink, symbol, at, stamp, MarketKind::Status(SymbolStatus::Resync));
    }

    fn emit(
        &mut self,
        sink: &mut impl EventSink,
        symbol: impl Into<Option<SymbolId>>,
        at: ExchNs,
        stamp: HostNs,
        kind: MarketKind,
    ) {
        let symbol = symbol.into();
        let stamps = Stamps { arrived: stamp, enqueued: stamp };
        self.out.push(sink, Address { symbol, at, stamps }, kind);
    }
}

/// Numbers events and cuts levels into them.
#[derive(Debug, Default)]
struct Emitter {
    seq: u64,
}

impl Emitter {
    fn push(&mut self, sink: &mut impl EventSink, to: Address, kind: MarketKind) {
        self.seq += 1;
        let Address { symbol, at, stamps } = to;
        sink.push(MarketEvent { seq: Seq(self.seq), exch: at, stamps, symbol, kind });
    }

    /// A message without levels still has one event: it moves the book's time.
    fn levels(
        &mut self,
        to: Address,
        is_reset: bool,
        levels: impl Iterator<Item = (BookSide, Level)>,
        sink: &mut impl EventSink,
    ) {
        let kind = |batch| {
            if is_reset { MarketKind::Reset(batch) } else { MarketKind::Book(batch) }
        };
        let mut batch = LevelBatch::new(true);
        for (side, level) in levels {
            if batch.is_full() {
                self.push(sink, to, kind(batch));
                batch = LevelBatch::new(false);
            }
            batch.push(side, level);
        }
        batch.is_last = true;
        self.push(sink, to, kind(batch));
    }
}

/// Symbol and times that the parts of one message share.
#[derive(Clone, Copy, Debug)]
struct Address {
    symbol: Option<SymbolId>,
    at: ExchNs,
    stamps: Stamps,
}
const _: () = assert!(paperwire_core::limits::SYMBOLS_MAX <= 64, "one bit per symbol");

#[cfg(test)]
mod tests;
