//! The same work by other means: general JSON readers in front of the same book.
//!
//! Both give floats, so the digits must be made again from the pair's precision; that costs, and beyond
//! 2^53 units it would be wrong, which is why neither is on the hot path.

use paperwire_core::book::{L2Book, WireLevel};
use paperwire_core::checksum::LevelText;
use paperwire_core::instrument::Instrument;
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use serde::Deserialize;
use simd_json::prelude::*;
use simd_json::tape::Value;
use simd_json::{Buffers, Tape};

/// The common part: floats into a book.
#[derive(Debug)]
struct FloatBook {
    instrument: Instrument,
    book: L2Book,
    levels: Vec<WireLevel>,
}

impl FloatBook {
    fn new(of: &Instrument, depth: usize) -> Self {
        let levels = Vec::with_capacity(4 * depth);
        Self { instrument: *of, book: L2Book::new(depth), levels }
    }

    fn push(&mut self, side: BookSide, px: f64, qty: f64) {
        let px = self.instrument.px_from_f64(px).unwrap_or(Px::ZERO);
        let qty = self.instrument.qty_from_f64(qty).unwrap_or(Qty::ZERO);
        let text = if qty.is_zero() { LevelText::EMPTY } else { LevelText::new(px, qty) };
        self.levels.push(WireLevel { side, px, qty, text });
    }

    fn apply(&mut self, is_snapshot: bool, checksum: u32) -> bool {
        if is_snapshot {
            self.book.clear();
        }
        self.book.apply(&self.levels, checksum).is_ok()
    }
}

/// `simd-json` with reused buffers and tape.
pub struct SimdJson {
    book: FloatBook,
    text: Vec<u8>,
    buffers: Buffers,
    tape: Option<Tape<'static>>,
}

impl std::fmt::Debug for SimdJson {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SimdJson").finish_non_exhaustive()
    }
}

impl SimdJson {
    /// For frames of this instrument at this depth.
    pub fn new(of: &Instrument, depth: usize) -> Self {
        Self {
            book: FloatBook::new(of, depth),
            text: Vec::with_capacity(1 << 16),
            buffers: Buffers::new(1 << 14),
            tape: Some(Tape(Vec::with_capacity(1 << 12))),
        }
    }

    /// Decodes, applies and verifies.
    pub fn verify(&mut self, frame: &[u8]) -> bool {
        self.text.clear();
        self.text.extend_from_slice(frame);
        let mut tape = self.tape.take().unwrap_or_else(Tape::null).reset();
        let read = simd_json::fill_tape(&mut self.text, &mut self.buffers, &mut tape);
        let is_good = read.is_ok() && apply_tape(&mut self.book, tape.as_value()).unwrap_or(false);
        self.tape = Some(tape.reset());
        is_good
    }
}

fn apply_tape(book: &mut FloatBook, value: Value<'_, '_>) -> Option<bool> {
    let is_snapshot = value.get("type")?.as_str()? == "snapshot";
    let data = value.get("data")?;
    let row = data.as_array()?.get(0)?;
    book.levels.clear();
    for (key, side) in [("bids", BookSide::Bid), ("asks", BookSide::Ask)] {
        let rows = row.get(key)?;
        for level in rows.as_array()?.iter() {
            book.push(side, level.get("price")?.cast_f64()?, level.get("qty")?.cast_f64()?);
        }
    }
    let checksum = u32::try_from(row.get("checksum")?.as_u64()?).ok()?;
    Some(book.apply(is_snapshot, checksum))
}

/// `serde_json` into typed structures.
#[derive(Debug)]
pub struct SerdeJson {
    book: FloatBook,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    data: Vec<Row<'a>>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(rename = "symbol")]
    _symbol: &'a str,
    bids: Vec<Level>,
    asks: Vec<Level>,
    checksum: u32,
}

#[derive(Deserialize)]
struct Level {
    price: f64,
    qty: f64,
}

impl SerdeJson {
    /// For frames of this instrument at this depth.
    pub fn new(of: &Instrument, depth: usize) -> Self {
        Self { book: FloatBook::new(of, depth) }
    }

    /// Decodes, applies and verifies.
    pub fn verify(&mut self, frame: &[u8]) -> bool {
        let Ok(message) = serde_json::from_slice::<Message<'_>>(frame) else {
            return false;
        };
        self.book.levels.clear();
        let Some(row) = message.data.first() else {
            return false;
        };
        for (side, levels) in [(BookSide::Bid, &row.bids), (BookSide::Ask, &row.asks)] {
            for level in levels {
                self.book.push(side, level.price, level.qty);
            }
        }
        self.book.apply(message.kind == "snapshot", row.checksum)
    }
}
