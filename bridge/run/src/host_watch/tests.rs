//! Attribution on a running machine: an engine on its own core that spins or parks, with hogs on the same core or with
//! a strategy that is slow by itself. Asserts who is blamed for how many calls, never how long anything took; an
//! attempt in which the machine did something else than the test wanted is made again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use paperwire_core::account::AccountView;
use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::glance::Glances;
use paperwire_core::instrument::{AssetName, Instrument, SymbolId, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::{Bank, BankSwap, Stage};
use paperwire_core::limits::{MARKET_RING_LEN, REPORT_RING_LEN};
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::ring::ring;
use paperwire_core::strategy::{Event, Flip, Signals, Strategy};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::TradeTick;
use paperwire_exec::agent::EngineAgent;
use paperwire_exec::engine::{ENGINE_STAGES, Engine, EngineConfig, StrategySetup};
use paperwire_exec::risk::RiskLimits;
use paperwire_lab::attribution::Attribution;
use paperwire_rt::runner::{self, RunnerConfig, Wait};

use super::*;

const ATTEMPTS: usize = 6;
const SPAN: DurationNs = DurationNs::from_millis(1_500);
/// Longer than anything these strategies do by themselves but what they are asked to.
const SLOW: DurationNs = DurationNs::from_micros(50);
/// What a call takes whose every stretch is the host's.
const LITTLE: DurationNs = DurationNs::from_micros(4);
/// Stalls from which one in a hundred can be told.
const STALLS_MIN: usize = 200;
const BTC: SymbolId = SymbolId(0);

/// Works a little at each event, and for [`SLOW`] once in so many.
struct Worker {
    clock: HostClock,
    little: DurationNs,
    every: u64,
    events: u64,
}

impl Strategy for Worker {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        _: &AccountView<'_>,
        _: &mut Signals,
    ) {
        self.events += 1;
        let span = if self.events.is_multiple_of(self.every) { SLOW } else { self.little };
        let end = self.clock.now().plus(span);
        while self.clock.now() < end {
            std::hint::spin_loop();
        }
    }
}

