//! Any frame: what the single pass takes, `simd-json` reads alike; what it declines, nobody has read.

#![no_main]

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use paperwire_core::checksum::LevelText;
use paperwire_core::digits::WireNumber;
use paperwire_feed::infer;
use paperwire_feed::wire::cold::ColdReader;
use paperwire_feed::wire::hot::{self, Scratch};
use paperwire_feed::wire::reference;
use paperwire_feed::wire::symbols::SymbolTable;

/// Read first, so that the reader's memory of the last minute is not empty.
const BEFORE: &[u8] = br#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[],"asks":[{"price":63395.2,"qty":0.05500000}],"checksum":261162761,"timestamp":"2026-08-02T03:35:51.661460Z"}]}"#;

/// Memory is taken once: most of a run would be spent on it.
struct Readers {
    symbols: SymbolTable,
    scratch: Scratch,
    cold: ColdReader,
}

thread_local! {
    static READERS: RefCell<Readers> = RefCell::new(Readers {
        symbols: SymbolTable::new(&ROWS.map(|row| infer::instrument_of(row).expect("a constant"))),
        scratch: Scratch::new(),
        cold: ColdReader::new(),
    });
}

/// One instrument with decimals in both numbers, one with long prices and whole quantities.
const ROWS: [&[u8]; 2] = [
    br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#,
    br#"{"symbol":"XRP/BTC","price":0.00000001,"qty":1}"#,
];

fuzz_target!(|frame: &[u8]| READERS.with_borrow_mut(|readers| check(frame, readers)));

fn check(frame: &[u8], readers: &mut Readers) {
    let Readers { symbols, scratch, cold } = readers;
    assert!(hot::decode(BEFORE, symbols, scratch).is_ok());
    // The layout that the venue uses, and the same with a space, which goes the general way.
    let general = [b" ", frame].concat();
    for text in [frame, &general] {
        if let Ok(decoded) = hot::decode(text, symbols, scratch) {
            let agreed = reference::agrees(text, symbols, decoded, scratch);
            assert_eq!(agreed, Ok(()), "{decoded:?}");
        }
    }
    if let Some(around) = frame.first_chunk::<32>()
        && let Some(number) = WireNumber::read(around, b',', 8)
    {
        let slow = LevelText::EMPTY.clone().push_wire(&around[16..16 + number.token_len], 8);
        assert_eq!(slow, Ok(number.value));
    }
    let _ = cold.read(frame);
    let _ = infer::instrument_of(frame);
}
