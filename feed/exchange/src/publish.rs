//! The public channels: what subscribers read, written once per channel and pair.
//!
//! A book window holds exactly what a client of that depth holds. After each action of the market
//! the publisher applies the changed levels to every watched window by Kraken's rules: a level that
//! left the book is sent as zero together with the one that enters at the bottom, a level pushed out
//! by a better one is not mentioned, and nothing is sent that the client already has. The checksum
//! always covers the ten best levels of each side. No clock, no socket: see [`Venue`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use paperwire_core::checksum::{CHECKED_LEVELS, LevelText, book_checksum};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

use crate::history::{Bar, interval_begin};
use crate::market::{EventKind, Market, MarketConfig, MarketError, MarketEvent};
use crate::matching::{BookSide, Engine, Trade};

mod instruments;
pub(crate) mod text;

use text::{micros, nanos, push, push_fixed};

/// Book depths that can be subscribed.
pub const DEPTHS: [u16; 5] = [10, 25, 100, 500, 1000];

/// Trades in the snapshot of the trade channel.
pub const TRADE_SNAPSHOT_LEN: usize = 50;

/// Candles in the snapshot of the ohlc channel.
pub const OHLC_SNAPSHOT_LEN: usize = 10;

/// What makes a ticker message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// A trade.
    Trades,
    /// A change of the best prices.
    Bbo,
}

impl Trigger {
    /// The word on the wire.
    pub const fn as_wire(self) -> &'static str {
        match self {
            Self::Trades => "trades",
            Self::Bbo => "bbo",
        }
    }
}

/// A stream of messages that all its subscribers receive alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Topic {
    /// Level 2 book of one depth.
    Book(SymbolId, u16),
    /// Trades.
    Trade(SymbolId),
    /// Best prices and day statistics.
    Ticker(SymbolId, Trigger),
    /// Candles of one interval in minutes.
    Ohlc(SymbolId, u32),
    /// Assets and pairs.
    Instrument,
}

impl Topic {
    /// The pair, if the topic has one.
    pub const fn symbol(self) -> Option<SymbolId> {
        match self {
            Self::Book(s, _) | Self::Trade(s) | Self::Ticker(s, _) | Self::Ohlc(s, _) => Some(s),
            Self::Instrument => None,
        }
    }

    /// The channel's name on the wire.
    pub const fn channel(self) -> &'static str {
        match self {
            Self::Book(..) => "book",
            Self::Trade(_) => "trade",
            Self::Ticker(..) => "ticker",
            Self::Ohlc(..) => "ohlc",
            Self::Instrument => "instrument",
        }
    }
}

/// One message for all subscribers of a topic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Engine time of what it tells.
    pub at: ExchNs,
    /// Who gets it.
    pub topic: Topic,
    /// The JSON text.
    pub text: String,
}

/// A market and its publisher: everything of the exchange except sockets.
///
/// ```
/// use paperwire_core::time::DurationNs;
/// use paperwire_exchange::market::MarketConfig;
/// use paperwire_exchange::publish::{Topic, Venue};
///
/// let mut venue = Venue::new(&MarketConfig::new(7))?;
/// let btc = venue.market().symbol("BTC/USD").expect("a default pair");
/// venue.watch(Topic::Book(btc, 10));
/// let mut frames = Vec::new();
/// let until = venue.market().now().plus(DurationNs::from_secs(1));
/// venue.advance_to(until, &mut frames);
/// assert!(frames[0].text.starts_with(r#"{"channel":"book","type":"update""#));
/// # Ok::<(), paperwire_exchange::market::MarketError>(())
/// ```
#[derive(Debug)]
pub struct Venue {
    market: Market,
    publisher: Publisher,
    events: Vec<MarketEvent>,
    events_total: u64,
}

impl Venue {
    /// A venue at its first instant, with nobody watching.
    ///
    /// # Errors
    /// [`MarketError`] when the configuration is out of range.
    pub fn new(config: &MarketConfig) -> Result<Self, MarketError> {
        let market = Market::new(config)?;
        let publisher = Publisher::new(&market);
        Ok(Self {
            market,
            publisher,
            events: Vec::new(),
            events_total: 0,
        })
    }

    /// Plays the market up to `until` and appends what watched topics have to say.
    pub fn advance_to(&mut self, until: ExchNs, frames: &mut Vec<Frame>) {
        while self.play_one(until, frames) {}
    }

