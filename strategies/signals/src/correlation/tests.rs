use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close, bars, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(xs in random_bars(100..150), ys in random_bars(100..150), period in 2usize..50) {
        let mut of = ReturnCorrelation::new(period, 10);
        let pairs: Vec<_> = xs.iter().zip(&ys).map(|(x, y)| (x.close, y.close)).collect();
        let (mut got, mut want) = (Vec::new(), Vec::new());
        let (mut slopes, mut trend) = (Vec::new(), Vec::new());
        for end in 1..=pairs.len() {
            got.push(of.push(pairs[end - 1].0, pairs[end - 1].1));
            let returns = |pick: fn(&(f64, f64)) -> f64| naive::returns(&pairs[..end].iter().map(pick).collect::<Vec<_>>());
            want.push(naive::correlation(&returns(|p| p.0), &returns(|p| p.1), period));
            slopes.push(of.slope());
            let known: Vec<f64> = want.iter().flatten().copied().collect();
            trend.push(naive::slope(&known, 10));
        }
        assert_all_close(&got, &want);
        assert_all_close(&slopes, &trend);
    }
}

#[test]
fn golden() {
    let mut of = ReturnCorrelation::new(20, 10);
    for (i, bar) in bars().iter().enumerate() {
        let i = i as f64;
        of.push(bar.close, 50_000.0 + 300.0 * (i / 9.0).cos() - 2.0 * i);
    }
    assert_close(of.value(), 0.903_625_11, 1e-8);
}

#[test]
fn golden_trend() {
    let mut slope = Slope::new(10);
    for i in 0..12 {
        slope.push(0.9 - 0.015 * f64::from(i));
    }
    assert_close(slope.value(), -0.015, 1e-12);
    let trend = |slope| {
        ReturnCorrelation { last: None, correlation: Correlation::new(2), slope }.trend(0.01)
    };
    assert_eq!(trend(slope), Some(CorrelationTrend::Declining));
    assert_eq!(trend(Slope::new(10)), None);
}

#[test]
fn what_does_not_move_is_like_nothing() {
    let mut of = ReturnCorrelation::new(3, 2);
    assert_eq!(of.push_gap(), None);
    for i in 0..10 {
        assert_eq!(of.push(f64::from(i % 3) + 1.0, 7.0), None);
    }
    // Opposite moves with a gap between them.
    of.push(2.0, 2.0);
    of.push(3.0, 1.0);
    of.push_gap();
    of.push(f64::NAN, 1.0);
    assert_close(of.push(3.5, 0.5), -0.755_928_946_018_454_5, 1e-9);
}
