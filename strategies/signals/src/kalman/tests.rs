use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars};

proptest! {
    /// Two opinions on the level are weighted by their certainties.
    #[test]
    fn equals_the_information_form(ys in prop::collection::vec(1.0..1e4f64, 2..150), step in 0.0..10.0f64, noise in 0.01..10.0f64) {
        let mut of = Kalman::new(step, noise);
        let (mut level, mut variance) = (ys[0], noise);
        prop_assert_eq!(of.push(ys[0]), None);
        for y in &ys[1..] {
            let certainties = (1.0 / (variance + step), 1.0 / noise);
            level = (level * certainties.0 + y * certainties.1) / (certainties.0 + certainties.1);
            variance = 1.0 / (certainties.0 + certainties.1);
            let update = of.push(*y).unwrap();
            assert_close(Some(update.level), level, 1e-9);
            assert_close(Some(update.variance), variance, 1e-9);
        }
        assert_close(of.level(), level, 1e-9);
    }
}

#[test]
fn equal_variances_lead_to_the_golden_ratio() {
    let mut of = Kalman::new(1.0, 1.0);
    let update = bars().iter().map(|bar| of.push(bar.close)).last().unwrap().unwrap();
    assert_close(Some(update.variance), 0.618_033_988_749_895, 1e-12);
    assert_close(Some(update.innovation_sigma.powi(2)), 2.618_033_988_749_895, 1e-12);
    assert_eq!(of.push(f64::NAN), None);
    assert_eq!(of.level(), Some(update.level));
}
