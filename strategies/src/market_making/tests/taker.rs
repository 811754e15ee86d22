use paperwire_core::strategy::Action;
use paperwire_exec::fee::Flat;

use super::*;

/// Fees low enough for the predecessor's gate; `fee` as a fraction.
fn taker(params: &str, fee: f64) -> Stage {
    let tune = |config: &mut EngineConfig| {
        let fee = Money::from_num(fee);
        config.venue.fees = Box::new(Flat::new(fee, fee));
    };
    let params = format!("mode = 'taker'\nregime = 'fixed'\n{params}");
    let mut stage = Stage::with("market_making", &params, tune);
    minutes(&mut stage, XRP);
    leaning(&mut stage, 2.0, 1.0);
    stage
}

/// A spread of a fifth of a percent, so many times as much on the bids as on the asks.
fn leaning(stage: &mut Stage, mid: f64, times: f64) {
    let side = |step: f64, qty: f64| {
        (0..10).map(|i| (mid + step * (0.002 + f64::from(i) * TICK), qty)).collect::<Vec<_>>()
    };
    stage.levels(XRP, &side(-1.0, 1000.0 * times), &side(1.0, 1000.0));
}

fn flow(stage: &mut Stage, side: OrderSide) {
    for _ in 0..60 {
        stage.pass(0);
        stage.now = paperwire_core::time::ExchNs::new(stage.now.raw() + 10_000_000);
        stage.trade(XRP, side, 2.0, 10.0);
    }
}

fn enter(stage: &mut Stage, side: OrderSide) {
    flow(stage, side);
    leaning(stage, 2.0, if side == OrderSide::Buy { 3.0 } else { 0.3 });
}

#[test]
fn a_leaning_book_is_followed_when_the_flow_agrees() {
    for (side, action, code) in
        [(OrderSide::Buy, Action::Buy, "lean_buy"), (OrderSide::Sell, Action::Short, "lean_sell")]
    {
        let mut stage = taker("", 0.0001);
        enter(&mut stage, side);
        let signals = stage.signals();
        assert_eq!((signals[0].action, signals[0].reason.code()), (action, code));
        assert!((stage.held(XRP).abs() - 10.0).abs() < 0.1, "{}", stage.held(XRP));
        // A book that leans the other way makes it smaller, within the cooldown too.
        leaning(&mut stage, 2.0, if side == OrderSide::Buy { 0.3 } else { 3.0 });
        assert_eq!(stage.codes().last(), Some(&"lean_exit"));
        assert!(stage.held(XRP).abs() < 1.5);
    }
}

#[track_caller]
fn check_refused(params: &str, fee: f64, flow_side: OrderSide, want: Skip) {
    let mut stage = taker(params, fee);
    flow(&mut stage, flow_side);
    stage.pass(2);
    leaning(&mut stage, 2.0, 3.0);
    assert!(stage.signals().is_empty(), "{:?}", stage.codes());
    assert!(stage.skips().contains(&want), "{:?}", stage.skips());
}

#[test]
fn each_refusal_has_its_cause() {
    check_refused("", 0.001, OrderSide::Buy, Skip::NotFeeProfitable);
    check_refused("", 0.0001, OrderSide::Sell, Skip::TradeFlowNotAligned);
    let wide = "[symbols.'XRP/USD']\nspread_min_pct = 1.0";
    check_refused(wide, 0.0001, OrderSide::Buy, Skip::SpreadTooNarrow);
    let small = "[symbols.'XRP/USD']\nsize = 4.0";
    check_refused(small, 0.0001, OrderSide::Buy, Skip::InsufficientSize);
    let flat = "[symbols.'XRP/USD']\nimbalance_threshold = 0.9";
    check_refused(flat, 0.0001, OrderSide::Buy, Skip::NoSignalConditions);
    check_refused("[taker]\nflow_age_max_s = 1", 0.0001, OrderSide::Buy, Skip::NoVolume);
}

#[test]
fn age_makes_half_of_the_target_enough() {
    let mut stage = taker("", 0.0001);
    enter(&mut stage, OrderSide::Buy); // at 2.002
    let exit_at = 2.0095; // bid 2.0075: 0.27 %
    leaning(&mut stage, exit_at, 1.0);
    assert!(stage.held(XRP) > 9.0);
    stage.pass(301);
    leaning(&mut stage, exit_at, 1.0);
    assert_eq!(stage.codes().last(), Some(&"decay"));
    assert!(is_flat(&stage));
    assert!(stage.row().realized > 0);
}

#[test]
fn stop_and_target_are_the_engines_and_the_trail_is_an_option() {
    for (mid, trigger) in [(1.98, Trigger::StopLoss), (2.02, Trigger::TakeProfit)] {
        let mut stage = taker("", 0.0001);
        enter(&mut stage, OrderSide::Buy);
        leaning(&mut stage, mid, 1.0);
        assert_eq!(stage.fills().last().unwrap().trigger, trigger);
    }
    let mut stage = taker("[taker]\ntrails = true", 0.0001);
    enter(&mut stage, OrderSide::Buy);
    leaning(&mut stage, 2.009, 1.0);
    stage.trade(XRP, OrderSide::Buy, 2.011, 1.0);
    stage.pass(1);
    leaning(&mut stage, 2.009, 1.0);
    assert_eq!(stage.codes().last(), Some(&"trailing_stop"));
}
