//! Prices, quantities and money, each with its own unit in the type.
//!
//! `Px` and `Qty` are integers scaled by the instrument's own wire precision, so adding, comparing
//! and hashing them is exact. `Money` is 64.64 fixed point: adding it is exact, and the few places
//! that round are named functions of [`crate::instrument::Instrument`].
//!
//! ```compile_fail
//! use paperwire_core::num::{Px, Qty};
//! let _ = Px::new(1) + Qty::new(1); // a price cannot be added to a quantity
//! ```

use std::fmt;

pub use fixed::types::I64F64;

/// Money or any amount of a currency, exact under addition.
pub type Money = I64F64;

/// A price: an integer count of `10^-price_precision` of the instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Px(i64);

/// A quantity: an integer count of `10^-qty_precision` of the instrument (its lots).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Qty(i64);

/// Price times quantity in units of `10^-(price_precision + qty_precision)` of the quote currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Notional(i128);

impl Px {
    /// The zero price; never a valid level.
    pub const ZERO: Self = Self(0);

    /// A price of `raw` units of the instrument's price precision.
    pub const fn new(raw: i64) -> Self {
        Self(raw)
    }

    /// The integer count.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// Exact: the product of two 63-bit integers fits 127 bits.
    pub const fn notional(self, qty: Qty) -> Notional {
        Notional(self.0 as i128 * qty.0 as i128)
    }
}

impl Qty {
    /// Nothing; on the wire it removes a level.
    pub const ZERO: Self = Self(0);

    /// A quantity of `raw` lots.
    pub const fn new(raw: i64) -> Self {
        Self(raw)
    }

    /// The integer count.
    pub const fn raw(self) -> i64 {
        self.0
    }

    /// Both together, or the largest that can be counted.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// True for the quantity that removes a level.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }
}

impl std::ops::Add for Qty {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::Sub for Qty {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl std::ops::AddAssign for Qty {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl std::ops::SubAssign for Qty {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}

impl Notional {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From raw units of `10^-(price_precision + qty_precision)`.
    pub const fn new(raw: i128) -> Self {
        Self(raw)
    }

    /// The integer count.
    pub const fn raw(self) -> i128 {
        self.0
    }
}

impl std::ops::Add for Notional {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl std::ops::AddAssign for Notional {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

/// `10^exponent` for the exponents that precisions can have (0 to 18).
pub const fn pow10(exponent: u8) -> i64 {
    assert!(exponent <= 18, "10^19 does not fit i64");
    POWERS_OF_TEN[exponent as usize]
}

const POWERS_OF_TEN: [i64; 19] = {
    let mut powers = [1i64; 19];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// Why a decimal text is not a number of the wanted precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Empty, or a character that no decimal has.
    #[error("not a decimal number")]
    Syntax,
    /// More digits after the point than the precision holds, and they are not zero.
    #[error("more decimals than the instrument's precision")]
    Precision,
    /// Does not fit 63 bits at this precision.
    #[error("number too large")]
    Overflow,
}

/// Parses any JSON-style decimal (`-1.5`, `5e-05`, `1E-8`) into an integer of `precision` decimals.
///
/// This is the general reader for the `instrument` channel, REST and configuration; book and trade
/// frames use the feed's single-pass reader.
///
/// # Errors
/// [`DecimalError`] when the text is malformed, too precise or too large.
pub fn parse_decimal(text: &str, precision: u8) -> Result<i64, DecimalError> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => {
            let exponent: i32 = body[at + 1..].parse().map_err(|_| DecimalError::Syntax)?;
            (&body[..at], exponent)
        }
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return Err(DecimalError::Syntax);
    }
    let mut value: i128 = 0;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(DecimalError::Syntax);
        }
        value = value
            .checked_mul(10)
            .and_then(|v| v.checked_add(i128::from(byte - b'0')))
            .ok_or(DecimalError::Overflow)?;
    }
    let decimals = i32::try_from(fraction.len()).map_err(|_| DecimalError::Overflow)?;
    // value * 10^(exponent - decimals) * 10^precision
    let mut shift = exponent
        .checked_sub(decimals)
        .and_then(|s| s.checked_add(i32::from(precision)))
        .ok_or(DecimalError::Overflow)?;
    while shift > 0 && value != 0 {
        value = value.checked_mul(10).ok_or(DecimalError::Overflow)?;
        shift -= 1;
    }
    while shift < 0 && value != 0 {
        if value % 10 != 0 {
            return Err(DecimalError::Precision);
        }
        value /= 10;
        shift += 1;
    }
    let value = i64::try_from(value).map_err(|_| DecimalError::Overflow)?;
    Ok(if negative { -value } else { value })
}

/// An integer of `precision` decimals shown as the wire shows it: padded, no exponent.
///
/// ```
/// use paperwire_core::num::Decimal;
/// assert_eq!(Decimal::new(5100, 8).to_string(), "0.00005100");
/// assert_eq!(Decimal::new(645250, 1).to_string(), "64525.0");
/// assert_eq!(Decimal::new(-5, 2).to_string(), "-0.05");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    raw: i64,
    precision: u8,
}

