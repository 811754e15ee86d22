use paperwire_feed::control::Control;
use paperwire_tape::TapeWriter;

use super::*;

/// Batches of a tape of these records, each shown as its first byte.
fn batches(name: &str, records: &[(RawKind, u64, &[u8])], len_max: usize) -> Vec<Vec<u8>> {
    let file = format!("paperwire-batch-{name}-{len_max}-{}.tape", std::process::id());
    let path = std::env::temp_dir().join(file);
    let mut tape = TapeWriter::create(&path, b"{}").unwrap();
    for (kind, rx, payload) in records {
        tape.append(*kind, HostNs::new(*rx), payload).unwrap();
    }
    drop(tape.finish(b"{}").unwrap());
    let (mut source, mut lost) = (Source::open(&path).unwrap(), 0);
    let (mut batch, mut found) = (Batch::of(len_max), Vec::new());
    while batch.fill(&mut source, &mut lost).unwrap() {
        found.push(batch.records.iter().map(|&(_, _, start, _)| batch.bytes[start]).collect());
    }
    std::fs::remove_file(&path).unwrap();
    assert_eq!(lost, 0);
    found
}

#[test]
fn what_older_tapes_have_behind_its_frame_is_played_before_it() {
    use RawKind::{Control as Decision, Frame, Trail};
    let records: [(RawKind, u64, &[u8]); 9] = [
        (Frame, 1, b"a"),
        (Frame, 2, b"b"),
        (Trail, 2, b"t"),
        (Decision, 2, &[5, 0]),
        (Decision, 2, &[6, 1, 0]),
        (Frame, 2, b"c"),
        (Decision, 3, &[5, 1]),
        (Decision, 4, &[12, 1]),
        (Frame, 4, b"d"),
    ];
    let whole = [b'a', 5, 6, b'b', b'c', 5, 12, b'd'];
    assert_eq!(batches("old", &records, 1 << 20), [whole]);
    for len_max in 1..9 {
        assert_eq!(batches("old", &records, len_max).concat(), whole, "{len_max}");
    }
}

#[test]
fn what_is_written_now_is_played_where_it_stands() {
    use paperwire_core::instrument::SymbolId;
    use paperwire_feed::control::{CONTROL_BYTES_MAX, Pressure};
    for control in [Control::Pressure(Pressure::Drop), Control::Flush(SymbolId(3))] {
        let mut bytes = [0; CONTROL_BYTES_MAX];
        let len = control.encode(&mut bytes);
        let now = &bytes[..len];
        assert!(!control::is_late(now));
        let records = [(RawKind::Frame, 1, &b"a"[..]), (RawKind::Control, 1, now)];
        assert_eq!(batches("new", &records, 1 << 20), [[b'a', now[0]]]);
        // As it was once: the same decision.
        let mut late = bytes;
        late[0] -= 7;
        assert_eq!(Control::decode(&late[..len]), Some(control));
        assert!(control::is_late(&late));
    }
}
