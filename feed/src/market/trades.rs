//! Trades and tickers: what is believed of them. Neither has a checksum, and neither touches a book.
//!
//! A trade's number tells which trades were seen and which were missed; it is never a reason to lose
//! one. A price is held against the verified book: what cannot have been traded there is refused, and
//! so reaches no bar, no order and no account.

use paperwire_core::agent::Clock;
use paperwire_core::event::{GapReason, MarketKind, Stamps, SymbolStatus};
use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::Stage;
use paperwire_core::num::Px;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ExchNs, HostNs};

use super::agreed::Dispute;
use super::clock::Taken;
use super::{Address, BookState, EventSink, MarketFeed, Outcome, Probe, SymbolBook};
use crate::control::Pressure;
use crate::wire::Refusal;
use crate::wire::hot::{Refused, TickerRow};

/// No pair trades this often between two messages of a connection; a damaged number could say so.
const STEP_MAX: i64 = 1_000;

/// Trades whose numbers are remembered: those that the venue repeats after a subscription, and some.
const SEEN_LEN: usize = 64;

/// How far outside the visible book a print may lie, when nothing else is configured.
pub const PRINT_DISTANCE_DEFAULT: Distance = Distance { basis_points: 1_000 };

/// Prints this close to the touch are never far, however coarse the ticks of a pair are.
const NEAR_TICKS: i64 = 10;

/// A distance from the touch as a part of its price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distance {
    basis_points: u32,
}

impl Distance {
    /// So many hundredths of a percent.
    pub const fn new(basis_points: u32) -> Self {
        Self { basis_points }
    }

    /// True when `off` is more than this part of `px`.
    const fn is_less(self, off: i64, px: Px) -> bool {
        off as i128 * 10_000 > px.raw() as i128 * self.basis_points as i128
    }
}

/// What is known of the numbers of one pair's trades.
#[derive(Debug)]
pub(super) struct TradeNumbers {
    /// The last believed one.
    last: Option<i64>,
    /// The newest trades, oldest first after rotation.
    seen: [Option<(i64, ExchNs)>; SEEN_LEN],
    next: usize,
    dispute: Dispute<i64>,
    /// The next number that was not seen is believed: a connection is new.
    is_open: bool,
}

/// What the number of a trade says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Number {
    /// It follows, after some that never came.
    Next { missed: u64 },
    /// The trade was seen before.
    Seen,
    /// It fits nothing that is known: the trade counts, its number does not.
    Odd,
    /// It starts another row of numbers.
    Jumped { from: i64 },
}

impl TradeNumbers {
    pub(super) const fn new() -> Self {
        let seen = [None; SEEN_LEN];
        Self { last: None, seen, next: 0, dispute: Dispute::new(), is_open: false }
    }

    /// The connection was lost or the clock was set: what comes next is believed.
    pub(super) const fn open(&mut self) {
        self.is_open = true;
        self.dispute.settle();
    }

    fn take(&mut self, id: i64, at: ExchNs) -> Number {
        let Some(last) = self.last else {
            (self.last, self.is_open) = (Some(id), false);
            self.remember(id, at);
            return Number::Next { missed: 0 };
        };
        let step = id - last;
        let follows = |before: i64, id: i64| (1..=STEP_MAX).contains(&(id - before));
        if follows(last, id) {
            self.remember(id, at);
            self.is_open = false;
            self.dispute.settle();
            self.last = Some(id);
            return Number::Next { missed: step.unsigned_abs() - 1 };
        }
        if self.has_seen(id, at, step) {
            return Number::Seen;
        }
        self.remember(id, at);
        let was_open = std::mem::take(&mut self.is_open);
        if was_open || self.dispute.contradict(id, follows) {
            self.dispute.settle();
            self.last = Some(id);
            return Number::Jumped { from: last };
        }
        Number::Odd
    }

    /// True for a trade that is remembered, or has a lower number and is older than all that are.
    fn has_seen(&self, id: i64, at: ExchNs, step: i64) -> bool {
        let is_older = |(_, oldest): (i64, ExchNs)| step <= 0 && at < oldest;
        self.seen.contains(&Some((id, at))) || self.seen[self.next].is_some_and(is_older)
    }

    fn remember(&mut self, id: i64, at: ExchNs) {
        self.seen[self.next] = Some((id, at));
        self.next = (self.next + 1) % SEEN_LEN;
    }
}

/// A jump of a pair's trade numbers that is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NumberJump {
    /// Which pair.
    pub symbol: SymbolId,
    /// The last number before.
    pub from: i64,
    /// The first one after.
    pub to: i64,
}

impl MarketFeed {
    /// Prints farther than this outside the visible book are refused.
    #[must_use]
    pub const fn with_print_distance(mut self, distance: Distance) -> Self {
        self.print_distance = distance;
        self
    }

    /// Rows that were refused since this was last asked, and why the last of them was.
    pub const fn take_refused(&mut self) -> Option<Refused> {
        self.refused.take()
    }

