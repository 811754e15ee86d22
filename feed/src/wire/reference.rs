//! What [`super::hot`] must have read, by a reader that shares nothing with it: `simd-json` into a tree.
//!
//! For tests and fuzzing only; it allocates as it likes. The single pass may decline a frame that is
//! good JSON, but what it takes must be good JSON, and mean the same. Values that the single pass refuses
//! by their bounds are not looked at here; tests of their own hold those.

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
    let is_declined = matches!(
        decoded,
        Frame::Other { .. } | Frame::Nothing | Frame::Misnamed(_) | Frame::Unread(_)
    );
    if is_declined || scratch.refused.is_some() {
        return Ok(());
    }
    let mut text = tamed(frame);
    let tree = simd_json::to_borrowed_value(&mut text).map_err(|_| "it is not JSON")?;
    let (channel, is_snapshot) = match decoded {
        Frame::Book(head) => ("book", Some(head.is_snapshot)),
        Frame::Trades { is_snapshot } => ("trade", Some(is_snapshot)),
        Frame::Ticker(_) => ("ticker", None),
        _ => ("heartbeat", None),
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
    number(row, "last", ticker.last.raw(), of.price_precision)
}

/// The text with what `simd-json` cannot hold although it is JSON written in another way: numbers of
/// more digits than an integer has or exponents that no float has, and escaped characters by number.
/// Neither is ever part of a value that is used.
fn tamed(frame: &[u8]) -> Vec<u8> {
    let (mut out, mut at, mut is_text) = (Vec::with_capacity(frame.len()), 0, false);
    while at < frame.len() {
        let rest = &frame[at..];
        let is_escape = is_text && rest[0] == b'\\';
        let is_code = rest.get(1) == Some(&b'u')
            && rest.get(2..6).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit));
        if is_escape && is_code {
            out.push(b'?');
            at += 6;
        } else if is_escape {
            out.extend_from_slice(&rest[..rest.len().min(2)]);
            at += 2;
        } else if !is_text && matches!(rest[0], b'0'..=b'9' | b'-') {
            let is_part = |b: &&u8| matches!(b, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
            let token = &rest[..rest.iter().take_while(is_part).count()];
            out.extend_from_slice(if is_number(token) && !is_tame(token) { b"0" } else { token });
            at += token.len();
        } else {
            is_text ^= rest[0] == b'"';
            out.push(rest[0]);
            at += 1;
        }
    }
    out
}

/// A number as RFC 8259 writes it.
fn is_number(token: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = token.strip_prefix(b"-").unwrap_or(token);
    let whole = digits(rest);
    let (mut is_good, mut rest) = (whole == 1 || (whole > 1 && rest[0] != b'0'), &rest[whole..]);
    if let [b'.', fraction @ ..] = rest {
        is_good &= digits(fraction) > 0;
        rest = &fraction[digits(fraction)..];
    }
    if let [b'e' | b'E', exponent @ ..] = rest {
        let exponent = exponent.strip_prefix(b"+").unwrap_or(exponent);
        let exponent = exponent.strip_prefix(b"-").unwrap_or(exponent);
        is_good &= digits(exponent) > 0;
        rest = &exponent[digits(exponent)..];
    }
    is_good && rest.is_empty()
}

fn is_tame(token: &[u8]) -> bool {
    let whole = token.iter().take_while(|b| b.is_ascii_digit() || **b == b'-').count();
    let exponent = token.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let has_exponent = token.iter().any(|b| matches!(b, b'e' | b'E'));
    whole <= 18 && !(has_exponent && exponent > 2)
}

fn same(is_same: bool, what: &'static str) -> Result<(), &'static str> {
    if is_same { Ok(()) } else { Err(what) }
}

fn of<'a>(row: &BorrowedValue<'_>, symbols: &'a SymbolTable) -> Option<&'a Instrument> {
    symbols.instruments().iter().find(|of| row.get_str("symbol") == Some(of.name.as_str()))
}

fn time(row: &BorrowedValue<'_>) -> Option<ExchNs> {
    ExchNs::parse_believable(row.get_str("timestamp")?.as_bytes())
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
