use toml::Value;

use crate::{Config, ConfigError, SentimentConfig};

fn load(pairs: &[(&str, Value)]) -> Result<SentimentConfig, ConfigError> {
    let overrides: Vec<_> =
        pairs.iter().map(|(key, value)| (format!("sentiment.{key}"), value.clone())).collect();
    Config::load(None, std::iter::empty(), &overrides).map(|config| config.sentiment)
}

fn text(of: &str) -> Value {
    Value::String(of.to_owned())
}

#[test]
fn a_run_needs_no_network_unless_it_is_asked_to() {
    let config = load(&[]).unwrap();
    assert!(!config.enabled);
    assert!(config.fear_greed_url.is_some() && config.dominance_url.is_some());
    let config = load(&[("enabled", true.into()), ("dominance_url", text(""))]).unwrap();
    assert!(config.enabled && config.dominance_url.is_none());
    load(&[("fear_greed_url", text("http://127.0.0.1:8080/fng"))]).unwrap();
}

#[test]
fn what_cannot_be_meant_is_refused_by_name() {
    for (pairs, message) in [
        (vec![("timeout_ms", Value::from(99))], "sentiment.timeout_ms = 99: expected 100 to 60000"),
        (vec![("refresh_s", Value::from(59))], "sentiment.refresh_s = 59: expected 60 to 86400"),
        (
            vec![("fear_greed_url", text("http://example.org/"))],
            "sentiment.fear_greed_url = http://example.org/: expected an address https://",
        ),
        (vec![("dominance_url", text("http://localhost.example.org"))], "sentiment.dominance_url"),
        (vec![("dominance_url", text("https://"))], "sentiment.dominance_url"),
        (
            vec![
                ("enabled", true.into()),
                ("fear_greed_url", text("")),
                ("dominance_url", text("")),
            ],
            "sentiment.enabled = true: both addresses are empty",
        ),
        (vec![("enable", true.into())], "did you mean sentiment.enabled?"),
    ] {
        let error = load(&pairs).expect_err(message).to_string();
        assert!(error.contains(message), "{error}");
    }
}
