//! The single-pass reader of `book`, `trade` and `ticker` frames.
//!
//! Keys may come in any order; numbers are taken from the wire's own digits, so a price is exact at any
//! length and the checksum text is a by-product of reading it.

mod rows;
mod usual;

use paperwire_core::book::WireLevel;
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::{MESSAGE_LEVELS_MAX, MESSAGE_TRADES_MAX};
use paperwire_core::num::Px;
use paperwire_core::time::{ExchNs, MinuteReader};
use paperwire_core::trade::TradeTick;

use super::scan::Cursor;
use super::symbols::SymbolTable;
use super::{Refusal, WireError};

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
    /// Of a channel read here with nothing in it for us: no row, or only rows that were refused or
    /// of symbols nobody asked for.
    Nothing,
    /// A book message under a name that is this symbol's but for one character: it may be a damaged
    /// one of ours.
    Misnamed(SymbolId),
    /// Trades or a ticker that could not be read. No book can have been in it.
    Unread(WireError),
    /// For the cold reader: status, instruments, candles, acknowledgements.
    Other {
        /// It names no channel, or one that could be `book` with a damaged character.
        may_be_book: bool,
    },
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

/// What is used of a ticker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TickerRow {
    /// Of which symbol.
    pub symbol: SymbolId,
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
    /// Rows of symbols nobody asked for.
    pub foreign: u64,
    /// Rows of our symbols with values that cannot be, and why the last of them was refused.
    pub refused: Option<Refused>,
    minute: MinuteReader,
}

/// Rows and values of one frame that were not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Of which symbol, the last of them.
    pub symbol: SymbolId,
    /// Why.
    pub why: Refusal,
    /// How many there were.
    pub count: u64,
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
            foreign: 0,
            refused: None,
            minute: MinuteReader::default(),
        }
    }

    /// Counts a value that is not believed.
    fn refuse(&mut self, symbol: SymbolId, why: Refusal) {
        let count = self.refused.map_or(0, |before| before.count) + 1;
        self.refused = Some(Refused { symbol, why, count });
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
/// [`WireError`] when a frame that may be of the book channel is not as documented. The caller must
/// then distrust the symbol, or all symbols when it cannot tell which.
pub fn decode(
    frame: &[u8],
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Frame, WireError> {
    scratch.levels.clear();
    scratch.trades.clear();
    (scratch.foreign, scratch.refused) = (0, None);
    if let Some(head) = usual::book(frame, symbols, scratch) {
        return Ok(Frame::Book(head));
    }
    scratch.levels.clear();
    let mut channel = None;
    match general(frame, &mut channel, symbols, scratch) {
        // Whatever is wrong with it, it is no book's.
        Err(error) if channel.is_some_and(|of| of != Channel::Book) => {
            scratch.trades.clear();
            Ok(Frame::Unread(error))
        }
        read => read,
    }
}

fn general(
    frame: &[u8],
    channel: &mut Option<Channel>,
    symbols: &SymbolTable,
    scratch: &mut Scratch,
) -> Result<Frame, WireError> {
    let mut cursor = Cursor::new(frame);
    let mut is_snapshot = None;
    // Where `data` starts, when it came before the keys that tell how to read it.
    let mut data = None;
    let mut result = None;
    cursor.expect(b'{')?;
    loop {
        match cursor.key()? {
            b"channel" => match cursor.string()? {
                b"book" => once(channel, Channel::Book)?,
                b"trade" => once(channel, Channel::Trade)?,
                b"ticker" => once(channel, Channel::Ticker)?,
                b"heartbeat" => once(channel, Channel::Heartbeat)?,
                name => return Ok(Frame::Other { may_be_book: is_nearly(name, b"book") }),
            },
            b"type" => {
                let is_it = match cursor.string()? {
                    b"snapshot" => true,
                    b"update" => false,
                    _ => return Err(WireError::Field { field: "type" }),
                };
                once(&mut is_snapshot, is_it)?;
            }
            b"data" => match (*channel, is_snapshot) {
                (Some(channel), Some(is_snapshot)) if channel != Channel::Heartbeat => {
                    once(&mut data, cursor)?;
                    result = Some(rows::read(&mut cursor, channel, is_snapshot, symbols, scratch)?);
                }
                _ => {
                    once(&mut data, cursor)?;
                    cursor.skip_value()?;
                }
            },
            b"method" => return Ok(Frame::Other { may_be_book: false }),
            _ => cursor.skip_value()?,
        }
        if !cursor.another(b'}')? {
            break;
        }
    }
    if !cursor.is_at_end() {
        return Err(cursor.error());
    }
    if let Err(error) = std::str::from_utf8(frame) {
        return Err(WireError::Syntax { at: error.valid_up_to() });
    }
    if let Some(frame) = result {
        return Ok(frame);
    }
    let channel = match *channel {
        None => return Ok(Frame::Other { may_be_book: true }),
        Some(Channel::Heartbeat) => return Ok(Frame::Heartbeat),
        Some(channel) => channel,
    };
    let is_snapshot = is_snapshot.ok_or(WireError::Field { field: "type" })?;
    let mut data = data.ok_or(WireError::Field { field: "data" })?;
    rows::read(&mut data, channel, is_snapshot, symbols, scratch)
}

/// True for two texts of one length that differ in one character at most.
fn is_nearly(text: &[u8], other: &[u8]) -> bool {
    text.len() == other.len() && text.iter().zip(other).filter(|(a, b)| a != b).count() <= 1
}

#[cfg(test)]
mod tests;
