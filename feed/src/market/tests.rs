use paperwire_core::agent::StoppedClock;

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
    market.venue.take(ExchNs::new(90), HostNs::new(1)).unwrap();
    for control in [Control::Sentiment { at, sentiment }, Control::Command { at, command }] {
        market.on_control(HostNs::new(2), &control, &mut sink);
    }
    let found: Vec<_> = sink.0.iter().map(|event| (event.seq.0, event.exch, event.kind)).collect();
    let exch = ExchNs::new(90);
    assert_eq!(
        found,
        [(1, exch, MarketKind::Sentiment(sentiment)), (2, exch, MarketKind::Command(command))]
    );
}
