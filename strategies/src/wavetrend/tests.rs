use paperwire_core::account::Trigger;
use paperwire_core::event::{MarketKind, SymbolStatus};
use paperwire_core::instrument::{SymbolId, TradingStatus};
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, ExitLevel, Signal, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_exec::engine::EngineConfig;

use crate::stage::{BTC, CROSS, Stage, XRP};

/// Bars that fall before the market turns, and the share of the price they fall by.
const FALL_BARS: usize = 10;
const STEP: f64 = 0.004;
/// Bars after the turn until the waves have crossed.
const TURN_BARS: usize = 2;

/// Closes of five minutes as factors: a quiet market, and a fall that leaves it oversold.
fn fall() -> Vec<f64> {
    let mut closes: Vec<f64> = (0..60).map(|i| 1.0 + 0.001 * f64::from(i).sin()).collect();
    for _ in 0..FALL_BARS {
        closes.push(closes[closes.len() - 1] * (1.0 - STEP));
    }
    closes
}

const fn price(symbol: SymbolId) -> f64 {
    match symbol {
        BTC => 100_000.0,
        XRP => 2.0,
        _ => 0.000_02,
    }
}

/// A market of some symbols that moves in bars of five minutes, or upside down.
struct Waves {
    stage: Stage,
    symbols: Vec<SymbolId>,
    /// The price as a factor.
    at: f64,
    is_mirrored: bool,
}

impl Waves {
    /// After the fall, or when mirrored after the rise.
    fn new(params: &str, symbols: &[SymbolId], is_mirrored: bool) -> Self {
        Self::on(Stage::with("wavetrend", params, |_| ()), symbols, is_mirrored)
    }

    fn on(stage: Stage, symbols: &[SymbolId], is_mirrored: bool) -> Self {
        let symbols = symbols.to_vec();
        let mut waves = Self { stage, symbols, at: 1.0, is_mirrored };
        let closes = fall();
        for symbol in waves.symbols.clone() {
            let path: Vec<f64> = closes.iter().map(|at| waves.px(symbol, *at)).collect();
            waves.stage.past(symbol, &path, 5, 1000.0);
        }
        waves.at = closes[closes.len() - 1];
        waves
    }

    fn px(&self, symbol: SymbolId, at: f64) -> f64 {
        price(symbol) * if self.is_mirrored { 2.0 - at } else { at }
    }

    /// Whole bars; each ends as the first second after it passes.
    fn bars(&mut self, count: usize, step: f64) {
        for _ in 0..5 * count {
            let to = self.at * (1.0 + step / 5.0);
            let leg = |s: &SymbolId| (*s, self.px(*s, self.at), self.px(*s, to));
            let legs: Vec<_> = self.symbols.iter().map(leg).collect();
            self.stage.walk(&legs, 40.0);
            self.at = to;
        }
    }

    fn books(&mut self) {
        for symbol in self.symbols.clone() {
            let (px, tick) = (self.px(symbol, self.at), price(symbol) * 1e-5);
            self.stage.book(symbol, px - tick, px + tick);
        }
    }

    /// The bar that is complete ends.
    fn end(&mut self) {
        self.books();
        self.stage.pass(1);
    }
}

/// Just before the bar that crosses is known to have ended.
fn ready(params: &str, is_mirrored: bool) -> Waves {
    let mut waves = Waves::new(params, &[XRP], is_mirrored);
    waves.bars(TURN_BARS, STEP);
    assert!(waves.stage.signals().is_empty(), "{:?}", waves.stage.codes());
    waves
}

#[track_caller]
fn check_entry(is_mirrored: bool, action: Action, code: &str, usd: f64) -> Signal {
    let mut waves = ready("", is_mirrored);
    waves.end();
    assert_eq!(waves.stage.codes(), [code], "{:?}", waves.stage.skips());
    let signal = waves.stage.signals()[0];
    assert_eq!(signal.action, action);
    assert_eq!(signal.size, Size::Notional(Money::from_num(usd)));
    assert_eq!(signal.exits.stop, ExitLevel::PctFromFill(1.5));
    assert_eq!(signal.exits.target, ExitLevel::PctFromFill(3.0));
    assert!(waves.stage.rejects().is_empty(), "{:?}", waves.stage.rejects());
    assert_eq!(waves.stage.fills().len(), 1);
    signal
}

