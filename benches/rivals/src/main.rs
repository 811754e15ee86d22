//! The same captured frames through Paperwire and through `nautilus-kraken`, in turn and in one process.
//!
//! `cargo run --release` in this folder; it builds several hundred crates. Both sides decode a frame and apply
//! it to their book; ours also verifies the exchange's checksum, which the other does not compute. The other
//! side's steps are those of its own websocket handler and data client: a `serde_json` value, its message, its
//! row, deltas, `OrderBook::apply_deltas`. Its per-message clone of the instrument is left out in its favour.

use std::alloc::System;
use std::time::Instant;

use nautilus_core::UnixNanos;
use nautilus_kraken::websocket::spot_v2::messages::{KrakenWsBookData, KrakenWsMessage};
use nautilus_kraken::websocket::spot_v2::parse::parse_book_deltas;
use nautilus_model::data::OrderBookDeltas;
use nautilus_model::enums::BookType;
use nautilus_model::identifiers::{InstrumentId, Symbol};
use nautilus_model::instruments::{CurrencyPair, Instrument, InstrumentAny};
use nautilus_model::orderbook::OrderBook;
use nautilus_model::types::{Currency, Price, Quantity};
use paperwire_benches::{Ours, frames};
use serde_json::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOC: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Runs through the session on each side; the first of them warms up.
const ROUNDS: usize = 101;
/// What the comparison is for.
const RATIO_WANTED: f64 = 20.0;

/// The other side: an instrument, a book, and the way from one frame to it.
struct Nautilus {
    instrument: InstrumentAny,
    book: OrderBook,
    sequence: u64,
}

impl Nautilus {
    fn new() -> Self {
        let id = InstrumentId::from("BTC/USD.KRAKEN");
        let pair = CurrencyPair::new(
            id,
            Symbol::from("BTC/USD"),
            Currency::BTC(),
            Currency::USD(),
            1,
            8,
            Price::from("0.1"),
            Quantity::from("0.00000001"),
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            None,
            UnixNanos::default(),
            UnixNanos::default(),
        );
        let book = OrderBook::new(id, BookType::L2_MBP);
        Self { instrument: InstrumentAny::CurrencyPair(pair), book, sequence: 0 }
    }

    fn apply(&mut self, text: &str) -> bool {
        let Ok(value) = serde_json::from_str::<Value>(text) else { return false };
        if value.get("method").is_some() || value.get("channel").is_none() {
            return false;
        }
        let Ok(message) = serde_json::from_value::<KrakenWsMessage>(value) else { return false };
        let mut rows = Vec::new();
        for row in message.data {
            match serde_json::from_value::<KrakenWsBookData>(row) {
                Ok(row) => rows.push(row),
                Err(_) => return false,
            }
        }
        rows.iter().all(|row| {
            let read =
                parse_book_deltas(row, &self.instrument, self.sequence, UnixNanos::default());
            let Ok(deltas) = read else { return false };
            self.sequence += deltas.len() as u64;
            let deltas = OrderBookDeltas::new(self.instrument.id(), deltas);
            self.book.apply_deltas(&deltas).is_ok()
        })
    }
}

/// Times of whole sessions, and the allocations of the last of them.
#[derive(Default)]
struct Tally {
    nanos: Vec<u64>,
    allocations: usize,
}

impl Tally {
    fn round(&mut self, frames: &[Vec<u8>], mut body: impl FnMut(&[u8]) -> bool) {
        let before = ALLOC.stats();
        let start = Instant::now();
        let good = frames.iter().filter(|frame| body(frame)).count();
        self.nanos.push(u64::try_from(start.elapsed().as_nanos()).expect("a short time"));
        let after = ALLOC.stats();
        self.allocations =
            after.allocations + after.reallocations - before.allocations - before.reallocations;
        assert_eq!(good, frames.len(), "every frame is read");
    }

    /// The middle and the quickest of the rounds, a frame.
    fn median_and_best(&self, frames: usize) -> (f64, f64) {
        let mut nanos = self.nanos.clone();
        nanos.sort_unstable();
        (nanos[nanos.len() / 2] as f64 / frames as f64, nanos[0] as f64 / frames as f64)
    }
}

fn main() {
    let set = frames::load(2_000);
    let mut ours = Ours::new(&set.instrument, set.depth);
    let mut theirs = Nautilus::new();
    let (mut our_tally, mut their_tally) = (Tally::default(), Tally::default());
    for _ in 0..ROUNDS {
        our_tally.round(&set.books, |frame| ours.verify(frame));
        their_tally.round(&set.books, |frame| {
            // Their websocket gives text; that it is UTF-8 was the socket's business.
            std::str::from_utf8(frame).is_ok_and(|text| theirs.apply(text))
        });
    }
    let len = set.books.len();
    let (our_ns, our_best) = our_tally.median_and_best(len);
    let (their_ns, their_best) = their_tally.median_and_best(len);
    // Of neighbours in time, so that a mood of the machine that lasts for some rounds leaves it alone.
    let pairs = our_tally.nanos.iter().zip(&their_tally.nanos);
    let mut ratios: Vec<f64> = pairs.map(|(ours, theirs)| *theirs as f64 / *ours as f64).collect();
    ratios.sort_unstable_by(f64::total_cmp);
    let ratio = ratios[ratios.len() / 2];
    let kind = if set.is_real { "captured" } else { "made-up" };
    println!(
        "{len} {kind} BTC/USD book frames, depth {}, {ROUNDS} rounds in turn; ns a frame",
        set.depth
    );
    println!("{:<34}{:>8}{:>8}{:>14}", "", "median", "best", "allocs/frame");
    for (name, ns, best, tally) in [
        ("paperwire, checksum verified", our_ns, our_best, &our_tally),
        ("nautilus-kraken 0.57, no checksum", their_ns, their_best, &their_tally),
    ] {
        let allocs = tally.allocations as f64 / len as f64;
        println!("{name:<34}{ns:>8.0}{best:>8.0}{allocs:>14.1}");
    }
    println!(
        "ratio: {ratio:.1} (median of the rounds), {:.1} (of the best)",
        their_best / our_best
    );
    let verdict = if ratio >= RATIO_WANTED { "reached" } else { "missed" };
    println!("{RATIO_WANTED:.0} times: {verdict}");
}
