//! Book frames in exactly the layout that the venue has used so far.
//!
//! Known text is compared whole, and only the numbers are looked at. Anything else is declined, and the
//! general reader decides; what is taken here is what that one would have made of it.

use paperwire_core::book::WireLevel;
use paperwire_core::checksum::LevelText;
use paperwire_core::digits::WireNumber;
use paperwire_core::instrument::Instrument;
use paperwire_core::ladder::BookSide;
use paperwire_core::limits::{MESSAGE_LEVELS_MAX, PX_MAX, QTY_MAX};
use paperwire_core::num::{Px, Qty};

use super::{BookHead, Scratch};
use crate::wire::symbols::SymbolTable;

/// The longest number that is taken: 19 digits, a point, and what ends it.
const TOKEN_MAX: usize = 21;

// Fifteen characters, as the quick reader takes, are below both bounds.
const _: () = assert!(PX_MAX.raw() >= 1_000_000_000_000_000 && PX_MAX.raw() <= QTY_MAX.raw());

/// What of the text is still to be read: everything from `at` on.
struct Rest<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Rest<'a> {
    /// Takes `text` if exactly it stands there: one comparison instead of many.
    #[inline]
    fn take<const N: usize>(&mut self, text: &[u8; N]) -> Option<()> {
        if self.text.get(self.at..)?.first_chunk::<N>()? != text {
            return None;
        }
        self.at += N;
        Some(())
    }

    /// Takes the bytes before the next `stop`, and `stop` itself, within the next few.
    fn take_until(&mut self, stop: u8, len_max: usize) -> Option<&'a [u8]> {
        let rest = self.text.get(self.at..)?;
        let len = rest.iter().take(len_max).position(|&byte| byte == stop)?;
        self.at += len + 1;
        rest.get(..len)
    }

    /// Sixteen bytes on each side of what is to be read.
    #[inline]
    fn around(&self) -> Option<&'a [u8; 32]> {
        self.text.get(self.at.checked_sub(16)?..)?.first_chunk()
    }

    /// Takes a number and the `stop` behind it; its digits go to `text`.
    #[expect(clippy::inline_always, reason = "see `WireNumber::read`")]
    #[inline(always)]
    fn number(&mut self, stop: u8, precision: u8, text: &mut LevelText) -> Option<i64> {
        if let Some((value, len)) = text.push_word(self.around()?, stop, precision) {
            self.at += len + 1;
            return Some(value);
        }
        self.long_number(stop, precision, text)
    }

    /// What may be beyond a bound is left to the general reader; shorter numbers never are.
    #[cold]
    fn long_number(&mut self, stop: u8, precision: u8, text: &mut LevelText) -> Option<i64> {
        let value = text.push_wire(self.take_until(stop, TOKEN_MAX)?, precision).ok()?;
        (value <= PX_MAX.raw()).then_some(value)
    }
}

/// The frame's head, and its levels in the scratch.
pub(super) fn book(frame: &[u8], symbols: &SymbolTable, scratch: &mut Scratch) -> Option<BookHead> {
    let mut rest = Rest { text: frame, at: 0 };
    let is_update =
        rest.take(br#"{"channel":"book","type":"update","data":[{"symbol":""#).is_some();
    if !is_update {
        rest.take(br#"{"channel":"book","type":"snapshot","data":[{"symbol":""#)?;
    }
    let (symbol, of, len) = symbols.find_quoted(frame.get(rest.at..)?.first_chunk()?)?;
    rest.at += len;
    rest.take(br#"","bids":["#)?;
    levels(&mut rest, BookSide::Bid, of, &mut scratch.levels)?;
    rest.take(br#","asks":["#)?;
    levels(&mut rest, BookSide::Ask, of, &mut scratch.levels)?;
    rest.take(br#","checksum":"#)?;
    let number = WireNumber::read(rest.around()?, b',', 0)?;
    let checksum = u32::try_from(number.value).ok()?;
    rest.at += number.token_len + 1;
    rest.take(br#""timestamp":""#)?;
    let text = frame.get(rest.at..)?.strip_suffix(br#""}]}"#)?;
    let at = scratch.minute.read(text)?;
    Some(BookHead { symbol, is_snapshot: !is_update, checksum, at: Some(at) })
}

/// Levels up to and including the closing bracket.
#[inline]
fn levels(
    rest: &mut Rest<'_>,
    side: BookSide,
    of: &Instrument,
    out: &mut Vec<WireLevel>,
) -> Option<()> {
    if rest.take(b"]").is_some() {
        return Some(());
    }
    loop {
        rest.take(br#"{"price":"#)?;
        if out.len() == MESSAGE_LEVELS_MAX {
            return None;
        }
        // Digits are written where they stay: a copy of what was just written in parts would wait
        // for all of them.
        out.push(WireLevel { side, px: Px::ZERO, qty: Qty::ZERO, text: LevelText::EMPTY });
        let level = out.last_mut()?;
        level.px = Px::new(rest.number(b',', of.price_precision, &mut level.text)?);
        rest.take(br#""qty":"#)?;
        level.qty = Qty::new(rest.number(b'}', of.qty_precision, &mut level.text)?);
        if level.px == Px::ZERO {
            return None;
        }
        if rest.take(b"]").is_some() {
            return Some(());
        }
        rest.take(b",")?;
    }
}
