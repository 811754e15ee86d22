use proptest::prelude::*;

use super::*;

fn at_ms(ms: i64) -> ExchNs {
    ExchNs::new(ms * 1_000_000)
}

#[test]
fn only_a_full_second_counts() {
    let mut rate = MessageRate::new(2);
    assert_eq!(rate.per_second(at_ms(0)), 0);
    for ms in [5_000, 5_300, 5_999] {
        rate.add(at_ms(ms));
        assert_eq!(rate.per_second(at_ms(ms)), 0, "the first second is not over");
    }
    assert_eq!(rate.per_second(at_ms(6_000)), 3);
    assert!((rate.load(at_ms(6_000)) - 1.5).abs() < 1e-15);
    rate.add(at_ms(6_999));
    assert_eq!(rate.per_second(at_ms(6_999)), 3);
    assert_eq!(rate.per_second(at_ms(7_000)), 1);
    assert_eq!(rate.per_second(at_ms(8_000)), 0, "a silent second is a full one");
    rate.add(at_ms(9_500));
    assert_eq!(rate.per_second(at_ms(9_500)), 0);
}

#[test]
#[should_panic(expected = "positive message rate")]
fn nothing_is_compared_with_no_messages() {
    MessageRate::new(0);
}

proptest! {
    #[test]
    fn rate_is_the_count_of_the_second_before(
        start in -5_000i64..5_000,
        steps in prop::collection::vec(0i64..1_500, 1..200),
        later in 0i64..3_000,
    ) {
        let mut rate = MessageRate::new(10);
        let mut times = Vec::new();
        let mut now = start;
        for step in steps {
            now += step;
            rate.add(at_ms(now));
            times.push(now);
        }
        now += later;
        let before = now.div_euclid(1000) - 1;
        let want = times.iter().filter(|ms| ms.div_euclid(1000) == before).count();
        prop_assert_eq!(usize::try_from(rate.per_second(at_ms(now))).unwrap(), want);
        prop_assert!(rate.load(at_ms(now)) >= 0.0);
    }
}