    /// The last jump of trade numbers, once.
    pub const fn take_number_jump(&mut self) -> Option<NumberJump> {
        self.number_jump.take()
    }

    pub(super) fn refuse(&mut self, refused: Refused) {
        self.counters.refused += refused.count;
        let count = refused.count + self.refused.map_or(0, |before| before.count);
        self.refused = Some(Refused { count, ..refused });
    }

    pub(super) fn on_trades<C: Clock>(
        &mut self,
        rx: HostNs,
        is_snapshot: bool,
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        let is_news = !is_snapshot;
        let latest = self.scratch.trades.iter().map(|(_, trade)| trade.at).max();
        let taken = latest.map(|at| self.take_time(at, rx, is_news, sink));
        let is_doubted = taken == Some(Taken::Refused);
        let mut symbols = SymbolSet::EMPTY;
        for index in 0..self.scratch.trades.len() {
            let (symbol, trade) = self.scratch.trades[index];
            // A subscription delivers, whatever it is worth.
            symbols.insert(symbol);
            let why = if is_doubted && self.venue.is_refused(trade.at, rx, is_news) {
                Some(Refusal::Time)
            } else if is_news && self.is_far(symbol, trade.px) {
                Some(Refusal::Far)
            } else {
                None
            };
            if let Some(why) = why {
                self.refuse(Refused { symbol, why, count: 1 });
                continue;
            }
            if !self.is_new(symbol, trade.trade_id, trade.at, sink) {
                continue;
            }
            if self.pressure == Pressure::Drop {
                self.lost_trades.insert(symbol);
                self.counters.dropped_trades += 1;
                continue;
            }
            self.counters.trades += 1;
            let stamps = Stamps { arrived: probe.arrived, enqueued: probe.clock.now() };
            let to = Address { symbol: Some(symbol), at: trade.at, stamps };
            self.out.push(sink, to, MarketKind::Trade { trade, is_snapshot });
        }
        probe.mark(Stage::Enqueued);
        if !symbols.is_empty() || is_snapshot { Outcome::Trades(symbols) } else { Outcome::Applied }
    }

    /// Minds a trade's number; false for a trade that was seen before.
    fn is_new(&mut self, symbol: SymbolId, id: i64, at: ExchNs, sink: &mut impl EventSink) -> bool {
        match self.books[symbol.index()].numbers.take(id, at) {
            Number::Next { missed } => self.counters.missed_trades += missed,
            Number::Odd => {}
            Number::Seen => {
                self.counters.duplicate_trades += 1;
                return false;
            }
            Number::Jumped { from } => {
                self.number_jump = Some(NumberJump { symbol, from, to: id });
                let gap = SymbolStatus::Gap { from: at, to: at, reason: GapReason::TradeIds };
                self.counters.gaps += 1;
                self.emit(sink, symbol, at, MarketKind::Status(gap));
            }
        }
        true
    }

    /// True for a price at which nothing can have traded while the book is as it is: outside of what is
    /// visible, and far from the touch. Without a verified book nothing is far, and nothing is filled.
    fn is_far(&self, symbol: SymbolId, px: Px) -> bool {
        let SymbolBook { book, state, .. } = &self.books[symbol.index()];
        if *state != BookState::Live {
            return false;
        }
        let near =
            self.instruments()[symbol.index()].price_increment.raw().saturating_mul(NEAR_TICKS);
        let off = |side| {
            let mut levels = book.levels(side);
            let worst = levels.next_back()?;
            let best = levels.next().unwrap_or(worst);
            let beyond = match side {
                BookSide::Ask => px.raw() - worst.px.raw(),
                BookSide::Bid => worst.px.raw() - px.raw(),
            };
            let off = (px.raw() - best.px.raw()).abs();
            Some(beyond > 0 && off > near && self.print_distance.is_less(off, best.px))
        };
        [BookSide::Bid, BookSide::Ask].into_iter().filter_map(off).any(|is_off| is_off)
    }

    pub(super) fn on_ticker<C: Clock>(
        &mut self,
        rx: HostNs,
        row: &TickerRow,
        probe: &mut Probe<'_, C>,
        sink: &mut impl EventSink,
    ) -> Outcome {
        // A ticker says when it was made, however long ago its pair traded.
        let taken = row.at.map(|at| self.take_time(at, rx, false, sink));
        if taken == Some(Taken::Refused) {
            self.refuse(Refused { symbol: row.symbol, why: Refusal::Time, count: 1 });
        }
        let told = row.at.filter(|_| taken != Some(Taken::Refused));
        if self.is_far(row.symbol, row.last) {
            self.refuse(Refused { symbol: row.symbol, why: Refusal::Far, count: 1 });
        } else if self.pressure != Pressure::Drop
            && let Some(at) = told.or_else(|| self.estimate(rx))
        {
            let kind = MarketKind::Ticker { last: row.last };
            self.emit(sink, row.symbol, at, kind);
        }
        probe.mark(Stage::Enqueued);
        Outcome::Ticker(row.symbol)
    }
}

#[cfg(test)]
mod tests;
