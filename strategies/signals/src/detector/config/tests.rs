use super::*;

#[track_caller]
fn check(change: impl FnOnce(&mut DetectorConfig), message: &str) {
    let mut config = DetectorConfig::default();
    change(&mut config);
    let error = config.check().expect_err("refused").to_string();
    assert!(error.contains(message), "{error}");
}

#[test]
fn weights_must_sum_to_one() {
    let weights = Weights { adx: 0.35, sentiment: 0.0, ..Weights::default() };
    DetectorConfig { weights, ..DetectorConfig::default() }.check().unwrap();
    check(|config| config.weights.adx = 0.5, "the weights sum to 1.25");
    check(|config| config.weights.rsi = -0.1, "weight rsi = -0.1: expected 0 to 1");
    check(|config| config.weights.volume = f64::NAN, "weight volume = NaN");
    let none = Weights { adx: 0.0, chop: 0.5, ma: 0.0, rsi: 0.0, volume: 0.25, sentiment: 0.25 };
    check(|config| config.weights = none, "weigh nothing together");
}

#[test]
fn what_makes_no_sense_is_refused_and_what_makes_little_is_warned_of() {
    DetectorConfig::default().check().unwrap();
    assert_eq!(DetectorConfig::default().warnings().count(), 0);
    check(|config| config.cut = 0.5, "cut = 0.5, strong_cut = 0.4: expected 0 < cut");
    check(|config| config.strong_cut = f64::NAN, "expected 0 < cut");
    check(|config| config.smoothing = 0, "smoothing = 0: expected 1 to 20");
    check(|config| config.confirmations = 101, "confirmations = 101: expected 1 to 100");
    check(|config| config.volatility = RegimeRule::Fixed([1.0, 0.5, 2.0]), "ascending");
    for (seconds, confirmations, warnings) in [(9, 3, 1), (601, 3, 1), (60, 1, 1), (5, 1, 2)] {
        let duration_min = DurationNs::from_secs(seconds);
        let config = DetectorConfig { duration_min, confirmations, ..DetectorConfig::default() };
        assert_eq!(config.warnings().count(), warnings);
    }
}
