use proptest::prelude::*;

use super::*;
use crate::golden::bars;

proptest! {
    #[test]
    fn equal_the_batch_sums(steps in prop::collection::vec((1i64..5, 0i64..i64::MAX / 4), 1..150)) {
        let (mut obv, mut cvd) = (Obv::default(), Cvd::default());
        for (px, qty) in &steps {
            obv.push(Px::new(*px), Qty::new(*qty));
            cvd.push(if *px > 2 { OrderSide::Buy } else { OrderSide::Sell }, Qty::new(*qty));
        }
        let sign = |i: usize| if i == 0 { 1 } else { (steps[i].0 - steps[i - 1].0).signum() };
        let sum = (0..steps.len()).map(|i| i128::from(sign(i)) * i128::from(steps[i].1)).sum();
        prop_assert_eq!(obv.lots(), Some(sum));
        let delta = steps.iter().map(|(px, qty)| if *px > 2 { i128::from(*qty) } else { -i128::from(*qty) });
        prop_assert_eq!(cvd.lots(), Some(delta.sum()));
    }
}

#[test]
fn equals_ta_lib() {
    // talib.OBV(close, volume)[[0, 1, 249]]
    let mut obv = Obv::default();
    #[expect(clippy::cast_possible_truncation, reason = "prices around a hundred")]
    let px = |close: f64| Px::new((close * 1e10) as i64);
    let all: Vec<_> =
        bars().iter().map(|bar| obv.push(px(bar.close), Qty::new(bar.volume))).collect();
    assert_eq!([all[0], all[1], all[249]], [1000, 2037, -6420]);
}

#[test]
fn a_delta_begins_again() {
    let mut cvd = Cvd::default();
    assert_eq!(cvd.lots(), None);
    cvd.push(OrderSide::Sell, Qty::new(5));
    cvd.reset();
    assert_eq!(cvd.lots(), None);
    assert_eq!(cvd.push(OrderSide::Buy, Qty::new(3)), 3);
    assert_eq!(Obv::default().lots(), None);
}