fn value(signal: &Signal, name: &str) -> f64 {
    signal.reason.values().iter().find(|(of, _)| *of == name).unwrap().1
}

#[test]
fn golden_entries() {
    let long = check_entry(false, Action::Buy, "wave_long", 25.0);
    assert!(value(&long, "wt1") < -60.0 && value(&long, "wt1") > value(&long, "wt2"));
    assert!(value(&long, "confidence") >= 0.75);
    let short = check_entry(true, Action::Short, "wave_short", 20.0);
    assert!(value(&short, "wt1") > 60.0 && value(&short, "wt1") < value(&short, "wt2"));
}

#[test]
fn a_thousand_ticks_in_a_bar_change_nothing() {
    let mut waves = ready("", false);
    for _ in 0..1000 {
        waves.books();
        let px = waves.px(XRP, waves.at);
        waves.stage.trade(XRP, OrderSide::Buy, px, 0.1);
    }
    assert!(waves.stage.signals().is_empty());
    waves.end();
    for _ in 0..1000 {
        waves.books();
    }
    waves.bars(1, 0.0);
    assert_eq!(waves.stage.codes(), ["wave_long"], "a crossing is used once");
}

#[track_caller]
fn check_refused(params: &str, spoil: impl Fn(&mut Waves), want: Skip) {
    let mut waves = ready(params, false);
    spoil(&mut waves);
    waves.end();
    assert!(waves.stage.signals().is_empty(), "{:?}", waves.stage.codes());
    assert_eq!(waves.stage.skips().last(), Some(&want), "{params}");
}

#[test]
fn each_refusal_has_its_cause() {
    let sell = |waves: &mut Waves| {
        let px = waves.px(XRP, waves.at);
        for _ in 0..60 {
            waves.stage.now = waves.stage.now.plus(DurationNs::from_millis(5));
            waves.stage.trade(XRP, OrderSide::Sell, px, 10.0);
        }
    };
    check_refused("total_usd_max = 4.0", |_| (), Skip::MaxPosition);
    check_refused("position_usd_max = 4.0", |_| (), Skip::MaxPosition);
    check_refused("net_min_pct = 2.9", |_| (), Skip::NotFeeProfitable);
    let high = "[symbols.'XRP/USD']\nzone = 190.0\nextreme_zone = 200.0";
    check_refused(high, |_| (), Skip::ZoneNotConfirmed);
    let weak = format!("requires_zone = false\n{high}");
    check_refused(&weak, |_| (), Skip::InsufficientConfidence);
    check_refused("confidence_min = 0.95", |_| (), Skip::InsufficientConfidence);
    check_refused("", sell, Skip::TradeFlowNotAligned);
    check_refused("flow_age_max_s = 1", |_| (), Skip::NoVolume);
    check_refused("long_usd_max = 4.0", |_| (), Skip::CorrelationLimit);
    check_refused("[symbols.'XRP/USD']\nposition_usd = 4.9", |_| (), Skip::InsufficientSize);
}

#[test]
fn a_silent_or_dead_book_and_too_few_bars_are_refused() {
    let mut waves = ready("", false);
    waves.stage.pass(1);
    assert_eq!(waves.stage.skips().last(), Some(&Skip::StaleBook), "silent for 16 seconds");
    let mut waves = ready("", false);
    waves.books();
    waves.stage.event(XRP, MarketKind::Status(SymbolStatus::Stale));
    waves.stage.pass(1);
    assert_eq!(waves.stage.skips().last(), Some(&Skip::StaleBook));
    let mut stage = Stage::of("wavetrend");
    stage.past(XRP, &[2.0; 31], 5, 1000.0);
    for _ in 0..6 {
        stage.walk(&[(XRP, 2.0, 2.0)], 10.0);
    }
    assert_eq!(stage.skips().last(), Some(&Skip::WarmingUp));
}

