use paperwire_core::command::{Command, Origin, Verb};
use paperwire_core::event::{MarketKind, SymbolStatus};
use paperwire_core::instrument::TradingStatus;
use paperwire_core::order::{OrderEnd, TimeInForce};
use paperwire_core::strategy::{Action, RejectReason};
use paperwire_core::trade::OrderSide;
use paperwire_exec::engine::EngineConfig;
use paperwire_exec::latency::{Constant, Surge};
use proptest::prelude::*;

use super::*;
use crate::stage::{BTC, CROSS, Stage, XRP};

mod parts;

/// Half a percent too dear, or too cheap, against 100,000 and 0.00002; three fees are 0.3 %.
const DEAR: f64 = 2.01;
const FAIR: f64 = 2.0;
const CHEAP: f64 = 1.99;

fn stage(params: &str) -> Stage {
    Stage::with("triangular_arb", params, |_| ())
}

fn ms(stage: &mut Stage, ms: i64) {
    stage.now = ExchNs::new(stage.now.raw() + ms * 1_000_000);
}

fn coin(stage: &mut Stage) {
    stage.book(BTC, 100_000.0, 100_000.1);
}

fn cross(stage: &mut Stage) {
    stage.book(CROSS, 0.000_02, 0.000_020_01);
}

/// The alt's book, one tick wide; the cross pair's ask is a twentieth of a percent above its bid.
fn alt(stage: &mut Stage, px: f64) {
    stage.book(XRP, px, px + 1e-5);
}

/// All three books at one instant.
fn books(stage: &mut Stage, px: f64) {
    coin(stage);
    cross(stage);
    alt(stage, px);
}

/// Lets the legs go one after the other in a market that stands still.
fn finish(stage: &mut Stage, px: f64) {
    for _ in 0..4 {
        ms(stage, 35);
        books(stage, px);
    }
}

#[track_caller]
fn check_hedged(stage: &Stage, direction: f64) {
    let (coin, alt, cross) = (stage.held(BTC), stage.held(XRP), stage.held(CROSS));
    assert!(direction * cross > 24.0, "{cross}");
    assert!((alt + cross).abs() < 0.1, "{alt} against {cross}");
    assert!((coin * 100_000.0 - cross * 2.0).abs() < 0.2, "{coin} against {cross}");
    assert!(stage.orders().is_empty());
}

#[test]
fn a_dear_alt_is_made_of_coin_and_sold() {
    let mut stage = stage("");
    books(&mut stage, DEAR);
    finish(&mut stage, DEAR);
    let signals = stage.signals();
    let made: Vec<_> = signals.iter().map(|signal| (signal.symbol, signal.action)).collect();
    assert_eq!(made, [(BTC, Action::Buy), (CROSS, Action::Buy), (XRP, Action::Short)]);
    assert!(signals.iter().all(|signal| signal.order.tif == TimeInForce::Ioc));
    assert!(signals.iter().all(|signal| signal.reason.code() == "coin_first"));
    check_hedged(&stage, 1.0);
    books(&mut stage, FAIR);
    // Half a percent of fifty dollars, less what the cross pair's spread and three fees take.
    let earned = stage.row().equity.to_num::<f64>() - 100.0;
    assert!((0.04..0.15).contains(&earned), "{earned}");
}

#[test]
fn a_cheap_alt_is_bought_and_turned_into_coin() {
    let mut stage = stage("");
    books(&mut stage, CHEAP);
    finish(&mut stage, CHEAP);
    let made: Vec<_> = stage.signals().iter().map(|s| (s.symbol, s.action)).collect();
    assert_eq!(made, [(XRP, Action::Buy), (CROSS, Action::Short), (BTC, Action::Short)]);
    assert_eq!(stage.codes(), ["alt_first"; 3]);
    check_hedged(&stage, -1.0);
}

#[test]
fn all_legs_go_at_once_where_that_is_wanted() {
    let mut stage = stage("legs = 'parallel'");
    books(&mut stage, DEAR);
    assert_eq!(stage.fills().len(), 3);
    check_hedged(&stage, 1.0);
}

#[test]
fn a_basket_the_other_way_round_takes_the_first_one_back() {
    let mut stage = stage("legs = 'parallel'");
    books(&mut stage, DEAR);
    check_hedged(&stage, 1.0);
    stage.pass(2);
    books(&mut stage, CHEAP);
    check_hedged(&stage, -1.0); // as much back, and as much again
    let mut stage = self::stage("legs = 'parallel'\nprofit_min_pct = 0.1\nrelease_min_pct = -1.0");
    books(&mut stage, DEAR);
    stage.pass(2);
    books(&mut stage, 1.995); // not worth a basket of its own
    assert_eq!(stage.fills().len(), 6);
    for symbol in [BTC, XRP, CROSS] {
        let left = stage.held(symbol) * [100_000.0, 2.0, 2.0][symbol.index()];
        assert!(left.abs() < 1.0, "{left} dollars of {symbol:?}");
    }
}

