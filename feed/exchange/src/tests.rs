//! The server over real sockets on 127.0.0.1, any ports.

use std::io::{Read, Write};
use std::net::TcpStream;

use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use tungstenite::{Message, WebSocket};

use super::*;

/// A runtime with an exchange in it; clients of the tests are blocking and outside.
struct Running {
    runtime: tokio::runtime::Runtime,
    exchange: Exchange,
}

fn start(change: impl FnOnce(&mut ExchangeConfig)) -> Running {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut config = ExchangeConfig::new(1);
    config.tls = false;
    config.market.history_minutes = 60;
    change(&mut config);
    let exchange = runtime.block_on(Exchange::start(config)).unwrap();
    Running { runtime, exchange }
}

impl Running {
    fn client(&self) -> WebSocket<TcpStream> {
        let stream = TcpStream::connect(self.exchange.ws_addr()).unwrap();
        tungstenite::client(self.exchange.ws_url(), stream).unwrap().0
    }

    fn stop(self) {
        self.runtime.block_on(self.exchange.stop());
    }
}

fn send<S: Read + Write>(client: &mut WebSocket<S>, request: &str) {
    client.send(Message::text(request)).unwrap();
}

fn read<S: Read + Write>(client: &mut WebSocket<S>) -> Value {
    loop {
        if let Message::Text(text) = client.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// Reads on until a message is as wanted.
fn until<S: Read + Write>(client: &mut WebSocket<S>, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let got = read(client);
        if wanted(&got) {
            return got;
        }
    }
}

const BOOK: &str =
    r#"{"method":"subscribe","params":{"channel":"book","symbol":["BTC/USD"]},"req_id":7}"#;

#[test]
fn a_client_over_tls_gets_status_then_ack_then_snapshot_then_updates() {
    let running = start(|config| config.tls = true);
    let mut roots = RootCertStore::empty();
    roots.add(running.exchange.certificate_der().unwrap().to_vec().into()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = TcpStream::connect(running.exchange.ws_addr()).unwrap();
    let stream = StreamOwned::new(session, stream);
    assert!(running.exchange.ws_url().starts_with("wss://localhost:"));
    let (mut client, _) = tungstenite::client(running.exchange.ws_url(), stream).unwrap();
    assert_eq!(read(&mut client)["channel"], "status");
    send(&mut client, BOOK);
    assert_eq!(read(&mut client)["req_id"], 7);
    assert_eq!(read(&mut client)["type"], "snapshot");
    until(&mut client, |m| m["channel"] == "book" && m["type"] == "update");
    until(&mut client, |m| m["channel"] == "heartbeat");
    client.send(Message::Ping("x".into())).unwrap();
    while !matches!(client.read().unwrap(), Message::Pong(_)) {}
    let stats = running.exchange.stats();
    assert_eq!((stats.connections, stats.connections_open, stats.subscribes), (1, 1, 1));
    assert!(stats.frames_sent > 4);
    running.stop();
    assert!(client.read().is_err() || client.read().is_err(), "a stopped exchange hangs up");
}

#[test]
fn rest_answers_over_http() {
    let running = start(|_| {});
    let addr = running.exchange.rest_url();
    let addr = addr.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(addr).unwrap();
    let request =
        "GET /0/public/AssetPairs?pair=BTC/USD HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
    let body = text.split_once("\r\n\r\n").unwrap().1;
    let body: Value = serde_json::from_str(body).unwrap();
    assert_eq!(body["error"], Value::Array(Vec::new()));
    assert_eq!(body["result"]["BTC/USD"]["pair_decimals"], 1);
    running.stop();
}

#[test]
fn a_drop_ends_connections_and_new_ones_are_refused_for_a_while() {
    let script = "[[fault]]\nkind='drop'\nat_message=5\n\
                  [[fault]]\nkind='refuse'\nat_message=5\nduration_ms=600";
    let running = start(|config| config.faults = Faults::parse(script).unwrap());
    let mut client = running.client();
    send(&mut client, BOOK);
    let ended = loop {
        match client.read() {
            Ok(Message::Close(_)) => panic!("no closing frame announces a drop"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(!matches!(ended, tungstenite::Error::AlreadyClosed), "{ended}");
    let mut refused = 0;
    loop {
        let stream = TcpStream::connect(running.exchange.ws_addr()).unwrap();
        match tungstenite::client(running.exchange.ws_url(), stream) {
            Ok(_) => break,
            Err(_) => refused += 1,
        }
        running.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(20)).await });
    }
    assert!(refused > 0);
    assert_eq!(running.exchange.stats().faults_fired, 2);
    running.stop();
}

#[test]
fn maintenance_is_announced_and_taken_back() {
    let script = "[[fault]]\nkind='maintenance'\nat_s=0.3\nduration_ms=300";
    let running = start(|config| config.faults = Faults::parse(script).unwrap());
    let mut client = running.client();
    let system = |m: &Value| m["data"][0]["system"].as_str().unwrap_or("").to_owned();
    let mut seen = Vec::new();
    while seen.len() < 3 {
        seen.push(system(&until(&mut client, |m| m["channel"] == "status")));
    }
    assert_eq!(seen, ["online", "maintenance", "online"]);
    running.stop();
}

#[test]
fn a_stall_holds_everything_back_and_then_delivers_it() {
    let script = "[[fault]]\nkind='stall'\nat_s=0.5\nduration_ms=2500";
    let running = start(|config| config.faults = Faults::parse(script).unwrap());
    let mut client = running.client();
    send(&mut client, BOOK);
    // Exchange times of the book stay close together although the wire was silent for a while.
    let mut longest = 0.0f64;
    let mut before = running.exchange.hub.clock.real_s();
    while before < 4.0 {
        read(&mut client);
        let now = running.exchange.hub.clock.real_s();
        longest = longest.max(now - before);
        before = now;
    }
    assert!(longest > 1.0, "no frame for {longest} s at most");
    running.stop();
}

#[test]
fn a_crossed_book_has_a_fitting_checksum_and_is_repaired() {
    let script = "[[fault]]\nkind='crossed'\nat_message=3\nsymbol='BTC/USD'";
    let running = start(|config| config.faults = Faults::parse(script).unwrap());
    let mut client = running.client();
    send(&mut client, BOOK);
    let mut sides: [Vec<(f64, f64)>; 2] = Default::default();
    let mut crossed = 0;
    for _ in 0..60 {
        let message = until(&mut client, |m| m["channel"] == "book");
        for (slot, list) in ["bids", "asks"].into_iter().enumerate() {
            for row in message["data"][0][list].as_array().unwrap() {
                let (px, qty) = (row["price"].as_f64().unwrap(), row["qty"].as_f64().unwrap());
                sides[slot].retain(|known| (known.0 - px).abs() > 1e-9);
                if qty > 0.0 {
                    sides[slot].push((px, qty));
                }
            }
            sides[slot].sort_by(|a, b| a.0.total_cmp(&b.0));
            if slot == 0 {
                sides[slot].reverse();
            }
            sides[slot].truncate(10);
        }
        let [bids, asks] = &sides;
        crossed += u32::from(bids[0].0 >= asks[0].0);
        let digits: String = asks
            .iter()
            .chain(bids)
            .map(|(px, qty)| {
                let text = |t: String| t.replace('.', "").trim_start_matches('0').to_owned();
                text(format!("{px:.1}")) + &text(format!("{qty:.8}"))
            })
            .collect();
        assert_eq!(message["data"][0]["checksum"], crc32fast::hash(digits.as_bytes()));
    }
    assert_eq!(crossed, 1, "crossed for one message");
    running.stop();
}

#[test]
fn connections_beyond_the_limit_are_closed_and_those_before_go_on() {
    let running = start(|config| config.connections_max = 4);
    let mut client = running.client();
    let idle: Vec<TcpStream> =
        (0..20).map(|_| TcpStream::connect(running.exchange.ws_addr()).unwrap()).collect();
    let mut closed = 0;
    for mut stream in idle {
        stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        closed += usize::from(!matches!(
            stream.read(&mut [0]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock
        ));
    }
    assert!(closed >= 17, "{closed} of 20 were closed");
    send(&mut client, r#"{"method":"ping","req_id":7}"#);
    assert_eq!(until(&mut client, |value| value["method"] == "pong")["req_id"], 7);
    running.stop();
}

#[test]
fn a_configuration_out_of_range_does_not_start() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let check = |change: fn(&mut ExchangeConfig), part: &str| {
        let mut config = ExchangeConfig::new(1);
        config.market.history_minutes = 1;
        change(&mut config);
        let error = runtime.block_on(Exchange::start(config)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    };
    check(|c| c.speed = 0.0, "speed 0");
    check(|c| c.market.rate = -1.0, "rate -1");
    check(|c| c.queue_len_max = 0, "queue_len_max");
    check(
        |c| c.faults = Faults::parse("[[fault]]\nkind='lost'\nsymbol='X/Y'\nat_s=1").unwrap(),
        "X/Y",
    );
}
