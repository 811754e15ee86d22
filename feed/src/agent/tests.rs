use paperwire_core::instrument::SymbolId;
use paperwire_core::raw::{RawConsumer, raw_ring};
use paperwire_core::ring::ring;
use paperwire_core::time::Rfc3339;
use proptest::prelude::*;

use super::*;
use crate::infer;
use crate::market::{Counters, EventSink};
use crate::net::socket::ReadStamps;
use crate::wire::Refusal;

/// Seconds at which the venue's clock starts.
const START: i64 = 1_700_000_000;
/// A ring in which any frame fits, and little more.
const RING_LEN: usize = ROOM_FOR_ALL + 256;
const NAMES: [&str; 2] = ["A/USD", "B/USD"];
const ROWS: usize = 10;

fn instruments() -> Vec<Instrument> {
    let row = |name| format!(r#"{{"symbol":"{name}","price":10.0,"qty":5}}"#);
    NAMES.map(|name| infer::instrument_of(row(name).as_bytes()).unwrap()).to_vec()
}

fn config() -> FeedConfig {
    let second = DurationNs::from_secs(1);
    FeedConfig {
        depth: 10,
        trades: true,
        ticker: false,
        ohlc: Vec::new(),
        silent_after: second,
        first_data: second,
        stale_after: second,
        reconnect_min: second,
        reconnect_max: second,
        print_distance: crate::market::PRINT_DISTANCE_DEFAULT,
        is_real_venue: false,
    }
}

/// Quantities of ten asks from 100.1 up and ten bids from 100.0 down, and what the venue sends of them.
struct Venue {
    books: [[[u32; ROWS]; 2]; 2],
    trade_id: u64,
    /// Milliseconds.
    now: i64,
}

impl Venue {
    fn time(&mut self) -> Rfc3339 {
        self.now += 1;
        Rfc3339 { at: ExchNs::new(self.now * 1_000_000), fraction: 6 }
    }

    fn px(is_bid: bool, row: usize) -> usize {
        if is_bid { 1000 - row } else { 1001 + row }
    }

    fn book(&mut self, symbol: usize, is_snapshot: bool, rows: usize) -> String {
        let time = self.time();
        let (mut crc, mut sides) = (String::new(), [String::new(), String::new()]);
        for (side, text) in sides.iter_mut().enumerate() {
            for row in 0..ROWS {
                let (qty, px) = (&mut self.books[symbol][side][row], Self::px(side == 1, row));
                if row < rows {
                    *qty += 1;
                }
                crc += &format!("{px}{qty}");
                if is_snapshot || row < rows {
                    let comma = if text.is_empty() { "" } else { "," };
                    *text += &format!(r#"{comma}{{"price":{}.{},"qty":{qty}}}"#, px / 10, px % 10);
                }
            }
        }
        let [asks, bids] = sides;
        let (name, crc) = (NAMES[symbol], crc32fast::hash(crc.as_bytes()));
        let kind = if is_snapshot { "snapshot" } else { "update" };
        format!(
            r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"{name}","bids":[{bids}],"asks":[{asks}],"checksum":{crc},"timestamp":"{time}"}}]}}"#
        )
    }

    fn trades(&mut self, symbol: usize, count: usize) -> String {
        let time = self.time();
        let one = |_| {
            self.trade_id += 1;
            let (name, id) = (NAMES[symbol], self.trade_id);
            format!(
                r#"{{"symbol":"{name}","side":"buy","price":100.1,"qty":1,"ord_type":"market","trade_id":{id},"timestamp":"{time}"}}"#
            )
        };
        let rows: Vec<String> = (0..count).map(one).collect();
        format!(r#"{{"channel":"trade","type":"update","data":[{}]}}"#, rows.join(","))
    }
}

/// What happens, and how many events the engine takes after it.
#[derive(Clone, Debug)]
enum Doing {
    Snapshot(usize),
    Book(usize, usize),
    Trades(usize, usize),
    Damaged(usize),
    Heartbeat,
    /// The venue's clock is set by so many hours.
    Jump(i64),
    Timer,
    Stale(usize),
    Disconnected,
}

type Step = (Doing, bool, usize);

