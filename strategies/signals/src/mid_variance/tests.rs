use proptest::prelude::*;

use super::*;
use crate::golden::assert_close;

fn at(ms: u32) -> ExchNs {
    ExchNs::new(i64::from(ms) * 1_000_000)
}

/// The mid of every whole second, then every change with its weight.
fn naive(steps: &[(u32, f64)], half_life: f64) -> Option<f64> {
    let (first, last) = (steps.first()?.0 / 1000, steps.last()?.0 / 1000);
    let mid = |second: u32| steps.iter().rfind(|(ms, _)| ms / 1000 <= second).map(|(_, mid)| *mid);
    let mids: Vec<f64> = (first..last).filter_map(mid).collect();
    let changes: Vec<f64> = mids.windows(2).map(|w| (w[1] - w[0]) * (w[1] - w[0])).collect();
    let weight = |age: usize| 0.5f64.powf(age as f64 / half_life);
    let weights: f64 = (0..changes.len()).map(weight).sum();
    let sum: f64 = changes.iter().rev().enumerate().map(|(age, x)| x * weight(age)).sum();
    (changes.len() >= 30).then(|| sum / weights)
}

proptest! {
    #[test]
    fn equals_the_weighted_sums(waits in prop::collection::vec((0u32..4_000, 90.0..110.0f64), 1..60), half_life in 1.0..200.0f64) {
        let mut of = MidVariance::new(half_life, 0.0);
        let mut steps = Vec::new();
        let mut now = 500;
        for (wait, mid) in waits {
            now += wait;
            steps.push((now, mid));
            let got = of.push(mid, at(now));
            match naive(&steps, half_life) {
                None => prop_assert_eq!(got, None),
                Some(want) => assert_close(got, want, 1e-9),
            }
        }
    }
}

#[test]
fn a_floor_holds_and_what_was_not_heard_is_no_change() {
    let mut of = MidVariance::new(120.0, 0.25);
    for s in 0..40 {
        of.push(100.0, at(s * 1000));
    }
    assert_eq!(of.value(), Some(0.25));
    of.unlink();
    of.push(500.0, at(90_000));
    of.push(500.0, at(91_000));
    assert_eq!(of.push(500.0, at(92_000)), Some(0.25));
    assert_eq!(of.push(f64::NAN, at(93_000)), Some(0.25));
    assert_eq!(of.push(1.0, at(1_000)), Some(0.25), "older than the last");
}
