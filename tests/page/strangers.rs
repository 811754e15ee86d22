//! Strangers at the page: guesses, floods of messages, and the holder of the token who shares their address.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::Value;
use tungstenite::Message;

use crate::session::{Session, free_port};

const TOKEN: &str = "Ch4llenge-0123456789";

fn session() -> Session {
    Session::start(free_port(), &[("dashboard.token", "\"Ch4llenge-0123456789\"")])
}

/// The status of a request on a connection of its own.
fn status(session: &Session, request: &str) -> u16 {
    let mut stream = TcpStream::connect(("127.0.0.1", session.port)).unwrap();
    let request = request.replace("PORT", &session.port.to_string()).replace('\n', "\r\n");
    // Whoever is refused early may find the connection closed; the answer is there all the same.
    let _ = stream.write_all(request.as_bytes());
    let mut answer = [0; 64];
    let len = stream.read(&mut answer).unwrap_or(0);
    let answer = String::from_utf8_lossy(&answer[..len]).into_owned();
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0)
}

#[test]
fn no_door_tells_whether_a_guess_was_right_more_than_a_few_times_and_the_holder_passes_always() {
    let session = session();
    let upgrade = "Connection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\n";
    let doors = [
        "GET /api/login HTTP/1.1\nHost: 127.0.0.1:PORT\nAuthorization: Bearer guess-NR\n\n".to_owned(),
        "GET /api/login HTTP/1.1\nHost: 127.0.0.1:PORT\nX-Api-Key: guess-NR\n\n".to_owned(),
        "GET /metrics HTTP/1.1\nHost: 127.0.0.1:PORT\nX-Api-Key: guess-NR\n\n".to_owned(),
        "GET / HTTP/1.1\nHost: 127.0.0.1:PORT\nX-Api-Key: guess-NR\n\n".to_owned(),
        "POST /logout HTTP/1.1\nHost: 127.0.0.1:PORT\nX-Api-Key: guess-NR\nContent-Length: 0\n\n".to_owned(),
        format!("GET /ws/live HTTP/1.1\nHost: 127.0.0.1:PORT\nX-Api-Key: guess-NR\n{upgrade}\n"),
        format!("GET /ws/live?ticket=guess-NR HTTP/1.1\nHost: 127.0.0.1:PORT\n{upgrade}\n"),
        "POST /login HTTP/1.1\nHost: 127.0.0.1:PORT\nContent-Type: application/json\nContent-Length: 21\n\n\
         {\"token\":\"guess-NR\"}  ".to_owned(),
    ];
    let mut told = 0;
    for guess in 0..40 {
        for door in &doors {
            let code = status(&session, &door.replace("NR", &format!("{guess:02}")));
            told += usize::from(code != 429);
            assert!([200, 401, 429, 204].contains(&code), "{code}: {door}");
        }
    }
    assert!(told <= 40, "{told} of {} guesses were answered", 40 * doors.len());
    let holder = [("authorization", "Bearer Ch4llenge-0123456789")];
    for _ in 0..60 {
        assert_eq!(session.get("/api/version", &holder).0, 200);
    }
    let kill = r#"{"target":"all","verb":"kill","confirm":"all"}"#;
    assert_eq!(session.post("/api/control", kill, &holder).0, 202);
    let login = session.post("/login", &format!(r#"{{"token":"{TOKEN}"}}"#), &[]);
    assert_eq!(login.0, 204, "{}", login.1);
}

#[test]
fn a_request_that_two_servers_could_read_differently_is_refused() {
    let session = Session::start(free_port(), &[]);
    for (request, code) in [
        ("GET /api/version HTTP/1.1\nHost: 127.0.0.1:PORT\n\n", 200),
        ("GET /api/version HTTP/1.1\nHost: 127.0.0.1:PORT\nHost: evil.example\n\n", 400),
        ("GET /api/version HTTP/1.1\nHost: 127.0.0.1:PORT\nHost: 127.0.0.1:PORT\n\n", 400),
        ("GET http://evil.example/api/version HTTP/1.1\nHost: 127.0.0.1:PORT\n\n", 403),
        ("GET /api/version HTTP/1.1\n\n", 403),
        ("GET /api/version HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1\n\n", 403),
        ("GET /api/version HTTP/1.1\nHost: 127.0.0.1:PORT\nOrigin: http://127.0.0.1:PORT\n\n", 200),
        ("GET /api/version HTTP/1.1\nHost: 127.0.0.1:PORT\nX-Api-Key: a\nX-Api-Key: b\n\n", 400),
    ] {
        assert_eq!(status(&session, request), code, "{request}");
    }
    let body = "x".repeat(1 << 20);
    let long = format!(
        "POST /login HTTP/1.1\nHost: 127.0.0.1:PORT\nContent-Type: application/json\nContent-Length: {}\n\n{body}",
        body.len()
    );
    assert!([400, 413, 0].contains(&status(&session, &long)), "a long body is not taken");
}

#[test]
fn a_listener_that_asks_for_everything_again_and_again_gets_it_once_a_second_and_is_dropped() {
    let session = Session::start(free_port(), &[]);
    session.until_it_trades();
    let ticket: Value = serde_json::from_str(&session.post("/api/ws-ticket", "{}", &[]).1).unwrap();
    let ticket = ticket["ticket"].as_str().unwrap();
    let stream = TcpStream::connect(("127.0.0.1", session.port)).unwrap();
    let url = format!("ws://127.0.0.1:{}/ws/live?ticket={ticket}", session.port);
    let (mut socket, _) = tungstenite::client(url, stream).unwrap();
    let asked =
        (0..2_000).take_while(|_| socket.send(Message::text(r#"{"op":"resync"}"#)).is_ok()).count();
    let (mut whole, mut close) = (0, None);
    while let Ok(message) = socket.read() {
        match message {
            Message::Text(text) => whole += usize::from(text.contains("\"initial_state\"")),
            Message::Close(frame) => close = frame.map(|frame| u16::from(frame.code)),
            _ => {}
        }
    }
    assert!(whole <= 5, "{whole} times everything for {asked} questions");
    assert!(close.is_none_or(|code| code == 1008), "{close:?}");
}