    /// Plays one action if one is due by `until`; the books are then as its frames say.
    pub fn play_one(&mut self, until: ExchNs, frames: &mut Vec<Frame>) -> bool {
        let more = self.market.play_one(until, &mut self.events);
        for event in self.events.drain(..) {
            self.events_total += 1;
            self.publisher.apply(&event, &self.market, frames);
        }
        more
    }

    /// The newest best prices of a pair, oldest first.
    pub fn spreads(&self, symbol: SymbolId) -> impl Iterator<Item = &Spread> {
        self.publisher.symbols[symbol.index()].spreads.iter()
    }

    /// Starts a topic; a book's first update follows on the state its snapshot shows now.
    pub fn watch(&mut self, topic: Topic) {
        self.publisher.watch(topic, &self.market);
    }

    /// Ends a topic.
    pub fn unwatch(&mut self, topic: Topic) {
        self.publisher.unwatch(topic);
    }

    /// The snapshot message of a topic as of now.
    pub fn snapshot(&self, topic: Topic) -> String {
        self.publisher.snapshot(topic, &self.market)
    }

    /// The truth.
    pub const fn market(&self) -> &Market {
        &self.market
    }

    /// Market events played so far.
    pub const fn events_total(&self) -> u64 {
        self.events_total
    }
}

/// Best prices at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spread {
    /// Since when.
    pub at: ExchNs,
    /// Best bid.
    pub bid: Px,
    /// Best ask.
    pub ask: Px,
}

/// Spreads kept per pair, as many as Kraken answers.
const SPREADS_MAX: usize = 250;

/// The rows that a client of one depth has, and what it has still to be told.
#[derive(Debug)]
struct Window {
    depth: usize,
    sides: [Vec<(Px, Qty)>; 2],
    news: [String; 2],
}

#[derive(Debug, Default)]
struct SymbolState {
    windows: BTreeMap<u16, Window>,
    trades: Vec<Trade>,
    bars: BTreeMap<u32, Option<Bar>>,
    best: [Option<Px>; 2],
    spreads: VecDeque<Spread>,
}

/// Turns market events into messages; remembers what each watched window shows.
#[derive(Debug)]
struct Publisher {
    symbols: Vec<SymbolState>,
    watched: BTreeSet<Topic>,
}

const fn slot(side: BookSide) -> usize {
    match side {
        BookSide::Bid => 0,
        BookSide::Ask => 1,
    }
}

impl Window {
    fn new(depth: u16, engine: &Engine) -> Self {
        let depth = usize::from(depth);
        let side = |side| engine.levels(side).take(depth).collect();
        Self {
            depth,
            sides: [side(BookSide::Bid), side(BookSide::Ask)],
            news: Default::default(),
        }
    }

    fn apply(&mut self, side: BookSide, px: Px, qty: Qty, engine: &Engine) {
        let rows = &mut self.sides[slot(side)];
        let news = &mut self.news[slot(side)];
        let rules = engine.instrument();
        let found = rows.binary_search_by_key(&side.rank(px), |row| side.rank(row.0));
        match found {
            Ok(at) if qty.is_zero() => {
                rows.remove(at);
                push_row(news, rules, px, qty);
                // The last row stays inside the book or is removed by a later change of this action.
                let next = match rows.last() {
                    Some(&(last, _)) => engine.next_after(side, last),
                    None => engine.best(side),
                };
                if let Some((px, qty)) = next {
                    rows.push((px, qty));
                    push_row(news, rules, px, qty);
                }
            }
            Ok(at) => {
                if rows[at].1 != qty {
                    rows[at].1 = qty;
                    push_row(news, rules, px, qty);
                }
            }
            Err(at) => {
                if !qty.is_zero() && at < self.depth {
                    rows.insert(at, (px, qty));
                    rows.truncate(self.depth);
                    push_row(news, rules, px, qty);
                }
            }
        }
        debug_assert!(
            rows.len() <= self.depth,
            "a window is never longer than its depth"
        );
    }
}

impl Publisher {
    fn new(market: &Market) -> Self {
        let mut symbols: Vec<SymbolState> = Vec::new();
        for (index, _) in market.listings().iter().enumerate() {
            let symbol = SymbolId(u16::try_from(index).expect("symbols have 16-bit numbers"));
            let best = best(market.engine(symbol));
            let mut state = SymbolState {
                best,
                ..SymbolState::default()
            };
            if let [Some(bid), Some(ask)] = best {
                state.spreads.push_back(Spread {
                    at: market.now(),
                    bid,
                    ask,
                });
            }
            symbols.push(state);
        }
        Self {
            symbols,
            watched: BTreeSet::new(),
        }
    }

