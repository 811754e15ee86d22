use paperwire_core::agent::StoppedClock;
use paperwire_core::event::MarketEvent;
use paperwire_core::symbol_set::SymbolSet;

use super::backoff::{ATTEMPTS_MAX, ATTEMPTS_WINDOW};
use super::*;
use crate::infer;
use crate::market::{EventSink, Probe};
use crate::wire::cold::{ColdFrame, ColdReader};

struct Nowhere;

impl EventSink for Nowhere {
    fn push(&mut self, _: MarketEvent) {}
}

const SECOND: DurationNs = DurationNs::from_secs(1);

fn config() -> FeedConfig {
    FeedConfig {
        depth: 10,
        trades: true,
        ticker: false,
        ohlc: Vec::new(),
        silent_after: DurationNs::from_secs(5),
        first_data: DurationNs::from_secs(5),
        stale_after: DurationNs::from_secs(60),
        reconnect_min: SECOND,
        reconnect_max: DurationNs::from_secs(60),
        print_distance: crate::market::PRINT_DISTANCE_DEFAULT,
        is_real_venue: false,
    }
}

struct Rig {
    session: Session,
    market: MarketFeed,
    now: HostNs,
    controls: Vec<Control>,
}

/// A book of two levels whose checksum is the text `101510055` (ask 10.1 x 5, bid 10.0 x 5).
const SNAPSHOT: &str = r#"{"channel":"book","type":"snapshot","data":[{"symbol":"A/USD","bids":[{"price":10.0,"qty":5}],"asks":[{"price":10.1,"qty":5}],"checksum":CRC}]}"#;

