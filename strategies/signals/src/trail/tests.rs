use super::*;

const RULE: TrailRule = TrailRule { activate_pct: 2.0, distance_pct: 1.0 };

#[track_caller]
fn check(side: PositionSide, best: f64, want: Option<f64>) {
    let mut trail = Best::new(side, 100.0);
    trail.observe(best);
    trail.observe(100.0); // a worse price changes nothing
    match (trail.trail(100.0, &RULE), want) {
        (Some(got), Some(want)) => assert!((got - want).abs() < 1e-9),
        (got, want) => assert_eq!(got, want),
    }
}

#[test]
fn golden() {
    check(PositionSide::Long, 103.0, Some(101.97));
    check(PositionSide::Long, 101.0, None);
    check(PositionSide::Short, 96.0, Some(96.96));
    check(PositionSide::Short, 99.0, None);
}

#[test]
fn a_chandelier_hangs_from_the_best_price() {
    let mut best = Best::new(PositionSide::Short, 100.0);
    best.observe(90.0);
    assert!((best.chandelier(3.0) - 93.0).abs() < 1e-12);
}
