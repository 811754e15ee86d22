use paperwire_core::account::Trigger;
use paperwire_core::instrument::SymbolId;
use paperwire_core::strategy::{Action, Signal, Skip};
use paperwire_core::trade::OrderSide;

use crate::stage::{BTC, CROSS, Stage, XRP};

/// Five-minute bars and short windows, so that a test's history is short; volatility in the middle.
const SHORT: &str = "bar = '5m'\nlookback_bars = 60\nfit_bars = 100\ncorrelation_bars = 30\n\
    regime_cuts_pct = [0.0, 50.0, 60.0]\nhalf_life_bars = [1.0, 96.0]\n";
const TICK: f64 = 0.000_000_01;

fn mean(symbol: SymbolId) -> f64 {
    [100_000.0, 2.0, 0.000_02][symbol.index()]
}

/// Minutes around a mean that pulls; 80 % of a distance is left after five of them.
fn minutes(symbol: SymbolId, five_minutes: u32) -> Vec<[f64; 5]> {
    let mut rows = Vec::new();
    let (mut distance, mut seed, mut before) = (0.0, 43u32, mean(symbol));
    for _ in 0..five_minutes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 65_536.0 - 0.5;
        distance = 0.8 * distance + 0.012 * noise;
        let close = mean(symbol) * (1.0 + distance);
        for _ in 0..5 {
            rows.push([before, before.max(close), before.min(close), close, 1_000.0]);
            before = close;
        }
    }
    rows
}

fn history(stage: &mut Stage, symbol: SymbolId, five_minutes: u32) {
    stage.history(symbol, &minutes(symbol, five_minutes));
}

fn at(stage: &mut Stage, price: f64) {
    stage.book(BTC, 100_000.0, 100_000.1);
    stage.book(CROSS, price, price + TICK);
}

/// Five minutes at one price; they end with the bar.
fn bar(stage: &mut Stage, price: f64, taker: OrderSide) {
    for second in 0..301 {
        at(stage, price);
        if second % 5 == 0 {
            stage.trade(CROSS, taker, price, 10.0);
        }
        stage.pass(1);
    }
}

fn with(params: &str) -> Stage {
    let mut table = SHORT.parse::<toml::Table>().unwrap();
    table.extend(params.parse::<toml::Table>().unwrap());
    Stage::with("ratio_trading", &table.to_string(), |_| ())
}

fn warm(params: &str) -> Stage {
    let mut stage = with(params);
    for symbol in [BTC, XRP, CROSS] {
        history(&mut stage, symbol, 130);
    }
    stage
}

/// A ratio that came back so far, and then is away from its mean for one bar.
fn stretched(params: &str, away_pct: f64, taker: OrderSide) -> Stage {
    let mut stage = warm(params);
    bar(&mut stage, mean(CROSS) * (1.0 + away_pct / 100.0), taker);
    assert!(stage.is_alive());
    stage
}

#[test]
fn a_stretched_ratio_is_traded_back_in_two_parts() {
    for (away, action, code) in
        [(-1.6, Action::Buy, "ratio_low"), (1.6, Action::Short, "ratio_high")]
    {
        let params = "asks_rsi = false\nposition_usd = 40.0\n";
        let mut stage = stretched(params, away, OrderSide::Buy);
        assert_eq!(stage.codes(), [code], "{:?}", stage.skips());
        assert_eq!(stage.signals()[0].action, action);
        let names: Vec<_> =
            stage.signals()[0].reason.values().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["z", "sigma_pct", "rsi", "half_life", "correlation", "spread_pct"]);
        let all = stage.held(CROSS);
        at(&mut stage, mean(CROSS) * (1.0 + away / 200.0));
        assert_eq!(stage.codes().len(), 1, "half way back is not enough");
        at(&mut stage, mean(CROSS) * (1.0 + away / 700.0));
        at(&mut stage, mean(CROSS) * (1.0 + away / 700.0));
        assert_eq!(stage.codes(), [code, "mean_near"], "once a bar");
        assert!((stage.held(CROSS) - all / 2.0).abs() < 1e-6);
        stage.pass(1);
        at(&mut stage, mean(CROSS) * (1.0 - away / 300.0));
        assert_eq!(stage.codes(), [code, "mean_near", "mean_reached"]);
        assert!(stage.held(CROSS).abs() < 1e-9);
        assert!(stage.fills().iter().skip(1).all(|fill| fill.net > 0));
    }
}

