use super::*;
use proptest::prelude::*;

#[track_caller]
fn check(text: &str, precision: u8, expected: Result<i64, DecimalError>) {
    assert_eq!(parse_decimal(text, precision), expected, "{text} at {precision}");
}

#[test]
fn every_number_form_of_the_instrument_channel_parses() {
    check("0.1", 1, Ok(1));
    check("5e-05", 8, Ok(5000));
    check("1E-8", 8, Ok(1));
    check("1.5e3", 0, Ok(1500));
    check("64525.0", 1, Ok(645_250));
    check("-429.3", 1, Ok(-4293));
    check("10", 8, Ok(1_000_000_000));
    check("0e-400", 8, Ok(0));
}

#[test]
fn a_number_that_would_be_rounded_is_refused() {
    check("0.123", 2, Err(DecimalError::Precision));
    check("0.120", 2, Ok(12));
    check("", 2, Err(DecimalError::Syntax));
    check(".", 2, Err(DecimalError::Syntax));
    check("1,5", 2, Err(DecimalError::Syntax));
    check("1e99", 2, Err(DecimalError::Overflow));
    check("99999999999999999999", 0, Err(DecimalError::Overflow));
}

#[test]
fn scaled_money_is_exact_where_binary_is() {
    assert_eq!(money_from_scaled(150, 2), Money::from_num(1.5));
    assert_eq!(money_from_scaled(-150, 2), Money::from_num(-1.5));
    assert_eq!(money_from_scaled(0, 18), Money::ZERO);
    // 13 decimals (XRP/BTC: 8 + 5) and 17 (BTC/USD deep precision) both keep their whole part.
    assert_eq!(money_from_scaled(10i128.pow(17), 17), Money::ONE);
    assert_eq!(money_from_scaled(10i128.pow(20), 20), Money::ONE);
}

proptest! {
    #[test]
    fn shown_and_parsed_again_is_the_same_number(raw in -i64::MAX..i64::MAX, precision in 0u8..=18) {
        let text = Decimal::new(raw, precision).to_string();
        prop_assert_eq!(parse_decimal(&text, precision), Ok(raw));
    }

    #[test]
    fn money_is_within_half_a_bit_of_the_ratio(n in -10i128.pow(24)..10i128.pow(24), p in 6u8..=16) {
        let money = money_from_scaled(n, p);
        // |money * 10^p - n| <= 10^p / 2 in units of 2^-64
        let unit = 10i128.pow(u32::from(p));
        let whole = money.to_bits() >> 64;
        let frac = money.to_bits() - (whole << 64);
        let error = (n - whole * unit) * (1i128 << 32) - ((frac >> 32) * unit);
        prop_assert!(error.abs() <= unit * 2, "{n} / 10^{p} = {money}");
    }
}

proptest! {
    #[test]
    fn narrow_and_wide_amounts_are_rounded_alike(magnitude in any::<u64>(), precision in 1u8..=18) {
        let narrow = money_from_scaled(i128::from(magnitude), precision);
        prop_assert_eq!(Some(narrow), wide_money(false, u128::from(magnitude), precision));
        prop_assert_eq!(money_from_scaled(-i128::from(magnitude), precision), -narrow);
    }
}
