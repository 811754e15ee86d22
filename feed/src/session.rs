//! What a connection is for: subscriptions, their acknowledgements, their deadlines, and healing.
//!
//! Pure: it is told what arrived and what time it is, and answers with requests to send. The
//! socket and the books are somebody else's.

use paperwire_core::event::GapReason;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::time::{DurationNs, HostNs};

use crate::control::Control;
use crate::market::{BookState, Distance, MarketFeed};
use crate::wire::cold::{Ack, AckMethod, VenueText};
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
    /// A book without change for this long is stale; twice as long, and it is fetched anew.
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SubState {
    /// To be requested at its deadline.
    Wanted,
    /// Requested; the answer is due at its deadline.
    Subscribing { req_id: u64 },
    /// Acknowledged; data is due at its deadline (books only).
    AwaitsData,
    /// Delivers.
    Live,
    /// To be ended at once.
    Unwanted,
    /// Its end is requested; the answer is due at its deadline.
    Unsubscribing { req_id: u64 },
}

#[derive(Clone, Copy, Debug)]
struct Sub {
    symbol: SymbolId,
    channel: Channel,
    state: SubState,
    deadline: HostNs,
    attempts: u32,
}

/// Something the log should know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionEvent {
    /// The venue refused a subscription for good.
    Rejected {
        /// Of this symbol.
        symbol: SymbolId,
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
        /// Of this symbol.
        symbol: SymbolId,
    },
    /// Every subscription delivers.
    AllLive,
}

