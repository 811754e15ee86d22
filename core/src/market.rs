//! The market as the engine knows it: one state per symbol, changed only by market events.

use crate::bar::{Bar, BarRules, BarSet, Closed, Timeframe};
use crate::board::Board;
use crate::book::{Bbo, DepthBook, Level};
use crate::event::{GapReason, LevelBatch, MarketEvent, MarketKind, SymbolStatus};
use crate::fixed_ring::FixedRing;
use crate::instrument::{AssetName, Instrument, SymbolId};
use crate::num::{Money, Px, money_from_scaled};
use crate::regime::{MarketRegime, Sentiment, SymbolRegime};
use crate::time::{DurationNs, ExchNs};
use crate::trade::TradeTape;

/// Whether a symbol's book may be traded on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BookStatus {
    /// No snapshot yet.
    #[default]
    Empty,
    /// Whole, verified and fresh.
    Live,
    /// Silent for too long.
    Stale,
    /// Failed its check; a new snapshot is on the way.
    Resync,
}

/// What a market event meant for strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing they should see (a part of a message, a snapshot trade, a book that is not live).
    Silent,
    /// The live book changed.
    Book,
    /// A trade was printed.
    Trade,
    /// A second passed.
    Timer,
}

/// Everything known of one symbol.
#[derive(Debug)]
pub struct SymbolState {
    instrument: Instrument,
    book: DepthBook,
    status: BookStatus,
    /// `None` before the first change.
    book_at: Option<ExchNs>,
    last: Option<Px>,
    tape: TradeTape,
    bars: BarSet,
    boards: [Board; Timeframe::ALL.len()],
    regime: Option<SymbolRegime>,
    updates: u64,
    gaps: u64,
}

impl SymbolState {
    fn new(instrument: Instrument, depth: usize, rules: BarRules) -> Self {
        Self {
            instrument,
            book: DepthBook::new(depth),
            status: BookStatus::Empty,
            book_at: None,
            last: None,
            tape: TradeTape::new(),
            bars: BarSet::new(rules),
            boards: std::array::from_fn(|_| Board::default()),
            regime: None,
            updates: 0,
            gaps: 0,
        }
    }

    /// The pair.
    pub const fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Whether its book may be traded on.
    pub const fn status(&self) -> BookStatus {
        self.status
    }

    /// The book, when it is live; strategies never see any other.
    pub const fn book(&self) -> Option<&DepthBook> {
        match self.status {
            BookStatus::Live => Some(&self.book),
            BookStatus::Empty | BookStatus::Stale | BookStatus::Resync => None,
        }
    }

    /// The touch of a live book.
    pub fn bbo(&self) -> Option<Bbo> {
        self.book()?.bbo()
    }

    /// Exchange time of the last book change; `None` before the first.
    pub const fn book_at(&self) -> Option<ExchNs> {
        self.book_at
    }

    /// Price of the last trade.
    pub const fn last(&self) -> Option<Px> {
        self.last
    }

    /// Mid of a live book as a float; falls back to the last trade.
    #[expect(clippy::cast_precision_loss, reason = "a signal in f64")]
    pub fn price(&self) -> Option<f64> {
        match self.bbo() {
            Some(bbo) => {
                let unit = crate::num::pow10(self.instrument.price_precision) as f64;
                Some(bbo.mid_doubled() as f64 / 2.0 / unit)
            }
            None => self.last.map(|px| self.instrument.px_f64(px)),
        }
    }

    /// Mid of a live book, exact, in the quote currency.
    pub fn mid(&self) -> Option<Money> {
        let bbo = self.bbo()?;
        let doubled = i128::from(bbo.mid_doubled());
        Some(money_from_scaled(doubled, self.instrument.price_precision) / 2)
    }

    /// Recent taker orders.
    pub const fn tape(&self) -> &TradeTape {
        &self.tape
    }

    /// Closed bars of one timeframe.
    pub const fn bars(&self, timeframe: Timeframe) -> &FixedRing<Bar> {
        self.bars.closed(timeframe)
    }

    /// Indicators after the last closed bar of one timeframe.
    pub const fn board(&self, timeframe: Timeframe) -> &Board {
        &self.boards[timeframe as usize]
    }

    /// What this market is like, once enough bars have closed.
    pub const fn regime(&self) -> Option<&SymbolRegime> {
        self.regime.as_ref()
    }

    /// The bars with their builder.
    pub const fn bar_set(&self) -> &BarSet {
        &self.bars
    }

    /// Book messages applied.
    pub const fn updates(&self) -> u64 {
        self.updates
    }

    /// Gaps so far.
    pub const fn gaps(&self) -> u64 {
        self.gaps
    }

    fn apply_levels(&mut self, batch: &LevelBatch, at: ExchNs) {
        for (side, level) in batch.iter() {
            self.book.set(side, level);
        }
        if batch.is_last {
            self.book.finish_message();
            self.book_at = Some(at);
            self.updates += 1;
        }
    }
}