/// The part of a feed thread behind its socket, with an engine that takes events when the test says so.
struct Live {
    intake: Intake,
    venue: Venue,
    market: Consumer<MarketEvent>,
    raw: RawConsumer,
    reports: Consumer<FeedReport>,
    now: HostNs,
    seen: Vec<MarketEvent>,
    tape: Vec<(RawKind, HostNs, Vec<u8>)>,
}

impl Live {
    fn new() -> Self {
        let (clock, instruments) = (HostClock::new(), instruments());
        let (to_engine, market) = ring(RING_LEN);
        let (raw_in, raw) = raw_ring();
        let (reports_in, reports) = ring(16);
        let intake = Intake {
            utc: clock.relation(),
            clock,
            plan: None,
            arrivals: Arrivals::new(true),
            market: MarketFeed::new(&instruments, 10),
            session: Session::new(&instruments, &config(), HostNs::new(1)),
            sink: RingSink::new(to_engine),
            raw: Some(raw_in),
            reports: reports_in,
            banks: BankSwap::new(&FEED_STAGES, 0).0,
            heard_at: HostNs::default(),
            done_at: HostNs::default(),
            in_maintenance: false,
        };
        let venue = Venue { books: [[[5; ROWS]; 2]; 2], trade_id: 0, now: START * 1_000 };
        let (now, seen, tape) = (HostNs::new(1), Vec::new(), Vec::new());
        Self { intake, venue, market, raw, reports, now, seen, tape }
    }

    fn frame(&mut self, text: &str) {
        self.frame_since(self.now, text);
    }

    /// A frame of a read before which the kernel was last empty at that instant.
    fn frame_since(&mut self, empty_at: HostNs, text: &str) {
        let kernel = Some(self.intake.utc.to_utc(self.now));
        let stamps = ReadStamps { kernel, read_at: self.now, empty_at, taken: text.len() };
        let message = Incoming { text: text.as_bytes(), stamps, decrypted_at: Some(self.now) };
        self.intake.on_message(&message);
    }

    fn take(&mut self, events: usize) {
        self.seen.extend(std::iter::from_fn(|| self.market.pop()).take(events));
        let mut payload = Vec::new();
        while let Some(record) = self.raw.next(&mut payload) {
            self.tape.push((record.kind, record.rx, payload.clone()));
        }
    }

