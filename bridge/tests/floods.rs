//! Connections without end at the page of a real run: the feed connects again, and an order is taken.

#![allow(clippy::unwrap_used, reason = "the lint's exemption for tests misses helpers here")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

/// Fewer descriptors than connections, so that a page without a number of its own would take all of them.
const DESCRIPTORS: usize = 256;
const FLOOD: usize = 400;

fn answer(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let head = format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n");
    stream.write_all(request.replace("HEAD", &head).as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_flood_of_the_page_keeps_neither_the_feed_nor_an_order_out() {
    let folder = std::env::temp_dir().join(format!("paperwire-flood-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    // Every two seconds all connections of the feed end.
    let faults = "[[fault]]\nkind = \"drop\"\nat_s = 4.0\ncount = 100\nevery_s = 2.0\n";
    std::fs::write(folder.join("drops.toml"), faults).unwrap();
    let run = format!("ulimit -n {DESCRIPTORS} && exec \"$0\" \"$@\"");
    let mut child = Command::new("sh")
        .args(["-c", &run, env!("CARGO_BIN_EXE_paperwire"), "run", "--strategies", "flow_pulse"])
        .args(["--set", "dashboard.bind=127.0.0.1:0", "--set", "exchange.faults=drops.toml"])
        .args(["--set", "feed.warmup=false", "--set", "exchange.history_minutes=1"])
        .args(["--set", "feed.reconnect_min_ms=100", "--duration", "120s", "--json"])
        .current_dir(&folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let port: u16 = said
        .find_map(|line| line.unwrap().split("dashboard at http://127.0.0.1:").nth(1)?.parse().ok())
        .unwrap();
    // Idle ones, heads that never end, and bodies that never come.
    let mut flood = Vec::new();
    for number in 0..FLOOD {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { continue };
        let sent = match number % 3 {
            0 => "",
            1 => "GET / HTTP/1.1\r\nX-Slow: ",
            _ => "POST /login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4000\r\n\r\n{",
        };
        let _ = stream.write_all(sent.as_bytes());
        flood.push(stream);
    }
    // The feed is live again after a drop that came with all of the flood connected.
    let (mut lost, mut live) = (0, 0);
    for line in said.by_ref().map_while(Result::ok) {
        lost += usize::from(lost < 2 && line.contains("connection"));
        let snapshot = answer(port, "GET /readyz HTTP/1.1\r\nHEAD\r\n");
        live += usize::from(lost > 0 && snapshot.starts_with("HTTP/1.1 200"));
        if live >= 2 {
            break;
        }
    }
    assert!(live >= 1, "the feed never came back");
    let kill = "POST /api/control HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 46\r\nHEAD\r\n\
        {\"target\":\"all\",\"verb\":\"kill\",\"confirm\":\"all\"}";
    let taken = answer(port, kill);
    assert!(taken.starts_with("HTTP/1.1 202"), "{taken}");
    drop(flood);
    drop(said);
    let output = child.wait_with_output().unwrap();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["book_updates"].as_u64().unwrap() > 0, "{report}");
    std::fs::remove_dir_all(folder).unwrap();
}
