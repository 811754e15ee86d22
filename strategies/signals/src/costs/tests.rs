use paperwire_core::instrument::TradingStatus;
use paperwire_core::num::{Money, Qty};

use super::*;
use crate::golden::assert_close;

#[test]
fn both_fees_and_the_spread_are_taken_from_a_move() {
    assert_close(Some(net_move_pct(1.0, 0.001, 0.001, 0.05, 1.0)), 0.75, 1e-12);
    assert_close(Some(net_move_pct(0.8, 0.004, 0.004, 0.02, 1.0)), -0.02, 1e-12);
    assert_close(Some(net_move_pct(1.0, 0.001, 0.001, 0.05, 0.0)), 0.8, 1e-12);
}

#[test]
fn a_short_earns_when_the_price_falls() {
    assert_close(Some(profit_pct(PositionSide::Long, 100.0, 101.0)), 1.0, 1e-12);
    assert_close(Some(profit_pct(PositionSide::Short, 100.0, 101.0)), -1.0, 1e-12);
}

#[test]
fn the_entry_price_is_the_average_whatever_the_side() {
    let instrument = Instrument {
        name: "XRP/USD".try_into().unwrap(),
        base: "XRP".try_into().unwrap(),
        quote: "USD".try_into().unwrap(),
        price_precision: 5,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    };
    for sign in [1, -1] {
        let position = Position {
            lots: sign * 400_000_000,
            cost: Money::from_num(sign * 10),
            ..Position::default()
        };
        assert_close(entry_price(&position, &instrument), 2.5, 1e-12);
    }
    assert_eq!(entry_price(&Position::default(), &instrument), None);
}
