//! The single-pass reader of `book`, `trade` and `ticker` frames.
//!
//! Keys may come in any order; numbers are taken from the wire's own digits, so a price is exact at any
//! length and the checksum text is a by-product of reading it.

mod usual;

use paperwire_core::book::WireLevel;
use paperwire_core::checksum::LevelText;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::ladder::BookSide;
use paperwire_core::limits::{MESSAGE_LEVELS_MAX, MESSAGE_TRADES_MAX};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::{ExchNs, MinuteReader};
use paperwire_core::trade::{OrderSide, TradeTick};

use super::WireError;
use super::scan::Cursor;
use super::symbols::SymbolTable;

/// What a frame is. The rows of books and trades are in the [`Scratch`] it was decoded with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// A book snapshot or update of one symbol.
    Book(BookHead),
    /// Trades, possibly of several symbols.
    Trades {
        /// The recent past after a subscription, not news.
        is_snapshot: bool,
    },
    /// One ticker row.
    Ticker(TickerRow),
    /// A sign of life.
    Heartbeat,
    /// For the cold reader: status, instruments, candles, acknowledgements.
    Other,
    /// Of a channel we read but a symbol we did not ask for.
    UnknownSymbol,
}

/// Everything of a book message except its levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BookHead {
    /// Which book.
    pub symbol: SymbolId,
    /// Replaces the book instead of changing it.
    pub is_snapshot: bool,
    /// Of the ten best levels after this message.
    pub checksum: u32,
    /// The exchange's time; snapshots before 2026 had none.
    pub at: Option<ExchNs>,
}

/// The touch and the last price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickerRow {
    /// Of which symbol.
    pub symbol: SymbolId,
    /// Best bid.
    pub bid: Px,
    /// Best ask.
    pub ask: Px,
    /// Last trade.
    pub last: Px,
    /// The exchange's time, on the wire since 2026.
    pub at: Option<ExchNs>,
}