/// All symbols of a run and the market's time.
#[derive(Debug)]
pub struct MarketState {
    symbols: Vec<SymbolState>,
    rates: Vec<QuoteRate>,
    /// Latest exchange time seen; `None` before the first event.
    now: Option<ExchNs>,
    regime: Option<MarketRegime>,
    sentiment: Option<Sentiment>,
}

/// Where the value of one unit of a quote currency comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum QuoteRate {
    /// It is the numeraire.
    One,
    /// Mid of `quote/numeraire`.
    Mid(usize),
    /// One over the mid of `numeraire/quote`.
    Inverse(usize),
    /// No symbol of this run tells.
    Unknown,
}

impl MarketState {
    /// The state before the first event. `numeraire` is the currency of every account.
    pub fn new(
        instruments: &[Instrument],
        depth: usize,
        rules: BarRules,
        numeraire: &AssetName,
    ) -> Self {
        let rates = instruments.iter().map(|of| {
            if of.quote == *numeraire {
                return QuoteRate::One;
            }
            let find = |base: &AssetName, quote: &AssetName| {
                instruments.iter().position(|i| i.base == *base && i.quote == *quote)
            };
            match (find(&of.quote, numeraire), find(numeraire, &of.quote)) {
                (Some(at), _) => QuoteRate::Mid(at),
                (None, Some(at)) => QuoteRate::Inverse(at),
                (None, None) => QuoteRate::Unknown,
            }
        });
        Self {
            rates: rates.collect(),
            symbols: instruments.iter().map(|i| SymbolState::new(*i, depth, rules)).collect(),
            now: None,
            regime: None,
            sentiment: None,
        }
    }

    /// Applies one event; every bar that closes by it is given to `on_closed` in order.
    pub fn apply(
        &mut self,
        event: &MarketEvent,
        on_closed: &mut impl FnMut(SymbolId, Closed),
    ) -> Change {
        let now = self.now_with(event);
        self.now = Some(now);
        let Some(symbol) = event.symbol else {
            return self.apply_to_all(&event.kind, now, on_closed);
        };
        let state = &mut self.symbols[symbol.index()];
        match &event.kind {
            MarketKind::Book(batch) => {
                state.apply_levels(batch, event.exch);
                if batch.is_last && state.status == BookStatus::Live {
                    return Change::Book;
                }
            }
            MarketKind::Reset(batch) => {
                if batch.is_first {
                    state.book.clear();
                    state.status = BookStatus::Resync;
                }
                state.apply_levels(batch, event.exch);
                if batch.is_last {
                    state.status = BookStatus::Live;
                    return Change::Book;
                }
            }
            MarketKind::Trade { trade, is_snapshot } => {
                state.tape.push(trade);
                if state.last.is_none() || !*is_snapshot {
                    state.last = Some(trade.px);
                }
                if *is_snapshot {
                    return Change::Silent;
                }
                state.bars.on_trade(trade, now, &mut |bar| on_closed(symbol, bar));
                return Change::Trade;
            }
            MarketKind::Ticker { last } => state.last = Some(*last),
            MarketKind::History(closed) => {
                state.bars.push_history(*closed, &mut |bar| on_closed(symbol, bar));
            }
            MarketKind::Status(status) => {
                let before = state.status;
                state.apply_status(*status, &mut |bar| on_closed(symbol, bar));
                if before != BookStatus::Live && state.status == BookStatus::Live {
                    // What it missed while it was not believed counts from now on.
                    return Change::Book;
                }
            }
            MarketKind::Trading(status) => state.instrument.status = *status,
            MarketKind::Rules(rules) => state.instrument.set_order_rules(rules),
            MarketKind::Command(_) | MarketKind::Sentiment(_) | MarketKind::Timer => {
                unreachable!("the feed gives these no symbol")
            }
        }
        Change::Silent
    }

    /// Applies an event that is about no single symbol.
    fn apply_to_all(
        &mut self,
        kind: &MarketKind,
        now: ExchNs,
        on_closed: &mut impl FnMut(SymbolId, Closed),
    ) -> Change {
        match kind {
            MarketKind::Timer => {
                for (index, state) in (0u16..).zip(&mut self.symbols) {
                    state.bars.advance(now, &mut |bar| on_closed(SymbolId(index), bar));
                }
                return Change::Timer;
            }
            MarketKind::Sentiment(sentiment) => self.sentiment = Some(*sentiment),
            MarketKind::Command(_) => {}
            _ => unreachable!("the feed gives every other event its symbol"),
        }
        Change::Silent
    }

    /// The market's time once `event` happened: it never goes back unless the exchange's clock was set.
    pub fn now_with(&self, event: &MarketEvent) -> ExchNs {
        match (self.now, &event.kind) {
            (None, _) => event.exch,
            (
                Some(_),
                MarketKind::Status(SymbolStatus::Gap { to, reason: GapReason::Clock, .. }),
            ) => *to,
            (Some(now), _) => now.max(event.exch),
        }
    }

