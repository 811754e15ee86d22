//! Alerts reach a server; one that fails at first is asked again.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::mpsc;

use serde_json::Value;

use crate::session::{Session, free_port};

/// A server that refuses its first request and passes on the bodies of all.
fn server() -> (String, mpsc::Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (said, heard) = mpsc::channel();
    std::thread::spawn(move || {
        for (index, stream) in listener.incoming().enumerate() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut first, mut length) = (String::new(), 0);
            stream.read_line(&mut first).unwrap();
            loop {
                let mut line = String::new();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            let status = if index == 0 { "503 Service Unavailable" } else { "200 OK" };
            let answer =
                format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            stream.get_mut().write_all(answer.as_bytes()).unwrap();
            let body = serde_json::from_slice(&body).unwrap();
            if said.send((first, body)).is_err() {
                return;
            }
        }
    });
    (url, heard)
}

#[test]
fn a_strategy_that_is_killed_is_told_to_everyone_once_and_again_when_it_is_back() {
    let (url, heard) = server();
    let session = Session::start(
        free_port(),
        &[
            ("alerts.webhook_url", &format!("\"{url}/hook\"")),
            ("alerts.telegram_token", "\"123:abc\""),
            ("alerts.telegram_chat", "\"42\""),
            ("alerts.telegram_url", &format!("\"{url}\"")),
        ],
    );
    let order = |verb: &str| {
        let body = format!(r#"{{"target":"flow_pulse","verb":"{verb}","confirm":"flow_pulse"}}"#);
        assert_eq!(session.post("/api/control", &body, &[]).0, 202);
    };
    let wait = std::time::Duration::from_secs(60);
    order("kill");
    // The refused one is sent again, so there are three.
    let mut begun: Vec<(String, Value)> =
        (0..3).map(|_| heard.recv_timeout(wait).unwrap()).collect();
    begun.sort_by(|a, b| a.0.cmp(&b.0));
    assert!(
        begun
            .iter()
            .any(|(line, body)| line.starts_with("POST /hook ") && body["kind"] == "halted")
    );
    let telegram = begun.iter().find(|(line, _)| line.starts_with("POST /bot123:abc/sendMessage "));
    assert_eq!(telegram.unwrap().1["chat_id"], "42");
    order("resume");
    let over: Vec<Value> = (0..2).map(|_| heard.recv_timeout(wait).unwrap().1).collect();
    assert!(over.iter().any(|body| body["is_over"] == true), "{over:?}");
    let events = session.json("/api/events").to_string();
    assert!(!events.contains("123:abc"), "the bot's token is told to nobody");
}
