use super::*;

/// A number, the time of its trade, and what becomes of it.
#[track_caller]
fn check(numbers: &mut TradeNumbers, trades: &[(i64, i64, Number)]) {
    for (index, &(id, at, expected)) in trades.iter().enumerate() {
        assert_eq!(numbers.take(id, ExchNs::new(at)), expected, "trade {index}");
    }
}

const fn next(missed: u64) -> Number {
    Number::Next { missed }
}

#[test]
fn numbers_tell_what_was_seen_and_what_was_missed() {
    let mut numbers = TradeNumbers::new();
    check(
        &mut numbers,
        &[
            (100, 1, next(0)),
            (101, 1, next(0)),
            (104, 2, next(2)),
            (101, 1, Number::Seen),
            (104, 2, Number::Seen),
            (105, 2, next(0)),
        ],
    );
}

#[test]
fn a_damaged_number_costs_no_trade_and_poisons_nothing() {
    for damaged in [101 + 1_000_000, 101 + 999_999, 101 + 5_000, 7, i64::from(u32::MAX)] {
        let mut numbers = TradeNumbers::new();
        check(
            &mut numbers,
            &[
                (100, 1, next(0)),
                (damaged, 2, Number::Odd),
                (102, 3, next(1)),
                (damaged, 2, Number::Seen),
                (103, 4, next(0)),
            ],
        );
    }
    // One that could be a gap moves the number, and the next three move it back.
    let mut numbers = TradeNumbers::new();
    check(
        &mut numbers,
        &[
            (100, 1, next(0)),
            (600, 2, next(499)),
            (102, 3, Number::Odd),
            (103, 4, Number::Odd),
            (104, 5, Number::Jumped { from: 600 }),
            (105, 6, next(0)),
        ],
    );
}

#[test]
fn a_new_row_of_numbers_is_believed_in_both_directions() {
    for start in [1, 1_000_000, 50_000_000] {
        let mut numbers = TradeNumbers::new();
        check(
            &mut numbers,
            &[
                (10_000, 1, next(0)),
                (start, 2, Number::Odd),
                (start + 1, 2, Number::Odd),
                (start + 2, 3, Number::Jumped { from: 10_000 }),
                (start + 3, 4, next(0)),
                (10_000, 1, Number::Seen),
            ],
        );
    }
}

#[test]
fn a_reconnect_believes_the_next_number_that_was_not_seen() {
    let mut numbers = TradeNumbers::new();
    check(&mut numbers, &[(100, 1, next(0)), (101, 2, next(0))]);
    numbers.open();
    check(
        &mut numbers,
        &[
            (100, 1, Number::Seen),
            (101, 2, Number::Seen),
            (5, 3, Number::Jumped { from: 101 }),
            (6, 4, next(0)),
            (9_000, 5, Number::Odd),
        ],
    );
}
