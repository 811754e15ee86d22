//! The common test series: a sine on a slope, with reference values from the predecessor's formulas;
//! and random bars. Numbers said to be TA-Lib's come from its C library 0.8.1 through the Python package
//! TA-Lib 0.8.2, called on the whole series: `talib.RSI(close, 14)[-1]`.

use proptest::prelude::*;

/// One bar as floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoldenBar {
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
    pub(crate) volume: i64,
}

/// Bars `0 .. 250`.
pub(crate) fn bars() -> Vec<GoldenBar> {
    let close = |i: i32| 100.0 + 10.0 * (f64::from(i) / 7.0).sin() + 0.05 * f64::from(i);
    let bar = |i: i32| {
        let (open, close) = (close(i - 1), close(i));
        GoldenBar {
            high: open.max(close) + 0.5 + 0.1 * f64::from(i % 3),
            low: open.min(close) - 0.4 - 0.1 * f64::from(i % 4),
            close,
            volume: 1000 + i64::from(37 * i % 101),
        }
    };
    (0..250).map(bar).collect()
}

/// Random bars of a walk, in whole cents; every fifth one is flat and without volume on average.
pub(crate) fn random_bars(len: std::ops::Range<usize>) -> impl Strategy<Value = Vec<GoldenBar>> {
    let step = (-300i32..300, 0i32..100, 0i32..100, 0i64..1_000_000, 0u8..5);
    prop::collection::vec(step, len).prop_map(|steps| {
        let mut close = 1_000_000;
        let bar = |(change, above, below, volume, kind): (i32, i32, i32, i64, u8)| {
            let open = close;
            let cents = |x: i32| f64::from(x) / 100.0;
            if kind == 0 {
                let flat = cents(open);
                return GoldenBar { high: flat, low: flat, close: flat, volume: 0 };
            }
            close = (open + change).max(10_000);
            GoldenBar {
                high: cents(open.max(close) + above),
                low: cents(open.min(close) - below),
                close: cents(close),
                volume,
            }
        };
        steps.into_iter().map(bar).collect()
    })
}

/// Compares what an instrument answers bar by bar with a formula of all bars so far.
#[track_caller]
pub(crate) fn check_bars(
    bars: &[GoldenBar],
    mut push: impl FnMut(&GoldenBar) -> Option<f64>,
    batch: impl Fn(&[GoldenBar]) -> Option<f64>,
) {
    let got: Vec<_> = bars.iter().map(&mut push).collect();
    let want: Vec<_> = (1..=bars.len()).map(|end| batch(&bars[..end])).collect();
    assert_all_close(&got, &want);
}

/// The last value over the golden series.
pub(crate) fn last(push: impl FnMut(&GoldenBar) -> Option<f64>) -> Option<f64> {
    bars().iter().map(push).fold(None, |_, value| value)
}

/// Fails unless the two agree to `tolerance`, relative to the larger of 1 and the wanted value.
#[track_caller]
pub(crate) fn assert_close(got: Option<f64>, want: f64, tolerance: f64) {
    let got = got.expect("a value");
    let error = (got - want).abs() / want.abs().max(1.0);
    assert!(error <= tolerance, "got {got}, want {want}");
}

/// The same for a series of values that may not be ready.
#[track_caller]
pub(crate) fn assert_all_close(got: &[Option<f64>], want: &[Option<f64>]) {
    assert_eq!(got.len(), want.len());
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        match (got, want) {
            (None, None) => {}
            (Some(g), Some(w)) => {
                let error = (g - w).abs() / w.abs().max(1.0);
                assert!(error <= 1e-9, "at {i}: got {g}, want {w}");
            }
            _ => panic!("at {i}: got {got:?}, want {want:?}"),
        }
    }
}
