use super::*;
use crate::golden::assert_close;

fn at(ms: u32) -> ExchNs {
    ExchNs::new(i64::from(ms) * 1_000_000)
}

/// A trade every `ms`, the distances an exponential tail in scattered order.
fn play(
    of: &mut TradeIntensity,
    from_ms: u32,
    trades: u32,
    ms: u32,
    kappa: f64,
) -> Option<Intensity> {
    let mut last = None;
    for i in 0..trades {
        let share = (f64::from(i * 367 % 1000) + 0.5) / 1000.0;
        let distance = -share.ln() / kappa;
        let side = if i % 2 == 0 { 1.0 } else { -1.0 };
        last = of.push(100.0 * (1.0 + side * distance), 100.0, at(from_ms + i * ms));
    }
    last
}

#[test]
fn the_decay_of_an_exponential_tail_is_found() {
    let mut of = TradeIntensity::default();
    assert_eq!(play(&mut of, 0, 600, 1_000, 2_000.0), None, "the first window is not over");
    let fit = play(&mut of, 600_000, 2_000, 1_000, 2_000.0).unwrap();
    assert!((fit.kappa / 2_000.0 - 1.0).abs() < 0.05, "{fit:?}");
    assert!((fit.base - 1.0).abs() < 0.1, "one trade a second: {fit:?}");
}

#[test]
fn a_quiet_market_is_listened_to_for_longer() {
    let mut of = TradeIntensity::default();
    assert_eq!(play(&mut of, 0, 249, 10_000, 500.0), None);
    assert!(play(&mut of, 2_490_000, 2, 10_000, 500.0).is_some());
}

#[test]
fn what_is_no_price_is_ignored_and_trades_at_the_mid_say_nothing() {
    let mut of = TradeIntensity::default();
    for (price, mid) in [(f64::NAN, 1.0), (1.0, 0.0), (1.0, f64::NAN)] {
        assert_eq!(of.push(price, mid, at(0)), None);
    }
    for i in 0..2_000 {
        assert_eq!(of.push(5.0, 5.0, at(i * 1_000)), None);
    }
    assert_eq!(of.value(), None);
}

#[test]
fn the_line_goes_through_the_logarithms() {
    let mut of = TradeIntensity {
        spacing: 0.5,
        reached: [800, 400, 200, 100, 50],
        ..TradeIntensity::default()
    };
    let fit = of.fit(DurationNs::from_secs(400)).unwrap();
    assert_close(Some(fit.kappa), 2.0 * 2f64.ln(), 1e-12);
    assert_close(Some(fit.base), 2.0, 1e-12);
    of.reached = [800, 0, 0, 0, 0];
    assert_eq!(of.fit(DurationNs::from_secs(400)), None);
}
