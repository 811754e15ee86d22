use super::*;
use crate::golden::{bars, random_bars};
use crate::naive;

#[track_caller]
fn check(price: f64, s20: f64, s50: f64, s200: f64, want: f64) {
    assert_eq!(ma_alignment(price, s20, s50, s200), Some(want));
    assert_eq!(ma_alignment(-price, -s20, -s50, -s200), Some(-want), "mirrored");
}

#[test]
fn orders_have_their_scores() {
    check(4.0, 3.0, 2.0, 1.0, 1.0);
    check(3.5, 4.0, 3.0, 1.0, 0.7);
    check(4.0, 3.0, 3.0, 1.0, 0.7); // s20 not above s50
    check(2.0, 4.0, 3.0, 1.0, 0.4);
    check(0.5, 4.0, 3.0, 1.0, 0.1);
    check(0.5, 4.0, 1.0, 1.0, 0.0);
    assert_eq!(ma_alignment(f64::NAN, 1.0, 2.0, 3.0), None);
}

#[test]
fn golden() {
    assert_eq!(naive::alignment(&naive::closes(&bars())), Some(0.1));
}

proptest::proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(200..300)) {
        let xs = naive::closes(&bars);
        let mean = |n| naive::sma(&xs, n).unwrap();
        let got = ma_alignment(xs[xs.len() - 1], mean(20), mean(50), mean(200));
        proptest::prop_assert_eq!(got, naive::alignment(&xs));
    }
}
