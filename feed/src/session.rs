//! What a connection is for: subscriptions, their acknowledgements, their deadlines, and healing.
//!
//! Pure: it is told what arrived and what time it is, and answers with requests to send. The
//! socket and the books are somebody else's. A subscription is live once it has delivered; an
//! acknowledgement alone proves nothing, and one that comes behind the data is as good.

mod backoff;
mod sub;

use arrayvec::ArrayVec;
use paperwire_core::event::GapReason;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::limits::SYMBOLS_MAX;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{DurationNs, HostNs};

pub use backoff::Backoff;
use sub::{Sub, SubState};

use crate::control::Control;
use crate::market::{BookState, Distance, MarketFeed};
use crate::wire::cold::{Ack, VenueText};
use crate::wire::request::{self, Channel, Method};

/// How patient the feed is, and what it subscribes to.
#[derive(Clone, Debug)]
pub struct FeedConfig {
    /// Rows per side of every book.
    pub depth: u16,
    /// Subscribe to trades.
    pub trades: bool,
    /// Subscribe to tickers.
    pub ticker: bool,
    /// Subscribe to candles of these intervals, in minutes.
    pub ohlc: Vec<u16>,
    /// Without any frame for this long the connection is dead (the venue sends one each second).
    pub silent_after: DurationNs,
    /// A subscription must deliver within this time of its acknowledgement.
    pub first_data: DurationNs,
    /// A book without change for this long is stale; twice as long, and it is fetched again.
    pub stale_after: DurationNs,
    /// Shortest wait between two attempts to connect, after the first few.
    pub reconnect_min: DurationNs,
    /// Longest wait between two attempts to connect.
    pub reconnect_max: DurationNs,
    /// Prints farther than this outside the visible book are refused.
    pub print_distance: Distance,
    /// The venue is a real one: its times are held against this host's wall clock.
    pub is_real_venue: bool,
}

/// Data that proves a subscription alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// A snapshot that verified.
    Book(SymbolId),
    /// Trades of these symbols (bit = index), seen before or not.
    Trades(SymbolSet),
    /// A snapshot without trades, which names no symbol.
    NoTrades,
    /// A ticker.
    Ticker(SymbolId),
    /// Candles of one interval in minutes; a snapshot without candles names neither.
    Ohlc(Option<(SymbolId, u16)>),
    /// The whole list of pairs.
    Instruments,
}

/// Something the log should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
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
    /// Every subscription delivers.
    AllLive,
}

const ACK_TIMEOUT: DurationNs = DurationNs::from_secs(5);
/// The venue asks for a request now and then on a quiet connection.
const PING_EVERY: DurationNs = DurationNs::from_secs(30);

/// State of all subscriptions on one connection.
#[derive(Debug)]
pub struct Session {
    subs: Vec<Sub>,
    stale_after: DurationNs,
    first_data: DurationNs,
    next_req_id: u64,
    next_ping: HostNs,
    was_all_live: bool,
    text: Vec<u8>,
}

impl Session {
    /// Subscriptions for these instruments on the connection whose list of pairs named them; none
    /// of the others is requested yet.
    pub fn new(instruments: &[Instrument], config: &FeedConfig, now: HostNs) -> Self {
        let mut channels = vec![Channel::Book { depth: config.depth }];
        channels.extend(config.trades.then_some(Channel::Trade));
        channels.extend(config.ticker.then_some(Channel::Ticker));
        channels.extend(config.ohlc.iter().map(|&interval| Channel::Ohlc { interval }));
        let symbols = 0..u16::try_from(instruments.len()).expect("at most SYMBOLS_MAX symbols");
        let of_symbols = channels.into_iter().flat_map(|channel| {
            symbols.clone().map(move |symbol| Sub::new(channel, Some(SymbolId(symbol)), now))
        });
        let mut list = Sub::new(Channel::Instrument, None, now);
        list.state = SubState::Live { since: now };
        Self {
            subs: std::iter::once(list).chain(of_symbols).collect(),
            stale_after: config.stale_after,
            first_data: config.first_data,
            next_req_id: 1,
            next_ping: now.plus(PING_EVERY),
            was_all_live: false,
            text: Vec::with_capacity(8 << 10),
        }
    }

    /// A new connection: everything must be asked for again, the list of pairs first.
    pub fn on_connected(&mut self, now: HostNs) {
        for sub in &mut self.subs {
            *sub = Sub::new(sub.channel, sub.symbol, now);
        }
        self.was_all_live = false;
        self.next_ping = now.plus(PING_EVERY);
    }

    /// True while every subscription delivers, but those of pairs that are stopped.
    pub fn is_live(&self, market: &MarketFeed) -> bool {
        let is_stopped = |sub: &Sub| sub.symbol.is_some_and(|symbol| market.stop(symbol).is_some());
        self.subs.iter().all(|sub| sub.is_live() || is_stopped(sub))
    }

    /// The venue answered a request.
    pub fn on_ack(&mut self, ack: &Ack, market: &MarketFeed, now: HostNs) -> Option<SessionEvent> {
        let mut event = None;
        for sub in &mut self.subs {
            let name = sub.symbol.map(|symbol| market.instruments()[symbol.index()].name);
            if sub.is_meant(ack, name.as_deref()) {
                event = sub.answered(ack, self.first_data, now).or(event);
            }
        }
        event
    }

