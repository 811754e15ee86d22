use paperwire_core::event::SymbolStatus;
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, ExitLevel, Signal, Size, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;
use proptest::prelude::*;

use crate::testkit::{BTC, Bench, CROSS, XRP};

const TICK: DurationNs = DurationNs::from_millis(50);
/// Volatility of the made-up minutes is in the middle of these.
const FIXED: &str = "regime = 'fixed'\nregime_cuts_pct = [0.0, 50.0, 60.0]\n";

fn mid(symbol: SymbolId) -> f64 {
    [100_000.0, 2.0, 0.000_02][symbol.index()]
}

fn base_qty(symbol: SymbolId) -> f64 {
    [0.01, 100.0, 100.0][symbol.index()]
}

/// A touch one thousandth of a percent from the mid (at least a tick), bids as given.
fn touch(bench: &mut Bench, symbol: SymbolId, bid_share: f64) {
    let (mid, qty) = (mid(symbol), base_qty(symbol));
    let half = if symbol == CROSS { 1e-8 } else { mid * 1e-5 };
    bench.book(symbol, (mid - half, qty * bid_share), (mid + half, qty));
}

/// Minutes of history whose closes go up and down by half a percent.
fn minutes(bench: &mut Bench, symbol: SymbolId, count: usize) {
    for i in 0..count {
        let close = bench.px(symbol, mid(symbol) * if i % 2 == 0 { 1.0 } else { 1.005 });
        bench.minute(symbol, close, base_qty(symbol) * 500.0, true);
    }
}

/// Quotes without direction.
fn quotes(bench: &mut Bench, symbol: SymbolId, count: usize) {
    for i in 0..count {
        bench.wait(TICK);
        touch(bench, symbol, if i % 2 == 0 { 1.1 } else { 1.0 });
    }
}

/// Orders without direction, of many sizes.
fn orders(bench: &mut Bench, symbol: SymbolId, count: u32) {
    for i in 0..count {
        bench.wait(TICK);
        let side = if i % 2 == 0 { OrderSide::Buy } else { OrderSide::Sell };
        let size = 1.0 + 0.007 * f64::from(i / 2 * 37 % 71);
        bench.trade(symbol, mid(symbol), base_qty(symbol) * size, side);
    }
}

/// The book leans to one side, and large orders follow.
fn burst(bench: &mut Bench, symbol: SymbolId, side: OrderSide, count: u32) {
    for i in 0..40 {
        bench.wait(TICK);
        let grown = 1.0 + f64::from(i) * 0.5;
        let (bid, ask) = if side == OrderSide::Buy { (grown, 1.0) } else { (1.0, grown) };
        let (mid, qty) = (mid(symbol), base_qty(symbol));
        let half = if symbol == CROSS { 1e-8 } else { mid * 1e-5 };
        bench.book(symbol, (mid - half, qty * bid), (mid + half, qty * ask));
    }
    for i in 0..count {
        bench.wait(TICK);
        let size = 9.0 + 0.1 * f64::from(i);
        bench.trade(symbol, mid(symbol), base_qty(symbol) * size, side);
    }
}

/// Long enough for the last burst to be forgotten.
fn calm(bench: &mut Bench, symbol: SymbolId) {
    orders(bench, symbol, 120);
    quotes(bench, symbol, 2);
    bench.wait(DurationNs::from_secs(60));
    quotes(bench, symbol, 60);
}

fn warm(bench: &mut Bench, symbol: SymbolId) {
    minutes(bench, symbol, 60);
    quotes(bench, symbol, 260);
    orders(bench, symbol, 120);
    // A full window at any hour's threshold is balanced again.
    quotes(bench, symbol, 10);
}

