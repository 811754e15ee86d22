//! What [`super::hot`] must have read, by a reader that shares nothing with it: `simd-json` into a tree.
//!
//! For tests and fuzzing only; it allocates as it likes. The single pass may decline a frame that is
//! good JSON, but what it takes must be good JSON, and mean the same.

use paperwire_core::instrument::Instrument;
use paperwire_core::ladder::BookSide;
use paperwire_core::num::Decimal;
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;
use simd_json::BorrowedValue;
use simd_json::prelude::*;

use super::hot::{BookHead, Frame, Scratch, TickerRow};
use super::symbols::SymbolTable;

/// Whether the tree says what was decoded.
///
/// # Errors
/// The first thing in which they differ.
pub fn agrees(
    frame: &[u8],
    symbols: &SymbolTable,
    decoded: Frame,
    scratch: &Scratch,
) -> Result<(), &'static str> {
    if matches!(decoded, Frame::Other | Frame::UnknownSymbol) {
        // Declined: nothing was read.
        return Ok(());
    }
    let mut text = frame.to_vec();
    let tree = simd_json::to_borrowed_value(&mut text).map_err(|_| "it is not JSON")?;
    let (channel, is_snapshot) = match decoded {
        Frame::Book(head) => ("book", Some(head.is_snapshot)),
        Frame::Trades { is_snapshot } => ("trade", Some(is_snapshot)),
        Frame::Ticker(_) => ("ticker", None),
        Frame::Heartbeat | Frame::Other | Frame::UnknownSymbol => ("heartbeat", None),
    };
    same(tree.get_str("channel") == Some(channel), "channel")?;
    if let Some(is_snapshot) = is_snapshot {
        let word = if is_snapshot { "snapshot" } else { "update" };
        same(tree.get_str("type") == Some(word), "type")?;
    }
    if decoded == Frame::Heartbeat {
        return Ok(());
    }
    let rows = tree.get_array("data").ok_or("data")?;
    // Rows of other symbols are stepped over.
    let known = |row: &&BorrowedValue<'_>| of(row, symbols).is_some();
    let rows: Vec<_> = rows.iter().filter(known).collect();
    match decoded {
        Frame::Book(head) => book(&rows, symbols, &head, scratch),
        Frame::Ticker(ticker) => quotes(&rows, symbols, &ticker),
        _ => trades(&rows, symbols, scratch),
    }
}

fn book(
    rows: &[&BorrowedValue<'_>],
    symbols: &SymbolTable,
    head: &BookHead,
    scratch: &Scratch,
) -> Result<(), &'static str> {
    let [row] = rows else { return Err("one row") };
    let of = of(row, symbols).ok_or("symbol")?;
    same(symbols.instruments()[head.symbol.index()] == *of, "symbol")?;
    same(row.get_u64("checksum") == Some(u64::from(head.checksum)), "checksum")?;
    same(time(row) == head.at, "timestamp")?;
    for (key, side) in [("bids", BookSide::Bid), ("asks", BookSide::Ask)] {
        let theirs = row.get_array(key).map(Vec::as_slice).unwrap_or_default();
        let ours = || scratch.levels.iter().filter(|level| level.side == side);
        same(ours().count() == theirs.len(), "number of levels")?;
        for (ours, theirs) in ours().zip(theirs) {
            number(theirs, "price", ours.px.raw(), of.price_precision)?;
            number(theirs, "qty", ours.qty.raw(), of.qty_precision)?;
            let (px, qty) = (ours.px.raw().to_string(), ours.qty.raw().to_string());
            let digits = if ours.qty.is_zero() { px } else { px + &qty };
            same(ours.text.as_bytes() == digits.as_bytes(), "checksum text")?;
        }
    }
    Ok(())
}

fn trades(
    rows: &[&BorrowedValue<'_>],
    symbols: &SymbolTable,
    scratch: &Scratch,
) -> Result<(), &'static str> {
    same(rows.len() == scratch.trades.len(), "number of trades")?;
    for (row, (symbol, trade)) in rows.iter().zip(&scratch.trades) {
        let of = of(row, symbols).ok_or("symbol")?;
        same(symbols.instruments()[symbol.index()] == *of, "symbol")?;
        let side = if trade.taker == OrderSide::Buy { "buy" } else { "sell" };
        same(row.get_str("side") == Some(side), "side")?;
        same((row.get_str("ord_type") == Some("market")) == trade.is_market, "ord_type")?;
        same(row.get_u64("trade_id") == u64::try_from(trade.trade_id).ok(), "trade_id")?;
        same(time(row) == Some(trade.at), "timestamp")?;
        number(row, "price", trade.px.raw(), of.price_precision)?;
        number(row, "qty", trade.qty.raw(), of.qty_precision)?;
    }
    Ok(())
}

fn quotes(
    rows: &[&BorrowedValue<'_>],
    symbols: &SymbolTable,
    ticker: &TickerRow,
) -> Result<(), &'static str> {
    let [row] = rows else { return Err("one row") };
    let of = of(row, symbols).ok_or("symbol")?;
    same(symbols.instruments()[ticker.symbol.index()] == *of, "symbol")?;
    same(time(row) == ticker.at, "timestamp")?;
    for (key, px) in [("bid", ticker.bid), ("ask", ticker.ask), ("last", ticker.last)] {
        number(row, key, px.raw(), of.price_precision)?;
    }
    Ok(())
}

fn same(is_same: bool, what: &'static str) -> Result<(), &'static str> {
    if is_same { Ok(()) } else { Err(what) }
}

fn of<'a>(row: &BorrowedValue<'_>, symbols: &'a SymbolTable) -> Option<&'a Instrument> {
    symbols.instruments().iter().find(|of| row.get_str("symbol") == Some(of.name.as_str()))
}

fn time(row: &BorrowedValue<'_>) -> Option<ExchNs> {
    ExchNs::parse_rfc3339(row.get_str("timestamp")?.as_bytes())
}

/// Equal as floats, of which neighbours count as one: that is as exactly as the tree knows it.
fn number(
    row: &BorrowedValue<'_>,
    key: &'static str,
    raw: i64,
    precision: u8,
) -> Result<(), &'static str> {
    let theirs = row.get(key).and_then(|value| value.cast_f64()).ok_or(key)?;
    let ours: f64 = Decimal::new(raw, precision).to_string().parse().map_err(|_| key)?;
    same(ours.to_bits().abs_diff(theirs.to_bits()) <= 1, key)
}

#[cfg(test)]
mod tests;