    fn step(&mut self, (doing, is_new_read, taken): &Step) {
        if *is_new_read {
            self.now = self.now.plus(DurationNs::from_millis(1));
        }
        let now = self.now;
        match *doing {
            Doing::Snapshot(symbol) => {
                let text = self.venue.book(symbol, true, 1);
                self.frame(&text);
            }
            Doing::Book(symbol, rows) => {
                let text = self.venue.book(symbol, false, rows);
                self.frame(&text);
            }
            Doing::Trades(symbol, count) => {
                let text = self.venue.trades(symbol, count);
                self.frame(&text);
            }
            Doing::Damaged(symbol) => {
                let text = self.venue.book(symbol, false, 1);
                self.frame(&text[..text.len() - 3]);
            }
            Doing::Heartbeat => self.frame(r#"{"channel":"heartbeat"}"#),
            Doing::Jump(hours) => self.venue.now += hours * 3_600_000,
            Doing::Timer => {
                if let Some(at) = self.intake.market.estimate(now) {
                    self.intake.decide(now, &Control::Timer { at });
                }
            }
            Doing::Stale(symbol) => {
                let symbol = SymbolId(u16::try_from(symbol).unwrap());
                self.intake.decide(now, &Control::Stale(symbol));
            }
            Doing::Disconnected => self.intake.decide(now, &Control::Disconnected),
        }
        // A feed that finds no room at all waits for the engine, which here is the same thread.
        let is_full = self.market.len() + 256 > RING_LEN;
        self.take(if is_full { 256 } else { *taken });
    }

    fn end(&mut self) -> Counters {
        self.take(usize::MAX);
        *self.intake.market.counters()
    }

    /// Every change of the ring's state and every flush on the tape.
    fn relief(&self) -> Vec<Control> {
        let control = |(kind, _, payload): &(RawKind, HostNs, Vec<u8>)| {
            Some(Control::decode(payload)?).filter(|_| *kind == RawKind::Control)
        };
        let is_relief = |c: &Control| matches!(c, Control::Pressure(_) | Control::Flush(_));
        self.tape.iter().filter_map(control).filter(is_relief).collect()
    }
}

#[derive(Default)]
struct Collected(Vec<MarketEvent>);

impl EventSink for Collected {
    fn push(&mut self, event: MarketEvent) {
        self.0.push(event);
    }
}

fn replay(tape: &[(RawKind, HostNs, Vec<u8>)]) -> (Vec<MarketEvent>, Counters) {
    let mut market = MarketFeed::new(&instruments(), 10);
    let clock = HostClock::new();
    let mut sink = Collected::default();
    for (kind, rx, payload) in tape {
        if *kind == RawKind::Control {
            market.on_control(*rx, *rx, &Control::decode(payload).unwrap(), &mut sink);
        } else if *kind == RawKind::Frame {
            let mut probe = Probe::new(&clock, *rx, *rx);
            market.on_frame(*rx, payload, &mut probe, &mut sink);
        }
    }
    (sink.0, *market.counters())
}

/// Everything of an event but when this host saw it.
fn facts(events: &[MarketEvent]) -> Vec<impl PartialEq + std::fmt::Debug> {
    events.iter().map(|event| (event.seq, event.exch, event.symbol, event.kind)).collect()
}

#[track_caller]
fn check(steps: &[Step]) -> Live {
    let mut live = Live::new();
    for step in steps {
        live.step(step);
    }
    let counters = live.end();
    let (events, replayed) = replay(&live.tape);
    for (there, here) in facts(&live.seen).iter().zip(&facts(&events)) {
        assert_eq!(there, here, "recorded and replayed");
    }
    assert_eq!((live.seen.len(), counters), (events.len(), replayed));
    live
}

#[test]
fn a_slow_engine_is_on_the_tape_before_the_frames_that_it_changed() {
    let mut steps = vec![(Doing::Snapshot(0), true, 0), (Doing::Snapshot(1), true, 0)];
    // The engine stands still, and then takes everything.
    for _ in 0..12 {
        steps.extend([(Doing::Trades(0, 200), true, 0), (Doing::Book(0, 3), false, 0)]);
    }
    steps.push((Doing::Heartbeat, true, usize::MAX));
    steps.extend([(Doing::Book(1, 2), true, 0), (Doing::Book(0, 3), true, 0)]);
    let live = check(&steps);
    let relief = [
        Control::Pressure(Pressure::Conflate),
        Control::Pressure(Pressure::Drop),
        Control::Pressure(Pressure::None),
        Control::Flush(SymbolId(0)),
    ];
    assert_eq!(live.relief(), relief);
    let counters = live.intake.market.counters();
    assert!(counters.conflated > 0 && counters.dropped_trades > 0, "{counters:?}");
}

/// Seconds by which the venue's clock was set, and how many times were refused.
fn jumps(live: &mut Live) -> (Vec<i64>, u64) {
    let (mut believed, mut refused) = (Vec::new(), 0);
    while let Some(report) = live.reports.pop() {
        match report.kind {
            FeedReportKind::ClockStepped(step) => {
                let by = step.to.raw() - step.from.raw();
                believed.push((by + 500_000_000).div_euclid(1_000_000_000));
            }
            FeedReportKind::RefusedRows(of) if of.why == Refusal::Time => refused += of.count,
            _ => {}
        }
    }
    (believed, refused)
}

/// Seconds of the exchange at the last event, since its start.
fn last_at(live: &Live) -> i64 {
    live.seen.last().unwrap().exch.raw() / 1_000_000_000 - START
}

#[test]
fn a_step_of_the_venues_clock_is_believed_told_and_replayed_in_both_directions() {
    for hours in [1, -1] {
        let book = || (Doing::Book(0, 1), true, 64);
        let jump = (Doing::Jump(hours), true, 0);
        let mut live =
            check(&[(Doing::Snapshot(0), true, 64), book(), jump, book(), book(), book(), book()]);
        let counters = *live.intake.market.counters();
        // A gap for each of two symbols; no book is void for the sake of a time.
        assert_eq!((counters.malformed, counters.resyncs, counters.gaps), (0, 0, 2));
        let refused = if hours > 0 { 2 } else { 0 };
        assert_eq!(jumps(&mut live), (vec![hours * 3_600], refused));
        assert_eq!((counters.refused, counters.book_updates), (refused, 6));
        assert_eq!(last_at(&live), hours * 3_600);
    }
}

#[test]
fn a_damaged_time_costs_nothing_and_moves_no_clock() {
    let book = || (Doing::Book(0, 1), true, 64);
    let jump = |hours| (Doing::Jump(hours), true, 0);
    let once = [jump(2), book(), jump(-2), book()];
    let first = [(Doing::Snapshot(0), true, 64), book()];
    let steps: Vec<Step> = first.into_iter().chain([once.clone(), once].concat()).collect();
    let mut live = check(&steps);
    let counters = *live.intake.market.counters();
    assert_eq!((counters.malformed, counters.resyncs, counters.gaps), (0, 0, 0));
    assert_eq!((counters.refused, counters.book_updates), (2, 6));
    assert_eq!(jumps(&mut live), (vec![], 2));
    assert_eq!(last_at(&live), 0);
}

#[test]
fn events_that_gathered_during_a_stall_arrived_one_by_one_and_the_tape_says_when() {
    const GATHERED: u64 = 50;
    let mut live = Live::new();
    live.step(&(Doing::Snapshot(0), true, 64));
    (0..20).for_each(|_| live.step(&(Doing::Book(0, 1), true, 64)));
    live.take(usize::MAX);
    let (events, records, since) = (live.seen.len(), live.tape.len(), live.now);
    // The exchange sends each millisecond; nothing is read until ten milliseconds after the last.
    live.now = since.plus(DurationNs::from_millis(GATHERED + 10));
    for _ in 0..GATHERED {
        let text = live.venue.book(0, false, 1);
        live.frame_since(since, &text);
    }
    live.take(usize::MAX);
    let wanted: Vec<_> = (1..=GATHERED).map(|ms| since.plus(DurationNs::from_millis(ms))).collect();
    let arrived: Vec<_> = live.seen[events..].iter().map(|event| event.stamps.arrived).collect();
    assert_eq!(arrived, wanted);
    let ends: Vec<_> = live.tape[records..]
        .iter()
        .filter(|(kind, ..)| *kind == RawKind::Arrival)
        .map(|(_, rx, payload)| (*rx, Arrival::decode(payload).unwrap()))
        .collect();
    let end = |earliest| (live.now, Arrival { earliest, latest: live.now, is_bounded: true });
    assert_eq!(ends, wanted.into_iter().map(end).collect::<Vec<_>>());
    assert!(live.tape[records..].chunks(2).all(|of| of[1].0 == RawKind::Frame));
    let (replayed, _) = replay(&live.tape);
    assert_eq!(facts(&replayed), facts(&live.seen));
}

fn doing() -> impl Strategy<Value = Doing> {
    let symbol = || 0..NAMES.len();
    prop_oneof![
        4 => symbol().prop_map(Doing::Snapshot),
        20 => (symbol(), 0..=ROWS).prop_map(|(symbol, rows)| Doing::Book(symbol, rows)),
        12 => (symbol(), 1usize..500).prop_map(|(symbol, count)| Doing::Trades(symbol, count)),
        1 => symbol().prop_map(Doing::Damaged),
        3 => Just(Doing::Heartbeat),
        1 => (-1i64..=2).prop_map(Doing::Jump),
        2 => Just(Doing::Timer),
        1 => symbol().prop_map(Doing::Stale),
        1 => Just(Doing::Disconnected),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn whatever_room_the_engine_leaves_the_tape_gives_the_same_events(
        steps in proptest::collection::vec(
            (doing(), any::<bool>(), prop_oneof![4 => Just(0usize), 3 => 0usize..400, 1 => 0usize..4000]),
            1..160,
        )
    ) {
        check(&steps);
    }
}
