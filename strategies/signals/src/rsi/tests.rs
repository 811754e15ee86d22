use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars, check_bars, last, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), period in 1u32..30) {
        let n = period as usize;
        let mut wilder = Rsi::new(period);
        check_bars(&bars, |bar| wilder.push(bar.close), |bars| naive::rsi(&naive::closes(bars), n));
        let mut cutler = RsiCutler::new(n);
        check_bars(&bars, |bar| cutler.push(bar.close), |bars| naive::rsi_cutler(&naive::closes(bars), n));
    }
}

#[test]
fn golden() {
    let (mut rsi7, mut rsi14) = (Rsi::new(7), Rsi::new(14));
    assert_close(last(|bar| rsi7.push(bar.close)), 4.575_492_56, 1e-8);
    assert_close(last(|bar| rsi14.push(bar.close)), 19.950_896_53, 1e-8);
}

#[test]
fn equals_ta_lib() {
    // talib.RSI(close, 14)[[14, 100, 249]]
    let mut rsi = Rsi::new(14);
    let all: Vec<_> = bars().iter().map(|bar| rsi.push(bar.close)).collect();
    assert_eq!(all[13], None);
    for (at, want) in
        [(14, 93.304_835_253_186), (100, 84.723_374_250_334_37), (249, 19.950_896_525_113_67)]
    {
        assert_close(all[at], want, 1e-12);
    }
}

#[test]
fn only_rises_are_all_and_no_move_is_no_strength() {
    let (mut wilder, mut cutler) = (Rsi::new(2), RsiCutler::new(2));
    let closes = [5.0, 5.0, 5.0, 6.0, 6.0, 6.0];
    assert_eq!(
        closes.map(|x| wilder.push(x)),
        [None, None, None, Some(100.0), Some(100.0), Some(100.0)]
    );
    assert_eq!(closes.map(|x| cutler.push(x)), [None, None, None, Some(100.0), Some(100.0), None]);
    assert_eq!(wilder.push(f64::INFINITY), Some(100.0));
}
