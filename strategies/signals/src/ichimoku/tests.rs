use proptest::prelude::*;

use super::*;
use crate::golden::{GoldenBar, check_bars, random_bars};
use crate::naive;

/// A column of the reading and its batch form.
type Column<'a> = (fn(&Reading) -> f64, &'a dyn Fn(&[GoldenBar]) -> Option<f64>);

fn spans(bars: &[GoldenBar]) -> Option<Cloud> {
    let (tenkan, kijun) = (naive::middle(bars, 3)?, naive::middle(bars, 5)?);
    Some(Cloud { span_a: (tenkan + kijun) / 2.0, span_b: naive::middle(bars, 9)? })
}

proptest! {
    #[test]
    fn equals_the_batch_formula(bars in random_bars(1..150)) {
        let then = |bars: &[GoldenBar]| spans(&bars[..bars.len().checked_sub(5)?]);
        let columns: [Column<'_>; 5] = [
            (|r| r.tenkan, &|bars| then(bars).and(naive::middle(bars, 3))),
            (|r| r.kijun, &|bars| then(bars).and(naive::middle(bars, 5))),
            (|r| r.cloud.top(), &|bars| then(bars).map(|c| c.span_a.max(c.span_b))),
            (|r| r.future.bottom(), &|bars| then(bars).and(spans(bars)).map(|c| c.span_a.min(c.span_b))),
            (|r| r.close_then, &|bars| then(bars).map(|_| bars[bars.len() - 6].close)),
        ];
        for (column, batch) in columns {
            let mut of = Ichimoku::new(3, 5, 9);
            check_bars(&bars, |bar| of.push(bar.high, bar.low, bar.close).map(|r| column(&r)), batch);
        }
    }
}

#[test]
fn the_cloud_needs_its_longest_range_and_its_shift() {
    let mut of = Ichimoku::new(9, 26, 52);
    let ready = (1..=100).find(|_| of.push(2.0, 1.0, 1.5).is_some());
    assert_eq!(ready, Some(78));
    assert_eq!(of.push(f64::INFINITY, 0.0, 1.0), of.value());
}
