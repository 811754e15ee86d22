use proptest::prelude::*;

use super::*;
use crate::golden::{GoldenBar, assert_close, check_bars, random_bars};
use crate::naive;

fn keltner(bars: &[GoldenBar], period: usize) -> Option<(f64, f64)> {
    naive::ema(&naive::closes(bars), period).zip(naive::atr(bars, period))
}

proptest! {
    #[test]
    fn equal_the_batch_formulas(bars in random_bars(1..150), period in 2u32..30) {
        let n = period as usize;
        let mut donchian = Donchian::new(n);
        let before = |bars: &[GoldenBar]| naive::middle(&bars[..bars.len() - 1], n);
        check_bars(&bars, |bar| donchian.push(bar.high, bar.low).map(|band| band.mid), before);
        prop_assert_eq!(donchian.value().map(|b| (b.upper, b.lower)), naive::edges(&bars, n));
        let mut of = Keltner::new(period, 1.5, period);
        let upper = |bars: &[GoldenBar]| keltner(bars, n).map(|(mid, atr)| mid + 1.5 * atr);
        check_bars(&bars, |bar| of.push(bar.high, bar.low, bar.close).map(|band| band.upper), upper);
    }

    #[test]
    fn a_squeeze_is_a_small_deviation_around_a_large_range(bars in random_bars(1..150), period in 2u32..30) {
        let n = period as usize;
        let mut squeeze = Squeeze::new(period, 2.0, 1.5);
        for end in 1..=bars.len() {
            let bar = &bars[end - 1];
            let got = squeeze.push(bar.high, bar.low, bar.close);
            let closes = naive::closes(&bars[..end]);
            let want = keltner(&bars[..end], n).map(|(mid, atr)| {
                let window = naive::newest(&closes, n).unwrap();
                let (mean, reach) = (naive::mean(window), 2.0 * naive::sigma(window));
                mean + reach < mid + 1.5 * atr && mean - reach > mid - 1.5 * atr
            });
            prop_assert_eq!(got, want);
        }
    }
}

#[test]
fn what_is_not_finite_changes_nothing() {
    let mut of = Donchian::new(1);
    of.push(2.0, 1.0);
    assert_eq!(of.push(f64::NAN, 0.0), Some(Band { mid: 1.5, upper: 2.0, lower: 1.0 }));
    assert_close(of.push(3.0, 2.0).map(|band| band.upper), 2.0, 0.0);
}
