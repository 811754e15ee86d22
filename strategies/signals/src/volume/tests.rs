use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close};

proptest! {
    #[test]
    fn equals_the_batch_formula(xs in prop::collection::vec(0i64..1_000_000_000_000, 1..150), period in 1usize..30) {
        let mut ratio = VolumeRatio::new(period);
        let got: Vec<_> = xs.iter().map(|x| ratio.push(Qty::new(*x))).collect();
        let want: Vec<_> = (0..xs.len())
            .map(|i| {
                let before = &xs[i.checked_sub(period)?..i];
                let mean = before.iter().sum::<i64>() as f64 / period as f64;
                (mean > 0.0).then(|| xs[i] as f64 / mean)
            })
            .collect();
        assert_all_close(&got, &want);
    }
}

#[test]
fn a_day_of_equal_minutes_is_their_sum() {
    let mut daily = DailyVolume::default();
    for _ in 0..29 {
        daily.push(Qty::new(7));
    }
    assert_eq!(daily.value(), None);
    for _ in 0..5000 {
        daily.push(Qty::new(7));
    }
    assert_close(daily.value(), 7.0 * 1440.0, 1e-9);
}

#[test]
fn half_of_a_change_is_learned_in_a_day() {
    let mut daily = DailyVolume::default();
    for _ in 0..20_000 {
        daily.push(Qty::new(0));
    }
    for _ in 0..1440 {
        daily.push(Qty::new(100));
    }
    assert_close(daily.value(), 50.0 * 1440.0, 1e-6);
}
