use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars};

#[test]
fn equals_statsmodels() {
    // statsmodels 0.15.0, y = log(close), x = log(50000 + 300 cos(i / 9) - 2 i), the newest 200:
    // coint(y, x, trend="c", maxlag=0, autolag=None)[0] and OLS(y, add_constant(x)).fit().params.
    let mut of = PairWindow::new(200);
    for (i, bar) in bars().iter().enumerate() {
        let i = i as f64;
        of.push((50_000.0 + 300.0 * (i / 9.0).cos() - 2.0 * i).ln(), bar.close.ln());
    }
    let line = of.line().unwrap();
    assert_close(Some(line.intercept), 31.241_055_769_657_48, 1e-9);
    assert_close(Some(line.slope), -2.456_279_434_071_145_6, 1e-9);
    assert_close(of.tau().ok(), -0.878_327_002_798_312, 1e-9);
}

proptest! {
    #[test]
    fn equals_the_normal_equations(pairs in prop::collection::vec((0.0..9.0f64, -9.0..9.0f64), 12..100)) {
        let mut of = PairWindow::new(12);
        for (x, y) in &pairs {
            of.push(*x, *y);
        }
        let window = &pairs[pairs.len() - 12..];
        let sum = |f: fn(&(f64, f64)) -> f64| window.iter().map(f).sum::<f64>();
        let (x, y, xx, xy) = (sum(|p| p.0), sum(|p| p.1), sum(|p| p.0 * p.0), sum(|p| p.0 * p.1));
        prop_assume!(12.0 * xx - x * x > 1.0);
        let slope = (12.0 * xy - x * y) / (12.0 * xx - x * x);
        assert_close(of.line().ok().map(|line| line.slope), slope, 1e-9);
        assert_close(of.line().ok().map(|line| line.intercept), (y - slope * x) / 12.0, 1e-9);
        let (last_x, last_y) = window[11];
        assert_close(of.spread().ok(), last_y - (y - slope * x) / 12.0 - slope * last_x, 1e-9);
    }
}

#[test]
fn pairs_bound_together_are_told_from_strangers() {
    let (mut bound, mut strangers) = (PairWindow::new(200), PairWindow::new(200));
    let (mut walk, mut other) = (0.0, 0.0);
    let mut state = 7u64;
    let mut noise = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1u64 << 53) as f64 - 0.5
    };
    for _ in 0..200 {
        walk += noise();
        other += noise();
        bound.push(walk, 2.0 * walk + noise());
        strangers.push(walk, other);
    }
    assert!(bound.tau().unwrap() < TAU_CRITICAL[0]);
    assert!(strangers.tau().unwrap() > TAU_CRITICAL[2]);
}

#[test]
fn every_reason_is_told() {
    let mut of = PairWindow::new(5);
    for i in 0..5 {
        assert_eq!(of.tau(), Err(NoFit::TooFew));
        of.push(f64::from(i), 3.0 * f64::from(i) + 0.1);
        of.push(f64::NAN, 1.0);
    }
    assert_eq!(of.tau(), Err(NoFit::Flat), "nothing is left over");
    for _ in 0..5 {
        of.push(0.3, 1.0);
    }
    assert_eq!(of.line(), Err(NoFit::Flat));
    assert_eq!(of.spread(), Err(NoFit::Flat));
}
