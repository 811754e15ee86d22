//! Decimal numbers of the wire, sixteen bytes at a time in one machine word.
//!
//! A loop over characters mispredicts at the end of nearly every number, which costs more than all
//! its arithmetic. Here every token of at most fifteen characters takes the same few steps: find its
//! end, push it against the end of the word, close the gap of the point, check all digits at once,
//! multiply pairs, then fours, then eights. Runs on the feed's thread; never allocates. Whatever is
//! longer or of another shape is declined, and the reader by characters decides.

/// The byte 1 in each of sixteen places.
const ONES: u128 = u128::from_le_bytes([1; 16]);
/// The character `0` in each place.
const ZEROS: u128 = ONES * b'0' as u128;
/// The top bit of each byte.
const TOPS: u128 = ONES * 0x80;
/// What takes each byte above 9 to its top bit.
const ABOVE_NINE: u128 = ONES * (0x80 - 10);

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
    /// The number that starts a text of at least sixteen bytes and ends before `stop`.
    ///
    /// `None` for anything that is not digits, a point and exactly `precision` digits (no point
    /// where that is none), without a needless zero in front, and for what does not end in time.
    #[inline]
    pub fn read(word: [u8; 16], stop: u8, precision: u8) -> Option<Self> {
        let word = u128::from_le_bytes(word);
        // The lowest zero byte of `differs` is the stop; a borrow can only mark bytes above it.
        let differs = word ^ ONES.wrapping_mul(u128::from(stop));
        let is_stop = differs.wrapping_sub(ONES) & !differs & TOPS;
        // Fifteen at most, as no bit is set otherwise and 128 leading zeros make 16.
        let token_len = is_stop.trailing_zeros() / 8;
        let point_len = u32::from(precision != 0);
        let whole_len = token_len.wrapping_sub(u32::from(precision) + point_len);
        // Wraps to a large number when the token is too short to hold its decimals.
        if token_len > 15 || whole_len.wrapping_sub(1) > 14 {
            return None;
        }
        if whole_len > 1 && word & 0xff == u128::from(b'0') {
            return None;
        }
        // Against the end of the word, so that the point's place depends on the precision only.
        let aligned = word << (8 * (16 - token_len));
        let digits = if precision == 0 {
            aligned
        } else {
            let point_bit = 8 * (15 - u32::from(precision));
            if (aligned >> point_bit) & 0xff != u128::from(b'.') {
                return None;
            }
            let below = (1u128 << point_bit).wrapping_sub(1);
            ((aligned & below) << 8) | (aligned & !(below << 8 | 0xff))
        };
        let digits_len = token_len - point_len;
        let values = digits ^ (ZEROS << (8 * (16 - digits_len)));
        if (values.wrapping_add(ABOVE_NINE) | values) & TOPS != 0 {
            return None;
        }
        let value = eight(low(values)).wrapping_mul(100_000_000).wrapping_add(eight(high(values)));
        // A zero has no digits at all: 128 zero bits are shifted out in two steps, not one.
        let leading = values.trailing_zeros() & !7;
        let text = ((values | ZEROS) >> (leading / 2)) >> (leading / 2);
        Some(Self {
            value: value.cast_signed(),
            text,
            text_len: 16 - usize_of(leading / 8),
            token_len: usize_of(token_len),
        })
    }
}

/// The first eight characters.
#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
const fn low(word: u128) -> u64 {
    word as u64
}

/// The last eight characters.
const fn high(word: u128) -> u64 {
    low(word >> 64)
}

const fn usize_of(small: u32) -> usize {
    small as usize
}

/// The value of eight digits, the first of them in the lowest byte.
#[inline]
const fn eight(digits: u64) -> u64 {
    let pairs = (digits.wrapping_mul(10 << 8 | 1) >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100 << 16 | 1) >> 16) & 0x0000_ffff_0000_ffff;
    fours.wrapping_mul(10_000 << 32 | 1) >> 32
}

/// The value of eight characters if all of them are digits.
#[inline]
pub const fn eight_digits(text: [u8; 8]) -> Option<u64> {
    let values = u64::from_le_bytes(text) ^ low(ZEROS);
    if (values.wrapping_add(low(ABOVE_NINE)) | values) & low(TOPS) != 0 {
        return None;
    }
    Some(eight(values))
}

#[cfg(test)]
mod tests;
