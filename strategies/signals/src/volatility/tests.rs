use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars, check_bars, last, random_bars};
use crate::naive;

fn log_returns(xs: &[f64]) -> Vec<f64> {
    xs.windows(2).map(|w| 100.0 * (w[1] / w[0]).ln()).collect()
}

proptest! {
    #[test]
    fn equal_the_batch_formulas(bars in random_bars(1..150), period in 1usize..30) {
        let mut of = RealisedVolatility::new(period);
        check_bars(&bars, |bar| of.push(bar.close), |bars| {
            let returns = log_returns(&naive::closes(bars));
            naive::newest(&returns, period).map(|w| w.iter().map(|r| r * r).sum::<f64>().sqrt())
        });
        let mut of = Garch::new(0.02, 0.08, 0.9).unwrap();
        check_bars(&bars, |bar| of.push(bar.close), |bars| {
            let returns = log_returns(&naive::closes(bars));
            let step = |h: f64, r: &f64| 0.02 + 0.08 * r * r + 0.9 * h;
            (!returns.is_empty()).then(|| returns.iter().fold(1.0, step))
        });
    }
}

#[test]
fn equals_the_arch_package() {
    // arch 8.0.0: arch_model(100 * diff(log(close)), mean="Zero").fix([0.02, 0.08, 0.9]), started at its
    // backcast; forecast(horizon=5).variance sums to the last number.
    let mut of = Garch::new(0.02, 0.08, 0.9).unwrap();
    of.start(1.027_794_677_207_472_4);
    let all: Vec<_> = bars().iter().map(|bar| of.push(bar.close)).collect();
    assert_eq!(all[0], None);
    assert_close(all[1], 1.116_236_211_062_037_2, 1e-12);
    assert_close(all[248], 1.006_414_024_057_173_7, 1e-12);
    assert_close(of.forecast(1), 0.971_501_588_616_649_8f64.sqrt(), 1e-12);
    assert_close(of.forecast(5).map(|v| v * v), 4.863_094_767_091_106, 1e-12);
}

#[test]
fn golden_realised() {
    let mut of = RealisedVolatility::new(20);
    assert_close(last(|bar| of.push(bar.close)), 3.984_605_516_122_493_4, 1e-12);
    let value = of.value();
    assert_eq!([0.0, -1.0, f64::NAN].map(|x| of.push(x)), [value; 3]);
}

#[test]
fn what_would_grow_without_end_is_refused() {
    let refused = |omega, alpha, beta| Garch::new(omega, alpha, beta).unwrap_err();
    assert_eq!(refused(0.1, 0.1, 0.9), GarchError::Persistence);
    assert_eq!(refused(0.0, 0.1, 0.8), GarchError::Sign);
    assert_eq!(refused(0.1, -0.1, 0.8), GarchError::Sign);
    assert_eq!(refused(0.1, f64::NAN, 0.8), GarchError::Sign);
    let calm = Garch::new(0.5, 0.0, 0.0).unwrap();
    assert_eq!(calm.forecast(3), None);
}
