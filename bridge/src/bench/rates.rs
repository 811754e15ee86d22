//! The rates of a benchmark as people write them: `1k`, `2.5k`, `250000`, `recorded`.

use paperwire_core::time::DurationNs;
use paperwire_exchange::load::plan::{RATE_MAX, even_count};
use paperwire_exchange::load::{Rate, Reel};
use paperwire_replay::error::RunError;

const RECORDED: &str = "recorded";

/// A rate and what it is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// As it stands in tables and runs: `10k`, `500`, `recorded`.
    pub(crate) name: String,
    /// Its schedule.
    pub(crate) rate: Rate,
}

impl Asked {
    /// Reads one rate.
    ///
    /// # Errors
    /// [`RunError::Config`] that says what is allowed.
    pub(crate) fn parse(text: &str) -> Result<Self, RunError> {
        let text = text.trim().to_ascii_lowercase();
        if text == RECORDED {
            return Ok(Self { name: text, rate: Rate::Recorded });
        }
        let wrong = || {
            RunError::Config(format!(
                "--rates {text}: expected frames a second from 1 to 1m, such as 500, 10k or 2.5k, or \
                 \"recorded\""
            ))
        };
        let (digits, unit) = match (text.strip_suffix('k'), text.strip_suffix('m')) {
            (Some(digits), _) => (digits, 1_000.0),
            (_, Some(digits)) => (digits, 1_000_000.0),
            (None, None) => (text.as_str(), 1.0),
        };
        let value = digits.parse::<f64>().map_err(|_| wrong())? * unit;
        if !(1.0..=f64::from(RATE_MAX)).contains(&value) || value.fract() != 0.0 {
            return Err(wrong());
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked right above")]
        #[expect(clippy::cast_sign_loss, reason = "checked right above")]
        let rate = value as u32;
        Ok(Self { name: name(rate), rate: Rate::Even(rate) })
    }

    /// Reads a list; each rate is measured once.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub(crate) fn list(texts: &[String]) -> Result<Vec<Self>, RunError> {
        let mut all: Vec<Self> = Vec::new();
        for text in texts {
            let asked = Self::parse(text)?;
            if !all.contains(&asked) {
                all.push(asked);
            }
        }
        Ok(all)
    }

    /// Frames within so many seconds, from frame `first` of the reel on.
    pub(super) fn frames(&self, reel: &Reel, first: u64, seconds: u32) -> u64 {
        match self.rate {
            Rate::Even(rate) => even_count(rate, seconds),
            Rate::Recorded => reel.count_within(first, DurationNs::from_secs(seconds.into())),
        }
    }
}

/// A rate's name in a sentence.
pub(super) fn spoken(name: &str) -> String {
    if name == RECORDED { "the recorded pace".to_owned() } else { format!("{name}/s") }
}

fn name(rate: u32) -> String {
    match rate {
        rate if rate % 1_000_000 == 0 => format!("{}m", rate / 1_000_000),
        rate if rate % 1_000 == 0 => format!("{}k", rate / 1_000),
        rate if rate > 1_000 && rate % 100 == 0 => {
            format!("{}.{}k", rate / 1_000, rate / 100 % 10)
        }
        rate => rate.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_read_as_people_write_them() {
        let check = |text: &str, name: &str, rate| {
            let asked = Asked::parse(text).unwrap();
            assert_eq!((asked.name.as_str(), asked.rate), (name, rate));
        };
        check("1k", "1k", Rate::Even(1_000));
        check(" 2.5K ", "2.5k", Rate::Even(2_500));
        check("10000", "10k", Rate::Even(10_000));
        check("1m", "1m", Rate::Even(1_000_000));
        check("7", "7", Rate::Even(7));
        check("1234", "1234", Rate::Even(1_234));
        check("recorded", "recorded", Rate::Recorded);
        for text in ["", "0", "-1", "1.5", "2m", "fast", "1kk", "nan", "inf", "1e9"] {
            let error = Asked::parse(text).unwrap_err().to_string();
            assert!(error.contains("expected frames a second"), "{text}: {error}");
        }
        let list = Asked::list(&["1k", "1000", "5"].map(str::to_owned)).unwrap();
        assert_eq!(list.len(), 2);
    }
}
