use proptest::prelude::*;

use super::*;
use crate::golden::assert_close;

const WIDTH: f64 = 0.01;

/// The middle of a bin.
fn price(bin: i64) -> f64 {
    ((bin as f64 + 0.5) * WIDTH.ln_1p()).exp()
}

proptest! {
    #[test]
    fn bins_equal_a_recount_of_the_window(
        bars in prop::collection::vec((100i64..180, 0i64..70, 0i64..100), 1..60),
        period in 1usize..40,
    ) {
        let mut of = VolumeProfile::new(period, WIDTH);
        for (i, (from, more, lots)) in bars.iter().enumerate() {
            prop_assert!(of.push(price(from + more), price(*from), Qty::new(*lots)));
            let mut want = [0; 256];
            for (from, more, lots) in &bars[(i + 1).saturating_sub(period)..=i] {
                for lot in 0..*lots {
                    want[usize::try_from(from + lot % (more + 1)).unwrap()] += 1;
                }
            }
            for bin in 100i64..250 {
                let got = of.at(price(bin)).unwrap_or(0);
                prop_assert_eq!(got, want[usize::try_from(bin).unwrap()]);
            }
            let area = of.value_area(0.7, 1);
            if let Some(area) = area {
                prop_assert!(area.share >= 0.7 && area.low < area.control && area.control < area.high);
                prop_assert_eq!(of.at(area.control), want.iter().max().copied());
            }
            prop_assert_eq!(area.is_some(), i + 1 >= period && want.iter().any(|lots| *lots > 0));
        }
    }
}

#[test]
fn the_area_grows_to_the_fuller_side() {
    let mut of = VolumeProfile::new(10, WIDTH);
    for (bin, lots) in (0..).zip([1, 2, 4, 9, 10, 8, 5, 3, 2, 1]) {
        assert_eq!(of.value_area(0.7, 2), None);
        of.push(price(bin), price(bin), Qty::new(lots));
    }
    let check = |rows: i64, low: i64, high: i64, share: f64| {
        let area = of.value_area(0.7, rows).unwrap();
        assert_close(Some(area.control), price(4), 1e-12);
        assert_close(Some(area.low), price(low) / 1.01f64.sqrt(), 1e-12);
        assert_close(Some(area.high), price(high) * 1.01f64.sqrt(), 1e-12);
        assert_close(Some(area.share), share, 1e-12);
    };
    check(2, 2, 6, 36.0 / 45.0); // two rows at a time, ties upwards
    check(1, 3, 6, 32.0 / 45.0);
}

#[test]
fn bars_too_far_from_the_newest_one_leave() {
    let mut of = VolumeProfile::new(5, WIDTH);
    for bin in [0, 10, 255] {
        assert!(of.push(price(bin), price(bin), Qty::new(7)));
    }
    assert_eq!(of.len(), 3);
    assert!(of.push(price(262), price(262), Qty::new(7)));
    assert_eq!((of.len(), of.at(price(0)), of.at(price(10))), (3, None, Some(7)));
    assert!(!of.push(price(300), price(0), Qty::new(7)), "wider than all bins");
    assert!(of.is_empty());
    assert!(!of.push(f64::NAN, 1.0, Qty::new(1)));
    assert!(!of.push(1.0, 0.0, Qty::new(1)));
    assert_eq!(of.value_area(0.7, 1), None);
}
