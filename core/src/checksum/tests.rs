use super::*;
use crate::num::Decimal;
use proptest::prelude::*;

proptest! {
    #[test]
    fn the_wires_digits_equal_the_integers_digits(
        px in 1i64..i64::MAX, qty in 1i64..i64::MAX, pp in 0u8..=10, qp in 0u8..=10,
    ) {
        let mut text = LevelText::EMPTY;
        let wire_px = Decimal::new(px, pp).to_string();
        let wire_qty = Decimal::new(qty, qp).to_string();
        prop_assert_eq!(text.push_wire(wire_px.as_bytes(), pp), Ok(px));
        prop_assert_eq!(text.push_wire(wire_qty.as_bytes(), qp), Ok(qty));
        prop_assert_eq!(text, LevelText::new(Px::new(px), Qty::new(qty)));
    }
}

#[test]
fn numbers_that_are_not_the_wires_are_refused() {
    let parse =
        |token: &str, precision| LevelText::EMPTY.clone().push_wire(token.as_bytes(), precision);
    assert_eq!(parse("0.1", 1), Ok(1));
    assert_eq!(parse("0.00000000", 8), Ok(0));
    assert_eq!(parse("0.10", 1), Err(DecimalError::Precision));
    assert_eq!(parse("1e5", 0), Err(DecimalError::Syntax));
    assert_eq!(parse("-1.0", 1), Err(DecimalError::Syntax));
    assert_eq!(parse("", 0), Err(DecimalError::Syntax));
    assert_eq!(parse(".5", 1), Err(DecimalError::Syntax));
    assert_eq!(parse("5.", 0), Err(DecimalError::Syntax));
    assert_eq!(parse("05.0", 1), Err(DecimalError::Syntax));
    assert_eq!(parse("00.5", 1), Err(DecimalError::Syntax));
    assert_eq!(parse("9223372036854775807", 0), Ok(i64::MAX));
    assert_eq!(parse("9223372036854775808", 0), Err(DecimalError::Overflow));
    assert_eq!(parse("99999999999999999999", 0), Err(DecimalError::Overflow));
}
