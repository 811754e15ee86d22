//! The text of every market message, from integers.
//!
//! Key order and number format are the wire's of 2026. Nothing here remembers anything.

use paperwire_core::checksum::{CHECKED_LEVELS, LevelText, book_checksum};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

use super::text::{micros, nanos, push, push_fixed};
use crate::market::Market;
use crate::market::past::Bar;
use crate::matching::{Engine, Trade};

/// Kraken's checksum of a book as it stands.
pub fn top_checksum(engine: &Engine) -> u32 {
    checksum(engine.levels(BookSide::Ask), engine.levels(BookSide::Bid))
}

fn checksum(asks: impl Iterator<Item = (Px, Qty)>, bids: impl Iterator<Item = (Px, Qty)>) -> u32 {
    let (asks, ask_len) = texts(asks);
    let (bids, bid_len) = texts(bids);
    book_checksum(asks[..ask_len].iter(), bids[..bid_len].iter())
}

fn texts(levels: impl Iterator<Item = (Px, Qty)>) -> ([LevelText; CHECKED_LEVELS], usize) {
    let mut texts = [LevelText::EMPTY; CHECKED_LEVELS];
    let mut len = 0;
    for (text, (px, qty)) in texts.iter_mut().zip(levels) {
        *text = LevelText::new(px, qty);
        len += 1;
    }
    (texts, len)
}

/// Two messages for the clients of one depth: a bid above the best ask, and its removal.
pub(crate) fn crossing(engine: &Engine, depth: u16, at: ExchNs) -> Option<(String, String)> {
    let rules = engine.instrument();
    let (ask, qty) = engine.best(BookSide::Ask)?;
    let px = Px::new(ask.raw() + rules.price_increment.raw());
    let mut rows = String::new();
    push_row(&mut rows, rules, px, qty);
    let bids = std::iter::once((px, qty)).chain(engine.levels(BookSide::Bid));
    let false_sum = checksum(engine.levels(BookSide::Ask), bids);
    let crossed = book_message("update", rules, &rows, "", false_sum, at);
    rows.clear();
    push_row(&mut rows, rules, px, Qty::ZERO);
    // The false bid pushed the last row out of every client's window.
    if let Some((px, qty)) = engine.levels(BookSide::Bid).nth(usize::from(depth) - 1) {
        push_row(&mut rows, rules, px, qty);
    }
    let repaired = book_message("update", rules, &rows, "", top_checksum(engine), at);
    Some((crossed, repaired))
}

/// Appends one price level.
pub(super) fn push_row(out: &mut String, rules: &Instrument, px: Px, qty: Qty) {
    out.push_str(if out.is_empty() { "{\"price\":" } else { ",{\"price\":" });
    push_fixed(out, px.raw(), rules.price_precision);
    out.push_str(",\"qty\":");
    push_fixed(out, qty.raw(), rules.qty_precision);
    out.push('}');
}

/// The snapshot of a book.
pub(super) fn book_snapshot(engine: &Engine, depth: u16, at: ExchNs) -> String {
    let rules = engine.instrument();
    let [bids, asks] = [BookSide::Bid, BookSide::Ask].map(|side| {
        let mut rows = String::new();
        for (px, qty) in engine.levels(side).take(usize::from(depth)) {
            push_row(&mut rows, rules, px, qty);
        }
        rows
    });
    book_message("snapshot", rules, &bids, &asks, top_checksum(engine), at)
}

/// A book message from its ready rows.
pub(super) fn book_message(
    kind: &str,
    rules: &Instrument,
    bids: &str,
    asks: &str,
    checksum: u32,
    at: ExchNs,
) -> String {
    let mut out = String::with_capacity(160 + bids.len() + asks.len());
    push(
        &mut out,
        format_args!(
            "{{\"channel\":\"book\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{}\",\"bids\":[{bids}],\
             \"asks\":[{asks}],\"checksum\":{checksum},\"timestamp\":\"{}\"}}]}}",
            rules.name,
            micros(at)
        ),
    );
    out
}

