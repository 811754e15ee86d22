use proptest::prelude::*;

use super::*;

fn of(values: &[f64]) -> Returns {
    let mut returns = Returns::default();
    values.iter().for_each(|value| returns.add(*value));
    returns
}

#[track_caller]
fn close(got: Option<f64>, want: f64) {
    let got = got.expect("there is an answer");
    assert!((got / want - 1.0).abs() < 1e-12, "{got} for {want}");
}

/// Mean 0.05; squared distances 0.0025, 0.0225, 0.0025, 0.0225 sum to 0.05, so the sample variance
/// is 0.05 / 3 and the ratio is the root of 0.15. Downside: root of 0.01 / 4 is 0.05, the ratio 1.
#[test]
fn ratios_by_hand() {
    let returns = of(&[0.1, -0.1, 0.0, 0.2]);
    close(returns.sharpe(), 78_840f64.sqrt());
    close(returns.sortino(), 525_600f64.sqrt());
    close(of(&[-0.1, 0.1, 0.0, -0.2]).sharpe(), -(78_840f64.sqrt()));
}

#[test]
fn no_answer_without_two_returns_or_without_deviation() {
    for few in [&[][..], &[0.5], &[-0.5]] {
        assert_eq!(of(few).sharpe(), None);
        assert_eq!(of(few).sortino(), None);
    }
    for steady in [[0.0; 9], [0.1; 9], [-0.1; 9]] {
        assert_eq!(of(&steady).sharpe(), None);
    }
    assert_eq!(of(&[0.1, 0.2, 0.0]).sortino(), None, "nothing was lost");
    close(of(&[-0.1; 9]).sortino(), -(525_600f64.sqrt()));
    let mut silent = Returns::default();
    silent.add_zeros(1 << 40);
    assert_eq!((silent.sharpe(), silent.sortino()), (None, None));
}

#[test]
fn a_return_that_is_steady_but_for_rounding_has_no_deviation() {
    let (mut equity, mut returns) = (100.0f64, Returns::default());
    for _ in 0..1000 {
        let next = equity * 1.001;
        returns.add(next / equity - 1.0);
        equity = next;
    }
    assert_eq!(returns.sharpe(), None);
}

proptest! {
    #[test]
    fn many_zeros_at_once_are_zeros_one_by_one(
        before in prop::collection::vec(-0.9f64..2.0, 0..20),
        zeros in 0u64..500,
        after in prop::collection::vec(-0.9f64..2.0, 0..20),
    ) {
        let (mut at_once, mut one_by_one) = (of(&before), of(&before));
        at_once.add_zeros(zeros);
        (0..zeros).for_each(|_| one_by_one.add(0.0));
        for value in after {
            at_once.add(value);
            one_by_one.add(value);
        }
        prop_assert_eq!(at_once.count, one_by_one.count);
        prop_assert!((at_once.mean - one_by_one.mean).abs() < 1e-12);
        prop_assert!((at_once.spread - one_by_one.spread).abs() < 1e-9);
        prop_assert_eq!(at_once.downside.to_bits(), one_by_one.downside.to_bits());
    }
}
