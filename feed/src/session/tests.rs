use paperwire_core::agent::StoppedClock;
use paperwire_core::event::MarketEvent;

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
        let mut session = Session::new(&instruments, &config());
        let now = HostNs::new(1_000_000_000);
        session.on_connected(now);
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
        let event = self.session.tick(self.now, &self.market, &mut send, &mut decide).unwrap();
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
        self.session.on_data(SymbolId(0), true);
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
    assert!(!rig.session.is_live());
    rig.session.on_data(SymbolId(1), true);
    let (_, event) = rig.tick();
    assert_eq!(event, Some(SessionEvent::AllLive));
}

#[test]
fn a_refused_symbol_is_named_and_disturbs_no_other() {
    let mut rig = Rig::new();
    rig.tick();
    let event = rig.ack(
        r#"{"error":"Currency pair not supported B/USD","method":"subscribe","req_id":1,"success":false,"symbol":"B/USD"}"#,
    );
    assert!(matches!(event, Some(SessionEvent::Rejected { symbol: SymbolId(1), .. })), "{event:?}");
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
    rig.session.on_data(SymbolId(1), true);
    rig.ack(&ok(2, "trade", "A/USD"));
    rig.ack(&ok(2, "trade", "B/USD"));
    rig.pass(DurationNs::from_secs(6));
    let (sent, event) = rig.tick();
    assert_eq!(event, Some(SessionEvent::Silent { symbol: SymbolId(0) }));
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
        rig.session.on_desync(1);
    }
    let (sent, _) = rig.tick();
    assert_eq!(sent.len(), 1);
    assert!(sent[0].contains(r#""unsubscribe""#));
    rig.session.on_desync(1);
    assert!(rig.tick().0.is_empty(), "one per loss, however many messages fail");
}

#[test]
fn a_silent_book_turns_stale_and_then_is_fetched_anew() {
    let mut rig = Rig::new();
    rig.tick();
    rig.ack(&ok(1, "book", "A/USD"));
    rig.snapshot();
    rig.pass(DurationNs::from_secs(61));
    rig.tick();
    assert_eq!(rig.controls, [Control::Stale(SymbolId(0))]);
    rig.market.on_control(rig.now, &Control::Stale(SymbolId(0)), &mut Nowhere);
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
