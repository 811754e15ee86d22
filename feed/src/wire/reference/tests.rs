use proptest::prelude::*;
use proptest::sample::Index;

use super::*;
use crate::infer;
use crate::wire::hot;

/// Frames as the venue sends them, one of each kind and more of the kind that matters most.
const FRAMES: [&str; 7] = [
    r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":0.00000000},{"price":63376.4,"qty":0.00005100}],"asks":[],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.302928Z"}]}"#,
    r#"{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":1.50000000}],"asks":[{"price":63381.1,"qty":12.00005100},{"price":63390.0,"qty":0.10000000}],"checksum":726153463,"timestamp":"2026-08-02T03:35:52.302928Z"}]}"#,
    r#"{"channel":"book","type":"update","data":[{"symbol":"XRP/BTC","bids":[],"asks":[{"price":0.00000812,"qty":123}],"checksum":0,"timestamp":"2026-08-02T03:36:52.302928Z"}]}"#,
    r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":79192.8,"qty":0.00047353,"ord_type":"limit","trade_id":107725595,"timestamp":"2026-09-14T18:32:27.809282Z"},{"symbol":"XRP/BTC","side":"buy","price":0.00000812,"qty":10000,"ord_type":"market","trade_id":107725596,"timestamp":"2026-09-14T18:32:27.809282Z"}]}"#,
    r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,"bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,"volume":3156.84782110,"change":-429.3,"change_pct":-5.1e-1,"timestamp":"2026-09-14T18:32:27.809282Z"}]}"#,
    r#"{"channel":"heartbeat"}"#,
    r#"{"data":[{"timestamp":"2026-08-02T03:35:51.302928Z","checksum":3726153463,"asks":[],"bids":[{"qty":0.00000000,"price":63381.0},{"new":[{"a":null,"b":"\u00e9\ud83d\ude00\n","c":123456789012345678901e999}],"price":63376.4,"qty":0.00005100}],"symbol":"BTC/USD"}],"type":"update","channel":"book"}"#,
];

/// Text that is put in, or that takes another's place, anywhere.
const PIECES: [&str; 45] = [
    " ",
    "\n\t",
    "\u{0}",
    "\u{7f}",
    "\u{e9}",
    "\u{3000}",
    "\\",
    "\\\"",
    "\\u0062",
    "\\ud800",
    "\\x",
    "\"",
    ",",
    ":",
    "[",
    "]",
    "{",
    "}",
    "[]",
    "{}",
    "-",
    "+",
    ".",
    "0",
    "00",
    "5",
    "e",
    "e5",
    "E-05",
    "1e400",
    "-0.0",
    "9223372036854775807",
    "9223372036854775808",
    "18446744073709551616",
    "99999999999999999999999999.9",
    "0.000000000000000000001",
    "null",
    "true",
    "nul",
    "\"symbol\":\"BTC/USD\",",
    "\"checksum\":1,",
    "\"price\":1.0,",
    "\"qty\":1.00000000,",
    "\"bids\":[],",
    "\"type\":\"update\",",
];

#[derive(Clone, Debug)]
enum Damage {
    Cut(Index),
    Byte(Index, u8),
    Insert(Index, Index),
    /// The token at a place gives way to a piece.
    Token(Index, Index),
    /// A stretch comes twice.
    Double(Index, Index),
    /// A stretch is lost.
    Lose(Index, Index),
    /// Two members of an object, or two elements of an array, change places.
    Swap(Index, Index),
    /// One character is written as an escape.
    Escape(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        1 => at().prop_map(Damage::Cut),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        4 => (at(), at()).prop_map(|(at, piece)| Damage::Insert(at, piece)),
        4 => (at(), at()).prop_map(|(at, piece)| Damage::Token(at, piece)),
        2 => (at(), at()).prop_map(|(from, to)| Damage::Double(from, to)),
        2 => (at(), at()).prop_map(|(from, to)| Damage::Lose(from, to)),
        4 => (at(), at()).prop_map(|(one, other)| Damage::Swap(one, other)),
        1 => at().prop_map(Damage::Escape),
    ]
}

/// Places where a member or an element starts, and ends before the comma or bracket behind it.
fn pieces_of(text: &[u8]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for start in 1..text.len() {
        if !matches!(text[start - 1], b'{' | b'[' | b',') {
            continue;
        }
        let (mut depth, mut end) = (0u32, start);
        while end < text.len() {
            match text[end] {
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 0 => break,
                b'}' | b']' => depth -= 1,
                b',' if depth == 0 => break,
                _ => {}
            }
            end += 1;
        }
        found.push((start, end));
    }
    found
}

