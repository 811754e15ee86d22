//! Tapes of other rules: what `replay --verify` says of a tape that an older or a later build recorded.

use std::path::{Path, PathBuf};

use paperwire_config::Config;
use paperwire_core::raw::RawKind;
use paperwire_core::rules::Rules;
use paperwire_core::time::HostNs;
use paperwire_exchange::MarketConfig;
use paperwire_exchange::publish::{Topic, Venue};
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Quiet;
use paperwire_replay::play::{self, ReplayOptions, Replayed};
use paperwire_replay::report;
use paperwire_replay::verify::Verification;
use paperwire_tape::TapeWriter;
use serde_json::{Value, json};

use crate::material;

/// A second of the built-in market after its list of instruments.
fn frames() -> Vec<(u64, Vec<u8>)> {
    let venue = Venue::new(&MarketConfig::new(7)).unwrap();
    let listed = venue.snapshot(Topic::Instrument).into_bytes();
    [(0, listed)].into_iter().chain(material::simulated(7, 1, 10).frames).collect()
}

/// Writes a finished tape of these frames.
fn write(file: &Path, rules: &Value, digest: &str, frames: &[(u64, Vec<u8>)]) {
    let _ = std::fs::remove_file(file);
    let mut meta = json!({"session": "old", "version": "9.8.7"});
    if !rules.is_null() {
        meta["rules"] = rules.clone();
    }
    let mut tape = TapeWriter::create(file, meta.to_string().as_bytes()).unwrap();
    for (rx, frame) in frames {
        tape.append(RawKind::Frame, HostNs::new(1 + rx), frame).unwrap();
    }
    tape.finish(json!({"digest": digest}).to_string().as_bytes()).unwrap();
}

fn verify(file: &Path) -> Result<Replayed, RunError> {
    let options = ReplayOptions { speed: None, verify: true, order_seed: None };
    let given = Config::load(None, std::iter::empty(), &[]).unwrap();
    let config = play::config_of(file, &given, &[])?;
    play::replay(file, &config, &options, &mut Quiet)
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("paperwire-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn a_tape_of_other_rules_is_not_called_another_session() {
    let folder = folder("rules-old");
    let (file, frames) = (folder.join("session.tape"), frames());
    let check = |rules: Value, digest: &str, wanted: Verification| {
        write(&file, &rules, digest, &frames);
        let replayed = verify(&file).unwrap();
        let Replayed { tally, summary, .. } = &replayed;
        assert_eq!(summary.verification, Some(wanted), "{:?}", summary.notes);
        let json = report::json(tally, summary);
        assert_eq!(json["verification"]["outcome"], wanted.as_str());
        assert_eq!(json["verification"]["tape_rules"], json["rules"]);
        let text = report::text(tally, summary);
        assert_eq!(text.contains("NOT the recorded session"), wanted == Verification::Different);
        let other =
            "recorded under other rules (1, this build has 2): the digest is not comparable";
        let is_other = matches!(wanted, Verification::OtherRules { .. });
        assert_eq!(text.contains(other), is_other, "{text}");
        let said = wanted.error(&file).map(|error| (error.exit_code(), error.to_string()));
        assert_eq!(said.as_ref().is_none(), wanted.is_same());
        assert_eq!(said.is_some_and(|(code, text)| code == 1 && text.contains(other)), is_other);
        tally.digest.hex()
    };
    let old = Verification::OtherRules { recorded: Rules::FIRST };
    // A tape without the field is of the first rules; a digest that agrees is believed under any.
    let first = check(Value::Null, "0000", old);
    check(Value::Null, &first, Verification::Same);
    check(json!(1), "0000", old);
    let current = check(json!(Rules::CURRENT.number()), "0000", Verification::Different);
    check(json!(Rules::CURRENT.number()), &current, Verification::Same);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn rules_that_this_build_does_not_know_are_refused_with_the_remedy() {
    let folder = folder("rules-later");
    let file = folder.join("later.tape");
    for (rules, wanted) in [
        (
            json!(3),
            "recorded under rules 3, and this build knows rules up to 2: replay it with the build",
        ),
        (json!(3), "(paperwire 9.8.7) or a later one"),
        (json!(0), "says rules 0, which is no version of them"),
        (json!("two"), "says rules \"two\", which is no version of them"),
    ] {
        write(&file, &rules, "0000", &[]);
        let error = verify(&file).unwrap_err();
        assert_eq!(error.exit_code(), 1);
        assert!(error.to_string().contains(wanted), "{error}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
