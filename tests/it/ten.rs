//! Ten strategies on one scripted market, `config/ten.toml`: each finds what it waits for.

use std::collections::BTreeSet;
use std::path::Path;

use paperwire_config::Config;
use paperwire_core::bar::{Bar, BarFlags, Timeframe};
use paperwire_core::event::MarketEvent;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_exchange::publish::{Topic, Venue};
use paperwire_exec::engine::{CallOrder, Context, Engine};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_feed::control::Control;
use paperwire_feed::market::{EventSink, MarketFeed, Probe};
use paperwire_feed::wire::cold::ColdReader;
use paperwire_replay::setup;
use paperwire_rt::clock::HostClock;
use paperwire_run::venue;

struct Events(Vec<MarketEvent>);

impl EventSink for Events {
    fn push(&mut self, event: MarketEvent) {
        self.0.push(event);
    }
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn config() -> Config {
    let scenes = root().join("config/scenes.toml").display().to_string();
    let overrides = [("exchange.scenes".to_owned(), toml::Value::String(scenes))];
    let file = root().join("config/ten.toml");
    Config::load(Some(&file), std::iter::empty(), &overrides).unwrap()
}

/// Feed and engine of a run, driven by the exchange's own publisher without a socket or a clock.
pub(super) struct Rig {
    venue: Venue,
    feed: MarketFeed,
    engine: Engine,
    clock: HostClock,
    banks: [Bank; 2],
    pub(super) reports: Vec<Report>,
    start: ExchNs,
}

impl Rig {
    pub(super) fn new(config: &Config) -> Self {
        let market = venue::exchange_config(config).unwrap().market;
        let start = market.start.unwrap();
        let venue = Venue::new(&market).unwrap();
        let mut reader = ColdReader::new();
        reader.read(venue.snapshot(Topic::Instrument).as_bytes()).unwrap();
        let of = |name: &String| {
            *reader.instruments().iter().find(|of| of.name.as_str() == name).unwrap()
        };
        let instruments: Vec<Instrument> = config.session.symbols.iter().map(of).collect();
        let chosen = setup::choose(config).unwrap();
        let order = CallOrder::Permuted(setup::order_seed(config));
        let engine = setup::engine(config, &chosen, &instruments, 25, order).unwrap();
        let feed = MarketFeed::new(&instruments, 25);
        let banks = [Bank::new(&Stage::ALL, 0), Bank::new(&Stage::ALL, engine.strategies())];
        let clock = HostClock::new();
        let mut rig = Self { venue, feed, engine, clock, banks, reports: Vec::new(), start };
        rig.history(&instruments, market.history_minutes as usize);
        for of in &instruments {
            let symbol = rig.venue.market().symbol(&of.name).unwrap();
            for topic in [Topic::Book(symbol, 25), Topic::Trade(symbol)] {
                rig.venue.watch(topic);
                let snapshot = rig.venue.snapshot(topic);
                rig.frame(HostNs::new(0), snapshot.as_bytes());
            }
        }
        rig
    }

    fn history(&mut self, instruments: &[Instrument], minutes: usize) {
        let mut all: Vec<(SymbolId, Bar)> = Vec::new();
        for (index, of) in (0u16..).zip(instruments) {
            let symbol = self.venue.market().symbol(&of.name).unwrap();
            let bars = self.venue.market().history(symbol).bars(1, minutes + 1, self.start);
            all.extend(bars[..bars.len() - 1].iter().map(|bar| {
                let bar = Bar {
                    open_at: bar.begin,
                    open: bar.open,
                    high: bar.high,
                    low: bar.low,
                    close: bar.close,
                    volume: bar.volume,
                    vwap: if bar.trades == 0 { bar.close } else { bar.vwap() },
                    trades: u32::try_from(bar.trades).unwrap(),
                    flags: BarFlags { is_carried: bar.trades == 0, is_incomplete: false },
                };
                (SymbolId(index), bar)
            }));
        }
        all.sort_by_key(|(symbol, bar)| (bar.open_at, *symbol));
        for (symbol, bar) in all {
            self.control(HostNs::new(0), &Control::History(symbol, (Timeframe::M1, bar)));
        }
    }

    pub(super) fn play(&mut self, seconds: u64) {
        let from = self.venue.market().now();
        let mut out = Vec::new();
        for second in 1..=seconds {
            self.venue.advance_to(from.plus(DurationNs::from_secs(second)), &mut out);
            for frame in out.drain(..) {
                let rx = HostNs::new(frame.at.since(self.start).raw());
                self.frame(rx, frame.text.as_bytes());
            }
            let at = from.plus(DurationNs::from_secs(second));
            let rx = HostNs::new(at.since(self.start).raw());
            self.control(rx, &Control::Timer { at });
        }
    }

    fn frame(&mut self, rx: HostNs, frame: &[u8]) {
        let now = self.clock.now();
        let mut events = Events(Vec::new());
        let mut probe = Probe::new(&self.clock, now, now);
        self.feed.on_frame(rx, frame, &mut probe, &mut events);
        probe.record(&mut self.banks[0]);
        self.process(events);
    }

    fn control(&mut self, rx: HostNs, control: &Control) {
        let mut events = Events(Vec::new());
        self.feed.on_control(rx, rx, control, &mut events);
        self.process(events);
    }

    fn process(&mut self, events: Events) {
        for event in events.0 {
            let (clock, bank, reports) = (&self.clock, &mut self.banks[1], &mut self.reports);
            self.engine.process(&event, &mut Context { clock, bank, reports });
        }
    }
}

/// Whom, and codes of which at least one opened a position of his.
const ENTRIES: [(&str, &[&str]); 10] = [
    ("market_making", &["quote_bid", "quote_ask", "requote"]),
    ("order_flow", &["momentum_long", "momentum_short"]),
    ("mean_reversion", &["oversold", "overbought"]),
    ("ratio_trading", &["ratio_low", "ratio_high"]),
    ("triangular_arb", &["alt_first", "coin_first"]),
    ("momentum_breakout", &["breakout_long", "breakout_short"]),
    ("wavetrend", &["wave_long", "wave_short"]),
    ("whale_sentiment", &["whale_long", "whale_short"]),
    ("grid_rsi_reversion", &["grid_buy"]),
    ("momentum_scalping", &["burst_long", "burst_short"]),
];
/// The scenes' last word is spoken then.
const MINUTES: u64 = 420;

#[test]
fn each_of_the_ten_enters_for_its_reason_in_one_scripted_session() {
    let config = config();
    let chosen = setup::choose(&config).unwrap();
    let mut rig = Rig::new(&config);
    let mut codes = vec![BTreeSet::new(); chosen.len()];
    for _ in 0..MINUTES {
        rig.play(60);
        for report in rig.reports.drain(..) {
            match report.kind {
                ReportKind::Fill(fill) => {
                    codes[fill.strategy.index()].insert(fill.reason.code());
                }
                ReportKind::Benched { strategy, why } => panic!("{strategy:?}: {why:?}"),
                _ => {}
            }
        }
    }
    assert_eq!(rig.feed.counters().checksums_bad, 0);
    let mut idle = Vec::new();
    for (instance, codes) in setup::names(&chosen).iter().map(|of| &of.instance).zip(&codes) {
        let (_, wanted) = ENTRIES.iter().find(|(name, _)| name == instance).unwrap();
        if !wanted.iter().any(|code| codes.contains(code)) {
            idle.push(format!("{instance}: {codes:?}"));
        }
    }
    assert!(idle.is_empty(), "{idle:#?}");
    assert_eq!(chosen.len(), ENTRIES.len());
}
