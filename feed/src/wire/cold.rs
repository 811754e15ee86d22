//! Everything that is not market data: status, instruments, candles, acknowledgements, pongs.
//!
//! Read with `simd-json` into a reused tape, so that an acknowledgement in the middle of a session costs
//! no allocation, and neither does the instrument list after a reconnect.

use std::fmt::Write;

use arrayvec::ArrayString;
use paperwire_core::instrument::{Instrument, SymbolName, TradingStatus};
use paperwire_core::limits::{FRAME_BYTES_MAX, MESSAGE_VALUES_MAX};
use paperwire_core::num::{Money, Px, Qty, money_from_scaled, parse_decimal};
use paperwire_core::text::{is_plain, plain};
use simd_json::prelude::*;
use simd_json::tape::Value;
use simd_json::{Buffers, Tape};

use super::WireError;

/// Text of the venue that is shown in logs, cut to this length.
pub type VenueText = ArrayString<96>;

/// A message that is not market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColdFrame {
    /// State of the venue, pushed on connect and on change.
    Status {
        /// `online`, `maintenance`, `cancel_only` or `post_only`; not every such message says it.
        system: Option<VenueText>,
        /// Number of the connection; every connection has its own.
        connection: Option<u64>,
    },
    /// Pairs with their precisions; an update carries only changed ones.
    Instruments {
        /// The whole list.
        is_snapshot: bool,
        /// Rows that could be read; they are in [`ColdReader::instruments`].
        readable: usize,
        /// Rows that could not be read; they are not tradable here, and named in [`ColdReader::unreadable`].
        unreadable: usize,
    },
    /// Candles; we build our own, so they are counted and not used.
    Ohlc {
        /// How many.
        rows: usize,
        /// Pair and interval in minutes of the first; all are of the same.
        of: Option<(SymbolName, u16)>,
    },
    /// The answer to a subscribe or unsubscribe, one per symbol.
    Ack(Ack),
    /// The answer to a ping.
    Pong {
        /// The ping's number.
        req_id: Option<u64>,
    },
    /// A channel or method that we do not know.
    Unknown,
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The request's number.
    pub req_id: Option<u64>,
    /// Which request it answers.
    pub method: AckMethod,
    /// The channel, when the answer names one.
    pub channel: Option<ArrayString<16>>,
    /// The symbol, when the answer is about one.
    pub symbol: Option<SymbolName>,
    /// What the venue says is wrong; `None` is success.
    pub error: Option<VenueText>,
}

/// The request an [`Ack`] answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AckMethod {
    /// `subscribe`.
    Subscribe,
    /// `unsubscribe`.
    Unsubscribe,
    /// Another one, or an error that names none.
    Other,
}

/// The reader with its reused memory.
pub struct ColdReader {
    text: Vec<u8>,
    buffers: Buffers,
    tape: Option<Tape<'static>>,
    list: List,
}

/// Rows of the last instrument frame.
struct List {
    readable: Vec<Instrument>,
    unreadable: Vec<SymbolName>,
}

impl std::fmt::Debug for ColdReader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ColdReader").finish_non_exhaustive()
    }
}

impl Default for ColdReader {
    fn default() -> Self {
        Self::new()
    }
}

/// The venue's instrument list of 1,450 pairs and 842 assets is about 800 kB, and comes again with every
/// connection; memory that it never reaches is never touched.
const TEXT_BYTES: usize = FRAME_BYTES_MAX;
/// Pairs in such a list, with room to grow.
const PAIRS: usize = 4096;