/// Books of all pairs live, one pair warm, what happened so far forgotten.
fn ready(params: &str, fee: f64, symbol: SymbolId) -> Bench {
    let mut bench = Bench::new("order_flow", &format!("{FIXED}{params}"), fee);
    for other in [BTC, XRP, CROSS] {
        touch(&mut bench, other, 1.0);
    }
    warm(&mut bench, symbol);
    assert!(bench.signals.is_empty(), "{:?}", bench.reasons());
    bench.forget();
    bench
}

#[track_caller]
fn check_entry(
    symbol: SymbolId,
    side: OrderSide,
    action: Action,
    usd: f64,
    stop: f64,
    target: f64,
) {
    let mut bench = ready("", 0.001, symbol);
    burst(&mut bench, symbol, side, 4);
    assert_eq!(bench.actions(), [action]);
    let signal = bench.signals[0];
    assert_eq!(signal.symbol, symbol);
    assert_eq!(signal.size, Size::Notional(Money::from_num(usd)));
    assert_eq!(signal.exits.stop, ExitLevel::PctFromFill(stop));
    assert_eq!(signal.exits.target, ExitLevel::PctFromFill(target));
    let names: Vec<_> = signal.reason.values().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["imbalance", "spike", "ofi", "vwap", "spread_pct", "regime"]);
    assert_eq!(bench.fills.len(), 1);
}

#[test]
fn golden_entries_by_role() {
    check_entry(XRP, OrderSide::Buy, Action::Buy, 25.0, 0.5, 1.0);
    check_entry(XRP, OrderSide::Sell, Action::Short, 25.0, 0.5, 1.0);
    check_entry(BTC, OrderSide::Buy, Action::Buy, 50.0, 0.4, 0.8);
    check_entry(BTC, OrderSide::Sell, Action::Short, 50.0, 0.4, 0.8);
    check_entry(CROSS, OrderSide::Buy, Action::Buy, 15.0, 0.75, 1.5);
}

#[test]
fn a_pair_can_be_given_its_own_numbers() {
    let mut bench = ready("[symbols.'XRP/USD']\nposition_usd = 40", 0.001, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.signals[0].size, Size::Notional(Money::from_num(40)));
}

#[test]
fn nothing_is_signalled_before_every_indicator_is_ready() {
    // All but one of: minutes, quotes, orders.
    for missing in 0..3 {
        let mut bench = Bench::new("order_flow", FIXED, 0.001);
        touch(&mut bench, XRP, 1.0);
        minutes(&mut bench, XRP, if missing == 0 { 20 } else { 60 });
        quotes(&mut bench, XRP, if missing == 1 { 100 } else { 260 });
        orders(&mut bench, XRP, if missing == 2 { 40 } else { 120 });
        burst(&mut bench, XRP, OrderSide::Buy, 4);
        assert!(bench.signals.is_empty(), "without {missing}");
        assert_eq!(bench.skips.last(), Some(&Skip::WarmingUp), "without {missing}");
    }
}

/// The last refusal of a burst in a market made unfit by `spoil`.
#[track_caller]
fn check_refused(params: &str, fee: f64, spoil: impl Fn(&mut Bench), want: Skip) {
    let mut bench = ready(params, fee, XRP);
    spoil(&mut bench);
    bench.forget();
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert!(bench.signals.is_empty(), "{:?}", bench.reasons());
    assert!(bench.skips.contains(&want), "{:?}", bench.skips.last());
}

/// Loses on three positions in a row by a stop.
fn lose_three(bench: &mut Bench) {
    for side in [OrderSide::Buy, OrderSide::Sell, OrderSide::Buy] {
        burst(bench, XRP, side, 4);
        let worse = if side == OrderSide::Buy { 0.99 } else { 1.01 };
        bench.book(XRP, (2.0 * worse, 100.0), (2.0 * worse + 1e-5, 100.0));
        bench.wait(DurationNs::from_secs(6));
        calm(bench, XRP);
    }
    assert_eq!(bench.fills.len(), 6);
}