/// A trade message.
pub(super) fn trade_message(kind: &str, rules: &Instrument, trades: &[Trade]) -> String {
    let mut out = String::with_capacity(64 + 160 * trades.len());
    push(&mut out, format_args!("{{\"channel\":\"trade\",\"type\":\"{kind}\",\"data\":["));
    for (index, trade) in trades.iter().enumerate() {
        push(
            &mut out,
            format_args!(
                "{}{{\"symbol\":\"{}\",\"side\":\"{}\",\"price\":{},\"qty\":{},\"ord_type\":\"{}\",\
                 \"trade_id\":{},\"timestamp\":\"{}\"}}",
                if index == 0 { "" } else { "," },
                rules.name,
                trade.taker.as_str(),
                rules.show_px(trade.px),
                rules.show_qty(trade.qty),
                trade.ord_type.as_wire(),
                trade.trade_id,
                micros(trade.at)
            ),
        );
    }
    out.push_str("]}");
    out
}

/// A ticker message as of now.
pub(super) fn ticker_message(kind: &str, symbol: SymbolId, market: &Market, at: ExchNs) -> String {
    let engine = market.engine(symbol);
    let rules = engine.instrument();
    let (bid, bid_qty) = engine.best(BookSide::Bid).unwrap_or_default();
    let (ask, ask_qty) = engine.best(BookSide::Ask).unwrap_or_default();
    let day = market.history(symbol).day().unwrap_or_else(|| Bar::flat(at, bid));
    let change = day.close.raw() - day.open.raw();
    // Two decimals of a percent, rounded to nearest: 10,000 x change / open.
    let open = day.open.raw().max(1);
    let change_pct = (change * 20_000 + open).div_euclid(2 * open);
    let mut out = String::with_capacity(420);
    push(
        &mut out,
        format_args!(
            "{{\"channel\":\"ticker\",\"type\":\"{kind}\",\"data\":[{{\"symbol\":\"{}\",\"bid\":{},\
             \"bid_qty\":{},\"ask\":{},\"ask_qty\":{},\"last\":{},\"volume\":{},\"vwap\":{},\"low\":{},\
             \"high\":{},\"change\":{},\"change_pct\":",
            rules.name,
            rules.show_px(bid),
            rules.show_qty(bid_qty),
            rules.show_px(ask),
            rules.show_qty(ask_qty),
            rules.show_px(day.close),
            rules.show_qty(day.volume),
            rules.show_px(day.vwap()),
            rules.show_px(day.low),
            rules.show_px(day.high),
            rules.show_px(Px::new(change)),
        ),
    );
    push_fixed(&mut out, change_pct, 2);
    push(
        &mut out,
        format_args!(",\"trades\":{},\"timestamp\":\"{}\"}}]}}", day.trades, micros(at)),
    );
    out
}

/// A message of candles.
pub(super) fn ohlc_message(
    kind: &str,
    rules: &Instrument,
    minutes: u32,
    bars: &[Bar],
    at: ExchNs,
) -> String {
    let mut out = String::with_capacity(128 + 320 * bars.len());
    push(
        &mut out,
        format_args!(
            "{{\"channel\":\"ohlc\",\"type\":\"{kind}\",\"timestamp\":\"{}\",\"data\":[",
            nanos(at)
        ),
    );
    for (index, bar) in bars.iter().enumerate() {
        let end = ExchNs::new(bar.begin.raw() + i64::from(minutes) * 60_000_000_000);
        push(
            &mut out,
            format_args!(
                "{}{{\"symbol\":\"{}\",\"open\":{},\"high\":{},\"low\":{},\"close\":{},\"trades\":{},\
                 \"volume\":{},\"vwap\":{},\"interval_begin\":\"{}\",\"interval\":{minutes},\
                 \"timestamp\":\"{}\"}}",
                if index == 0 { "" } else { "," },
                rules.name,
                rules.show_px(bar.open),
                rules.show_px(bar.high),
                rules.show_px(bar.low),
                rules.show_px(bar.close),
                bar.trades,
                rules.show_qty(bar.volume),
                rules.show_px(bar.vwap()),
                nanos(bar.begin),
                micros(end)
            ),
        );
    }
    out.push_str("]}");
    out
}

/// The status message that opens a connection.
pub(crate) fn status(system: &str, connection_id: u64) -> String {
    format!(
        "{{\"channel\":\"status\",\"type\":\"update\",\"data\":[{{\"version\":\"2.0.10\",\
         \"system\":\"{system}\",\"api_version\":\"v2\",\"connection_id\":{connection_id},\
         \"upcoming_maintenance\":[],\"emergency\":[]}}]}}"
    )
}
