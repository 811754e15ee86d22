use paperwire_core::account::{PositionSide, Trigger};
use paperwire_core::bar::{Bar, BarFlags, Timeframe};
use paperwire_core::event::SymbolStatus;
use paperwire_core::num::{Money, Qty};
use paperwire_core::strategy::{Action, ExitLevel, Signal, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use proptest::prelude::*;

use super::TAG_ENTRY;
use crate::testkit::{BTC, Bench, CROSS, XRP};

const FEE: f64 = 0.001;
const TICK: DurationNs = DurationNs::from_millis(50);
/// The close that breaks out, above or below the mid of 2.
const BREAK: f64 = 0.0105;

/// A five-minute bar of XRP/USD around 2, given as distances from it.
fn bar(bench: &Bench, low: f64, high: f64, close: f64, volume: f64) -> Bar {
    let px = |distance| bench.px(XRP, 2.0 + distance);
    let (low, high, close) = (px(low), px(high), px(close));
    let volume = Qty::new(if volume > 0.0 { bench.px(BTC, volume).raw() * 10_000_000 } else { 0 });
    Bar { open: low, high, low, close, volume, vwap: close, ..Bar::default() }
}

/// The `i`-th bar of a market that swings within about 0.2 %.
fn swing(bench: &Bench, i: u32) -> Bar {
    let close = 0.004 * (f64::from(i) / 3.0).sin();
    bar(bench, close - 0.0022, close + 0.0022, close, 1000.0)
}

fn give(bench: &mut Bench, bar: &Bar, is_history: bool) {
    bench.bar(XRP, Timeframe::M5, bar, is_history);
}

/// The bar that breaks out, up or down.
fn breaking(bench: &Bench, side: PositionSide) -> Bar {
    match side {
        PositionSide::Long => bar(bench, 0.003, BREAK + 0.0005, BREAK, 2500.0),
        PositionSide::Short => bar(bench, -BREAK - 0.0005, -0.003, -BREAK, 2500.0),
    }
}

/// A tight book around `price`, leaning to `side`.
fn book(bench: &mut Bench, side: PositionSide, price: f64) {
    let (bid, ask) = if side == PositionSide::Long { (9.0, 5.0) } else { (5.0, 9.0) };
    bench.book(XRP, (price - 2e-5, bid * 1000.0), (price + 2e-5, ask * 1000.0));
}

/// Sixty taker orders, three of four along with `side`.
fn takers(bench: &mut Bench, side: PositionSide, price: f64) {
    for i in 0..60 {
        bench.wait(TICK);
        let along = if side == PositionSide::Long { OrderSide::Buy } else { OrderSide::Sell };
        let taker = if i % 4 == 0 { along.opposite() } else { along };
        bench.trade(XRP, price, 10.0, taker);
    }
}

const fn at(side: PositionSide, distance: f64) -> f64 {
    match side {
        PositionSide::Long => 2.0 + distance,
        PositionSide::Short => 2.0 - distance,
    }
}

/// Warm, with book and takers as a break to this side wants them.
fn ready(params: &str, fee: f64, side: PositionSide) -> Bench {
    let mut bench = Bench::new("momentum_breakout", params, fee);
    // Nine bars are half a swing: a break downwards comes from its lower half.
    let half = if side == PositionSide::Long { 0 } else { 9 };
    for i in 0..60 {
        let bar = swing(&bench, i + half);
        give(&mut bench, &bar, true);
    }
    takers(&mut bench, side, at(side, BREAK));
    book(&mut bench, side, at(side, BREAK));
    bench.forget();
    bench
}

fn entered(params: &str, side: PositionSide) -> Bench {
    let mut bench = ready(params, FEE, side);
    let bar = breaking(&bench, side);
    give(&mut bench, &bar, false);
    assert_eq!(bench.fills.len(), 1, "{:?}", bench.skips);
    bench.signals.clear();
    bench
}

#[track_caller]
fn check_entry(params: &str, side: PositionSide, action: Action, usd: f64) {
    let mut bench = ready(params, FEE, side);
    let bar = breaking(&bench, side);
    give(&mut bench, &bar, false);
    assert_eq!(bench.actions(), [action], "{:?}", bench.skips);
    let signal = bench.signals[0];
    let Size::Notional(size) = signal.size else { panic!("{:?}", signal.size) };
    assert!((size.to_num::<f64>() - usd).abs() < 1e-9, "{size}");
    let ExitLevel::PctFromFill(stop) = signal.exits.stop else { panic!("{:?}", signal.exits.stop) };
    assert!((0.25..0.5).contains(&stop), "{stop}");
    assert_eq!(signal.tag, TAG_ENTRY);
    let names: Vec<_> = signal.reason.values().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["volume_ratio", "adx", "atr_pct", "flow", "squeeze_bars", "stop_pct"]);
}