#[test]
fn each_refusal_has_its_cause() {
    check_refused("losses_pause_min = 600", 0.001, lose_three, Skip::CircuitBreaker);
    check_refused(
        "session_loss_max_pct = 0.1",
        0.001,
        |bench| bench.equity = Money::from_num(99),
        Skip::CircuitBreaker,
    );
    check_refused(
        "pauses_in_extreme = true",
        0.001,
        |bench| {
            for i in 0..40 {
                let close = bench.px(XRP, if i % 2 == 0 { 2.0 } else { 4.0 });
                bench.minute(XRP, close, 1.0, true);
            }
        },
        Skip::RegimePause,
    );
    check_refused(
        "",
        0.001,
        |bench| {
            for _ in 0..60 {
                bench.wait(TICK);
                bench.trade(XRP, 2.0, 100.0, OrderSide::Sell);
                bench.wait(TICK);
                bench.trade(XRP, 2.0, 100.0, OrderSide::Buy);
            }
        },
        Skip::VolumeAnomaly,
    );
    check_refused("flow_age_max_s = 1", 0.001, |_| (), Skip::NoVolume);
    check_refused("", 0.006, |_| (), Skip::NotFeeProfitable);
    check_refused("ofi_confirm = 10.0", 0.001, |_| (), Skip::TradeFlowNotAligned);
    check_refused("position_usd_max = 4.0", 0.001, |_| (), Skip::MaxPosition);
    check_refused("total_usd_max = 4.0", 0.001, |_| (), Skip::MaxPosition);
    check_refused("[symbols.'XRP/USD']\nposition_usd = 4.9", 0.001, |_| (), Skip::InsufficientSize);
    check_refused("long_usd_max = 4.0", 0.001, |_| (), Skip::CorrelationLimit);
    check_refused(
        "[symbols.'XRP/USD']\nvolume_spike_mult = 50.0",
        0.001,
        |_| (),
        Skip::NoSignalConditions,
    );
}

#[test]
fn a_dead_book_and_a_missing_rate_are_refused() {
    let mut bench = ready("", 0.001, XRP);
    bench.status(XRP, SymbolStatus::Stale);
    orders(&mut bench, XRP, 1);
    assert_eq!(bench.skips, [Skip::StaleBook]);
    let mut bench = ready("", 0.001, XRP);
    bench.wait(DurationNs::from_secs(3));
    orders(&mut bench, XRP, 1);
    assert_eq!(bench.skips, [Skip::StaleBook], "live, but silent for too long");
    let mut bench = ready("", 0.001, CROSS);
    bench.status(BTC, SymbolStatus::Stale);
    burst(&mut bench, CROSS, OrderSide::Buy, 4);
    assert!(bench.signals.is_empty());
    assert!(bench.skips.contains(&Skip::NoPriceData));
}

#[test]
fn vpin_pauses_or_halves() {
    // One-sided buckets: long runs of buys, then of sells, so that the window is balanced.
    let toxic = |bench: &mut Bench| {
        for i in 0..1200u32 {
            let side = if i / 200 % 2 == 0 { OrderSide::Buy } else { OrderSide::Sell };
            bench.wait(TICK);
            let size = 1.0 + 0.007 * f64::from(i * 37 % 71);
            bench.trade(XRP, 2.0, 9.0 * size, side);
        }
        calm(bench, XRP);
    };
    let small = "ofi_confirm = 10.0\n"; // nothing is signalled while the tape is made toxic
    check_refused(
        &format!("{small}vpin_mode = 'pause'\nvpin_floor = 0.0"),
        0.001,
        toxic,
        Skip::WarmingUp,
    );
    let mut bench = ready("vpin_mode = 'size_down'\nvpin_floor = 0.0", 0.001, XRP);
    assert!(bench.skips.is_empty());
    // Buckets of 500 * 100 * 1440 / 200 = 360,000 XRP: fill fifty of them, each one-sided.
    for i in 0..60u32 {
        bench.wait(TICK);
        let side = if i % 2 == 0 { OrderSide::Buy } else { OrderSide::Sell };
        bench.trade(XRP, 2.0, 360_000.0 * (1.0 + 0.01 * f64::from(i / 2)), side);
    }
    calm(&mut bench, XRP);
    bench.forget();
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.signals[0].size, Size::Notional(Money::from_num(12.5)));
}

