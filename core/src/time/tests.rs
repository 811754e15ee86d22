use super::*;
use proptest::prelude::*;

#[test]
fn fractions_of_zero_to_nine_digits_are_read() {
    let at = |text: &str| ExchNs::parse_rfc3339(text.as_bytes()).map(ExchNs::raw);
    assert_eq!(at("1970-01-01T00:00:00Z"), Some(0));
    assert_eq!(at("1970-01-01T00:00:00.5Z"), Some(500_000_000));
    assert_eq!(at("1970-01-01T00:00:00.000000001Z"), Some(1));
    assert_eq!(at("2000-02-29T23:59:59.123456Z"), Some(951_868_799_123_456_000));
    for bad in [
        "2001-02-29T00:00:00Z",
        "2000-13-01T00:00:00Z",
        "2000-01-01T24:00:00Z",
        "2000-01-01T00:00:00.Z",
        "2000-01-01T00:00:00.0000000001Z",
        "2000-01-01T00:00:00+00:00",
        "2000-01-01 00:00:00Z",
        "",
    ] {
        assert_eq!(at(bad), None, "{bad}");
    }
}

#[test]
fn durations_show_three_digits_and_their_unit() {
    let shown = |ns| DurationNs::new(ns).to_string();
    assert_eq!(shown(850), "850 ns");
    assert_eq!(shown(1_234), "1.23 us");
    assert_eq!(shown(12_345), "12.3 us");
    assert_eq!(shown(45_600_000), "45.6 ms");
    assert_eq!(shown(7_890_000_000), "7.89 s");
    assert_eq!(shown(123_000_000_000), "123 s");
}

proptest! {
    #[test]
    fn shown_and_parsed_again_is_the_same_instant(ns in -62_000_000_000_000_000_000i128..253_000_000_000_000_000_000) {
        let ns = i64::try_from(ns.clamp(0, i128::from(i64::MAX))).unwrap();
        let text = ExchNs::new(ns).to_string();
        prop_assert_eq!(ExchNs::parse_rfc3339(text.as_bytes()), Some(ExchNs::new(ns)));
    }
}
