use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::{Late, Stop};
use paperwire_rt::runner::Wait;

use super::*;
use crate::net::connect;
use crate::start::{self, Patience, StartError};

/// The head of a TLS record and of an HTTP answer; neither ends.
const RECORD: &[u8] = &[22, 3, 3, 0x40, 0];
const ANSWER: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nX: ";

/// A server that sends a byte a millisecond to each of its clients, for as long as they listen.
fn dripping(head: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || {
                let mut stream = stream.unwrap();
                for byte in head.iter().chain(std::iter::repeat(&b'x')) {
                    if stream.write_all(&[*byte]).is_err() {
                        return;
                    }
                    Wait::Doze.wait();
                }
            });
        }
    });
    address
}

#[test]
fn a_server_that_drips_moves_no_deadline() {
    for (scheme, head, expected) in
        [("ws", ANSWER, "the WebSocket upgrade"), ("wss", RECORD, "the TLS handshake")]
    {
        let address = dripping(head);
        let endpoint = Endpoint::parse(&format!("{scheme}://{address}/v2")).unwrap();
        let limit = DurationNs::from_millis(50);
        let deadline = Deadline::within(limit, &HostClock::new(), &Stop::default());
        let stream = TcpStream::connect(address).unwrap();
        match shake(stream, &endpoint, &deadline) {
            Err(ConnectError::Timeout { step, .. }) => assert_eq!(step, expected),
            other => panic!("{scheme}: {other:?}"),
        }
    }
}

#[test]
fn a_request_to_stop_ends_a_start_whatever_the_server_does() {
    let address = dripping(RECORD);
    let (requests, clock) = (Arc::new(AtomicU32::new(0)), HostClock::new());
    let stop = Stop::of(requests.clone());
    let endpoint = Endpoint::parse(&format!("wss://{address}/v2")).unwrap();
    std::thread::spawn(move || {
        (0..20).for_each(|_| Wait::Doze.wait());
        requests.fetch_add(1, Ordering::AcqRel);
    });
    // Without the request each of these attempts would last for its ten seconds.
    let patience = Patience { attempts: u32::MAX, clock: &clock, stop: &stop };
    let started = start::start(&endpoint, &["BTC/USD".to_owned()], &patience, &mut None);
    assert!(matches!(started, Err(StartError::Stopped)), "{started:?}");
    assert!(matches!(connect::open(&endpoint, &clock, &stop), Err(ConnectError::Stopped)));
}

#[test]
fn what_ended_a_handshake_is_said_in_its_own_words() {
    let refused = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
    let kind = io::ErrorKind::UnexpectedEof;
    for (error, words) in [
        (io::Error::other(refused), "the server's certificate is refused"),
        (Late::TimedOut.into(), "the WebSocket upgrade timed out after 10 s"),
        (Late::Stopped.into(), "stopped on request"),
        (io::Error::new(kind, "early eof"), "the server closed the connection"),
        (io::Error::from_raw_os_error(104), "the connection broke during the handshake"),
    ] {
        let text = ConnectError::from(error).to_string();
        assert!(text.starts_with(words), "{text}");
        assert!(!text.contains("temporarily unavailable"), "{text}");
    }
}