const ACK_TIMEOUT: DurationNs = DurationNs::from_secs(5);
const RETRY_MIN: DurationNs = DurationNs::from_millis(250);
const RETRY_MAX: DurationNs = DurationNs::from_secs(30);
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
    /// Subscriptions for these instruments, none requested yet.
    pub fn new(instruments: &[Instrument], config: &FeedConfig) -> Self {
        let mut channels = vec![Channel::Book { depth: config.depth }];
        channels.extend(config.trades.then_some(Channel::Trade));
        channels.extend(config.ticker.then_some(Channel::Ticker));
        channels.extend(config.ohlc.iter().map(|&interval| Channel::Ohlc { interval }));
        let symbols = 0..u16::try_from(instruments.len()).expect("at most SYMBOLS_MAX symbols");
        let sub = |channel, symbol| Sub {
            symbol: SymbolId(symbol),
            channel,
            state: SubState::Wanted,
            deadline: HostNs::default(),
            attempts: 0,
        };
        Self {
            subs: channels
                .into_iter()
                .flat_map(|channel| symbols.clone().map(move |symbol| sub(channel, symbol)))
                .collect(),
            stale_after: config.stale_after,
            first_data: config.first_data,
            next_req_id: 1,
            next_ping: HostNs::default(),
            was_all_live: false,
            text: Vec::with_capacity(8 << 10),
        }
    }

    /// A new connection: everything must be asked for again.
    pub fn on_connected(&mut self, now: HostNs) {
        for sub in &mut self.subs {
            sub.state = SubState::Wanted;
            sub.deadline = now;
        }
        self.was_all_live = false;
        self.next_ping = now.plus(PING_EVERY);
    }

    /// True while every subscription delivers.
    pub fn is_live(&self) -> bool {
        self.subs.iter().all(|sub| sub.state == SubState::Live)
    }

    /// The venue answered a request.
    pub fn on_ack(&mut self, ack: &Ack, market: &MarketFeed, now: HostNs) -> Option<SessionEvent> {
        let mut event = None;
        for sub in &mut self.subs {
            let is_meant = match sub.state {
                SubState::Subscribing { req_id } | SubState::Unsubscribing { req_id } => {
                    ack.req_id.is_none_or(|answered| answered == req_id)
                }
                _ => false,
            };
            let name = market.instruments()[sub.symbol.index()].name;
            let is_its_symbol = ack.symbol.is_none_or(|symbol| symbol == name);
            if is_meant && is_its_symbol {
                event = sub.answered(ack, self.first_data, now).or(event);
            }
        }
        event
    }

    /// Data of a symbol's trade or ticker subscription, or a verified snapshot of its book.
    pub fn on_data(&mut self, symbol: SymbolId, is_book: bool) {
        for sub in &mut self.subs {
            let same = matches!(sub.channel, Channel::Book { .. }) == is_book;
            if same && sub.symbol == symbol && sub.state == SubState::AwaitsData {
                sub.state = SubState::Live;
            }
        }
    }

    /// These symbols' books (bit = index) are void: subscribe anew, once per loss.
    pub fn on_desync(&mut self, symbols: u64) {
        for sub in &mut self.subs {
            let is_book = matches!(sub.channel, Channel::Book { .. });
            let is_up = matches!(sub.state, SubState::Live | SubState::AwaitsData);
            if is_book && is_up && symbols >> sub.symbol.0 & 1 == 1 {
                sub.state = SubState::Unwanted;
            }
        }
    }

    /// Looks at every deadline: sends what is due, and gives what was decided to `decide`, to be
    /// recorded and applied.
    ///
    /// # Errors
    /// What `send` answers.
    pub fn tick<E>(
        &mut self,
        now: HostNs,
        market: &MarketFeed,
        send: &mut impl FnMut(&[u8]) -> Result<(), E>,
        decide: &mut impl FnMut(Control),
    ) -> Result<Option<SessionEvent>, E> {
        let mut event = self.check_deadlines(now, market, decide);
        self.request_due(Method::Unsubscribe, now, market, send)?;
        self.request_due(Method::Subscribe, now, market, send)?;
        if now >= self.next_ping {
            self.next_ping = now.plus(PING_EVERY);
            request::ping(&mut self.text, self.next_req_id);
            self.next_req_id += 1;
            send(&self.text)?;
        }
        let all_live = self.is_live();
        if all_live && !self.was_all_live {
            event = event.or(Some(SessionEvent::AllLive));
        }
        self.was_all_live = all_live;
        Ok(event)
    }

    fn check_deadlines(
        &mut self,
        now: HostNs,
        market: &MarketFeed,
        decide: &mut impl FnMut(Control),
    ) -> Option<SessionEvent> {
        let mut event = None;
        for sub in &mut self.subs {
            let is_book = matches!(sub.channel, Channel::Book { .. });
            match sub.state {
                SubState::Subscribing { .. } | SubState::Unsubscribing { .. }
                    if now >= sub.deadline =>
                {
                    event = Some(SessionEvent::Silent { symbol: sub.symbol });
                    sub.retry_after(now);
                }
                SubState::AwaitsData if is_book && now >= sub.deadline => {
                    event = Some(SessionEvent::Silent { symbol: sub.symbol });
                    sub.state = SubState::Unwanted;
                }
                // A quiet pair may not trade for hours; the acknowledgement is all there is.
                SubState::AwaitsData if !is_book => sub.state = SubState::Live,
                SubState::Live if is_book => {
                    // A subscription is live once its book was heard.
                    let heard_at = market.heard_at(sub.symbol).unwrap_or(now);
                    let silence = now.since(heard_at);
                    let is_stale = market.state(sub.symbol) == BookState::Stale;
                    if is_stale && silence.raw() > 2 * self.stale_after.raw() {
                        decide(Control::Resync(sub.symbol, GapReason::Silent));
                        sub.state = SubState::Unwanted;
                    } else if !is_stale && silence > self.stale_after {
                        decide(Control::Stale(sub.symbol));
                    }
                }
                _ => {}
            }
        }
        event
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
        let is_due = |sub: &Sub| match method {
            Method::Subscribe => sub.state == SubState::Wanted && now >= sub.deadline,
            Method::Unsubscribe => sub.state == SubState::Unwanted,
        };
        while let Some(channel) = self.subs.iter().find(|sub| is_due(sub)).map(|sub| sub.channel) {
            let req_id = self.next_req_id;
            self.next_req_id += 1;
            let due = self.subs.iter().filter(|sub| is_due(sub) && sub.channel == channel);
            let names = due.map(|sub| market.instruments()[sub.symbol.index()].name);
            let names: arrayvec::ArrayVec<_, { paperwire_core::limits::SYMBOLS_MAX }> =
                names.collect();
            let texts = names.iter().map(|name| name.as_str());
            request::subscription(&mut self.text, method, channel, texts, req_id);
            for sub in self.subs.iter_mut().filter(|sub| is_due(sub) && sub.channel == channel) {
                sub.state = match method {
                    Method::Subscribe => SubState::Subscribing { req_id },
                    Method::Unsubscribe => SubState::Unsubscribing { req_id },
                };
                sub.deadline = now.plus(ACK_TIMEOUT);
            }
            send(&self.text)?;
        }
        Ok(())
    }
}

