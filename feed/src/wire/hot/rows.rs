//! Rows of `book`, `trade` and `ticker` frames, their keys in any order.
//!
//! A book's row is read whole or not at all: its checksum covers every level. A trade or a ticker has
//! no checksum of its own, so a row with a value that cannot be is refused by itself and counted; the
//! bounds are in [`paperwire_core::limits`]. What is not used may be anything, `null` included.

use paperwire_core::book::WireLevel;
use paperwire_core::checksum::LevelText;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::ladder::BookSide;
use paperwire_core::limits::{
    MESSAGE_LEVELS_MAX, MESSAGE_TRADES_MAX, PX_MAX, QTY_MAX, TRADE_ID_MAX,
};
use paperwire_core::num::{DecimalError, Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};

use super::{BookHead, Channel, Frame, Scratch, TickerRow, is_nearly, once};
use crate::wire::scan::Cursor;
use crate::wire::symbols::SymbolTable;
use crate::wire::{Refusal, WireError};

/// Reads the rows of one frame.
pub(super) fn read(
    cursor: &mut Cursor<'_>,
    channel: Channel,
    is_snapshot: bool,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Frame, WireError> {
    let mut frame = Frame::Nothing;
    cursor.expect(b'[')?;
    if cursor.take_if(b']') {
        // A snapshot without trades answers a subscription all the same.
        let is_answer = channel == Channel::Trade && is_snapshot;
        return Ok(if is_answer { Frame::Trades { is_snapshot } } else { frame });
    }
    loop {
        let row = match channel {
            Channel::Book => book_row(cursor, is_snapshot, symbols, scratch)?,
            Channel::Trade => {
                trade_row(cursor, symbols, scratch)?.map(|()| Frame::Trades { is_snapshot })
            }
            Channel::Ticker => ticker_row(cursor, symbols, scratch)?.map(Frame::Ticker),
            Channel::Heartbeat => None,
        };
        // One book and one ticker per message; a second would overwrite the first unseen.
        if channel != Channel::Trade && row.is_some() && frame != Frame::Nothing {
            return Err(WireError::TooMany { what: "rows" });
        }
        frame = row.unwrap_or(frame);
        if !cursor.another(b']')? {
            return Ok(frame);
        }
    }
}

fn book_row(
    cursor: &mut Cursor<'_>,
    is_snapshot: bool,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Option<Frame>, WireError> {
    let mut found: Option<(SymbolId, &Instrument)> = None;
    // Each side's text, when it came before the symbol that tells how to read it.
    let mut sides: [Option<Option<Cursor<'_>>>; 2] = [None, None];
    let mut checksum = None;
    let mut at = None;
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"symbol" => {
                let name = cursor.string()?;
                let Some(symbol) = symbols.find(name) else {
                    skip_rest(cursor)?;
                    scratch.foreign += 1;
                    return Ok(misnamed(name, symbols));
                };
                once(&mut found, symbol)?;
            }
            key @ (b"bids" | b"asks") => {
                let side = if key == b"bids" { BookSide::Bid } else { BookSide::Ask };
                let slot = &mut sides[usize::from(side == BookSide::Ask)];
                match found {
                    Some((_, of)) => {
                        once(slot, None)?;
                        levels(cursor, side, of, &mut scratch.levels)?;
                    }
                    None => {
                        once(slot, Some(*cursor))?;
                        cursor.skip_value()?;
                    }
                }
            }
            b"checksum" => {
                let value = cursor.unsigned()?;
                let value = u32::try_from(value);
                let value = value.map_err(|_| WireError::Field { field: "checksum" })?;
                once(&mut checksum, value)?;
            }
            b"timestamp" => once(&mut at, timestamp(cursor)?)?,
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    let (symbol, of) = found.ok_or(WireError::Field { field: "symbol" })?;
    for (side, text) in [BookSide::Bid, BookSide::Ask].into_iter().zip(sides) {
        if let Some(Some(mut text)) = text {
            levels(&mut text, side, of, &mut scratch.levels)?;
        }
    }
    let checksum = checksum.ok_or(WireError::Field { field: "checksum" })?;
    // The checksum says nothing of the time, and a damaged time nothing of the levels.
    let at = at.and_then(|at| believed(at, symbol, scratch));
    Ok(Some(Frame::Book(BookHead { symbol, is_snapshot, checksum, at })))
}

fn misnamed(name: &[u8], symbols: &SymbolTable) -> Option<Frame> {
    let is_it = |of: &Instrument| is_nearly(name, of.name.as_bytes());
    let index = symbols.instruments().iter().position(is_it)?;
    u16::try_from(index).ok().map(|index| Frame::Misnamed(SymbolId(index)))
}

fn levels(
    cursor: &mut Cursor<'_>,
    side: BookSide,
    of: &Instrument,
    out: &mut Vec<WireLevel>,
) -> Result<(), WireError> {
    cursor.expect(b'[')?;
    if cursor.take_if(b']') {
        return Ok(());
    }
    loop {
        let level = level(cursor, side, of)?;
        if out.len() == MESSAGE_LEVELS_MAX {
            return Err(WireError::TooMany { what: "levels" });
        }
        out.push(level);
        if !cursor.another(b']')? {
            return Ok(());
        }
    }
}

#[inline]
fn level(cursor: &mut Cursor<'_>, side: BookSide, of: &Instrument) -> Result<WireLevel, WireError> {
    let mut px = None;
    let mut qty = None;
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"price" => once(&mut px, cursor.number()?)?,
            b"qty" => once(&mut qty, cursor.number()?)?,
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    let px = px.ok_or(WireError::Field { field: "price" })?;
    let qty = qty.ok_or(WireError::Field { field: "qty" })?;
    let mut text = LevelText::EMPTY;
    let px = text
        .push_wire(px, of.price_precision)
        .and_then(|px| bounded(px, PX_MAX.raw()))
        .map_err(|error| WireError::Number { field: "price", error })?;
    let qty = text
        .push_wire(qty, of.qty_precision)
        .and_then(|qty| bounded(qty, QTY_MAX.raw()))
        .map_err(|error| WireError::Number { field: "qty", error })?;
    if px == 0 {
        return Err(WireError::Field { field: "price" });
    }
    Ok(WireLevel { side, px: Px::new(px), qty: Qty::new(qty), text })
}

const fn bounded(value: i64, max: i64) -> Result<i64, DecimalError> {
    if value <= max { Ok(value) } else { Err(DecimalError::Overflow) }
}

/// A value's text, if it is told: the inner `None` is `null`.
type Text<'a> = Option<Option<&'a [u8]>>;

/// The texts of a trade's values.
#[derive(Default)]
struct TradeText<'a> {
    px: Text<'a>,
    qty: Text<'a>,
    id: Text<'a>,
    side: Text<'a>,
    at: Text<'a>,
    kind: Text<'a>,
}

fn trade_row(
    cursor: &mut Cursor<'_>,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Option<()>, WireError> {
    let mut found: Option<(SymbolId, &Instrument)> = None;
    let mut text = TradeText::default();
    cursor.expect(b'{')?;
    loop {
        // What is not told is missing below, if it must be told.
        match cursor.key()? {
            b"symbol" => {
                let Some(symbol) = symbols.find(cursor.string()?) else {
                    skip_rest(cursor)?;
                    scratch.foreign += 1;
                    return Ok(None);
                };
                once(&mut found, symbol)?;
            }
            b"side" => once(&mut text.side, cursor.string_or_null()?)?,
            b"price" => once(&mut text.px, cursor.number_or_null()?)?,
            b"qty" => once(&mut text.qty, cursor.number_or_null()?)?,
            b"ord_type" => once(&mut text.kind, cursor.string_or_null()?)?,
            b"trade_id" => once(&mut text.id, cursor.number_or_null()?)?,
            b"timestamp" => once(&mut text.at, cursor.string_or_null()?)?,
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    let (symbol, of) = found.ok_or(WireError::Field { field: "symbol" })?;
    match trade(&text, of) {
        Ok(_) if scratch.trades.len() == MESSAGE_TRADES_MAX => {
            Err(WireError::TooMany { what: "trades" })
        }
        Ok(trade) => {
            scratch.trades.push((symbol, trade));
            Ok(Some(()))
        }
        Err(why) => {
            scratch.refuse(symbol, why);
            Ok(None)
        }
    }
}

/// The trade that a row tells, or why it cannot be one.
fn trade(text: &TradeText<'_>, of: &Instrument) -> Result<TradeTick, Refusal> {
    let taker = match text.side.flatten() {
        Some(b"buy") => OrderSide::Buy,
        Some(b"sell") => OrderSide::Sell,
        _ => return Err(Refusal::Side),
    };
    let trade_id = text.id.flatten().and_then(|id| plain(id, 0)).ok_or(Refusal::TradeId)?;
    if trade_id > TRADE_ID_MAX {
        return Err(Refusal::TradeId);
    }
    let qty = text.qty.flatten().and_then(|qty| plain(qty, of.qty_precision)).map(Qty::new);
    Ok(TradeTick {
        at: text.at.flatten().and_then(ExchNs::parse_believable).ok_or(Refusal::Time)?,
        px: price(text.px.flatten(), of)?,
        qty: qty.filter(|qty| *qty > Qty::ZERO && *qty <= QTY_MAX).ok_or(Refusal::Quantity)?,
        trade_id,
        taker,
        is_market: text.kind.flatten() == Some(b"market"),
    })
}

/// A price at which something can have traded.
fn price(token: Option<&[u8]>, of: &Instrument) -> Result<Px, Refusal> {
    let px = token.and_then(|token| plain(token, of.price_precision)).map(Px::new);
    let px = px.filter(|px| *px > Px::ZERO && *px <= PX_MAX).ok_or(Refusal::Price)?;
    if px.raw() % of.price_increment.raw() == 0 { Ok(px) } else { Err(Refusal::OffTick) }
}

fn ticker_row(
    cursor: &mut Cursor<'_>,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Option<TickerRow>, WireError> {
    let mut found: Option<(SymbolId, &Instrument)> = None;
    let (mut last, mut at) = (None, None);
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"symbol" => {
                let Some(symbol) = symbols.find(cursor.string()?) else {
                    skip_rest(cursor)?;
                    scratch.foreign += 1;
                    return Ok(None);
                };
                once(&mut found, symbol)?;
            }
            b"last" => once(&mut last, cursor.number_or_null()?)?,
            b"timestamp" => once(&mut at, timestamp(cursor)?)?,
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    let (symbol, of) = found.ok_or(WireError::Field { field: "symbol" })?;
    let Some(last) = last.flatten() else {
        // A pair that never traded has no last price.
        return Ok(None);
    };
    let at = at.and_then(|at| believed(at, symbol, scratch));
    match price(Some(last), of) {
        Ok(last) => Ok(Some(TickerRow { symbol, last, at })),
        Err(why) => {
            scratch.refuse(symbol, why);
            Ok(None)
        }
    }
}

/// Steps over the remaining members of an object after one value.
fn skip_rest(cursor: &mut Cursor<'_>) -> Result<(), WireError> {
    while cursor.another(b'}')? {
        cursor.key()?;
        cursor.skip_value()?;
    }
    Ok(())
}

fn plain(token: &[u8], precision: u8) -> Option<i64> {
    LevelText::EMPTY.clone().push_wire(token, precision).ok()
}

/// A time that is told: one that can be believed, or `None` for one that cannot.
type Told = Option<ExchNs>;

/// `None` outside for a time that is not told.
fn timestamp(cursor: &mut Cursor<'_>) -> Result<Option<Told>, WireError> {
    Ok(cursor.string_or_null()?.map(ExchNs::parse_believable))
}

fn believed(told: Option<Told>, symbol: SymbolId, scratch: &mut Scratch) -> Option<ExchNs> {
    if told == Some(None) {
        scratch.refuse(symbol, Refusal::Time);
    }
    told.flatten()
}
