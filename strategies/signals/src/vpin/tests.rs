use proptest::prelude::*;

use super::*;
use crate::golden::assert_close;

fn side(is_buy: bool) -> OrderSide {
    if is_buy { OrderSide::Buy } else { OrderSide::Sell }
}

/// Lays every lot into its bucket one by one.
fn naive(trades: &[(bool, i64)], bucket: i64, buckets: usize) -> Option<f64> {
    let lots: Vec<i64> = trades
        .iter()
        .flat_map(|(is_buy, qty)| {
            std::iter::repeat_n(if *is_buy { 1 } else { -1 }, usize::try_from(*qty).unwrap())
        })
        .collect();
    let values: Vec<f64> = lots
        .chunks_exact(usize::try_from(bucket).unwrap())
        .map(|b| b.iter().sum::<i64>().abs() as f64 / bucket as f64)
        .collect();
    let newest = &values[values.len().checked_sub(buckets)?..];
    Some(newest.iter().sum::<f64>() / buckets as f64)
}

proptest! {
    #[test]
    fn equals_laying_out_every_lot(
        trades in prop::collection::vec((any::<bool>(), 1i64..60), 1..80),
        bucket in 1i64..20,
        buckets in 1usize..10,
    ) {
        let mut vpin = Vpin::new(buckets);
        vpin.set_bucket(Qty::new(bucket));
        for (i, (is_buy, qty)) in trades.iter().enumerate() {
            vpin.push(side(*is_buy), Qty::new(*qty));
            match naive(&trades[..=i], bucket, buckets) {
                Some(want) => assert_close(vpin.value(), want, 1e-9),
                None => prop_assert_eq!(vpin.value(), None),
            }
        }
    }
}

#[test]
fn a_huge_trade_costs_a_bounded_number_of_steps() {
    let mut vpin = Vpin::new(50);
    vpin.set_bucket(Qty::new(1));
    vpin.push(OrderSide::Sell, Qty::new(i64::MAX / 2));
    assert_eq!(vpin.value(), Some(1.0));
    assert_eq!(vpin.last_signed(), Some(-1.0));
    assert_eq!(vpin.completed(), 51);
}

#[test]
fn a_new_bucket_size_keeps_what_was_completed() {
    let mut vpin = Vpin::new(2);
    vpin.push(OrderSide::Buy, Qty::new(100)); // size still unknown
    vpin.set_bucket(Qty::new(10));
    vpin.push(OrderSide::Buy, Qty::new(18));
    vpin.set_bucket(Qty::new(4)); // smaller than what is in the open bucket
    vpin.push(OrderSide::Sell, Qty::new(1));
    assert_eq!(vpin.completed(), 2);
    assert_eq!(vpin.value(), Some(1.0));
    assert_eq!(vpin.threshold(0.45), None);
}