#[test]
fn golden_entries() {
    // The swings before are a squeeze: a quarter more, up to the largest position.
    check_entry("", PositionSide::Long, Action::Buy, 50.0);
    check_entry("", PositionSide::Short, Action::Short, 50.0 * 0.8 * 1.25);
    check_entry("squeeze_size_mult = 1.0", PositionSide::Short, Action::Short, 40.0);
    let most = "[symbols.'XRP/USD']\nposition_usd_max = 20.0";
    check_entry(most, PositionSide::Long, Action::Buy, 20.0);
}

#[test]
fn history_teaches_and_never_signals() {
    let mut bench = ready("", FEE, PositionSide::Long);
    let bar = breaking(&bench, PositionSide::Long);
    give(&mut bench, &bar, true); // the bench fails on a signal
    assert!(bench.signals.is_empty() && bench.skips.is_empty());
}

#[test]
fn nothing_is_signalled_before_the_indicators_are_ready() {
    let mut bench = Bench::new("momentum_breakout", "", FEE);
    book(&mut bench, PositionSide::Long, 2.0);
    for i in 0..30 {
        let bar = swing(&bench, i);
        give(&mut bench, &bar, false);
    }
    assert!(bench.signals.is_empty());
    assert!(bench.skips.iter().all(|skip| *skip == Skip::WarmingUp));
}

#[track_caller]
fn check_refused(params: &str, fee: f64, spoil: impl FnOnce(&mut Bench) -> Bar, want: Skip) {
    let mut bench = ready(params, fee, PositionSide::Long);
    let bar = spoil(&mut bench);
    bench.skips.clear();
    give(&mut bench, &bar, false);
    assert!(bench.signals.is_empty());
    assert_eq!(bench.skips, [want]);
}

#[test]
fn each_refusal_has_its_cause() {
    let long = |bench: &mut Bench| breaking(bench, PositionSide::Long);
    check_refused(
        "",
        FEE,
        |b| {
            b.status(XRP, SymbolStatus::Stale);
            long(b)
        },
        Skip::StaleBook,
    );
    check_refused(
        "",
        FEE,
        |b| {
            b.wait(DurationNs::from_secs(3));
            b.timer();
            long(b)
        },
        Skip::StaleBook,
    );
    check_refused(
        "session_loss_max_pct = 1.0",
        FEE,
        |b| {
            let calm = swing(b, 60);
            give(b, &calm, false);
            b.equity = Money::from_num(98);
            long(b)
        },
        Skip::CircuitBreaker,
    );
    check_refused("[symbols.'XRP/USD']\natr_low_pct = 2.0", FEE, long, Skip::LowVolatility);
    check_refused("", FEE, |b| swing(b, 60), Skip::NoSignalConditions);
    check_refused("keltner_atr = 5.0", FEE, long, Skip::NoSignalConditions);
    check_refused("extension_max_atr = 0.1", FEE, long, Skip::NoSignalConditions);
    check_refused("", FEE, |b| bar(b, 0.003, 0.03, BREAK, 2500.0), Skip::NoSignalConditions);
    check_refused("", FEE, |b| Bar { volume: Qty::new(1), ..long(b) }, Skip::VolumeNotConfirmed);
    check_refused(
        "",
        FEE,
        |b| {
            let flags = BarFlags { is_incomplete: true, ..BarFlags::default() };
            Bar { flags, ..long(b) }
        },
        Skip::VolumeNotConfirmed,
    );
    check_refused("adx_min = 99.0\natr_ratio_min = 9.0", FEE, long, Skip::TrendNotAligned);
    check_refused("flow_min = 0.9", FEE, long, Skip::TradeFlowNotAligned);
    check_refused("flow_age_max_s = 1", FEE, long, Skip::TradeFlowNotAligned);
    check_refused(
        "",
        FEE,
        |b| {
            book(b, PositionSide::Short, 2.0105);
            long(b)
        },
        Skip::TradeFlowNotAligned,
    );
    check_refused("spread_max_atr = 0.001", FEE, long, Skip::SpreadTooWide);
    check_refused("", 0.004, long, Skip::NotFeeProfitable);
    check_refused("risk_pct = 0.001", FEE, long, Skip::InsufficientSize);
    check_refused("long_usd_max = 1.0", FEE, long, Skip::CorrelationLimit);
}