impl Rig {
    fn new() -> Self {
        let row = |name: &str| {
            let text = format!(r#"{{"symbol":"{name}","price":10.0,"qty":5}}"#);
            infer::instrument_of(text.as_bytes()).unwrap()
        };
        let instruments = [row("A/USD"), row("B/USD")];
        let now = HostNs::new(1_000_000_000);
        let session = Session::new(&instruments, &config(), now);
        Self { session, market: MarketFeed::new(&instruments, 10), now, controls: Vec::new() }
    }

    fn tick(&mut self) -> (Vec<String>, Option<SessionEvent>) {
        let mut sent = Vec::new();
        let mut send = |text: &[u8]| {
            sent.push(String::from_utf8(text.to_vec()).unwrap());
            Ok::<_, ()>(())
        };
        let controls = &mut self.controls;
        let mut decide = |control| controls.push(control);
        let mut event = None;
        let mut tell = |told| event = Some(told);
        let tick = self.session.tick(self.now, &self.market, &mut send, &mut decide, &mut tell);
        tick.unwrap();
        (sent, event)
    }

    fn ack(&mut self, text: &str) -> Option<SessionEvent> {
        let ColdFrame::Ack(ack) = ColdReader::new().read(text.as_bytes()).unwrap() else {
            panic!("not an ack: {text}")
        };
        self.session.on_ack(&ack, &self.market, self.now)
    }

    fn pass(&mut self, time: DurationNs) {
        self.now = self.now.plus(time);
    }

    fn snapshot(&mut self) {
        let crc = crc32fast::hash(b"10151005");
        let text = SNAPSHOT.replace("CRC", &crc.to_string());
        let mut probe = Probe::new(&StoppedClock, self.now, self.now);
        self.market.on_frame(self.now, text.as_bytes(), &mut probe, &mut Nowhere);
        self.session.on_data(Delivery::Book(SymbolId(0)), self.now);
    }

    /// Lets time pass until a request of this kind is sent: its number.
    fn until(&mut self, kind: &str) -> u64 {
        loop {
            if let Some(text) = self.tick().0.iter().find(|text| text.contains(kind)) {
                let (_, number) = text.rsplit_once(':').unwrap();
                return number.trim_end_matches('}').parse().unwrap();
            }
            self.pass(DurationNs::from_millis(10));
        }
    }

    /// Everything but the book of A/USD is acknowledged and delivers.
    fn deliver_the_rest(&mut self) {
        self.ack(&ok(1, "book", "B/USD"));
        self.session.on_data(Delivery::Book(SymbolId(1)), self.now);
        for symbol in ["A/USD", "B/USD"] {
            self.ack(&ok(2, "trade", symbol));
        }
        self.session.on_data(Delivery::Trades(SymbolSet::all(2)), self.now);
    }
}

fn ok(req_id: u64, channel: &str, symbol: &str) -> String {
    format!(
        r#"{{"method":"subscribe","req_id":{req_id},"result":{{"channel":"{channel}","snapshot":true,"symbol":"{symbol}"}},"success":true,"time_in":"","time_out":""}}"#
    )
}

#[test]
fn one_request_per_channel_and_live_when_all_answered() {
    let mut rig = Rig::new();
    let (sent, _) = rig.tick();
    assert_eq!(sent.len(), 2);
    assert!(
        sent[0]
            .contains(r#""channel":"book","depth":10,"snapshot":true,"symbol":["A/USD","B/USD"]"#)
    );
    assert!(sent[1].contains(r#""channel":"trade""#));
    assert!(rig.tick().0.is_empty(), "asked once");
    for (req_id, channel) in [(1, "book"), (2, "trade")] {
        for symbol in ["A/USD", "B/USD"] {
            assert_eq!(rig.ack(&ok(req_id, channel, symbol)), None);
        }
    }
    rig.snapshot();
    assert!(!rig.session.is_live(&rig.market));
    rig.session.on_data(Delivery::Book(SymbolId(1)), rig.now);
    assert_eq!(rig.tick().1, None, "an acknowledged trade channel is not a live one");
    rig.session.on_data(Delivery::Trades(SymbolSet::only(SymbolId(1))), rig.now);
    assert_eq!(rig.tick().1, None, "trades of one symbol say nothing of another");
    rig.session.on_data(Delivery::Trades(SymbolSet::only(SymbolId(0))), rig.now);
    assert_eq!(rig.tick().1, Some(SessionEvent::AllLive));
}

#[test]
fn whatever_channel_is_acknowledged_and_silent_is_ended_and_asked_for_again() {
    let mut rig = Rig::new();
    rig.tick();
    rig.ack(&ok(1, "book", "A/USD"));
    rig.snapshot();
    rig.ack(&ok(1, "book", "B/USD"));
    rig.session.on_data(Delivery::Book(SymbolId(1)), rig.now);
    rig.ack(&ok(2, "trade", "A/USD"));
    rig.ack(&ok(2, "trade", "B/USD"));
    rig.session.on_data(Delivery::Trades(SymbolSet::only(SymbolId(0))), rig.now);
    rig.pass(DurationNs::from_secs(6));
    let (sent, event) = rig.tick();
    let silent = SessionEvent::Silent { symbol: Some(SymbolId(1)), channel: Channel::Trade };
    assert_eq!(event, Some(silent));
    let expected =
        r#"{"method":"unsubscribe","params":{"channel":"trade","symbol":["B/USD"]},"req_id":3}"#;
    assert_eq!(sent, [expected]);
}

#[test]
fn a_snapshot_without_trades_answers_the_oldest_request_for_trades() {
    let mut rig = Rig::new();
    rig.tick();
    rig.deliver_the_rest();
    rig.session.on_connected(rig.now);
    rig.tick();
    for symbol in ["A/USD", "B/USD"] {
        rig.ack(&ok(5, "trade", symbol));
    }
    rig.session.on_data(Delivery::NoTrades, rig.now);
    rig.pass(DurationNs::from_secs(6));
    let (sent, _) = rig.tick();
    let ended: Vec<_> = sent.iter().filter(|text| text.contains("unsubscribe")).collect();
    assert!(ended.len() == 1 && ended[0].contains(r#"["B/USD"]"#), "{sent:?}");
}

#[test]
fn data_may_come_before_its_acknowledgement_or_without_one() {
    let mut rig = Rig::new();
    rig.tick();
    rig.deliver_the_rest();
    rig.snapshot();
    assert!(!rig.session.is_live(&rig.market), "its answer is still due");
    rig.ack(&ok(1, "book", "A/USD"));
    assert!(rig.session.is_live(&rig.market));
    let mut unanswered = Rig::new();
    unanswered.tick();
    unanswered.deliver_the_rest();
    unanswered.snapshot();
    unanswered.pass(DurationNs::from_secs(6));
    assert_eq!(unanswered.tick(), (vec![], Some(SessionEvent::AllLive)));
}

#[test]
fn a_book_that_fails_before_its_acknowledgement_is_fetched_again_at_once() {
    let mut rig = Rig::new();
    rig.tick();
    rig.snapshot();
    rig.session.on_desync(SymbolSet::only(SymbolId(0)), rig.now);
    let (sent, _) = rig.tick();
    assert!(sent.len() == 1 && sent[0].contains("unsubscribe"), "{sent:?}");
    assert_eq!(rig.ack(&ok(1, "book", "A/USD")), None, "the late answer to the first request");
    assert!(rig.tick().0.is_empty());
}

#[test]
fn an_answer_counts_for_its_channel_alone_even_without_a_number() {
    let mut rig = Rig::new();
    rig.tick();
    for symbol in ["A/USD", "B/USD"] {
        rig.ack(&ok(0, "book", symbol).replace(r#""req_id":0,"#, ""));
    }
    rig.session.on_data(Delivery::Book(SymbolId(0)), rig.now);
    rig.session.on_data(Delivery::Book(SymbolId(1)), rig.now);
    rig.session.on_data(Delivery::Trades(SymbolSet::all(2)), rig.now);
    assert!(!rig.session.is_live(&rig.market), "the trade channel was not answered");
}

/// Seconds from a loss to the next request for the book, for losses so far apart.
fn waits(losses: usize, apart: DurationNs) -> Vec<u64> {
    let mut rig = Rig::new();
    rig.tick();
    rig.deliver_the_rest();
    rig.ack(&ok(1, "book", "A/USD"));
    rig.snapshot();
    let mut waits = Vec::new();
    for _ in 0..losses {
        rig.pass(apart);
        rig.session.on_desync(SymbolSet::only(SymbolId(0)), rig.now);
        let lost_at = rig.now;
        let ended = rig.until(r#""method":"unsubscribe""#);
        rig.ack(&format!(r#"{{"method":"unsubscribe","req_id":{ended},"success":true}}"#));
        let asked = rig.until(r#""method":"subscribe""#);
        waits.push(rig.now.since(lost_at).raw() / 1_000_000_000);
        rig.ack(&ok(asked, "book", "A/USD"));
        rig.snapshot();
    }
    waits
}

#[test]
fn a_loss_after_a_verified_stretch_is_a_new_one_and_waits_no_longer_than_the_first() {
    assert_eq!(waits(12, DurationNs::from_secs(2)), [0; 12]);
    let close = waits(9, DurationNs::from_millis(500));
    assert_eq!(close, [0, 0, 1, 2, 4, 8, 16, 30, 30], "losses that come at once wait ever longer");
}

#[test]
fn the_list_of_pairs_is_asked_for_again_first_and_watched_like_any_other() {
    let mut rig = Rig::new();
    rig.tick();
    rig.session.on_connected(rig.now);
    let (sent, _) = rig.tick();
    assert_eq!(
        sent[0],
        r#"{"method":"subscribe","params":{"channel":"instrument","snapshot":true},"req_id":3}"#
    );
    rig.ack(r#"{"method":"subscribe","req_id":3,"result":{"channel":"instrument","snapshot":true},"success":true}"#);
    rig.pass(DurationNs::from_secs(6));
    let mut told = Vec::new();
    let session = &mut rig.session;
    let mut tell = |event| told.push(event);
    session.tick(rig.now, &rig.market, &mut |_| Ok::<_, ()>(()), &mut |_| (), &mut tell).unwrap();
    assert!(told.contains(&SessionEvent::Silent { symbol: None, channel: Channel::Instrument }));
}

#[test]
fn a_refused_symbol_is_named_and_disturbs_no_other() {
    let mut rig = Rig::new();
    rig.tick();
    let event = rig.ack(
        r#"{"error":"Currency pair not supported B/USD","method":"subscribe","req_id":1,"success":false,"symbol":"B/USD"}"#,
    );
    assert!(
        matches!(event, Some(SessionEvent::Rejected { symbol: Some(SymbolId(1)), .. })),
        "{event:?}"
    );
    assert_eq!(rig.ack(&ok(1, "book", "A/USD")), None);
    rig.pass(SECOND);
    assert!(rig.tick().0.is_empty(), "a final refusal is not repeated at once");
}

#[test]
fn acknowledged_and_silent_is_ended_and_asked_for_again() {
    let mut rig = Rig::new();
    rig.tick();
    rig.ack(&ok(1, "book", "A/USD"));
    rig.ack(&ok(1, "book", "B/USD"));
    rig.session.on_data(Delivery::Book(SymbolId(1)), rig.now);
    rig.ack(&ok(2, "trade", "A/USD"));
    rig.ack(&ok(2, "trade", "B/USD"));
    rig.session.on_data(Delivery::Trades(SymbolSet::all(2)), rig.now);
    rig.pass(DurationNs::from_secs(6));
    let (sent, event) = rig.tick();
    assert_eq!(
        event,
        Some(SessionEvent::Silent {
            symbol: Some(SymbolId(0)),
            channel: Channel::Book { depth: 10 }
        })
    );
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""unsubscribe""#) && sent[0].contains(r#"["A/USD"]"#), "{sent:?}");
    rig.ack(r#"{"method":"unsubscribe","req_id":3,"result":{"channel":"book","depth":10,"symbol":"A/USD"},"success":true}"#);
    let (sent, _) = rig.tick();
    assert!(sent[0].contains(r#""subscribe""#) && sent[0].contains(r#"["A/USD"]"#), "{sent:?}");
}

#[test]
fn a_desync_sends_exactly_one_pair_of_requests() {
    let mut rig = Rig::new();
    rig.tick();
    rig.ack(&ok(1, "book", "A/USD"));
    rig.snapshot();
    for _ in 0..5 {
        rig.session.on_desync(SymbolSet::only(SymbolId(0)), rig.now);
    }
    let (sent, _) = rig.tick();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""unsubscribe""#));
    rig.session.on_desync(SymbolSet::only(SymbolId(0)), rig.now);
    assert!(rig.tick().0.is_empty(), "one per loss, however many messages fail");
}

#[test]
fn a_silent_book_turns_stale_and_then_is_fetched_again() {
    let mut rig = Rig::new();
    rig.tick();
    rig.ack(&ok(1, "book", "A/USD"));
    rig.snapshot();
    rig.pass(DurationNs::from_secs(61));
    rig.tick();
    assert_eq!(rig.controls, [Control::Stale(SymbolId(0))]);
    rig.market.on_control(rig.now, rig.now, &Control::Stale(SymbolId(0)), &mut Nowhere);
    rig.pass(DurationNs::from_secs(60));
    let (sent, _) = rig.tick();
    assert_eq!(rig.controls[1..], [Control::Resync(SymbolId(0), GapReason::Silent)]);
    assert!(sent.iter().any(|text| text.contains(r#""unsubscribe""#)));
}

#[test]
fn attempts_start_quick_grow_and_never_pass_the_venues_gate() {
    let mut backoff = Backoff::new(SECOND, DurationNs::from_secs(60), 7);
    let mut now = HostNs::new(1);
    let mut attempts = Vec::new();
    for _ in 0..400 {
        now = backoff.next_attempt(now);
        attempts.push(now);
    }
    assert!(attempts[2].since(HostNs::new(1)) < SECOND, "three attempts at once");
    let window = |i: usize| attempts[i + ATTEMPTS_MAX].since(attempts[i]);
    assert!((0..300).all(|i| window(i) >= ATTEMPTS_WINDOW));
    // Flapping: connects, lives a second, drops. It must slow down as well.
    let mut flapping = Backoff::new(SECOND, DurationNs::from_secs(60), 7);
    let mut now = HostNs::new(1);
    for _ in 0..20 {
        flapping.on_connected(now);
        now = flapping.next_attempt(now.plus(SECOND));
    }
    assert!(now.since(HostNs::new(1)) > DurationNs::from_secs(120));
}