impl ColdReader {
    /// A reader whose memory fits every message of the venue.
    pub fn new() -> Self {
        let mut reader = Self {
            text: Vec::with_capacity(TEXT_BYTES),
            buffers: Buffers::new(TEXT_BYTES),
            tape: Some(Tape(Vec::with_capacity(MESSAGE_VALUES_MAX + 1))),
            list: List {
                readable: Vec::with_capacity(PAIRS),
                unreadable: Vec::with_capacity(PAIRS),
            },
        };
        // The library takes its memory for positions in the text as it goes: once, and here.
        let most = [b"[".as_slice(), &b"0,".repeat(MESSAGE_VALUES_MAX - 3), b"0]"].concat();
        let _ = reader.read(&most);
        reader
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// [`WireError`] when it is not JSON or lacks what its kind must have.
    pub fn read(&mut self, frame: &[u8]) -> Result<ColdFrame, WireError> {
        if values_in(frame) > MESSAGE_VALUES_MAX || frame.len() > TEXT_BYTES {
            return Err(WireError::TooMany { what: "values" });
        }
        // `simd-json` unescapes in place, and the frame is still wanted by the recorder.
        self.text.clear();
        self.text.extend_from_slice(frame);
        let mut tape = self.tape.take().unwrap_or_else(Tape::null).reset();
        let result = simd_json::fill_tape(&mut self.text, &mut self.buffers, &mut tape)
            .map_err(|error| WireError::Syntax { at: error.index() })
            .and_then(|()| interpret(tape.as_value(), &mut self.list));
        self.tape = Some(tape.reset());
        result
    }

    /// Bytes of memory that it holds, but for the library's own.
    #[cfg(test)]
    fn capacity(&self) -> usize {
        self.text.capacity() + self.tape.as_ref().map_or(0, |tape| tape.0.capacity())
    }

    /// Rows of the instrument frame that was read last.
    pub fn instruments(&self) -> &[Instrument] {
        &self.list.readable
    }

    /// Names of the rows of that frame that could not be read, as far as they could.
    pub fn unreadable(&self) -> &[SymbolName] {
        &self.list.unreadable
    }
}

/// No fewer than the values and keys of a text: what separates or opens them, in texts counted too.
fn values_in(frame: &[u8]) -> usize {
    let starts = |byte: &&u8| matches!(byte, b',' | b':' | b'{' | b'[');
    1 + frame.iter().filter(starts).count()
}

fn interpret(value: Value<'_, '_>, list: &mut List) -> Result<ColdFrame, WireError> {
    if value.as_object().is_none() {
        return Err(WireError::Syntax { at: 0 });
    }
    if let Some(method) = text_of(&value, "method") {
        return Ok(match method {
            "pong" => ColdFrame::Pong { req_id: value.get("req_id").as_u64() },
            "subscribe" => ColdFrame::Ack(ack(&value, AckMethod::Subscribe)),
            "unsubscribe" => ColdFrame::Ack(ack(&value, AckMethod::Unsubscribe)),
            _ => ColdFrame::Ack(ack(&value, AckMethod::Other)),
        });
    }
    match text_of(&value, "channel") {
        Some("status") => status(&value),
        Some("instrument") => instruments(&value, list),
        Some("ohlc") => Ok(ohlc(&value)),
        Some(_) => Ok(ColdFrame::Unknown),
        // Over-rate errors have neither method nor channel and a capital E.
        None if error_of(&value).is_some() => Ok(ColdFrame::Ack(ack(&value, AckMethod::Other))),
        None => Ok(ColdFrame::Unknown),
    }
}

fn ohlc(value: &Value<'_, '_>) -> ColdFrame {
    let data = value.get("data");
    let rows = data.as_ref().and_then(|data| data.as_array());
    let of = rows.as_ref().and_then(|rows| {
        let row = rows.get(0)?;
        let interval = u16::try_from(row.get("interval").as_u64()?).ok()?;
        Some((SymbolName::from(text_of(&row, "symbol")?).ok()?, interval))
    });
    ColdFrame::Ohlc { rows: rows.map_or(0, |rows| rows.len()), of }
}

fn status(value: &Value<'_, '_>) -> Result<ColdFrame, WireError> {
    let rows = value.get("data").and_then(|data| data.as_array());
    let row = rows.and_then(|rows| rows.get(0)).ok_or(WireError::Field { field: "data" })?;
    Ok(ColdFrame::Status {
        system: text_of(&row, "system").map(clipped),
        connection: row.get("connection_id").as_u64(),
    })
}

fn ack(value: &Value<'_, '_>, method: AckMethod) -> Ack {
    let result = value.get("result");
    let of_result = |key: &str| result.as_ref().and_then(|r| text_of(r, key));
    let succeeded = value.get("success").as_bool().unwrap_or(false);
    let error = match error_of(value) {
        Some(error) => Some(clipped(error)),
        None if succeeded => None,
        None => Some(clipped("refused without a reason")),
    };
    let symbol = of_result("symbol").or_else(|| text_of(value, "symbol"));
    let channel = of_result("channel").or_else(|| text_of(value, "channel"));
    Ack {
        req_id: value.get("req_id").as_u64(),
        method,
        channel: channel.and_then(|text| ArrayString::from(text).ok()),
        symbol: symbol.and_then(|text| SymbolName::from(text).ok()),
        error,
    }
}

/// A name of the venue; one that a terminal would not only show is none.
fn name<const LEN: usize>(text: &str) -> Option<ArrayString<LEN>> {
    ArrayString::from(text).ok().filter(|_| text.chars().all(is_plain) && !text.contains(' '))
}

fn error_of<'input>(value: &Value<'_, 'input>) -> Option<&'input str> {
    text_of(value, "error").or_else(|| text_of(value, "Error"))
}

fn instruments(value: &Value<'_, '_>, list: &mut List) -> Result<ColdFrame, WireError> {
    let is_snapshot = text_of(value, "type") == Some("snapshot");
    let data = value.get("data").ok_or(WireError::Field { field: "data" })?;
    let pairs = data.get("pairs").ok_or(WireError::Field { field: "pairs" })?;
    let pairs = pairs.as_array().ok_or(WireError::Field { field: "pairs" })?;
    list.readable.clear();
    list.unreadable.clear();
    let mut unreadable = 0;
    for pair in pairs.iter() {
        match instrument(&pair) {
            Some(row) => list.readable.push(row),
            None => {
                unreadable += 1;
                list.unreadable.extend(text_of(&pair, "symbol").and_then(name));
            }
        }
    }
    Ok(ColdFrame::Instruments { is_snapshot, readable: list.readable.len(), unreadable })
}

/// Cost minimums have at most ten decimals on the wire.
const COST_DECIMALS: u8 = 10;

fn instrument(pair: &Value<'_, '_>) -> Option<Instrument> {
    let price_precision = u8::try_from(pair.get("price_precision").as_u64()?).ok()?;
    let qty_precision = u8::try_from(pair.get("qty_precision").as_u64()?).ok()?;
    if price_precision > 18 || qty_precision > 18 {
        return None;
    }
    let cost_min = decimal(pair, "cost_min", COST_DECIMALS).unwrap_or(0);
    let increment = decimal(pair, "price_increment", price_precision)
        .or_else(|| decimal(pair, "tick_size", price_precision))
        .unwrap_or(1);
    Some(Instrument {
        name: name(text_of(pair, "symbol")?)?,
        base: name(text_of(pair, "base")?)?,
        quote: name(text_of(pair, "quote")?)?,
        price_precision,
        qty_precision,
        price_increment: Px::new(increment.max(1)),
        qty_increment: Qty::new(decimal(pair, "qty_increment", qty_precision).unwrap_or(1).max(1)),
        qty_min: Qty::new(decimal(pair, "qty_min", qty_precision).unwrap_or(1).max(1)),
        cost_min: if cost_min > 0 {
            money_from_scaled(i128::from(cost_min), COST_DECIMALS)
        } else {
            Money::ZERO
        },
        status: TradingStatus::from_wire(text_of(pair, "status")?),
    })
}

/// A number of the instrument channel, which may have an exponent or be quoted. Floats print in
/// their shortest form, which for such short decimals is the number that was sent.
fn decimal(pair: &Value<'_, '_>, key: &str, precision: u8) -> Option<i64> {
    let value = pair.get(key)?;
    match value.as_str() {
        Some(text) => parse_decimal(text, precision).ok(),
        None => {
            // 17 significant digits and an exponent of a float of this channel, unrounded.
            let mut text = ArrayString::<64>::new();
            write!(text, "{}", value.cast_f64()?).ok()?;
            parse_decimal(&text, precision).ok()
        }
    }
}

fn text_of<'input>(value: &Value<'_, 'input>, key: &str) -> Option<&'input str> {
    value.get(key)?.into_string()
}

/// Text of the venue, cut, and without what a terminal could take for an order.
fn clipped(text: &str) -> VenueText {
    let mut out = VenueText::new();
    for character in plain(text) {
        if out.try_push(character).is_err() {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_four_megabytes_leaves_no_memory_behind() {
        let mut reader = ColdReader::new();
        let before = reader.capacity();
        for piece in ["[],", "0,", r#""a","#, "{},"] {
            let body = piece.repeat(FRAME_BYTES_MAX / piece.len() - 8);
            let frame = format!(r#"{{"x":[{body}0]}}"#);
            let refused = Err(WireError::TooMany { what: "values" });
            assert_eq!(reader.read(frame.as_bytes()), refused);
        }
        let long = format!(r#"{{"channel":"new","text":"{}"}}"#, "x".repeat(3 << 20));
        assert_eq!(reader.read(long.as_bytes()), Ok(ColdFrame::Unknown));
        assert_eq!(reader.capacity(), before);
    }
}
