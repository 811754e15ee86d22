//! Any stream of bytes: read or refused, and however it is cut, the same messages.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paperwire_feed::net::ws::{Deframer, WsError, WsEvent};

fn read(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, Result<(), WsError>) {
    let mut deframer = Deframer::new(1 << 16);
    let mut seen = Vec::new();
    let mut on_event = |event: WsEvent<'_>| match event {
        WsEvent::Message(bytes) | WsEvent::Ping(bytes) => seen.push(bytes.to_vec()),
    };
    let result = pieces.iter().try_for_each(|piece| deframer.push(piece, &mut on_event));
    (seen, result)
}

fuzz_target!(|input: (u16, &[u8])| {
    let (cut, stream) = input;
    let (first, second) = stream.split_at(usize::from(cut).min(stream.len()));
    assert_eq!(read(&[stream]), read(&[first, second]));
});
