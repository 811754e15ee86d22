//! The feed against the built-in exchange over real TLS sockets, on good and bad days.
//!
//! The agent is stepped by the test; only deadlines look at the clock, and nothing asserts a time.

use std::sync::atomic::AtomicU32;

use paperwire_core::agent::Agent;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::event::{GapReason, MarketEvent, MarketKind, SymbolStatus};
use paperwire_core::instrument::SymbolId;
use paperwire_core::latency::BankSwap;
use paperwire_core::limits::{FEED_REPORT_RING_LEN, MARKET_RING_LEN};
use paperwire_core::ring::{Consumer, ring};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_exchange::{Exchange, ExchangeConfig, Faults};
use paperwire_feed::agent::{FEED_STAGES, FeedAgent, FeedParts};
use paperwire_feed::control::Control;
use paperwire_feed::market::Counters;
use paperwire_feed::net::connect::{Connector, Endpoint, FailureText};
use paperwire_feed::net::socket::SocketError;
use paperwire_feed::report::{FeedReport, FeedReportKind};
use paperwire_feed::session::FeedConfig;
use paperwire_feed::start::{self, Patience};
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::Stop;

static NEXT_SEED: AtomicU32 = AtomicU32::new(1);

struct Rig {
    runtime: tokio::runtime::Runtime,
    exchange: Exchange,
    agent: FeedAgent,
    events: Consumer<MarketEvent>,
    reports: Consumer<FeedReport>,
    clock: HostClock,
    seen: Vec<MarketEvent>,
    heard: Vec<FeedReportKind>,
    warm_steps: u64,
    hot_allocs: u64,
}

impl Rig {
    fn new(faults: &str, is_tls: bool) -> Self {
        Self::with_history(faults, is_tls, Vec::new())
    }

    fn with_history(faults: &str, is_tls: bool, history: Vec<Control>) -> Self {
        let seed = NEXT_SEED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let mut config = ExchangeConfig::new(seed.into());
        config.tls = is_tls;
        config.market.history_minutes = 5;
        config.faults = Faults::parse(faults).unwrap();
        let exchange = runtime.block_on(Exchange::start(config)).unwrap();
        let endpoint = Endpoint::parse(&exchange.ws_url()).unwrap();
        let endpoint = endpoint.trusting(exchange.certificate_der());
        let clock = HostClock::new();
        let symbols = ["BTC/USD", "XRP/USD", "XRP/BTC"].map(str::to_owned);
        let stop = Stop::default();
        let patience = Patience { attempts: 3, clock: &clock, stop: &stop };
        let started = start::start(&endpoint, &symbols, &patience, &mut None).unwrap();
        let (market, events) = ring(MARKET_RING_LEN);
        let (reports_in, reports) = ring(FEED_REPORT_RING_LEN);
        let (banks, _) = BankSwap::new(&FEED_STAGES, 0);
        let parts = FeedParts {
            socket: started.socket,
            early: started.early,
            connector: Connector::start(endpoint, clock.clone(), stop).unwrap(),
            instruments: started.instruments,
            system: started.system,
            market,
            raw: None,
            reports: reports_in,
            banks,
            commands: ring(1).1,
            sentiments: ring(1).1,
            history,
            seed: 1,
        };
        let config = FeedConfig {
            depth: 10,
            trades: true,
            ticker: true,
            ohlc: vec![1],
            silent_after: DurationNs::from_millis(2_500),
            first_data: DurationNs::from_millis(1_500),
            stale_after: DurationNs::from_secs(60),
            reconnect_min: DurationNs::from_millis(200),
            reconnect_max: DurationNs::from_secs(2),
            print_distance: paperwire_feed::market::PRINT_DISTANCE_DEFAULT,
            is_real_venue: false,
        };
        let agent = FeedAgent::new(parts, &config, clock.clone());
        let (seen, heard) = (Vec::new(), Vec::new());
        let (warm_steps, hot_allocs) = (0, 0);
        Self {
            runtime,
            exchange,
            agent,
            events,
            reports,
            clock,
            seen,
            heard,
            warm_steps,
            hot_allocs,
        }
    }

