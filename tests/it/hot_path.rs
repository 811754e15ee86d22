//! The proof that feed and engine do not allocate, over whole sessions and every strategy.

use paperwire_core::account::Liquidity;
use paperwire_core::book::Bbo;
use paperwire_core::event::MarketEvent;
use paperwire_core::ids::StratId;
use paperwire_core::instrument::{AssetName, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::num::{Money, Px};
use paperwire_core::order::{Distance, ExitLevel, OrderSpec, OrderTrigger, TimeInForce, Trail};
use paperwire_core::strategy::{Action, Event, Flip, Reason, Signal, Signals, Size, Strategy};
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::engine::{Context, Engine, EngineConfig, ReportSink, StrategySetup};
use paperwire_exec::latency::{LogNormal, Surge};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_exec::risk::RiskLimits;
use paperwire_feed::control::Control;
use paperwire_feed::market::{EventSink, MarketFeed, Probe};
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;

use crate::material::{self, Material};

/// Takes events into memory that was taken before.
struct Buffer(Vec<MarketEvent>);

impl EventSink for Buffer {
    fn push(&mut self, event: MarketEvent) {
        assert!(self.0.len() < self.0.capacity(), "the buffer is large enough for any frame");
        self.0.push(event);
    }
}

#[derive(Default)]
struct Count {
    fills: u64,
    maker_fills: u64,
    signals: u64,
    ends: u64,
}

impl ReportSink for Count {
    fn push(&mut self, report: Report) {
        match report.kind {
            ReportKind::Fill(fill) => {
                self.fills += 1;
                self.maker_fills += u64::from(fill.liquidity == Liquidity::Maker);
            }
            ReportKind::Done { .. } => self.ends += 1,
            ReportKind::Signal { .. } => self.signals += 1,
            _ => {}
        }
    }
}

/// Acts on every twentieth book change, each time in another way, so that every path from a signal to
/// a fill is walked often.
struct Busy(u64);

impl Busy {
    fn wish(&self, symbol: SymbolId, bbo: Bbo, is_flat: bool) -> Signal {
        let dollars = |usd: i32| Size::Notional(Money::from_num(usd));
        let enter = |action| Signal::new(symbol, action, dollars(20), Reason::new("busy"));
        let (bid, ask) = (bbo.bid.px, bbo.ask.px);
        let far = Px::new(bid.raw() - bid.raw() / 100);
        let stop = OrderTrigger::Stop(Px::new(ask.raw() + ask.raw() / 1000));
        let trail = Trail { distance: Distance::Percent(0.05), activation_pct: 0.01 };
        let pct = ExitLevel::PctFromFill(0.05);
        match self.0 / 20 % 10 {
            0 if is_flat => enter(Action::Buy).bracket(pct, pct),
            1 => enter(Action::Buy).order(OrderSpec::post_only(bid)).tag(1),
            2 => enter(Action::Short).order(OrderSpec::post_only(ask)).tag(2),
            3 => Signal::new(symbol, Action::Replace, dollars(15), Reason::new("busy")).tag(1),
            4 => Signal::cancel(symbol, 2, Reason::new("busy")),
            5 => enter(Action::Short)
                .trail(trail)
                .order(OrderSpec { tif: TimeInForce::Ioc, ..OrderSpec::limit(bid) }),
            6 => enter(Action::Buy).order(OrderSpec { trigger: Some(stop), ..OrderSpec::MARKET }),
            7 => enter(Action::Buy).order(OrderSpec::limit(far)).tag(3),
            8 => Signal::cancel(symbol, 0, Reason::new("busy")),
            _ => Signal::close(symbol, Reason::new("busy").with("turn", 1.0)),
        }
    }
}

impl Strategy for Busy {
    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &paperwire_core::market::MarketView<'_>,
        account: &paperwire_core::account::AccountView<'_>,
        out: &mut Signals,
    ) {
        let Event::Book { symbol } = *event else {
            return;
        };
        self.0 += 1;
        if self.0.is_multiple_of(20)
            && let Some(bbo) = market.symbol(symbol).bbo()
        {
            out.push(self.wish(symbol, bbo, account.position(symbol).lots == 0));
        }
    }
}

fn setup(strategy: Box<dyn Strategy>, symbols: &[SymbolId]) -> StrategySetup {
    StrategySetup {
        strategy,
        name: "busy".to_owned(),
        symbols: symbols.to_vec(),
        warmup: &[],
        flip: Flip::Reverse,
        risk: RiskLimits { orders_per_min: 600, ..RiskLimits::default() },
        router: None,
    }
}

