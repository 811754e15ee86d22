//! What a session prints, held against what its raw material says: a second implementation in Python
//! (`check.py`) recomputes books, fills, fees, accounts, ratios, falls and histograms from the tape, the
//! logs and the histogram log of sessions that are recorded here. It shares nothing with the product.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "the lint's exemption for tests does not reach helpers of an integration test"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use paperwire_config::Config;
use paperwire_replay::notices::Quiet;
use paperwire_run::session::{self, RunOptions};
use toml::Value;

/// What `check.py` ends with where this machine cannot tell.
const CANNOT_TELL: i32 = 77;

fn folder(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("paperwire-truth-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// A Python with what the check needs of its standard library.
fn has_python() -> bool {
    let found = Command::new("python3").args(["-c", "import tomllib"]).output();
    found.is_ok_and(|output| output.status.success())
}

/// A session of most of an hour by its exchange's clock, within half a minute: ratios need many minutes.
fn record(dir: &Path) {
    let text = |path: &str| Value::String(dir.join(path).display().to_string());
    let strategies = ["flow_pulse", "market_making", "order_flow", "momentum_scalping"];
    let overrides = [
        ("session.duration_s", Value::Integer(25)),
        ("session.strategies", Value::Array(strategies.map(Value::from).into())),
        ("exchange.rate", Value::Float(0.05)),
        ("exchange.speed", Value::Float(100.0)),
        ("exchange.history_minutes", Value::Integer(720)),
        ("history.enabled", Value::Boolean(false)),
        ("logs.dir", text("logs")),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let config = Config::load(None, std::iter::empty(), &overrides).unwrap();
    let options = RunOptions {
        record: Some(dir.join("session.tape")),
        hdr: Some(dir.join("hdr")),
        ..RunOptions::default()
    };
    let stop = Arc::new(AtomicU32::new(0));
    session::run(&config, options, &stop, &mut Quiet).unwrap().result().unwrap();
}

fn check(dir: &Path) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("truth/check.py");
    Command::new("python3").arg("-B").arg(script).arg(dir).output().unwrap()
}

#[test]
fn a_recorded_session_is_recomputed_from_its_material() {
    if !has_python() {
        eprintln!("SKIPPED: no python3 of 3.11 or later, which recomputes what a session prints");
        return;
    }
    let dir = folder("session");
    record(&dir);
    let output = check(&dir);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(CANNOT_TELL) {
        eprintln!("{said}");
        return;
    }
    assert!(output.status.success(), "{said}\nthe material is in {}", dir.display());
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    eprintln!("recomputed: {found}");
    for what in ["fills", "signals", "closed_trades", "minutes", "histograms", "checksums"] {
        assert!(found[what].as_u64().unwrap() > 0, "nothing to check of {what}: {found}");
    }
    assert!(found["return_minutes"].as_u64().unwrap() >= 30, "too short for ratios: {found}");

    // It sees the last digit of one fee.
    let name = "flow_pulse";
    let log = std::fs::read_dir(dir.join("logs/strategies")).unwrap().flatten();
    let log = log.map(|entry| entry.path()).find(|path| path.display().to_string().contains(name));
    let log = log.unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    let at = text.find("\"fee\":\"").unwrap() + "\"fee\":\"0.00".len();
    let other = if text.as_bytes()[at] == b'1' { "2" } else { "1" };
    std::fs::write(&log, format!("{}{other}{}", &text[..at], &text[at + 1..])).unwrap();
    let output = check(&dir);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stdout).contains(": fee: "), "{output:?}");
    std::fs::remove_dir_all(dir).unwrap();
}