    /// Steps until `is_done`, or fails with `what` after half a minute.
    #[track_caller]
    fn until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) {
        let deadline = self.clock.now().plus(DurationNs::from_secs(30));
        while !is_done(self) {
            let now = self.clock.now();
            assert!(now < deadline, "never: {what}; {:?}", self.agent.market().counters());
            let is_warm = self.agent.is_warm();
            let was = alloc_guard::hot_allocs_total();
            // As the runner does.
            alloc_guard::arm(is_warm);
            self.agent.step(now).unwrap();
            alloc_guard::arm(false);
            self.hot_allocs += alloc_guard::hot_allocs_total() - was;
            self.warm_steps += u64::from(is_warm);
            while let Some(event) = self.events.pop() {
                self.seen.push(event);
            }
            while let Some(report) = self.reports.pop() {
                self.heard.push(report.kind);
            }
            std::thread::yield_now();
        }
    }

    fn counters(&self) -> Counters {
        *self.agent.market().counters()
    }

    fn is_live(&self) -> bool {
        self.heard.iter().any(|kind| matches!(kind, FeedReportKind::AllLive { .. }))
    }

    fn gaps(&self) -> Vec<(u16, GapReason)> {
        let gap = |event: &MarketEvent| match event.kind {
            MarketKind::Status(SymbolStatus::Gap { reason, from, to }) => {
                assert!(from <= to, "a gap ends after its start");
                Some((event.symbol?.0, reason))
            }
            _ => None,
        };
        self.seen.iter().filter_map(gap).collect()
    }

    fn end(self) {
        let Self { runtime, exchange, agent, .. } = self;
        drop(agent);
        runtime.block_on(exchange.stop());
    }
}

#[test]
fn a_good_day_has_no_bad_checksum_with_and_without_tls() {
    for is_tls in [true, false] {
        let mut rig = Rig::new("", is_tls);
        rig.until("three hundred books", |rig| rig.is_live() && rig.counters().book_updates > 300);
        let counters = rig.counters();
        assert_eq!((counters.checksums_bad, counters.resyncs, counters.malformed), (0, 0, 0));
        assert!(counters.trades > 0);
        assert_eq!(rig.exchange.stats().unsubscribes, 0);
        assert!(rig.seen.windows(2).all(|w| w[1].seq.0 == w[0].seq.0 + 1), "numbers have no gap");
        rig.end();
    }
}

#[test]
fn more_history_than_the_ring_holds_comes_first_and_whole() {
    let bar = |minute: i64| {
        let open_at = ExchNs::new(minute * 60_000_000_000);
        Control::History(SymbolId(0), (Timeframe::M1, Bar { open_at, ..Bar::default() }))
    };
    let count = 2 * MARKET_RING_LEN;
    let history = (0..i64::try_from(count).unwrap()).map(bar).collect();
    let mut rig = Rig::with_history("", true, history);
    rig.until("live after history", Rig::is_live);
    let is_history = |event: &MarketEvent| matches!(event.kind, MarketKind::History(_));
    assert!(rig.seen[..count].iter().all(is_history));
    assert!(!rig.seen[count..].iter().any(is_history));
    rig.end();
}

#[test]
fn a_bad_checksum_costs_one_pair_of_requests_and_no_other_symbol() {
    let faults = "[[fault]]\nkind = \"bad_checksum\"\nsymbol = \"XRP/USD\"\nat_message = 40";
    let mut rig = Rig::new(faults, true);
    rig.until("a healed gap", |rig| !rig.gaps().is_empty());
    let healed = rig.counters().book_updates;
    rig.until("more books", |rig| rig.counters().book_updates > healed + 100);
    assert_eq!(rig.gaps(), [(1, GapReason::Checksum)]);
    assert_eq!(rig.counters().checksums_bad, 1);
    let stats = rig.exchange.stats();
    assert_eq!(stats.unsubscribes, 1, "one, however many messages failed");
    rig.end();
}

#[test]
fn lost_changed_crossed_and_malformed_messages_are_all_noticed_and_healed() {
    for (kind, reasons) in [
        ("changed_digit", vec![GapReason::Checksum]),
        ("crossed", vec![GapReason::Crossed]),
        ("malformed", vec![GapReason::Malformed]),
        ("lost", vec![GapReason::Checksum, GapReason::Crossed]),
    ] {
        // Counted over all messages of the pair; several, so that one strikes the ten best.
        let faults = format!(
            "[[fault]]\nkind = \"{kind}\"\nsymbol = \"BTC/USD\"\nat_message = 60\ncount = 4"
        );
        let mut rig = Rig::new(&faults, true);
        rig.until(kind, |rig| rig.gaps().iter().any(|gap| reasons.contains(&gap.1)));
        assert!(rig.gaps().iter().all(|gap| gap.0 == 0), "{kind}: only BTC/USD");
        rig.end();
    }
}

