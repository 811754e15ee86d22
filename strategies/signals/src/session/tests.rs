use super::*;

#[track_caller]
fn check(text: &[u8], want: Session) {
    let mut clock = SessionClock::new(SESSION_HOURS);
    let at = ExchNs::parse_rfc3339(text).unwrap();
    assert_eq!(clock.at(at), want);
}

#[test]
fn boundaries_belong_to_what_begins() {
    check(b"2025-11-03T00:00:00Z", Session::Asia);
    check(b"2025-11-03T07:59:59.999Z", Session::Asia);
    check(b"2025-11-03T08:00:00Z", Session::Europe);
    check(b"2025-11-03T14:00:00Z", Session::Overlap);
    check(b"2025-11-03T17:00:00Z", Session::Us);
    check(b"2025-11-03T20:59:59Z", Session::Us);
    check(b"2025-11-03T21:00:00Z", Session::OffHours);
    check(b"1969-12-31T23:00:00Z", Session::OffHours);
}

#[test]
fn a_clock_follows_the_day() {
    let mut clock = SessionClock::new(SESSION_HOURS);
    let hours = (0..48).map(|h| clock.at(ExchNs::new(h * HOUR_NS + 5)));
    let changes = hours.collect::<Vec<_>>().windows(2).filter(|w| w[0] != w[1]).count();
    assert_eq!(changes, 9);
}

#[test]
fn hours_out_of_order_are_refused() {
    assert!(!SessionClock::is_valid([0, 8, 7, 17, 21]));
    assert!(!SessionClock::is_valid([1, 8, 14, 17, 21]));
    assert!(!SessionClock::is_valid([0, 8, 14, 17, 24]));
}
