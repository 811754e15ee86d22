use paperwire_core::time::DurationNs;
use paperwire_signals::detector::{DetectorConfig, Weights};
use paperwire_signals::regime::RegimeRule;

use crate::{Config, DEFAULTS};

fn load(text: &str) -> Result<DetectorConfig, String> {
    let config = Config::from_effective(text, &[]);
    config.map(|config| config.regime).map_err(|error| error.to_string())
}

#[test]
fn what_is_documented_is_what_the_detector_takes_for_its_default() {
    assert_eq!(load(DEFAULTS).unwrap(), DetectorConfig::default());
}

#[test]
fn every_key_reaches_the_detector() {
    let text = "[regime]\ncut = 0.1\nstrong_cut = 0.5\nsmoothing = 5\nconfirmations = 4
duration_min_s = 120\nsentiment_age_max_s = 7200\nvolatility = \"fixed\"
volatility_cuts_pct = [0.2, 0.4, 0.8]\nweights = { adx = 0.35, sentiment = 0.0 }";
    let weights = Weights { adx: 0.35, sentiment: 0.0, ..Weights::default() };
    let wanted = DetectorConfig {
        weights,
        cut: 0.1,
        strong_cut: 0.5,
        smoothing: 5,
        confirmations: 4,
        duration_min: DurationNs::from_secs(120),
        sentiment_age_max: DurationNs::from_secs(7200),
        volatility: RegimeRule::Fixed([0.2, 0.4, 0.8]),
    };
    assert_eq!(load(text).unwrap(), wanted);
}

#[test]
fn a_mistake_is_named_with_its_remedy() {
    for (text, message) in [
        ("weights = { adx = 0.5 }", "[regime] the weights sum to 1.25: they must sum to 1"),
        ("weights = { adix = 0.5 }", "unknown key regime.weights.adix; did you mean"),
        ("cut = 0.5", "[regime] cut = 0.5, strong_cut = 0.4: expected 0 < cut"),
        ("smoothing = 0", "[regime] smoothing = 0: expected 1 to 20"),
        ("volatility = \"loud\"", "regime.volatility = loud: expected \"adaptive\", \"fixed\""),
        ("volatility_cuts_pct = [2.0, 1.0, 3.0]", "expected ascending numbers"),
        ("duration_min_s = 90000", "regime.duration_min_s = 90000: expected 0 to 86400"),
    ] {
        let error = load(&format!("[regime]\n{text}")).unwrap_err();
        assert!(error.contains(message), "{error}");
    }
}
