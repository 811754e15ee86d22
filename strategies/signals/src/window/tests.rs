use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, check_bars, last, random_bars};
use crate::naive;

proptest! {
    #[test]
    fn the_mean_equals_the_batch_formula(bars in random_bars(1..150), period in 1usize..60) {
        let mut sma = Sma::new(period);
        check_bars(&bars, |bar| sma.push(bar.close), |bars| naive::sma(&naive::closes(bars), period));
    }

    #[test]
    fn sums_of_whole_numbers_are_exact(xs in prop::collection::vec(-1000i32..1000, 1..200), period in 1usize..40) {
        let mut sums = WindowSum::new(period);
        for (i, x) in xs.iter().enumerate() {
            sums.push([f64::from(*x), 1.0]);
            let want = (i + 1).checked_sub(period).map(|from| {
                [f64::from(xs[from..=i].iter().sum::<i32>()), period as f64]
            });
            prop_assert_eq!(sums.value(), want);
        }
    }
}

#[test]
fn golden() {
    let (mut sma20, mut sma200) = (Sma::new(20), Sma::new(200));
    assert_close(last(|bar| sma20.push(bar.close)), 114.308_934_47, 1e-8);
    assert_close(last(|bar| sma200.push(bar.close)), 107.885_446_01, 1e-8);
}

#[test]
fn what_left_leaves_nothing_behind() {
    let mut sma = Sma::new(3);
    for x in [0.1, 1e18, 0.1, 0.1, 0.1] {
        sma.push(x);
    }
    assert_close(sma.value(), 0.1, 1e-15);
    assert_eq!(sma.push(f64::NAN), sma.value());
}
