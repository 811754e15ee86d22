//! A reader that leaves (`paperwire ... | head`) ends a command quietly, whichever command it is.

#![allow(clippy::unwrap_used, reason = "the lint's exemption for tests misses helpers here")]

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// What a shell reports of a program that SIGPIPE ended.
const CLOSED_PIPE: i32 = 141;

fn paperwire(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_paperwire"));
    command.args(args).current_dir(folder).stdin(Stdio::null());
    command
}

/// A pipe's end for writing, whose reader is gone.
fn unread() -> Stdio {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    writer.into()
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("paperwire-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Nothing is said of a panic, and nothing at all by what succeeds.
#[track_caller]
fn check(args: &[&str], output: &Output, code: i32) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{args:?}: {said}");
    assert_eq!(output.status.code(), Some(code), "{args:?}: {said}");
}

const ANSWERS: &[&[&str]] = &[
    &["--help"],
    &["--version"],
    &["run", "--help"],
    &["help", "history"],
    &["config", "print"],
    &["config", "check"],
    &["strategies", "list"],
    &["strategies", "list", "--json"],
    &["strategies", "describe", "order_flow"],
    &["doctor", "--noise", "0"],
    &["doctor", "--noise", "0", "--json"],
    &["history", "stats"],
    &["history", "stats", "--json"],
];

#[test]
fn every_answer_without_a_reader_ends_quietly() {
    let folder = folder("pipes");
    for args in ANSWERS {
        let output = paperwire(&folder, args).stdout(unread()).output().unwrap();
        check(args, &output, CLOSED_PIPE);
        assert!(!String::from_utf8_lossy(&output.stderr).contains("error"), "{args:?}");
    }
    // A failure stays one, whoever reads.
    for (args, code) in [
        (&["strategies", "describe", "nobody"][..], 3),
        (&["run", "--nonsense"], 64),
        (&["config", "check", "--set", "feed.depth=11"], 1),
    ] {
        let both = || paperwire(&folder, args).stdout(unread()).stderr(unread()).output().unwrap();
        check(args, &both(), code);
        let said = paperwire(&folder, args).stdout(unread()).output().unwrap();
        check(args, &said, code);
        assert!(said.stderr.starts_with(b"error: "), "{args:?}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_answer_that_the_disk_does_not_take_is_an_error() {
    let Ok(full) = File::options().write(true).open("/dev/full") else {
        eprintln!("SKIPPED: this system has no /dev/full");
        return;
    };
    let args = ["config", "print"];
    let output = paperwire(&std::env::temp_dir(), &args).stdout(full).output().unwrap();
    check(&args, &output, 4);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("error: standard output: No space left on device"), "{said}");
}

#[test]
fn a_run_whose_notices_lose_their_reader_ends_in_order() {
    let folder = folder("pipes-run");
    let args = ["run", "--no-dashboard", "--strategies", "flow_pulse", "--json"];
    let quick = ["--set", "feed.warmup=false", "--set", "exchange.history_minutes=1"];
    let args = [&args[..], &quick, &["--set", "exchange.profile=calm"]].concat();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let child = paperwire(&folder, &args).stdout(Stdio::piped()).stderr(writer).spawn().unwrap();
    // As `head -c 1` does. The next line is that of ten seconds later, at the latest.
    reader.read_exact(&mut [0]).unwrap();
    drop(reader);
    let output = child.wait_with_output().unwrap();
    check(&args, &output, CLOSED_PIPE);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["digest"].is_string(), "{report}");
    let logs = std::fs::read_dir(folder.join("logs/system")).unwrap().next().unwrap().unwrap();
    let log = std::fs::read_to_string(logs.path()).unwrap();
    assert!(log.lines().last().unwrap().contains("session_end"), "the logs are whole");
    std::fs::remove_dir_all(folder).unwrap();
}
