use paperwire_core::num::{Px, Qty};
use paperwire_core::trade::{OrderSide, TradeTick};

use super::*;

fn tape(orders: i64) -> TradeTape {
    let mut tape = TradeTape::new();
    for i in 0..orders {
        tape.push(&TradeTick {
            at: ExchNs::new(i * 1_000_000_000),
            px: Px::new(100),
            qty: Qty::new(1),
            taker: if i % 4 == 0 { OrderSide::Sell } else { OrderSide::Buy },
            ..TradeTick::default()
        });
    }
    tape
}

#[track_caller]
fn check(orders: i64, window: usize, now_s: i64, want: Option<usize>) {
    let (now, age) = (ExchNs::new(now_s * 1_000_000_000), DurationNs::from_secs(60));
    let flow = fresh_flow(&tape(orders), window, now, age);
    assert_eq!(flow.map(|f| f.entries), want);
}

#[test]
fn few_or_old_orders_are_no_flow() {
    check(0, 50, 0, None);
    check(19, 50, 19, None);
    check(20, 50, 20, Some(20));
    check(80, 50, 80, Some(50));
    check(80, 50, 90, Some(50)); // the oldest is 60 s old
    check(80, 50, 91, None);
    check(5, 5, 5, Some(5)); // a short window needs only itself
}

#[test]
fn imbalance_is_of_the_window() {
    let flow = fresh_flow(&tape(80), 40, ExchNs::new(0), DurationNs::from_secs(60)).unwrap();
    assert_eq!(flow.imbalance(), Some(0.5));
}
