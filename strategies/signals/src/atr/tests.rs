use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close, bars};

/// Mean of the first ranges, then `(a (n - 1) + range) / n` from the start at every step.
fn naive(bars: &[(f64, f64, f64)], period: usize) -> Vec<Option<f64>> {
    let at = |end: usize| {
        let ranges: Vec<f64> = (1..end)
            .map(|i| {
                let (high, low, _) = bars[i];
                let close = bars[i - 1].2;
                high.max(close) - low.min(close)
            })
            .collect();
        if ranges.len() < period {
            return None;
        }
        let n = period as f64;
        let seed = ranges[..period].iter().sum::<f64>() / n;
        let step = |a: f64, range: &f64| (a * (n - 1.0) + range) / n;
        Some(ranges[period..].iter().fold(seed, step))
    };
    (1..=bars.len()).map(at).collect()
}

proptest! {
    #[test]
    fn equals_the_batch_formula(
        raw in prop::collection::vec((1.0..1e5f64, 0.0..100.0f64, 0.0..1.0f64), 1..150),
        period in 1u32..30,
    ) {
        let bars: Vec<_> = raw.iter().map(|(low, range, at)| (low + range, *low, low + range * at)).collect();
        let mut atr = Atr::new(period);
        let got: Vec<_> = bars.iter().map(|(h, l, c)| atr.push(*h, *l, *c)).collect();
        assert_all_close(&got, &naive(&bars, period as usize));
    }
}

#[test]
fn golden() {
    let mut atr = Atr::new(14);
    for bar in bars() {
        atr.push(bar.high, bar.low, bar.close);
    }
    assert_close(atr.value(), 2.149_860_8, 1e-7);
}

#[test]
fn one_bar_more_than_the_period_is_needed() {
    let mut atr = Atr::new(2);
    let got = [0.0, 1.0, 2.0].map(|c| atr.push(c + 1.0, c - 1.0, c));
    assert_eq!(got, [None, None, Some(2.0)]);
}
