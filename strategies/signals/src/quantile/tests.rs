use proptest::prelude::*;

use super::*;
use crate::golden::assert_close;

/// The worked example of the paper: its table ends with a median of 4.44.
#[test]
fn the_example_of_the_paper() {
    let mut median = P2Quantile::new(0.5);
    let values = [
        0.02, 0.15, 0.74, 3.39, 0.83, 22.37, 10.15, 15.43, 38.62, 15.92, 34.60, 10.28, 1.47, 0.40,
        0.05, 11.39, 0.27, 0.42, 0.09, 11.37,
    ];
    for x in values {
        median.push(x);
    }
    assert_close(median.value(), 4.44, 1e-3);
}

proptest! {
    #[test]
    fn is_near_the_sorted_quantile(xs in prop::collection::vec(0.0..1.0f64, 500..1500)) {
        let mut p90 = P2Quantile::new(0.9);
        for x in &xs {
            p90.push(*x);
        }
        let mut sorted = xs;
        sorted.sort_by(f64::total_cmp);
        let want = sorted[sorted.len() * 9 / 10];
        prop_assert!((p90.value().unwrap() - want).abs() < 0.05);
    }
}

#[test]
fn needs_five_values_and_survives_equal_ones() {
    let mut p90 = P2Quantile::new(0.9);
    for _ in 0..4 {
        p90.push(1.0);
        assert_eq!(p90.value(), None);
    }
    for _ in 0..1000 {
        p90.push(1.0);
    }
    assert_eq!(p90.value(), Some(1.0));
}
