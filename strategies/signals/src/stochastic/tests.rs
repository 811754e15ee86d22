use proptest::prelude::*;

use super::*;
use crate::golden::{assert_close, bars, check_bars, random_bars};
use crate::naive;

/// All bars that have a raw value smooth the newest, which must be one of them.
fn naive(bars: &[crate::golden::GoldenBar], period: usize) -> Option<(f64, f64)> {
    let raw = |end: usize| {
        let (high, low) = naive::edges(&bars[..end], period)?;
        (high > low).then(|| 100.0 * (bars[end - 1].close - low) / (high - low))
    };
    raw(bars.len())?;
    let raw: Vec<f64> = (1..=bars.len()).filter_map(raw).collect();
    let k: Vec<f64> = (1..=raw.len()).filter_map(|end| naive::sma(&raw[..end], 3)).collect();
    Some((*k.last()?, naive::sma(&k, 2)?))
}

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150), period in 1usize..15) {
        let mut of = Stochastic::new(period, 3, 2);
        let mut push = |bar: &crate::golden::GoldenBar| of.push(bar.high, bar.low, bar.close);
        check_bars(&bars, |bar| push(bar).map(|v| v.0), |bars| naive(bars, period).map(|v| v.0));
        let mut of = Stochastic::new(period, 3, 2);
        let mut push = |bar: &crate::golden::GoldenBar| of.push(bar.high, bar.low, bar.close);
        check_bars(&bars, |bar| push(bar).map(|v| v.1), |bars| naive(bars, period).map(|v| v.1));
    }
}

#[test]
fn equals_ta_lib() {
    // talib.STOCH(high, low, close, 14, 3, 0, 3, 0) has its first value at 17.
    let mut of = Stochastic::new(14, 3, 3);
    let all: Vec<_> = bars().iter().map(|bar| of.push(bar.high, bar.low, bar.close)).collect();
    assert_eq!(all[16], None);
    for (at, k, d) in [
        (17, 65.067_614_267_916_75, 76.701_054_615_524_92),
        (249, 3.142_873_015_868_391_3, 3.450_881_536_774_976),
    ] {
        assert_close(all[at].map(|v| v.0), k, 1e-11);
        assert_close(all[at].map(|v| v.1), d, 1e-11);
    }
}

#[test]
fn no_range_is_no_place_in_it() {
    let mut of = Stochastic::new(2, 1, 1);
    assert_eq!(
        [1.0, 2.0, 2.0, 2.0].map(|x| of.push(x, x, x)),
        [None, Some((100.0, 100.0)), None, None]
    );
}
