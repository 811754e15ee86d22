//! Single values: ranges, exact money, and the message for what does not fit.

use std::fmt::Display;

use paperwire_core::num::{Money, money_from_scaled, parse_decimal};
use toml::Value;

use super::ConfigError;

/// Money in the configuration has at most this many decimals.
const MONEY_DECIMALS: u8 = 9;

/// Largest amount that a key takes: it fits nine decimals beside it in 63 bits.
pub(super) const AMOUNT_MAX: u32 = 1_000_000_000;

/// A decimal as text or number, exactly: a float is read by its shortest text.
pub(super) fn money(key: &str, value: &Value) -> Result<Money, ConfigError> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        other => return Err(wrong(key, other, "expected a number or a decimal text")),
    };
    let scaled = parse_decimal(&text, MONEY_DECIMALS);
    let scaled = scaled.map_err(|error| {
        wrong(key, &text, &format!("{error}; expected a decimal with at most 9 decimals"))
    })?;
    Ok(money_from_scaled(i128::from(scaled), MONEY_DECIMALS))
}

/// An amount from 0 to [`AMOUNT_MAX`].
pub(super) fn amount(key: &str, value: &Value) -> Result<Money, ConfigError> {
    let found = money(key, value)?;
    if (Money::ZERO..=Money::from_num(AMOUNT_MAX)).contains(&found) {
        return Ok(found);
    }
    Err(wrong(key, &found, &format!("expected 0 to {AMOUNT_MAX}")))
}

/// A fee, an interest or a slippage: a fraction of a value, up to a tenth. Whoever writes percent
/// is told so instead of being charged a hundred times as much.
pub(super) fn rate(key: &str, value: &Value) -> Result<Money, ConfigError> {
    let found = money(key, value)?;
    if found >= 0 && found * 10 <= 1 {
        return Ok(found);
    }
    Err(wrong(key, &found, "expected a fraction from 0 to 0.1; 0.001 is 0.1 %"))
}

pub(super) fn range(key: &str, value: u64, min: u64, max: u64) -> Result<(), ConfigError> {
    if (min..=max).contains(&value) {
        return Ok(());
    }
    Err(wrong(key, &value, &format!("expected {min} to {max}")))
}

/// The same for a count that is kept in 32 bits.
pub(super) fn narrow(key: &str, value: u64, min: u64, max: u32) -> Result<u32, ConfigError> {
    range(key, value, min, u64::from(max))?;
    Ok(u32::try_from(value).unwrap_or(max))
}

pub(super) fn float(key: &str, value: f64, min: f64, max: f64) -> Result<f64, ConfigError> {
    if (min..=max).contains(&value) {
        return Ok(value);
    }
    Err(wrong(key, &value, &format!("expected {min} to {max}")))
}

pub(super) fn count(key: &str, len: usize, max: usize) -> Result<(), ConfigError> {
    if (1..=max).contains(&len) {
        return Ok(());
    }
    Err(wrong(key, &format!("{len} entries"), &format!("expected 1 to {max}")))
}

/// A word that `find` knows; `known` lists them for the message.
pub(super) fn word<T>(
    key: &str,
    value: &str,
    known: &[&str],
    find: impl FnOnce(&str) -> Option<T>,
) -> Result<T, ConfigError> {
    find(value).ok_or_else(|| {
        let quoted: Vec<String> = known.iter().map(|word| format!("{word:?}")).collect();
        wrong(key, &value, &format!("expected {}", quoted.join(", ")))
    })
}

pub(super) fn wrong(key: &str, value: &dyn Display, expected: &str) -> ConfigError {
    ConfigError::Value {
        key: key.to_owned(),
        value: value.to_string(),
        expected: expected.to_owned(),
    }
}