#[test]
fn a_lasting_condition_signals_once() {
    let mut bench = ready("", 0.001, XRP);
    bench.is_filling = false;
    burst(&mut bench, XRP, OrderSide::Buy, 40);
    assert_eq!(bench.signals.len(), 1);
    assert!(bench.skips.contains(&Skip::TimeCooldown));
    bench.wait(DurationNs::from_secs(6));
    burst(&mut bench, XRP, OrderSide::Buy, 40);
    assert_eq!(bench.signals.len(), 1, "never re-armed");
    bench.wait(DurationNs::from_secs(6));
    calm(&mut bench, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.signals.len(), 2);
}

/// The tape holds 1024 orders; a cooldown counted by its length would never end.
#[test]
fn ten_thousand_orders_later_a_second_signal_is_possible() {
    let mut bench = ready("", 0.001, XRP);
    bench.is_filling = false;
    orders(&mut bench, XRP, 2000);
    calm(&mut bench, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.signals.len(), 1);
    orders(&mut bench, XRP, 10_000);
    calm(&mut bench, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.signals.len(), 2);
}

#[test]
fn orders_count_for_the_cooldown_and_prints_do_not() {
    let mut bench = ready("cooldown_s = 0", 0.001, XRP);
    bench.is_filling = false;
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.signals.len(), 1);
    bench.forget();
    bench.wait(TICK);
    for _ in 0..30 {
        bench.trade(XRP, 2.0, 1.0, OrderSide::Sell); // one sweep
    }
    assert!(bench.skips.iter().all(|skip| *skip == Skip::TradeCooldown));
}

fn held(fee: f64) -> Bench {
    let mut bench = ready("", fee, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.fills.len(), 1);
    bench.forget();
    bench
}

#[test]
fn age_lowers_the_target_but_never_below_the_fees() {
    // Bought at 2.00002. What is earned before fees of 0.2 %, and when it is enough.
    for (bid, after_s, want) in [
        (2.0110, 299, None),
        (2.0110, 301, Some("decay")), // 0.55 % leaves more than the least
        (2.0045, 301, None),          // 0.224 % leaves too little before the last stage
        (2.0045, 479, None),
        (2.0045, 481, Some("decay")),
        (2.0035, 481, None), // 0.17 % would be a loss
    ] {
        let mut bench = held(0.001);
        bench.wait(DurationNs::from_secs(after_s));
        bench.book(XRP, (bid, 100.0), (bid + 1e-5, 100.0));
        bench.timer();
        let reasons = bench.reasons();
        assert_eq!(reasons.first().copied(), want, "{bid} after {after_s}");
    }
}

