use super::*;

#[track_caller]
fn check(sent: u64, theirs: u64, back: u64, at_least: u64, at_most: u64) {
    let found = bounds(HostNs::new(sent), HostNs::new(theirs), HostNs::new(back));
    assert_eq!((found.at_least.raw(), found.at_most.raw()), (at_least, at_most));
}

#[test]
fn a_reading_outside_of_its_round_is_certainly_off_and_one_inside_at_most_by_the_round() {
    //    sent theirs back  at least, at most
    check(100, 150, 200, 0, 50);
    check(100, 110, 200, 0, 90);
    check(100, 190, 200, 0, 90);
    check(100, 260, 200, 60, 160);
    check(100, 40, 200, 60, 160);
}

#[test]
fn one_core_has_nobody_to_compare_with() {
    assert!(measure(&CpuSet::from_iter([0])).is_err());
}
