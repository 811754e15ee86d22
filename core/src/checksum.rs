//! Kraken's book checksum: CRC-32 (IEEE) over the text of the ten best asks, then the ten best bids.
//!
//! Each level contributes its price and its quantity with the decimal point removed and leading
//! zeros stripped (<https://docs.kraken.com/api/docs/guides/spot-ws-book-v2>). The numbers on the
//! wire are padded to the pair's precision, so the text of an integer of that precision is exactly
//! the wire's digits: a [`LevelText`] is made once when a level changes and reused for every check.

use crate::digits::WireNumber;
use crate::num::{DecimalError, Px, Qty};

/// Levels per side that the checksum covers, whatever depth is subscribed.
pub const CHECKED_LEVELS: usize = 10;

/// Two 63-bit integers print as at most 19 digits each.
pub const LEVEL_TEXT_MAX: usize = 2 * 19;

/// Price and quantity digits of one level, ready for the checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LevelText {
    bytes: [u8; LEVEL_TEXT_LEN],
    len: u8,
}

/// `LEVEL_TEXT_MAX` rounded up so that a level is 48 bytes and copies in whole vector words.
const LEVEL_TEXT_LEN: usize = 47;
const _: () = assert!(LEVEL_TEXT_MAX <= LEVEL_TEXT_LEN);
const _: () = assert!(size_of::<LevelText>() == 48);

impl LevelText {
    /// No digits.
    pub const EMPTY: Self = Self { bytes: [0; LEVEL_TEXT_LEN], len: 0 };

    /// The text of a level from its integers.
    ///
    /// # Panics
    /// When either is not positive: no such level is ever in a book.
    pub fn new(px: Px, qty: Qty) -> Self {
        assert!(px.raw() > 0, "a level has a positive price");
        assert!(qty.raw() > 0, "a level has a positive quantity");
        let mut text = Self::EMPTY;
        text.push_digits(px.raw().unsigned_abs());
        text.push_digits(qty.raw().unsigned_abs());
        text
    }

    /// The digits.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }

    /// The whole fixed-size block and how much of it is text, for copies of constant size.
    pub(crate) fn block(&self) -> (&[u8; LEVEL_TEXT_LEN], usize) {
        (&self.bytes, usize::from(self.len))
    }

    /// Appends one number of the wire (`0.00005100`) and returns it as an integer of `precision`
    /// decimals. The token must be padded to exactly that precision, as book numbers are.
    ///
    /// # Errors
    /// [`DecimalError`] when it is not such a number or does not fit.
    #[inline]
    pub fn push_wire(&mut self, token: &[u8], precision: u8) -> Result<i64, DecimalError> {
        if let [b'0', second, ..] = token
            && *second != b'.'
        {
            return Err(DecimalError::Syntax);
        }
        let mut value = 0i64;
        let mut len = usize::from(self.len);
        let room = len + 19;
        let mut point = None;
        for (at, &byte) in token.iter().enumerate() {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                if byte != b'.' || point.is_some() {
                    return Err(DecimalError::Syntax);
                }
                point = Some(at);
                continue;
            }
            if value != 0 || digit != 0 {
                if len == room {
                    return Err(DecimalError::Overflow);
                }
                self.bytes[len] = byte;
                len += 1;
            }
            value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
        }
        let decimals = point.map_or(0, |at| token.len() - at - 1);
        if token.is_empty() || point == Some(0) || point == Some(token.len() - 1) {
            return Err(DecimalError::Syntax);
        }
        if decimals != usize::from(precision) {
            return Err(DecimalError::Precision);
        }
        // 19 digits reach 9.99e18, beyond i64; the wrapped product of so many digits is negative.
        if value < 0 {
            return Err(DecimalError::Overflow);
        }
        self.len = u8::try_from(len).expect("two numbers of at most 19 digits");
        Ok(value)
    }

    /// The same for the number that starts in the middle of `around` and ends before `stop`; returns its
    /// length, too.
    ///
    /// `None` when it is not such a number or not short enough: [`Self::push_wire`] knows which.
    #[inline]
    pub fn push_word(
        &mut self,
        around: &[u8; 32],
        stop: u8,
        precision: u8,
    ) -> Option<(i64, usize)> {
        let number = WireNumber::read(around, stop, precision)?;
        let len = usize::from(self.len);
        // Whole words: what is above the digits is zero, as it was.
        *self.bytes.get_mut(len..)?.first_chunk_mut::<16>()? = number.text.to_le_bytes();
        self.len = u8::try_from(len + number.text_len).ok()?;
        Some((number.value, number.token_len))
    }

    fn push_digits(&mut self, value: u64) {
        let mut scratch = [0u8; 20];
        let mut at = scratch.len();
        let mut rest = value;
        while rest > 0 {
            at -= 1;
            scratch[at] = b'0' + u8::try_from(rest % 10).expect("a decimal digit");
            rest /= 10;
        }
        let digits = &scratch[at..];
        let start = usize::from(self.len);
        self.bytes[start..start + digits.len()].copy_from_slice(digits);
        self.len += u8::try_from(digits.len()).expect("at most 19 digits");
    }
}

/// The checksum of two sides given best first; only the first ten levels of each count.
pub fn book_checksum<'a>(
    asks: impl Iterator<Item = &'a LevelText>,
    bids: impl Iterator<Item = &'a LevelText>,
) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    for level in asks.take(CHECKED_LEVELS).chain(bids.take(CHECKED_LEVELS)) {
        hasher.update(level.as_bytes());
    }
    hasher.finalize()
}

#[cfg(test)]
mod tests;