#[test]
fn a_rest_too_small_to_sell_later_goes_at_once() {
    let mut stage = stretched("asks_rsi = false\n", -1.6, OrderSide::Buy);
    // 15 dollars at 100,000 a bitcoin.
    assert!((stage.held(CROSS) - 15.0 / 1.969).abs() < 0.02, "{}", stage.held(CROSS));
    at(&mut stage, mean(CROSS) * 0.998);
    assert_eq!(stage.codes(), ["ratio_low", "mean_near"]);
    assert_eq!(stage.signals()[1].action, Action::Close);
    assert!(stage.held(CROSS).abs() < 1e-9);
}

#[test]
fn a_ratio_that_leaves_is_let_go() {
    let mut stage = stretched("asks_rsi = false\nstop_pct = 20.0\n", -1.6, OrderSide::Buy);
    at(&mut stage, mean(CROSS) * 0.96);
    assert_eq!(stage.codes(), ["ratio_low", "z_stop"]);
    let mut stage = stretched("asks_rsi = false\nstop_z = 20.0\n", -1.6, OrderSide::Buy);
    at(&mut stage, mean(CROSS) * 0.95);
    assert_eq!(stage.fills()[1].trigger, Trigger::StopLoss);
}

#[track_caller]
fn check_refused(params: &str, away_pct: f64, want: Skip) {
    let stage = stretched(params, away_pct, OrderSide::Sell);
    assert!(stage.codes().is_empty(), "{:?}", stage.codes());
    assert!(stage.skips().contains(&want), "{:?}", stage.skips());
}

#[test]
fn each_refusal_has_its_cause() {
    let refused = |params: &str, want| check_refused(params, -1.6, want);
    refused("fit_bars = 150", Skip::WarmingUp);
    refused("spread_max_pct = 0.01", Skip::SpreadTooWide);
    refused("net_min_pct = 5.0", Skip::NotFeeProfitable);
    refused("correlation_min = 1.0", Skip::LowCorrelation);
    refused("adf_tau_max = -50.0", Skip::NotCointegrated);
    refused("trend_share = 0.0", Skip::StrongTrendDetected);
    refused("trend_share = 1.1\nrsi_oversold = 0.0", Skip::RsiNotConfirmed);
    refused("asks_rsi = false\nasks_flow = true", Skip::TradeFlowNotAligned);
    refused("asks_rsi = false\nposition_usd_max = 4.0", Skip::MaxPosition);
    refused("asks_rsi = false\nposition_usd = 4.0", Skip::InsufficientSize);
    check_refused("", 0.0, Skip::NoSignalConditions);
    check_refused("asks_rsi = false\nsells_first = false", 1.6, Skip::NoSignalConditions);
    let mut stage = warm("half_life_bars = [50.0, 96.0]");
    bar(&mut stage, mean(CROSS) * 0.984, OrderSide::Buy);
    assert!(stage.codes().is_empty() && stage.skips().contains(&Skip::HalfLifeOutOfRange));
    let mut stage = warm("regime_cuts_pct = [0.0, 0.0, 0.0]");
    bar(&mut stage, mean(CROSS) * 0.984, OrderSide::Buy);
    assert!(stage.codes().is_empty() && stage.skips().contains(&Skip::RegimePause));
}

/// The edge is absent: a ratio that wanders has nothing to come back to.
#[test]
fn a_wandering_ratio_is_left_alone() {
    let mut stage = with("asks_rsi = false");
    for symbol in [BTC, XRP] {
        history(&mut stage, symbol, 130);
    }
    // A trend: every move goes on.
    let rows: Vec<_> = (0..650u32)
        .map(|minute| {
            let close = 0.000_02 * (1.0 + 0.000_02 * f64::from(minute));
            [close, close, close, close, 1_000.0]
        })
        .collect();
    stage.history(CROSS, &rows);
    bar(&mut stage, 0.000_020_26, OrderSide::Buy);
    assert!(stage.codes().is_empty());
    assert!(stage.skips().contains(&Skip::HalfLifeOutOfRange), "{:?}", stage.skips());
}

