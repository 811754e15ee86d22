//! The common test series: a sine on a slope, with reference values from the predecessor's formulas.

/// One bar as floats.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoldenBar {
    pub(crate) high: f64,
    pub(crate) low: f64,
    pub(crate) close: f64,
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
        }
    };
    (0..250).map(bar).collect()
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