impl Decimal {
    /// `raw` units of `10^-precision`.
    pub const fn new(raw: i64, precision: u8) -> Self {
        Self { raw, precision }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.raw < 0 { "-" } else { "" };
        let magnitude = self.raw.unsigned_abs();
        if self.precision == 0 {
            return write!(f, "{sign}{magnitude}");
        }
        let unit = pow10(self.precision).unsigned_abs();
        let width = usize::from(self.precision);
        write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit)
    }
}

/// `numerator / 10^precision` as money, rounded to the nearest 2^-64 (ties away from zero).
///
/// # Panics
/// When the result leaves the range of [`Money`] (about +-9.2e18).
pub fn money_from_scaled(numerator: i128, precision: u8) -> Money {
    try_money_from_scaled(numerator, precision).expect("money stays within its 64-bit whole part")
}

/// The same; `None` when the result leaves the range of [`Money`].
pub fn try_money_from_scaled(numerator: i128, precision: u8) -> Option<Money> {
    let negative = numerator < 0;
    let magnitude = numerator.unsigned_abs();
    // Nearly all amounts: words divide several times faster than double words, and every fill makes
    // about ten of these.
    if let Ok(magnitude) = u64::try_from(magnitude)
        && precision <= 18
    {
        let unit = pow10(precision).unsigned_abs();
        let rest = u128::from(magnitude % unit) << 64;
        let fraction = (rest + u128::from(unit / 2)) / u128::from(unit);
        let bits = (u128::from(magnitude / unit) << 64) + fraction;
        let bits = i128::try_from(bits).ok()?;
        return Some(Money::from_bits(if negative { -bits } else { bits }));
    }
    wide_money(negative, magnitude, precision)
}

#[cold]
fn wide_money(negative: bool, magnitude: u128, precision: u8) -> Option<Money> {
    let mut unit: u128 = 1;
    for _ in 0..precision {
        unit *= 10;
    }
    let whole = magnitude / unit;
    let rest = magnitude % unit;
    // `rest < 10^36`; splitting the shift keeps every product inside 128 bits when unit <= 10^19,
    // and wider units (price + quantity precision up to 36) are halved until they fit.
    let (mut rest, mut unit) = (rest, unit);
    while unit > 1 << 62 {
        rest >>= 1;
        unit >>= 1;
    }
    let fraction = ((rest << 64) + unit / 2) / unit;
    let bits = i128::try_from(whole)
        .ok()?
        .checked_mul(1 << 64)?
        .checked_add(i128::try_from(fraction).expect("a fraction is at most 2^64"))?;
    Some(Money::from_bits(if negative { -bits } else { bits }))
}

#[cfg(test)]
mod tests;