    /// Data arrived that proves one subscription or more alive.
    pub fn on_data(&mut self, delivery: Delivery, now: HostNs) {
        if self.was_all_live {
            // Nothing waits for data.
            return;
        }
        match delivery {
            Delivery::NoTrades => self.first_waiting(|of| of == Channel::Trade, now),
            Delivery::Ohlc(None) => {
                self.first_waiting(|of| matches!(of, Channel::Ohlc { .. }), now);
            }
            _ => {
                for sub in self.subs.iter_mut().filter(|sub| sub.is_of(delivery)) {
                    sub.delivered(now);
                }
            }
        }
    }

    /// Data that names no symbol answers the oldest request that waits for it: the venue answers in order.
    fn first_waiting(&mut self, is_channel: impl Fn(Channel) -> bool, now: HostNs) {
        let waits = |sub: &&mut Sub| is_channel(sub.channel) && sub.waits_for_data();
        if let Some(sub) = self.subs.iter_mut().find(waits) {
            sub.delivered(now);
        }
    }

    /// These symbols' books are void: subscribe again, once per loss.
    pub fn on_desync(&mut self, symbols: SymbolSet, now: HostNs) {
        for sub in &mut self.subs {
            let is_book = matches!(sub.channel, Channel::Book { .. });
            if is_book && sub.symbol.is_some_and(|symbol| symbols.contains(symbol)) {
                sub.lost(now);
                self.was_all_live = false;
            }
        }
    }

    /// Looks at every deadline: sends what is due, and gives what was decided to `decide`, to be
    /// recorded and applied, and what the log should know to `tell`.
    ///
    /// # Errors
    /// What `send` answers.
    pub fn tick<E>(
        &mut self,
        now: HostNs,
        market: &MarketFeed,
        send: &mut impl FnMut(&[u8]) -> Result<(), E>,
        decide: &mut impl FnMut(Control),
        tell: &mut impl FnMut(SessionEvent),
    ) -> Result<(), E> {
        self.check_deadlines(now, market, decide, tell);
        for sub in &mut self.subs {
            if sub.symbol.is_some_and(|symbol| market.is_given_up(symbol)) {
                sub.end();
            }
        }
        self.request_due(Method::Unsubscribe, now, market, send)?;
        self.request_due(Method::Subscribe, now, market, send)?;
        if now >= self.next_ping {
            self.next_ping = now.plus(PING_EVERY);
            request::ping(&mut self.text, self.next_req_id);
            self.next_req_id += 1;
            send(&self.text)?;
        }
        let all_live = self.is_live(market);
        if all_live && !self.was_all_live {
            tell(SessionEvent::AllLive);
        }
        self.was_all_live = all_live;
        Ok(())
    }

    fn check_deadlines(
        &mut self,
        now: HostNs,
        market: &MarketFeed,
        decide: &mut impl FnMut(Control),
        tell: &mut impl FnMut(SessionEvent),
    ) {
        for sub in &mut self.subs {
            if sub.is_overdue(now) {
                tell(SessionEvent::Silent { symbol: sub.symbol, channel: sub.channel });
            }
            let (Some(symbol), Channel::Book { .. }) = (sub.symbol, sub.channel) else {
                continue;
            };
            if !sub.is_live() {
                continue;
            }
            // A subscription is live once its book was heard.
            let silence = now.since(market.heard_at(symbol).unwrap_or(now));
            let is_stale = market.state(symbol) == BookState::Stale;
            if is_stale && silence.raw() > 2 * self.stale_after.raw() {
                decide(Control::Resync(symbol, GapReason::Silent));
                sub.lost(now);
            } else if !is_stale && silence > self.stale_after {
                decide(Control::Stale(symbol));
            }
        }
    }

    /// One request per channel for all symbols that are due; a subscription that is alone in its
    /// trouble is asked for alone, so that no healthy one is disturbed.
    fn request_due<E>(
        &mut self,
        method: Method,
        now: HostNs,
        market: &MarketFeed,
        send: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let is_given_up = |sub: &Sub| sub.symbol.is_some_and(|symbol| market.is_given_up(symbol));
        let is_due = |sub: &Sub| match method {
            Method::Subscribe => {
                sub.state == SubState::Wanted && now >= sub.deadline && !is_given_up(sub)
            }
            Method::Unsubscribe => sub.state == SubState::Unwanted,
        };
        while let Some(channel) = self.subs.iter().find(|sub| is_due(sub)).map(|sub| sub.channel) {
            let req_id = self.next_req_id;
            self.next_req_id += 1;
            let due = self.subs.iter().filter(|sub| is_due(sub) && sub.channel == channel);
            let symbols = due.filter_map(|sub| sub.symbol);
            let names = symbols.map(|symbol| market.instruments()[symbol.index()].name);
            let names: ArrayVec<_, SYMBOLS_MAX> = names.collect();
            let texts = names.iter().map(|name| name.as_str());
            request::subscription(&mut self.text, method, channel, texts, req_id);
            for sub in self.subs.iter_mut().filter(|sub| is_due(sub) && sub.channel == channel) {
                sub.requested(method, req_id, now.plus(ACK_TIMEOUT));
            }
            send(&self.text)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
