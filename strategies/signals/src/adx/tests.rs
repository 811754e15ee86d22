use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close, bars};

type Bar = (f64, f64, f64);

fn wilder(xs: &[f64], period: usize) -> Vec<f64> {
    let n = period as f64;
    let mut out = Vec::new();
    for end in period..=xs.len() {
        let seed = xs[..period].iter().sum::<f64>() / n;
        out.push(xs[period..end].iter().fold(seed, |a, x| (a * (n - 1.0) + x) / n));
    }
    out
}

/// Column by column over the whole series.
fn naive(bars: &[Bar], period: usize) -> Option<f64> {
    let pairs = || bars.windows(2).map(|w| (w[0], w[1]));
    let ranges: Vec<f64> = pairs().map(|(a, b)| b.0.max(a.2) - b.1.min(a.2)).collect();
    let ups: Vec<f64> = pairs().map(|(a, b)| b.0 - a.0).collect();
    let downs: Vec<f64> = pairs().map(|(a, b)| a.1 - b.1).collect();
    let one_sided = |x: f64, other: f64| if x > other { x.max(0.0) } else { 0.0 };
    let plus: Vec<f64> = ups.iter().zip(&downs).map(|(u, d)| one_sided(*u, *d)).collect();
    let minus: Vec<f64> = ups.iter().zip(&downs).map(|(u, d)| one_sided(*d, *u)).collect();
    let (range, plus, minus) =
        (wilder(&ranges, period), wilder(&plus, period), wilder(&minus, period));
    let dx: Vec<f64> = (0..range.len())
        .map(|i| {
            let (p, m) = (plus[i] / range[i], minus[i] / range[i]);
            if p + m > 0.0 { 100.0 * (p - m).abs() / (p + m) } else { 0.0 }
        })
        .collect();
    wilder(&dx, period).last().copied()
}

proptest! {
    #[test]
    fn equals_the_batch_formula(
        raw in prop::collection::vec((50.0..60.0f64, 0.01..5.0f64, 0.0..1.0f64), 1..80),
        period in 1u32..15,
    ) {
        let bars: Vec<Bar> = raw.iter().map(|(low, range, at)| (low + range, *low, low + range * at)).collect();
        let mut adx = Adx::new(period);
        let got: Vec<_> = bars.iter().map(|(h, l, c)| adx.push(*h, *l, *c)).collect();
        let want: Vec<_> = (1..=bars.len()).map(|end| naive(&bars[..end], period as usize)).collect();
        assert_all_close(&got, &want);
    }
}

#[test]
fn golden() {
    let mut adx = Adx::new(14);
    for bar in bars() {
        adx.push(bar.high, bar.low, bar.close);
    }
    assert_close(adx.value(), 43.831_397_83, 1e-8);
    let (plus, minus) = adx.directions().unwrap();
    assert_close(Some(plus), 9.407_525_09, 1e-8);
    assert_close(Some(minus), 37.479_337_61, 1e-8);
}

#[test]
fn ta_lib_comes_to_the_same() {
    // talib.ADX(high, low, close, 14)[[27, 249]], from other seeds.
    let mut adx = Adx::new(14);
    let all: Vec<_> = bars().iter().map(|bar| adx.push(bar.high, bar.low, bar.close)).collect();
    assert_eq!(all[26], None);
    assert_close(all[27], 37.555_435_543_123_02, 0.1);
    assert_close(all[249], 43.831_399_031_384_215, 1e-7);
}

#[test]
fn ready_after_two_periods_and_flat_markets_have_no_direction() {
    let mut adx = Adx::new(3);
    let ready: Vec<_> = (0..6).map(|_| adx.push(5.0, 5.0, 5.0)).collect();
    assert_eq!(ready, [None, None, None, None, None, Some(0.0)]);
}
