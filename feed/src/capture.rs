//! What a session would have decided by its clock, for captures that hold frames alone.
//!
//! A tape has these decisions on record. Here they follow from the receive times and from what the
//! venue says, by the same limits: a connection without frames is lost, a book without changes is
//! stale, another connection starts without books, and a book whose subscription was ended is void. Nothing can be
//! asked for again in a capture: a stale book stays so until its next message verifies.

use std::hash::{DefaultHasher, Hasher};

use paperwire_core::event::GapReason;
use paperwire_core::time::{DurationNs, HostNs};

use crate::control::Control;
use crate::market::{BookState, MarketFeed, Outcome};
use crate::session::FeedConfig;
use crate::wire::cold::{Ack, AckMethod, ColdFrame};

/// Staleness is looked at so often, as a session does.
const LOOK_EVERY: DurationNs = DurationNs::from_millis(10);

/// The decisions of one capture.
#[derive(Debug)]
pub struct CaptureClock {
    silent_after: DurationNs,
    stale_after: DurationNs,
    /// Receive time of the last frame.
    heard_at: Option<HostNs>,
    look_at: Option<HostNs>,
    greeting: Option<Greeting>,
    /// The connection was lost, and nothing was believed since.
    is_down: bool,
}

/// The last word of the venue on its own state, which is also the first of every connection.
#[derive(Clone, Copy, Debug)]
struct Greeting {
    connection: Option<u64>,
    hash: u64,
}

impl CaptureClock {
    /// By the limits that a session of this configuration would have.
    pub const fn new(config: &FeedConfig) -> Self {
        Self {
            silent_after: config.silent_after,
            stale_after: config.stale_after,
            heard_at: None,
            look_at: None,
            greeting: None,
            is_down: false,
        }
    }

    /// True for a frame at `rx` that comes so late that the connection was lost before it.
    pub fn is_silence(&self, rx: HostNs) -> bool {
        self.heard_at.is_some_and(|heard_at| rx.since(heard_at) > self.silent_after)
    }

    /// What was decided before the frame that was received at `rx`, and when.
    pub fn before(
        &mut self,
        rx: HostNs,
        market: &MarketFeed,
        decide: &mut impl FnMut(HostNs, Control),
    ) {
        let heard_at = self.heard_at.replace(rx);
        if let Some(heard_at) = heard_at.filter(|heard_at| rx.since(*heard_at) > self.silent_after)
        {
            let lost_at = heard_at.plus(self.silent_after);
            self.stale(lost_at, market, decide);
            if !self.is_down {
                self.is_down = true;
                decide(lost_at, Control::Disconnected);
            }
            self.look_at = Some(rx.plus(LOOK_EVERY));
        } else if self.look_at.is_none_or(|at| rx >= at) {
            self.look_at = Some(rx.plus(LOOK_EVERY));
            self.stale(rx, market, decide);
        }
    }

    /// Books that were stale at `now`.
    fn stale(&self, now: HostNs, market: &MarketFeed, decide: &mut impl FnMut(HostNs, Control)) {
        for symbol in market.symbols() {
            let heard_at =
                market.heard_at(symbol).filter(|_| market.state(symbol) == BookState::Live);
            let until = heard_at.map(|heard_at| heard_at.plus(self.stale_after));
            if let Some(until) = until.filter(|until| now > *until) {
                decide(until, Control::Stale(symbol));
            }
        }
    }

    /// What follows from the frame itself, once it is applied.
    pub fn after(
        &mut self,
        frame: &[u8],
        outcome: &Outcome,
        market: &MarketFeed,
    ) -> Option<Control> {
        match outcome {
            Outcome::Cold(ColdFrame::Ack(ack)) => ended(ack, market),
            Outcome::Snapshot(_) => {
                self.is_down = false;
                None
            }
            Outcome::Cold(ColdFrame::Status { connection, .. }) => {
                let mut hasher = DefaultHasher::new();
                hasher.write(frame);
                let greeting = Greeting { connection: *connection, hash: hasher.finish() };
                let before = self.greeting.replace(greeting)?;
                let is_other = before.is_other(&greeting) && !self.is_down;
                self.is_down |= is_other;
                is_other.then_some(Control::Disconnected)
            }
            _ => None,
        }
    }
}

/// The book that is not fed any more once the venue has ended its subscription. A session ends one only after it
/// has declared the book void; whoever recorded the capture may have done without.
fn ended(ack: &Ack, market: &MarketFeed) -> Option<Control> {
    let is_book = ack.channel.is_none_or(|channel| channel.as_str() == "book");
    if ack.method != AckMethod::Unsubscribe || ack.error.is_some() || !is_book {
        return None;
    }
    let symbol = market.symbol_of(&ack.symbol?)?;
    Some(Control::Resync(symbol, GapReason::Stopped))
}

