use paperwire_core::event::{MarketKind, SymbolStatus};
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::Money;
use paperwire_core::order::OrderState;
use paperwire_core::strategy::{RejectReason, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_exec::engine::EngineConfig;
use paperwire_exec::latency::{Constant, Surge};

use super::*;
use crate::stage::{BTC, CROSS, Stage, XRP};

mod taker;

const TICK: f64 = 0.000_01;
/// Volatility of the made-up minutes is in the middle of these.
const FIXED: &str = "regime = 'fixed'\nregime_cuts_pct = [0.0, 50.0, 60.0]\n";

fn queue(config: &mut EngineConfig) {
    config.venue.fill_model = "queue".to_owned();
}

fn price(symbol: SymbolId) -> f64 {
    [100_000.0, 2.0, 0.000_02][symbol.index()]
}

/// Sixty minutes of closes up and down by a twentieth of a percent.
fn minutes(stage: &mut Stage, symbol: SymbolId) {
    let close = |i: usize| price(symbol) * if i.is_multiple_of(2) { 1.0 } else { 1.0005 };
    let bars: Vec<_> = (0..64).map(|i| [close(i), close(i), close(i), close(i), 1000.0]).collect();
    stage.history(symbol, &bars);
}

/// The book stands still for some seconds, a thousandth of a percent wide.
fn still(stage: &mut Stage, symbol: SymbolId, mid: f64, seconds: usize) {
    for _ in 0..seconds {
        touch(stage, symbol, mid);
        stage.pass(1);
    }
    touch(stage, symbol, mid);
}

fn touch(stage: &mut Stage, symbol: SymbolId, mid: f64) {
    let half = if symbol == CROSS { 1e-8 } else { mid * 1e-5 };
    stage.book(symbol, mid - half, mid + half);
}

/// XRP/USD warm and quoted at 2.
fn ready(params: &str) -> Stage {
    ready_with(params, queue)
}

fn ready_with(params: &str, tune: impl FnOnce(&mut EngineConfig)) -> Stage {
    let mut stage = Stage::with("market_making", params, tune);
    minutes(&mut stage, XRP);
    still(&mut stage, XRP, 2.0, 40);
    stage
}

fn is_flat(stage: &Stage) -> bool {
    stage.held(XRP).abs() < 1e-9
}

/// Side, price and coins of the resting orders of one symbol.
fn resting(stage: &Stage, symbol: SymbolId) -> Vec<(OrderSide, f64, f64)> {
    let of = [1.0, 1e5, 1e8][symbol.index()] * if symbol == BTC { 10.0 } else { 1.0 };
    let orders = stage.orders();
    let here = orders.iter().filter(|o| o.symbol == symbol && o.state == OrderState::Resting);
    let row = |o: &paperwire_core::order::OpenOrder| {
        let px = o.spec.limit_px().unwrap().raw() as f64 / of;
        (o.side, px, o.left.raw() as f64 / 1e8)
    };
    here.map(row).collect()
}

#[track_caller]
fn check_resting(stage: &Stage, symbol: SymbolId, want: &[(OrderSide, f64, f64)]) {
    let got = resting(stage, symbol);
    let is_close = |a: f64, b: f64| (a - b).abs() <= 2e-3 * b;
    let is_same = got.len() == want.len()
        && got
            .iter()
            .zip(want)
            .all(|(a, b)| a.0 == b.0 && is_close(a.1, b.1) && is_close(a.2, b.2));
    assert!(
        is_same,
        "{got:?} instead of {want:?}; {:?} {:?}",
        stage.skips().last(),
        stage.rejects()
    );
}

#[test]
fn both_sides_rest_a_fee_and_an_edge_from_the_fair_price() {
    let stage = ready("");
    assert_eq!(stage.codes(), ["quote_bid", "quote_ask"]);
    let got = resting(&stage, XRP);
    // 0.1 % and 0.02 % of 2, down and up to the tick.
    for ((side, px, coins), (want_side, want)) in
        got.iter().zip([(OrderSide::Buy, 1.9976), (OrderSide::Sell, 2.0024)])
    {
        assert_eq!(*side, want_side);
        assert!((px - want).abs() < 1.5 * TICK, "{px}");
        assert!((coins - 10.0).abs() < 1e-6, "20 dollars are {coins}");
    }
    assert!(stage.orders().iter().all(|order| order.spec.is_post_only));
    assert!(stage.rejects().is_empty(), "{:?}", stage.rejects());
}

#[test]
fn inventory_leans_prices_and_sizes_and_is_sold_at_a_profit() {
    let mut stage = ready("");
    stage.trade(XRP, OrderSide::Sell, 1.99, 500.0);
    assert!((stage.held(XRP) - 10.0).abs() < 1e-6);
    still(&mut stage, XRP, 2.0, 1);
    // q = 20 / 100: 0.9 of the size on, 1.1 off, and both a little lower.
    check_resting(&stage, XRP, &[(OrderSide::Sell, 2.0024, 11.0), (OrderSide::Buy, 1.9976, 9.0)]);
    let asks = stage.signals();
    let ask = asks.iter().rfind(|signal| signal.tag == TAG_ASK).unwrap();
    let value = |name| ask.reason.values().iter().find(|(n, _)| *n == name).unwrap().1;
    assert!(value("reservation") < value("fair") && (value("q") - 0.2).abs() < 0.01);
    stage.pass(1);
    stage.trade(XRP, OrderSide::Buy, 2.01, 500.0);
    assert!((stage.held(XRP) + 1.0).abs() < 0.01, "sold and turned: {}", stage.held(XRP));
    assert!(stage.row().realized > 0 && stage.row().maker_fills == stage.row().fills);
    let opened: Vec<_> = stage.fills().iter().map(|fill| fill.tag).collect();
    assert_eq!(opened, [TAG_BID, TAG_ASK, TAG_ASK]);
}

#[test]
fn a_short_is_bought_back_lower() {
    let mut stage = ready("");
    stage.trade(XRP, OrderSide::Buy, 2.01, 500.0);
    assert!((stage.held(XRP) + 10.0).abs() < 1e-6);
    still(&mut stage, XRP, 2.0, 1);
    check_resting(&stage, XRP, &[(OrderSide::Buy, 1.9976, 11.0), (OrderSide::Sell, 2.0024, 9.0)]);
    stage.trade(XRP, OrderSide::Sell, 1.99, 500.0);
    assert!(stage.held(XRP) > 0.5 && stage.row().realized > 0);
}

#[test]
fn quotes_follow_the_market_in_steps_of_a_share_of_the_spread() {
    let mut stage = ready("");
    let before = stage.signals().len();
    still(&mut stage, XRP, 2.0001, 3); // 0.0001 is less than 0.15 of 0.0024
    assert_eq!(stage.signals().len(), before);
    still(&mut stage, XRP, 2.001, 3);
    check_resting(&stage, XRP, &[(OrderSide::Buy, 1.9986, 10.0), (OrderSide::Sell, 2.0034, 10.0)]);
    assert_eq!(stage.codes()[before..], ["requote", "requote"]);
    // Beyond the reservation price a quote does not wait for its time.
    touch(&mut stage, XRP, 1.998);
    assert!(
        resting(&stage, XRP).iter().all(|(side, px, _)| *side == OrderSide::Sell || *px < 1.996)
    );
}

/// Quotes one pair in a market made unfit by `spoil`; returns what then rests.
#[track_caller]
fn check_refused(
    params: &str,
    spoil: impl FnOnce(&mut Stage),
    want: Skip,
) -> Vec<(OrderSide, f64, f64)> {
    let mut stage = ready(params);
    spoil(&mut stage);
    assert!(stage.skips().contains(&want), "{:?}", stage.skips());
    assert!(stage.is_alive());
    resting(&stage, XRP)
}

fn rising(stage: &mut Stage) {
    let bars: Vec<_> = (0..30).map(|i| 2.0 * 1.002f64.powi(i)).map(|x| [x, x, x, x, 9.0]).collect();
    stage.pass(3600);
    stage.history(XRP, &bars);
    still(stage, XRP, 2.0, 3);
}

/// Buys by a quote and is stopped out a percent lower.
fn lose(stage: &mut Stage) {
    stage.trade(XRP, OrderSide::Sell, 1.99, 500.0);
    still(stage, XRP, 1.97, 3);
    assert!(is_flat(stage));
}

#[test]
fn each_refusal_has_its_cause_and_leaves_what_it_should() {
    let none: Vec<(OrderSide, f64, f64)> = Vec::new();
    let wild = "regime = 'fixed'\nregime_cuts_pct = [0.0, 0.0, 0.0001]";
    assert_eq!(check_refused(wild, |_| (), Skip::ExtremeVolatility), none);
    let one = check_refused("", rising, Skip::TrendingMarket);
    assert!(one.len() == 1 && one[0].0 == OrderSide::Buy, "{one:?}");
    assert_eq!(check_refused("losses_max = 1", lose, Skip::CircuitBreaker), none);
    assert_eq!(check_refused("session_loss_max_pct = 0.01", lose, Skip::DailyLoss), none);
    assert_eq!(check_refused("", lose, Skip::TimeCooldown), none);
    let small = "[symbols.'XRP/USD']\nsize = 4.9";
    assert_eq!(check_refused(small, |_| (), Skip::InsufficientSize), none);
    let full = "[symbols.'XRP/USD']\ninventory_max = 20.0";
    let fill = |stage: &mut Stage| {
        stage.trade(XRP, OrderSide::Sell, 1.99, 500.0);
        still(stage, XRP, 2.0, 1);
    };
    let one = check_refused(full, fill, Skip::MaxPosition);
    assert!(one.len() == 1 && one[0].0 == OrderSide::Sell, "{one:?}");
    let walk = |stage: &mut Stage| {
        for i in 0..6 {
            still(stage, XRP, 2.0 + 0.001 * f64::from(i), 1);
        }
    };
    check_refused("changes_max = 2", walk, Skip::RateLimited);
    let dead = |stage: &mut Stage| {
        stage.event(XRP, MarketKind::Status(SymbolStatus::Stale));
        stage.trade(XRP, OrderSide::Buy, 2.0, 1.0);
    };
    assert_eq!(check_refused("", dead, Skip::StaleBook), none);
    let crossed = |stage: &mut Stage| {
        stage.pass(1);
        stage.book(XRP, 2.001, 2.0);
    };
    assert_eq!(check_refused("", crossed, Skip::StaleBook), none);
    let mut cold = Stage::with("market_making", "", queue);
    minutes(&mut cold, XRP);
    still(&mut cold, XRP, 2.0, 20);
    assert!(cold.signals().is_empty() && cold.skips().contains(&Skip::WarmingUp));
}

#[test]
fn one_sided_flow_takes_both_quotes_away() {
    let flow = |stage: &mut Stage| {
        // Buckets of 7200 XRP: sixty balanced ones, then one-sided ones.
        for i in 0..240 {
            let side = if i % 2 == 0 { OrderSide::Buy } else { OrderSide::Sell };
            stage.trade(XRP, side, 2.0, 2000.0);
        }
        assert_eq!(resting(stage, XRP).len(), 2, "{:?}", stage.skips().last());
        for _ in 0..10 {
            stage.trade(XRP, OrderSide::Buy, 2.0, 7200.0);
        }
        still(stage, XRP, 2.0, 1);
    };
    assert!(check_refused("", flow, Skip::VpinPause).is_empty());
}

#[test]
fn a_silent_book_is_not_quoted_on() {
    let mut stage = ready("");
    stage.pass(3);
    assert!(stage.orders().is_empty());
    assert_eq!(stage.codes().last(), Some(&"stale_book"));
}

/// All three pairs warm; BTC and XRP move together or not.
fn cross(params: &str, is_together: bool) -> Stage {
    let mut stage = Stage::with("market_making", params, queue);
    minutes(&mut stage, BTC);
    let phase = usize::from(!is_together);
    let close = |i: usize| 2.0 * if (i + phase).is_multiple_of(2) { 1.0 } else { 1.0005 };
    let bars: Vec<_> = (0..64).map(|i| [close(i), close(i), close(i), close(i), 1000.0]).collect();
    stage.history(XRP, &bars);
    minutes(&mut stage, CROSS);
    for _ in 0..75 {
        for symbol in [BTC, XRP, CROSS] {
            touch(&mut stage, symbol, price(symbol));
        }
        // A trade a second, so that minutes close live.
        for symbol in [BTC, XRP, CROSS] {
            stage.trade(symbol, OrderSide::Buy, price(symbol), 0.001);
        }
        stage.pass(1);
    }
    touch(&mut stage, CROSS, price(CROSS));
    stage
}

#[test]
fn a_cross_pair_sells_what_it_has_and_needs_two_markets_that_move_together() {
    let sides = |stage: &Stage| resting(stage, CROSS).iter().map(|row| row.0).collect::<Vec<_>>();
    assert_eq!(sides(&cross("", true)), [OrderSide::Buy]);
    let seeded = cross("[symbols.'XRP/BTC']\nseeded = 100.0", true);
    assert_eq!(sides(&seeded), [OrderSide::Buy, OrderSide::Sell]);
    // 25 XRP, not 25 of anything else.
    assert!(resting(&seeded, CROSS).iter().all(|row| (row.2 - 25.0).abs() < 1.0));
    let apart = cross("", false);
    assert!(sides(&apart).is_empty());
    assert!(apart.skips().contains(&Skip::LowCorrelation), "{:?}", apart.skips());
    let mut alone = Stage::with("market_making", "correlation_pause = 0.0", queue);
    minutes(&mut alone, CROSS);
    still(&mut alone, CROSS, price(CROSS), 40);
    assert!(alone.signals().is_empty() && alone.skips().contains(&Skip::NoPriceData));
}

/// Has bought ten XRP by its bid.
fn long(params: &str) -> Stage {
    let mut stage = ready(&format!("{FIXED}{params}"));
    stage.trade(XRP, OrderSide::Sell, 1.997, 500.0);
    still(&mut stage, XRP, 2.0, 1);
    assert!((stage.held(XRP) - 10.0).abs() < 1e-6);
    stage
}

#[test]
fn old_inventory_comes_to_the_touch_and_then_crosses_the_spread() {
    let mut stage = long("");
    still(&mut stage, XRP, 2.0, 301);
    let ask = resting(&stage, XRP).into_iter().find(|row| row.0 == OrderSide::Sell).unwrap();
    assert!((ask.1 - 2.000_02).abs() < 1.5 * TICK, "the touch, not {}", ask.1);
    still(&mut stage, XRP, 2.0, 600);
    assert_eq!(stage.codes().iter().filter(|code| **code == "inventory_reduce").count(), 1);
    assert!((stage.held(XRP) - 5.0).abs() < 0.1, "half: {}", stage.held(XRP));
    still(&mut stage, XRP, 2.0, 125);
    assert!(is_flat(&stage), "what is left is not worth halves");
}

#[test]
fn the_stop_follows_the_average_and_fires_whatever_stops_entries() {
    let mut stage = long("losses_max = 1");
    still(&mut stage, XRP, 1.999, 2);
    stage.trade(XRP, OrderSide::Sell, 1.994, 500.0);
    assert!(stage.held(XRP) > 18.0);
    still(&mut stage, XRP, 1.995, 1);
    assert!(stage.codes().contains(&"anchor"));
    // Bought at 1.9976 and lower: half a percent below the average lies below 1.9876.
    touch(&mut stage, XRP, 1.9877);
    assert!(stage.held(XRP) > 18.0);
    touch(&mut stage, XRP, 1.97);
    let stopped = |stage: &Stage| {
        stage.fills().iter().filter(|fill| fill.trigger == Trigger::StopLoss).count()
    };
    assert_eq!(stopped(&stage), 1);
    // The bid was hit on the way down; it is offered, and no other is made.
    still(&mut stage, XRP, 1.97, 2);
    assert!(stage.skips().contains(&Skip::CircuitBreaker));
    assert!(stage.orders().iter().all(|o| o.side == OrderSide::Sell && o.spec.is_reduce_only));
}

#[test]
fn entries_stopped_leave_the_quote_that_reduces() {
    let mut stage = long("session_loss_max_pct = 0.01");
    stage.trade(XRP, OrderSide::Sell, 1.996, 500.0);
    still(&mut stage, XRP, 1.9965, 3); // one cent and more under water
    assert!(stage.skips().contains(&Skip::DailyLoss));
    for _ in 0..4 {
        let orders = stage.orders();
        assert!(orders.iter().all(|o| o.side == OrderSide::Sell && o.spec.is_reduce_only));
        stage.trade(XRP, OrderSide::Buy, 2.005, 500.0);
        still(&mut stage, XRP, 1.9965, 1);
    }
    assert!(is_flat(&stage), "never beyond flat");
    assert!(stage.orders().is_empty());
}

#[test]
fn fills_that_turn_out_badly_widen_both_quotes() {
    let mut stage = ready(&format!("{FIXED}markout_limit = 0.0"));
    let half = |stage: &Stage| {
        let rows = resting(stage, XRP);
        assert_eq!(rows.len(), 2);
        (rows[1].1 - rows[0].1).abs() / 2.0
    };
    let before = half(&stage);
    stage.trade(XRP, OrderSide::Sell, 1.997, 500.0);
    still(&mut stage, XRP, 1.995, 8);
    let after = half(&stage);
    // Two fills, the second when the market fell through the next bid: a quarter for each.
    assert!((after / before - 1.25 * 1.25).abs() < 0.02, "{after} against {before}");
}

/// Messages take 300 ms each way: nothing is sent twice meanwhile.
#[test]
fn nothing_is_sent_twice_while_messages_are_under_way() {
    let slow = |config: &mut EngineConfig| {
        queue(config);
        config.venue.latency =
            Box::new(Constant::new([DurationNs::from_millis(300); 4], Surge::OFF));
    };
    let mut stage = ready_with("", slow);
    for i in 0..40 {
        let mid = 2.0 + 0.0008 * f64::from(i % 7);
        for _ in 0..3 {
            touch(&mut stage, XRP, mid);
        }
        stage.trade(XRP, OrderSide::Sell, mid - 0.003, 3.0);
        stage.pass(1);
        let tags: Vec<_> = stage.orders().iter().map(|order| order.tag).collect();
        assert!(tags.iter().filter(|tag| **tag == TAG_BID).count() <= 1, "{tags:?}");
        assert!(tags.iter().filter(|tag| **tag == TAG_ASK).count() <= 1, "{tags:?}");
    }
    // What has ended and is not known to have is asked for in vain.
    let in_vain = |why: &RejectReason| *why == RejectReason::NoSuchOrder;
    assert!(stage.rejects().iter().all(in_vain), "{:?}", stage.rejects());
    assert!(!stage.fills().is_empty());
}

#[test]
fn minutes_count_once_however_many_changes_they_have() {
    let mut stage = ready("");
    for _ in 0..1000 {
        touch(&mut stage, XRP, 2.0);
        stage.trade(XRP, OrderSide::Buy, 2.02, 0.001);
    }
    assert!(!stage.skips().contains(&Skip::TrendingMarket));
}

fn storm() -> Stage {
    let mut stage = ready("");
    let mut x = 1u64;
    for _ in 0..3000 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let mid = 2.0 + 1e-5 * ((x >> 40) % 2000) as f64;
        match x >> 60 {
            0 => stage.book(XRP, mid + 0.001, mid), // crossed
            1 => stage.levels(XRP, &[(mid, 1e-8)], &[(mid + 0.5, 1e6)]),
            2 => stage.levels(XRP, &[], &[(mid, 1.0)]),
            3..=8 => stage.book(XRP, mid, mid + 0.0001),
            9 => stage.pass(1),
            10 => stage.trade(XRP, OrderSide::Sell, mid - 0.01, 50.0),
            11 => stage.trade(XRP, OrderSide::Buy, mid + 0.01, 50.0),
            12 => stage.event(XRP, MarketKind::Status(SymbolStatus::Stale)),
            _ => stage.trade(XRP, OrderSide::Buy, mid, 1e-8),
        }
    }
    stage
}

#[test]
fn odd_books_never_panic_and_the_same_events_give_the_same_signals() {
    let (first, second) = (storm(), storm());
    assert!(first.is_alive() && !first.fills().is_empty());
    assert_eq!(first.signals(), second.signals());
    assert!(first.row().equity > Money::from_num(50));
}
