//! The public channels: what subscribers read, written once per channel and pair.
//!
//! A book window holds exactly what a client of that depth holds. After each action of the market
//! the publisher applies the changed levels to every watched window by Kraken's rules: a level that
//! left the book is sent as zero together with the one that enters at the bottom, a level pushed out
//! by a better one is not mentioned, and nothing is sent that the client already has. The checksum
//! always covers the ten best levels of each side. No clock, no socket: see [`Venue`].

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
pub use paperwire_core::limits::DEPTHS;
use paperwire_core::num::Px;
use paperwire_core::time::ExchNs;

use crate::market::past::{Bar, interval_begin};
use crate::market::{EventKind, Market, MarketConfig, MarketError, MarketEvent};
use crate::matching::{Engine, Trade};

mod instruments;
mod messages;
pub(crate) mod text;
mod window;

pub use messages::top_checksum;
pub(crate) use messages::{crossing, status};

use messages::{book_message, book_snapshot, ohlc_message, ticker_message, trade_message};
use window::Window;

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
        Ok(Self { market, publisher, events: Vec::new(), events_total: 0 })
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

impl Publisher {
    fn new(market: &Market) -> Self {
        let mut symbols: Vec<SymbolState> = Vec::new();
        for (index, _) in market.listings().iter().enumerate() {
            let symbol = SymbolId(u16::try_from(index).expect("symbols have 16-bit numbers"));
            let best = best(market.engine(symbol));
            let mut state = SymbolState { best, ..SymbolState::default() };
            if let [Some(bid), Some(ask)] = best {
                state.spreads.push_back(Spread { at: market.now(), bid, ask });
            }
            symbols.push(state);
        }
        Self { symbols, watched: BTreeSet::new() }
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
            frames.push(Frame { at, topic, text: trade_message("update", rules, &trades) });
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
            frames.push(Frame { at, topic: Topic::Book(symbol, depth), text });
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
            frames.push(Frame { at, topic: Topic::Ohlc(symbol, minutes), text });
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
                let bars = market.history(symbol).traded_bars(minutes, OHLC_SNAPSHOT_LEN);
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

#[cfg(test)]
mod tests;