fn instrument() -> Instrument {
    Instrument {
        name: "BTC/USD".try_into().unwrap(),
        base: "BTC".try_into().unwrap(),
        quote: "USD".try_into().unwrap(),
        price_precision: 1,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

/// A book to begin with, then trades at one price, and now and then a timer, at which banks are handed over.
fn event(seq: u64) -> MarketEvent {
    let exch = ExchNs::new(1_762_160_400_000_000_000 + i64::try_from(seq).unwrap() * 1_000);
    let level = |px| Level { px: Px::new(px), qty: Qty::new(1_000) };
    let kind = match seq {
        1 => {
            let mut batch = LevelBatch::new(true);
            batch.push(BookSide::Bid, level(1_000));
            batch.push(BookSide::Ask, level(1_001));
            batch.is_last = true;
            MarketKind::Reset(batch)
        }
        _ if seq.is_multiple_of(5_000) => MarketKind::Timer,
        _ => {
            let (px, qty) = (Px::new(1_000), Qty::new(1));
            let trade = TradeTick { at: exch, px, qty, ..TradeTick::default() };
            MarketKind::Trade { trade, is_snapshot: false }
        }
    };
    let symbol = kind.has_symbol().then_some(BTC);
    MarketEvent { seq: Seq(seq), exch, stamps: Stamps::default(), symbol, kind }
}

/// Every long call of a session, and the share of it that the engine's thread did not run.
struct Seen {
    calls: Vec<LongCall>,
    lost: f64,
}

/// Runs an engine on a core of its own with so many hogs there; `None` when this machine cannot.
fn session(little: DurationNs, every: u64, hogs: usize, wait: Wait) -> Option<Seen> {
    let cores = runner::usable_cores();
    let [here, .., there] = cores.as_slice() else { return None };
    let (here, there) = (*here, *there);
    runner::pin(here);
    let clock = HostClock::new();
    let worker = Worker { clock: clock.clone(), little, every, events: 0 };
    let setup = StrategySetup {
        strategy: Box::new(worker),
        name: "worker".to_owned(),
        symbols: vec![BTC],
        warmup: &[],
        flip: Flip::Reject,
        risk: RiskLimits::default(),
        router: None,
    };
    let config = EngineConfig::new(10, AssetName::from("USD").unwrap(), Money::from_num(100));
    let engine = Engine::new(&[instrument()], vec![setup], config);
    let (mut market, taken) = ring(MARKET_RING_LEN);
    let (reports_in, mut reports) = ring(REPORT_RING_LEN);
    let (banks_in, mut banks) = BankSwap::new(&ENGINE_STAGES, 1);
    let (glances, _) = Glances::new(1);
    let agent =
        EngineAgent::new(engine, taken, reports_in, banks_in, glances, clock.clone(), false);
    let spins = wait == Wait::Spin;
    let of = RunnerConfig { core: Some(there), wait };
    let running = runner::spawn(agent, of, clock.clone()).unwrap();
    while running.stats().thread().is_none() {
        Wait::Doze.wait();
    }
    let mut host = HostWatch::new(running.stats().thread()?, spins, Some(there)).ok()?;

    let stop = Arc::new(AtomicBool::new(false));
    let hog = |nth: usize| {
        let is_over = Arc::clone(&stop);
        std::thread::spawn(move || {
            runner::pin(there);
            while !is_over.load(Ordering::Relaxed) {
                std::hint::spin_loop();
                // Every other one comes and goes.
                if nth % 2 == 1 {
                    Wait::Park.wait();
                }
            }
        })
    };
    let hogs: Vec<_> = (0..hogs).map(hog).collect();
    let (mut total, mut calls) = (Bank::new(&Stage::ALL, 1), Vec::new());
    let (mut seq, mut next) = (1, event(1));
    host.look_now(&clock);
    let first = host.watch.look(&clock)?;
    while clock.now().since(first.at) < SPAN {
        host.look(&clock);
        while reports.pop().is_some() {}
        // Always something to do for an engine that spins: a stall strikes a call, not the wait for one. One that
        // parks is to sleep now and then.
        let most = if spins { usize::MAX } else { 512 };
        for _ in 0..most {
            let Ok(()) = market.push(next) else { break };
            seq += 1;
            next = event(seq);
        }
        if !spins {
            Wait::Doze.wait();
        }
        banks.drain(&mut total, |bank| {
            host.look_now(&clock);
            calls.extend(host.judge(bank.outliers().as_slice()));
        });
    }
    let last = host.watch.look(&clock)?;
    stop.store(true, Ordering::Relaxed);
    running.stop();
    // Nobody takes reports any more, and none is waited for.
    drop(reports);
    let _ = running.join();
    hogs.into_iter().for_each(|hog| hog.join().unwrap());
    #[expect(clippy::cast_precision_loss, reason = "a share of two seconds")]
    let share = |part: u64, of: u64| part as f64 / of as f64;
    let (ran, span) = (last.ran.raw() - first.ran.raw(), last.at.since(first.at).raw());
    Some(Seen { calls, lost: 1.0 - share(ran, span) })
}

/// Makes attempts until most of the calls that count have the wanted attribution.
#[track_caller]
fn check(
    run: impl Fn() -> Option<Seen> + Sync,
    is_fair: impl Fn(f64) -> bool,
    counts: impl Fn(&LongCall) -> bool,
    wanted: Attribution,
) {
    let mut failures = Vec::new();
    for attempt in 1..=ATTEMPTS {
        // On a thread of its own, which is pinned and ends: a pinned one sees no other core any more.
        let seen = std::thread::scope(|scope| scope.spawn(&run).join().unwrap());
        let Some(Seen { calls, lost }) = seen else {
            return eprintln!(
                "SKIPPED: it takes two cores, and a kernel with statistics of threads"
            );
        };
        let judged: Vec<_> = calls.iter().filter(|call| counts(call)).collect();
        let right = judged.iter().filter(|call| call.attribution == wanted).count();
        let line =
            format!("{right} of {} are the {}'s, {lost:.2} lost", judged.len(), wanted.as_str());
        println!("attempt {attempt}: {line}");
        match is_fair(lost) && judged.len() >= 5 {
            false => {}
            true if right * 2 > judged.len() => return,
            true => failures.push(line),
        }
    }
    assert!(failures.is_empty(), "{failures:?}");
    eprintln!(
        "SKIPPED: in none of {ATTEMPTS} attempts did the machine leave the cores to the test"
    );
}

#[test]
fn a_hog_on_the_engines_core_is_blamed_for_the_calls_that_it_stretches() {
    check(
        || session(LITTLE, u64::MAX, 1, Wait::Spin),
        // It got its part.
        |lost| lost > 0.2,
        // Nothing of the strategy's own takes so long.
        |call| call.outlier.span() >= DurationNs::from_micros(500),
        Attribution::Host,
    );
}

#[test]
fn a_strategy_that_spins_at_each_thousandth_event_is_blamed_itself() {
    check(
        || session(DurationNs::ZERO, 1_000, 0, Wait::Spin),
        // Nobody else wanted the core.
        |lost| lost < 0.25,
        |call| call.outlier.span() >= SLOW,
        Attribution::Strategy,
    );
}

/// Sessions under load until there are enough stalls: of a strategy that takes [`LITTLE`] each time, at most one long
/// call in a hundred is laid to it.
#[track_caller]
fn check_blame(wait: Wait) {
    let (mut stalls, mut blamed, mut told, mut hosts) = (0, 0, 0, 0);
    for _ in 0..ATTEMPTS {
        let run = || session(LITTLE, u64::MAX, 3, wait);
        let seen = std::thread::scope(|scope| scope.spawn(run).join().unwrap());
        let Some(Seen { calls, .. }) = seen else {
            return eprintln!(
                "SKIPPED: it takes two cores, and a kernel with statistics of threads"
            );
        };
        stalls += calls.len();
        for call in &calls {
            blamed += usize::from(call.attribution == Attribution::Strategy);
            if call.outlier.span() >= DurationNs::from_millis(4) {
                told += 1;
                hosts += usize::from(call.attribution == Attribution::Host);
            }
        }
        if stalls >= STALLS_MIN {
            break;
        }
    }
    println!(
        "{}: {blamed} of {stalls} laid to the strategy, {hosts} of {told} long ones to the host",
        wait.as_str()
    );
    assert!(blamed * 100 <= stalls, "{blamed} of {stalls} stalls were laid to the strategy");
    assert!(hosts * 4 >= told, "{hosts} of {told} stalls of 4 ms and more were laid to the host");
}

#[test]
fn of_a_hundred_stalls_of_a_spinning_thread_at_most_one_is_laid_to_the_strategy() {
    check_blame(Wait::Spin);
}

#[test]
fn of_a_hundred_stalls_of_a_parked_thread_at_most_one_is_laid_to_the_strategy() {
    check_blame(Wait::Park);
}