#[test]
fn exits_do_not_wait_for_limits_breaker_or_cooldown() {
    let params = "asks_rsi = false\nposition_usd_max = 15.0\ncooldown_bars = 1000\n\
        session_loss_max_pct = 0.0\n";
    let mut stage = stretched(params, -1.6, OrderSide::Buy);
    at(&mut stage, mean(CROSS) * 0.98);
    bar(&mut stage, mean(CROSS) * 0.98, OrderSide::Buy);
    assert_eq!(stage.codes().len(), 1);
    assert!(stage.skips().contains(&Skip::DailyLoss));
    at(&mut stage, mean(CROSS) * 1.01);
    assert_eq!(stage.codes(), ["ratio_low", "mean_reached"]);
}

#[test]
fn losses_and_entries_pause_entries() {
    for (params, want) in [
        ("losses_max = 1\nstop_pct = 0.5", Skip::CircuitBreaker),
        ("cooldown_bars = 10\nstop_pct = 0.5", Skip::TimeCooldown),
    ] {
        let mut stage = stretched(&format!("asks_rsi = false\n{params}"), -1.6, OrderSide::Buy);
        at(&mut stage, mean(CROSS) * 0.97);
        bar(&mut stage, mean(CROSS) * 0.98, OrderSide::Buy);
        assert_eq!((stage.codes().len(), stage.fills().len()), (1, 2));
        assert!(stage.skips().contains(&want), "{:?}", stage.skips());
    }
}

#[test]
fn a_correlation_on_its_way_down_can_pause() {
    let params = "asks_rsi = false\npauses_on_decline = true\ncorrelation_min = -1.0\n\
        decline_below = 1.0\ndecline_slope = 0.01";
    let mut stage = with(params);
    history(&mut stage, CROSS, 130);
    history(&mut stage, BTC, 130);
    // The other pair stops following for the newest bars.
    let mut rows = minutes(XRP, 130);
    for (index, row) in (0u32..).zip(rows.iter_mut().rev().take(40)) {
        *row = [2.0, 2.03, 1.97, 2.0 + 0.02 * f64::from(index / 5 % 2), 1_000.0];
    }
    stage.history(XRP, &rows);
    bar(&mut stage, mean(CROSS) * 0.984, OrderSide::Buy);
    assert!(stage.codes().is_empty());
    assert!(stage.skips().contains(&Skip::CorrelationDeclining), "{:?}", stage.skips());
}

#[test]
fn an_add_moves_the_stop_to_the_average() {
    let params = "asks_rsi = false\nhalf_life_bars = [0.0, 10000.0]\nstop_z = 9.0\n\
        trend_share = 1.1\nstop_pct = 20.0\nneeds_validation = false\n";
    let mut stage = stretched(params, -1.6, OrderSide::Buy);
    bar(&mut stage, mean(CROSS) * 0.978, OrderSide::Buy);
    assert_eq!(stage.codes(), ["ratio_low", "ratio_low", "anchor"]);
}

#[test]
fn age_makes_less_of_a_way_enough() {
    let params = "asks_rsi = false\nexit_z = 0.0\ndecay_z = 2.5\ndecay_half_lives = 0.1\n";
    let mut stage = stretched(params, -1.6, OrderSide::Buy);
    stage.pass(120);
    at(&mut stage, mean(CROSS) * 0.986);
    assert_eq!(stage.codes(), ["ratio_low", "decay"]);
}

fn ticks(per_second: u32) -> Vec<Signal> {
    let mut stage = warm("asks_rsi = false\n");
    for _ in 0..301 {
        for _ in 0..per_second {
            at(&mut stage, mean(CROSS) * 0.984);
            stage.trade(CROSS, OrderSide::Buy, mean(CROSS) * 0.984, 10.0);
        }
        stage.pass(1);
    }
    at(&mut stage, mean(CROSS) * 1.01);
    stage.signals()
}

#[test]
fn counters_advance_with_bars_and_a_replay_is_the_same() {
    let once = ticks(1);
    assert_eq!(once.len(), 2);
    assert_eq!(once, ticks(1));
    assert_eq!(once, ticks(10));
}

#[test]
fn odd_input_neither_panics_nor_enters() {
    let mut stage = with("");
    stage.history(CROSS, &[[0.000_02, 0.000_02, 0.000_02, 0.000_02, 0.000_000_01]; 650]);
    stage.book(CROSS, 0.000_021, 0.000_019);
    stage.pass(400);
    stage.levels(CROSS, &[], &[]);
    stage.trade(CROSS, OrderSide::Sell, TICK, 0.000_000_01);
    stage.trade(CROSS, OrderSide::Buy, 900.0, 1.0);
    stage.pass(400);
    assert!(stage.is_alive() && stage.codes().is_empty());
}
