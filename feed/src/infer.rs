//! Instruments from the frames themselves, for captures that have no `instrument` message.
//!
//! Numbers of books and trades are padded to the pair's precision, so one level tells both precisions.
//! Increments and minimums are not on the wire: they become one unit, and whoever replays is told.

use paperwire_core::instrument::{AssetName, Instrument, SymbolName, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};

use crate::wire::scan::Cursor;

/// What one frame tells of an instrument: symbol and precisions of the first level or trade in it.
pub fn instrument_of(frame: &[u8]) -> Option<Instrument> {
    let symbol = string_after(frame, b"\"symbol\":")?;
    let price = number_after(frame, b"\"price\":")?;
    let qty = number_after(frame, b"\"qty\":")?;
    let name = std::str::from_utf8(symbol).ok()?;
    let (base, quote) = name.split_once('/')?;
    Some(Instrument {
        name: SymbolName::from(name).ok()?,
        base: AssetName::from(base).ok()?,
        quote: AssetName::from(quote).ok()?,
        price_precision: decimals(price)?,
        qty_precision: decimals(qty)?,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    })
}

fn after<'a>(frame: &'a [u8], key: &[u8]) -> Option<Cursor<'a>> {
    let at = frame.windows(key.len()).position(|window| window == key)?;
    Some(Cursor::new(&frame[at + key.len()..]))
}

fn string_after<'a>(frame: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    after(frame, key)?.string().ok()
}

fn number_after<'a>(frame: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    after(frame, key)?.number().ok()
}

fn decimals(token: &[u8]) -> Option<u8> {
    let decimals = token.iter().position(|&b| b == b'.').map_or(0, |at| token.len() - at - 1);
    u8::try_from(decimals).ok().filter(|d| *d <= 18)
}
