//! Whether a replay came to what was recorded, and under which rules the tape was made.
//!
//! A tape whose rules are not those of this build may come to another digest without anything being wrong with it:
//! that is an outcome of its own. Rules that this build does not know are refused before anything is replayed.

use std::path::Path;

use paperwire_core::rules::Rules;
use paperwire_tape::Source;
use serde_json::{Value, json};

use crate::error::RunError;
use crate::record::Recorder;
use crate::tally::Tally;
use crate::trail::Trail;

/// What came out of comparing a replay with its recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verification {
    /// The digest is that of the recording.
    Same,
    /// The recording was cut; every report it reaches is the same.
    SameSoFar,
    /// The results differ, and so do the rules: nothing can be said about the session.
    OtherRules {
        /// Rules of the tape.
        recorded: Rules,
    },
    /// The results differ under the same rules.
    Different,
    /// The file holds nothing to compare with.
    NoDigest,
}

impl Verification {
    /// The word in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::SameSoFar => "same_so_far",
            Self::OtherRules { .. } => "other_rules",
            Self::Different => "different",
            Self::NoDigest => "no_digest",
        }
    }

    /// Whether the recorded session was reproduced, as far as it was recorded.
    pub const fn is_same(self) -> bool {
        matches!(self, Self::Same | Self::SameSoFar)
    }

    /// The error with which `replay --verify` of this file ends.
    pub fn error(self, file: &Path) -> Option<RunError> {
        let file = file.display();
        match self {
            Self::Same | Self::SameSoFar | Self::NoDigest => None,
            Self::OtherRules { recorded } => Some(RunError::Config(format!(
                "{file}: {}; verify it with the build that recorded it",
                other_rules(recorded)
            ))),
            Self::Different => Some(RunError::Internal(format!(
                "{file}: the replay differs from the recorded session"
            ))),
        }
    }
}

fn other_rules(recorded: Rules) -> String {
    format!(
        "recorded under other rules ({recorded}, this build has {}): the digest is not comparable",
        Rules::CURRENT
    )
}

/// The rules that a file was recorded under; a capture of frames alone is replayed under those of this build.
///
/// # Errors
/// [`RunError::Config`] when this build does not know them.
pub fn rules_of(source: &Source, file: &Path) -> Result<Rules, RunError> {
    let Some(meta) = source.meta() else {
        return Ok(Rules::CURRENT);
    };
    let meta: Value = serde_json::from_slice(meta).unwrap_or(Value::Null);
    let file = file.display();
    let rules = match meta.get("rules") {
        None => return Ok(Rules::FIRST),
        Some(number) => number.as_u64().and_then(Rules::from_number).ok_or_else(|| {
            RunError::Config(format!(
                "{file}: the tape says rules {number}, which is no version of them; record it again"
            ))
        })?,
    };
    if rules > Rules::CURRENT {
        let version = meta["version"].as_str().unwrap_or("of a later version");
        return Err(RunError::Config(format!(
            "{file} was recorded under rules {rules}, and this build knows rules up to {}: replay it \
             with the build that recorded it (paperwire {version}) or a later one",
            Rules::CURRENT
        )));
    }
    Ok(rules)
}

/// The digest that a finished tape says its replay gives.
///
/// # Errors
/// In words, when the tape has none or cannot be read.
pub fn recorded_digest(path: &Path) -> Result<String, String> {
    let source = Source::open(path).map_err(|error| error.to_string())?;
    digest(&source).ok_or_else(|| "cut: it holds no digest".to_owned())
}

fn digest(source: &Source) -> Option<String> {
    let summary = source.summary().and_then(|text| serde_json::from_slice::<Value>(text).ok())?;
    summary["digest"].as_str().map(str::to_owned)
}

/// Compares a replay with what its tape holds, and says what came out in a line of notice.
pub(super) fn verify(
    source: &Source,
    rules: Rules,
    tally: &Tally,
    notes: &mut Vec<String>,
) -> Verification {
    let recorded = digest(source);
    let here = tally.digest.hex();
    let left = leaves(tally);
    let has_left = left.is_some() || recorded.as_ref().is_some_and(|recorded| *recorded != here);
    if has_left && rules != Rules::CURRENT {
        let place = left.map_or_else(String::new, |left| format!("; {left}"));
        notes.push(format!("{}{place}", other_rules(rules)));
        return Verification::OtherRules { recorded: rules };
    }
    let (note, verification) = match (recorded, left, &tally.trail) {
        (_, Some(left), _) => {
            (format!("NOT the recorded session: {left}"), Verification::Different)
        }
        (Some(recorded), None, _) if recorded == here => (
            "verified: the replay gives the bytes of the recorded session".to_owned(),
            Verification::Same,
        ),
        (Some(recorded), None, _) => {
            (format!("NOT the recorded session: its digest is {recorded}"), Verification::Different)
        }
        (None, None, Trail::Check(check)) if check.reach().1 > 0 => (
            format!("verified as far as the recording reaches: {} reports", check.reach().0),
            Verification::SameSoFar,
        ),
        (None, None, _) => (
            "nothing to verify against: the file holds no digest".to_owned(),
            Verification::NoDigest,
        ),
    };
    notes.push(note);
    verification
}

/// Where the replay left the recorded trail, in words with the report as it is logged.
fn leaves(tally: &Tally) -> Option<String> {
    let Trail::Check(check) = &tally.trail else { return None };
    let (agreed, _) = check.reach();
    if let Some((recorded, report)) = check.first() {
        let mut recorder = Recorder::new(String::new(), &tally.strategies, &tally.instruments);
        let shown = recorder.report(report).unwrap_or_else(|| format!("{:?}", report.kind));
        let (here, there) = (report.seq.0, recorded.seq);
        let place = if here == there {
            format!("event {here} differs")
        } else {
            format!("event {here} has a report where the recording had one of event {there}")
        };
        return Some(format!("after {agreed} equal reports {place}; the replay has {shown}"));
    }
    let missing = check.missing()?;
    Some(format!("after {agreed} equal reports the recording has one of event {}", missing.seq))
}

/// The outcome for machines.
pub(crate) fn json(verification: Verification, rules: Rules) -> Value {
    json!({
        "outcome": verification.as_str(),
        "tape_rules": rules.number(),
        "build_rules": Rules::CURRENT.number(),
    })
}
