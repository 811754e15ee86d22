use paperwire_core::ladder::BookSide;

use super::*;

const BTC: SymbolId = SymbolId(0);

fn levels(rows: &[(i64, i64)]) -> Vec<Level> {
    rows.iter().map(|(px, qty)| Level { px: Px::new(*px), qty: Qty::new(*qty) }).collect()
}

fn buy(levels: &[Level], qty: i64, limit: Option<i64>) -> Taker<'_> {
    Taker {
        symbol: BTC,
        side: OrderSide::Buy,
        qty: Qty::new(qty),
        limit: limit.map(Px::new),
        levels,
    }
}

#[test]
fn a_walk_pays_each_level_its_price_and_rounds_the_average_once() {
    let asks = levels(&[(100, 3), (101, 4), (103, 100)]);
    let walk = BookWalk.take(&buy(&asks, 10, None), &Consumed::default());
    assert_eq!(walk.qty, Qty::new(10));
    assert_eq!(walk.notional, Notional::new(3 * 100 + 4 * 101 + 3 * 103));
    assert_eq!((walk.worst_px, walk.levels), (Px::new(103), 3));
    assert_eq!(walk.average_px(), Px::new(101)); // 101.3
    let walk = BookWalk.take(&buy(&asks, 10, Some(101)), &Consumed::default());
    assert_eq!((walk.qty, walk.levels), (Qty::new(7), 2), "not beyond its limit");
    let walk = BookWalk.take(&buy(&asks, 1_000, None), &Consumed::default());
    assert_eq!(walk.qty, Qty::new(107), "the visible book is all there is");
    assert_eq!(BookWalk.take(&buy(&[], 1, None), &Consumed::default()), Walk::default());
}

#[test]
fn what_was_taken_is_not_there_for_the_next() {
    let asks = levels(&[(100, 3), (101, 4)]);
    let mut consumed = Consumed::default();
    for (wanted, got, at) in [(2, 2, 100), (2, 2, 101), (9, 3, 101), (1, 0, 0)] {
        let walk = BookWalk.take(&buy(&asks, wanted, None), &consumed);
        assert_eq!((walk.qty, walk.worst_px), (Qty::new(got), Px::new(at)));
        BookWalk.commit(&buy(&asks, got, None), &mut consumed);
    }
    assert_eq!(consumed.at(BTC, BookSide::Ask, Px::new(101)), Qty::new(4));
    assert_eq!(consumed.at(SymbolId(1), BookSide::Ask, Px::new(101)), Qty::ZERO);
}

#[test]
fn the_bracket_is_ordered_for_a_taker() {
    let asks = levels(&[(100, 4), (110, 4), (120, 50)]);
    let cost = |model: &dyn FillModel| {
        model.take(&buy(&asks, 6, None), &Consumed::default()).notional.raw()
    };
    assert_eq!(cost(&Pessimistic), 2 * 100 + 2 * 110 + 2 * 120);
    assert_eq!(cost(&Queue), 4 * 100 + 2 * 110);
    assert_eq!(cost(&Optimistic), 6 * 100);
}

#[test]
fn a_print_fills_a_resting_order_by_the_model_and_never_one_it_cannot_have_met() {
    let rest =
        Rest { side: OrderSide::Buy, px: Px::new(100), left: Qty::new(10), shown: Qty::new(10) };
    let print = |px: i64, qty: i64, taker| Print {
        px: Px::new(px),
        qty: Qty::new(qty),
        taker,
        at: ExchNs::new(5),
    };
    let fills = |model: &dyn FillModel, print: Print| {
        let mut queue = QueuePosition::enter(Some(Qty::new(2)), ExchNs::new(1));
        model.on_print(&rest, &mut queue, &print).raw()
    };
    let models: [&dyn FillModel; 4] = [&Pessimistic, &BookWalk, &Queue, &Optimistic];
    let table = [
        (print(101, 50, OrderSide::Sell), [0, 0, 0, 0], "above our bid: not our turn"),
        (print(100, 5, OrderSide::Buy), [0, 0, 0, 0], "a buyer does not take our bid"),
        (print(100, 5, OrderSide::Sell), [0, 0, 3, 10], "two were ahead"),
        (print(99, 5, OrderSide::Sell), [5, 5, 5, 10], "through: at least what came through"),
    ];
    for (print, wanted, why) in table {
        assert_eq!(models.map(|model| fills(model, print)), wanted, "{why}");
    }
    let old = Print { at: ExchNs::new(1), ..print(99, 5, OrderSide::Sell) };
    assert_eq!(models.map(|model| fills(model, old)), [0; 4], "from before it rested");
}

#[test]
fn every_name_makes_its_model() {
    for name in NAMES.into_iter().chain(BRACKET) {
        assert_eq!(by_name(name, Money::ZERO).unwrap().name(), name);
    }
    assert!(by_name("hope", Money::ZERO).is_none());
}
