//! What may be traded: the venue's own state, each pair's, and the pairs that cannot be followed.
//!
//! Decided from frames alone, so that a replay decides the same. Whatever changes is an event for the
//! engine, and a notice for people; cold.

use arrayvec::ArrayVec;
use paperwire_core::event::{GapReason, MarketKind};
use paperwire_core::instrument::{Instrument, OrderRules, SymbolId, TradingStatus};
use paperwire_core::limits::SYMBOLS_MAX;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::HostNs;

use super::{EventSink, MarketFeed};
use crate::wire::cold::{Ack, AckMethod};

/// Why a pair cannot be traded here whatever its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It has other precisions than at the start: every number would be read wrong.
    Precision {
        /// Decimals of its prices now.
        price: u8,
        /// Decimals of its quantities now.
        qty: u8,
    },
    /// The venue's list says something of it that cannot be read.
    Unreadable,
    /// It is not on the venue's list any more.
    Unlisted,
    /// The venue refuses to subscribe it.
    Refused,
}

impl Stop {
    /// True when nothing can be had of the pair by asking again.
    const fn is_final(self) -> bool {
        !matches!(self, Self::Refused)
    }
}

/// A change that people should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TradingNotice {
    /// The state of the whole venue changed to this.
    Venue(TradingStatus),
    /// What the venue lets one do with this pair alone changed to this.
    Pair(SymbolId, TradingStatus),
    /// The pair is stopped.
    Stopped(SymbolId, Stop),
    /// The pair is not stopped any more.
    Resumed(SymbolId),
    /// The pair's increments or minimums changed to these.
    Rules(SymbolId, OrderRules),
}

/// Everything that one frame can change: the venue, and each pair's status, stop and rules.
const NOTICES_MAX: usize = 1 + 3 * SYMBOLS_MAX;
/// What one frame changed.
pub type TradingNotices = ArrayVec<TradingNotice, NOTICES_MAX>;

#[derive(Clone, Copy, Debug)]
struct Pair {
    /// As the venue's list has it.
    listed: TradingStatus,
    stop: Option<Stop>,
}

/// The states behind what the engine is told.
#[derive(Debug)]
pub(super) struct Trading {
    pub(super) system: TradingStatus,
    pairs: Vec<Pair>,
    notices: TradingNotices,
}

impl Trading {
    pub(super) fn new(instruments: &[Instrument], system: TradingStatus) -> Self {
        let pairs = instruments.iter().map(|of| Pair { listed: of.status, stop: None });
        Self { system, pairs: pairs.collect(), notices: TradingNotices::new() }
    }

    /// What may be done with a pair: what the venue and the pair allow, nothing while it is stopped.
    fn status(&self, symbol: SymbolId) -> TradingStatus {
        let pair = &self.pairs[symbol.index()];
        match pair.stop {
            Some(_) => TradingStatus::Closed,
            None => self.system.and(pair.listed),
        }
    }

    fn note(&mut self, notice: TradingNotice) {
        // A list that names a pair twice may say more than there is room for: the first counts.
        let _ = self.notices.try_push(notice);
    }
}

impl MarketFeed {
    /// Why a pair is stopped, if it is.
    pub fn stop(&self, symbol: SymbolId) -> Option<Stop> {
        self.trading.pairs[symbol.index()].stop
    }

    /// True when nothing can be had of the pair, so that nothing need be asked for.
    pub fn is_given_up(&self, symbol: SymbolId) -> bool {
        self.stop(symbol).is_some_and(Stop::is_final)
    }

    /// Changes that nobody was told yet.
    pub fn take_trading_notices(&mut self) -> TradingNotices {
        std::mem::take(&mut self.trading.notices)
    }

    /// The venue told its own state.
    pub(super) fn on_system(
        &mut self,
        rx: HostNs,
        system: TradingStatus,
        sink: &mut impl EventSink,
    ) {
        if system == self.trading.system {
            return;
        }
        self.trading.system = system;
        self.trading.note(TradingNotice::Venue(system));
        for symbol in self.ids() {
            self.tell_status(rx, symbol, sink);
        }
    }

