use super::*;
use proptest::prelude::*;

/// A server frame.
fn frame(opcode: u8, is_final: bool, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![if is_final { 0x80 | opcode } else { opcode }];
    match payload.len() {
        len @ 0..=125 => out.push(u8::try_from(len).unwrap()),
        len @ 126..=65_535 => {
            out.push(126);
            out.extend_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        }
        len => {
            out.push(127);
            out.extend_from_slice(&u64::try_from(len).unwrap().to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out
}

/// Messages, pings and the end of a stream.
type Seen = (Vec<Vec<u8>>, Vec<Vec<u8>>, Result<(), WsError>);

fn read(stream: &[u8], cuts: &[usize]) -> Seen {
    let mut deframer = Deframer::new(100_000);
    let (mut messages, mut pings) = (Vec::new(), Vec::new());
    let mut on_event = |event: WsEvent<'_>| match event {
        WsEvent::Message(text) => messages.push(text.to_vec()),
        WsEvent::Ping(data) => pings.push(data.to_vec()),
    };
    let mut at = 0;
    let mut result = Ok(());
    for &cut in cuts.iter().chain([&stream.len()]) {
        let cut = cut.clamp(at, stream.len());
        result = result.and_then(|()| deframer.push(&stream[at..cut], &mut on_event));
        at = cut;
    }
    (messages, pings, result)
}

proptest! {
    #[test]
    fn messages_survive_any_cut_of_the_stream(
        sizes in prop::collection::vec((prop_oneof![0usize..300, 65_000usize..70_000], 0u8..3), 1..6),
        mut cuts in prop::collection::vec(0usize..200_000, 0..40),
    ) {
        let (mut stream, mut expected, mut pings) = (Vec::new(), Vec::new(), Vec::new());
        for (index, &(size, kind)) in sizes.iter().enumerate() {
            let payload = vec![u8::try_from(index).unwrap() + b'a'; size];
            match kind {
                0 => stream.extend(frame(TEXT, true, &payload)),
                1 => {
                    let (head, tail) = payload.split_at(size / 2);
                    stream.extend(frame(TEXT, false, head));
                    stream.extend(frame(PING, true, b"mid"));
                    pings.push(b"mid".to_vec());
                    stream.extend(frame(CONTINUATION, true, tail));
                }
                _ => stream.extend([frame(PONG, true, b""), frame(TEXT, true, &payload)].concat()),
            }
            expected.push(payload);
        }
        cuts.sort_unstable();
        let (messages, heard, result) = read(&stream, &cuts);
        prop_assert_eq!(result, Ok(()));
        prop_assert_eq!(messages, expected);
        prop_assert_eq!(heard, pings);
    }

    #[test]
    fn any_bytes_are_read_or_refused(stream in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = read(&stream, &[3, 7, 100]);
    }
}

#[test]
fn what_breaks_the_protocol_is_refused() {
    let check = |stream: &[u8], error| assert_eq!(read(stream, &[]).2, Err(error), "{stream:?}");
    check(&[0xc1, 0], WsError::Protocol); // reserved bit
    check(&[0x81, 0x80, 0, 0, 0, 0], WsError::Protocol); // masked
    check(&frame(CONTINUATION, true, b"x"), WsError::Protocol);
    check(&[frame(TEXT, false, b"a"), frame(TEXT, true, b"b")].concat(), WsError::Protocol);
    check(&frame(3, true, b""), WsError::Protocol);
    check(&frame(PING, false, b""), WsError::Protocol);
    check(&[0x81, 127, 0xff, 0, 0, 0, 0, 0, 0, 0], WsError::TooLarge { max: 100_000 });
    check(&frame(CLOSE, true, &1001u16.to_be_bytes()), WsError::Closed(1001));
    check(&frame(CLOSE, true, b""), WsError::Closed(1005));
}

#[test]
fn a_client_frame_is_read_back_by_a_server() {
    let mut out = Vec::new();
    let text = vec![b'x'; 300];
    write_client_frame(&mut out, ClientFrame::Text, &text, [1, 2, 3, 4]);
    assert_eq!(&out[..8], [0x81, 0x80 | 126, 1, 44, 1, 2, 3, 4]);
    let unmasked: Vec<u8> =
        out[8..].iter().zip([1u8, 2, 3, 4].iter().cycle()).map(|(b, m)| b ^ m).collect();
    assert_eq!(unmasked, text);
}

#[test]
fn a_bound_holds_for_whole_cut_and_fragmented_messages_and_gives_memory_back() {
    let frame = |first: u8, len: usize| {
        let mut out = vec![first, 127];
        out.extend_from_slice(&u64::try_from(len).unwrap().to_be_bytes());
        out.extend(std::iter::repeat_n(b'x', len));
        out
    };
    let mut deframer = Deframer::new(4 << 20);
    let mut lens = Vec::new();
    let mut push = |deframer: &mut Deframer, bytes: &[u8]| {
        deframer.push(bytes, &mut |event| {
            if let WsEvent::Message(text) = event {
                lens.push(text.len());
            }
        })
    };
    // Whole, cut in two, and in two fragments.
    let (whole, half) = (frame(0x81, 3 << 20), frame(0x01, 1 << 20));
    push(&mut deframer, &whole).unwrap();
    push(&mut deframer, &whole[..1 << 20]).unwrap();
    push(&mut deframer, &whole[1 << 20..]).unwrap();
    push(&mut deframer, &half).unwrap();
    push(&mut deframer, &frame(0x80, 1 << 20)).unwrap();
    deframer.bound(300_000);
    assert!(deframer.capacity() < 1 << 20, "{}", deframer.capacity());
    let too_large = Err(WsError::TooLarge { max: 300_000 });
    assert_eq!(push(&mut deframer, &whole[..20]), too_large);
    deframer.reset();
    push(&mut deframer, &frame(0x01, 200_000)).unwrap();
    assert_eq!(push(&mut deframer, &frame(0x80, 200_000)), too_large);
    assert_eq!(lens, [3 << 20, 3 << 20, 2 << 20]);
}
