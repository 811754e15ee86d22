//! Frames to measure with: the real capture when it is there, else made-up ones of the same shape.

use std::fmt::Write;

use paperwire_core::checksum::{LevelText, book_checksum};
use paperwire_core::instrument::Instrument;
use paperwire_core::num::{Decimal, Px, Qty};
use paperwire_core::raw::RawKind;
use paperwire_feed::infer;
use paperwire_tape::Source;

/// Book frames of one instrument, the snapshot first.
#[derive(Debug)]
pub struct FrameSet {
    /// Of this instrument.
    pub instrument: Instrument,
    /// At this depth.
    pub depth: usize,
    /// As received.
    pub books: Vec<Vec<u8>>,
    /// True for the real capture.
    pub is_real: bool,
}

/// The captured BTC/USD session at depth 25, or `count` made-up frames.
///
/// # Panics
/// When the capture is there and cannot be read.
pub fn load(count: usize) -> FrameSet {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/kraken");
    let folder = std::env::var("PAPERWIRE_CAPTURES").unwrap_or_else(|_| default.to_owned());
    let path = format!("{folder}/ws/btcusd_d25_20260802.tsv");
    let Ok(mut source) = Source::open(path.as_ref()) else {
        return made_up(count);
    };
    let mut books = Vec::new();
    while let Some(record) = source.next().expect("the capture is readable") {
        let is_book = record.payload.starts_with(br#"{"channel":"book""#);
        if record.kind == RawKind::Frame && is_book {
            books.push(record.payload.to_vec());
        }
    }
    let instrument = infer::instrument_of(&books[0]).expect("a snapshot names its instrument");
    FrameSet { instrument, depth: 25, books, is_real: true }
}

/// A snapshot and updates of one level each around a still price, with true checksums.
///
/// # Panics
/// Never: it is made of constants.
pub fn made_up(count: usize) -> FrameSet {
    const DEPTH: i64 = 25;
    let frame = br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#;
    let instrument = infer::instrument_of(frame).expect("a constant");
    let qty_of = |level: i64, step: i64| 100_000_000 + 7_919 * level + 104_729 * (step % 50);
    let mut bids: Vec<(i64, i64)> = (0..DEPTH).map(|i| (633_810 - i, qty_of(i, 0))).collect();
    let asks: Vec<(i64, i64)> = (0..DEPTH).map(|i| (633_820 + i, qty_of(i, 1))).collect();
    let text = |rows: &[(i64, i64)]| {
        let mut out = String::new();
        for (index, (px, qty)) in rows.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let (px, qty) = (Decimal::new(*px, 1), Decimal::new(*qty, 8));
            write!(out, r#"{comma}{{"price":{px},"qty":{qty}}}"#).expect("memory");
        }
        out
    };
    let checksum = |bids: &[(i64, i64)]| {
        let level = |row: &(i64, i64)| LevelText::new(Px::new(row.0), Qty::new(row.1));
        let texts = |rows: &[(i64, i64)]| rows.iter().map(level).collect::<Vec<_>>();
        book_checksum(texts(&asks).iter(), texts(bids).iter())
    };
    let tail = r#""timestamp":"2026-01-01T00:00:00.000000Z"}]}"#;
    let head =
        |kind| format!(r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"BTC/USD","#);
    let snapshot = format!(
        r#"{}"bids":[{}],"asks":[{}],"checksum":{},{tail}"#,
        head("snapshot"),
        text(&bids),
        text(&asks),
        checksum(&bids)
    );
    let mut books = vec![snapshot.into_bytes()];
    for step in 1..i64::try_from(count).expect("a small number") {
        let at = usize::try_from(step % 12).expect("small");
        bids[at].1 = qty_of(step % 12, step);
        let update = format!(
            r#"{}"bids":[{}],"asks":[],"checksum":{},{tail}"#,
            head("update"),
            text(&bids[at..=at]),
            checksum(&bids)
        );
        books.push(update.into_bytes());
    }
    FrameSet { instrument, depth: 25, books, is_real: false }
}
