//! Reads captured frames of Kraken's book and trade channels into an [`Observer`].

use std::collections::BTreeMap;

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;
use serde::Deserialize;

use super::Described;
use super::observer::{Grid, Observer};

#[derive(Deserialize)]
struct Envelope<'a> {
    channel: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Option<&'a str>,
}

#[derive(Deserialize)]
struct BookFrame {
    data: Vec<BookData>,
}

#[derive(Deserialize)]
struct BookData {
    symbol: String,
    bids: Vec<Row>,
    asks: Vec<Row>,
    timestamp: Option<String>,
}

#[derive(Clone, Copy, Deserialize)]
struct Row {
    price: f64,
    qty: f64,
}

#[derive(Deserialize)]
struct TradeFrame {
    data: Vec<TradeData>,
}

#[derive(Deserialize)]
struct TradeData {
    symbol: String,
    side: String,
    qty: f64,
    timestamp: String,
}

#[derive(Debug)]
struct Pair {
    observer: Observer,
    price_units: f64,
}

/// Quantities have eight decimals at most.
const QTY_UNITS: f64 = 1e8;

/// A reader of one capture, which may hold several pairs.
#[derive(Debug, Default)]
pub struct CaptureReader {
    pairs: BTreeMap<String, Pair>,
}

impl CaptureReader {
    /// Takes one frame in; `rx` stands for the time of a book frame that does not carry one. Frames of
    /// other channels, and text that is no frame, are passed over.
    pub fn frame(&mut self, rx: ExchNs, text: &str) {
        let Ok(envelope) = serde_json::from_str::<Envelope>(text) else { return };
        let is_snapshot = envelope.kind == Some("snapshot");
        match envelope.channel {
            Some("book") => {
                if let Ok(frame) = serde_json::from_str::<BookFrame>(text) {
                    frame.data.iter().for_each(|data| self.book(rx, data, is_snapshot));
                }
            }
            // A snapshot of trades tells of the time before the capture.
            Some("trade") if !is_snapshot => {
                if let Ok(frame) = serde_json::from_str::<TradeFrame>(text) {
                    self.trades(&frame.data);
                }
            }
            _ => {}
        }
    }

    fn book(&mut self, rx: ExchNs, data: &BookData, is_snapshot: bool) {
        if is_snapshot && !self.pairs.contains_key(&data.symbol) {
            self.pairs.insert(data.symbol.clone(), open(data));
        }
        // An update before any snapshot belongs to a book that nobody has.
        let Some(pair) = self.pairs.get_mut(&data.symbol) else { return };
        let stamp = data.timestamp.as_ref().and_then(|at| ExchNs::parse_rfc3339(at.as_bytes()));
        let at = stamp.unwrap_or(rx);
        let units = pair.price_units;
        let whole_rows = |side: BookSide, rows: &[Row]| -> Vec<(BookSide, Px, Qty)> {
            let of = |row: &Row| {
                (side, Px::new(whole(row.price * units)), Qty::new(whole(row.qty * QTY_UNITS)))
            };
            rows.iter().map(of).collect()
        };
        let bids = whole_rows(BookSide::Bid, &data.bids);
        let asks = whole_rows(BookSide::Ask, &data.asks);
        if is_snapshot {
            pair.observer.snapshot_begins();
        }
        pair.observer.cut_rows(bids.into_iter().chain(asks));
        if is_snapshot {
            pair.observer.snapshot_done(at);
        } else {
            pair.observer.commit(at);
        }
    }

    fn trades(&mut self, rows: &[TradeData]) {
        for row in rows {
            let Some(pair) = self.pairs.get_mut(&row.symbol) else { continue };
            let side = if row.side == "buy" { OrderSide::Buy } else { OrderSide::Sell };
            pair.observer.trade(side, Qty::new(whole(row.qty * QTY_UNITS)));
            if let Some(at) = ExchNs::parse_rfc3339(row.timestamp.as_bytes()) {
                pair.observer.commit(at);
            }
        }
    }

    /// What was seen of each pair.
    pub fn finish(self) -> Vec<Described> {
        let described =
            |(pair, of): (String, Pair)| Described { pair, measures: of.observer.finish() };
        self.pairs.into_iter().map(described).collect()
    }
}

/// A pair as its first snapshot shows it: the step of the price is its last decimal.
fn open(data: &BookData) -> Pair {
    let prices = data.bids.iter().chain(&data.asks).map(|row| row.price);
    let decimals = prices.map(decimals).max().unwrap_or(0);
    let depth = data.bids.len().max(data.asks.len()).max(1);
    let observer = Observer::new(Grid { tick: 1, lots: QTY_UNITS }, depth);
    Pair { observer, price_units: 10f64.powi(decimals) }
}

/// Decimals of the shortest text that means this number, which is what the wire wrote less zeros.
fn decimals(value: f64) -> i32 {
    let text = value.to_string();
    let decimals = text.split_once('.').map_or(0, |(_, digits)| digits.len());
    i32::try_from(decimals).expect("a number's text is short")
}

#[expect(clippy::cast_possible_truncation, reason = "prices and quantities of the wire fit")]
fn whole(scaled: f64) -> i64 {
    scaled.round() as i64
}
