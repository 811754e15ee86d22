//! Decimal numbers of the wire, sixteen bytes at a time in one vector register.
//!
//! A loop over characters mispredicts at the end of nearly every number, which costs more than all
//! its arithmetic. Here every token of at most fifteen characters takes the same few steps, each over
//! sixteen bytes at once: find its end, load the bytes before that end, close the gap of the point, check
//! all digits, multiply pairs, then fours, then eights. Runs on the feed's thread; never allocates. Whatever
//! is longer or of another shape is declined, and the reader by characters decides.

use wide::{i16x8, u8x16};

const _: () = assert!(cfg!(target_endian = "little"), "the first digit is in the lowest byte");

/// The character `0` in each place of a word.
const ZEROS: u128 = u128::from_le_bytes([b'0'; 16]);

/// The last so many bytes of a word.
const LAST: [[u8; 16]; 17] = {
    let mut masks = [[0; 16]; 17];
    let mut len = 1;
    while len <= 16 {
        let mut at = 16 - len;
        while at < 16 {
            masks[len][at] = 0xff;
            at += 1;
        }
        len += 1;
    }
    masks
};

/// A number of the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireNumber {
    /// As an integer of the wanted precision.
    pub value: i64,
    /// Its digits without point and leading zeros, first digit in the lowest byte, zeros above.
    pub text: u128,
    /// How many digits that is.
    pub text_len: usize,
    /// Characters of the token.
    pub token_len: usize,
}

impl WireNumber {
    /// The number that starts in the middle of `text` and ends before `stop`; what is before it is not looked at.
    ///
    /// `None` for anything that is not digits, a point and exactly `precision` digits (no point
    /// where that is none), without a needless zero in front, and for what does not end in time.
    #[expect(
        clippy::inline_always,
        reason = "a call costs a third of its work: 113 instead of 105 ns a frame"
    )]
    #[inline(always)]
    pub fn read(text: &[u8; 32], stop: u8, precision: u8) -> Option<Self> {
        let word = u8x16::new(*text.last_chunk()?);
        let is_stop = word.cmp_eq(u8x16::splat(stop)).move_mask();
        // Without a stop 32, which is declined.
        let token_len = usize_of(is_stop.trailing_zeros());
        let point_len = usize::from(precision != 0);
        let whole_len = token_len.wrapping_sub(usize::from(precision) + point_len);
        // Wraps to a large number when the token is too short to hold its decimals.
        if token_len > 15 || whole_len.wrapping_sub(1) > 14 {
            return None;
        }
        if whole_len > 1 && text[16] == b'0' {
            return None;
        }
        if precision != 0 && text[16 + whole_len] != b'.' {
            return None;
        }
        // Ends with the token, and the same one byte further: there the point is where the decimals begin.
        let decimals = u8x16::new(*text[token_len..].first_chunk()?);
        let whole = u8x16::new(*text[token_len - point_len..].first_chunk()?);
        let is_decimal = u8x16::new(LAST[usize::from(precision)]);
        let digits = whole ^ ((whole ^ decimals) & is_decimal);
        let values = (digits ^ u8x16::splat(b'0')) & u8x16::new(LAST[token_len - point_len]);
        let nine = u8x16::splat(9);
        if values.max(nine) != nine {
            return None;
        }
        let is_zero = values.cmp_eq(u8x16::splat(0)).move_mask();
        // A zero has no digits at all: everything is shifted out.
        let leading = (!is_zero).trailing_zeros();
        let text = u128::from_le_bytes(values.to_array()) | ZEROS;
        Some(Self {
            value: value_of(values).cast_signed(),
            text: text.unbounded_shr(8 * leading),
            text_len: 16 - usize_of(leading),
            token_len,
        })
    }
}

/// The number that sixteen digits make.
#[inline]
fn value_of(digits: u8x16) -> u64 {
    let lanes: i16x8 = bytemuck::cast(digits);
    let tens = lanes & i16x8::splat(0xff);
    let ones: i16x8 = lanes >> 8_i32;
    let pairs = tens * i16x8::splat(10) + ones;
    let fours: [u64; 2] = bytemuck::cast(pairs.dot(i16x8::new([100, 1, 100, 1, 100, 1, 100, 1])));
    let [first, last] = fours.map(eight_of_fours);
    first.wrapping_mul(100_000_000).wrapping_add(last)
}

const fn usize_of(small: u32) -> usize {
    small as usize
}

/// Two numbers of four digits as one of eight; the first is in the lower half.
#[inline]
const fn eight_of_fours(fours: u64) -> u64 {
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

/// The value of eight characters if all of them are digits.
#[inline]
pub const fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const TOPS: u64 = u64::from_le_bytes([0x80; 8]);
    /// What takes each byte above 9 to its top bit.
    const ABOVE_NINE: u64 = u64::from_le_bytes([0x80 - 10; 8]);
    let values = u64::from_le_bytes(text) ^ u64::from_le_bytes([b'0'; 8]);
    if (values.wrapping_add(ABOVE_NINE) | values) & TOPS != 0 {
        return None;
    }
    let pairs = (values.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    Some(eight_of_fours(fours))
}

#[cfg(test)]
mod tests;
