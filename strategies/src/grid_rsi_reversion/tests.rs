use paperwire_core::account::{Liquidity, Trigger};
use paperwire_core::instrument::SymbolId;
use paperwire_core::order::OrderEnd;
use paperwire_core::strategy::{Action, Signal, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_exec::latency::{Constant, Surge};

use crate::stage::{BTC, CROSS, Stage, XRP};

/// No range of hours, volatility in the middle, any volume.
const PLAIN: &str = "atr_hours = 0\nregime_cuts_pct = [0.0, 50.0, 60.0]\nvolume_ratio_min = 0.0\n";

/// Minutes that swing around two dollars, a little.
fn history(stage: &mut Stage, symbol: SymbolId, mean: f64) {
    let rows: Vec<_> = (0..300u32)
        .map(|minute| {
            let close = mean * if minute / 5 % 2 == 0 { 0.999 } else { 1.001 };
            let high = mean * (1.001 + 0.000_1 * f64::from(minute / 5 % 3));
            let low = mean * (0.999 - 0.000_1 * f64::from(minute / 5 % 4));
            [mean, high, low, close, 200_000.0]
        })
        .collect();
    stage.history(symbol, &rows);
}

/// A touch around a price, and both sides trade there for some seconds.
fn at(stage: &mut Stage, price: f64, seconds: u32) {
    for _ in 0..seconds {
        stage.book(XRP, price - 0.000_02, price + 0.000_02);
        stage.trade(XRP, OrderSide::Sell, price - 0.000_02, 1_000.0);
        stage.trade(XRP, OrderSide::Buy, price + 0.000_02, 1_000.0);
        stage.pass(1);
    }
}

fn with(params: &str) -> Stage {
    let mut table = PLAIN.parse::<toml::Table>().unwrap();
    table.extend(params.parse::<toml::Table>().unwrap());
    let mut stage = Stage::with("grid_rsi_reversion", &table.to_string(), |config| {
        config.venue.fill_model = "queue".into();
    });
    history(&mut stage, XRP, 2.0);
    stage
}

/// A grid that was laid at two dollars, and another bar.
fn laid(params: &str) -> Stage {
    let mut stage = with(params);
    at(&mut stage, 2.0, 301);
    assert!(stage.is_alive());
    stage
}

/// Prices of open orders in one direction, the highest first.
fn resting(stage: &Stage, side: OrderSide) -> Vec<f64> {
    let orders = stage.orders().into_iter().filter(|order| order.side == side);
    let mut prices: Vec<_> =
        orders.map(|order| order.spec.limit_px().unwrap().raw() as f64 / 1e5).collect();
    prices.sort_by(|a, b| b.total_cmp(a));
    prices
}

fn step(level: i32) -> f64 {
    2.0 / 1.015f64.powi(level)
}

#[track_caller]
fn check_prices(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{got:?}");
    assert!(got.iter().zip(want).all(|(a, b)| (a - b).abs() < 3e-5), "{got:?} {want:?}");
}

#[test]
fn each_level_is_bought_where_it_lies_and_sold_one_step_higher() {
    let mut stage = laid("");
    check_prices(&resting(&stage, OrderSide::Buy), &[step(1), step(2), step(3), step(4)]);
    at(&mut stage, step(1) - 0.002, 3);
    assert_eq!(stage.fills().len(), 1);
    assert_eq!(stage.fills()[0].liquidity, Liquidity::Maker);
    check_prices(&resting(&stage, OrderSide::Sell), &[2.0]);
    check_prices(&resting(&stage, OrderSide::Buy), &[step(2), step(3), step(4)]);
    at(&mut stage, 2.002, 3);
    assert_eq!(stage.fills().len(), 2);
    assert!(stage.fills()[1].net > 0 && stage.held(XRP).abs() < 1e-9);
    at(&mut stage, 1.999, 70);
    check_prices(&resting(&stage, OrderSide::Buy), &[step(1), step(2), step(3), step(4)]);
    at(&mut stage, step(1) - 0.002, 3);
    at(&mut stage, 2.002, 3);
    assert_eq!(stage.fills().len(), 4, "armed again");
    assert!(stage.rejects().is_empty(), "{:?}", stage.rejects());
}

/// The level's name travels with the order, so that none is bought twice and each finds its sale.
#[test]
fn levels_are_held_side_by_side() {
    let mut stage = laid("");
    at(&mut stage, step(3) - 0.002, 100);
    assert_eq!(stage.fills().len(), 3);
    check_prices(&resting(&stage, OrderSide::Sell), &[2.0, step(1), step(2)]);
    at(&mut stage, step(2) + 0.002, 100);
    assert_eq!(stage.fills().len(), 4, "the lowest is sold first");
    check_prices(&resting(&stage, OrderSide::Sell), &[2.0, step(1)]);
    check_prices(&resting(&stage, OrderSide::Buy), &[step(3), step(4)]);
}

#[test]
fn other_pairs_have_their_own_grids() {
    let mut stage = Stage::with("grid_rsi_reversion", PLAIN, |_| ());
    history(&mut stage, BTC, 100_000.0);
    for _ in 0..301 {
        stage.book(BTC, 99_999.9, 100_000.1);
        stage.trade(BTC, OrderSide::Buy, 100_000.1, 1.0);
        stage.pass(1);
    }
    let prices: Vec<_> =
        stage.orders().iter().map(|order| order.spec.limit_px().unwrap().raw()).collect();
    // The same distance apart, and two of them use the equity.
    assert_eq!(prices, [985_000, 970_000]);
    let mut stage = Stage::with("grid_rsi_reversion", PLAIN, |_| ());
    history(&mut stage, CROSS, 0.000_2);
    for _ in 0..301 {
        stage.book(BTC, 99_999.9, 100_000.1);
        stage.book(CROSS, 0.000_2, 0.000_200_01);
        stage.trade(CROSS, OrderSide::Buy, 0.000_200_01, 10_000.0);
        stage.pass(1);
    }
    let order = stage.orders()[0];
    assert_eq!((stage.orders().len(), order.spec.limit_px().unwrap().raw()), (2, 19_512));
    // Ten dollars at 100,000 a bitcoin.
    assert!((order.qty.raw() as f64 / 1e8 - 10.0 / 19.512).abs() < 0.01);
}

#[test]
fn the_stop_below_the_lowest_level_is_the_engines() {
    let mut stage = laid("session_loss_max_pct = 100.0\ndrawdown_max_pct = 100.0");
    at(&mut stage, step(2) - 0.002, 2);
    stage.book(XRP, 1.7, 1.700_04);
    assert!(stage.fills().iter().any(|fill| fill.trigger == Trigger::StopLoss));
    // Buys that the same fall filled on its way go with the next event.
    assert!(stage.held(XRP).abs() < 1e-9, "{:?}", stage.codes());
    at(&mut stage, 1.7, 2);
    assert!(stage.orders().is_empty(), "what still rested is taken back: {:?}", stage.orders());
    at(&mut stage, 1.7, 70);
    assert!(!resting(&stage, OrderSide::Buy).is_empty(), "a new grid after the cooldown");
}

#[test]
fn too_large_a_loss_sells_everything_whatever_the_gates() {
    let mut stage = laid(
        "drawdown_max_pct = 2.0\nsession_loss_max_pct = 0.0\n[symbols.'XRP/USD']\nheld_max = 1\ncooldown_s = 86400",
    );
    at(&mut stage, step(1) - 0.002, 2);
    at(&mut stage, step(1) * 0.99, 2);
    assert!(stage.held(XRP) > 0.0);
    at(&mut stage, step(1) * 0.979, 2);
    assert_eq!(stage.codes().last(), Some(&"max_drawdown"));
    assert!(stage.held(XRP).abs() < 1e-9 && stage.orders().is_empty());
}

#[track_caller]
fn check_refused(params: &str, want: Skip) {
    let stage = laid(params);
    assert!(stage.codes().is_empty(), "{params} {:?}", stage.codes());
    assert!(stage.skips().contains(&want), "{want:?} {:?}", stage.skips());
}

#[test]
fn each_refusal_has_its_cause() {
    check_refused("regime_cuts_pct = [0.0, 0.0, 0.0]", Skip::RegimePause);
    check_refused("adx_max = 0.0", Skip::TrendingMarket);
    check_refused("net_min_pct = 5.0", Skip::NotFeeProfitable);
    check_refused("volume_ratio_min = 1.5", Skip::LowVolume);
    check_refused("flow_age_max_s = 1", Skip::NoVolume);
    check_refused("[symbols.'XRP/USD']\nposition_usd_max = 4.0", Skip::MaxPosition);
    check_refused("[symbols.'XRP/USD']\nlevel_usd = 4.0", Skip::InsufficientSize);
    check_refused("[symbols.'XRP/USD']\nvolume_24h_min_usd = 1e11", Skip::LowLiquidity);
    check_refused("[symbols.'XRP/USD']\nspacing_pct = 20.0", Skip::NoGridLevels);
    check_refused("atr_hours = 100", Skip::WarmingUp);
    let mut stage = with("flow_veto = 0.1");
    for _ in 0..301 {
        stage.book(XRP, 2.0, 2.000_04);
        stage.trade(XRP, OrderSide::Sell, 2.0, 1_000.0);
        stage.pass(1);
    }
    assert!(stage.codes().is_empty() && stage.skips().contains(&Skip::TradeFlowNotAligned));
}

#[test]
fn a_full_grid_waits_and_its_sales_go_on() {
    let mut stage = laid("[symbols.'XRP/USD']\nheld_max = 1");
    check_prices(&resting(&stage, OrderSide::Buy), &[step(1)]);
    at(&mut stage, step(2) - 0.002, 301);
    assert_eq!(stage.fills().len(), 1);
    assert!(stage.skips().contains(&Skip::MaxAccumulation), "{:?}", stage.skips());
    at(&mut stage, 2.002, 2);
    assert!(stage.held(XRP).abs() < 1e-9);
}

/// The market turns bad: what rests is taken back, what is held still has its sale.
#[test]
fn a_loss_takes_buys_back_and_lets_sales_work() {
    let mut stage = laid("session_loss_max_pct = 0.1");
    at(&mut stage, step(1) * 0.99, 5);
    assert!(resting(&stage, OrderSide::Buy).is_empty());
    check_prices(&resting(&stage, OrderSide::Sell), &[2.0]);
    at(&mut stage, 2.002, 2);
    assert!(stage.held(XRP).abs() < 1e-9);
}

#[test]
fn without_a_cycle_buys_are_taken_back_and_nothing_is_dumped() {
    let mut stage = laid("stale_s = 400");
    at(&mut stage, step(1) - 0.002, 450);
    assert_eq!(stage.fills().len(), 1, "nothing is sold at a loss");
    assert!(resting(&stage, OrderSide::Buy).is_empty());
    check_prices(&resting(&stage, OrderSide::Sell), &[2.0]);
    at(&mut stage, 2.002, 70);
    assert_eq!(resting(&stage, OrderSide::Buy).len(), 4, "the cycle wakes it");
}

#[test]
fn the_grid_follows_a_market_that_left_it() {
    let mut stage = laid("");
    at(&mut stage, 2.04, 5);
    check_prices(&resting(&stage, OrderSide::Buy)[..1], &[2.04 / 1.015]);
    assert_eq!(resting(&stage, OrderSide::Buy).len(), 4);
    assert!(stage.ends().iter().all(|end| *end == OrderEnd::Cancelled));
}

#[test]
fn what_is_held_survives_a_new_grid() {
    let mut stage = laid("recentre_cycles = 1\nrecentre_min_s = 0\n");
    at(&mut stage, step(2) - 0.002, 3);
    at(&mut stage, step(1) + 0.002, 70);
    assert_eq!(stage.fills().len(), 3, "two bought, the lower one sold");
    check_prices(&resting(&stage, OrderSide::Sell), &[2.0]);
    let centre = step(1) + 0.002;
    check_prices(&resting(&stage, OrderSide::Buy)[..1], &[centre / 1.015]);
    at(&mut stage, 2.002, 3);
    assert!(stage.held(XRP).abs() < 1e-9, "the old level found its sale");
}

#[test]
fn the_market_mode_buys_near_a_level_one_at_a_time() {
    let mut stage = laid("order_mode = 'market'");
    assert!(stage.codes().is_empty() && stage.skips().contains(&Skip::PriceNotAtLevel));
    at(&mut stage, step(1) * 1.004, 10);
    assert_eq!(stage.fills().len(), 1);
    assert_eq!(stage.fills()[0].liquidity, Liquidity::Taker);
    assert_eq!(stage.codes(), ["grid_buy", "cycle_sell"]);
}

/// Bitcoin is held, and the other pair moves like it.
#[test]
fn what_moves_like_something_held_is_not_bought() {
    for (correlation_max, is_bought) in [(0.85, false), (2.0, true)] {
        let small = "[symbols.'BTC/USD']\nlevel_usd = 10.0\nheld_max = 1";
        let mut stage = with(&format!("correlation_max = {correlation_max:?}\n{small}"));
        history(&mut stage, BTC, 100_000.0);
        for second in 0..200 {
            let btc = if second < 20 { 100_000.0 } else { 98_400.0 };
            stage.book(BTC, btc - 0.1, btc + 0.1);
            stage.trade(BTC, OrderSide::Sell, btc - 0.1, 1.0);
            stage.trade(BTC, OrderSide::Buy, btc + 0.1, 1.0);
            if second < 40 {
                stage.pass(1);
            } else {
                at(&mut stage, 2.0, 1);
            }
        }
        assert!(stage.held(BTC) > 0.0);
        assert_eq!(stage.signals().iter().any(|signal| signal.symbol == XRP), is_bought);
    }
}

#[test]
fn losing_positions_pause_buys() {
    let mut stage =
        laid("losses_max = 1\nadx_max = 100.0\n[symbols.'XRP/USD']\nstop_pct = 0.1\nheld_max = 1");
    stage.book(XRP, 1.8, 1.800_04);
    at(&mut stage, 1.8, 301);
    assert!(stage.held(XRP).abs() < 1e-9 && stage.orders().is_empty());
    assert!(stage.skips().contains(&Skip::CircuitBreaker), "{:?}", stage.skips());
}

/// Seconds pass between an order and the answer; nothing is sent twice meanwhile.
#[test]
fn nothing_is_sent_twice_under_latency() {
    let mut stage = Stage::with("grid_rsi_reversion", PLAIN, |config| {
        config.venue.fill_model = "queue".into();
        config.venue.latency =
            Box::new(Constant::new([DurationNs::from_millis(800); 4], Surge::new(0.0)));
    });
    history(&mut stage, XRP, 2.0);
    at(&mut stage, 2.0, 301);
    assert_eq!(stage.codes(), ["grid_buy"; 4]);
    at(&mut stage, step(1) - 0.002, 20);
    assert_eq!(stage.codes().iter().filter(|code| **code == "cycle_sell").count(), 1);
    at(&mut stage, 2.002, 20);
    stage.book(XRP, 1.7, 1.700_04);
    at(&mut stage, 1.7, 20);
    assert!(stage.rejects().is_empty(), "{:?}", stage.rejects());
    assert!(stage.is_alive());
}

fn swings() -> Vec<Signal> {
    let mut stage = laid("");
    for round in 0..6 {
        at(&mut stage, if round % 2 == 0 { step(2) - 0.002 } else { 2.003 }, 70);
    }
    let signals = stage.signals();
    assert!(signals.iter().any(|signal| signal.action == Action::Sell));
    signals
}

#[test]
fn a_replay_is_the_same() {
    assert_eq!(swings(), swings());
}

#[test]
fn odd_input_neither_panics_nor_enters() {
    let mut stage = Stage::with("grid_rsi_reversion", PLAIN, |_| ());
    stage.history(XRP, &[[2.0, 2.0, 2.0, 2.0, 0.000_000_01]; 300]);
    stage.book(XRP, 2.1, 1.9);
    stage.pass(400);
    stage.levels(XRP, &[], &[]);
    stage.trade(XRP, OrderSide::Sell, 0.000_01, 0.000_000_01);
    stage.trade(XRP, OrderSide::Buy, 900_000.0, 1.0);
    stage.pass(400);
    assert!(stage.is_alive() && stage.codes().is_empty());
}
