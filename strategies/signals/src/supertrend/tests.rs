use proptest::prelude::*;

use super::*;
use crate::golden::{GoldenBar, bars, check_bars, random_bars};
use crate::naive;

/// Column by column: basic bands, final bands, sides.
fn naive(bars: &[GoldenBar], period: usize, multiple: f64) -> Option<(f64, bool)> {
    let atr = naive::wilders(&naive::true_ranges(bars), period);
    let bars = &bars[bars.len() - atr.len()..];
    let mid = |i: usize| (bars[i].high + bars[i].low) / 2.0;
    let (mut upper, mut lower) = (Vec::new(), Vec::new());
    for i in 0..bars.len() {
        let (above, below) = (mid(i) + multiple * atr[i], mid(i) - multiple * atr[i]);
        let keeps_upper = i > 0 && above > upper[i - 1] && bars[i - 1].close <= upper[i - 1];
        upper.push(if keeps_upper { upper[i - 1] } else { above });
        let keeps_lower = i > 0 && below < lower[i - 1] && bars[i - 1].close >= lower[i - 1];
        lower.push(if keeps_lower { lower[i - 1] } else { below });
    }
    let mut is_up = bars.first()?.close >= mid(0);
    for i in 1..bars.len() {
        let crossed = if is_up { bars[i].close < lower[i] } else { bars[i].close > upper[i] };
        is_up ^= crossed;
    }
    Some((if is_up { *lower.last()? } else { *upper.last()? }, is_up))
}

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), period in 1u32..12, multiple in 0.2..4.0f64) {
        let n = period as usize;
        let mut of = SuperTrend::new(period, multiple);
        check_bars(&bars, |bar| of.push(bar.high, bar.low, bar.close).map(|t| t.line), |bars| naive(bars, n, multiple).map(|t| t.0));
        prop_assert_eq!(of.value().map(|t| t.is_up), naive(&bars, n, multiple).map(|t| t.1));
    }
}

#[test]
fn the_line_is_behind_the_price_and_turns_with_the_wave() {
    let mut of = SuperTrend::new(10, 3.0);
    let mut flips = 0;
    for (i, bar) in bars().iter().enumerate() {
        let trend = of.push(bar.high, bar.low, bar.close);
        assert_eq!(trend.is_some(), i >= 10, "one bar more than the period");
        let Some(trend) = trend else { continue };
        assert_eq!(trend.is_up, trend.line <= bar.close);
        flips += u32::from(trend.is_flip);
    }
    assert_eq!(flips, 11, "one for each turn of the sine");
    assert_eq!(of.push(f64::NAN, 1.0, 1.0), of.value());
}