/// Bought, and everything that holds entries back holds them back.
fn held(params: &str, is_mirrored: bool) -> Waves {
    let all = "[symbols.'XRP/USD']\ncooldown_s = 86400\ntarget_pct = 40.0\nstop_pct = 40.0
zone = 50.0\nextreme_zone = 50.0";
    let none = "position_usd_max = 25.0\nsession_loss_max_pct = 0.001\nlosses_max = 1";
    let mut waves = ready(&format!("{none}\n{params}\n{all}"), is_mirrored);
    waves.bars(1, STEP);
    assert_eq!(waves.stage.signals().len(), 1, "{:?}", waves.stage.skips());
    assert!(!waves.stage.is_flat(XRP));
    waves
}

#[test]
fn exits_wait_for_nothing() {
    for is_mirrored in [false, true] {
        let mut waves = held("", is_mirrored);
        waves.bars(12, -STEP);
        assert_eq!(waves.stage.codes()[1..], ["opposite_cross"]);
        assert!(waves.stage.is_flat(XRP));
        let mut waves = held("", is_mirrored);
        waves.bars(12, STEP);
        waves.bars(6, 4.0 * STEP);
        assert_eq!(waves.stage.codes()[1..], ["extreme_zone"]);
        assert!(waves.stage.is_flat(XRP));
    }
}

#[test]
fn the_engine_holds_stop_target_and_trail() {
    for (params, step, want) in [
        ("", -5.0 * STEP, Trigger::StopLoss),
        ("", STEP, Trigger::TakeProfit),
        ("trails = true", 0.0, Trigger::TrailingStop),
    ] {
        let mut waves = ready(params, false);
        waves.bars(1, STEP);
        if step == 0.0 {
            waves.bars(3, STEP);
        }
        waves.bars(8, if step == 0.0 { -0.5 * STEP } else { step });
        let fills = waves.stage.fills();
        assert_eq!(fills[1].trigger, want, "{:?}", waves.stage.codes());
    }
}

#[test]
fn a_refused_exit_is_repeated_each_second_until_it_is_done() {
    let mut waves = held("", false);
    waves.stage.event(XRP, MarketKind::Trading(TradingStatus::Closed));
    waves.bars(8, -STEP);
    assert!(waves.stage.codes().contains(&"opposite_cross"));
    let tried = waves.stage.codes().len();
    for _ in 0..100 {
        waves.books();
    }
    waves.stage.pass(5);
    let again = waves.stage.codes().len() - tried;
    assert!((4..=6).contains(&again), "{again}");
    waves.stage.event(XRP, MarketKind::Trading(TradingStatus::Online));
    waves.stage.pass(2);
    assert!(waves.stage.is_flat(XRP));
}

#[test]
fn nothing_is_sent_twice_while_it_is_under_way() {
    let slow = |config: &mut EngineConfig| Stage::slow(config, DurationNs::from_secs(3));
    let far = "[symbols.'XRP/USD']\ntarget_pct = 40.0\nstop_pct = 40.0";
    let mut waves = Waves::on(Stage::with("wavetrend", far, slow), &[XRP], false);
    waves.bars(TURN_BARS + 1, STEP);
    waves.bars(8, -STEP);
    assert_eq!(waves.stage.codes(), ["wave_long", "opposite_cross"]);
    assert!(waves.stage.is_flat(XRP));
}

#[test]
fn losses_and_cooldown_keep_the_next_crossing_out() {
    let own = "[symbols.'XRP/USD']\nstop_pct = 0.5\ncooldown_s";
    for (params, want) in [
        (format!("losses_max = 1\nlosses_pause_min = 600\n{own} = 0"), Skip::CircuitBreaker),
        (format!("session_loss_max_pct = 0.01\n{own} = 0"), Skip::DailyLoss),
        (format!("{own} = 86400"), Skip::TimeCooldown),
    ] {
        let mut waves = ready(&params, false);
        waves.bars(1, STEP);
        waves.bars(8, -STEP);
        waves.bars(6, STEP);
        assert_eq!(waves.stage.codes(), ["wave_long"]);
        assert_eq!(waves.stage.fills()[1].trigger, Trigger::StopLoss);
        assert_eq!(waves.stage.skips().last(), Some(&want));
    }
}

