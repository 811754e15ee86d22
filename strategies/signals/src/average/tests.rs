use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close, bars};

/// The definition, from the whole series at every step.
fn naive(xs: &[f64], period: usize, alpha: f64) -> Vec<Option<f64>> {
    let at = |end: usize| {
        if end < period {
            return None;
        }
        let seed = xs[..period].iter().sum::<f64>() / period as f64;
        let fold = |e: f64, x: &f64| x * alpha + e * (1.0 - alpha);
        Some(xs[period..end].iter().fold(seed, fold))
    };
    (1..=xs.len()).map(at).collect()
}

proptest! {
    #[test]
    fn equals_the_batch_formula(xs in prop::collection::vec(0.001..1e6f64, 1..200), period in 1u32..40) {
        let mut ema = Ema::new(period);
        let got: Vec<_> = xs.iter().map(|x| ema.push(*x)).collect();
        assert_all_close(&got, &naive(&xs, period as usize, 2.0 / (f64::from(period) + 1.0)));
        let mut wilder = Ema::wilder(period);
        let got: Vec<_> = xs.iter().map(|x| wilder.push(*x)).collect();
        assert_all_close(&got, &naive(&xs, period as usize, 1.0 / f64::from(period)));
    }
}

#[test]
fn golden() {
    for (period, want) in [(9, 108.111_403_85), (21, 111.385_743_73)] {
        let mut ema = Ema::new(period);
        for bar in bars() {
            ema.push(bar.close);
        }
        assert_close(ema.value(), want, 1e-8);
    }
}

#[test]
fn what_is_not_finite_is_ignored() {
    let mut ema = Ema::new(2);
    for x in [1.0, f64::NAN, f64::INFINITY, 3.0, f64::NEG_INFINITY] {
        ema.push(x);
    }
    assert_eq!(ema.value(), Some(2.0));
}