    fn watch(&mut self, topic: Topic, market: &Market) {
        if !self.watched.insert(topic) {
            return;
        }
        match topic {
            Topic::Book(symbol, depth) => {
                assert!(DEPTHS.contains(&depth), "only listed depths are watched");
                let window = Window::new(depth, market.engine(symbol));
                self.symbols[symbol.index()].windows.insert(depth, window);
            }
            Topic::Ohlc(symbol, minutes) => {
                let open = market.history(symbol).traded_bars(minutes, 1).pop();
                self.symbols[symbol.index()].bars.insert(minutes, open);
            }
            Topic::Ticker(..) | Topic::Trade(_) | Topic::Instrument => {}
        }
    }

    fn unwatch(&mut self, topic: Topic) {
        self.watched.remove(&topic);
        match topic {
            Topic::Book(symbol, depth) => {
                self.symbols[symbol.index()].windows.remove(&depth);
            }
            Topic::Ohlc(symbol, minutes) => {
                self.symbols[symbol.index()].bars.remove(&minutes);
            }
            Topic::Ticker(..) | Topic::Trade(_) | Topic::Instrument => {}
        }
    }

    fn apply(&mut self, event: &MarketEvent, market: &Market, frames: &mut Vec<Frame>) {
        let state = &mut self.symbols[event.symbol.index()];
        match event.kind {
            EventKind::Level { side, px, qty } => {
                let engine = market.engine(event.symbol);
                for window in state.windows.values_mut() {
                    window.apply(side, px, qty, engine);
                }
            }
            EventKind::Trade(trade) => state.trades.push(trade),
            EventKind::Commit => self.commit(event.symbol, event.at, market, frames),
        }
    }

    fn commit(&mut self, symbol: SymbolId, at: ExchNs, market: &Market, frames: &mut Vec<Frame>) {
        let engine = market.engine(symbol);
        let rules = engine.instrument();
        let state = &mut self.symbols[symbol.index()];
        let trades = std::mem::take(&mut state.trades);
        let topic = Topic::Trade(symbol);
        if !trades.is_empty() && self.watched.contains(&topic) {
            frames.push(Frame {
                at,
                topic,
                text: trade_message("update", rules, &trades),
            });
        }
        let mut checksum = None;
        for (&depth, window) in &mut state.windows {
            let [bids, asks] = &mut window.news;
            if bids.is_empty() && asks.is_empty() {
                continue;
            }
            let checksum = *checksum.get_or_insert_with(|| top_checksum(engine));
            let text = book_message("update", rules, bids, asks, checksum, at);
            bids.clear();
            asks.clear();
            frames.push(Frame {
                at,
                topic: Topic::Book(symbol, depth),
                text,
            });
        }
        let best = best(engine);
        let moved = best != state.best;
        state.best = best;
        if let ([Some(bid), Some(ask)], true) = (best, moved) {
            if state.spreads.len() == SPREADS_MAX {
                state.spreads.pop_front();
            }
            state.spreads.push_back(Spread { at, bid, ask });
        }
        for (trigger, due) in [(Trigger::Trades, !trades.is_empty()), (Trigger::Bbo, moved)] {
            let topic = Topic::Ticker(symbol, trigger);
            if due && self.watched.contains(&topic) {
                frames.push(Frame {
                    at,
                    topic,
                    text: ticker_message("update", symbol, market, at),
                });
            }
        }
        for (&minutes, open) in state.bars.iter_mut().filter(|_| !trades.is_empty()) {
            // The trades of one action share one instant, so only the first can open a candle.
            for trade in &trades {
                let begin = interval_begin(trade.at, minutes);
                let bar = Bar::first(begin, trade);
                match open {
                    Some(open) if open.begin == begin => open.extend(&bar),
                    _ => *open = Some(bar),
                }
            }
            let text = ohlc_message("update", rules, minutes, open.as_slice(), at);
            frames.push(Frame {
                at,
                topic: Topic::Ohlc(symbol, minutes),
                text,
            });
        }
        let mut trades = trades;
        trades.clear();
        state.trades = trades;
    }