impl Greeting {
    /// True when `next` opens another connection: by its number, or because it says nothing new, which
    /// the venue does only there.
    fn is_other(&self, next: &Self) -> bool {
        match (self.connection, next.connection) {
            (Some(this), Some(other)) if this != other => true,
            _ => self.hash == next.hash,
        }
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::agent::StoppedClock;
    use paperwire_core::event::MarketEvent;
    use paperwire_core::instrument::SymbolId;

    use super::*;
    use crate::infer;
    use crate::market::{EventSink, Probe};

    struct Nowhere;

    impl EventSink for Nowhere {
        fn push(&mut self, _: MarketEvent) {}
    }

    const SECOND: u64 = 1_000_000_000;
    const HEARTBEAT: &str = r#"{"channel":"heartbeat"}"#;

    fn status(connection: u64, system: &str) -> String {
        format!(
            r#"{{"channel":"status","type":"update","data":[{{"system":"{system}","connection_id":{connection}}}]}}"#
        )
    }

    fn snapshot() -> String {
        let crc = crc32fast::hash(b"10151005");
        format!(
            r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/USD","bids":[{{"price":10.0,"qty":5}}],"asks":[{{"price":10.1,"qty":5}}],"checksum":{crc}}}]}}"#
        )
    }

    /// Decisions with the seconds at which they were made, for frames with the seconds at which they came.
    fn decisions(frames: &[(u64, String)]) -> Vec<(u64, Control)> {
        let of = infer::instrument_of(br#"{"symbol":"A/USD","price":10.0,"qty":5}"#).unwrap();
        let mut market = MarketFeed::new(&[of], 10);
        let config = FeedConfig {
            depth: 10,
            trades: true,
            ticker: false,
            ohlc: Vec::new(),
            silent_after: DurationNs::from_secs(5),
            first_data: DurationNs::from_secs(5),
            stale_after: DurationNs::from_secs(60),
            reconnect_min: DurationNs::from_secs(1),
            reconnect_max: DurationNs::from_secs(60),
            print_distance: crate::market::PRINT_DISTANCE_DEFAULT,
            is_real_venue: false,
        };
        let mut clock = CaptureClock::new(&config);
        let mut all = Vec::new();
        for (second, text) in frames {
            let rx = HostNs::new(second * SECOND);
            let mut decided = Vec::new();
            clock.before(rx, &market, &mut |at, control| decided.push((at, control)));
            for (at, control) in &decided {
                market.on_control(*at, *at, control, &mut Nowhere);
            }
            let mut probe = Probe::new(&StoppedClock, rx, rx);
            let outcome = market.on_frame(rx, text.as_bytes(), &mut probe, &mut Nowhere);
            if let Some(control) = clock.after(text.as_bytes(), &outcome, &market) {
                market.on_control(rx, rx, &control, &mut Nowhere);
                decided.push((rx, control));
            }
            all.extend(decided.into_iter().map(|(at, of)| (at.raw() / SECOND, of)));
        }
        all
    }

    fn beats(seconds: std::ops::Range<u64>) -> impl Iterator<Item = (u64, String)> {
        seconds.map(|second| (second, HEARTBEAT.to_owned()))
    }

    #[test]
    fn silence_loses_the_connection_once_and_at_its_time() {
        let mut frames = vec![(100, status(7, "online")), (101, snapshot())];
        frames.extend([(106, HEARTBEAT.to_owned()), (3_700, status(7, "online"))]);
        frames.extend([(3_706, HEARTBEAT.to_owned()), (3_707, snapshot())]);
        assert_eq!(decisions(&frames), [(111, Control::Disconnected)]);
    }

    #[test]
    fn a_book_without_changes_is_stale_while_the_connection_lives() {
        let mut frames = vec![(100, snapshot())];
        frames.extend(beats(101..200));
        assert_eq!(decisions(&frames), [(160, Control::Stale(SymbolId(0)))]);
    }

    #[test]
    fn another_connection_starts_without_books_and_a_change_of_state_is_none() {
        let lost = vec![(102, Control::Disconnected)];
        for (second, expected) in [
            (status(8, "online"), lost.clone()),
            (status(7, "online"), lost),
            (status(7, "cancel_only"), vec![]),
        ] {
            let frames = [(100, status(7, "online")), (101, snapshot()), (102, second)];
            assert_eq!(decisions(&frames), expected);
        }
    }

    #[test]
    fn an_ended_subscription_leaves_its_book_void_and_no_other_answer_does() {
        let answer = |method: &str, channel: &str, symbol: &str, success: bool| {
            format!(
                r#"{{"method":"{method}","req_id":3,"result":{{"channel":"{channel}","symbol":"{symbol}"}},"success":{success},"time_in":"","time_out":""}}"#
            )
        };
        let void = Control::Resync(SymbolId(0), GapReason::Stopped);
        for (answer, expected) in [
            (answer("unsubscribe", "book", "A/USD", true), vec![(102, void)]),
            (answer("unsubscribe", "book", "A/USD", false), vec![]),
            (answer("unsubscribe", "trade", "A/USD", true), vec![]),
            (answer("unsubscribe", "book", "B/USD", true), vec![]),
            (answer("subscribe", "book", "A/USD", true), vec![]),
        ] {
            let mut frames = vec![(100, status(7, "online")), (101, snapshot()), (102, answer)];
            assert_eq!(decisions(&frames), expected, "{frames:?}");
            // A new subscription begins with a whole book, which is believed.
            frames.extend([(103, snapshot()), (104, HEARTBEAT.to_owned())]);
            assert_eq!(decisions(&frames), expected, "{frames:?}");
        }
    }
}
