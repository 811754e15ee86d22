//! What the probes show of a strategy that is known to take long, by a clock that only the test moves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use paperwire_core::account::AccountView;
use paperwire_core::agent::Clock;
use paperwire_core::event::{MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::{AssetName, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::outlier::OUTLIER_MIN;
use paperwire_core::strategy::{Event, Flip, Signals, Skip, Strategy};
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_core::trade::TradeTick;

use crate::engine::{CallOrder, Context, Engine, EngineConfig, ReportSink, StrategySetup};
use crate::report::Report;
use crate::risk::RiskLimits;
use crate::testkit::instrument;

/// Every look at it takes this long.
const LOOK_NS: u64 = 40;

/// A clock that moves when it is looked at, and when somebody works.
#[derive(Clone, Default)]
struct Made(Arc<AtomicU64>);

impl Made {
    fn pass(&self, ns: u64) -> HostNs {
        HostNs::new(self.0.fetch_add(ns, Ordering::Relaxed) + ns)
    }
}

impl Clock for Made {
    fn now(&self) -> HostNs {
        self.pass(LOOK_NS)
    }
}

/// Takes its time at every so manieth event.
struct Slow {
    clock: Made,
    every: u64,
    takes: DurationNs,
    events: u64,
}

impl Strategy for Slow {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        _: &AccountView<'_>,
        _: &mut Signals,
    ) {
        self.events += 1;
        if self.events.is_multiple_of(self.every) {
            self.clock.pass(self.takes.raw());
        }
    }
}

/// Plays events that arrive one each `apart` and are worked off as soon as the engine is free.
fn play(clock: &Made, every: u64, takes: DurationNs, events: u64, apart: DurationNs) -> Bank {
    let slow = |every| StrategySetup {
        strategy: Box::new(Slow { clock: clock.clone(), every, takes, events: 0 }),
        name: format!("every {every}"),
        symbols: vec![SymbolId(0)],
        warmup: &[],
        flip: Flip::Reject,
        risk: RiskLimits::default(),
        router: None,
    };
    let usd = AssetName::from("USD").unwrap();
    let config = EngineConfig::new(10, usd, Money::from_num(100));
    let mut engine =
        Engine::new(&[instrument("BTC/USD", 1)], vec![slow(every), slow(u64::MAX)], config);
    let mut bank = Bank::new(&Stage::ALL, 2);
    let mut reports: Vec<Report> = Vec::new();
    for i in 1..=events {
        let planned = HostNs::new(i * apart.raw());
        let idle = planned.since(HostNs::new(clock.0.load(Ordering::Relaxed)));
        clock.pass(idle.raw());
        let stamps = Stamps { arrived: planned, enqueued: planned };
        let (exch, kind) = (ExchNs::new(1), MarketKind::Timer);
        let event = MarketEvent { seq: Seq(i), exch, stamps, symbol: None, kind };
        let (bank, reports) = (&mut bank, &mut reports);
        engine.process(&event, &mut Context { clock, bank, reports });
        reports.clear();
    }
    bank
}

#[test]
fn a_strategy_that_takes_50_us_at_each_thousandth_event_shows_just_that() {
    let takes = DurationNs::from_micros(50);
    let bank = play(&Made::default(), 1000, takes, 100_000, DurationNs::from_millis(1));
    let (slow, quick) = (&bank.strategies()[0].service, &bank.strategies()[1].service);
    let known = takes.raw() + LOOK_NS;
    for quantile in [0.99901, 0.9995, 0.9999, 1.0] {
        let shown = slow.value_at_quantile(quantile);
        assert!(slow.equivalent(shown, known), "{quantile}: {shown}, not {known}");
    }
    assert_eq!(slow.value_at_quantile(0.998), LOOK_NS);
    assert_eq!(slow.count_between(OUTLIER_MIN.raw(), u64::MAX), 100);
    // The other one, which shares the thread, is not charged with it.
    assert_eq!((quick.min(), quick.max()), (LOOK_NS, LOOK_NS));
    let outliers = bank.outliers().as_slice();
    assert!(outliers.iter().all(|of| of.strategy == 0 && of.span().raw() == known));
    assert!(!outliers.is_empty());
}

#[test]
fn a_stall_shows_in_the_response_of_every_event_that_queued_behind_it() {
    let (stall, apart) = (DurationNs::from_millis(50), DurationNs::from_millis(1));
    // One stall of 50 events, and nothing else takes any time worth a name.
    let bank = play(&Made::default(), 500, stall, 900, apart);
    let pair = &bank.strategies()[1];
    assert_eq!(pair.service.max(), LOOK_NS, "nobody else worked longer");
    for behind in 1..50 {
        // The event planned so many milliseconds after the stall began waited for the rest of it.
        let least = DurationNs::from_millis(50 - behind).raw();
        let waited = pair.response.count_between(least, u64::MAX);
        assert!(waited >= behind, "{waited} responses of {least} ns and more, not {behind}");
        assert!(waited <= behind + 1, "{waited}");
    }
    let on_time = pair.response.count_between(0, apart.raw());
    assert!(on_time >= 900 - 51, "{on_time}");
}

/// Skips every event.
struct Idle;

impl Strategy for Idle {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        _: &AccountView<'_>,
        signals: &mut Signals,
    ) {
        signals.skip(Skip::ALL[0]);
    }
}

/// Takes a microsecond to take a report.
struct Written(Made);

impl ReportSink for Written {
    fn push(&mut self, _: Report) {
        self.0.pass(1_000);
    }
}

#[test]
fn what_the_engine_does_between_two_calls_is_no_strategys_time() {
    for order in [CallOrder::Circle, CallOrder::Permuted(7)] {
        let clock = Made::default();
        let idle = |name: usize| StrategySetup {
            strategy: Box::new(Idle),
            name: format!("idle {name}"),
            symbols: vec![SymbolId(0)],
            warmup: &[],
            flip: Flip::Reject,
            risk: RiskLimits::default(),
            router: None,
        };
        let usd = AssetName::from("USD").unwrap();
        let config = EngineConfig { order, ..EngineConfig::new(10, usd, Money::from_num(100)) };
        let setups = (0..3).map(idle).collect();
        let mut engine = Engine::new(&[instrument("BTC/USD", 1)], setups, config);
        let (mut bank, mut reports) = (Bank::new(&Stage::ALL, 3), Written(clock.clone()));
        for i in 1..=40 {
            // Skips of a symbol are reported once a second: each of these.
            let exch = ExchNs::new(i64::try_from(i).unwrap() * 2_000_000_000);
            let trade = TradeTick { at: exch, ..TradeTick::default() };
            let kind = MarketKind::Trade { trade, is_snapshot: false };
            let (seq, symbol, stamps) = (Seq(i), Some(SymbolId(0)), Stamps::default());
            let event = MarketEvent { seq, exch, stamps, symbol, kind };
            let (bank, reports) = (&mut bank, &mut reports);
            engine.process(&event, &mut Context { clock: &clock, bank, reports });
        }
        for pair in bank.strategies() {
            let of = &pair.service;
            assert!(of.len() >= 40, "each trade, and each bar that closes on the way");
            assert_eq!((of.min(), of.max()), (LOOK_NS, LOOK_NS), "{order:?}");
            // The one that answers last has waited for the reports of the other two.
            assert!(pair.response.max() >= 2_000, "{order:?}");
        }
    }
}
