use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;

use super::*;
use crate::clock::utc_now;

#[test]
fn loopback_bytes_carry_a_receive_time_between_send_and_read() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut sender = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (receiver, _) = listener.accept().unwrap();
    enable_timestamps(receiver.as_fd()).unwrap();
    let mut buffer = [0u8; 64];
    let nothing = receive(receiver.as_fd(), &mut buffer).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);

    // The kernel switches stamping on a moment after it is first asked for.
    let mut stamped = None;
    for _ in 0..1_000 {
        let before = utc_now();
        sender.write_all(b"hello").unwrap();
        let (read, stamp) = loop {
            match receive(receiver.as_fd(), &mut buffer) {
                Ok(result) => break result,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
        };
        assert_eq!(&buffer[..read], b"hello");
        stamped = stamp.map(|stamp| (before, stamp));
        if stamped.is_some() {
            break;
        }
        std::thread::yield_now();
    }
    let (before, stamp) = stamped.expect("this kernel stamps received TCP");
    assert!(stamp.raw() >= before.raw() - 1_000_000 && stamp <= utc_now(), "{stamp}");
    drop(sender);
    assert!(matches!(receive(receiver.as_fd(), &mut buffer), Ok((0, _))));
}
