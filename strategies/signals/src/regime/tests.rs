use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars};

#[test]
fn golden() {
    let mut volatility = ReturnVolatility::new(20);
    for bar in bars() {
        volatility.push(bar.close);
    }
    assert_close(volatility.value(), 0.458_823_8, 1e-6);
}

#[test]
fn twenty_one_closes_are_needed() {
    let mut volatility = ReturnVolatility::new(20);
    for i in 0..20 {
        assert_eq!(volatility.push(100.0 + f64::from(i)), None);
    }
    assert!(volatility.push(100.0).is_some());
    assert!(volatility.push(f64::NAN).is_some());
}

proptest! {
    #[test]
    fn moments_equal_the_weighted_sums(xs in prop::collection::vec(-5.0..2.0f64, 2..200)) {
        let mut moments = Moments::default();
        for x in &xs {
            moments.push(*x);
        }
        // Fewer values than a half-life: the weights are still equal.
        let n = xs.len() as f64;
        let mean = xs.iter().sum::<f64>() / n;
        let variance = xs.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
        assert_close(Some(moments.mean), mean, 1e-9);
        assert_close(Some(moments.variance), variance, 1e-9);
    }
}

#[test]
fn cuts_hold_until_the_margin_is_passed() {
    let cuts = ADAPTIVE_CUTS;
    let mut now = None;
    for (z, want) in [
        (0.0, Regime::Medium),
        (0.85, Regime::Medium), // above the cut, within the margin
        (0.95, Regime::High),
        (0.75, Regime::High),
        (0.65, Regime::Medium),
        (9.0, Regime::Extreme),
        (-0.55, Regime::Medium),
        (-0.65, Regime::Low),
        (-0.45, Regime::Low),
    ] {
        now = Some(regime(z, &cuts, HYSTERESIS, now));
        assert_eq!(now, Some(want), "z {z}");
    }
}

/// One-minute closes that move by `pct` up and down.
fn zigzag(monitor: &mut RegimeMonitor, minutes: u32, pct: f64) {
    for i in 0..minutes {
        let wobble = 1.0 + 0.05 * f64::from(i % 7);
        monitor.push(100.0 + if i % 2 == 0 { pct * wobble } else { 0.0 });
    }
}

#[test]
fn a_storm_is_extreme_by_the_markets_own_measure() {
    let mut monitor = RegimeMonitor::new(RegimeRule::Adaptive(ADAPTIVE_CUTS));
    zigzag(&mut monitor, u32::from(RegimeMonitor::CLOSES_ADAPTIVE) - 1, 0.05);
    assert_eq!(monitor.regime(), None);
    zigzag(&mut monitor, 400, 0.05);
    assert!(monitor.regime().unwrap() <= Regime::High);
    zigzag(&mut monitor, 20, 1.0);
    assert_eq!(monitor.regime(), Some(Regime::Extreme));
    let mut fixed = RegimeMonitor::new(RegimeRule::Fixed([0.3, 0.8, 1.5]));
    zigzag(&mut fixed, 20, 0.05);
    assert_eq!(fixed.regime(), None);
    zigzag(&mut fixed, 1, 0.05);
    assert_eq!(fixed.regime(), Some(Regime::Low));
}

#[test]
fn a_dead_market_is_low_and_not_a_number_is_never_one() {
    let mut monitor = RegimeMonitor::new(RegimeRule::Adaptive(ADAPTIVE_CUTS));
    for _ in 0..100 {
        assert_eq!(monitor.push(5.0), None, "nothing to compare with");
    }
    zigzag(&mut monitor, 100, 0.05);
    for _ in 0..25 {
        monitor.push(5.0);
    }
    assert_eq!(monitor.regime(), Some(Regime::Low));
}
