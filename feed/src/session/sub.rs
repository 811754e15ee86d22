//! One subscription: a channel of one symbol, or the list of pairs.
//!
//! `Wanted -> Subscribing -> AwaitsData -> Live`, and back by `Unwanted -> Unsubscribing -> Wanted`.
//! Requests that fail one after the other wait longer each time; a stretch of delivery ends that.

use paperwire_core::instrument::SymbolId;
use paperwire_core::time::{DurationNs, HostNs};

use super::{Delivery, SessionEvent};
use crate::wire::cold::{Ack, AckMethod};
use crate::wire::request::{Channel, Method};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SubState {
    /// To be requested at its deadline.
    Wanted,
    /// Requested; the answer is due at its deadline. Data may come before it: the venue promises no order.
    Subscribing { req_id: u64, has_data: bool },
    /// Acknowledged; data is due at its deadline.
    AwaitsData,
    /// Delivers.
    Live { since: HostNs },
    /// To be ended at once.
    Unwanted,
    /// Its end is requested; the answer is due at its deadline.
    Unsubscribing { req_id: u64 },
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Sub {
    /// `None` for the list of pairs.
    pub(super) symbol: Option<SymbolId>,
    pub(super) channel: Channel,
    pub(super) state: SubState,
    /// When the next thing is due; see [`SubState`].
    pub(super) deadline: HostNs,
    /// Requests since it last delivered for [`STEADY`].
    attempts: u32,
}

const RETRY_MIN: DurationNs = DurationNs::from_millis(250);
const RETRY_MAX: DurationNs = DurationNs::from_secs(30);
/// `RETRY_MIN << RETRY_SHIFT_MAX` is above [`RETRY_MAX`].
const RETRY_SHIFT_MAX: u32 = 7;
const _: () = assert!(RETRY_MIN.raw() << RETRY_SHIFT_MAX >= RETRY_MAX.raw());
/// A subscription that delivered for this long was healthy, and its next trouble is a new one. Two requests in
/// this time are far below any limit of the venue, whatever the number of symbols: they share their requests.
const STEADY: DurationNs = DurationNs::from_secs(2);

impl Sub {
    /// To be requested at once.
    pub(super) const fn new(channel: Channel, symbol: Option<SymbolId>, now: HostNs) -> Self {
        Self { symbol, channel, state: SubState::Wanted, deadline: now, attempts: 0 }
    }

    pub(super) const fn is_live(&self) -> bool {
        matches!(self.state, SubState::Live { .. })
    }

    pub(super) const fn waits_for_data(&self) -> bool {
        matches!(self.state, SubState::AwaitsData | SubState::Subscribing { has_data: false, .. })
    }

    /// True for data of this subscription.
    pub(super) fn is_of(&self, delivery: Delivery) -> bool {
        let is_it = |symbol| self.symbol == Some(symbol);
        match (delivery, self.channel) {
            (Delivery::Book(symbol), Channel::Book { .. })
            | (Delivery::Ticker(symbol), Channel::Ticker) => is_it(symbol),
            (Delivery::Trades(symbols), Channel::Trade) => {
                self.symbol.is_some_and(|symbol| symbols.contains(symbol))
            }
            (Delivery::Ohlc(Some((symbol, of))), Channel::Ohlc { interval }) => {
                is_it(symbol) && of == interval
            }
            (Delivery::Instruments, Channel::Instrument) => true,
            _ => false,
        }
    }

    /// Its data arrived.
    pub(super) const fn delivered(&mut self, now: HostNs) {
        match &mut self.state {
            SubState::AwaitsData => self.state = SubState::Live { since: now },
            SubState::Subscribing { has_data, .. } => *has_data = true,
            _ => {}
        }
    }

    /// What it delivered is void, and must be asked for again.
    pub(super) fn lost(&mut self, now: HostNs) {
        match &mut self.state {
            SubState::Live { since } => {
                if now.since(*since) >= STEADY {
                    self.attempts = 0;
                }
                self.state = SubState::Unwanted;
            }
            SubState::AwaitsData | SubState::Subscribing { has_data: true, .. } => {
                self.state = SubState::Unwanted;
            }
            // It is being ended, or what was damaged came before its first data and may not be its own.
            _ => {}
        }
    }

    /// Nobody wants it any more.
    pub(super) const fn end(&mut self) {
        if matches!(
            self.state,
            SubState::Live { .. } | SubState::AwaitsData | SubState::Subscribing { .. }
        ) {
            self.state = SubState::Unwanted;
        }
    }

    pub(super) const fn requested(&mut self, method: Method, req_id: u64, answer_due: HostNs) {
        self.state = match method {
            Method::Subscribe => SubState::Subscribing { req_id, has_data: false },
            Method::Unsubscribe => SubState::Unsubscribing { req_id },
        };
        self.deadline = answer_due;
    }

    /// True when what was due by now has not come; it is then asked for again.
    pub(super) fn is_overdue(&mut self, now: HostNs) -> bool {
        if now < self.deadline {
            return false;
        }
        match self.state {
            // It delivers, acknowledged or not.
            SubState::Subscribing { has_data: true, .. } => {
                self.state = SubState::Live { since: now };
                return false;
            }
            SubState::AwaitsData => self.state = SubState::Unwanted,
            SubState::Subscribing { .. } | SubState::Unsubscribing { .. } => self.retry_after(now),
            SubState::Wanted | SubState::Live { .. } | SubState::Unwanted => return false,
        }
        true
    }

    /// True for the answer to this subscription's request; `name` is that of its symbol.
    pub(super) fn is_meant(&self, ack: &Ack, name: Option<&str>) -> bool {
        let (asked, method) = match self.state {
            SubState::Subscribing { req_id, .. } => (req_id, AckMethod::Subscribe),
            SubState::Unsubscribing { req_id } => (req_id, AckMethod::Unsubscribe),
            _ => return false,
        };
        let is_symbol = match (ack.symbol, name) {
            (Some(symbol), Some(name)) => symbol.as_str() == name,
            (Some(_), None) => false,
            (None, _) => true,
        };
        ack.req_id.is_none_or(|answered| answered == asked)
            && (ack.method == method || ack.method == AckMethod::Other)
            && ack.channel.is_none_or(|channel| channel.as_str() == self.channel.as_str())
            && is_symbol
    }

    pub(super) fn answered(
        &mut self,
        ack: &Ack,
        first_data: DurationNs,
        now: HostNs,
    ) -> Option<SessionEvent> {
        let SubState::Subscribing { has_data, .. } = self.state else {
            // Ended, or there was nothing to end: either way it can be asked for again.
            self.retry_after(now);
            return None;
        };
        match &ack.error {
            None if ack.method == AckMethod::Subscribe => {
                self.state = match has_data {
                    false => SubState::AwaitsData,
                    true => SubState::Live { since: now },
                };
                self.deadline = now.plus(first_data);
                None
            }
            None => None,
            Some(error) if error.starts_with("Already subscribed") => {
                self.state = SubState::Unwanted;
                None
            }
            Some(error) if is_final_refusal(error) => {
                self.retry_after(now);
                self.deadline = now.plus(RETRY_MAX);
                Some(SessionEvent::Rejected { symbol: self.symbol, error: *error })
            }
            Some(error) => {
                self.retry_after(now);
                Some(SessionEvent::Refused { error: *error })
            }
        }
    }

    /// Asks again, later each time.
    fn retry_after(&mut self, now: HostNs) {
        let wait = match self.attempts {
            0 => DurationNs::ZERO,
            attempts => {
                let doubled = RETRY_MIN.raw() << attempts.min(RETRY_SHIFT_MAX);
                DurationNs::new(doubled.min(RETRY_MAX.raw()))
            }
        };
        self.attempts = self.attempts.saturating_add(1);
        self.state = SubState::Wanted;
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