    /// Latest exchange time seen; `None` before the first event.
    pub const fn time(&self) -> Option<ExchNs> {
        self.now
    }

    /// The indicators of one symbol and timeframe, for whoever computes them.
    pub fn board_mut(&mut self, id: SymbolId, timeframe: Timeframe) -> &mut Board {
        &mut self.symbols[id.index()].boards[timeframe as usize]
    }

    /// What one symbol is like, for whoever finds out.
    pub fn set_regime(&mut self, id: SymbolId, regime: SymbolRegime) {
        self.symbols[id.index()].regime = Some(regime);
    }

    /// What all of them are like together.
    pub const fn set_market_regime(&mut self, regime: MarketRegime) {
        self.regime = Some(regime);
    }

    /// True when some symbol of the run prices the quote currency of this one.
    pub fn has_quote_rate(&self, id: SymbolId) -> bool {
        self.rates[id.index()] != QuoteRate::Unknown
    }

    /// The read-only view that strategies get.
    pub fn view(&self) -> MarketView<'_> {
        MarketView {
            symbols: &self.symbols,
            rates: &self.rates,
            now: self.now,
            regime: self.regime.as_ref(),
            sentiment: self.sentiment.as_ref(),
        }
    }
}

impl SymbolState {
    fn apply_status(&mut self, status: SymbolStatus, on_closed: &mut impl FnMut(Closed)) {
        match status {
            SymbolStatus::Live => {
                if self.status == BookStatus::Stale {
                    self.status = BookStatus::Live;
                }
            }
            SymbolStatus::Stale => {
                if self.status == BookStatus::Live {
                    self.status = BookStatus::Stale;
                }
            }
            SymbolStatus::Resync => self.status = BookStatus::Resync,
            SymbolStatus::Gap { to, reason: GapReason::Clock, .. } => {
                self.gaps += 1;
                self.bars.step_to(to, on_closed);
                self.book_at = self.book_at.map(|_| to);
            }
            SymbolStatus::Gap { .. } => {
                self.gaps += 1;
                self.bars.mark_incomplete();
            }
        }
    }
}

/// The market, borrowed: nothing is copied and nothing can be changed.
#[derive(Clone, Copy, Debug)]
pub struct MarketView<'a> {
    symbols: &'a [SymbolState],
    rates: &'a [QuoteRate],
    now: Option<ExchNs>,
    regime: Option<&'a MarketRegime>,
    sentiment: Option<&'a Sentiment>,
}

impl<'a> MarketView<'a> {
    /// Latest exchange time seen.
    ///
    /// # Panics
    /// Before the first event, of which nobody can have been told.
    pub const fn now(&self) -> ExchNs {
        self.now.expect("the market has a time from its first event on")
    }

    /// One symbol.
    pub fn symbol(&self, id: SymbolId) -> &'a SymbolState {
        &self.symbols[id.index()]
    }

    /// Every symbol with its id.
    pub fn symbols(&self) -> impl ExactSizeIterator<Item = (SymbolId, &'a SymbolState)> {
        self.symbols.iter().enumerate().map(|(index, state)| {
            (SymbolId(u16::try_from(index).expect("at most SYMBOLS_MAX symbols")), state)
        })
    }

    /// What one symbol's market is like, once enough of its bars have closed.
    pub fn regime(&self, id: SymbolId) -> Option<&'a SymbolRegime> {
        self.symbol(id).regime()
    }

    /// What the whole market is like, once that is known of any symbol.
    pub const fn market_regime(&self) -> Option<&'a MarketRegime> {
        self.regime
    }

    /// The newest word from outside; whoever uses it minds its age.
    pub const fn sentiment(&self) -> Option<&'a Sentiment> {
        self.sentiment
    }

    /// Time since the symbol's book changed last; `None` before it ever did.
    pub fn book_age(&self, id: SymbolId) -> Option<DurationNs> {
        Some(self.now?.since(self.symbol(id).book_at?))
    }

    /// Value of one unit of the symbol's quote currency in the numeraire, rounded once; `None` while
    /// the book that tells is not live.
    pub fn quote_rate(&self, id: SymbolId) -> Option<Money> {
        match self.rates[id.index()] {
            QuoteRate::One => Some(Money::ONE),
            QuoteRate::Mid(at) => self.symbols[at].mid(),
            QuoteRate::Inverse(at) => {
                self.symbols[at].mid().and_then(|m| Money::ONE.checked_div(m))
            }
            QuoteRate::Unknown => None,
        }
    }

    /// The levels an order of this direction would take from, best first; empty unless live.
    pub fn takeable(&self, id: SymbolId, side: crate::trade::OrderSide) -> &'a [Level] {
        match (self.symbol(id).book(), side) {
            (None, _) => &[],
            (Some(book), crate::trade::OrderSide::Buy) => book.asks(),
            (Some(book), crate::trade::OrderSide::Sell) => book.bids(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