fn damaged(mut text: Vec<u8>, damage: &Damage) -> Vec<u8> {
    if text.is_empty() {
        return text;
    }
    let len = text.len();
    let stretch = |from: &Index, to: &Index| {
        let (from, to) = (from.index(len), to.index(len));
        from.min(to)..from.max(to)
    };
    match damage {
        Damage::Cut(at) => text.truncate(at.index(len)),
        Damage::Byte(at, byte) => text[at.index(len)] = *byte,
        Damage::Insert(at, piece) => {
            let at = at.index(len);
            text.splice(at..at, piece.get(&PIECES).bytes());
        }
        Damage::Token(at, piece) => {
            let is_end = |byte: &u8| b"{}[],:\"".contains(byte);
            let at = at.index(len);
            let start = text[..at].iter().rposition(is_end).map_or(0, |end| end + 1);
            let end = text[at..].iter().position(is_end).map_or(len, |end| at + end);
            text.splice(start..end.max(start), piece.get(&PIECES).bytes());
        }
        Damage::Double(from, to) => {
            let stretch = stretch(from, to);
            let copy = text[stretch.clone()].to_vec();
            text.splice(stretch.end..stretch.end, copy);
        }
        Damage::Lose(from, to) => drop(text.drain(stretch(from, to))),
        Damage::Swap(one, other) => {
            let pieces = pieces_of(&text);
            if pieces.is_empty() {
                return text;
            }
            let (one, other) = (one.get(&pieces), other.get(&pieces));
            let (first, second) = (*one.min(other), *one.max(other));
            if first.1 <= second.0 {
                let moved = text[first.0..first.1].to_vec();
                let back = text[second.0..second.1].to_vec();
                text.splice(second.0..second.1, moved);
                text.splice(first.0..first.1, back);
            }
        }
        Damage::Escape(at) => {
            let at = at.index(len);
            text.splice(at..=at, format!("\\u{:04x}", text[at]).into_bytes());
        }
    }
    text
}

fn table() -> SymbolTable {
    let rows = [
        br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#.as_slice(),
        br#"{"symbol":"XRP/BTC","price":0.00000001,"qty":1}"#,
    ];
    SymbolTable::new(&rows.map(|row| infer::instrument_of(row).unwrap()))
}

#[test]
fn whole_frames_are_taken_and_read_alike() {
    let (table, mut scratch) = (table(), Scratch::new());
    for frame in FRAMES {
        let decoded = hot::decode(frame.as_bytes(), &table, &mut scratch).expect("a whole frame");
        let is_read = matches!(
            decoded,
            Frame::Book(_) | Frame::Trades { .. } | Frame::Ticker(_) | Frame::Heartbeat
        );
        assert!(is_read, "{frame}");
        assert_eq!(agrees(frame.as_bytes(), &table, decoded, &scratch), Ok(()), "{frame}");
    }
}

#[test]
fn a_difference_is_noticed() {
    let (table, mut scratch) = (table(), Scratch::new());
    let decoded = hot::decode(FRAMES[0].as_bytes(), &table, &mut scratch).unwrap();
    let check = |from: &str, to: &str, expected| {
        let other = FRAMES[0].replace(from, to);
        assert_eq!(agrees(other.as_bytes(), &table, decoded, &scratch), Err(expected), "{other}");
    };
    check("}]}", "}]", "it is not JSON");
    check("book", "trade", "channel");
    check("update", "snapshot", "type");
    check("BTC/USD", "XRP/BTC", "symbol");
    check("63376.4", "63376.5", "price");
    check("5100", "5101", "qty");
    check("3726153463", "3726153464", "checksum");
    check("302928", "302929", "timestamp");
    check(r#""asks":[]"#, r#""asks":[{"price":63381.0,"qty":1.0}]"#, "number of levels");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20_000))]

    /// What was read first must leave no trace: all frames go through one reader.
    #[test]
    fn what_is_taken_of_damaged_frames_is_what_the_reference_reads(
        frame in 0..FRAMES.len(),
        damages in prop::collection::vec(damage(), 1..4),
        is_general in any::<bool>(),
    ) {
        let (table, mut scratch) = (table(), Scratch::new());
        prop_assert!(hot::decode(FRAMES[0].as_bytes(), &table, &mut scratch).is_ok());
        let mut text = FRAMES[frame].as_bytes().to_vec();
        for damage in &damages {
            text = damaged(text, damage);
        }
        if is_general {
            text.insert(0, b' ');
        }
        if let Ok(decoded) = hot::decode(&text, &table, &mut scratch) {
            let agreed = agrees(&text, &table, decoded, &scratch);
            prop_assert_eq!(agreed, Ok(()), "{:?} of {}", decoded, String::from_utf8_lossy(&text));
        }
    }
}