#[test]
fn two_markets_that_move_alike_are_one_bet() {
    let run = |params: &str| {
        let mut waves = Waves::new(params, &[BTC, XRP], false);
        waves.bars(TURN_BARS, STEP);
        waves.end();
        (waves.stage.signals(), waves.stage.skips())
    };
    let (signals, skips) = run("");
    assert_eq!(signals.iter().map(|of| of.symbol).collect::<Vec<_>>(), [BTC]);
    assert!(skips.contains(&Skip::CorrelationLimit));
    // Allowed, the second is halved for the likeness and cut again for the direction.
    let small = "size_usd_min = 1.0\n[symbols.'BTC/USD']\nposition_usd = 25.0";
    let (signals, _) = run(&format!("correlation_block = 1.0\n{small}"));
    let Size::Notional(usd) = signals[1].size else { panic!("{:?}", signals[1].size) };
    assert!((usd.to_num::<f64>() - 25.0 * 0.5 * 0.75).abs() < 0.1, "{usd}");
}

#[test]
fn the_cross_pair_is_sized_in_dollars() {
    let mut waves = Waves::new("", &[CROSS], false);
    // Bitcoin stands still: it only prices the cross pair.
    waves.stage.past(BTC, &[100_000.0; 61], 5, 1000.0);
    for _ in 0..5 * TURN_BARS {
        let to = waves.at * (1.0 + STEP / 5.0);
        let leg = (CROSS, waves.px(CROSS, waves.at), waves.px(CROSS, to));
        waves.stage.walk(&[(BTC, 100_000.0, 100_000.0), leg], 40.0);
        waves.at = to;
    }
    waves.stage.book(BTC, 99_999.9, 100_000.1);
    waves.end();
    assert_eq!(waves.stage.codes(), ["wave_long"], "{:?}", waves.stage.skips());
    let held = waves.stage.held(CROSS);
    assert!((held * waves.px(CROSS, waves.at) * 100_000.0 - 15.0).abs() < 0.1, "{held}");
}

#[test]
fn a_dead_or_crossed_market_never_enters() {
    let mut stage = Stage::of("wavetrend");
    stage.past(XRP, &[2.0; 61], 5, 1000.0);
    for _ in 0..30 {
        stage.walk(&[(XRP, 2.0, 2.0)], 10.0);
    }
    stage.book(XRP, 2.1, 1.9);
    stage.pass(300);
    assert!(stage.signals().is_empty());
    assert!(stage.skips().iter().all(|why| [Skip::NoCrossover, Skip::StaleBook].contains(why)));
}

/// A market of random bars, with dead and crossed books in it.
fn random(params: &str) -> (Vec<Signal>, Vec<Skip>) {
    let mut waves = Waves::new(params, &[BTC, XRP, CROSS], false);
    let mut seed = 7_u64;
    for i in 0..60 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = f64::from(u32::try_from(seed >> 32).unwrap()) / f64::from(u32::MAX) - 0.5;
        waves.bars(1, 0.02 * step);
        match i % 7 {
            3 => waves.stage.event(XRP, MarketKind::Status(SymbolStatus::Stale)),
            5 => waves.stage.book(CROSS, 0.000_03, 0.000_02),
            _ => {}
        }
    }
    assert!(waves.stage.is_alive());
    (waves.stage.signals(), waves.stage.skips())
}

#[test]
fn any_market_is_survived_and_replays_to_the_same_signals() {
    let eager = "requires_zone = false\nconfidence_min = 0.0\nflow_veto = 1.0\nlosses_max = 0
correlation_block = 1.0\nsession_loss_max_pct = 100.0\nbook_age_max_ms = 60000\ntrails = true";
    let (once, again) = (random(eager), random(eager));
    assert!(once.0.len() > 5, "{}", once.0.len());
    assert_eq!(once, again);
}

#[test]
fn a_target_nearer_than_its_stop_is_refused() {
    let make = |params: &str| crate::find("wavetrend").unwrap().make(&params.parse().unwrap());
    let error = make("[symbols.'XRP/USD']\ntarget_pct = 0.75").err().unwrap();
    assert!(error.to_string().contains("target_pct"), "{error}");
    assert!(make("[symbols.'XRP/USD']\nstop_pct = 0.5\ntarget_pct = 0.75").is_ok());
}
