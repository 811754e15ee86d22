use std::collections::BTreeSet;

use paperwire_core::account::PositionSide::{Long, Short};
use paperwire_core::account::Trigger;
use paperwire_core::bar::Bar;
use paperwire_core::event::{MarketKind, SymbolStatus};
use paperwire_core::instrument::{Instrument, SymbolId, TradingStatus};
use paperwire_core::num::{Money, Px};
use paperwire_core::strategy::{Action, ExitLevel, Signal, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_exec::engine::EngineConfig;
use paperwire_signals::regime::Regime;

use super::Params;
use super::entry::burst;
use super::reading::Bars;
use crate::stage::{BTC, CROSS, Stage, XRP};

/// A usual regime, whatever the market does.
const USUAL: &str = "regime = 'fixed'\nregime_cuts_pct = [0.0, 50.0, 90.0]";
/// Change of a minute in the trend, and of one in the pull-back and in the burst.
const DRIFT: f64 = 0.0002;
const STEP: f64 = 0.001;

const fn price(symbol: SymbolId) -> f64 {
    match symbol {
        BTC => 100_000.0,
        XRP => 2.0,
        _ => 0.000_02,
    }
}

/// A market of one symbol that drifted upwards for five hours, or upside down.
struct Drift {
    stage: Stage,
    symbol: SymbolId,
    /// The price as a factor.
    at: f64,
    is_mirrored: bool,
}

impl Drift {
    fn new(params: &str, symbol: SymbolId, is_mirrored: bool) -> Self {
        let params = if params.contains("regime") { params } else { &format!("{USUAL}\n{params}") };
        Self::on(Stage::with("momentum_scalping", params, |_| ()), symbol, is_mirrored)
    }

    fn on(stage: Stage, symbol: SymbolId, is_mirrored: bool) -> Self {
        let mut drift = Self { stage, symbol, at: 1.0, is_mirrored };
        let path: Vec<f64> =
            (0..=300).map(|i| drift.px(1.0 - DRIFT * f64::from(300 - i))).collect();
        drift.stage.past(symbol, &path, 1, 1000.0);
        drift
    }

    fn px(&self, at: f64) -> f64 {
        price(self.symbol) * if self.is_mirrored { 2.0 - at } else { at }
    }

    /// Whole minutes; each ends as the first second after it passes.
    fn minutes(&mut self, count: usize, step: f64, volume: f64) {
        for _ in 0..count {
            let to = self.at * (1.0 + step);
            self.stage.walk(&[(self.symbol, self.px(self.at), self.px(to))], volume);
            self.at = to;
        }
    }

    fn book(&mut self) {
        let (px, tick) = (self.px(self.at), price(self.symbol) * 1e-5);
        self.stage.book(self.symbol, px - tick, px + tick);
    }

    fn end(&mut self) {
        self.book();
        self.stage.pass(1);
    }

    fn pull_back(&mut self) {
        self.minutes(6, DRIFT, 1000.0);
        self.minutes(3, -STEP, 100.0);
    }
}

/// Just before the minute of the burst is known to have ended.
fn ready(params: &str, symbol: SymbolId, is_mirrored: bool) -> Drift {
    let mut drift = Drift::new(params, symbol, is_mirrored);
    drift.pull_back();
    drift.minutes(1, STEP, 4000.0);
    assert!(drift.stage.signals().is_empty(), "{:?}", drift.stage.codes());
    drift
}

#[track_caller]
fn check_entry(is_mirrored: bool, action: Action, code: &str) {
    let mut drift = ready("", XRP, is_mirrored);
    drift.end();
    assert_eq!(drift.stage.codes(), [code], "{:?}", drift.stage.skips());
    let signal = drift.stage.signals()[0];
    assert_eq!(signal.action, action);
    assert_eq!(signal.size, Size::Notional(Money::from_num(25)));
    assert_eq!(signal.exits.stop, ExitLevel::PctFromFill(0.4));
    assert_eq!(signal.exits.target, ExitLevel::PctFromFill(0.8));
    assert_eq!(signal.exits.hold_max, Some(DurationNs::from_secs(600)));
    assert!(drift.stage.rejects().is_empty(), "{:?}", drift.stage.rejects());
    assert_eq!(drift.stage.fills().len(), 1);
}

#[test]
fn golden_entries() {
    check_entry(false, Action::Buy, "burst_long");
    check_entry(true, Action::Short, "burst_short");
}

#[test]
fn a_thousand_ticks_in_a_minute_change_nothing() {
    let mut drift = ready("hold_max_s = 1\ncooldown_s = 0", XRP, false);
    for _ in 0..1000 {
        drift.book();
        let px = drift.px(drift.at);
        drift.stage.trade(XRP, OrderSide::Buy, px, 0.1);
    }
    assert!(drift.stage.signals().is_empty());
    drift.end();
    for _ in 0..1000 {
        drift.book();
    }
    drift.stage.pass(30);
    assert_eq!(drift.stage.codes(), ["burst_long"], "a trigger is used once");
    assert!(drift.stage.is_flat(XRP));
}

#[track_caller]
fn check_refused(params: &str, spoil: impl Fn(&mut Drift), want: Skip) {
    let mut drift = Drift::new(params, XRP, false);
    drift.pull_back();
    spoil(&mut drift);
    drift.stage.pass(1);
    assert!(drift.stage.signals().is_empty(), "{:?}", drift.stage.codes());
    assert_eq!(drift.stage.skips().last(), Some(&want), "{params}");
}

#[test]
fn each_refusal_has_its_cause() {
    let good = |drift: &mut Drift| {
        drift.minutes(1, STEP, 4000.0);
        drift.book();
    };
    let bar = |step: f64, volume: f64| {
        move |drift: &mut Drift| {
            drift.minutes(1, step, volume);
            drift.book();
        }
    };
    let sellers = |drift: &mut Drift| {
        drift.minutes(1, STEP, 4000.0);
        let px = drift.px(drift.at);
        drift.stage.trade(XRP, OrderSide::Sell, px, 20_000.0);
        drift.book();
    };
    let own = |of: &str| format!("[symbols.'XRP/USD']\n{of}");
    check_refused("", |drift| drift.minutes(1, STEP, 4000.0), Skip::StaleBook);
    let wild = "regime = 'fixed'\nregime_cuts_pct = [0.0, 0.0, 0.0]";
    check_refused(wild, good, Skip::RegimePause);
    check_refused("total_usd_max = 4.0", good, Skip::MaxPosition);
    check_refused("net_min_pct = 0.7", good, Skip::NotFeeProfitable);
    check_refused(&own("correlation_min = 0.6"), good, Skip::WarmingUp);
    check_refused(&own("adx_max = 20.0"), good, Skip::StrongTrendAdx);
    check_refused(&own("adx_min = 100.0"), good, Skip::TrendNotAligned);
    check_refused("", bar(-STEP, 4000.0), Skip::NoSignalConditions);
    check_refused("strength_min = 0.9", good, Skip::MomentumNotConfirmed);
    // From so deep a fall the fast average lies below the slow one.
    let deep = |drift: &mut Drift| {
        drift.minutes(1, -10.0 * STEP, 100.0);
        drift.minutes(1, 10.0 * STEP, 4000.0);
        drift.book();
    };
    check_refused("", deep, Skip::TrendNotAligned);
    check_refused("", bar(STEP, 1000.0), Skip::VolumeNotConfirmed);
    check_refused("", sellers, Skip::TradeFlowNotAligned);
    check_refused("flow_age_max_s = 1", good, Skip::NoVolume);
    check_refused("long_usd_max = 4.0", good, Skip::CorrelationLimit);
    check_refused(&own("position_usd = 4.0"), good, Skip::InsufficientSize);
}

#[test]
fn the_longer_timeframe_must_agree() {
    // Five hours down, then an hour up: the average of fifty minutes is below, the longer one above.
    let mut stage = Stage::with("momentum_scalping", USUAL, |_| ());
    let down = (0..240).map(|i| 2.3 - 0.002 * f64::from(i));
    let up = (0..=60).map(|i| 2.3 - 0.48 + 0.000_4 * f64::from(i));
    stage.past(XRP, &down.chain(up).collect::<Vec<_>>(), 1, 1000.0);
    let mut drift =
        Drift { stage, symbol: XRP, at: (2.3 - 0.48 + 0.024) / 2.0, is_mirrored: false };
    drift.pull_back();
    drift.minutes(1, STEP, 4000.0);
    drift.end();
    assert_eq!(drift.stage.skips().last(), Some(&Skip::TimeframeMisaligned));
}

#[test]
fn triggers_add_up_and_are_mirrors_of_each_other() {
    // A random walk: every trigger comes, and the two directions are mirrors of each other.
    let of = Instrument { price_precision: 2, ..Stage::instrument_of(XRP) };
    let (mut bars, mut mirrored) = (Bars::new(8), Bars::new(8));
    let (mut at, mut seed, mut seen) = (100_000_i64, 1_u32, BTreeSet::new());
    let (params, mut both) = (Params::default(), 0);
    let table = params.table(&of);
    for _ in 0..5000 {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        at += i64::from(seed >> 25) - 63;
        let flat = |px: i64| {
            let px = Px::new(px);
            Bar { open: px, high: px, low: px, close: px, vwap: px, ..Bar::default() }
        };
        let pair = bars.push(&flat(at), &of).zip(mirrored.push(&flat(200_000 - at), &of));
        let Some(pair) = pair else { continue };
        let (one, other) = &pair;
        let (up, down) = (one.strength(Long, 30.0), one.strength(Short, 30.0));
        assert!((up - other.strength(Short, 30.0)).abs() < 1e-9);
        assert!((down - other.strength(Long, 30.0)).abs() < 1e-9);
        if up > 0.0 && down > 0.0 {
            both += 1;
            let why = burst(&pair.0, Regime::Medium, 0.0, &table, 0.0, &params).unwrap_err();
            assert_eq!(why, Skip::MomentumNotConfirmed);
        }
        seen.extend([up, down].map(|strength| format!("{strength:.2}")));
    }
    let all = ["0.00", "0.25", "0.40", "0.50", "0.75"].map(String::from);
    assert_eq!(seen, BTreeSet::from(all));
    assert!(both > 0);
}

/// Bought, and everything that holds entries back holds them back.
fn held(params: &str, is_mirrored: bool) -> Drift {
    let none =
        "total_usd_max = 25.0\nsession_loss_max_pct = 0.001\nlosses_max = 1\ncooldown_s = 86400";
    let own = "[symbols.'XRP/USD']\ntarget_pct = 40.0\nstop_pct = 0.5";
    let mut drift = ready(&format!("{none}\n{params}\n{own}"), XRP, is_mirrored);
    drift.minutes(1, 0.0, 50.0);
    assert!(!drift.stage.is_flat(XRP), "{:?}", drift.stage.skips());
    drift
}

/// Nothing but what is asked for ends the position.
const PATIENT: &str = "exhaustion_rsi = 101.0\ntrail_activate_pct = 50.0\nhold_max_s = 86400";

#[test]
fn exits_wait_for_nothing() {
    for is_mirrored in [false, true] {
        let mut drift = held("trail_activate_pct = 50.0", is_mirrored);
        drift.minutes(5, STEP, 50.0);
        assert_eq!(drift.stage.codes()[1..], ["exhausted"]);
        assert!(drift.stage.is_flat(XRP));

        let mut drift = held(PATIENT, is_mirrored);
        drift.minutes(8, STEP, 50.0);
        drift.minutes(4, -STEP, 50.0);
        assert_eq!(drift.stage.codes()[1..], ["ema_cross"]);
        assert!(drift.stage.is_flat(XRP));

        let mut drift = held(PATIENT, is_mirrored);
        drift.minutes(8, -STEP, 50.0);
        assert_eq!(drift.stage.fills()[1].trigger, Trigger::StopLoss);
        assert_eq!(drift.stage.codes().len(), 1, "no profit, no reason to leave");
    }
}

#[test]
fn time_is_up_after_ten_minutes() {
    let mut drift = held("", false);
    drift.minutes(8, 0.0, 50.0);
    assert!(!drift.stage.is_flat(XRP));
    drift.minutes(2, 0.0, 50.0);
    assert_eq!(drift.stage.fills()[1].trigger, Trigger::TimeStop);
}

#[test]
fn the_stop_follows_once_it_covers_the_costs() {
    for is_mirrored in [false, true] {
        let mut drift = held("exhaustion_rsi = 101.0", is_mirrored);
        drift.minutes(3, STEP, 50.0);
        assert_eq!(drift.stage.codes().len(), 1, "too little is earned yet");
        drift.minutes(5, STEP, 50.0);
        let signals = drift.stage.signals();
        assert!((2..40).contains(&signals.len()), "in steps: {}", signals.len());
        assert!(signals[1..].iter().all(|of| of.action == Action::Protect));
        assert!(drift.stage.rejects().is_empty(), "{:?}", drift.stage.rejects());
        drift.minutes(1, -4.0 * STEP, 50.0);
        let last = *drift.stage.fills().last().unwrap();
        assert!(matches!(last.trigger, Trigger::StopLoss), "{:?}", last.trigger);
        assert!(last.trade_net.unwrap() > 0, "never below the costs");
    }
}

#[test]
fn a_refused_exit_is_repeated_each_second_until_it_is_done() {
    let mut drift = held("trail_activate_pct = 50.0", false);
    drift.minutes(3, STEP, 50.0);
    drift.stage.event(XRP, MarketKind::Trading(TradingStatus::Closed));
    drift.minutes(1, STEP, 50.0);
    drift.end();
    let tried = drift.stage.codes().len();
    assert!(tried > 1, "{:?}", drift.stage.skips());
    for _ in 0..100 {
        drift.book();
    }
    drift.stage.pass(5);
    let again = drift.stage.codes().len() - tried;
    assert!((4..=6).contains(&again), "{again}");
    drift.stage.event(XRP, MarketKind::Trading(TradingStatus::Online));
    drift.stage.pass(2);
    assert!(drift.stage.is_flat(XRP));
}

#[test]
fn nothing_is_sent_twice_while_it_is_under_way() {
    let slow = |config: &mut EngineConfig| Stage::slow(config, DurationNs::from_secs(3));
    let own = "[symbols.'XRP/USD']\ntarget_pct = 40.0\ncooldown_trades = 0";
    let params = format!("{USUAL}\ntrail_activate_pct = 50.0\ncooldown_s = 0\n{own}");
    let stage = Stage::with("momentum_scalping", &params, slow);
    let mut drift = Drift::on(stage, XRP, false);
    drift.pull_back();
    drift.minutes(1, STEP, 4000.0);
    drift.minutes(6, STEP, 50.0);
    assert_eq!(drift.stage.codes(), ["burst_long", "exhausted"]);
    assert!(drift.stage.is_flat(XRP));
}

#[test]
fn losses_and_cooldowns_keep_the_next_burst_out() {
    let own = "[symbols.'XRP/USD']\nstop_pct = 0.1\ncooldown_trades";
    for (params, want) in [
        (format!("losses_max = 1\n{own} = 0"), Skip::CircuitBreaker),
        (format!("session_loss_max_pct = 0.01\n{own} = 0"), Skip::DailyLoss),
        (format!("cooldown_s = 86400\n{own} = 0"), Skip::TimeCooldown),
        (format!("cooldown_s = 0\n{own} = 1000"), Skip::TradeCooldown),
    ] {
        let mut drift = ready(&params, XRP, false);
        drift.minutes(3, -STEP, 50.0);
        assert_eq!(drift.stage.fills()[1].trigger, Trigger::StopLoss);
        assert_eq!(drift.stage.codes(), ["burst_long"]);
        assert_eq!(drift.stage.skips().last(), Some(&want));
    }
}

/// The counter of orders runs on where the tape is full.
#[test]
fn many_orders_later_a_second_burst_is_possible() {
    let mut drift = ready("hold_max_s = 1", XRP, false);
    drift.end();
    for i in 0..3000 {
        drift.stage.now = drift.stage.now.plus(DurationNs::from_millis(10));
        let px = drift.px(drift.at);
        let side = if i % 2 == 0 { OrderSide::Buy } else { OrderSide::Sell };
        drift.stage.trade(XRP, side, px, 0.1);
    }
    drift.stage.pass(29);
    drift.minutes(40, 5.0 * DRIFT, 1000.0);
    drift.minutes(3, -5.0 * STEP, 100.0);
    drift.minutes(1, 5.0 * STEP, 20_000.0);
    drift.minutes(1, 0.0, 50.0);
    assert_eq!(drift.stage.codes(), ["burst_long"; 2], "{:?}", drift.stage.skips());
}

#[test]
fn the_cross_pair_wants_its_sides_to_move_together() {
    for (alike, want) in [(1.0, None), (-1.0, Some(Skip::LowCorrelation))] {
        let mut drift = Drift::new("", CROSS, false);
        let wave: Vec<f64> = (0..125).map(|i| 1.0 + 0.002 * f64::from(i).sin()).collect();
        let of = |at: f64, alike: f64| at * alike + 1.0 - alike;
        let bitcoin: Vec<f64> = wave.iter().map(|at| 100_000.0 * at).collect();
        let other: Vec<f64> = wave.iter().map(|at| 2.0 * of(*at, alike)).collect();
        drift.stage.past(BTC, &bitcoin, 5, 1000.0);
        drift.stage.past(XRP, &other, 5, 1000.0);
        drift.pull_back();
        drift.minutes(1, STEP, 4000.0);
        drift.stage.book(BTC, 99_999.9, 100_000.1);
        drift.end();
        match want {
            None => assert_eq!(drift.stage.codes(), ["burst_long"], "{:?}", drift.stage.skips()),
            Some(want) => assert_eq!(drift.stage.skips().last(), Some(&want)),
        }
    }
}

/// A market of random minutes and volumes, with dead and crossed books and silent minutes in it.
fn random(params: &str) -> (Vec<Signal>, Vec<Skip>) {
    let mut drift = Drift::new(params, XRP, false);
    let mut seed = 5_u64;
    for i in 0..200 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = f64::from(u32::try_from(seed >> 32).unwrap()) / f64::from(u32::MAX) - 0.5;
        drift.minutes(1, 0.01 * step, if i % 3 == 0 { 4000.0 } else { 50.0 });
        match i % 9 {
            3 => drift.stage.event(XRP, MarketKind::Status(SymbolStatus::Stale)),
            4 => drift.stage.pass(120),
            5 => drift.stage.book(XRP, 2.1, 1.9),
            _ => {}
        }
    }
    assert!(drift.stage.is_alive());
    (drift.stage.signals(), drift.stage.skips())
}

#[test]
fn any_market_is_survived_and_replays_to_the_same_signals() {
    let eager = "strength_min = 0.01\nflow_min = 0.0\nlosses_max = 0\nsession_loss_max_pct = 100.0
flow_orders = 5\nbook_age_max_ms = 600000\ncooldown_s = 0\nflow_age_max_s = 86400
[symbols.'XRP/USD']\nvolume_mult = 0.0\ncooldown_trades = 0";
    let (once, again) = (random(eager), random(eager));
    assert!(once.0.len() > 5, "{}", once.0.len());
    assert_eq!(once, again);
}

#[test]
fn a_dead_market_never_enters() {
    let mut stage = Stage::with("momentum_scalping", USUAL, |_| ());
    stage.past(XRP, &[2.0; 301], 1, 1000.0);
    for _ in 0..20 {
        stage.walk(&[(XRP, 2.0, 2.0)], 10.0);
    }
    assert!(stage.signals().is_empty());
    assert!(stage.skips().iter().all(|why| *why == Skip::WarmingUp), "nothing moved: no RSI");
}
