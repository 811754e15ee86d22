use proptest::prelude::*;

use super::*;

const HOUR_NS: i64 = DAY_NS / 24;

fn day(day: i64) -> ExchNs {
    ExchNs::new(day * DAY_NS)
}

#[test]
fn a_trade_counts_on_thirty_days_and_leaves_at_midnight() {
    let mut volume = Volume30d::new(Money::ZERO);
    volume.add(day(100).plus_hours(23), Money::from_num(7));
    volume.add(day(101), Money::from_num(5));
    assert_eq!(volume.total(day(101)), 12);
    assert_eq!(volume.total(day(129).plus_hours(23)), 12);
    assert_eq!(volume.total(day(130)), 5);
    assert_eq!(volume.total(day(131)), 0);
}

#[test]
fn a_starting_volume_leaves_by_thirtieths() {
    let mut volume = Volume30d::new(Money::from_num(3000));
    for passed in 0..=30 {
        assert_eq!(volume.total(day(-7 + passed)), 3000 - 100 * i128::from(passed));
    }
    assert_eq!(volume.total(day(1000)), 0);
}

#[test]
fn what_does_not_divide_by_thirty_is_not_lost_and_leaves_last() {
    let starting = Money::from_num(1000);
    let mut volume = Volume30d::new(starting);
    let share = starting / 30;
    assert_ne!(share * 30, starting);
    assert_eq!(volume.total(day(17)), starting);
    assert_eq!(volume.total(day(18)), starting - share);
    assert_eq!(volume.total(day(46)), starting - share * 29);
    assert_eq!(volume.total(day(47)), 0);
}

#[test]
fn a_late_trade_counts_on_its_own_day_or_not_at_all() {
    let mut volume = Volume30d::new(Money::ZERO);
    volume.add(day(50), Money::ONE);
    volume.add(day(21), Money::from_num(2));
    volume.add(day(20), Money::from_num(4));
    assert_eq!(volume.total(day(3)), 3);
    assert_eq!(volume.total(day(51)), 1);
}

trait PlusHours {
    fn plus_hours(self, hours: i64) -> Self;
}

impl PlusHours for ExchNs {
    fn plus_hours(self, hours: i64) -> Self {
        Self::new(self.raw() + hours * HOUR_NS)
    }
}

proptest! {
    /// Against the sum over the whole list of trades, exactly.
    #[test]
    fn total_is_the_sum_over_the_last_thirty_days(
        starting in 0u64..1_000_000,
        first in -40i64..20_000,
        steps in prop::collection::vec((-40i64..1_500, 0u64..1_000_000_000), 1..200),
    ) {
        let starting = Money::from_num(starting) / 7;
        let mut volume = Volume30d::new(starting);
        prop_assert_eq!(volume.total(day(first)), starting);
        let mut trades: Vec<(i64, Money)> =
            (0..30).map(|ago| (first - ago, starting / 30)).collect();
        trades[0].1 += starting - starting / 30 * 30;
        let (mut now, mut today) = (first * 24, first);
        for (hours, value) in steps {
            now += hours;
            let at = ExchNs::new(now * HOUR_NS);
            let value = Money::from_num(value) / 11;
            volume.add(at, value);
            today = today.max(now.div_euclid(24));
            trades.push((now.div_euclid(24), value));
            let want: Money =
                trades.iter().filter(|(on, _)| *on > today - 30).map(|(_, value)| *value).sum();
            prop_assert_eq!(volume.total(at), want);
        }
    }
}