#[test]
fn exits_do_not_wait_for_breaker_cooldown_or_limits() {
    // Within the cooldown of its own entry, at the largest position, after the session's loss.
    let mut bench =
        ready("total_usd_max = 25.0\nsession_loss_max_pct = 0.1\ncooldown_s = 3600", 0.001, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    bench.forget();
    bench.equity = Money::from_num(50);
    burst(&mut bench, XRP, OrderSide::Sell, 30);
    assert_eq!(bench.reasons(), ["signal_flip"]);
    assert_eq!(bench.actions(), [Action::Close]);
    assert!(bench.positions.iter().all(|position| position.lots == 0));
    assert!(bench.skips.contains(&Skip::CircuitBreaker));
}

#[test]
fn a_refused_exit_is_repeated_each_second_not_each_event() {
    let mut bench = held(0.001);
    bench.is_filling = false;
    burst(&mut bench, XRP, OrderSide::Sell, 30); // 1.5 s of orders
    let first = bench.signals.iter().filter(|signal| signal.action == Action::Close).count();
    assert!((1..=2).contains(&first), "{first}");
}

#[test]
fn an_add_moves_stop_and_target_to_the_average() {
    let mut bench = ready("cooldown_s = 1", 0.001, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    let first = bench.positions[XRP.index()];
    bench.wait(DurationNs::from_secs(2));
    calm(&mut bench, XRP);
    bench.forget();
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    bench.timer();
    assert_eq!(bench.actions(), [Action::Buy, Action::Protect]);
    assert_eq!(bench.signals[0].exits.stop, ExitLevel::Keep);
    let after = bench.positions[XRP.index()];
    assert!(after.lots > first.lots);
    assert!(after.stop.is_some() && after.target.is_some());
}

/// Buys dearer than the last price: the average of the window lies above the mid.
fn dip(bench: &mut Bench) {
    for i in 0..25u32 {
        bench.wait(TICK);
        bench.trade(XRP, 2.03, 100.0 + f64::from(i), OrderSide::Buy);
        bench.wait(TICK);
        bench.trade(XRP, 2.03, 58.0 + f64::from(i), OrderSide::Sell);
    }
}

#[test]
fn a_dear_deviation_is_faded_to_the_average() {
    let fade = "[symbols.'XRP/USD']\nvolume_spike_mult = 50.0\nposition_usd = 40.0";
    let mut bench = ready(fade, 0.001, XRP);
    bench.is_filling = false;
    dip(&mut bench);
    burst(&mut bench, XRP, OrderSide::Buy, 1);
    assert_eq!(bench.reasons(), ["vwap_long"]);
    let signal: Signal = bench.signals[0];
    assert_eq!(signal.size, Size::Notional(Money::from_num(30)));
    assert!(matches!(signal.exits.target, ExitLevel::At(px) if px > bench.px(XRP, 2.0)));
    // The same deviation does not pay at a dear venue.
    let mut bench = ready(fade, 0.008, XRP);
    dip(&mut bench);
    burst(&mut bench, XRP, OrderSide::Buy, 1);
    assert!(bench.signals.is_empty());
    assert!(bench.skips.contains(&Skip::NotFeeProfitable));
}

#[test]
fn a_fade_filled_near_its_goal_gets_the_usual_target() {
    let far = "[symbols.'XRP/USD']\nvolume_spike_mult = 50.0\nposition_usd = 40.0\nstop_pct = 5.0";
    let mut bench = ready(far, 0.001, XRP);
    bench.slip = 0.012;
    dip(&mut bench);
    burst(&mut bench, XRP, OrderSide::Buy, 2);
    assert_eq!(bench.reasons(), ["vwap_long", "anchor"]);
    let (fill, position) = (bench.fills[0], bench.positions[XRP.index()]);
    let away = |pct: f64| bench.px(XRP, fill.px.raw() as f64 / 1e5 * (1.0 + pct / 100.0));
    assert_eq!((position.stop, position.target), (Some(away(-5.0)), Some(away(1.0))));
}

#[test]
fn an_opposite_burst_closes_and_does_not_turn() {
    let mut bench = ready("flip_ratio = 10.0", 0.001, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    calm(&mut bench, XRP);
    burst(&mut bench, XRP, OrderSide::Sell, 4);
    assert_eq!(bench.reasons(), ["momentum_long", "reversal"]);
    assert_eq!(bench.signals[1].action, Action::Close);
    assert_eq!(bench.positions[XRP.index()].lots, 0);
}

#[test]
fn a_trail_is_off_unless_asked_for() {
    for (params, want) in [("", None), ("trails = true", Some("trailing_stop"))] {
        let mut bench = ready(params, 0.001, XRP);
        burst(&mut bench, XRP, OrderSide::Buy, 4);
        bench.forget();
        bench.trade(XRP, 2.010, 100.0, OrderSide::Buy); // 0.5 % up
        bench.book(XRP, (2.0055, 100.0), (2.0056, 100.0)); // 0.2 % behind it
        assert_eq!(bench.reasons().first().copied(), want);
    }
}

#[test]
fn a_breaker_counts_positions_and_pauses_entries_only() {
    let mut bench = ready("losses_pause_min = 5", 0.001, XRP);
    lose_three(&mut bench);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert!(bench.skips.contains(&Skip::CircuitBreaker));
    assert_eq!(bench.fills.len(), 6);
    bench.wait(DurationNs::from_secs(301));
    calm(&mut bench, XRP);
    burst(&mut bench, XRP, OrderSide::Buy, 4);
    assert_eq!(bench.fills.len(), 7);
}

/// One step of a random market.
#[derive(Clone, Debug)]
enum Step {
    Book(u16, f64, f64),
    Trade(u16, f64, bool),
    Minute(u16, f64, f64),
    Stale(u16),
    Timer,
}

fn step() -> impl Strategy<Value = Step> {
    let symbol = 0u16..3;
    prop_oneof![
        4 => (symbol.clone(), 0.01..20.0f64, 0.99..1.01f64).prop_map(|(s, q, m)| Step::Book(s, q, m)),
        6 => (symbol.clone(), 0.01..20.0f64, any::<bool>()).prop_map(|(s, q, b)| Step::Trade(s, q, b)),
        1 => (symbol.clone(), 0.9..1.1f64, 0.0..5.0f64).prop_map(|(s, m, v)| Step::Minute(s, m, v)),
        1 => symbol.prop_map(Step::Stale),
        1 => Just(Step::Timer),
    ]
}

fn run(steps: &[Step], params: &str) -> (Vec<Signal>, Vec<Skip>, ExchNs) {
    let mut bench = Bench::new("order_flow", params, 0.0001);
    for symbol in [BTC, XRP, CROSS] {
        minutes(&mut bench, symbol, 60);
    }
    for step in steps {
        bench.wait(DurationNs::from_millis(300));
        match *step {
            Step::Book(s, qty, move_by) => {
                let symbol = SymbolId(s);
                let (mid, base) = (mid(symbol) * move_by, base_qty(symbol));
                let half = if symbol == CROSS { 1e-8 } else { mid * 1e-5 };
                bench.book(symbol, (mid - half, base * qty), (mid + half, base));
            }
            Step::Trade(s, qty, is_buy) => {
                let side = if is_buy { OrderSide::Buy } else { OrderSide::Sell };
                bench.trade(SymbolId(s), mid(SymbolId(s)), base_qty(SymbolId(s)) * qty, side);
            }
            Step::Minute(s, move_by, volume) => {
                let close = bench.px(SymbolId(s), mid(SymbolId(s)) * move_by);
                bench.minute(SymbolId(s), close, volume, true);
            }
            Step::Stale(s) => bench.status(SymbolId(s), SymbolStatus::Stale),
            Step::Timer => bench.timer(),
        }
    }
    (bench.signals, bench.skips, bench.now)
}

/// Ready early, so that random markets reach every branch.
const EAGER: &str = "ofi_updates_min = 1\nofi_confirm = 0.0\nlookback_trades = 20\nregime = 'fixed'
pauses_on_anomaly = false\ncooldown_s = 0\nbook_age_max_ms = 60000\nflow_age_max_s = 86400\ntrails = true
[symbols.'XRP/USD']\nvolume_spike_mult = 0.0\ncooldown_trades = 0";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_market_is_survived_and_replays_to_the_same_signals(steps in prop::collection::vec(step(), 1..700)) {
        for params in ["", EAGER, "vpin_mode = 'size_down'"] {
            let (once, again) = (run(&steps, params), run(&steps, params));
            prop_assert_eq!(once, again);
        }
    }
}
