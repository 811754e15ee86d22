use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars};

fn ring(values: &[f64]) -> FixedRing<f64> {
    let mut ring = FixedRing::new(values.len());
    for x in values {
        ring.push(*x);
    }
    ring
}

/// The logarithms of the newest 200 closes.
fn golden() -> FixedRing<f64> {
    ring(&bars()[50..].iter().map(|bar| bar.close.ln()).collect::<Vec<_>>())
}

#[test]
fn equals_statsmodels_and_arch() {
    // statsmodels 0.15.0: OLS(diff(y), add_constant(y[:-1])); arch 8.0.0: VarianceRatio(y, q,
    // trend="c", overlap=True, debiased=True).vr, for y = log(close[50:250]).
    assert_close(half_life(&golden()).ok(), 81.564_565_711_289_76, 1e-9);
    assert_close(variance_ratio(&golden(), 2).ok(), 2.002_769_926_805_892_3, 1e-12);
    assert_close(variance_ratio(&golden(), 8).ok(), 7.519_776_182_394_048_5, 1e-12);
}

proptest! {
    #[test]
    fn a_noiseless_series_has_the_half_life_it_was_made_with(half in 1.0..50.0f64, mean in -5.0..5.0f64) {
        let values: Vec<f64> = (0..40).map(|i| mean + 0.5f64.powf(f64::from(i) / half)).collect();
        assert_close(half_life(&ring(&values)).ok(), half, 1e-7);
    }

    #[test]
    fn a_line_is_found(intercept in -9.0..9.0f64, slope in -9.0..9.0f64, xs in prop::collection::vec(0.0..9.0f64, 5..50)) {
        let line = Line::fit(|| xs.iter().map(|x| (*x, intercept + slope * x))).unwrap();
        let spread = xs.iter().fold(f64::MIN, |a, x| a.max(*x)) - xs.iter().fold(f64::MAX, |a, x| a.min(*x));
        prop_assume!(spread > 0.1);
        assert_close(Some(line.slope), slope, 1e-9);
        assert_close(Some(line.intercept), intercept, 1e-9);
    }
}

#[test]
fn every_reason_is_told() {
    let of = |values: &[f64]| half_life(&ring(values)).unwrap_err();
    assert_eq!(of(&[1.0, 2.0]), NoFit::TooFew);
    assert_eq!(of(&[0.1; 9]), NoFit::Flat);
    assert_eq!(of(&[1.0, 2.0, 4.0, 8.0, 16.0]), NoFit::NotReverting);
    assert_eq!(of(&[1.0, -1.0, 1.0, -1.0, 1.0]), NoFit::Overshooting);
    assert_eq!(half_life(&FixedRing::new(9)), Err(NoFit::TooFew));
    assert_eq!(variance_ratio(&ring(&[0.1; 9]), 2), Err(NoFit::Flat));
    assert_eq!(variance_ratio(&ring(&[0.1; 9]), 5), Err(NoFit::TooFew));
}

#[test]
fn moves_taken_back_have_a_small_ratio() {
    let zigzag: Vec<f64> = (0..41).map(|i| f64::from(i % 2)).collect();
    assert!(variance_ratio(&ring(&zigzag), 2).unwrap() < 0.01);
}
