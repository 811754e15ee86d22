//! A process that is stopped for half a second while the exchange, a process of its own, goes on: what came meanwhile
//! counts from when it can have arrived. Compares parts of one session with each other, never with a clock.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use paperwire_core::raw::RawKind;
use paperwire_core::time::ExchNs;
use paperwire_feed::arrival::Arrival;
use paperwire_rt::runner::Wait;
use paperwire_tape::Source;
use serde_json::Value;

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(folder: &Path, args: &[&str]) -> Running {
    let child = Command::new(env!("CARGO_BIN_EXE_paperwire"))
        .args(args)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    Running(child.unwrap())
}

/// Sends a signal by its name.
fn signal(to: &Running, name: &str) {
    let id = to.0.id().to_string();
    assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
}

fn pause(turns: usize) {
    (0..turns).for_each(|_| Wait::Rest.wait());
}

/// Of every book and trade message: how much later than the quickest it was read, in nanoseconds, and how long before
/// its read it counts from where that is recorded.
fn frames(tape: &Path) -> Vec<(u64, Option<u64>)> {
    let mut source = Source::open(tape).unwrap();
    let (mut arrival, mut found) = (None, Vec::new());
    while let Some(record) = source.next().unwrap() {
        match record.kind {
            RawKind::Arrival => arrival = Some(Arrival::decode(record.payload).unwrap()),
            RawKind::Frame => {
                let arrival = arrival.take();
                let frame: Value = serde_json::from_slice(record.payload).unwrap();
                let rows = frame["data"].as_array();
                let stamp = rows.and_then(|rows| rows.last()?["timestamp"].as_str());
                let is_update = frame["type"] == "update";
                if let Some(stamp) = stamp.filter(|_| is_update) {
                    let sent = ExchNs::parse_rfc3339(stamp.as_bytes()).unwrap().raw();
                    let waited = arrival.map(|of| record.rx.since(of.earliest).raw());
                    found.push((record.rx.raw().cast_signed() - sent, waited));
                }
            }
            _ => {}
        }
    }
    let least = found.iter().map(|(offset, _)| *offset).min().unwrap();
    found.iter().map(|(offset, waited)| (offset.abs_diff(least), *waited)).collect()
}

/// The response of a stage by its quantile.
fn response(report: &Value, stage: &str, quantile: &str) -> u64 {
    let stages = report["stages"].as_array().unwrap().iter();
    let stages: HashMap<_, _> = stages.map(|of| (of["stage"].as_str().unwrap(), of)).collect();
    stages[stage]["response_ns"][quantile].as_u64().unwrap()
}

#[test]
fn a_stop_of_this_process_is_in_the_responses_of_what_came_meanwhile() {
    let folder = std::env::temp_dir().join(format!("paperwire-stall-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let quick = ["--set", "exchange.history_minutes=1", "--set", "exchange.rate=8"];
    let ports = ["exchange", "--plain", "--ws-port", "0", "--rest-port", "0"];
    let mut exchange = start(&folder, &[&ports[..], &quick].concat());
    let mut line = String::new();
    let mut said = BufReader::new(exchange.0.stdout.as_mut().unwrap());
    said.read_line(&mut line).unwrap();
    let Some(url) = line.trim().strip_prefix("WebSocket ") else {
        let mut why = String::new();
        exchange.0.stderr.take().unwrap().read_to_string(&mut why).unwrap();
        panic!("{line}{why}");
    };

    let source = ["run", "--source", url, "--strategies", "order_flow", "--duration", "60s"];
    let without = ["--no-dashboard", "--json", "--set", "feed.warmup=false"];
    let others = ["--set", "history.enabled=false", "--record", "stall.tape"];
    let mut run = start(&folder, &[&source[..], &without, &others].concat());
    let mut notices = BufReader::new(run.0.stderr.take().unwrap()).lines();
    assert!(notices.any(|line| line.unwrap().contains("every book is live")));
    let notices = std::thread::spawn(move || notices.map_while(Result::ok).collect::<Vec<_>>());
    // Some frames to learn the offset of the clocks from; then none is read for half a second.
    pause(20);
    signal(&run, "-STOP");
    pause(10);
    signal(&run, "-CONT");
    pause(20);
    signal(&run, "-INT");
    let mut report = String::new();
    run.0.stdout.take().unwrap().read_to_string(&mut report).unwrap();
    assert!(run.0.wait().unwrap().success(), "{report}");
    let report: Value = serde_json::from_str(&report).unwrap();
    let notices = notices.join().unwrap().join("\n");
    assert!(notices.contains("nothing was read for"), "{notices}");
    assert_eq!(report["hot_allocs_total"], 0);

    let mut frames = frames(&folder.join("stall.tape"));
    let longest = frames.iter().map(|(late, _)| *late).max().unwrap();
    // Those that came in the earlier half of the stop.
    let stopped: Vec<_> = frames.iter().filter(|(late, _)| *late > longest / 2).collect();
    let placed = stopped.iter().filter(|(late, of)| of.is_some_and(|of| of * 10 >= late * 8));
    let (placed, count) = (placed.count(), stopped.len());
    assert!(count >= 10 && placed * 10 >= count * 9, "{placed} of {count}");
    let bounded = report["arrivals"]["bounded"].as_u64().unwrap();
    assert!(bounded >= placed as u64, "{}", report["arrivals"]);

    // What the stamps say is what the histograms say, and those of the replay.
    frames.sort_unstable();
    let wanted = frames[frames.len() * 99 / 100].0;
    let replayed =
        super::paperwire(&folder, &["replay", "stall.tape", "--speed", "1x", "--json"], "");
    let replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!(replayed["arrivals"]["bounded"], bounded);
    for (report, stage) in [(&report, "read"), (&report, "decoded"), (&replayed, "decoded")] {
        let here = response(report, stage, "p99");
        assert!(here * 10 >= wanted * 8, "{stage}: {here} ns, by the stamps {wanted} ns");
        assert!(response(report, stage, "max") * 10 >= longest * 8, "{stage}");
    }
    std::fs::remove_dir_all(folder).unwrap();
}
