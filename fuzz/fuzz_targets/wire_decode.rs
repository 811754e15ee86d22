//! Any frame: read or refused by both readers, and numbers are the digits that were sent.

#![no_main]

use libfuzzer_sys::fuzz_target;
use paperwire_core::checksum::LevelText;
use paperwire_feed::infer;
use paperwire_feed::wire::cold::ColdReader;
use paperwire_feed::wire::hot::{self, Scratch};
use paperwire_feed::wire::symbols::SymbolTable;

fuzz_target!(|frame: &[u8]| {
    let row = br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#;
    let instrument = infer::instrument_of(row).expect("a constant");
    let symbols = SymbolTable::new(&[instrument]);
    let mut scratch = Scratch::new();
    if hot::decode(frame, &symbols, &mut scratch).is_ok() {
        for level in scratch.levels.iter().filter(|level| !level.qty.is_zero()) {
            assert_eq!(level.text, LevelText::new(level.px, level.qty));
        }
    }
    let _ = ColdReader::new().read(frame);
    let _ = infer::instrument_of(frame);
});
