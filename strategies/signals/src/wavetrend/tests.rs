use proptest::prelude::*;

use super::*;
use crate::golden::{GoldenBar, assert_close, bars, check_bars, random_bars};
use crate::naive;

/// Without bars that hardly move: what they leave is rounding, and its ratio no two formulas share.
fn moving(mut bars: Vec<GoldenBar>) -> Vec<GoldenBar> {
    for (i, bar) in bars.iter_mut().enumerate() {
        bar.close *= 1.0 + 0.002 * (i % 5) as f64;
    }
    bars
}

/// Every value of WT1.
fn waves(bars: &[GoldenBar], channel: usize, wave: usize) -> Vec<f64> {
    let typical: Vec<f64> = bars.iter().map(|bar| (bar.high + bar.low + bar.close) / 3.0).collect();
    let middle = naive::emas(&typical, channel);
    let off: Vec<f64> =
        typical.iter().rev().zip(middle.iter().rev()).map(|(ap, esa)| ap - esa).rev().collect();
    let distance = naive::emas(&off.iter().map(|d| d.abs()).collect::<Vec<_>>(), channel);
    let late = &off[off.len() - distance.len()..];
    let index: Vec<f64> = late.iter().zip(&distance).map(|(d, mean)| d / (0.015 * mean)).collect();
    naive::emas(&index, wave)
}

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), channel in 2u32..12, wave in 1u32..22) {
        let bars = moving(bars);
        let waves = |bars: &[GoldenBar]| waves(bars, channel as usize, wave as usize);
        let mut of = WaveTrend::new(channel, wave, 4);
        let mut push = |bar: &GoldenBar| of.push(bar.high, bar.low, bar.close);
        check_bars(&bars, |bar| push(bar).map(|v| v.1), |bars| naive::sma(&waves(bars), 4));
        let mut of = WaveTrend::new(channel, wave, 4);
        let mut push = |bar: &GoldenBar| of.push(bar.high, bar.low, bar.close);
        check_bars(&bars, |bar| push(bar).map(|v| v.0), |bars| naive::sma(&waves(bars), 4).and(waves(bars).last().copied()));
    }
}

#[test]
fn ready_after_42_bars_and_crosses_with_the_sine() {
    let mut of = WaveTrend::default();
    let mut crosses = 0;
    for (i, bar) in bars().iter().enumerate() {
        let value = of.push(bar.high, bar.low, bar.close);
        assert_eq!(value.is_some(), i >= 41);
        crosses += u32::from(of.cross().is_some());
    }
    assert_eq!(crosses, 9);
    let value = of.value();
    assert_eq!(of.push(f64::NAN, 1.0, 1.0), value);
}

#[test]
fn a_lower_low_that_the_wave_does_not_follow_is_bullish() {
    let mut of = WaveTrend::default();
    let mut push = |close: f64| of.push(close + 0.1, close - 0.1, close);
    // A fall, a rest, and a slower fall below it.
    let mut close = 100.0;
    for i in 0..84 {
        close += if i < 40 {
            0.01
        } else if i < 60 {
            -1.0
        } else if i < 72 {
            0.05
        } else {
            -0.1
        };
        push(close);
    }
    assert_eq!(of.divergence(-1.0, 60.0), Some(Divergence::Bullish));
    assert_eq!(of.divergence(-1000.0, 60.0), None, "not in the zone");
    let mut mirror = WaveTrend::default();
    let mut close = 100.0;
    for i in 0..84 {
        close -= if i < 40 {
            0.01
        } else if i < 60 {
            -1.0
        } else if i < 72 {
            0.05
        } else {
            -0.1
        };
        mirror.push(close + 0.1, close - 0.1, close);
    }
    assert_eq!(mirror.divergence(-60.0, 1.0), Some(Divergence::Bearish));
}

#[test]
fn the_unit_of_the_price_does_not_matter() {
    let (mut dear, mut cheap) = (WaveTrend::default(), WaveTrend::default());
    for bar in bars() {
        dear.push(bar.high, bar.low, bar.close);
        cheap.push(bar.high * 1e-7, bar.low * 1e-7, bar.close * 1e-7);
    }
    assert_close(cheap.value().map(|v| v.0), dear.value().unwrap().0, 1e-9);
    let mut dead = WaveTrend::default();
    assert_eq!((0..50).map(|_| dead.push(3.3, 3.3, 3.3)).last(), Some(Some((0.0, 0.0))));
}