#[test]
fn a_second_close_beyond_the_channel_is_no_break() {
    let mut bench = ready("flow_min = 0.9", FEE, PositionSide::Long);
    let bar = breaking(&bench, PositionSide::Long);
    give(&mut bench, &bar, false);
    let higher = super::tests::bar(&bench, 0.008, 0.0145, 0.014, 2500.0);
    give(&mut bench, &higher, false);
    assert_eq!(bench.skips, [Skip::TradeFlowNotAligned, Skip::NoSignalConditions]);
}

#[test]
fn other_timeframes_and_ticks_advance_nothing() {
    let mut bench = Bench::new("momentum_breakout", "", FEE);
    for i in 0..33 {
        let bar = swing(&bench, i);
        give(&mut bench, &bar, true);
        for timeframe in [Timeframe::M1, Timeframe::M15, Timeframe::H1] {
            bench.bar(XRP, timeframe, &bar, true);
        }
    }
    book(&mut bench, PositionSide::Long, 2.0);
    for _ in 0..1000 {
        bench.trade(XRP, 2.0, 1.0, OrderSide::Buy);
        book(&mut bench, PositionSide::Long, 2.0);
    }
    // 34 bars: the mean of 20 ATR over 14 ranges wants one more than these.
    let bar = swing(&bench, 33);
    give(&mut bench, &bar, false);
    assert_eq!(bench.skips, [Skip::WarmingUp]);
}

/// Multiples of the first risk, as a price.
fn earned(bench: &Bench, r: f64) -> f64 {
    let entry = bench.fills[0].px.raw() as f64 / 1e5;
    let stop = bench.positions[XRP.index()].stop.unwrap().raw() as f64 / 1e5;
    entry + r * (entry - stop)
}

#[test]
fn half_is_taken_at_twice_the_risk_and_the_rest_costs_nothing_any_more() {
    for (side, action) in [(PositionSide::Long, Action::Sell), (PositionSide::Short, Action::Cover)]
    {
        let mut bench = entered("chandelier_atr = 20.0", side);
        let whole = bench.positions[XRP.index()].lots;
        let entry = bench.fills[0].px.raw();
        let price = earned(&bench, 1.9);
        book(&mut bench, side, price);
        assert!(bench.signals.is_empty());
        let price = earned(&bench, 2.1);
        book(&mut bench, side, price);
        assert_eq!(bench.actions(), [action]);
        let rest = bench.positions[XRP.index()];
        assert!((rest.lots - whole / 2).abs() <= 1);
        let stop = rest.stop.unwrap().raw();
        let covered = (entry - stop).abs() as f64 / entry as f64;
        assert!((covered - 2.0 * FEE).abs() < 1e-4, "{covered}");
        assert_eq!(stop > entry, side == PositionSide::Long);
        bench.wait(DurationNs::from_secs(5));
        book(&mut bench, side, price);
        assert_eq!(bench.signals.len(), 1, "only once");
    }
}

