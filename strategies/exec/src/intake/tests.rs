use paperwire_core::book::Level;
use paperwire_core::strategy::{Reason, Signal};
use proptest::prelude::*;

use super::*;
use crate::testkit::{BTC, instrument, usd};

fn look<'a>(of: &'a Instrument, position: &'a Position, rate: Money) -> Look<'a> {
    let level = |px| Level { px: Px::new(px), qty: Qty::new(1) };
    Look {
        instrument: of,
        position,
        bbo: Bbo { bid: level(999_990), ask: level(1_000_000) },
        quote_rate: rate,
        flip: Flip::Reject,
        at: ExchNs::new(0),
    }
}

fn signal(action: Action, size: Size) -> Signal {
    Signal::new(BTC, action, size, Reason::new("test"))
}

fn held(lots: i64) -> Position {
    Position { lots, ..Position::default() }
}

#[test]
fn sizes_become_whole_lots_at_the_price_they_would_pay() {
    let mut of = instrument("BTC/USD", 1);
    of.qty_increment = Qty::new(100);
    let flat = Position::default();
    let look = look(&of, &flat, Money::ONE);
    // 12.34567 dollars at the ask of 100,000.0 are 12,345.67 lots.
    let sized = size(&signal(Action::Buy, Size::Notional(usd(12.34567))), &look).unwrap();
    assert_eq!(
        (sized.qty, sized.side, sized.px),
        (Qty::new(12_300), OrderSide::Buy, Px::new(1_000_000))
    );
    let limit = signal(Action::Buy, Size::Notional(usd(12.34567)));
    let limit = limit.order(OrderSpec::limit(Px::new(500_000)));
    assert_eq!(size(&limit, &look).unwrap().qty, Qty::new(24_600), "at its own limit");
}

#[test]
fn an_exit_is_at_most_the_position_and_leaves_no_rest_that_cannot_be_sold() {
    let mut of = instrument("BTC/USD", 1);
    of.qty_min = Qty::new(1_000);
    let table = [
        (Action::Sell, 5_000, Size::Base(Qty::new(9_000)), 5_000, false),
        (Action::Sell, 5_000, Size::Base(Qty::new(2_000)), 2_000, false),
        (Action::Sell, 5_000, Size::Base(Qty::new(4_500)), 5_000, true),
        (Action::Cover, -5_000, Size::All, 5_000, true),
        (Action::Close, -5_000, Size::Base(Qty::new(1)), 5_000, true),
    ];
    for (action, lots, wanted, qty, is_whole) in table {
        let position = held(lots);
        let sized = size(&signal(action, wanted), &look(&of, &position, Money::ONE)).unwrap();
        assert_eq!((sized.qty, sized.is_whole), (Qty::new(qty), is_whole), "{action:?} {lots}");
    }
    let short = held(-5_000);
    let wrong = size(&signal(Action::Sell, Size::All), &look(&of, &short, Money::ONE));
    assert_eq!(wrong, Err(RejectReason::NoPosition), "a sell never opens nor adds to a short");
}

#[test]
fn the_venues_word_decides_what_is_taken() {
    let position = held(5_000);
    let buy = |order| signal(Action::Buy, Size::Base(Qty::new(5_000))).order(order);
    let sell = signal(Action::Sell, Size::All);
    let limit = OrderSpec::limit(Px::new(900_000));
    let post = OrderSpec::post_only(Px::new(900_000));
    let table = [
        (TradingStatus::Online, [true, true, true, true]),
        (TradingStatus::LimitOnly, [false, true, true, false]),
        (TradingStatus::PostOnly, [false, false, true, false]),
        (TradingStatus::ReduceOnly, [false, false, false, true]),
        (TradingStatus::CancelOnly, [false; 4]),
        (TradingStatus::Closed, [false; 4]),
    ];
    for (status, taken) in table {
        let of = Instrument { status, ..instrument("BTC/USD", 1) };
        let look = look(&of, &position, Money::ONE);
        let wishes = [buy(OrderSpec::MARKET), buy(limit), buy(post), sell];
        assert_eq!(wishes.map(|wish| size(&wish, &look).is_ok()), taken, "{status:?}");
    }
}

#[test]
fn prices_lie_on_the_grid() {
    let of = Instrument { price_increment: Px::new(5), ..instrument("BTC/USD", 1) };
    for (px, is_good) in [(5, true), (10, true), (7, false), (0, false), (-5, false)] {
        assert_eq!(check_px(Px::new(px), &of).is_ok(), is_good, "{px}");
    }
}

proptest! {
    /// What is cut is never worth more than the room, never above the wish, never below the minimum.
    #[test]
    fn a_cut_fits_the_room(wish in 0.01f64..1e6, room in -10.0f64..1e6, rate in 0.0001f64..2e5) {
        let of = instrument("BTC/USD", 1);
        let flat = Position::default();
        let look = look(&of, &flat, usd(rate));
        let wanted = size(&signal(Action::Buy, Size::Notional(usd(wish))), &look).unwrap();
        match cut(wanted, usd(room), RejectReason::NoFunds, &look) {
            Ok(sized) => {
                prop_assert!(sized.qty <= wanted.qty);
                prop_assert!(sized.qty >= of.qty_min);
                let value = of.money(sized.px.notional(sized.qty)) * look.quote_rate;
                prop_assert!(value <= usd(room) + usd(1e-9), "{value} in {room}");
            }
            Err(why) => prop_assert!(
                matches!(why, RejectReason::NoFunds | RejectReason::BelowMinimum)
            ),
        }
    }
}
