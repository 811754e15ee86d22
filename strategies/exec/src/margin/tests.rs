use super::*;

const fn whole(value: i64) -> Money {
    Money::from_bits((value as i128) << 64)
}

fn rules() -> MarginRules {
    MarginRules::default()
}

fn standing(equity: i64, long: i64, short: i64) -> Standing {
    Standing { equity: whole(equity), baseline: whole(100), long: whole(long), short: whole(short) }
}

#[test]
fn limits_are_cumulative_over_both_sides() {
    let rules = rules();
    assert!(rules.holds(&standing(100, 150, 0)));
    assert!(!rules.holds(&standing(100, 151, 0)));
    assert!(rules.holds(&standing(100, 0, 200)));
    assert!(rules.holds(&standing(100, 75, 100)), "half of each");
    assert!(!rules.holds(&standing(100, 75, 101)));
    assert_eq!(rules.room(PositionSide::Short, &standing(100, 75, 0), Money::ZERO), whole(100));
    assert_eq!(rules.room(PositionSide::Long, &standing(100, 150, 0), Money::ZERO), whole(0));
}

#[test]
fn a_side_with_no_leverage_takes_nothing() {
    let rules = MarginRules { short_leverage: Money::ZERO, ..rules() };
    assert_eq!(rules.room(PositionSide::Short, &standing(100, 0, 0), Money::ZERO), 0);
    assert!(!rules.holds(&standing(100, 0, 1)));
    assert!(rules.holds(&standing(100, 10, 0)));
}

#[test]
fn the_base_can_be_frozen_at_the_start() {
    let rich = standing(200, 0, 0);
    let with = |base| MarginRules { base, ..rules() };
    let room = |base| with(base).room(PositionSide::Short, &rich, Money::ZERO);
    assert_eq!(room(LeverageBase::Current), whole(400));
    assert_eq!(room(LeverageBase::Starting), whole(200));
    assert_eq!(room(LeverageBase::Smaller), whole(200));
}

#[test]
fn liquidation_prices_are_those_of_the_textbook() {
    let rules = rules();
    // 150 long on 100 of equity: at 0.444 of the entry.
    let long = rules.liquidation_factor(PositionSide::Long, whole(150), &standing(100, 150, 0));
    assert!((long.unwrap() - Money::from_num(0.5) / Money::from_num(1.125)).abs() < 1e-12);
    // 200 short on 100 of equity: at 1.2 times the entry.
    let short = rules.liquidation_factor(PositionSide::Short, whole(200), &standing(100, 0, 200));
    assert!((short.unwrap() - Money::from_num(1.2)).abs() < 1e-12);
    // An unleveraged long never.
    let safe = rules.liquidation_factor(PositionSide::Long, whole(100), &standing(100, 100, 0));
    assert_eq!(safe, None);
}

#[test]
fn at_the_liquidation_price_the_call_comes_and_not_before() {
    let rules = rules();
    for (side, value) in [(PositionSide::Long, 150), (PositionSide::Short, 180)] {
        let (long, short) = if side == PositionSide::Long { (value, 40) } else { (30, value) };
        let now = standing(100, long, short);
        let factor = rules.liquidation_factor(side, whole(value), &now).unwrap();
        let sign = if side == PositionSide::Long { Money::ONE } else { -Money::ONE };
        let moved = |factor: Money| {
            let change = whole(value) * (factor - Money::ONE);
            let mut then = now;
            then.equity += sign * change;
            match side {
                PositionSide::Long => then.long += change,
                PositionSide::Short => then.short += change,
            }
            then
        };
        let a_bit = Money::from_num(1e-6);
        assert!(rules.is_called(&moved(factor - sign * a_bit)));
        assert!(!rules.is_called(&moved(factor + sign * a_bit)));
    }
}

#[test]
fn only_what_is_worth_more_than_equity_is_borrowed() {
    assert_eq!(MarginRules::borrowed_share(&standing(100, 100, 0)), 0);
    let share = MarginRules::borrowed_share(&standing(100, 150, 0));
    assert!((share - Money::from_num(1) / whole(3)).abs() < 1e-12);
}
