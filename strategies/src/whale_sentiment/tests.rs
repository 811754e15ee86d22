use paperwire_core::account::Trigger;
use paperwire_core::event::{MarketKind, SymbolStatus};
use paperwire_core::instrument::{SymbolId, TradingStatus};
use paperwire_core::order::{Distance, Trail};
use paperwire_core::strategy::{Action, ExitLevel, Signal, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_exec::engine::EngineConfig;
use paperwire_signals::router::Router;

use crate::stage::{BTC, Stage, XRP};

/// A usual regime, whatever the market does.
const USUAL: &str = "regime = 'fixed'\nregime_cuts_pct = [0.0, 50.0, 90.0]";

const fn price(symbol: SymbolId) -> f64 {
    match symbol {
        BTC => 100_000.0,
        _ => 2.0,
    }
}

/// A market after more than a day of quiet and a fall within four hours, or upside down.
struct Crowd {
    stage: Stage,
    symbols: Vec<SymbolId>,
    /// The price as a factor.
    at: f64,
    is_mirrored: bool,
}

impl Crowd {
    fn new(params: &str, symbols: &[SymbolId], fall: f64, is_mirrored: bool) -> Self {
        let params = if params.contains("regime") { params } else { &format!("{USUAL}\n{params}") };
        Self::on(Stage::with("whale_sentiment", params, |_| ()), symbols, fall, is_mirrored)
    }

    fn on(stage: Stage, symbols: &[SymbolId], fall: f64, is_mirrored: bool) -> Self {
        let mut closes: Vec<f64> = (0..301).map(|i| 1.0 + 0.0005 * f64::from(i).sin()).collect();
        let step = (1.0 - fall - closes[300]) / 12.0;
        closes.extend((1..=12).map(|i| closes[300] + step * f64::from(i)).collect::<Vec<_>>());
        let (symbols, at) = (symbols.to_vec(), 1.0 - fall);
        let mut crowd = Self { stage, symbols, at, is_mirrored };
        for symbol in crowd.symbols.clone() {
            let path: Vec<f64> = closes.iter().map(|at| crowd.px(symbol, *at)).collect();
            crowd.stage.past(symbol, &path, 5, 1000.0);
        }
        // The first bar that is heard began before we listened.
        crowd.bar(0.0, 10.0);
        crowd
    }

    fn px(&self, symbol: SymbolId, at: f64) -> f64 {
        price(symbol) * if self.is_mirrored { 2.0 - at } else { at }
    }

    /// A whole bar, which ends as the first second after it passes.
    fn bar(&mut self, step: f64, volume: f64) {
        for _ in 0..5 {
            let to = self.at * (1.0 + step / 5.0);
            let leg = |s: &SymbolId| (*s, self.px(*s, self.at), self.px(*s, to));
            let legs: Vec<_> = self.symbols.iter().map(leg).collect();
            self.stage.walk(&legs, volume / 5.0);
            self.at = to;
        }
    }

    fn books(&mut self, half_spread: f64) {
        for symbol in self.symbols.clone() {
            let px = self.px(symbol, self.at);
            self.stage.book(symbol, px * (1.0 - half_spread), px * (1.0 + half_spread));
        }
    }

    fn end(&mut self) {
        self.books(5e-6);
        self.stage.pass(1);
    }
}

/// Just before the bar with the large volume is known to have ended.
fn ready(params: &str, fall: f64, is_mirrored: bool) -> Crowd {
    let mut crowd = Crowd::new(params, &[XRP], fall, is_mirrored);
    crowd.bar(0.005, 20_000.0);
    assert!(crowd.stage.signals().is_empty(), "{:?}", crowd.stage.codes());
    crowd
}

#[track_caller]
fn enter(params: &str, fall: f64, is_mirrored: bool) -> Signal {
    let mut crowd = ready(params, fall, is_mirrored);
    crowd.end();
    assert_eq!(crowd.stage.codes().len(), 1, "{:?}", crowd.stage.skips());
    assert!(crowd.stage.rejects().is_empty(), "{:?}", crowd.stage.rejects());
    assert!(!crowd.stage.is_flat(XRP));
    crowd.stage.signals()[0]
}

#[track_caller]
fn check_entry(params: &str, fall: f64, is_mirrored: bool, action: Action, usd: f64) {
    let signal = enter(params, fall, is_mirrored);
    assert_eq!(signal.action, action);
    let Size::Notional(size) = signal.size else { panic!("{:?}", signal.size) };
    assert!((size.to_num::<f64>() - usd).abs() < 1e-9, "{size} {usd}");
}

#[test]
fn golden_entries() {
    check_entry("", 0.06, false, Action::Buy, 25.0);
    check_entry("", 0.10, false, Action::Buy, 25.0 * 0.95);
    check_entry("", 0.06, true, Action::Short, 25.0 * 0.9 * 0.6);
    check_entry("", 0.10, true, Action::Short, 25.0 * 0.8 * 0.6);
    check_entry("zone_shrink_h = 0", 0.10, false, Action::Buy, 25.0 * 0.95 * 0.7);
}

/// Stop and target go with the volatility, as do size and wait.
#[test]
fn the_regime_moves_size_and_levels() {
    for (cuts, size, levels) in [("[50.0, 60.0, 70.0]", 1.1, 0.8), ("[0.0, 0.0, 90.0]", 0.75, 1.5)]
    {
        let params = format!("regime = 'fixed'\nregime_cuts_pct = {cuts}\ntrails = true");
        let signal = enter(&params, 0.06, false);
        let Size::Notional(usd) = signal.size else { panic!("{:?}", signal.size) };
        assert!((usd.to_num::<f64>() - 25.0 * size).abs() < 1e-9);
        assert_eq!(signal.exits.stop, ExitLevel::PctFromFill(2.5 * levels));
        assert_eq!(signal.exits.target, ExitLevel::PctFromFill(5.0 * levels));
        let distance = Distance::Percent(1.0);
        assert_eq!(signal.exits.trail, Some(Trail { distance, activation_pct: 2.5 * levels }));
    }
}

#[test]
fn with_the_crowd_everything_is_reversed() {
    let mut crowd = Crowd::new("is_contrarian = false", &[XRP], 0.06, false);
    crowd.bar(-0.005, 20_000.0);
    crowd.bar(-0.005, 20_000.0);
    assert_eq!(crowd.stage.codes(), ["whale_short"], "{:?}", crowd.stage.skips());
}

#[track_caller]
fn check_refused(params: &str, spoil: impl Fn(&mut Crowd), want: Skip) {
    let mut crowd = Crowd::new(params, &[XRP], 0.06, false);
    spoil(&mut crowd);
    crowd.stage.pass(1);
    assert!(crowd.stage.signals().is_empty(), "{:?}", crowd.stage.codes());
    assert_eq!(crowd.stage.skips().last(), Some(&want), "{params}");
}

#[test]
fn each_refusal_has_its_cause() {
    let good = |crowd: &mut Crowd| {
        crowd.bar(0.005, 20_000.0);
        crowd.books(5e-6);
    };
    let bar = |step: f64, volume: f64| {
        move |crowd: &mut Crowd| {
            crowd.bar(step, volume);
            crowd.books(5e-6);
        }
    };
    let seller = |crowd: &mut Crowd| {
        crowd.bar(0.005, 20_000.0);
        for _ in 0..10 {
            crowd.stage.now = crowd.stage.now.plus(DurationNs::from_millis(20));
            let px = crowd.px(XRP, crowd.at);
            crowd.stage.trade(XRP, OrderSide::Sell, px, 10.0);
        }
        crowd.books(5e-6);
    };
    let wide = |crowd: &mut Crowd| {
        crowd.bar(0.005, 20_000.0);
        crowd.books(0.004);
    };
    let wild = "regime = 'fixed'\nregime_cuts_pct = [0.0, 0.0, 0.0]";
    check_refused("", |crowd| crowd.bar(0.005, 20_000.0), Skip::StaleBook);
    check_refused("", bar(0.04, 20_000.0), Skip::NeutralSentiment);
    check_refused(wild, good, Skip::ExtremeVolatility);
    let deep = "zone_pause_h = 0\n[symbols.'XRP/USD']\nextreme_pct = 5.0";
    check_refused(deep, good, Skip::WaitingZoneExit);
    check_refused("total_usd_max = 4.0", good, Skip::MaxPosition);
    check_refused("net_min_pct = 4.9", good, Skip::NotFeeProfitable);
    check_refused("", bar(0.005, 9_000.0), Skip::WhaleMismatch); // less than twice the usual
    check_refused("", bar(-0.005, 20_000.0), Skip::WhaleMismatch);
    check_refused("", bar(0.0005, 20_000.0), Skip::VolumeFalsePositive); // nothing moved
    check_refused("", wide, Skip::VolumeFalsePositive);
    check_refused("prints_min = 21", good, Skip::VolumeFalsePositive);
    check_refused("", seller, Skip::TradeFlowNotAligned);
    check_refused("flow_age_max_s = 1", good, Skip::NoVolume);
    check_refused("long_usd_max = 4.0", good, Skip::CorrelationLimit);
    check_refused("[symbols.'XRP/USD']\nposition_usd = 4.0", good, Skip::InsufficientSize);
    // Just twice the usual volume: 0.28 and 0.21, and the takers' 0.10, for 0.6.
    check_refused("confidence_min = 0.6", bar(0.005, 10_700.0), Skip::InsufficientConfidence);
}

/// A strong trend asks 0.2 more of the confidence, and of nothing else.
#[test]
fn a_strong_trend_asks_for_more_confidence() {
    for (volume, router, codes) in [
        (10_700.0, None, vec!["whale_long"]),
        (10_700.0, Some(Router::of("whale_sentiment")), vec![]),
        (40_000.0, Some(Router::of("whale_sentiment")), vec!["whale_long"]),
    ] {
        let stage = Stage::under(router, "whale_sentiment", USUAL, |config| {
            // Whatever leans at all leans strongly.
            (config.detector.cut, config.detector.strong_cut) = (1e-9, 2e-9);
        });
        let mut crowd = Crowd::on(stage, &[XRP], 0.06, false);
        crowd.bar(0.005, volume);
        crowd.end();
        assert_eq!(crowd.stage.codes(), codes, "{volume} {:?}", crowd.stage.skips());
        let last = codes.is_empty().then_some(&Skip::InsufficientConfidence);
        assert_eq!(crowd.stage.skips().last().filter(|_| codes.is_empty()), last);
    }
}

#[test]
fn two_markets_that_move_alike_are_one_bet() {
    let own = "[symbols.'BTC/USD']\nzone_pct = 5.0\nextreme_pct = 8.0";
    let mut crowd = Crowd::new(own, &[BTC, XRP], 0.06, false);
    crowd.bar(0.005, 20_000.0);
    crowd.end();
    let signals = crowd.stage.signals();
    assert_eq!(signals.iter().map(|of| of.symbol).collect::<Vec<_>>(), [BTC]);
    assert!(crowd.stage.skips().contains(&Skip::CorrelationLimit));
}

#[test]
fn a_day_of_bars_is_waited_for() {
    let mut stage = Stage::with("whale_sentiment", USUAL, |_| ());
    stage.past(XRP, &[2.0; 201], 5, 1000.0);
    for _ in 0..6 {
        stage.walk(&[(XRP, 2.0, 2.0)], 10.0);
    }
    assert_eq!(stage.skips().last(), Some(&Skip::WarmingUp));
}

/// Bought, and everything that holds entries back holds them back.
fn held(is_mirrored: bool) -> Crowd {
    let none = "total_usd_max = 30.0\nsession_loss_max_pct = 0.001\nlosses_max = 1";
    let own = "[symbols.'XRP/USD']\ncooldown_s = 86400\ntarget_pct = 40.0";
    let mut crowd = ready(&format!("{none}\n{own}"), 0.06, is_mirrored);
    crowd.bar(0.0, 50.0);
    assert!(!crowd.stage.is_flat(XRP), "{:?}", crowd.stage.skips());
    crowd
}

#[test]
fn exits_wait_for_nothing() {
    for is_mirrored in [false, true] {
        let mut crowd = held(is_mirrored);
        crowd.bar(0.03, 50.0);
        assert_eq!(crowd.stage.codes().len(), 1);
        crowd.bar(0.04, 50.0); // above the lowest by more than below the highest
        crowd.end();
        assert_eq!(crowd.stage.codes()[1..], ["sentiment_reversal"]);
        assert!(crowd.stage.is_flat(XRP));
        let mut crowd = held(is_mirrored);
        crowd.bar(-0.03, 50.0);
        assert_eq!(crowd.stage.fills()[1].trigger, Trigger::StopLoss);
    }
}

#[test]
fn a_refused_exit_is_repeated_each_second_until_it_is_done() {
    let mut crowd = held(false);
    crowd.stage.event(XRP, MarketKind::Trading(TradingStatus::Closed));
    crowd.bar(0.07, 50.0);
    crowd.end();
    for _ in 0..100 {
        crowd.books(5e-6);
    }
    crowd.stage.pass(4);
    assert_eq!(crowd.stage.codes()[1..], ["sentiment_reversal"; 5]);
    crowd.stage.event(XRP, MarketKind::Trading(TradingStatus::Online));
    crowd.stage.pass(1);
    assert!(crowd.stage.is_flat(XRP));
}

#[test]
fn nothing_is_sent_twice_while_it_is_under_way() {
    let slow = |config: &mut EngineConfig| Stage::slow(config, DurationNs::from_secs(3));
    let params = format!("{USUAL}\n[symbols.'XRP/USD']\ntarget_pct = 40.0");
    let stage = Stage::with("whale_sentiment", &params, slow);
    let mut crowd = Crowd::on(stage, &[XRP], 0.06, false);
    crowd.bar(0.005, 20_000.0);
    crowd.bar(0.07, 50.0);
    crowd.bar(0.0, 50.0);
    assert_eq!(crowd.stage.codes(), ["whale_long", "sentiment_reversal"]);
    assert!(crowd.stage.is_flat(XRP));
}

#[test]
fn losses_and_cooldown_keep_the_next_entry_out() {
    let own = "[symbols.'XRP/USD']\nstop_pct = 0.2\ncooldown_s";
    for (params, want) in [
        (format!("losses_max = 1\n{own} = 0"), Skip::CircuitBreaker),
        (format!("session_loss_max_pct = 0.01\n{own} = 0"), Skip::DailyLoss),
        (format!("{own} = 86400"), Skip::TimeCooldown),
    ] {
        let mut crowd = ready(&params, 0.06, false);
        crowd.bar(-0.005, 50.0);
        assert_eq!(crowd.stage.fills()[1].trigger, Trigger::StopLoss);
        crowd.bar(0.005, 40_000.0);
        crowd.end();
        assert_eq!(crowd.stage.codes(), ["whale_long"]);
        assert_eq!(crowd.stage.skips().last(), Some(&want));
    }
}

#[test]
fn a_thousand_ticks_in_a_bar_change_nothing() {
    let mut crowd = ready("", 0.06, false);
    for _ in 0..1000 {
        crowd.books(5e-6);
        let px = crowd.px(XRP, crowd.at);
        crowd.stage.trade(XRP, OrderSide::Buy, px, 0.1);
    }
    assert!(crowd.stage.signals().is_empty());
    crowd.end();
    crowd.bar(0.0, 50.0);
    assert_eq!(crowd.stage.codes(), ["whale_long"]);
}

/// A market of random bars and volumes, with dead and crossed books and silent bars in it.
fn random(params: &str) -> (Vec<Signal>, Vec<Skip>) {
    let mut crowd = Crowd::new(params, &[BTC, XRP], 0.06, false);
    let mut seed = 11_u64;
    for i in 0..80 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let step = f64::from(u32::try_from(seed >> 32).unwrap()) / f64::from(u32::MAX) - 0.5;
        crowd.bar(0.04 * step, if i % 3 == 0 { 40_000.0 } else { 50.0 });
        match i % 7 {
            3 => crowd.stage.event(XRP, MarketKind::Status(SymbolStatus::Stale)),
            4 => crowd.stage.pass(600),
            5 => crowd.stage.book(BTC, 100_010.0, 100_000.0),
            _ => {}
        }
    }
    assert!(crowd.stage.is_alive());
    (crowd.stage.signals(), crowd.stage.skips())
}

#[test]
fn any_market_is_survived_and_replays_to_the_same_signals() {
    let eager = "confidence_min = 0.4\nlosses_max = 0\ncorrelation_block = 1.0\nturn_min = 0.0
prints_min = 0\nsession_loss_max_pct = 100.0\nbook_age_max_ms = 60000\ntrails = true
[symbols.'XRP/USD']\nvolume_mult = 0.5\nzone_pct = 1.0\nextreme_pct = 2.0";
    let (once, again) = (random(eager), random(eager));
    assert!(once.0.len() > 5, "{}", once.0.len());
    assert_eq!(once, again);
}
