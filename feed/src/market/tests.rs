use paperwire_core::agent::StoppedClock;
use paperwire_core::symbol_set::SymbolSet;

use super::*;
use crate::infer;

struct Collected(Vec<MarketEvent>);

impl EventSink for Collected {
    fn push(&mut self, event: MarketEvent) {
        self.0.push(event);
    }
}

fn feed(market: &mut MarketFeed, rx: u64, frame: &[u8], sink: &mut Collected) -> Outcome {
    let rx = HostNs::new(rx);
    market.on_frame(rx, frame, &mut Probe::new(&StoppedClock, rx, rx), sink)
}

/// Real captures are not part of the repository; tests that need them say so when they are absent.
fn capture(name: &str) -> Option<Vec<(u64, Vec<u8>)>> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/kraken");
    let folder = std::env::var("PAPERWIRE_CAPTURES").unwrap_or_else(|_| default.to_owned());
    let Ok(text) = std::fs::read(format!("{folder}/ws/{name}")) else {
        eprintln!("SKIPPED: capture {name} not found; set PAPERWIRE_CAPTURES to its folder");
        return None;
    };
    let line = |line: &[u8]| {
        let tab = line.iter().position(|&b| b == b'\t').unwrap();
        (std::str::from_utf8(&line[..tab]).unwrap().parse().unwrap(), line[tab + 1..].to_vec())
    };
    Some(text.split(|&b| b == b'\n').filter(|l| !l.is_empty()).map(line).collect())
}

fn market_of(frames: &[(u64, Vec<u8>)], depth: u16) -> MarketFeed {
    let instrument = frames.iter().find_map(|(_, frame)| infer::instrument_of(frame)).unwrap();
    MarketFeed::new(&[instrument], depth)
}

#[test]
fn every_checksum_of_the_captures_verifies() {
    for (name, depth, checksums) in [
        ("btcusd_d10_20260801.tsv", 10, 301),
        ("btcusd_d25_20260802.tsv", 25, 2052),
        ("xrpusd_d25_20260802.tsv", 25, 1147),
    ] {
        let Some(frames) = capture(name) else {
            continue;
        };
        let mut market = market_of(&frames, depth);
        let mut sink = Collected(Vec::new());
        for (rx, frame) in &frames {
            feed(&mut market, *rx, frame, &mut sink);
        }
        let counters = market.counters();
        assert_eq!((counters.checksums_ok, counters.checksums_bad), (checksums, 0), "{name}");
        assert_eq!((counters.malformed, counters.unknown_symbols), (0, 0), "{name}");
    }
}

#[test]
fn commands_and_sentiment_are_numbered_events_that_never_go_back_in_time() {
    use crate::control::Control;
    use paperwire_core::command::{Command, Origin, Verb};
    use paperwire_core::regime::Sentiment;

    let of = infer::instrument_of(br#"{"symbol":"A/B","price":1.0,"qty":1.00000000}"#).unwrap();
    let (mut market, mut sink) = (MarketFeed::new(&[of], 10), Collected(Vec::new()));
    let (at, taken_at) = (ExchNs::new(50), ExchNs::new(40));
    let sentiment = Sentiment { fear_greed: Some(30), btc_dominance: None, taken_at };
    let command = Command::Do { target: None, verb: Verb::Pause, origin: Origin::Api };
    market.venue.take(ExchNs::new(90), HostNs::new(1), true);
    for control in [Control::Sentiment { at, sentiment }, Control::Command { at, command }] {
        market.on_control(HostNs::new(2), HostNs::new(7), &control, &mut sink);
    }
    let found: Vec<_> = sink.0.iter().map(|event| (event.seq.0, event.exch, event.kind)).collect();
    let exch = ExchNs::new(90);
    assert_eq!(
        found,
        [(1, exch, MarketKind::Sentiment(sentiment)), (2, exch, MarketKind::Command(command))]
    );
    // A replay has other clocks than its recording.
    let now = Stamps { arrived: HostNs::new(7), enqueued: HostNs::new(7) };
    assert!(sink.0.iter().all(|event| event.stamps == now));
}

/// A market with one live book of ten levels a side around 100.0, a tick of 0.1.
struct Lively {
    market: MarketFeed,
    sink: Collected,
    rx: u64,
    id: u64,
}

impl Lively {
    fn new() -> Self {
        let of = infer::instrument_of(br#"{"symbol":"A/USD","price":100.0,"qty":1.00}"#).unwrap();
        let market = MarketFeed::new(&[of], 10);
        let mut it = Self { market, sink: Collected(Vec::new()), rx: 1, id: 100 };
        let level = |px: i64| format!(r#"{{"price":{}.{},"qty":1.00}}"#, px / 10, px % 10);
        let [asks, bids] =
            [1_001..1_011, 991..1_001].map(|range| range.map(level).collect::<Vec<_>>());
        let digits = (1_001..1_011).chain((991..1_001).rev()).map(|px| format!("{px}100"));
        let crc = crc32fast::hash(digits.collect::<String>().as_bytes());
        let (bids, asks) = (bids.join(","), asks.join(","));
        it.take(&format!(
            r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/USD","bids":[{bids}],"asks":[{asks}],"checksum":{crc},"timestamp":"2026-08-02T00:00:00.000000Z"}}]}}"#
        ));
        assert_eq!(it.market.state(SymbolId(0)), BookState::Live);
        it.sink.0.clear();
        it
    }

    fn take(&mut self, frame: &str) -> Outcome {
        self.rx += 1_000_000;
        feed(&mut self.market, self.rx, frame.as_bytes(), &mut self.sink)
    }

    /// One print at this price with this number; true when the engine was told of it.
    fn print_as(&mut self, px: &str, id: u64) -> bool {
        let before = self.market.counters().trades;
        let second = self.rx / 1_000_000;
        self.take(&format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"A/USD","side":"sell","price":{px},"qty":1.00,"ord_type":"market","trade_id":{id},"timestamp":"2026-08-02T00:00:{second:02}.000000Z"}}]}}"#
        ));
        self.market.counters().trades > before
    }

    fn print(&mut self, px: &str) -> bool {
        self.id += 1;
        self.print_as(px, self.id)
    }
}

