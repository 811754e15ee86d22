//! Any frame: what the single pass takes, `simd-json` reads alike; what it declines, nobody has read.

#![no_main]

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

fuzz_target!(|frame: &[u8]| {
    let rows = [
        br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#.as_slice(),
        br#"{"symbol":"XRP/BTC","price":0.00000001,"qty":1}"#,
    ];
    let instruments = rows.map(|row| infer::instrument_of(row).expect("a constant"));
    let symbols = SymbolTable::new(&instruments);
    let mut scratch = Scratch::new();
    assert!(hot::decode(BEFORE, &symbols, &mut scratch).is_ok());
    // The layout that the venue uses, and the same with a space, which goes the general way.
    let general = [b" ", frame].concat();
    for text in [frame, &general] {
        if let Ok(decoded) = hot::decode(text, &symbols, &mut scratch) {
            let agreed = reference::agrees(text, &symbols, decoded, &scratch);
            assert_eq!(agreed, Ok(()), "{decoded:?}");
        }
    }
    if let Some(word) = frame.first_chunk::<16>()
        && let Some(number) = WireNumber::read(*word, b',', 8)
    {
        let slow = LevelText::EMPTY.clone().push_wire(&word[..number.token_len], 8);
        assert_eq!(slow, Ok(number.value));
    }
    let _ = ColdReader::new().read(frame);
    let _ = infer::instrument_of(frame);
});
