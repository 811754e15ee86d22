//! The program as its user runs it: commands typed into a session are obeyed, logged with their origin,
//! recorded, and replayed to the same bytes.

#![allow(clippy::unwrap_used, reason = "the lint's exemption for tests misses helpers here")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;

fn paperwire(folder: &Path, args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_paperwire"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn folder() -> PathBuf {
    let folder = std::env::temp_dir().join(format!("paperwire-commands-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn typed_commands_are_obeyed_logged_and_replayed_to_the_same_bytes() {
    let folder = folder();
    let run = ["run", "--strategies", "flow_pulse,order_flow", "--duration", "6s"];
    let run = [&run[..], &["--set", "exchange.rate=8", "--record", "session.tape"]].concat();
    let commands = "set flow_pulse threshold 0.2\nset flow_pulse stop_pct 99\npause flow_pulse\n\
        kill order_flow\ndance all\n";
    let run = paperwire(&folder, &run, commands);
    let said = String::from_utf8_lossy(&run.stdout) + String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "{said}");
    assert!(said.contains("\"dance\" is no command"), "{said}");
    assert!(said.contains("flow_pulse: threshold was 0.3"), "{said}");
    assert!(said.contains("flow_pulse: threshold = 0.2 (terminal)"), "{said}");
    assert!(said.contains("stop_pct: 99.0 is not within 0.01 to 50.0"), "{said}");

    let system = std::fs::read_dir(folder.join("logs/system")).unwrap().next().unwrap().unwrap();
    let log = std::fs::read_to_string(system.path()).unwrap();
    let lines = log.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let (commands, lines): (Vec<_>, Vec<_>) = lines.partition(|line| line["event"] == "command");
    let changes: Vec<_> = lines.iter().filter(|line| line["event"] == "param").collect();
    let wanted = json!({"key": "threshold", "value": 0.2, "origin": "terminal"});
    assert_eq!((changes.len(), &changes[0]["param"]), (1, &wanted));
    let of = |strategy: &str| commands.iter().find(|line| line["strategy"] == strategy).unwrap();
    for (strategy, verb) in [("flow_pulse", "pause"), ("order_flow", "kill")] {
        assert_eq!(of(strategy)["command"]["verb"], verb, "{commands:?}");
        assert_eq!(of(strategy)["command"]["origin"], "terminal");
    }
    assert_eq!(commands.len(), 2);

    let replay = paperwire(&folder, &["replay", "session.tape", "--verify"], "");
    let said = String::from_utf8_lossy(&replay.stdout) + String::from_utf8_lossy(&replay.stderr);
    assert!(replay.status.success(), "{said}");
    assert!(said.contains("verified: the replay gives the bytes"), "{said}");

    let worth = paperwire(&folder, &["worth", "session.tape", "--delays", "2s,0", "--json"], "");
    let said = String::from_utf8_lossy(&worth.stdout) + String::from_utf8_lossy(&worth.stderr);
    let worth: serde_json::Value = serde_json::from_slice(&worth.stdout).expect(&said);
    for of in worth["strategies"].as_array().unwrap() {
        let delays = of["delays"].as_array().unwrap().iter().map(|row| row["delay_ns"].as_u64());
        assert_eq!(delays.collect::<Vec<_>>(), [Some(0), Some(2_000_000_000)], "{said}");
    }
    assert_eq!(worth["strategies"][0]["name"], "flow_pulse");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_doctor_ends_well_whatever_it_finds_unless_a_grade_is_required() {
    let folder = std::env::temp_dir();
    let doctor =
        |args: &[&str]| paperwire(&folder, &[&["doctor", "--noise", "0"], args].concat(), "");
    let plain = doctor(&[]);
    assert_eq!(plain.status.code(), Some(0));
    let said = String::from_utf8_lossy(&plain.stdout);
    assert!(said.contains("\ngrade ") && said.contains("\ninterrupts\n"), "{said}");

    // A quick examination never earns an A.
    let required = doctor(&["--require", "a", "--json"]);
    assert_eq!(required.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&required.stderr).contains("--require asks for A"));
    let json: serde_json::Value = serde_json::from_slice(&required.stdout).unwrap();
    assert_eq!(json["findings"].as_array().unwrap().len(), 40);
    assert_eq!(doctor(&["--require", "F"]).status.code(), Some(0));
    assert!(doctor(&["--fix-script"]).stdout.starts_with(b"#!/bin/sh\n"));
}