    fn snapshot(&self, topic: Topic, market: &Market) -> String {
        let at = market.now();
        match topic {
            Topic::Book(symbol, depth) => book_snapshot(market.engine(symbol), depth, at),
            Topic::Trade(symbol) => {
                let mut recent: Vec<Trade> = market
                    .history(symbol)
                    .trades()
                    .rev()
                    .take(TRADE_SNAPSHOT_LEN)
                    .copied()
                    .collect();
                recent.reverse();
                trade_message("snapshot", market.engine(symbol).instrument(), &recent)
            }
            Topic::Ticker(symbol, _) => ticker_message("snapshot", symbol, market, at),
            Topic::Ohlc(symbol, minutes) => {
                let bars = market
                    .history(symbol)
                    .traded_bars(minutes, OHLC_SNAPSHOT_LEN);
                let rules = market.engine(symbol).instrument();
                ohlc_message("snapshot", rules, minutes, &bars, at)
            }
            Topic::Instrument => instruments::message(market.listings()),
        }
    }
}

fn best(engine: &Engine) -> [Option<Px>; 2] {
    [BookSide::Bid, BookSide::Ask].map(|side| engine.best(side).map(|(px, _)| px))
}

/// Kraken's checksum of a book as it stands.
pub fn top_checksum(engine: &Engine) -> u32 {
    checksum(engine.levels(BookSide::Ask), engine.levels(BookSide::Bid))
}

fn checksum(asks: impl Iterator<Item = (Px, Qty)>, bids: impl Iterator<Item = (Px, Qty)>) -> u32 {
    let (asks, ask_len) = texts(asks);
    let (bids, bid_len) = texts(bids);
    book_checksum(asks[..ask_len].iter(), bids[..bid_len].iter())
}

fn texts(levels: impl Iterator<Item = (Px, Qty)>) -> ([LevelText; CHECKED_LEVELS], usize) {
    let mut texts = [LevelText::EMPTY; CHECKED_LEVELS];
    let mut len = 0;
    for (text, (px, qty)) in texts.iter_mut().zip(levels) {
        *text = LevelText::new(px, qty);
        len += 1;
    }
    (texts, len)
}

/// Two messages for the clients of one depth: a bid above the best ask, and its removal.
pub(crate) fn crossing(engine: &Engine, depth: u16, at: ExchNs) -> Option<(String, String)> {
    let rules = engine.instrument();
    let (ask, qty) = engine.best(BookSide::Ask)?;
    let px = Px::new(ask.raw() + rules.price_increment.raw());
    let mut rows = String::new();
    push_row(&mut rows, rules, px, qty);
    let bids = std::iter::once((px, qty)).chain(engine.levels(BookSide::Bid));
    let false_sum = checksum(engine.levels(BookSide::Ask), bids);
    let crossed = book_message("update", rules, &rows, "", false_sum, at);
    rows.clear();
    push_row(&mut rows, rules, px, Qty::ZERO);
    // The false bid pushed the last row out of every client's window.
    if let Some((px, qty)) = engine.levels(BookSide::Bid).nth(usize::from(depth) - 1) {
        push_row(&mut rows, rules, px, qty);
    }
    let repaired = book_message("update", rules, &rows, "", top_checksum(engine), at);
    Some((crossed, repaired))
}

fn push_row(out: &mut String, rules: &Instrument, px: Px, qty: Qty) {
    out.push_str(if out.is_empty() {
        "{\"price\":"
    } else {
        ",{\"price\":"
    });
    push_fixed(out, px.raw(), rules.price_precision);
    out.push_str(",\"qty\":");
    push_fixed(out, qty.raw(), rules.qty_precision);
    out.push('}');
}

fn book_snapshot(engine: &Engine, depth: u16, at: ExchNs) -> String {
    let rules = engine.instrument();
    let [bids, asks] = [BookSide::Bid, BookSide::Ask].map(|side| {
        let mut rows = String::new();
        for (px, qty) in engine.levels(side).take(usize::from(depth)) {
            push_row(&mut rows, rules, px, qty);
        }
        rows
    });
    book_message("snapshot", rules, &bids, &asks, top_checksum(engine), at)
}

/// A book message from its ready rows.
pub(crate) fn book_message(
    kind: &str,
    rules: &Instrument,
    bids: &str,
    asks: &str,
    checksum: u32,
    at: ExchNs,
) -> String {
    let mut out = String::with_capacity(160 + bids.len() + asks.len());
    push(
        &mut out,
        format_args!(
            "{{\"channel\":\"book\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{}\",\"bids\":[{bids}],\
             \"asks\":[{asks}],\"checksum\":{checksum},\"timestamp\":\"{}\"}}]}}",
            rules.name,
            micros(at)
        ),
    );
    out
}

