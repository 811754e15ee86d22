use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, check_bars, last, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), period in 2usize..60) {
        let mut slope = Slope::new(period);
        check_bars(&bars, |bar| slope.push(bar.close), |bars| naive::slope(&naive::closes(bars), period));
        let mut slope = Slope::new(period);
        let mut pct = |close| { slope.push(close); slope.pct() };
        check_bars(&bars, |bar| pct(bar.close), |bars| naive::slope_pct(&naive::closes(bars), period));
    }
}

#[test]
fn golden_and_ta_lib() {
    let mut slope = Slope::new(20);
    let raw = last(|bar| slope.push(bar.close));
    assert_close(slope.pct(), -0.910_951_35, 1e-8);
    assert_close(raw, -1.041_298_784_270_586_8, 1e-11); // talib.LINEARREG_SLOPE(close, 20)[-1]
}

#[test]
fn a_line_has_its_slope_wherever_the_block_ends() {
    let mut slope = Slope::new(4);
    for i in 0..50u32 {
        let got = slope.push(1000.0 - 2.5 * f64::from(i));
        assert_eq!(got.is_some(), i >= 3);
        if i >= 3 {
            assert_close(got, -2.5, 1e-12);
        }
    }
    assert_close(slope.push(f64::NAN), -2.5, 1e-12);
}