fn config(depth: u16) -> EngineConfig {
    let usd = AssetName::from("USD").unwrap();
    let mut config = EngineConfig::new(depth, usd, Money::from_num(100));
    "queue".clone_into(&mut config.venue.fill_model);
    config.venue.fees = Box::new(paperwire_exec::fee::by_name("kraken-2026-09-19").unwrap());
    let legs = [1, 2, 2, 1].map(DurationNs::from_millis);
    config.venue.latency = Box::new(LogNormal::new(legs, 0.5, Surge::new(0.5)));
    config
}

pub(crate) fn engine(material: &Material) -> Engine {
    let symbols = 0..u16::try_from(material.instruments.len()).unwrap();
    let symbols: Vec<SymbolId> = symbols.map(SymbolId).collect();
    let real = paperwire_strategies::all().iter().map(|r| r.make(&toml::Table::new()).unwrap());
    let busy: Box<dyn Strategy> = Box::new(Busy(0));
    let setups = real.chain([busy]).map(|strategy| setup(strategy, &symbols)).collect();
    Engine::new(&material.instruments, setups, config(material.depth))
}

#[test]
fn a_whole_session_allocates_nothing_after_warm_up() {
    for material in material::all() {
        let mut feed = MarketFeed::new(&material.instruments, material.depth);
        let mut engine = engine(&material);
        let (clock, mut buffer, mut count) =
            (HostClock::new(), Buffer(Vec::with_capacity(8192)), Count::default());
        let mut feed_bank = Bank::new(&Stage::ALL, 0);
        let mut engine_bank = Bank::new(&Stage::ALL, engine.strategies());
        let mut next_timer = 0;
        let mut play = |(rx, frame): &(u64, Vec<u8>)| {
            let at = HostNs::new(*rx);
            if *rx >= next_timer {
                next_timer = rx + 1_000_000_000;
                if let Some(exch) = feed.estimate(at) {
                    feed.on_control(at, at, &Control::Timer { at: exch }, &mut buffer);
                }
            }
            let now = clock.now();
            let mut probe = Probe::new(&clock, now, now);
            feed.on_frame(at, frame, &mut probe, &mut buffer);
            probe.record(&mut feed_bank);
            for event in buffer.0.drain(..) {
                let mut ctx =
                    Context { clock: &clock, bank: &mut engine_bank, reports: &mut count };
                engine.process(&event, &mut ctx);
            }
        };
        let (warm_up, rest) = material.frames.split_at(100);
        warm_up.iter().for_each(&mut play);
        let ((), allocs) = alloc_guard::count(|| rest.iter().for_each(&mut play));
        assert_eq!(allocs, 0);
        assert!(count.fills > 0, "the path to a fill was walked");
        assert!(count.ends > 0, "and the one to the end of an order");
        assert_eq!(feed.counters().checksums_bad, 0);
    }
}

#[test]
fn a_strategy_that_panics_is_benched_alone() {
    struct Bomb;
    impl Strategy for Bomb {
        fn on_event(
            &mut self,
            _: &Event<'_>,
            _: &paperwire_core::market::MarketView<'_>,
            _: &paperwire_core::account::AccountView<'_>,
            _: &mut Signals,
        ) {
            panic!("a bug in a strategy");
        }
    }
    let material = material::simulated(3, 5, 10);
    let symbols = vec![SymbolId(0)];
    let bomb: Box<dyn Strategy> = Box::new(Bomb);
    let setups = [bomb, Box::new(Busy(0))].map(|strategy| setup(strategy, &symbols));
    let mut engine = Engine::new(&material.instruments, setups.into(), config(10));
    let mut feed = MarketFeed::new(&material.instruments, 10);
    let (clock, mut buffer) = (HostClock::new(), Buffer(Vec::with_capacity(8192)));
    let mut bank = Bank::new(&Stage::ALL, 2);
    let mut reports: Vec<Report> = Vec::new();
    for (rx, frame) in &material.frames {
        let at = HostNs::new(*rx);
        feed.on_frame(at, frame, &mut Probe::new(&clock, at, clock.now()), &mut buffer);
        for event in buffer.0.drain(..) {
            engine.process(
                &event,
                &mut Context { clock: &clock, bank: &mut bank, reports: &mut reports },
            );
        }
    }
    let benched = reports
        .iter()
        .filter(|r| matches!(r.kind, ReportKind::Benched { strategy: StratId(0), .. }));
    assert_eq!(benched.count(), 1);
    let others = reports
        .iter()
        .filter(|r| matches!(r.kind, ReportKind::Fill(f) if f.strategy == StratId(1)));
    assert!(others.count() > 0, "the other strategy goes on");
}
