use super::*;
use proptest::prelude::*;

fn tick(at: i64, px: i64, qty: i64, taker: OrderSide) -> TradeTick {
    TradeTick {
        at: ExchNs::new(at),
        px: Px::new(px),
        qty: Qty::new(qty),
        taker,
        ..Default::default()
    }
}

#[test]
fn one_sweep_is_one_entry() {
    let mut tape = TradeTape::new();
    for px in [100, 101, 102] {
        tape.push(&tick(5, px, 2, OrderSide::Buy));
    }
    tape.push(&tick(5, 99, 1, OrderSide::Sell));
    tape.push(&tick(6, 100, 1, OrderSide::Buy));
    assert_eq!((tape.len(), tape.total(), tape.prints()), (3, 3, 5));
    let sweep = tape.newest(2).unwrap();
    assert_eq!((sweep.px, sweep.qty, sweep.prints), (Px::new(102), Qty::new(6), 3));
    assert_eq!(tape.flow(3).notional.raw(), 2 * (100 + 101 + 102) + 99 + 100);
}

proptest! {
    #[test]
    fn any_window_equals_the_sum_of_its_entries(
        trades in prop::collection::vec((0i64..3, 1i64..100, 1i64..50, any::<bool>()), 1..2500),
        window in 0usize..1200,
        skip in 0usize..40,
    ) {
        let mut tape = TradeTape::new();
        // (at, taker, buy, sell, notional) of each taker order
        let mut naive: Vec<(i64, OrderSide, i128, i128, i128)> = Vec::new();
        let mut at = 0;
        for (step, px, qty, buy) in trades {
            at += step;
            let taker = if buy { OrderSide::Buy } else { OrderSide::Sell };
            tape.push(&tick(at, px, qty, taker));
            if naive.last().is_none_or(|last| last.0 != at || last.1 != taker) {
                naive.push((at, taker, 0, 0, 0));
            }
            let last = naive.last_mut().unwrap();
            *(if buy { &mut last.2 } else { &mut last.3 }) += i128::from(qty);
            last.4 += i128::from(px * qty);
        }
        let held = &naive[naive.len().saturating_sub(TAPE_LEN)..];
        let upto = held.len().saturating_sub(skip);
        let part = &held[upto.saturating_sub(window)..upto];
        let flow = tape.flow_between(window, skip);
        prop_assert_eq!(flow.entries, part.len());
        prop_assert_eq!(flow.buy_qty, part.iter().map(|e| e.2).sum::<i128>());
        prop_assert_eq!(flow.sell_qty, part.iter().map(|e| e.3).sum::<i128>());
        prop_assert_eq!(flow.notional.raw(), part.iter().map(|e| e.4).sum::<i128>());
    }
}
