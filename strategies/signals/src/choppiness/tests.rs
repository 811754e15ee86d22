use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, check_bars, last, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), period in 2usize..30) {
        let mut chop = Choppiness::new(period);
        check_bars(&bars, |bar| chop.push(bar.high, bar.low, bar.close), |bars| naive::choppiness(bars, period));
    }
}

#[test]
fn golden() {
    let mut chop = Choppiness::new(14);
    assert_close(last(|bar| chop.push(bar.high, bar.low, bar.close)), 23.276_961_05, 1e-8);
}

#[test]
fn a_market_without_range_is_neither() {
    let mut chop = Choppiness::new(2);
    assert_eq!([5.0; 4].map(|x| chop.push(x, x, x)), [None; 4]);
    assert_eq!(chop.push(f64::NAN, 1.0, 1.0), None);
}
