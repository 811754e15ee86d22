//! An open-loop load through real sockets into the feed, which is stepped by the test.
//!
//! Nothing asserts a time but lower bounds of responses and counts, which noise cannot break.

use std::sync::Arc;

use paperwire_core::agent::Agent;
use paperwire_core::event::MarketEvent;
use paperwire_core::latency::{Bank, BankDrain, BankSwap, Stage};
use paperwire_core::limits::{FEED_REPORT_RING_LEN, MARKET_RING_LEN};
use paperwire_core::ring::{Consumer, ring};
use paperwire_core::time::DurationNs;
use paperwire_exchange::MarketConfig;
use paperwire_exchange::load::{LoadAgent, LoadHandle, Rate, Reel, Round, Start};
use paperwire_feed::agent::{FEED_STAGES, FeedAgent, FeedParts};
use paperwire_feed::net::connect::{Connector, Endpoint};
use paperwire_feed::plan::{Plan, Progress};
use paperwire_feed::session::FeedConfig;
use paperwire_feed::start::{self, Patience};
use paperwire_rt::clock::{HostClock, UtcRelation};
use paperwire_rt::deadline::Stop;
use paperwire_rt::runner::{self, RunnerConfig, Running, Wait};

struct Rig {
    load: Running<LoadAgent<HostClock>>,
    handle: LoadHandle,
    feed: FeedAgent,
    events: Consumer<MarketEvent>,
    drain: BankDrain,
    bank: Bank,
    progress: Arc<Progress>,
    relation: UtcRelation,
    reel: Arc<Reel>,
    clock: HostClock,
}

impl Rig {
    fn new(is_tls: bool, reel_frames: u64) -> Self {
        let clock = HostClock::new();
        // Its first instant is now: the feed refuses times that jump.
        let relation = clock.relation();
        let start = Some(relation.to_utc(clock.now()));
        let market = MarketConfig { history_minutes: 1, start, ..MarketConfig::new(3) };
        let symbols = ["BTC/USD", "XRP/USD"].map(str::to_owned);
        let reel = Reel::render(&market, &symbols, 10, reel_frames, DurationNs::ZERO).unwrap();
        let (agent, handle) = LoadAgent::new(&market, is_tls, clock.clone()).unwrap();
        let config = RunnerConfig { core: None, wait: Wait::Park };
        let load = runner::spawn(agent, config, clock.clone()).unwrap();
        let endpoint = Endpoint::parse(&handle.ws_url()).unwrap();
        let endpoint = endpoint.trusting(handle.certificate_der());
        let stop = Stop::default();
        let patience = Patience { attempts: 3, clock: &clock, stop: &stop };
        let started = start::start(&endpoint, &symbols, &patience, &mut None).unwrap();
        let (market, events) = ring(MARKET_RING_LEN);
        let (banks, drain) = BankSwap::new(&FEED_STAGES, 0);
        let parts = FeedParts {
            socket: started.socket,
            early: started.early,
            connector: Connector::start(endpoint, clock.clone(), stop).unwrap(),
            instruments: started.instruments,
            system: started.system,
            market,
            raw: None,
            reports: ring(FEED_REPORT_RING_LEN).0,
            banks,
            commands: ring(1).1,
            sentiments: ring(1).1,
            history: Vec::new(),
            seed: 1,
        };
        let config = FeedConfig {
            depth: 10,
            trades: true,
            ticker: false,
            ohlc: Vec::new(),
            silent_after: DurationNs::from_secs(60),
            first_data: DurationNs::from_secs(30),
            stale_after: DurationNs::from_secs(60),
            reconnect_min: DurationNs::from_millis(200),
            reconnect_max: DurationNs::from_secs(2),
            print_distance: paperwire_feed::market::PRINT_DISTANCE_DEFAULT,
            is_real_venue: false,
        };
        let progress = Arc::new(Progress::default());
        let plan = Plan::new(relation, progress.clone());
        let feed = FeedAgent::new(parts, &config, clock.clone()).following(plan);
        let bank = Bank::new(&Stage::ALL, 0);
        let reel = Arc::new(reel);
        let mut rig =
            Self { load, handle, feed, events, drain, bank, progress, relation, reel, clock };
        // Both books; without a round nothing else has a time.
        rig.until("snapshots", |rig| rig.feed.market().counters().checksums_ok == 2);
        rig
    }

    fn step(&mut self) {
        self.feed.step(self.clock.now()).unwrap();
        while self.events.pop().is_some() {}
        self.drain.drain(&mut self.bank, |_| {});
    }

    #[track_caller]
    fn until(&mut self, what: &str, is_done: impl Fn(&Self) -> bool) {
        let deadline = self.clock.now().plus(DurationNs::from_secs(30));
        while !is_done(self) {
            let counters = self.feed.market().counters();
            assert!(self.clock.now() < deadline, "never: {what}; {counters:?}");
            self.step();
            std::thread::yield_now();
        }
    }