#[test]
fn the_stop_follows_the_best_price_and_never_below_the_costs() {
    let mut bench = entered("partial_at_r = 100.0", PositionSide::Long);
    let first = bench.positions[XRP.index()].stop.unwrap();
    book(&mut bench, PositionSide::Long, 2.016);
    bench.trade(XRP, 2.016, 1.0, OrderSide::Buy);
    assert_eq!(bench.positions[XRP.index()].stop, Some(first), "the costs are not covered yet");
    let mut last = first;
    for step in 0..40 {
        bench.wait(DurationNs::from_secs(2));
        let price = 2.03 + 0.001 * f64::from(step);
        book(&mut bench, PositionSide::Long, price);
        bench.trade(XRP, price, 1.0, OrderSide::Buy);
        let stop = bench.positions[XRP.index()].stop.unwrap();
        assert!(stop >= last);
        last = stop;
    }
    assert!(last > bench.fills[0].px);
    let protects = bench.actions().iter().filter(|action| **action == Action::Protect).count();
    assert!((2..40).contains(&protects), "in steps: {protects}");
    assert!(bench.rejects.is_empty());
    book(&mut bench, PositionSide::Long, 2.03);
    assert_eq!(bench.fills.last().unwrap().trigger, Trigger::StopLoss);
}

#[track_caller]
fn check_exit(params: &str, bars: &[(f64, f64, f64)], want: &str) {
    let mut bench = entered(params, PositionSide::Long);
    // Nothing of what holds entries back may hold an exit back.
    bench.equity = Money::from_num(1);
    for (low, high, close) in bars {
        assert!(bench.signals.is_empty(), "{:?}", bench.reasons());
        let bar = bar(&bench, *low, *high, *close, 500.0);
        book(&mut bench, PositionSide::Long, 2.0 + close);
        give(&mut bench, &bar, false);
    }
    assert_eq!(bench.reasons(), [want]);
    assert_eq!(bench.positions[XRP.index()].lots, 0);
}

#[test]
fn a_position_that_lost_its_reason_is_closed_whatever_stops_entries() {
    check_exit("", &[(0.0050, 0.011, 0.0055)], "failed_breakout");
    let hold = (0.0090, 0.0115, 0.0100);
    check_exit("time_stop_bars = 5", &[hold; 5], "time_stop");
    let wide = "stop_min_pct = 5.0\nfailed_within_bars = 0";
    check_exit(wide, &[hold, (-0.02, 0.01, -0.019)], "channel_exit");
}

#[test]
fn an_exit_that_could_not_be_done_is_tried_again() {
    let mut bench = entered("", PositionSide::Long);
    bench.is_filling = false;
    let back = bar(&bench, 0.0050, 0.011, 0.0055, 500.0);
    give(&mut bench, &back, false);
    for _ in 0..40 {
        bench.wait(TICK);
        book(&mut bench, PositionSide::Long, 2.0055);
    }
    assert_eq!(bench.reasons(), ["failed_breakout"; 3]); // at once, after one second, after two
}

#[test]
fn a_stop_out_wants_a_wait_and_another_channel() {
    let mut bench = entered(
        "failed_within_bars = 0\n[symbols.'XRP/USD']\ncooldown_bars = 2",
        PositionSide::Long,
    );
    book(&mut bench, PositionSide::Long, 1.99);
    assert_eq!(bench.fills.last().unwrap().trigger, Trigger::StopLoss);
    bench.skips.clear();
    for i in 0..3 {
        let bar = swing(&bench, 61 + i);
        give(&mut bench, &bar, false);
    }
    assert_eq!(
        bench.skips,
        [Skip::TimeCooldown, Skip::NoSignalConditions, Skip::NoSignalConditions]
    );
}

