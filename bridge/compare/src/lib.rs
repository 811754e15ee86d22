//! `paperwire compare A B`: by what factor the calls of B take longer than those of A, of this build, on this host,
//! on this tape, and how sure that is.
//!
//! Both run in many fresh processes, each once per process and alone, called in an order that is drawn per event.
//! [`plan`] draws what each process is like, [`process`] runs one, [`measure`] runs all, [`measurement`] keeps and
//! saves them, [`table`] judges by [`paperwire_lab`], [`words`], [`text`] and [`json`] say it, and [`store`] keeps
//! for the page what layout adds.

pub mod cast;
pub mod json;
pub mod measure;
pub mod measurement;
pub mod plan;
pub mod process;
pub mod store;
pub mod table;
pub mod text;
pub mod words;

use std::path::PathBuf;

use paperwire_config::Config;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;

use measurement::Measurement;

/// Processes unless it is said otherwise.
pub const PROCESSES: usize = 30;
/// Fewer say too little of how much they differ.
pub const PROCESSES_MIN: usize = 10;
/// More are not asked for.
pub const PROCESSES_MAX: usize = 1000;

/// What to compare, and on what.
#[derive(Clone, Debug)]
pub struct CompareOptions {
    /// The one that the other is measured against, and the other one: `name` or `name#label`. A saved measurement
    /// knows its own.
    pub names: Option<[String; 2]>,
    /// Tapes or captures.
    pub tapes: Vec<PathBuf>,
    /// Seconds of each session on the configured source.
    pub live_s: Option<u64>,
    /// A saved measurement.
    pub from: Option<PathBuf>,
    /// Where to save the measurement.
    pub save: Option<PathBuf>,
    /// Fresh processes of the pair.
    pub processes: usize,
    /// Whether each is measured beside itself, too.
    pub has_control: bool,
    /// Whether the other strategies of the session run beside them.
    pub has_company: bool,
    /// Length of a block.
    pub seconds_per_block: u64,
    /// The difference that is looked for, as a share of A's time.
    pub detect: f64,
    /// Seed of everything that is drawn; the clock's without it.
    pub seed: Option<u64>,
    /// Where the page finds what layout adds.
    pub store: PathBuf,
    /// Print JSON.
    pub json: bool,
}

/// A share from a percentage.
///
/// # Errors
/// What is expected, when it is none or makes no sense.
pub fn share_of(text: &str) -> Result<f64, String> {
    let number = text.trim().trim_end_matches('%').trim_end().parse::<f64>();
    let percent = number.ok().filter(|percent| (1.0..=1_000.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| "expected 1% to 1000%".to_owned())
}

/// Compares; what came out as text or JSON.
///
/// # Errors
/// [`RunError`].
pub fn compare(
    options: &CompareOptions,
    given: &Config,
    overrides: &[(String, toml::Value)],
    notices: &mut dyn Notices,
) -> Result<String, RunError> {
    let measurement = match &options.from {
        Some(file) => Measurement::load(file)?,
        None => measured(options, given, overrides, notices)?,
    };
    if let Some(file) = &options.save {
        measurement.save(file)?;
    }
    let asked = options.names.as_ref().unwrap_or(&measurement.asked);
    let comparison = table::judge(&measurement, asked, options.detect)?;
    if options.from.is_none() && !measurement.is_live {
        // Who cannot write there gets the comparison all the same.
        if let Err(error) = store::keep(&measurement, &options.store) {
            notices.notice(&error.to_string());
        }
    }
    Ok(match options.json {
        true => format!("{:#}", json::json(&measurement, &comparison)),
        false => text::text(&measurement, &comparison),
    })
}

fn measured(
    options: &CompareOptions,
    given: &Config,
    overrides: &[(String, toml::Value)],
    notices: &mut dyn Notices,
) -> Result<Measurement, RunError> {
    let Some(names) = &options.names else {
        return Err(RunError::Config("compare needs two strategies, or --from FILE".to_owned()));
    };
    if names[0] == names[1] {
        return Err(RunError::Config(format!(
            "{0} and {0} are one instance; give the second one a label, such as {0}#b, and parameters \
             under [strategy.\"{0}#b\".params]",
            names[0]
        )));
    }
    if options.tapes.is_empty() && options.live_s.is_none() {
        return Err(RunError::Config(
            "compare needs a market: --tape FILE, which `paperwire run --duration 2m --record \
             FILE` makes, or --live 2m"
                .to_owned(),
        ));
    }
    measure::measure(options, names, given, overrides, notices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_within_reason() {
        for (text, want) in [("10%", 0.1), ("10", 0.1), ("2.5 %", 0.025), ("1000%", 10.0)] {
            assert!((share_of(text).unwrap() - want).abs() < 1e-12, "{text}");
        }
        for text in ["", "x%", "0.5%", "1001%", "-10%", "nan"] {
            assert!(share_of(text).unwrap_err().contains("1% to 1000%"), "{text}");
        }
    }
}