/// Rows of the frame decoded last; memory is taken once.
#[derive(Debug)]
pub struct Scratch {
    /// Levels of a book frame in wire order.
    pub levels: Vec<WireLevel>,
    /// Trades of a trade frame in wire order.
    pub trades: Vec<(SymbolId, TradeTick)>,
    minute: MinuteReader,
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

impl Scratch {
    /// Room for the largest messages.
    pub fn new() -> Self {
        Self {
            levels: Vec::with_capacity(MESSAGE_LEVELS_MAX),
            trades: Vec::with_capacity(MESSAGE_TRADES_MAX),
            minute: MinuteReader::default(),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Channel {
    Book,
    Trade,
    Ticker,
    Heartbeat,
}

/// Keeps the value of a key. Of two values of one key, which counts depends on the reader.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), WireError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(WireError::TooMany { what: "values of one key" }),
    }
}

/// Reads one frame.
///
/// # Errors
/// [`WireError`] when a frame of a channel read here is not as documented. The caller must then
/// distrust the symbol, or all symbols when it cannot tell which.
pub fn decode(
    frame: &[u8],
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Frame, WireError> {
    scratch.levels.clear();
    scratch.trades.clear();
    if let Some(head) = usual::book(frame, symbols, scratch) {
        return Ok(Frame::Book(head));
    }
    scratch.levels.clear();
    if let Err(error) = std::str::from_utf8(frame) {
        return Err(WireError::Syntax { at: error.valid_up_to() });
    }
    let mut cursor = Cursor::new(frame);
    let mut channel = None;
    let mut is_snapshot = None;
    // Where `data` starts, when it came before the keys that tell how to read it.
    let mut data = None;
    let mut result = None;
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"channel" => match cursor.string()? {
                b"book" => once(&mut channel, Channel::Book)?,
                b"trade" => once(&mut channel, Channel::Trade)?,
                b"ticker" => once(&mut channel, Channel::Ticker)?,
                b"heartbeat" => once(&mut channel, Channel::Heartbeat)?,
                _ => return Ok(Frame::Other),
            },
            b"type" => {
                let is_it = match cursor.string()? {
                    b"snapshot" => true,
                    b"update" => false,
                    _ => return Err(WireError::Field { field: "type" }),
                };
                once(&mut is_snapshot, is_it)?;
            }
            b"data" => match (channel, is_snapshot) {
                (Some(channel), Some(is_snapshot)) if channel != Channel::Heartbeat => {
                    once(&mut data, cursor)?;
                    result = Some(rows(&mut cursor, channel, is_snapshot, symbols, scratch)?);
                }
                _ => {
                    once(&mut data, cursor)?;
                    cursor.skip_value()?;
                }
            },
            b"method" => return Ok(Frame::Other),
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    if !cursor.is_at_end() {
        return Err(cursor.error());
    }
    if let Some(frame) = result {
        return Ok(frame);
    }
    let channel = match channel {
        None => return Ok(Frame::Other),
        Some(Channel::Heartbeat) => return Ok(Frame::Heartbeat),
        Some(channel) => channel,
    };
    let is_snapshot = is_snapshot.ok_or(WireError::Field { field: "type" })?;
    let mut data = data.ok_or(WireError::Field { field: "data" })?;
    rows(&mut data, channel, is_snapshot, symbols, scratch)
}

fn rows(
    cursor: &mut Cursor<'_>,
    channel: Channel,
    is_snapshot: bool,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Frame, WireError> {
    let mut frame = Frame::UnknownSymbol;
    cursor.expect(b'[')?;
    if cursor.take_if(b']') {
        return Ok(frame);
    }
    loop {
        let row = match channel {
            Channel::Book => book_row(cursor, is_snapshot, symbols, scratch)?,
            Channel::Trade => {
                trade_row(cursor, symbols, scratch)?.map(|()| Frame::Trades { is_snapshot })
            }
            Channel::Ticker => ticker_row(cursor, symbols)?.map(Frame::Ticker),
            Channel::Heartbeat => None,
        };
        // One book and one ticker per message; a second would overwrite the first unseen.
        if channel != Channel::Trade && frame != Frame::UnknownSymbol {
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
                let Some(symbol) = symbols.find(cursor.string()?) else {
                    skip_rest(cursor)?;
                    return Ok(None);
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
    Ok(Some(Frame::Book(BookHead { symbol, is_snapshot, checksum, at })))
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
        .map_err(|error| WireError::Number { field: "price", error })?;
    let qty = text
        .push_wire(qty, of.qty_precision)
        .map_err(|error| WireError::Number { field: "qty", error })?;
    if px == 0 {
        return Err(WireError::Field { field: "price" });
    }
    Ok(WireLevel { side, px: Px::new(px), qty: Qty::new(qty), text })
}

fn trade_row(
    cursor: &mut Cursor<'_>,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Option<()>, WireError> {
    let mut found: Option<(SymbolId, &Instrument)> = None;
    let (mut px, mut qty, mut taker, mut id, mut at) = (None, None, None, None, None);
    let mut is_market = None;
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"symbol" => {
                let Some(symbol) = symbols.find(cursor.string()?) else {
                    skip_rest(cursor)?;
                    return Ok(None);
                };
                once(&mut found, symbol)?;
            }
            b"side" => {
                let side = match cursor.string()? {
                    b"buy" => OrderSide::Buy,
                    b"sell" => OrderSide::Sell,
                    _ => return Err(WireError::Field { field: "side" }),
                };
                once(&mut taker, side)?;
            }
            b"price" => once(&mut px, cursor.number()?)?,
            b"qty" => once(&mut qty, cursor.number()?)?,
            b"ord_type" => once(&mut is_market, cursor.string()? == b"market")?,
            b"trade_id" => once(&mut id, cursor.unsigned()?)?,
            b"timestamp" => once(&mut at, timestamp(cursor)?)?,
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    let (symbol, of) = found.ok_or(WireError::Field { field: "symbol" })?;
    let id = id.ok_or(WireError::Field { field: "trade_id" })?;
    let trade = TradeTick {
        at: at.ok_or(WireError::Field { field: "timestamp" })?,
        px: price(px, of)?,
        qty: quantity(qty, of)?,
        trade_id: i64::try_from(id).map_err(|_| WireError::Field { field: "trade_id" })?,
        taker: taker.ok_or(WireError::Field { field: "side" })?,
        is_market: is_market.unwrap_or(false),
    };
    if scratch.trades.len() == MESSAGE_TRADES_MAX {
        return Err(WireError::TooMany { what: "trades" });
    }
    scratch.trades.push((symbol, trade));
    Ok(Some(()))
}

fn ticker_row(
    cursor: &mut Cursor<'_>,
    symbols: &SymbolTable,
) -> Result<Option<TickerRow>, WireError> {
    let mut found: Option<(SymbolId, &Instrument)> = None;
    let (mut bid, mut ask, mut last, mut at) = (None, None, None, None);
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"symbol" => {
                let Some(symbol) = symbols.find(cursor.string()?) else {
                    skip_rest(cursor)?;
                    return Ok(None);
                };
                once(&mut found, symbol)?;
            }
            b"bid" => once(&mut bid, cursor.number()?)?,
            b"ask" => once(&mut ask, cursor.number()?)?,
            b"last" => once(&mut last, cursor.number()?)?,
            b"timestamp" => once(&mut at, timestamp(cursor)?)?,
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    let (symbol, of) = found.ok_or(WireError::Field { field: "symbol" })?;
    let row = TickerRow {
        symbol,
        bid: price(bid, of)?,
        ask: price(ask, of)?,
        last: price(last, of)?,
        at,
    };
    Ok(Some(row))
}

/// Steps over the remaining members of an object after one value.
fn skip_rest(cursor: &mut Cursor<'_>) -> Result<(), WireError> {
    while cursor.another(b'}')? {
        cursor.key()?;
        cursor.skip_value()?;
    }
    Ok(())
}

fn price(token: Option<&[u8]>, of: &Instrument) -> Result<Px, WireError> {
    let token = token.ok_or(WireError::Field { field: "price" })?;
    LevelText::EMPTY
        .clone()
        .push_wire(token, of.price_precision)
        .map(Px::new)
        .map_err(|error| WireError::Number { field: "price", error })
}

fn quantity(token: Option<&[u8]>, of: &Instrument) -> Result<Qty, WireError> {
    let token = token.ok_or(WireError::Field { field: "qty" })?;
    LevelText::EMPTY
        .clone()
        .push_wire(token, of.qty_precision)
        .map(Qty::new)
        .map_err(|error| WireError::Number { field: "qty", error })
}

fn timestamp(cursor: &mut Cursor<'_>) -> Result<ExchNs, WireError> {
    ExchNs::parse_rfc3339(cursor.string()?).ok_or(WireError::Field { field: "timestamp" })
}

#[cfg(test)]
mod tests;