/// A trade message.
pub(crate) fn trade_message(kind: &str, rules: &Instrument, trades: &[Trade]) -> String {
    let mut out = String::with_capacity(64 + 160 * trades.len());
    push(
        &mut out,
        format_args!("{{\"channel\":\"trade\",\"type\":\"{kind}\",\"data\":["),
    );
    for (index, trade) in trades.iter().enumerate() {
        push(
            &mut out,
            format_args!(
                "{}{{\"symbol\":\"{}\",\"side\":\"{}\",\"price\":{},\"qty\":{},\"ord_type\":\"{}\",\
                 \"trade_id\":{},\"timestamp\":\"{}\"}}",
                if index == 0 { "" } else { "," },
                rules.name,
                trade.taker.as_wire(),
                rules.show_px(trade.px),
                rules.show_qty(trade.qty),
                trade.ord_type.as_wire(),
                trade.trade_id,
                micros(trade.at)
            ),
        );
    }
    out.push_str("]}");
    out
}

fn ticker_message(kind: &str, symbol: SymbolId, market: &Market, at: ExchNs) -> String {
    let engine = market.engine(symbol);
    let rules = engine.instrument();
    let (bid, bid_qty) = engine.best(BookSide::Bid).unwrap_or_default();
    let (ask, ask_qty) = engine.best(BookSide::Ask).unwrap_or_default();
    let day = market
        .history(symbol)
        .day()
        .unwrap_or_else(|| Bar::flat(at, bid));
    let change = day.close.raw() - day.open.raw();
    // Two decimals of a percent, rounded to nearest: 10,000 x change / open.
    let open = day.open.raw().max(1);
    let change_pct = (change * 20_000 + open).div_euclid(2 * open);
    let mut out = String::with_capacity(420);
    push(
        &mut out,
        format_args!(
            "{{\"channel\":\"ticker\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{}\",\"bid\":{},\
             \"bid_qty\":{},\"ask\":{},\"ask_qty\":{},\"last\":{},\"volume\":{},\"vwap\":{},\"low\":{},\
             \"high\":{},\"change\":{},\"change_pct\":",
            rules.name,
            rules.show_px(bid),
            rules.show_qty(bid_qty),
            rules.show_px(ask),
            rules.show_qty(ask_qty),
            rules.show_px(day.close),
            rules.show_qty(day.volume),
            rules.show_px(day.vwap()),
            rules.show_px(day.low),
            rules.show_px(day.high),
            rules.show_px(Px::new(change)),
        ),
    );
    push_fixed(&mut out, change_pct, 2);
    push(
        &mut out,
        format_args!(
            ",\"trades\":{},\"timestamp\":\"{}\"}}]}}",
            day.trades,
            micros(at)
        ),
    );
    out
}

fn ohlc_message(kind: &str, rules: &Instrument, minutes: u32, bars: &[Bar], at: ExchNs) -> String {
    let mut out = String::with_capacity(128 + 320 * bars.len());
    push(
        &mut out,
        format_args!(
            "{{\"channel\":\"ohlc\",\"type\":\"{kind}\",\"timestamp\":\"{}\",\"data\":[",
            nanos(at)
        ),
    );
    for (index, bar) in bars.iter().enumerate() {
        let end = ExchNs::new(bar.begin.raw() + i64::from(minutes) * 60_000_000_000);
        push(
            &mut out,
            format_args!(
                "{}{{\"symbol\":\"{}\",\"open\":{},\"high\":{},\"low\":{},\"close\":{},\"trades\":{},\
                 \"volume\":{},\"vwap\":{},\"interval_begin\":\"{}\",\"interval\":{minutes},\
                 \"timestamp\":\"{}\"}}",
                if index == 0 { "" } else { "," },
                rules.name,
                rules.show_px(bar.open),
                rules.show_px(bar.high),
                rules.show_px(bar.low),
                rules.show_px(bar.close),
                bar.trades,
                rules.show_qty(bar.volume),
                rules.show_px(bar.vwap()),
                nanos(bar.begin),
                micros(end)
            ),
        );
    }
    out.push_str("]}");
    out
}

#[cfg(test)]
mod tests;
