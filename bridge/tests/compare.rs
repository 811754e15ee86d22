//! `paperwire compare` as its user runs it: on a tape of the built-in exchange, and refused.

#![allow(clippy::unwrap_used, reason = "the lint's exemption for tests misses helpers here")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

fn paperwire(folder: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_paperwire")).args(args).current_dir(folder).output().unwrap()
}

fn compare(folder: &Path, args: &[&str]) -> (Option<i32>, String, String) {
    let output = paperwire(folder, &[&["compare"], args].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn two_strategies_are_compared_on_a_recorded_tape_and_what_cannot_be_is_refused() {
    let folder = std::env::temp_dir().join(format!("paperwire-compare-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let run = ["run", "--strategies", "flow_pulse", "--duration", "5s"];
    let recorded = ["--no-dashboard", "--set", "exchange.rate=8", "--record", "t.tape"];
    let run = [&run[..], &recorded].concat();
    let run = paperwire(&folder, &run);
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));

    let on_tape = |args: &[&str]| compare(&folder, &[args, &["--tape", "t.tape"]].concat());
    let (code, out, err) = on_tape(&["order_flow", "market_making", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    let json: Value = serde_json::from_str(&out).unwrap();
    let names = [&json["a"], &json["b"], &json["control"]];
    assert_eq!(names, ["order_flow", "market_making", "order_flow#control"]);
    let ticks = json["ticks"]["a"].as_u64().unwrap();
    assert!(ticks > 100, "{json:#}");
    assert_eq!(json["ticks"]["b"], ticks);
    assert_eq!(json["ticks"]["control"], ticks);
    let blocks = json["blocks"].as_u64().unwrap();
    assert!((1..=7).contains(&blocks), "{blocks}");
    assert!(json["warm_up"]["blocks"].as_u64().unwrap() >= 1);
    assert!(json["warm_up"]["service"]["a"]["max_ns"].is_u64());
    // Nobody is called first more often than the others, give or take the rest of a division.
    let first = ["a", "b", "control"].map(|of| json["called_first"][of].as_u64().unwrap());
    let spread = first.iter().max().unwrap() - first.iter().min().unwrap();
    assert!(spread * 20 <= first.iter().sum::<u64>(), "{first:?}");
    for table in ["service", "response"] {
        let rows = json[table].as_array().unwrap();
        let names: Vec<&Value> = rows.iter().map(|row| &row["percentile"]).collect();
        assert_eq!(names, ["p50", "p90", "p99", "p99.9"]);
        for row in rows {
            assert!(row["a_ns"].is_u64() && row["b_ns"].is_u64() && row["ratio"].is_f64());
            assert_eq!(row["interval"], Value::Null, "five seconds are no thirty blocks");
            let verdict = row["verdict"].as_str().unwrap();
            assert!(verdict.starts_with("not enough data: need "), "{verdict}");
            assert!(row["missing_ticks"].as_u64().unwrap() > 0);
        }
    }
    let need = |row: usize| json["service"][row]["missing_ticks"].as_u64().unwrap();
    assert_eq!(need(3), 100_000 - ticks);
    assert!(json["host"]["grade"].is_string() && json["clock_step_ns"].as_u64().unwrap() >= 1);

    let (code, out, err) = on_tape(&["order_flow", "order_flow#b"]);
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains("A and B are one strategy with the same parameters"), "{out}");
    assert!(out.contains("not enough data for p50, p90, p99, p99.9"), "{out}");
    assert!(out.lines().all(|line| line.len() <= 120), "{out}");
    let params = ["--set", "strategy.order_flow#b.params.persistence=3"];
    let (_, out, err) = on_tape(&[&["order_flow", "order_flow#b"][..], &params].concat());
    assert!(!out.contains("with the same parameters"), "{out}{err}");

    let refused = |args: &[&str], code: i32, why: &str| {
        let (found, _, err) = on_tape(args);
        assert!(found == Some(code) && err.contains(why), "{args:?}: {found:?} {err}");
    };
    refused(&["order_flow", "order_flow"], 1, "give the second one a label, such as order_flow#b");
    refused(&["order_flow", "order_fow"], 3, "order_flow");
    refused(
        &["order_flow", "flow_pulse"],
        1,
        "'strategy.order_flow.symbols=[\"BTC/USD\",\"XRP/USD\"]'",
    );
    // A label that no instance has would leave both alike.
    let stray = ["--set", "strategy.order_flow#c.params.persistence=3"];
    refused(&[&["order_flow", "order_flow#b"][..], &stray].concat(), 3, "[strategy.order_flow#c]");
    let (code, _, err) = compare(&folder, &["order_flow", "market_making"]);
    assert!(code == Some(1) && err.contains("--record FILE"), "{err}");
    std::fs::remove_dir_all(folder).unwrap();
}
