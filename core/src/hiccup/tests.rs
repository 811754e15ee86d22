use super::*;
use proptest::prelude::*;

fn meter(readings: &[u64]) -> HiccupMeter {
    let mut meter = HiccupMeter::new(DurationNs::new(100));
    for &reading in readings {
        meter.show(HostNs::new(reading));
    }
    meter
}

#[track_caller]
fn check(readings: &[u64], count: u64, lost: u64, largest: Option<(u64, u64)>) {
    let meter = meter(readings);
    assert_eq!((meter.count(), meter.lost().raw()), (count, lost), "{readings:?}");
    let found = meter.largest().map(|hiccup| (hiccup.span.raw(), hiccup.ended_at.raw()));
    assert_eq!(found, largest, "{readings:?}");
}

#[test]
fn gaps_from_the_threshold_on_are_counted_with_the_largest_and_its_end() {
    //    readings                   count  lost  largest (span, end)
    check(&[], 0, 0, None);
    check(&[7], 0, 0, None);
    check(&[0, 20, 40, 139], 0, 0, None);
    check(&[0, 20, 120], 1, 100, Some((100, 120)));
    check(&[0, 500, 520, 1020], 2, 1000, Some((500, 500))); // the first of equal ones
    check(&[0, 200, 900, 1000], 3, 1000, Some((700, 900)));
    check(&[500, 400, 450], 0, 0, None); // two cores' clocks out of order
}

#[test]
fn work_between_two_readings_is_no_hiccup() {
    let mut meter = meter(&[0, 10]);
    meter.look_away();
    assert_eq!(meter.show(HostNs::new(9_000)), None);
    let hiccup = meter.show(HostNs::new(9_300));
    assert_eq!(hiccup.map(|hiccup| hiccup.span), Some(DurationNs::new(300)));
    meter.clear();
    assert_eq!((meter.count(), meter.lost(), meter.largest()), (0, DurationNs::ZERO, None));
    assert_eq!(meter.threshold(), DurationNs::new(100));
}

proptest! {
    #[test]
    fn what_is_lost_is_the_sum_of_the_long_gaps(gaps in prop::collection::vec(0u64..10_000, 0..200)) {
        let mut at = 0;
        let readings: Vec<u64> = std::iter::once(0).chain(gaps.iter().map(|gap| { at += gap; at })).collect();
        let meter = meter(&readings);
        let long = gaps.iter().copied().filter(|gap| *gap >= 100);
        prop_assert_eq!(meter.lost().raw(), long.clone().sum::<u64>());
        prop_assert_eq!(meter.count(), long.clone().count() as u64);
        prop_assert_eq!(meter.largest().map(|hiccup| hiccup.span.raw()), long.max());
    }
}
