//! Many listeners, some of which read nothing: they are dropped, and nothing grows.

use std::net::TcpStream;

use serde_json::Value;
use tungstenite::Message;

use crate::session::{Session, free_port};

type Socket = tungstenite::WebSocket<TcpStream>;

fn listen(session: &Session) -> Socket {
    let (status, text) = session.post("/api/ws-ticket", "{}", &[]);
    assert_eq!(status, 200, "{text}");
    let ticket: Value = serde_json::from_str(&text).unwrap();
    let ticket = ticket["ticket"].as_str().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", session.port)).unwrap();
    let url = format!("ws://127.0.0.1:{}/ws/live?ticket={ticket}", session.port);
    tungstenite::client(url, stream).unwrap().0
}

/// Tickets are asked for within the limit of questions.
fn many(count: usize, session: &Session) -> Vec<Socket> {
    let later = |_| {
        std::thread::sleep(std::time::Duration::from_millis(60));
        listen(session)
    };
    (0..count).map(later).collect()
}

fn next(socket: &mut Socket) -> Value {
    loop {
        if let Message::Text(text) = socket.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

#[test]
fn a_listener_gets_everything_then_changes_then_the_end() {
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    let mut socket = listen(&session);
    let first = next(&mut socket);
    assert_eq!(first["type"], "initial_state");
    assert_eq!(first["data"]["session"]["mode"], "LIVE");
    assert!(first["data"]["strategy/order_flow"]["equity"].is_string());
    assert!(!first["recent_trades"].as_array().unwrap().is_empty());
    let mut seq = first["seq"].as_u64().unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for _ in 0..200 {
        let message = next(&mut socket);
        let kind = message["type"].as_str().unwrap().to_owned();
        if kind == "state_update" {
            assert_eq!(message["since"].as_u64(), Some(seq), "no number is missed");
            seq = message["seq"].as_u64().unwrap();
        }
        kinds.insert(kind);
        if kinds.len() == 3 {
            break;
        }
    }
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["heartbeat", "state_update", "trade"]);
    socket.send(Message::text(r#"{"op":"subscribe","topics":["session"]}"#)).unwrap();
    let narrow = loop {
        let message = next(&mut socket);
        if message["type"] == "initial_state" {
            break message;
        }
    };
    assert_eq!(narrow["data"].as_object().unwrap().len(), 1);
    socket.send(Message::text(r#"{"op":"subscribe","topics":["secrets"]}"#)).unwrap();
    let refused = loop {
        let message = next(&mut socket);
        if message["type"] == "error" {
            break message;
        }
    };
    assert!(refused["message"].as_str().unwrap().contains("topics are session"));
    let heard = std::thread::spawn(move || {
        loop {
            let message = next(&mut socket);
            if message["type"] == "shutdown" {
                return message["message"].is_string();
            }
        }
    });
    session.end();
    assert!(heard.join().unwrap());
}

#[test]
fn who_reads_nothing_is_dropped_and_the_others_stay() {
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    let rss = || session.json("/api/host")["rss_bytes"].as_u64().unwrap();
    let before = rss();
    let mut sockets = many(36, &session);
    let silent = sockets.split_off(30);
    let listeners = || session.json("/api/host")["page_clients"].as_u64().unwrap();
    session.until("all are counted", || listeners() == 36);
    let readers: Vec<_> = sockets
        .into_iter()
        .map(|mut socket| std::thread::spawn(move || while socket.read().is_ok() {}))
        .collect();
    session.until("those who do not read are gone", || listeners() == 30);
    let grown = rss().saturating_sub(before);
    assert!(grown < 128 << 20, "{grown} bytes");
    assert_eq!(session.json("/api/host")["hot_allocs_total"], 0);
    drop(silent);
    session.end();
    readers.into_iter().for_each(|reader| reader.join().unwrap());
}

/// Two hundred listeners, twenty of which read nothing, beside the same seconds without them; prints what the engine took.
/// It says nothing of a machine whose cores the listeners themselves need.
#[test]
fn what_two_hundred_listeners_cost_the_engine() {
    if std::env::var("SLOW_TESTS").is_err() {
        eprintln!("SKIPPED: takes two minutes; SLOW_TESTS=1 runs it");
        return;
    }
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    let measure = |name: &str| {
        std::thread::sleep(std::time::Duration::from_secs(20));
        let decided = session.decided_p99(19);
        let host = session.json("/api/host");
        eprintln!(
            "{name}: {decided}; {} listeners, {} MB",
            host["page_clients"],
            host["rss_bytes"].as_u64().unwrap() / 1_000_000
        );
        host["page_clients"].as_u64().unwrap()
    };
    for _ in 0..2 {
        assert_eq!(measure("without"), 0);
        let mut sockets = many(200, &session);
        let silent = sockets.split_off(180);
        let readers = sockets.into_iter().map(|mut socket| {
            let stream = socket.get_ref().try_clone().unwrap();
            (stream, std::thread::spawn(move || while socket.read().is_ok() {}))
        });
        let readers: Vec<_> = readers.collect();
        let left = measure("with 200");
        assert!((180..200).contains(&left), "{left} are left: those who read stay, others go");
        for (stream, reader) in readers {
            stream.shutdown(std::net::Shutdown::Both).unwrap();
            reader.join().unwrap();
        }
        drop(silent);
        let listeners = || session.json("/api/host")["page_clients"].as_u64().unwrap();
        session.until("all are gone", || listeners() == 0);
    }
}