    /// Pairs of the venue's list; a whole list that lacks one of ours speaks of it, too.
    pub(super) fn on_list(&mut self, rx: HostNs, is_whole: bool, sink: &mut impl EventSink) {
        let mut listed = SymbolSet::EMPTY;
        for index in 0..self.cold.instruments().len() {
            let row = self.cold.instruments()[index];
            if let Some(symbol) = self.symbol_of(&row.name) {
                listed.insert(symbol);
                self.on_instrument(rx, symbol, &row, sink);
            }
        }
        for index in 0..self.cold.unreadable().len() {
            let name = self.cold.unreadable()[index];
            if let Some(symbol) = self.symbol_of(&name) {
                listed.insert(symbol);
                self.on_absent(rx, symbol, Stop::Unreadable, sink);
            }
        }
        // A list of nothing says nothing.
        let is_whole = is_whole && !self.cold.instruments().is_empty();
        for symbol in self.ids().filter(|symbol| is_whole && !listed.contains(*symbol)) {
            self.on_absent(rx, symbol, Stop::Unlisted, sink);
        }
    }

    /// The venue told something of a pair.
    fn on_instrument(
        &mut self,
        rx: HostNs,
        symbol: SymbolId,
        row: &Instrument,
        sink: &mut impl EventSink,
    ) {
        let known = &self.symbols.instruments()[symbol.index()];
        let (price, qty) = (row.price_precision, row.qty_precision);
        let is_same = known.price_precision == price && known.qty_precision == qty;
        let (rules, known_rules) = (row.order_rules(), known.order_rules());
        let listed = &mut self.trading.pairs[symbol.index()].listed;
        if std::mem::replace(listed, row.status) != row.status {
            self.trading.note(TradingNotice::Pair(symbol, row.status));
        }
        match (is_same, self.stop(symbol)) {
            (false, _) => self.set_stop(symbol, Stop::Precision { price, qty }, sink),
            (true, Some(stop)) if stop.is_final() => self.end_stop(symbol),
            (true, _) => {}
        }
        if is_same && rules != known_rules {
            self.symbols.set_order_rules(symbol, &rules);
            self.trading.note(TradingNotice::Rules(symbol, rules));
            self.emit_now(rx, symbol, MarketKind::Rules(rules), sink);
        }
        self.tell_status(rx, symbol, sink);
    }

    /// The venue sent its whole list without this pair, or something of this pair that cannot be read.
    fn on_absent(&mut self, rx: HostNs, symbol: SymbolId, stop: Stop, sink: &mut impl EventSink) {
        self.set_stop(symbol, stop, sink);
        self.tell_status(rx, symbol, sink);
    }

    /// The venue answered a request: it may refuse a pair, or take one again.
    pub(super) fn on_answer(&mut self, rx: HostNs, ack: &Ack, sink: &mut impl EventSink) {
        let named = ack.symbol.and_then(|name| self.symbol_of(&name));
        let (Some(symbol), AckMethod::Subscribe) = (named, ack.method) else {
            return;
        };
        match (&ack.error, self.stop(symbol)) {
            (Some(error), None) if error.starts_with("Currency pair not ") => {
                self.set_stop(symbol, Stop::Refused, sink);
            }
            (None, Some(Stop::Refused)) => self.end_stop(symbol),
            _ => return,
        }
        self.tell_status(rx, symbol, sink);
    }

    fn set_stop(&mut self, symbol: SymbolId, stop: Stop, sink: &mut impl EventSink) {
        let before = self.trading.pairs[symbol.index()].stop.replace(stop);
        if before != Some(stop) {
            self.trading.note(TradingNotice::Stopped(symbol, stop));
        }
        self.void(symbol, GapReason::Stopped, sink);
    }

    fn end_stop(&mut self, symbol: SymbolId) {
        self.trading.pairs[symbol.index()].stop = None;
        self.trading.note(TradingNotice::Resumed(symbol));
    }

    fn tell_status(&mut self, rx: HostNs, symbol: SymbolId, sink: &mut impl EventSink) {
        let status = self.trading.status(symbol);
        self.emit_now(rx, symbol, MarketKind::Trading(status), sink);
    }

    fn emit_now(
        &mut self,
        rx: HostNs,
        symbol: SymbolId,
        kind: MarketKind,
        sink: &mut impl EventSink,
    ) {
        let Some(at) = self.estimate(rx) else {
            // It is told with the first time that the venue sends.
            let entry = &mut self.books[symbol.index()];
            match kind {
                MarketKind::Trading(status) => entry.untold = Some(status),
                _ => entry.has_untold_rules = true,
            }
            return;
        };
        self.emit(sink, symbol, at, kind);
    }
}

#[cfg(test)]
mod tests;