/// A dear alt in a market made unfit by `spoil`.
#[track_caller]
fn check_refused(params: &str, spoil: impl FnOnce(&mut Stage), want: Skip) {
    let mut stage = stage(params);
    spoil(&mut stage);
    let (before, skipped) = (stage.signals().len(), stage.skips().len());
    stage.pass(1);
    books(&mut stage, DEAR);
    assert_eq!(stage.signals().len(), before, "{:?}", stage.codes());
    let skips = &stage.skips()[skipped..];
    assert!(skips.contains(&want), "{skips:?}");
}

fn basket(stage: &mut Stage) {
    books(stage, DEAR);
    finish(stage, DEAR);
    assert_eq!(stage.fills().len(), 3);
}

/// The first leg is filled, then the cross pair is gone from where it was.
fn fail(stage: &mut Stage) {
    books(stage, DEAR);
    for _ in 0..4 {
        ms(stage, 35);
        stage.book(CROSS, 0.000_020_5, 0.000_020_6);
        coin(stage);
    }
}

#[test]
fn each_refusal_has_its_cause() {
    check_refused("profit_min_pct = 0.5", |_| (), Skip::NotFeeProfitable);
    check_refused("slippage_pct = 0.5", |_| (), Skip::NotFeeProfitable);
    check_refused("cooldown_ms = 60000", basket, Skip::TimeCooldown);
    check_refused("baskets_per_hour = 1", basket, Skip::RateLimited);
    check_refused("", basket, Skip::MaxPosition);
    check_refused("losses_max = 1", fail, Skip::CircuitBreaker);
    let five = |stage: &mut Stage| {
        for _ in 0..5 {
            fail(stage);
            stage.pass(2);
        }
    };
    check_refused("losses_max = 0\nshortfall_max_pct = 0.1", five, Skip::CircuitBreaker);
    let closed = |stage: &mut Stage| {
        stage.event(CROSS, MarketKind::Trading(TradingStatus::PostOnly));
    };
    check_refused("", closed, Skip::LegUnavailable);
    check_refused("size_usd_min = 51.0", |_| (), Skip::MaxPosition);
    check_refused("persist_evals = 9", |_| (), Skip::NoSignalConditions);
    // A dear alt of which nobody wants more than a dollar's worth.
    let mut stage = stage("");
    coin(&mut stage);
    cross(&mut stage);
    stage.levels(XRP, &[(DEAR, 0.5), (1.9, 1000.0)], &[(2.02, 1000.0)]);
    assert!(stage.signals().is_empty() && stage.skips().contains(&Skip::InsufficientSize));
}

#[test]
fn old_and_crossed_books_are_not_believed() {
    for spoil in [0, 1, 2] {
        let mut stage = stage("");
        coin(&mut stage);
        cross(&mut stage);
        match spoil {
            0 => ms(&mut stage, 501),
            1 => stage.event(CROSS, MarketKind::Status(SymbolStatus::Stale)),
            _ => stage.book(CROSS, 0.000_02, 0.000_019_5),
        }
        alt(&mut stage, DEAR);
        assert!(stage.signals().is_empty(), "{spoil}");
        assert_eq!(stage.skips().last(), Some(&Skip::StaleBook), "{spoil}");
    }
}

#[test]
fn a_good_price_must_last_as_long_as_is_wanted() {
    let mut stage = stage("persist_evals = 3");
    books(&mut stage, DEAR);
    alt(&mut stage, DEAR);
    alt(&mut stage, FAIR); // begins again
    alt(&mut stage, DEAR);
    alt(&mut stage, DEAR);
    assert!(stage.signals().is_empty());
    alt(&mut stage, DEAR);
    assert_eq!(stage.signals().len(), 1);
}

#[test]
fn a_coin_that_a_failed_leg_left_is_sold_at_once() {
    let mut stage = stage("");
    fail(&mut stage);
    let made: Vec<_> = stage.signals().iter().map(|s| (s.symbol, s.action)).collect();
    assert_eq!(made, [(BTC, Action::Buy), (CROSS, Action::Buy), (BTC, Action::Sell)]);
    assert_eq!(stage.codes().last(), Some(&"unwind"));
    assert_eq!(stage.ends(), [OrderEnd::Filled, OrderEnd::NotImmediate, OrderEnd::Filled]);
    assert!(stage.row().exposure() == 0 && stage.orders().is_empty());
}

