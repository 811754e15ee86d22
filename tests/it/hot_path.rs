//! The proof that feed and engine do not allocate, over whole sessions and every strategy.

use paperwire_core::account::StratId;
use paperwire_core::bar::BarRules;
use paperwire_core::event::MarketEvent;
use paperwire_core::instrument::{AssetName, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, Event, ExitLevel, Reason, Signal, Signals, Size, Strategy};
use paperwire_core::time::HostNs;
use paperwire_exec::engine::{Context, Engine, EngineConfig, ReportSink, StrategySetup};
use paperwire_exec::report::{Report, ReportKind};
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
    signals: u64,
}

impl ReportSink for Count {
    fn push(&mut self, report: Report) {
        match report.kind {
            ReportKind::Fill(_) => self.fills += 1,
            ReportKind::Signal { .. } => self.signals += 1,
            _ => {}
        }
    }
}

/// Trades on every hundredth book change, so that the path from signal to fill is walked often.
struct Busy(u64);

impl Strategy for Busy {
    fn on_event(
        &mut self,
        event: &Event<'_>,
        _: &paperwire_core::market::MarketView<'_>,
        account: &paperwire_core::account::AccountView<'_>,
        out: &mut Signals,
    ) {
        let Event::Book { symbol } = *event else {
            return;
        };
        self.0 += 1;
        if !self.0.is_multiple_of(100) {
            return;
        }
        let is_flat = account.position(symbol).lots == 0;
        out.push(Signal {
            symbol,
            action: if is_flat { Action::Buy } else { Action::Close },
            size: Size::Notional(Money::from_num(20)),
            stop: ExitLevel::PctFromFill(0.05),
            target: ExitLevel::PctFromFill(0.05),
            reason: Reason::new("busy").with("turn", 1.0),
            tag: 1,
        });
    }
}

pub(crate) fn engine(material: &Material) -> Engine {
    let symbols = 0..u16::try_from(material.instruments.len()).unwrap();
    let symbols: Vec<SymbolId> = symbols.map(SymbolId).collect();
    let setup = |strategy| StrategySetup { strategy, symbols: symbols.clone(), warmup: &[] };
    let real = paperwire_strategies::all().iter().map(|r| r.make(&toml::Table::new()).unwrap());
    let busy: Box<dyn Strategy> = Box::new(Busy(0));
    let setups = real.chain([busy]).map(setup).collect();
    let config = EngineConfig {
        depth: material.depth,
        bars: BarRules::default(),
        numeraire: AssetName::from("USD").unwrap(),
        capital: Money::from_num(100),
        taker_fee: Money::from_num(0.001),
        leverage_max: Money::ONE,
    };
    Engine::new(&material.instruments, setups, config)
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
                    feed.on_control(at, &Control::Timer { at: exch }, &mut buffer);
                }
            }
            let now = clock.now();
            feed.on_frame(
                at,
                frame,
                &mut Probe::new(&clock, &mut feed_bank, now, now),
                &mut buffer,
            );
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
    let setups = [bomb, Box::new(Busy(0))].map(|strategy| StrategySetup {
        strategy,
        symbols: symbols.clone(),
        warmup: &[],
    });
    let config = EngineConfig {
        depth: 10,
        bars: BarRules::default(),
        numeraire: AssetName::from("USD").unwrap(),
        capital: Money::from_num(100),
        taker_fee: Money::from_num(0.001),
        leverage_max: Money::ONE,
    };
    let mut engine = Engine::new(&material.instruments, setups.into(), config);
    let mut feed = MarketFeed::new(&material.instruments, 10);
    let (clock, mut buffer) = (HostClock::new(), Buffer(Vec::with_capacity(8192)));
    let mut bank = Bank::new(&Stage::ALL, 2);
    let mut reports: Vec<Report> = Vec::new();
    for (rx, frame) in &material.frames {
        let at = HostNs::new(*rx);
        let mut feed_bank = Bank::new(&[Stage::Decoded, Stage::BookApplied, Stage::Enqueued], 0);
        feed.on_frame(
            at,
            frame,
            &mut Probe::new(&clock, &mut feed_bank, at, clock.now()),
            &mut buffer,
        );
        for event in buffer.0.drain(..) {
            engine.process(
                &event,
                &mut Context { clock: &clock, bank: &mut bank, reports: &mut reports },
            );
        }
    }
    let benched =
        reports.iter().filter(|r| matches!(r.kind, ReportKind::Benched { strategy: StratId(0) }));
    assert_eq!(benched.count(), 1);
    let others = reports
        .iter()
        .filter(|r| matches!(r.kind, ReportKind::Fill(f) if f.strategy == StratId(1)));
    assert!(others.count() > 0, "the other strategy goes on");
}
