use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars, check_bars, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), fast in 1u32..14, more in 1u32..14, signal in 1u32..10) {
        let slow = fast + more;
        let lines = |bars: &[_]| naive::macd_line(&naive::closes(bars), fast as usize, slow as usize);
        let mut macd = Macd::new(fast, slow, signal);
        check_bars(&bars, |bar| macd.push(bar.close), |bars| lines(bars).last().copied());
        let mut macd = Macd::new(fast, slow, signal);
        let histogram = |bars: &[_]| Some(lines(bars).last()? - naive::ema(&lines(bars), signal as usize)?);
        check_bars(&bars, |bar| { macd.push(bar.close); macd.histogram() }, histogram);
    }
}

#[test]
fn golden() {
    let mut macd = Macd::new(12, 26, 9);
    let mut histograms = Vec::new();
    for bar in bars() {
        macd.push(bar.close);
        histograms.push(macd.histogram());
    }
    assert_close(macd.line(), -2.405_309_53, 1e-8);
    assert_close(macd.signal(), -0.745_143_57, 1e-8);
    for (age, want) in [(0, -1.660_165_96), (1, -1.715_590_13), (2, -1.736_061_76)] {
        assert_close(histograms[249 - age], want, 1e-8);
    }
}

#[test]
fn equals_ta_lib_from_its_first_value_on() {
    // talib.MACD(close, 12, 26, 9) has its first values at 33.
    let mut macd = Macd::new(12, 26, 9);
    for (i, bar) in bars().iter().enumerate().take(34) {
        assert_eq!(macd.histogram(), None);
        assert_eq!(macd.push(bar.close).is_some(), i >= 25);
    }
    assert_close(macd.line(), -4.157_108_524_353_191, 1e-12);
    assert_close(macd.signal(), -3.196_825_479_334_06, 1e-12);
    assert_close(macd.histogram(), -0.960_283_045_019_131_1, 1e-12);
}

#[test]
fn a_cross_is_told_once() {
    assert_eq!(Cross::between(-1.0, 0.0), Some(Cross::Up));
    assert_eq!(Cross::between(1.0, 0.0), Some(Cross::Down));
    assert_eq!(Cross::between(0.0, 1.0), None);
    let mut macd = Macd::new(2, 4, 2);
    let closes = [9.0, 8.9, 8.6, 8.0, 7.0, 5.0, 9.0, 12.0, 2.0];
    let crosses = closes.map(|close| {
        macd.push(close);
        macd.cross()
    });
    assert_eq!(crosses[6..], [Some(Cross::Up), None, Some(Cross::Down)]);
}
