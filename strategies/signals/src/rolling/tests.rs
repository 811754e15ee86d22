use proptest::prelude::*;

use super::*;
use crate::golden::{assert_all_close, assert_close, check_bars, last, random_bars};
use crate::naive;

fn mean_and_sigma(xs: &[f64], period: usize) -> Option<(f64, f64)> {
    let window = &xs[xs.len().checked_sub(period)?..];
    let n = period as f64;
    let mean = window.iter().sum::<f64>() / n;
    let variance = window.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    Some((mean, variance.sqrt()))
}

fn check(xs: &[f64], period: usize) {
    let mut stats = RollingStats::new(period);
    let (mut mean, mut sigma) = (Vec::new(), Vec::new());
    for x in xs {
        stats.push(*x);
        mean.push(stats.mean());
        sigma.push(stats.sigma());
    }
    let want: Vec<_> = (1..=xs.len()).map(|end| mean_and_sigma(&xs[..end], period)).collect();
    assert_all_close(&mean, &want.iter().map(|w| w.map(|w| w.0)).collect::<Vec<_>>());
    assert_all_close(&sigma, &want.iter().map(|w| w.map(|w| w.1)).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn equals_the_batch_formula(xs in prop::collection::vec(-1e3..1e5f64, 1..300), period in 1usize..50) {
        check(&xs, period);
    }

    /// A storm that falls silent: what is left must not be the rounding of what is gone.
    #[test]
    fn a_calm_after_a_jump_has_no_deviation_left_over(jump in 1e3..1e8f64, calm in 1.0..100.0f64, period in 2usize..30) {
        let mut xs = vec![calm, jump, jump * 0.5, jump];
        xs.extend(std::iter::repeat_n(calm, 2 * period));
        xs.extend((0..period).map(|i| calm + (i % 2) as f64 * 0.01));
        check(&xs, period);
    }
}

proptest! {
    #[test]
    fn z_equals_the_batch_formula(bars in random_bars(1..150), period in 2usize..30) {
        let mut stats = RollingStats::new(period);
        check_bars(&bars, |bar| { stats.push(bar.close); stats.z() }, |bars| naive::z(&naive::closes(bars), period));
    }
}

#[test]
fn golden_z_and_none_without_movement() {
    let mut stats = RollingStats::new(20);
    assert_close(
        last(|bar| {
            stats.push(bar.close);
            stats.z()
        }),
        -1.696_715_55,
        1e-8,
    );
    for _ in 0..40 {
        stats.push(0.1);
    }
    assert_eq!(stats.z(), None);
    assert_eq!(z_score(f64::NAN, f64::NAN, f64::NAN), None);
}
