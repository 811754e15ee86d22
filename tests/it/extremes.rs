//! No value of the wire, however large, late or far away, ends a session or benches a strategy.

mod drive;

use proptest::prelude::*;

use drive::Drive;

/// Thousands of steps in which every kind of frame and value occurs, the same in every run.
#[test]
fn an_hour_of_extreme_markets_ends_nothing_and_is_traded() {
    let mut random = crate::material::Random(42);
    let mut drive = Drive::new();
    let mut plan = Vec::new();
    for _ in 0..3_000 {
        plan.extend([0; 4].map(|_: u8| u8::try_from(random.below(256)).unwrap()));
    }
    drive.play(&plan);
    assert!(drive.outcome.fills > 0, "{:?}", drive.outcome);
    assert_eq!(drive.outcome.benched, 0, "a strategy panicked");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn valid_frames_of_any_value_are_survived(
        plan in prop::collection::vec(any::<u8>(), 0..2_000)
    ) {
        let mut drive = Drive::new();
        drive.play(&plan);
        prop_assert_eq!(drive.outcome.benched, 0);
    }
}
