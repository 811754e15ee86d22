use paperwire_core::account::Trigger;
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::Money;
use paperwire_core::order::OrderEnd;
use paperwire_core::strategy::{Action, Signal, Size, Skip};
use paperwire_core::trade::OrderSide;

use crate::stage::{BTC, CROSS, Stage, XRP};

/// Volatility of the made-up minutes is in the middle of these.
const FIXED: &str = "regime_cuts_pct = [0.0, 50.0, 60.0]\n";
/// Nothing but what a test looks at ends the position.
const FAR: &str = "[symbols.'XRP/USD']\ntarget_pct = 20.0\nstop_pct = 20.0\n";

fn mean(symbol: SymbolId) -> f64 {
    [100_000.0, 2.0, 0.000_02][symbol.index()]
}

fn half_spread(symbol: SymbolId) -> f64 {
    [0.5, 0.000_02, 0.000_000_01][symbol.index()]
}

/// Minutes around a mean that pulls: 80 % of a distance is left after five of them.
fn history(stage: &mut Stage, symbol: SymbolId, five_minutes: u32) {
    let mut rows = Vec::new();
    let (mut distance, mut seed, mut before) = (0.0, 7u32, mean(symbol));
    for _ in 0..five_minutes {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let noise = f64::from(seed >> 16) / 65_536.0 - 0.5;
        distance = 0.8 * distance + 0.003 * noise;
        let close = mean(symbol) * (1.0 + distance);
        for _ in 0..5 {
            rows.push([before, before.max(close), before.min(close), close, 1_000.0]);
            before = close;
        }
    }
    stage.history(symbol, &rows);
}

fn at(stage: &mut Stage, symbol: SymbolId, price: f64) {
    let half = half_spread(symbol);
    stage.book(symbol, price - half, price + half);
}

/// Five minutes at one price, in which takers buy or sell; they end with the bar.
fn bar(stage: &mut Stage, symbol: SymbolId, price: f64, taker: OrderSide) {
    for second in 0..301 {
        at(stage, symbol, price);
        if second % 5 == 0 {
            stage.trade(symbol, taker, price, 10.0);
        }
        stage.pass(1);
    }
}

/// A market that stands still at its mean, and then is away from it for one bar.
fn stretched(params: &str, away_pct: f64, taker: OrderSide) -> Stage {
    let mut stage = Stage::with("mean_reversion", &format!("{FIXED}{params}"), |_| ());
    for symbol in [BTC, XRP, CROSS] {
        history(&mut stage, symbol, 130);
        at(&mut stage, symbol, mean(symbol));
    }
    bar(&mut stage, XRP, 2.0 * (1.0 + away_pct / 100.0), taker);
    assert!(stage.is_alive());
    stage
}

#[test]
fn a_stretched_price_is_faded_until_the_mean_is_reached() {
    for (away, taker, action, code) in [
        (-0.9, OrderSide::Buy, Action::Buy, "oversold"),
        (0.9, OrderSide::Sell, Action::Short, "overbought"),
    ] {
        let mut stage = stretched(FAR, away, taker);
        assert_eq!(stage.codes(), [code]);
        let signal = stage.signals()[0];
        assert_eq!((signal.action, signal.size), (action, Size::Notional(Money::from_num(20))));
        let names: Vec<_> = signal.reason.values().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["away_pct", "mean", "rsi", "flow", "adx", "half_life"]);
        at(&mut stage, XRP, 2.0 * (1.0 + away / 200.0));
        assert_eq!(stage.codes().len(), 1, "half way back is not enough");
        at(&mut stage, XRP, 2.0 * (1.0 - away / 300.0));
        assert_eq!(stage.codes(), [code, "mean_reached"]);
        assert!(stage.held(XRP).abs() < 1e-9);
        assert!(stage.fills()[1].net > 0);
    }
}

#[test]
fn stop_target_and_time_are_the_engines() {
    for (away, seconds, trigger) in [
        (-1.5, 0, Trigger::StopLoss),
        (-0.3, 0, Trigger::TakeProfit),
        (-0.9, 3_601, Trigger::TimeStop),
    ] {
        let mut stage = stretched("", -0.9, OrderSide::Buy);
        at(&mut stage, XRP, 2.0 * (1.0 + away / 100.0));
        stage.pass(seconds);
        let triggers: Vec<_> = stage.fills().iter().map(|fill| fill.trigger).collect();
        assert_eq!(triggers, [Trigger::Strategy, trigger]);
    }
}

#[track_caller]
fn check_refused(params: &str, away_pct: f64, taker: OrderSide, want: Skip) {
    let stage = stretched(params, away_pct, taker);
    assert!(stage.codes().is_empty(), "{:?}", stage.codes());
    assert!(stage.skips().contains(&want), "{:?}", stage.skips());
}