#[test]
fn a_dropped_connection_comes_back_with_a_typed_gap_for_every_symbol() {
    let mut rig = Rig::new("[[fault]]\nkind = \"drop\"\nat_s = 3.0", true);
    rig.until("three gaps", |rig| rig.gaps().len() >= 3);
    let mut gaps = rig.gaps();
    gaps.sort_by_key(|gap| gap.0);
    assert_eq!(gaps, [0, 1, 2].map(|symbol| (symbol, GapReason::Disconnect)));
    assert_eq!(rig.counters().disconnects, 1);
    rig.end();
}

#[test]
fn a_connection_lost_by_a_warm_thread_and_its_successor_allocate_nothing() {
    let mut rig = Rig::new("[[fault]]\nkind = \"drop\"\nat_s = 6.0", true);
    rig.until("a second connection", |rig| {
        let is_all_live = |kind: &&FeedReportKind| matches!(kind, FeedReportKind::AllLive { .. });
        rig.counters().disconnects == 1 && rig.heard.iter().filter(is_all_live).count() == 2
    });
    assert!(rig.warm_steps > 0, "a warm thread lost it");
    assert_eq!(rig.hot_allocs, 0);
    rig.end();
}

#[test]
fn what_the_kernel_says_of_a_lost_connection_is_shown_without_allocation() {
    use std::fmt::Write;
    let error = SocketError::from(std::io::Error::from_raw_os_error(104));
    let mut text = FailureText::new();
    let (written, allocs) = alloc_guard::count(|| write!(text, "{error}"));
    assert_eq!((written, allocs), (Ok(()), 0));
    assert_eq!(text.as_str(), "connection lost: connection reset (os error 104)");
}

#[test]
fn a_stalled_connection_is_given_up_and_replaced() {
    let mut rig = Rig::new("[[fault]]\nkind = \"stall\"\nat_s = 3.0\nduration_ms = 8000", true);
    rig.until("a second connection", |rig| {
        rig.counters().disconnects >= 1 && rig.gaps().len() >= 3
    });
    rig.end();
}

#[test]
fn a_silent_subscription_is_repeated_until_it_delivers() {
    let faults =
        "[[fault]]\nkind = \"silent\"\nsymbol = \"XRP/BTC\"\nat_s = 0.0\nduration_ms = 2500";
    let mut rig = Rig::new(faults, true);
    rig.until("silence and then life", |rig| {
        let is_silent = |kind: &FeedReportKind| matches!(kind, FeedReportKind::Silent { .. });
        rig.heard.iter().any(is_silent) && rig.is_live()
    });
    rig.end();
}

#[test]
fn trades_that_come_twice_count_once() {
    let faults = "[[fault]]\nkind = \"duplicate_trades\"\nat_message = 5\ncount = 10";
    let mut rig = Rig::new(faults, true);
    rig.until("duplicates", |rig| rig.counters().duplicate_trades > 0);
    let mut last = [0; 3];
    for event in &rig.seen {
        if let MarketKind::Trade { trade, .. } = event.kind {
            let last = &mut last[event.symbol.expect("a trade has a symbol").index()];
            assert!(trade.trade_id > *last, "numbers of trades only grow");
            *last = trade.trade_id;
        }
    }
    rig.end();
}

#[test]
fn a_symbol_that_is_not_listed_is_named() {
    let rig = Rig::new("", true);
    let endpoint = Endpoint::parse(&rig.exchange.ws_url()).unwrap();
    let endpoint = endpoint.trusting(rig.exchange.certificate_der());
    let symbols = ["XBT/USD", "BTC/USD"].map(str::to_owned);
    let patience = Patience { attempts: 1, clock: &rig.clock, stop: &Stop::default() };
    let error = start::start(&endpoint, &symbols, &patience, &mut None).unwrap_err().to_string();
    assert_eq!(error, "not traded here: XBT/USD; did you mean BTC/USD?");
    let untrusted = Endpoint::parse(&rig.exchange.ws_url()).unwrap();
    let error = start::start(&untrusted, &symbols, &patience, &mut None).unwrap_err().to_string();
    assert!(error.contains("the server's certificate is refused"), "{error}");
    rig.end();
}
