//! Numbers and times as Kraken writes them.
//!
//! Market channels pad every number to the pair's precision and never use an exponent; the
//! `instrument` channel drops trailing zeros and uses one below 0.0001.

use std::fmt::Write;

use paperwire_core::num::Decimal;
use paperwire_core::time::{ExchNs, Rfc3339};

/// Appends formatted text; writing to a `String` cannot fail.
pub(crate) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a string grows as needed");
}

/// Appends an integer of `precision` decimals, padded.
pub(crate) fn push_fixed(out: &mut String, raw: i64, precision: u8) {
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    let mut rest = raw.unsigned_abs();
    let precision = usize::from(precision);
    let mut written = 0;
    while rest > 0 || written <= precision {
        if written == precision && precision > 0 {
            at -= 1;
            digits[at] = b'.';
        }
        at -= 1;
        digits[at] = b'0' + u8::try_from(rest % 10).expect("a decimal digit");
        rest /= 10;
        written += 1;
    }
    if raw < 0 {
        out.push('-');
    }
    out.push_str(std::str::from_utf8(&digits[at..]).expect("digits are ASCII"));
}

/// An instant with six digits of the second.
pub(crate) const fn micros(at: ExchNs) -> Rfc3339 {
    Rfc3339 { at, fraction: 6 }
}

/// An instant with nine digits of the second.
pub(crate) const fn nanos(at: ExchNs) -> Rfc3339 {
    Rfc3339 { at, fraction: 9 }
}

/// An integer of `precision` decimals without trailing zeros: `0.5`, `10`, `5e-05`.
pub(crate) fn short(raw: i64, precision: u8) -> String {
    if raw == 0 {
        return "0".to_owned();
    }
    let (mut raw, mut precision) = (raw, precision);
    while raw % 10 == 0 && precision > 0 {
        raw /= 10;
        precision -= 1;
    }
    let digits = raw.unsigned_abs().to_string();
    let len = i64::try_from(digits.len()).expect("at most 19 digits");
    let exponent = len - 1 - i64::from(precision);
    if exponent >= -4 {
        return Decimal::new(raw, precision).to_string();
    }
    let sign = if raw < 0 { "-" } else { "" };
    let (first, rest) = digits.split_at(1);
    let point = if rest.is_empty() { "" } else { "." };
    format!("{sign}{first}{point}{rest}e-{:02}", -exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padded_numbers_are_written_like_the_reference() {
        for (raw, precision) in [(0, 8), (5100, 8), (645_250, 1), (-429, 2), (7, 0), (-5, 2)] {
            let mut text = String::new();
            push_fixed(&mut text, raw, precision);
            assert_eq!(text, Decimal::new(raw, precision).to_string());
        }
    }

    #[test]
    fn short_numbers_use_an_exponent_below_a_ten_thousandth() {
        let check = |raw, precision, want| assert_eq!(short(raw, precision), want);
        check(1, 8, "1e-08");
        check(5_000, 8, "5e-05");
        check(15, 6, "1.5e-05");
        check(1, 5, "1e-05");
        check(1, 1, "0.1");
        check(1, 4, "0.0001");
        check(2_0000_0000, 8, "2");
        check(50, 2, "0.5");
        check(1_234_567, 3, "1234.567");
    }
}