#[test]
fn each_refusal_has_its_cause() {
    let refused = |params: &str, want| check_refused(params, -0.9, OrderSide::Buy, want);
    refused("adx_max = 0.0", Skip::StrongTrendAdx);
    refused("slope_max_pct = 0.0\nslope_bars = 1", Skip::TrendingMarket);
    refused("half_life_bars = [0.0, 0.1]", Skip::HalfLifeOutOfRange);
    refused("net_min_pct = 1.0", Skip::NotFeeProfitable);
    refused("[symbols.'XRP/USD']\nrsi_oversold = 1.0", Skip::RsiNotConfirmed);
    refused("[symbols.'XRP/USD']\ndeviation_pct = 5.0", Skip::NoSignalConditions);
    refused("[symbols.'XRP/USD']\nposition_usd_max = 4.0", Skip::MaxPosition);
    refused("[symbols.'XRP/USD']\nposition_usd = 4.0", Skip::InsufficientSize);
    refused("long_usd_max = 4.0", Skip::CorrelationLimit);
    check_refused("", -0.9, OrderSide::Sell, Skip::TradeFlowNotAligned);
    check_refused("", 0.0, OrderSide::Buy, Skip::NoSignalConditions);
    check_refused("flow_age_max_s = 1", -0.9, OrderSide::Buy, Skip::NoVolume);
}

#[test]
fn a_wild_market_pauses_and_a_short_history_warms_up() {
    let mut stage = Stage::with("mean_reversion", "regime_cuts_pct = [0.0, 0.0, 0.0]", |_| ());
    history(&mut stage, XRP, 130);
    bar(&mut stage, XRP, 1.982, OrderSide::Buy);
    assert!(stage.codes().is_empty() && stage.skips().contains(&Skip::RegimePause));
    let mut stage = Stage::with("mean_reversion", FIXED, |_| ());
    history(&mut stage, XRP, 117);
    bar(&mut stage, XRP, 1.982, OrderSide::Buy);
    assert!(stage.codes().is_empty() && stage.skips().contains(&Skip::WarmingUp));
}

/// The cross pair asks that the two money pairs move alike.
#[test]
fn the_cross_pair_needs_correlation() {
    for (is_alike, want) in [(true, None), (false, Some(Skip::LowCorrelation))] {
        let mut stage = Stage::with("mean_reversion", FIXED, |_| ());
        history(&mut stage, CROSS, 130);
        history(&mut stage, BTC, 130);
        if is_alike {
            history(&mut stage, XRP, 130);
        } else {
            // The same market an interval late: noise against noise.
            let rows: Vec<_> = (0..650u32)
                .map(|minute| {
                    let close = if minute / 5 % 2 == 0 { 2.0 } else { 2.002 };
                    [close, close, close, close, 1_000.0]
                })
                .collect();
            stage.history(XRP, &rows);
        }
        at(&mut stage, BTC, mean(BTC));
        at(&mut stage, XRP, mean(XRP));
        for _ in 0..60 {
            at(&mut stage, BTC, mean(BTC));
            at(&mut stage, CROSS, 0.000_019_7);
            stage.trade(CROSS, OrderSide::Buy, 0.000_019_7, 10.0);
            stage.pass(5);
        }
        at(&mut stage, CROSS, 0.000_019_7);
        stage.pass(1);
        match want {
            Some(why) => assert!(stage.skips().contains(&why), "{:?}", stage.skips()),
            None => {
                assert_eq!(stage.codes(), ["oversold"]);
                // 15 dollars at 100,000 a bitcoin and 0.0000197 bitcoin each.
                assert!((stage.held(CROSS) - 7.6).abs() < 0.05, "{}", stage.held(CROSS));
            }
        }
    }
}

#[test]
fn exits_do_not_wait_for_cooldown_breaker_or_limits() {
    let params = "losses_max = 1\nlosses_pause_min = 600\nsession_loss_max_pct = 0.0\n\
        [symbols.'XRP/USD']\ntarget_pct = 20.0\nstop_pct = 20.0\ncooldown_s = 86400\n\
        position_usd_max = 20.0\n";
    let mut stage = stretched(params, -0.9, OrderSide::Buy);
    at(&mut stage, XRP, 1.9);
    at(&mut stage, XRP, 2.01);
    assert_eq!(stage.codes(), ["oversold", "mean_reached"]);
}