    /// Leaves nothing of what was before in the histograms.
    fn settle(&mut self) {
        let until = self.clock.now().plus(DurationNs::from_millis(1_100));
        self.until("a swap", |rig| rig.clock.now() > until);
        self.bank.clear();
    }

    fn play(&self, rate: u32, first: u64, frames: u64) {
        let host = self.clock.now().plus(DurationNs::from_millis(20));
        let start = Start::on_grid(host, self.relation.to_utc(host));
        let rate = Rate::Even(rate);
        self.handle.play(Round { reel: self.reel.clone(), rate, start, first, frames });
    }

    fn count_from(&self, stage: Stage, of_response: bool, least: DurationNs) -> u64 {
        let pair = self.bank.of(stage).unwrap();
        let of = if of_response { &pair.response } else { &pair.service };
        of.len() - of.count_between(0, least.raw() - 1)
    }
}

fn every_frame_comes_with_its_sum(is_tls: bool) {
    let mut rig = Rig::new(is_tls, 300);
    let (mut first, mut before) = (0, rig.progress.frames());
    // Several laps, at rates with and without a chunk of frames due together.
    for (rate, frames) in [(1_000, 500), (400_000, 2_000)] {
        rig.play(rate, first, frames);
        rig.until("the round", |rig| rig.progress.frames() == before + frames);
        (first, before) = (first + frames, before + frames);
    }
    let counters = *rig.feed.market().counters();
    let bad = (counters.checksums_bad, counters.malformed, counters.resyncs);
    assert_eq!(bad, (0, 0, 0), "{counters:?}");
    assert_eq!((counters.duplicate_trades, counters.missed_trades), (0, 0), "{counters:?}");
    assert_eq!(counters.checksums_ok, counters.book_updates);
    // The sender counts a frame after it is written: the last one may be here before its count is.
    rig.until("the count", |rig| rig.handle.sent() >= 2_500);
    assert_eq!((rig.handle.sent(), rig.handle.is_lost()), (2_500, false));
    rig.load.stop();
    assert_eq!(rig.load.join().unwrap().lateness().len(), 2_000);
}

#[test]
fn every_frame_of_a_load_comes_with_a_sum_that_holds_over_tls() {
    every_frame_comes_with_its_sum(true);
}

#[test]
fn every_frame_of_a_load_comes_with_a_sum_that_holds_in_plain() {
    every_frame_comes_with_its_sum(false);
}

#[test]
fn a_stalled_reader_shows_in_the_response_of_each_frame_planned_meanwhile() {
    let mut rig = Rig::new(true, 300);
    rig.settle();
    let before = rig.progress.frames();
    rig.play(1_000, 0, 300);
    rig.until("a third", |rig| rig.progress.frames() >= before + 100);
    // Nobody reads for 50 ms: some 50 frames are planned meanwhile, 25 of them 25 ms before the end.
    let until = rig.clock.now().plus(DurationNs::from_millis(50));
    while rig.clock.now() < until {
        std::thread::yield_now();
    }
    rig.until("all", |rig| rig.progress.frames() == before + 300);
    let until = rig.clock.now().plus(DurationNs::from_millis(1_100));
    rig.until("a swap", |rig| rig.clock.now() > until);
    let half = DurationNs::from_millis(25);
    for stage in FEED_STAGES.into_iter().filter(|stage| *stage != Stage::BookApplied) {
        let late = rig.count_from(stage, true, half);
        assert!(late >= 24, "{stage:?}: {late} responses over 25 ms");
    }
    // The stall itself is nobody's work; the machine may add a hiccup of its own.
    for stage in [Stage::Decrypted, Stage::Deframed, Stage::Decoded, Stage::Enqueued] {
        assert!(rig.count_from(stage, false, half) <= 2, "{stage:?}");
    }
}

#[test]
fn a_reader_that_does_not_read_finds_every_frame_with_the_time_it_was_planned_for() {
    let mut rig = Rig::new(false, 20_000);
    rig.settle();
    let (before, frames) = (rig.progress.frames(), 60_000);
    // More than any kernel buffers for a socket that nobody reads: the plan goes on all the same.
    rig.play(200_000, 0, frames);
    let until = rig.clock.now().plus(DurationNs::from_millis(400));
    while rig.clock.now() < until {
        std::thread::yield_now();
    }
    rig.until("all", |rig| rig.progress.frames() == before + frames);
    let until = rig.clock.now().plus(DurationNs::from_millis(1_100));
    rig.until("a swap", |rig| rig.clock.now() > until);
    // The first was due 20 ms after the start, the last 320 ms: each waited 80 ms or more.
    assert_eq!(rig.count_from(Stage::Read, true, DurationNs::from_millis(79)), frames);
    assert_eq!(rig.feed.market().counters().checksums_bad, 0);
}