#[test]
fn what_is_of_no_book_voids_none() {
    let mut it = Lively::new();
    for frame in [
        r#"{"channel":"trade","type":"snapshot","data":[]}"#,
        r#"{"channel":"book","type":"update","data":[]}"#,
        r#"{"channel":"ticker","type":"update","data":[{"symbol":"ETH/USD","last":1.0}]}"#,
        r#"{"channel":"book","type":"update","data":[{"symbol":"ETH/USD","bids":[],"asks":[],"checksum":1}]}"#,
        r#"{"channel":"ticker","type":"update","data":[{"symbol":"A/USD","bid":null,"last":null}]}"#,
        r#"{"channel":"ticker","type":"update","data":[{"symbol":"A/USD","last":"x"}]}"#,
        r#"{"channel":"trade","type":"update","data":[{"symbol":"A/USD","price":{}}]}"#,
        r#"{"channel":"trade","type":"update","data":"A/USD"#,
        r#"{"channel":"level3","type":"update","data":[{"symbol":"A/USD"}]}"#,
        r#"{"channel":"status","type":"update","data":[{"system":"A/USD"#,
        r#"{"method":"pong"A/USD"#,
    ] {
        let outcome = it.take(frame);
        assert!(!matches!(outcome, Outcome::Desync(..)), "{frame}: {outcome:?}");
        assert_eq!(it.market.state(SymbolId(0)), BookState::Live, "{frame}");
    }
    assert_eq!((it.market.counters().resyncs, it.sink.0.len()), (0, 0));
    // One that may be a book's does.
    let outcome =
        it.take(r#"{"channel":"book","type":"update","data":[{"symbol":"A/USD","bids":["#);
    assert_eq!(outcome, Outcome::Desync(SymbolSet::only(SymbolId(0)), GapReason::Malformed));
}

/// What a frame brings beside its own data waited as long as the frame did, before its read as well.
#[test]
fn whatever_a_frame_brings_arrived_with_it() {
    let mut it = Lively::new();
    let arrived = HostNs::new(5);
    let list = r#"{"channel":"instrument","type":"update","data":{"pairs":[{"symbol":"A/USD","base":"A","quote":"USD","price_precision":1,"qty_precision":2,"price_increment":0.5,"qty_increment":0.01,"qty_min":0.01,"cost_min":"1","status":"online"}]}}"#;
    let online = r#"{"channel":"status","type":"update","data":[{"system":"cancel_only"}]}"#;
    let damaged = r#"{"channel":"book","type":"update","data":[{"symbol":"A/USD","bids":["#;
    let ticker = r#"{"channel":"ticker","type":"update","data":[{"symbol":"A/USD","last":100.0}]}"#;
    for frame in [list, online, damaged, ticker] {
        it.rx += 1_000_000;
        let mut probe = Probe::new(&StoppedClock, arrived, HostNs::new(it.rx));
        it.market.on_frame(HostNs::new(it.rx), frame.as_bytes(), &mut probe, &mut it.sink);
        let told = std::mem::take(&mut it.sink.0);
        assert!(!told.is_empty(), "{frame}");
        assert!(told.iter().all(|event| event.stamps.arrived == arrived), "{told:?}");
    }
}

#[test]
fn a_print_far_outside_the_verified_book_is_refused() {
    let mut it = Lively::new();
    // The touch is 100.0 and 100.1, the visible book from 99.1 to 101.0, the bound a tenth.
    for (px, is_told) in [
        ("100.0", true),
        ("95.0", true),
        ("90.0", true),
        ("89.9", false),
        ("110.1", true),
        ("110.2", false),
        ("0.1", false),
        ("1000000.0", false),
    ] {
        assert_eq!(it.print(px), is_told, "{px}");
    }
    assert_eq!(it.market.counters().refused, 4);
    let refused = it.market.take_refused().unwrap();
    assert_eq!((refused.why, refused.count), (crate::wire::Refusal::Far, 4));
    // The same of a ticker's last price, which fills and triggers, too.
    let told = it.sink.0.len();
    it.take(r#"{"channel":"ticker","type":"update","data":[{"symbol":"A/USD","last":0.1}]}"#);
    assert_eq!(it.sink.0.len(), told);
    // Another bound, and no verified book at all.
    let mut it = Lively::new();
    it.market = it.market.with_print_distance(Distance::new(100));
    assert!(!it.print("98.9") && it.print("99.1"));
    it.market.on_control(
        HostNs::new(it.rx),
        HostNs::new(it.rx),
        &crate::control::Control::Stale(SymbolId(0)),
        &mut it.sink,
    );
    assert!(it.print("50.0"));
}

#[test]
fn damaged_and_new_trade_numbers_silence_no_pair() {
    for other in [1_000_101, 999_999, 50_000_000, 7] {
        let mut it = Lively::new();
        for id in [101, 102, other, 103, 104] {
            assert!(it.print_as("100.0", id), "{id}");
        }
        assert_eq!((it.market.counters().gaps, it.market.take_number_jump()), (0, None));
        for id in [other + 1, other + 2, other + 3, other + 4] {
            assert!(it.print_as("100.0", id), "{id}");
        }
        assert_eq!(it.market.counters().gaps, 1);
        let jump = it.market.take_number_jump().unwrap();
        assert_eq!((jump.from, jump.to), (104, i64::try_from(other + 3).unwrap()));
        let is_gap = |event: &&MarketEvent| {
            matches!(
                event.kind,
                MarketKind::Status(SymbolStatus::Gap { reason: GapReason::TradeIds, .. })
            )
        };
        assert_eq!(it.sink.0.iter().filter(is_gap).count(), 1);
        assert_eq!(it.market.counters().trades, 9);
    }
}

#[test]
fn a_book_without_a_time_is_told_with_the_first_time_that_is_known() {
    let of = infer::instrument_of(br#"{"symbol":"A/USD","price":1.0,"qty":1}"#).unwrap();
    let (mut market, mut sink) = (MarketFeed::new(&[of], 10), Collected(Vec::new()));
    let snapshot = format!(
        r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/USD","bids":[{{"price":1.0,"qty":1}}],"asks":[{{"price":2.1,"qty":1}}],"checksum":{},"timestamp":null}}]}}"#,
        crc32fast::hash(b"211101"),
    );
    feed(&mut market, 1, snapshot.as_bytes(), &mut sink);
    assert_eq!((market.state(SymbolId(0)), sink.0.len()), (BookState::Live, 0));
    let update = format!(
        r#"{{"channel":"book","type":"update","data":[{{"symbol":"A/USD","bids":[],"asks":[],"checksum":{},"timestamp":"2026-08-02T00:00:00Z"}}]}}"#,
        crc32fast::hash(b"211101"),
    );
    feed(&mut market, 2, update.as_bytes(), &mut sink);
    let [event] = &sink.0[..] else { panic!("{:?}", sink.0) };
    assert!(matches!(event.kind, MarketKind::Reset(batch) if batch.iter().count() == 2));
    assert_eq!(event.exch.raw(), 1_785_628_800_000_000_000);
}
