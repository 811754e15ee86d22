use super::*;
use crate::checksum::LevelText;
use crate::num::Decimal;
use proptest::prelude::*;

/// The text amid bytes that would be digits, were its start or its end missed.
fn around(text: &str) -> [u8; 32] {
    let mut bytes = [b'7'; 32];
    bytes[16..16 + text.len()].copy_from_slice(text.as_bytes());
    bytes
}

#[track_caller]
fn check(text: &str, precision: u8, expected: Option<(i64, &str)>) {
    let seen = WireNumber::read(&around(text), b',', precision);
    let digits = seen.map(|n| (n.value, n.text.to_le_bytes(), n.text_len, n.token_len));
    let expected = expected.map(|(value, digits)| {
        let mut bytes = [0; 16];
        bytes[..digits.len()].copy_from_slice(digits.as_bytes());
        (value, bytes, digits.len(), text.find(',').unwrap())
    });
    assert_eq!(digits, expected, "{text}");
}

#[test]
fn a_token_is_read_whole_or_declined() {
    check("63395.2,", 1, Some((633_952, "633952")));
    check("0.05500000,", 8, Some((5_500_000, "5500000")));
    check("0.00000000,", 8, Some((0, "")));
    check("7,", 0, Some((7, "7")));
    check("0,", 0, Some((0, "")));
    check("123456789012345,", 0, Some((123_456_789_012_345, "123456789012345")));
    check("1.2345678901234,", 13, Some((12_345_678_901_234, "12345678901234")));
    // Longer than one word: for the reader by characters.
    check("1234567890123456", 0, None);
    for (text, precision) in [
        (",", 0),
        (",", 1),
        (".5,", 1),
        ("5.,", 0),
        ("5.,", 1),
        ("5,", 1),
        ("5.0,", 0),
        ("5.00,", 1),
        ("05.0,", 1),
        ("00,", 0),
        ("-5.0,", 1),
        ("+5.0,", 1),
        ("5.0e1,", 1),
        ("5..0,", 1),
        ("5. 0,", 2),
        ("5/0.0,", 1),
        ("5:0.0,", 1),
        ("5\u{7f}0.0,", 1),
        ("0.1,", 18),
    ] {
        check(text, precision, None);
    }
}

proptest! {
    #[test]
    fn the_word_and_the_characters_agree(
        raw in 0i64..100_000_000_000_000,
        precision in 0u8..=12,
        damage in prop::option::of((0usize..16, any::<u8>())),
    ) {
        let mut text = Decimal::new(raw, precision).to_string();
        prop_assume!(text.len() < 16);
        text.push(',');
        let mut bytes = around(&text);
        if let Some((at, byte)) = damage {
            bytes[16 + at] = byte;
        }
        let Some(number) = WireNumber::read(&bytes, b',', precision) else {
            prop_assert!(damage.is_some(), "{text} declined");
            return Ok(());
        };
        let token = bytes[16..].split(|&byte| byte == b',').next().unwrap();
        let mut slow = LevelText::EMPTY;
        prop_assert_eq!(slow.push_wire(token, precision), Ok(number.value));
        prop_assert_eq!(slow.as_bytes(), &number.text.to_le_bytes()[..number.text_len]);
        prop_assert_eq!(number.token_len, token.len());
    }

    #[test]
    fn eight_characters_are_a_number_if_all_are_digits(text in prop::array::uniform8(0x28u8..0x40)) {
        let slow = std::str::from_utf8(&text).unwrap();
        let slow = (!slow.starts_with('+')).then(|| slow.parse().ok()).flatten();
        prop_assert_eq!(eight_digits(text), slow);
    }
}