#[test]
fn losses_and_entries_pause_entries() {
    for (params, want) in [
        ("losses_max = 1", Skip::CircuitBreaker),
        ("session_loss_max_pct = 0.0", Skip::DailyLoss),
        ("[symbols.'XRP/USD']\ncooldown_s = 3600", Skip::TimeCooldown),
    ] {
        let mut stage = stretched(params, -0.9, OrderSide::Buy);
        at(&mut stage, XRP, 1.96);
        bar(&mut stage, XRP, 1.96, OrderSide::Buy);
        assert_eq!((stage.codes().len(), stage.fills().len()), (1, 2));
        assert!(stage.skips().contains(&want), "{:?}", stage.skips());
    }
}

#[test]
fn age_lowers_the_target_but_never_below_the_fees() {
    // Bought at 1.98202; the mean is far above. What is bid, and whether 0.5 of the target is enough.
    for (profit_pct, after_s, want) in
        [(0.30, 1_800, Some("decay")), (0.30, 1_190, None), (0.15, 1_800, None)]
    {
        let params = "half_life_bars = [0.0, 1000.0]\nhold_half_lives = 1000.0\n";
        let mut stage = stretched(params, -0.9, OrderSide::Buy);
        at(&mut stage, XRP, 1.982_02 * (1.0 + profit_pct / 100.0) + 0.000_02);
        stage.pass(after_s);
        assert_eq!(stage.codes().get(1).copied(), want, "{profit_pct} after {after_s}");
    }
}

#[test]
fn an_add_moves_stop_and_target_to_the_average() {
    let params = "slope_bars = 1000\nadx_max = 100.0\nhalf_life_bars = [0.0, 1000.0]\n\
        [symbols.'XRP/USD']\ntarget_pct = 10.0\nstop_pct = 10.0\n";
    let mut stage = stretched(params, -0.9, OrderSide::Buy);
    bar(&mut stage, XRP, 1.96, OrderSide::Buy);
    assert_eq!(stage.codes(), ["oversold", "oversold", "anchor"]);
    assert!((stage.held(XRP) - 20.0 / 1.982 - 20.0 / 1.96).abs() < 0.01);
}

#[test]
fn takers_far_from_their_average_are_faded_at_half_size() {
    let params = "vwap_rsi = [0.0, 100.0]\nflow_min = 0.05\n\
        [symbols.'XRP/USD']\nrsi_oversold = 0.0\n";
    let mut stage = Stage::with("mean_reversion", &format!("{FIXED}{params}"), |_| ());
    history(&mut stage, XRP, 130);
    for (price, orders) in [(2.0, 40), (1.985, 16)] {
        for _ in 0..orders {
            at(&mut stage, XRP, price);
            stage.trade(XRP, OrderSide::Buy, price, 10.0);
            stage.pass(5);
        }
    }
    stage.pass(19);
    at(&mut stage, XRP, 1.985);
    stage.pass(2);
    assert_eq!(stage.codes(), ["vwap_long"]);
    assert_eq!(stage.signals()[0].size, Size::Notional(Money::from_num(10)));
    at(&mut stage, XRP, 1.998);
    assert_eq!(stage.fills().last().unwrap().trigger, Trigger::TakeProfit);
}

#[test]
fn a_resting_entry_waits_at_the_band_and_expires() {
    let mut stage =
        Stage::with("mean_reversion", &format!("{FIXED}entry_order = 'limit'"), |config| {
            config.venue.fill_model = "queue".into();
        });
    history(&mut stage, XRP, 130);
    bar(&mut stage, XRP, 1.982, OrderSide::Buy);
    let order = stage.orders()[0];
    assert!(order.spec.is_post_only && stage.fills().is_empty());
    stage.pass(300);
    assert_eq!(stage.ends(), [OrderEnd::Expired]);
}

fn ticks(per_second: u32) -> Vec<Signal> {
    let mut stage = Stage::with("mean_reversion", &format!("{FIXED}{FAR}"), |_| ());
    history(&mut stage, XRP, 130);
    for _ in 0..300 {
        for _ in 0..per_second {
            at(&mut stage, XRP, 1.982);
            stage.trade(XRP, OrderSide::Buy, 1.982, 10.0);
        }
        stage.pass(1);
    }
    at(&mut stage, XRP, 1.982);
    stage.pass(1);
    at(&mut stage, XRP, 2.01);
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
    let mut stage = Stage::with("mean_reversion", FIXED, |_| ());
    stage.history(XRP, &[[2.0, 2.0, 2.0, 2.0, 0.000_000_01]; 650]);
    stage.book(XRP, 2.1, 1.9);
    stage.pass(400);
    stage.levels(XRP, &[], &[]);
    stage.trade(XRP, OrderSide::Sell, 0.000_01, 0.000_000_01);
    stage.trade(XRP, OrderSide::Buy, 900_000.0, 1.0);
    stage.pass(400);
    assert!(stage.is_alive() && stage.codes().is_empty());
}
