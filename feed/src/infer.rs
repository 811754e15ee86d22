//! Instruments from the frames themselves, for captures that have no `instrument` message.
//!
//! Numbers of books and trades are padded to the pair's precision, so one level tells both precisions.
//! Increments and minimums are not on the wire: they become one unit, and whoever replays is told. So is
//! who replays numbers whose digits are not those that the venue sent.

use paperwire_core::instrument::{AssetName, Instrument, SymbolName, TradingStatus};
use paperwire_core::num::{Money, Px, Qty};

use crate::wire::scan::Cursor;

/// What one frame tells of an instrument: symbol and precisions of the first level or trade in it.
pub fn instrument_of(frame: &[u8]) -> Option<Instrument> {
    let (price, qty) = numbers_of(frame).next()?;
    let name = symbol_of(frame)?;
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

/// The first symbol that a frame names.
pub fn symbol_of(frame: &[u8]) -> Option<&str> {
    let (symbol, _) = after(frame, SYMBOL, 0)?;
    std::str::from_utf8(Cursor::new(symbol).string().ok()?).ok()
}

/// Price and quantity of every level and trade in a frame, as they are written.
pub fn numbers_of(frame: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let (price, at) = after(frame, PRICE, from)?;
        let (qty, at) = after(frame, QTY, at)?;
        from = at;
        Some((Cursor::new(price).number().ok()?, Cursor::new(qty).number().ok()?))
    })
}

/// Levels of the longer side of a whole book; `None` for every other frame.
pub fn depth_shown(frame: &[u8]) -> Option<usize> {
    let word = |key: &[u8]| {
        let (text, _) = after(frame, key, 0)?;
        Cursor::new(text).string().ok()
    };
    if word(b"\"channel\":")? != b"book" || word(b"\"type\":")? != b"snapshot" {
        return None;
    }
    let side = |key: &[u8]| {
        let (levels, _) = after(frame, key, 0)?;
        let end = levels.iter().position(|&byte| byte == b']')?;
        Some(levels[..end].iter().filter(|&&byte| byte == b'{').count())
    };
    Some(side(b"\"bids\":")?.max(side(b"\"asks\":")?))
}

/// The digits of one pair's numbers in a capture.
#[derive(Clone, Debug, Default)]
pub struct Digits {
    price: Option<Seen>,
    qty: Option<Seen>,
}

/// The numbers with the fewest and the most decimals.
#[derive(Clone, Debug)]
struct Seen {
    least: Vec<u8>,
    most: Vec<u8>,
}

impl Seen {
    fn add(seen: &mut Option<Self>, number: &[u8]) {
        let Some(seen) = seen else {
            *seen = Some(Self { least: number.to_vec(), most: number.to_vec() });
            return;
        };
        let rank = |number: &[u8]| (has_exponent(number), decimals(number));
        let is_less = has_exponent(&seen.least) || decimals(number) < decimals(&seen.least);
        if is_less && !has_exponent(number) {
            seen.least = number.to_vec();
        }
        if rank(number) > rank(&seen.most) {
            seen.most = number.to_vec();
        }
    }

    fn is_padded(&self) -> bool {
        !has_exponent(&self.most) && decimals(&self.least) == decimals(&self.most)
    }
}

impl Digits {
    /// Looks at the numbers of a frame of this pair.
    pub fn add(&mut self, frame: &[u8]) {
        for (price, qty) in numbers_of(frame) {
            Seen::add(&mut self.price, price);
            Seen::add(&mut self.qty, qty);
        }
    }

    /// Two numbers that the venue cannot both have sent: it pads all of a kind to the same decimals, and
    /// writes no exponent. A program that read and wrote the JSON again does neither.
    pub fn altered(&self) -> Option<(String, String)> {
        let seen = [&self.price, &self.qty].into_iter().flatten().find(|seen| !seen.is_padded())?;
        let text = |number: &[u8]| String::from_utf8_lossy(number).into_owned();
        Some((text(&seen.least), text(&seen.most)))
    }
}

const SYMBOL: &[u8] = b"\"symbol\":";
const PRICE: &[u8] = b"\"price\":";
const QTY: &[u8] = b"\"qty\":";

/// What stands behind the next `key`, and where that is.
fn after<'a>(frame: &'a [u8], key: &[u8], from: usize) -> Option<(&'a [u8], usize)> {
    let rest = frame.get(from..)?;
    let at = from + rest.windows(key.len()).position(|window| window == key)? + key.len();
    Some((&frame[at..], at))
}

fn has_exponent(number: &[u8]) -> bool {
    number.iter().any(|byte| matches!(byte, b'e' | b'E'))
}

fn decimals(token: &[u8]) -> Option<u8> {
    let decimals = token.iter().position(|&b| b == b'.').map_or(0, |at| token.len() - at - 1);
    u8::try_from(decimals).ok().filter(|d| *d <= 18)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SNAPSHOT: &[u8] = br#"{"channel":"book","type":"snapshot","data":[{"symbol":"A/USD","bids":[{"price":10.0,"qty":0.00005100},{"price":9.9,"qty":1.00000000}],"asks":[{"price":10.1,"qty":2.50000000}],"checksum":1}]}"#;

    #[test]
    fn a_snapshot_shows_its_depth_and_no_other_frame_does() {
        assert_eq!(depth_shown(SNAPSHOT), Some(2));
        let text = String::from_utf8(SNAPSHOT.to_vec()).unwrap();
        assert_eq!(depth_shown(text.replace("snapshot", "update").as_bytes()), None);
        assert_eq!(depth_shown(text.replace("book", "trade").as_bytes()), None);
        assert_eq!(depth_shown(text.replace(':', ": ").as_bytes()), Some(2));
    }

    #[test]
    fn digits_that_a_library_wrote_again_are_told_from_the_wires() {
        let check = |frame: &[u8], altered: Option<(&str, &str)>| {
            let mut digits = Digits::default();
            digits.add(frame);
            let owned = altered.map(|(least, most)| (least.to_owned(), most.to_owned()));
            assert_eq!(digits.altered(), owned);
        };
        check(SNAPSHOT, None);
        let again = |from: &str, to: &str| {
            String::from_utf8(SNAPSHOT.to_vec()).unwrap().replace(from, to).into_bytes()
        };
        check(&again("2.50000000", "2.5"), Some(("2.5", "0.00005100")));
        check(&again("0.00005100", "5.1e-05"), Some(("1.00000000", "5.1e-05")));
        check(&again("10.0", "10"), Some(("10", "9.9")));
    }
}
