//! The program as its user runs it: commands typed into a session are obeyed, logged with their origin,
//! recorded, and replayed to the same bytes.

#![allow(clippy::unwrap_used, reason = "the lint's exemption for tests misses helpers here")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::json;

#[path = "commands/stall.rs"]
mod stall;

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
    let any_port = ["--set", "dashboard.bind=\"127.0.0.1:0\""];
    let market = ["--set", "exchange.profile=calm", "--set", "exchange.rate=8"];
    let record = ["--record", "session.tape"];
    let run = [&run[..], &any_port, &market, &record].concat();
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
fn history_commands_name_what_they_refuse_and_never_destroy_the_store() {
    let folder = std::env::temp_dir().join(format!("paperwire-history-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("files")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("files/XBTUSD_1.csv", "60,1,1,1,1,1,1\n120,2,2,2,2,1,1\n");
    write("files/FOOBAR_1.csv", "60,1,1,1,1,1,1\n");
    write("files/bad.zip", "no archive");
    let history = |args: &[&str]| {
        let args = [&["history", "--db", "h.db"], args].concat();
        let output = paperwire(&folder, &args, "");
        let said =
            String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
        (output.status.code().unwrap(), said.into_owned())
    };
    // Nobody listens there: the names are read without the venue's list.
    let (code, said) = history(&["import-csv", "files", "--rest", "http://127.0.0.1:1"]);
    assert_eq!(code, 4, "{said}");
    for name in ["XBTUSD_1.csv", "FOOBAR is no pair", "bad.zip", "2 of 3 files"] {
        assert!(said.contains(name), "{name}: {said}");
    }
    std::os::unix::fs::symlink("h.db", folder.join("link.csv")).unwrap();
    let stored = std::fs::read(folder.join("h.db")).unwrap();
    for out in ["h.db", "link.csv", "h.db-wal"] {
        let (code, said) = history(&["export", "BTC/USD", "--out", out]);
        assert!(code == 1 && said.contains("choose another file"), "{out}: {said}");
    }
    assert_eq!(std::fs::read(folder.join("h.db")).unwrap(), stored);
    assert_eq!(history(&["export", "BTC/USD", "--out", "out.csv"]).0, 0);
    assert_eq!(std::fs::read_to_string(folder.join("out.csv")).unwrap().lines().count(), 2);
    let (code, said) = history(&["gaps", "--from", "0", "--to", "300"]);
    assert!(code == 0 && said.contains("2 holes, 3 bars"), "{said}");

    write("h.db", &"x".repeat(20_000));
    let (code, said) = history(&["stats"]);
    assert!(code == 4 && said.contains("`paperwire history repair`"), "{said}");
    let (code, said) = history(&["repair"]);
    assert!(code == 0 && said.contains("h.db.damaged-"), "{said}");
    assert_eq!(history(&["stats"]).0, 0);
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

fn bench(folder: &Path, args: &[&str]) -> Output {
    let always = ["bench", "--rates", "500", "--seconds", "1", "--json"];
    let quick = ["--set", "feed.warmup=false", "--set", "exchange.history_minutes=1"];
    paperwire(folder, &[&always[..], &quick, args].concat(), "")
}

/// Every frame of the plan is in every stage that it passes, whatever the machine does meanwhile.
fn check_bench(run: &serde_json::Value) {
    let row = &run["rates"][0];
    assert_eq!(
        (&row["rate"], &row["frames"], &row["frames_done"]),
        (&"500".into(), &500.into(), &500.into())
    );
    for none in ["checksums_bad", "hot_allocs", "dropped_trades", "conflated"] {
        assert_eq!(row[none], 0, "{none}: {row}");
    }
    assert_eq!((&run["hot_allocs_total"], &run["dropped"]), (&0.into(), &0.into()));
    assert_eq!(row["sent_late_ns"]["count"], 500);
    let count = |stage: &str| {
        let rows = run["stages"].as_array().unwrap();
        let row = rows.iter().find(|row| row["stage"] == stage).unwrap();
        assert_eq!(row["latency_ns"]["count"], row["response_ns"]["count"]);
        row["latency_ns"]["count"].as_u64().unwrap()
    };
    for stage in ["read", "deframed", "decoded", "enqueued"] {
        assert_eq!(count(stage), 500, "{stage}");
    }
    let rows = run["stages"].as_array().unwrap();
    let is_opened = rows.iter().any(|row| row["stage"] == "decrypted");
    assert_eq!(is_opened, run["tls"] == true);
    if is_opened {
        assert_eq!(count("decrypted"), 500);
    }
    let threads = row["threads"].as_array().unwrap().iter();
    let has_load = threads.clone().any(|thread| thread["name"] == "load");
    assert_eq!(has_load, run["inline_load"] == false, "{row}");
    // Found, decoded, verified, taken out and applied, opened over TLS, read unless that is where it begins; then
    // two a strategy. A timer has fewer.
    let looks = row["probes"]["looks_per_event"].as_f64().unwrap();
    let strategies = run["strategies"].as_array().unwrap().iter();
    let strategies = f64::from(u32::try_from(strategies.count()).unwrap());
    assert!((4.5..7.5).contains(&(looks - 2.0 * strategies)), "{row}");
    let books = row["book_updates"].as_u64().unwrap();
    assert_eq!(count("book_applied"), books);
    // A frame may be several events, and each second has a timer.
    assert!(count("dequeued") >= 500 && count("dequeued") == count("state_applied"));
    assert_eq!(row["decision_ns"]["count"], count("decided"));
    assert!(run["strategies"][0]["response_ns"]["p9999"].as_u64().unwrap() > 0);
    assert_eq!(run["host"]["hash"].as_str().unwrap().len(), 12);
}

#[test]
fn a_bench_measures_exactly_the_frames_of_its_plan_and_refuses_a_foreign_host() {
    let folder = std::env::temp_dir().join(format!("paperwire-bench-cli-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for args in [
        &["--plain", "--strategies", "order_flow", "--hdr", "hdr"][..],
        &["--against", "latest"],
        &["--plain", "--from-read", "--inline-load", "--strategies", "order_flow"],
    ] {
        let done = bench(&folder, args);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        check_bench(&serde_json::from_slice(&done.stdout).unwrap());
    }
    let log = std::fs::read_to_string(folder.join("hdr/500.hlog")).unwrap();
    assert!(log.contains("Tag=stage.decided.response,0.000,"), "{log}");

    let stored = std::fs::read_dir(folder.join("data/bench")).unwrap();
    let stored: Vec<_> = stored.map(|file| file.unwrap().path()).collect();
    assert_eq!(stored.len(), 3);
    let text = std::fs::read_to_string(&stored[0]).unwrap();
    let mut foreign: serde_json::Value = serde_json::from_str(&text).unwrap();
    foreign["host"]["hash"] = "000000000000".into();
    std::fs::write(folder.join("foreign.json"), foreign.to_string()).unwrap();
    let refused = bench(&folder, &["--against", "foreign.json"]);
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("another host (000000000000"), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_bench_says_what_is_wrong_before_it_starts() {
    let folder = std::env::temp_dir();
    for (args, wanted) in [
        (["--rates", "2m"], "expected frames a second from 1 to 1m"),
        (["--symbols", "XBT/USD"], "did you mean BTC/USD"),
        (["--strategies", "nonsense"], "nonsense"),
        (["--against", "no/such.json"], "--against no/such.json"),
        (["--inline-load", "--plain"], "--from-read"),
    ] {
        let failed = paperwire(&folder, &[&["bench"][..], &args].concat(), "");
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(!failed.status.success(), "{said}");
        assert!(said.contains(wanted), "{said}");
    }
}
