//! One request to one source, and what its answer means. Blocks: runs on a thread for that.

use std::time::Duration;

use paperwire_core::time::{DurationNs, ExchNs};
use serde_json::Value;

/// Answers are below 20 kB; whoever sends more is not the source.
const ANSWER_BYTES_MAX: u64 = 256 << 10;
/// The index is renewed once a day; one that is older than two was left behind.
const INDEX_AGE_MAX: DurationNs = DurationNs::from_secs(2 * 86_400);

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The fear and greed index, as Alternative.me serves it.
    FearGreed,
    /// Bitcoin's share of the value of all coins, as CoinGecko serves it.
    Dominance,
}

impl Source {
    /// The words used in notices.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FearGreed => "fear and greed",
            Self::Dominance => "bitcoin dominance",
        }
    }
}

/// What a source said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reading {
    /// 0 to 100.
    FearGreed(u8),
    /// Percent.
    Dominance(f64),
}

/// Why there is no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FetchError {
    /// No answer, one too late, or a refusal.
    #[error("{0}")]
    Http(String),
    /// The answer does not hold what it should.
    #[error("the answer {0}")]
    Malformed(&'static str),
}

/// A client whose whole request, from looking up the name to the last byte, ends by `timeout`.
pub(super) fn client(timeout: Duration) -> ureq::Agent {
    ureq::Agent::config_builder().timeout_global(Some(timeout)).build().into()
}

/// Asks a source; `now` is for judging the age that it states.
pub(super) fn fetch(
    source: Source,
    client: &ureq::Agent,
    url: &str,
    now: ExchNs,
) -> Result<Reading, FetchError> {
    let text = client
        .get(url)
        .call()
        .and_then(|mut answer| {
            answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string()
        })
        .map_err(|error| FetchError::Http(error.to_string()))?;
    match source {
        Source::FearGreed => fear_greed(&text, now).map(Reading::FearGreed),
        Source::Dominance => dominance(&text).map(Reading::Dominance),
    }
}

fn json(text: &str) -> Result<Value, FetchError> {
    serde_json::from_str(text).map_err(|_| FetchError::Malformed("is not JSON"))
}

/// `{"data": [{"value": "40", "timestamp": "1551157200", ...}], ...}`; numbers come as text.
fn fear_greed(text: &str, now: ExchNs) -> Result<u8, FetchError> {
    let answer = json(text)?;
    let row = &answer["data"][0];
    let number = |key: &str| match &row[key] {
        Value::String(text) => text.parse::<i64>().ok(),
        other => other.as_i64(),
    };
    let value = number("value").and_then(|value| u8::try_from(value).ok());
    let value = value.filter(|value| *value <= 100);
    let value = value.ok_or(FetchError::Malformed("has no index from 0 to 100"))?;
    let made_at = number("timestamp").and_then(|seconds| seconds.checked_mul(1_000_000_000));
    if made_at.is_some_and(|at| now.since(ExchNs::new(at)) > INDEX_AGE_MAX) {
        return Err(FetchError::Malformed("is older than two days"));
    }
    Ok(value)
}

/// `{"data": {"market_cap_percentage": {"btc": 58.1, ...}, ...}}`.
fn dominance(text: &str) -> Result<f64, FetchError> {
    let answer = json(text)?;
    let share = answer["data"]["market_cap_percentage"]["btc"].as_f64();
    share
        .filter(|share| *share > 0.0 && *share <= 100.0)
        .ok_or(FetchError::Malformed("has no share above 0, at most 100"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: ExchNs = ExchNs::new(1_800_000_000_000_000_000);

    #[test]
    fn an_index_is_read_or_refused_never_guessed() {
        let row = |row: &str| fear_greed(&format!(r#"{{"data":[{row}]}}"#), NOW);
        let full = r#"{"value":"40","value_classification":"Fear","timestamp":"1799900000"}"#;
        assert_eq!(row(full), Ok(40));
        assert_eq!(row(r#"{"value":"0"}"#), Ok(0));
        assert_eq!(row(r#"{"value":"100"}"#), Ok(100));
        let none = Err(FetchError::Malformed("has no index from 0 to 100"));
        for bad in
            ["", r#"{"value":"101"}"#, r#"{"value":"-1"}"#, r#"{"value":"x"}"#, r#"{"value":5.5}"#]
        {
            assert_eq!(row(bad), none, "{bad}");
        }
        let old = r#"{"value":"40","timestamp":"1799820000"}"#;
        assert_eq!(row(old), Err(FetchError::Malformed("is older than two days")));
        assert_eq!(fear_greed("<html>", NOW), Err(FetchError::Malformed("is not JSON")));
    }

    #[test]
    fn a_share_is_read_or_refused_never_guessed() {
        let share =
            |of: &str| dominance(&format!(r#"{{"data":{{"market_cap_percentage":{of}}}}}"#));
        assert_eq!(share(r#"{"btc":58.25,"eth":12}"#), Ok(58.25));
        for bad in ["null", "{}", r#"{"btc":0}"#, r#"{"btc":100.1}"#, r#"{"btc":"58"}"#] {
            assert!(share(bad).is_err(), "{bad}");
        }
    }
}
