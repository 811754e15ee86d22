//! A live session from start to end, its recording, and the same bytes again.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use paperwire_config::Config;
use paperwire_replay::notices::Quiet;
use paperwire_replay::play::{self, ReplayOptions};
use paperwire_replay::verify::Verification;
use paperwire_run::session::{self, RunOptions};
use toml::Value;

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("paperwire-it-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

fn config(dir: &Path, more: &[(&str, Value)]) -> Config {
    let set = |key: &str, value: Value| (key.to_owned(), value);
    let mut overrides = vec![
        set("session.duration_s", Value::Integer(5)),
        set(
            "session.strategies",
            Value::Array(["order_flow", "flow_pulse"].map(Value::from).into()),
        ),
        set("exchange.profile", Value::String("calm".to_owned())),
        set("exchange.rate", Value::Float(5.0)),
        set("logs.dir", Value::String(dir.join("logs").display().to_string())),
    ];
    overrides.extend(more.iter().map(|(key, value)| set(key, value.clone())));
    Config::load(None, std::iter::empty(), &overrides).unwrap()
}

#[test]
fn a_live_session_and_its_replays_are_the_same_bytes() {
    let dir = folder("same");
    let faults = dir.join("faults.toml");
    std::fs::write(&faults, "[[fault]]\nkind = \"bad_checksum\"\nat_message = 300\n[[fault]]\nkind = \"drop\"\nat_s = 2.0\n").unwrap();
    let faults = Value::String(faults.display().to_string());
    let config = config(&dir, &[("exchange.faults", faults)]);
    let tape = dir.join("session.tape");
    let options = RunOptions { record: Some(tape.clone()), ..RunOptions::default() };
    let stop = Arc::new(AtomicU32::new(0));
    session::run(&config, options, &stop, &mut Quiet).unwrap().result().unwrap();

    let options = ReplayOptions { speed: None, verify: true, order_seed: None };
    let replay = || {
        let config = play::config_of(&tape, &config, &[]).unwrap();
        play::replay(&tape, &config, &options, &mut Quiet).unwrap()
    };
    let (first, second) = (replay(), replay());
    assert_eq!(first.summary.verification, Some(Verification::Same), "{:?}", first.summary.notes);
    assert_eq!(first.tally.digest.hex(), second.tally.digest.hex());
    assert_eq!(first.summary.counters, second.summary.counters);
    assert!(first.summary.counters.book_updates > 100);
    assert_eq!(first.summary.counters.disconnects, 1);
    assert!(first.summary.counters.resyncs >= 1);
    assert_eq!(first.summary.hot_allocs, 0);

    let systems: Vec<_> = std::fs::read_dir(dir.join("logs/system")).unwrap().flatten().collect();
    let text = std::fs::read_to_string(systems[0].path()).unwrap();
    let events: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["event"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(events.first().map(String::as_str), Some("session_start"));
    assert_eq!(events.last().map(String::as_str), Some("session_end"));
    assert!(events.iter().any(|event| event == "disconnected"));

    // Killed at any byte, a recording is proved as far as it reaches.
    let whole = std::fs::read(&tape).unwrap();
    let cut = dir.join("cut.tape");
    std::fs::write(&cut, &whole[..whole.len() * 3 / 4]).unwrap();
    let replayed = play::replay(&cut, &config, &options, &mut Quiet).unwrap();
    assert_eq!(
        replayed.summary.verification,
        Some(Verification::SameSoFar),
        "{:?}",
        replayed.summary.notes
    );
    let reaches = |note: &String| note.starts_with("verified as far as the recording reaches: ");
    assert!(replayed.summary.notes.iter().any(reaches), "{:?}", replayed.summary.notes);

    // Other fees are another run, from the first report that they touch.
    let fee = [("venue.fees.taker".to_owned(), Value::String("0.002".to_owned()))];
    let other = play::config_of(&tape, &config, &fee).unwrap();
    let replayed = play::replay(&tape, &other, &options, &mut Quiet).unwrap();
    assert_eq!(replayed.summary.verification, Some(Verification::Different));
    let note = replayed.summary.notes.iter().find(|note| note.starts_with("NOT the")).unwrap();
    assert!(note.contains(" equal reports event ") && note.contains("the replay has {"), "{note}");
}

#[test]
fn a_recording_is_never_written_over() {
    let dir = folder("exists");
    let tape = dir.join("session.tape");
    std::fs::write(&tape, "precious").unwrap();
    let options = RunOptions { record: Some(tape.clone()), ..RunOptions::default() };
    let stop = Arc::new(AtomicU32::new(0));
    let error = session::run(&config(&dir, &[]), options, &stop, &mut Quiet).unwrap_err();
    assert_eq!(error.exit_code(), 4);
    assert!(error.to_string().contains("is not overwritten"), "{error}");
    assert_eq!(std::fs::read_to_string(&tape).unwrap(), "precious");
}
