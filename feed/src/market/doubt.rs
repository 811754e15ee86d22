//! What becomes of frames and times that are not believed.

use paperwire_core::event::{GapReason, MarketKind, SymbolStatus};
use paperwire_core::instrument::SymbolId;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ExchNs, HostNs};

use super::clock::{Step, Taken};
use super::{BookState, EventSink, MarketFeed, Outcome};
use crate::wire::hot::{BookHead, Refused};
use crate::wire::{Refusal, WireError};

impl MarketFeed {
    /// A frame that may be of a book could not be read.
    pub(super) fn on_malformed(
        &mut self,
        frame: &[u8],
        error: WireError,
        sink: &mut impl EventSink,
    ) -> Outcome {
        self.counters.malformed += 1;
        self.last_wire_error = Some(error);
        let named = self.named_in(frame);
        self.distrust(if named.is_empty() { self.everyone() } else { named }, sink)
    }

    /// A frame that cannot be of a book could not be read: it is lost, and no book is touched.
    pub(super) const fn on_unread(&mut self, error: WireError) -> Outcome {
        self.counters.malformed += 1;
        self.last_wire_error = Some(error);
        Outcome::Unread(error)
    }

    /// Symbols whose names occur in a frame that could not be read.
    pub(super) fn named_in(&self, frame: &[u8]) -> SymbolSet {
        let is_named = |symbol: &SymbolId| {
            let name = self.symbols.instruments()[symbol.index()].name;
            frame.windows(name.len()).any(|window| window == name.as_bytes())
        };
        self.ids().filter(is_named).collect()
    }

    const fn everyone(&self) -> SymbolSet {
        SymbolSet::all(self.books.len())
    }

    /// A frame that may have changed these books could not be used: they are no longer known to be
    /// what the exchange has.
    pub(super) fn distrust(&mut self, symbols: SymbolSet, sink: &mut impl EventSink) -> Outcome {
        for symbol in symbols {
            self.void(symbol, GapReason::Malformed, sink);
        }
        Outcome::Desync(symbols, GapReason::Malformed)
    }

    pub(super) fn void(&mut self, symbol: SymbolId, reason: GapReason, sink: &mut impl EventSink) {
        let entry = &mut self.books[symbol.index()];
        entry.book.clear();
        entry.kept_since = None;
        self.conflated.remove(symbol);
        if matches!(entry.state, BookState::Empty | BookState::Resync) {
            return;
        }
        entry.reason = reason;
        self.counters.resyncs += 1;
        let Some(at) = entry.good_until else {
            // The engine was never told of it.
            entry.state = BookState::Empty;
            return;
        };
        entry.state = BookState::Resync;
        self.emit(sink, symbol, at, MarketKind::Status(SymbolStatus::Resync));
    }

    /// The time of a book that verified: its own, or the time between the messages when that is not
    /// told or cannot be. `None` before any is known.
    pub(super) fn book_time(
        &mut self,
        head: &BookHead,
        rx: HostNs,
        sink: &mut impl EventSink,
    ) -> Option<ExchNs> {
        let Some(at) = head.at else {
            return self.estimate(rx);
        };
        if self.take_time(at, rx, !head.is_snapshot, sink) == Taken::Refused {
            self.refuse(Refused { symbol: head.symbol, why: Refusal::Time, count: 1 });
            return self.estimate(rx);
        }
        Some(at)
    }

    /// Minds the time of a message; a step of the clock is told to every symbol at once.
    pub(super) fn take_time(
        &mut self,
        at: ExchNs,
        rx: HostNs,
        is_news: bool,
        sink: &mut impl EventSink,
    ) -> Taken {
        let taken = self.venue.take(at, rx, is_news);
        if let Taken::Stepped(step) = taken {
            self.step_clock(step, sink);
        }
        if !self.is_timed && taken != Taken::Refused {
            self.tell_untold(rx, sink);
        }
        taken
    }

    #[cold]
    fn step_clock(&mut self, step: Step, sink: &mut impl EventSink) {
        self.stepped = Some(step);
        let Step { from, to } = step;
        for symbol in self.ids() {
            let entry = &mut self.books[symbol.index()];
            entry.good_until = entry.good_until.map(|_| to);
            entry.numbers.open();
            self.counters.gaps += 1;
            let gap = SymbolStatus::Gap { from, to, reason: GapReason::Clock };
            self.emit(sink, symbol, to, MarketKind::Status(gap));
        }
    }

    /// The first time is known: tells what was learned before.
    #[cold]
    pub(super) fn tell_untold(&mut self, rx: HostNs, sink: &mut impl EventSink) {
        let Some(at) = self.estimate(rx) else {
            return;
        };
        self.is_timed = true;
        for symbol in self.ids() {
            if std::mem::take(&mut self.books[symbol.index()].has_untold_rules) {
                let rules = self.symbols.instruments()[symbol.index()].order_rules();
                self.emit(sink, symbol, at, MarketKind::Rules(rules));
            }
            if let Some(status) = self.books[symbol.index()].untold.take() {
                self.emit(sink, symbol, at, MarketKind::Trading(status));
            }
        }
    }
}
