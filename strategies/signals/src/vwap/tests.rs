use proptest::prelude::*;

use super::*;
use crate::golden::assert_close;

fn naive(bars: &[(i64, i64)], period: usize) -> Option<(f64, f64)> {
    let window = &bars[bars.len().checked_sub(period)?..];
    let total = window.iter().map(|(_, q)| *q as f64).sum::<f64>();
    let mean = window.iter().map(|(p, q)| *p as f64 * *q as f64).sum::<f64>() / total;
    let squares = window.iter().map(|(p, q)| (*p as f64 - mean).powi(2) * *q as f64);
    (total > 0.0).then(|| (mean, (squares.sum::<f64>() / total).sqrt()))
}

proptest! {
    #[test]
    fn equals_the_batch_formula(
        bars in prop::collection::vec((900_000i64..1_100_000, prop_oneof![Just(0), 1i64..1_000_000_000]), 1..150),
        period in 1usize..30,
    ) {
        let mut of = RollingVwap::new(period);
        for (i, (px, qty)) in bars.iter().enumerate() {
            let got = of.push(Px::new(*px), Qty::new(*qty));
            match naive(&bars[..=i], period) {
                None => prop_assert_eq!(got, None),
                Some((price, sigma)) => {
                    assert_close(got.map(|v| v.price), price, 1e-9);
                    assert_close(got.map(|v| v.sigma), sigma, 1e-9);
                }
            }
        }
    }
}

#[test]
fn the_worked_example() {
    let mut of = RollingVwap::new(3);
    let got = [(100, 2), (101, 3), (99, 5)].map(|(p, q)| of.push(Px::new(p), Qty::new(q)));
    assert_eq!(got[1], None);
    let vwap = got[2].unwrap();
    assert_close(Some(vwap.price), 99.8, 1e-12);
    assert_close(Some(vwap.sigma), 0.871_779_788_71, 1e-11);
    assert_close(Some(vwap.band(2.0).lower), 98.056_440_422_58, 1e-10);
    assert_close(vwap.z(99.8 + vwap.sigma), 1.0, 1e-9);
}

#[test]
fn silence_weighs_nothing_and_one_price_has_no_deviation() {
    let mut of = RollingVwap::new(2);
    for _ in 0..5 {
        assert_eq!(of.push(Px::new(7), Qty::ZERO), None);
    }
    let vwap = of.push(Px::new(9), Qty::new(4)).unwrap();
    assert_eq!(vwap, Vwap { price: 9.0, sigma: 0.0 });
    assert_eq!(vwap.z(8.0), None);
}

#[test]
fn a_market_that_multiplies_keeps_its_digits() {
    let mut of = RollingVwap::new(4);
    for px in
        [1i64, 1, 1, 1, 1_000_000_000_000, 1_000_000_000_001, 1_000_000_000_002, 1_000_000_000_003]
    {
        of.push(Px::new(px), Qty::new(1_000_000_000_000));
    }
    let vwap = of.value().unwrap();
    assert_close(Some(vwap.price), 1_000_000_000_001.5, 1e-15);
    assert_close(Some(vwap.sigma), 1.25f64.sqrt(), 1e-15);
}

#[test]
fn more_than_can_be_counted_begins_the_window_again() {
    use paperwire_core::limits::PX_MAX;
    let mut vwap = RollingVwap::new(3);
    for turn in 0..50i64 {
        let px = if turn % 2 == 0 { Px::new(1) } else { PX_MAX };
        vwap.push(px, Qty::new(i64::MAX));
    }
    for _ in 0..6 {
        vwap.push(Px::new(100), Qty::new(5));
    }
    assert_eq!(vwap.value().map(|of| (of.price, of.sigma)), Some((100.0, 0.0)));
}
