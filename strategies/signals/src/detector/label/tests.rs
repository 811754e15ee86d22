use super::TrendRegime::{Bear, Bull, Sideways, StrongBull};
use super::*;

fn minute(of: i64) -> ExchNs {
    ExchNs::new(of * 60_000_000_000)
}

#[track_caller]
fn check(rules: &DetectorConfig, readings: &[TrendRegime], labels: &[TrendRegime]) {
    let mut label = Label::new();
    let mut found = Vec::new();
    for (at, raw) in (0..).zip(readings) {
        found.push(label.read(*raw, 0.0, minute(at), rules).0);
    }
    assert_eq!(found, labels);
}

#[test]
fn a_change_needs_readings_in_a_row_that_say_the_same() {
    let rules = DetectorConfig::default();
    check(&rules, &[Sideways, Bull, Bull, Bull, Bull], &[Sideways, Sideways, Sideways, Bull, Bull]);
    // Another candidate starts from zero, and so does a look back.
    check(&rules, &[Sideways, Bull, Bull, StrongBull, Bull], &[Sideways; 5]);
    check(&rules, &[Sideways, Bull, Bull, Sideways, Bull], &[Sideways; 5]);
    check(&rules, &[Bear, Bear], &[Bear; 2]);
}

#[test]
fn a_label_holds_for_its_time_whatever_confirms_another() {
    let duration_min = DurationNs::from_secs(600);
    let rules = DetectorConfig { duration_min, ..DetectorConfig::default() };
    let mut label = Label::new();
    label.read(Bull, 0.2, minute(0), &rules);
    for at in 1..10 {
        let told = label.read(Bear, -0.2, minute(at), &rules);
        assert_eq!(told, (Bull, minute(0), None), "minute {at}");
    }
    let (now, since, change) = label.read(Bear, -0.2, minute(10), &rules);
    let change = change.unwrap();
    assert_eq!((change.from, change.to, change.at), (Bull, Bear, minute(10)));
    assert_eq!((now, since), (Bear, minute(10)));
}

#[test]
fn changes_are_counted_over_an_hour_of_the_exchange() {
    let rules = DetectorConfig { confirmations: 1, ..DetectorConfig::default() };
    let mut label = Label::new();
    for at in 0..200 {
        label.read(if at / 10 % 2 == 0 { Bull } else { Bear }, 0.0, minute(at), &rules);
    }
    // Changes at 10, 20 ... 190: of the minutes 140 to 199 six.
    assert_eq!(label.transitions().len(), 19);
    assert_eq!(label.changes_1h(minute(199)), 6);
    assert_eq!(label.changes_1h(minute(250)), 0);
}
