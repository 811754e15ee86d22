use paperwire_core::instrument::{AssetName, SymbolName};
use paperwire_core::strategy::Reason;

use super::*;

fn instrument(price_precision: u8) -> Instrument {
    Instrument {
        name: SymbolName::from("A/B").unwrap(),
        base: AssetName::from("A").unwrap(),
        quote: AssetName::from("B").unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1_000),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

fn signal(action: Action, size: Size) -> Signal {
    Signal {
        symbol: paperwire_core::instrument::SymbolId(0),
        action,
        size,
        stop: ExitLevel::Keep,
        target: ExitLevel::Keep,
        reason: Reason::new("test"),
        tag: 0,
    }
}

fn level(px: i64, qty: i64) -> Level {
    Level { px: Px::new(px), qty: Qty::new(qty) }
}

#[test]
fn an_order_walks_the_book_level_by_level() {
    let book = [level(100, 5), level(101, 5), level(103, 5)];
    let check = |qty, filled, notional, worst, levels| {
        let walk = walk(&book, Qty::new(qty)).unwrap();
        let expected = Walk {
            qty: Qty::new(filled),
            notional: Notional::new(notional),
            worst_px: Px::new(worst),
            levels,
        };
        assert_eq!(walk, expected);
    };
    check(3, 3, 300, 100, 1);
    check(5, 5, 500, 100, 1);
    check(12, 12, 500 + 505 + 206, 103, 3);
    check(99, 15, 500 + 505 + 515, 103, 3); // as far as the book is visible
    assert_eq!(walk(&[], Qty::new(1)), None);
}

fn sized(
    signal: &Signal,
    lots: i64,
    room: f64,
    rate: f64,
    px: i64,
    precision: u8,
) -> Result<Intent, RejectReason> {
    let instrument = instrument(precision);
    let position = Position { lots, ..Position::default() };
    let sizing = Sizing {
        instrument: &instrument,
        position: &position,
        ask: Px::new(px),
        bid: Px::new(px),
        quote_rate: Money::from_num(rate),
        room: Money::from_num(room),
    };
    intent(signal, &sizing)
}

#[test]
fn fifteen_dollars_of_xrp_btc_are_seven_and_a_half_xrp() {
    // 0.00002 BTC an XRP, 100,000 USD a BTC.
    let buy = signal(Action::Buy, Size::Notional(Money::from_num(15)));
    let result = sized(&buy, 0, 100.0, 100_000.0, 2_000, 8);
    assert_eq!(result, Ok(Intent::Enter(OrderSide::Buy, Qty::new(750_000_000))));
}

#[test]
fn direction_and_position_decide_what_a_signal_may_do() {
    let size = Size::Base(Qty::new(5_000));
    let check = |action, lots, expected| {
        assert_eq!(
            sized(&signal(action, size), lots, 1e6, 1.0, 100, 1),
            expected,
            "{action:?} at {lots}"
        );
    };
    use RejectReason::{NoPosition, OppositePosition};
    check(Action::Buy, -10_000, Err(OppositePosition));
    check(Action::Short, 10_000, Err(OppositePosition));
    check(Action::Sell, 0, Err(NoPosition));
    check(Action::Sell, -10_000, Err(NoPosition));
    check(Action::Cover, 10_000, Err(NoPosition));
    check(Action::Protect, 0, Err(NoPosition));
    check(Action::Sell, 10_000, Ok(Intent::Exit(OrderSide::Sell, Qty::new(5_000))));
    check(Action::Sell, 5_500, Ok(Intent::Exit(OrderSide::Sell, Qty::new(5_500)))); // no dust
    check(Action::Sell, 3_000, Ok(Intent::Exit(OrderSide::Sell, Qty::new(3_000)))); // never more
    check(Action::Close, -7_000, Ok(Intent::Exit(OrderSide::Buy, Qty::new(7_000))));
}

#[test]
fn entries_are_capped_by_room_and_floored_by_minimums() {
    let buy = |usd: f64, room: f64| {
        sized(&signal(Action::Buy, Size::Notional(Money::from_num(usd))), 0, room, 1.0, 100, 1)
    };
    // Price 10.0: one dollar is 0.1 of it.
    assert_eq!(buy(50.0, 20.0), Ok(Intent::Enter(OrderSide::Buy, Qty::new(200_000_000))));
    assert_eq!(buy(50.0, 0.0), Err(RejectReason::NoFunds));
    assert_eq!(buy(50.0, 0.000_05), Err(RejectReason::NoFunds));
    assert_eq!(buy(0.000_05, 50.0), Err(RejectReason::BelowMinimum));
    assert_eq!(buy(-1.0, 50.0), Err(RejectReason::BadSize));
}

#[test]
fn stops_and_targets_are_anchored_to_the_fill_and_on_the_right_side() {
    let instrument = instrument(1);
    let check = |side, stop, target, expected| {
        let signal = Signal { stop, target, ..signal(Action::Buy, Size::All) };
        let (entry, now) = (Px::new(10_000), Px::new(9_990));
        assert_eq!(exit_prices(&signal, side, entry, now, &instrument), expected);
    };
    let (stop, target) = (ExitLevel::PctFromFill(0.5), ExitLevel::PctFromFill(1.0));
    let at = |px| Some(Px::new(px));
    check(PositionSide::Long, stop, target, Ok((at(9_950), at(10_100))));
    check(PositionSide::Short, stop, target, Ok((at(10_050), at(9_900))));
    check(
        PositionSide::Long,
        ExitLevel::At(Px::new(9_995)),
        ExitLevel::Keep,
        Err(RejectReason::BadExitLevel),
    );
    check(
        PositionSide::Long,
        ExitLevel::Keep,
        ExitLevel::At(Px::new(9_980)),
        Err(RejectReason::BadExitLevel),
    );
    check(
        PositionSide::Short,
        ExitLevel::At(Px::new(9_995)),
        ExitLevel::Keep,
        Ok((at(9_995), None)),
    );
    check(
        PositionSide::Long,
        ExitLevel::PctFromFill(-1.0),
        ExitLevel::Keep,
        Err(RejectReason::BadExitLevel),
    );
}