#[test]
fn bars_are_counted_once_while_a_position_is_held() {
    let mut bench = entered("time_stop_bars = 3", PositionSide::Long);
    for _ in 0..2 {
        for _ in 0..500 {
            book(&mut bench, PositionSide::Long, 2.0105);
            bench.trade(XRP, 2.0105, 1.0, OrderSide::Buy);
        }
        let bar = bar(&bench, 0.0090, 0.0115, 0.0105, 500.0);
        give(&mut bench, &bar, false);
    }
    assert!(bench.signals.is_empty(), "{:?}", bench.reasons());
}

#[test]
fn the_cross_pair_watches_longer_bars() {
    let mut bench = Bench::new("momentum_breakout", "", FEE);
    bench.book(CROSS, (0.000_02, 1.0), (0.000_020_01, 1.0));
    let bar = Bar { close: bench.px(CROSS, 0.000_02), ..Bar::default() };
    bench.bar(CROSS, Timeframe::M5, &bar, false);
    assert!(bench.skips.is_empty());
    bench.bar(CROSS, Timeframe::M15, &bar, false);
    assert_eq!(bench.skips, [Skip::WarmingUp]);
}

#[derive(Clone, Debug)]
enum Step {
    Bar(f64, f64, f64, f64),
    Book(f64, f64),
    Trade(f64, bool),
    Stale,
    Timer,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (-0.05..0.05f64, 0.0..0.02f64, 0.0..1.0f64, 0.0..3000.0f64).prop_map(|(l, r, c, v)| Step::Bar(l, r, c, v)),
        4 => (-0.05..0.05f64, 0.1..10.0f64).prop_map(|(p, q)| Step::Book(p, q)),
        4 => (-0.05..0.05f64, any::<bool>()).prop_map(|(p, b)| Step::Trade(p, b)),
        1 => Just(Step::Stale),
        1 => Just(Step::Timer),
    ]
}

fn run(steps: &[Step], params: &str) -> (Vec<Signal>, Vec<Skip>) {
    let mut bench = Bench::new("momentum_breakout", params, 0.0);
    for (i, step) in steps.iter().enumerate() {
        bench.wait(DurationNs::from_secs(1));
        match *step {
            Step::Bar(low, range, close, volume) => {
                let bar = bar(&bench, low, low + range, low + range * close, volume);
                give(&mut bench, &bar, i < 40);
            }
            Step::Book(price, qty) => {
                bench.book(XRP, (1.99999 + price, qty * 100.0), (2.0 + price, 100.0));
            }
            Step::Trade(price, is_buy) => {
                let side = if is_buy { OrderSide::Buy } else { OrderSide::Sell };
                bench.trade(XRP, 2.0 + price, 5.0, side);
            }
            Step::Stale => bench.status(XRP, SymbolStatus::Stale),
            Step::Timer => bench.timer(),
        }
    }
    (bench.signals, bench.skips)
}

/// Lets through whatever can be let through, so that random markets reach every branch.
const EAGER: &str = "keltner_atr = 0.0\nadx_min = 0.0\nflow_min = 0.0\nlocation_min = 0.0\nextension_max_atr = 20.0
spread_max_atr = 20.0\nnet_min_pct = 0.0\nbook_age_max_ms = 600000\npartial_at_r = 0.1\nchandelier_atr = 0.5
losses_max = 0\nsession_loss_max_pct = 100.0\n[symbols.'XRP/USD']\nvolume_mult = 0.0\natr_low_pct = 0.0\ncooldown_bars = 0";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_market_is_survived_and_replays_to_the_same_signals(steps in prop::collection::vec(step(), 1..600)) {
        for params in ["", EAGER] {
            prop_assert_eq!(run(&steps, params), run(&steps, params));
        }
    }

    /// A bar without range, volume or trades makes no number up.
    #[test]
    fn a_dead_market_never_enters(bars in 40u32..120) {
        let mut bench = Bench::new("momentum_breakout", "", FEE);
        book(&mut bench, PositionSide::Long, 2.0);
        for _ in 0..bars {
            let flat = bar(&bench, 0.0, 0.0, 0.0, 0.0);
            give(&mut bench, &flat, false);
        }
        prop_assert!(bench.signals.is_empty());
    }
}