impl Sub {
    fn answered(&mut self, ack: &Ack, first_data: DurationNs, now: HostNs) -> Option<SessionEvent> {
        let is_subscribing = matches!(self.state, SubState::Subscribing { .. });
        match (&ack.error, is_subscribing) {
            (None, true) if ack.method == AckMethod::Subscribe => {
                self.state = SubState::AwaitsData;
                self.deadline = now.plus(first_data);
                None
            }
            // Ended, or there was nothing to end: either way it can be asked for again.
            (_, false) => {
                self.retry_after(now);
                None
            }
            (Some(error), true) if error.starts_with("Already subscribed") => {
                self.state = SubState::Unwanted;
                None
            }
            (Some(error), true) if is_final_refusal(error) => {
                self.retry_after(now);
                self.deadline = now.plus(RETRY_MAX);
                Some(SessionEvent::Rejected { symbol: self.symbol, error: *error })
            }
            (Some(error), true) => {
                self.retry_after(now);
                Some(SessionEvent::Refused { error: *error })
            }
            (None, true) => None,
        }
    }

    /// Asks again, later each time.
    fn retry_after(&mut self, now: HostNs) {
        let wait = RETRY_MIN.raw() << self.attempts.min(7);
        self.attempts += 1;
        self.state = SubState::Wanted;
        let first = self.attempts == 1;
        let wait =
            if first { DurationNs::ZERO } else { DurationNs::new(wait.min(RETRY_MAX.raw())) };
        self.deadline = now.plus(wait);
    }
}

/// Errors that repeating the request will not cure.
fn is_final_refusal(error: &str) -> bool {
    const FINAL: [&str; 4] = [
        "Currency pair not supported",
        "Currency pair not in ISO",
        "Subscription depth not supported",
        "Subscription ohlc interval not supported",
    ];
    FINAL.iter().any(|prefix| error.starts_with(prefix))
}

/// When to try to connect again: at once after a random drop, then ever later, never faster than
/// the venue's gate of about 150 attempts in ten minutes allows.
#[derive(Debug)]
pub struct Backoff {
    min: DurationNs,
    max: DurationNs,
    attempts: u32,
    connected_at: Option<HostNs>,
    /// The newest attempts, oldest first after rotation.
    recent: [HostNs; ATTEMPTS_MAX],
    next: usize,
    random: u64,
}

/// Two thirds of the venue's limit.
const ATTEMPTS_MAX: usize = 100;
const ATTEMPTS_WINDOW: DurationNs = DurationNs::from_secs(600);
/// A connection that lived this long was healthy, and its loss a new event.
const HEALTHY: DurationNs = DurationNs::from_secs(30);
/// Attempts that are made at once.
const QUICK_ATTEMPTS: u32 = 3;

impl Backoff {
    /// Waits between `min` and `max`; `seed` spreads many clients.
    pub const fn new(min: DurationNs, max: DurationNs, seed: u64) -> Self {
        let recent = [HostNs::new(0); ATTEMPTS_MAX];
        Self { min, max, attempts: 0, connected_at: None, recent, next: 0, random: seed | 1 }
    }

    /// A connection came up.
    pub const fn on_connected(&mut self, now: HostNs) {
        self.connected_at = Some(now);
    }

    /// A connection or an attempt ended: the time of the next attempt.
    pub fn next_attempt(&mut self, now: HostNs) -> HostNs {
        if let Some(since) = self.connected_at.take()
            && now.since(since) >= HEALTHY
        {
            self.attempts = 0;
        }
        self.attempts += 1;
        let wait = if self.attempts <= QUICK_ATTEMPTS {
            self.draw(self.min.raw() / 4)
        } else {
            // Full jitter: uniform over the whole doubled interval, but never quicker than the floor.
            let doubled = self.min.raw() << (self.attempts - QUICK_ATTEMPTS).min(16);
            self.min.raw() / 2 + self.draw(doubled.min(self.max.raw()))
        };
        let gate = self.recent[self.next].plus(ATTEMPTS_WINDOW);
        let is_gated = self.recent[self.next] != HostNs::default();
        let at = now.plus(DurationNs::new(wait));
        let at = if is_gated { at.max(gate) } else { at };
        self.recent[self.next] = at;
        self.next = (self.next + 1) % ATTEMPTS_MAX;
        at
    }

    /// Uniform in `0 ..= bound`, by xorshift64* (Vigna 2016).
    fn draw(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) % (bound + 1)
    }
}

#[cfg(test)]
mod tests;