#[test]
fn it_may_be_held_for_a_while_but_no_longer() {
    let mut stage = stage("shortfall = 'hold'");
    fail(&mut stage);
    assert!(stage.held(BTC) > 0.0);
    stage.pass(1);
    assert!(stage.held(BTC) > 0.0);
    stage.pass(1);
    assert_eq!(stage.codes().last(), Some(&"time_exit"));
    assert!(stage.row().exposure() == 0);
}

#[test]
fn a_partial_leg_makes_the_next_one_smaller_and_the_rest_is_sold() {
    let mut stage = stage("");
    books(&mut stage, DEAR);
    // Ten of twenty-five are still to be had.
    ms(&mut stage, 31);
    stage.levels(CROSS, &[(0.000_02, 1000.0)], &[(0.000_020_01, 10.0), (0.000_020_5, 1000.0)]);
    for _ in 0..4 {
        ms(&mut stage, 35);
        coin(&mut stage);
        alt(&mut stage, DEAR);
    }
    assert!((stage.held(CROSS) - 10.0).abs() < 0.1 && (stage.held(XRP) + 10.0).abs() < 0.1);
    assert!((stage.held(BTC) * 100_000.0 - 20.0).abs() < 0.5, "{}", stage.held(BTC));
    // The last leg fails: the alt is sold on its own market, lower.
    let mut stage = self::stage("");
    books(&mut stage, DEAR);
    for _ in 0..5 {
        ms(&mut stage, 35);
        coin(&mut stage);
        alt(&mut stage, 2.001);
        cross(&mut stage);
    }
    assert!(stage.codes().contains(&"unwind"));
    check_hedged(&stage, 1.0);
}

#[test]
fn a_first_leg_that_gets_nothing_costs_nothing() {
    let slow = |config: &mut EngineConfig| {
        config.venue.latency =
            Box::new(Constant::new([DurationNs::from_millis(20); 4], Surge::OFF));
    };
    let mut stage = Stage::with("triangular_arb", "", slow);
    books(&mut stage, DEAR);
    for _ in 0..5 {
        ms(&mut stage, 35);
        stage.book(BTC, 101_000.0, 101_000.1);
    }
    assert_eq!(stage.ends(), [OrderEnd::NotImmediate]);
    assert!(stage.fills().is_empty() && stage.signals().len() == 1);
}

#[test]
fn nothing_is_sent_twice_while_messages_are_under_way() {
    let slow = |config: &mut EngineConfig| {
        config.venue.latency =
            Box::new(Constant::new([DurationNs::from_millis(40); 4], Surge::OFF));
    };
    let mut stage = Stage::with("triangular_arb", "", slow);
    for _ in 0..60 {
        books(&mut stage, DEAR);
        ms(&mut stage, 10);
    }
    assert_eq!(stage.signals().len(), 3);
    check_hedged(&stage, 1.0);
}

/// Entries are paused when the last leg is due: what it would have sold can only be closed.
#[test]
fn a_refused_sale_closes_every_position() {
    let mut stage = stage("");
    books(&mut stage, CHEAP);
    ms(&mut stage, 35);
    coin(&mut stage);
    assert!(stage.held(XRP) > 0.0 && stage.held(CROSS) < 0.0);
    let pause = Command::Do { target: None, verb: Verb::Pause, origin: Origin::Terminal };
    stage.event(BTC, MarketKind::Command(pause));
    for _ in 0..4 {
        stage.pass(1);
        books(&mut stage, CHEAP);
    }
    assert!(stage.rejects().iter().all(|why| *why == RejectReason::Paused));
    assert!(stage.row().exposure() == 0, "{:?}", stage.codes());
}

fn storm() -> Stage {
    let mut stage = stage("cooldown_ms = 0");
    let mut x = 7u64;
    for _ in 0..3000 {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let px = 1.98 + 1e-5 * ((x >> 40) % 4000) as f64;
        match x >> 60 {
            0 => stage.book(XRP, px + 0.001, px), // crossed
            1 => stage.levels(CROSS, &[(1e-8, 1e-8)], &[(0.9, 1e6)]),
            2 => stage.levels(BTC, &[], &[(100_000.0, 1.0)]),
            3 => stage.event(CROSS, MarketKind::Status(SymbolStatus::Stale)),
            4 => stage.pass(1),
            5 => stage.trade(XRP, OrderSide::Buy, px, 1e-8),
            6 | 7 => coin(&mut stage),
            8 | 9 => cross(&mut stage),
            10 | 11 => ms(&mut stage, 20),
            _ => alt(&mut stage, px),
        }
    }
    stage
}

#[test]
fn odd_books_never_panic_and_the_same_events_give_the_same_signals() {
    let (first, second) = (storm(), storm());
    assert!(first.is_alive() && !first.fills().is_empty());
    assert_eq!(first.signals(), second.signals());
}
