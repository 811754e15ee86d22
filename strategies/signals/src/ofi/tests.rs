use paperwire_core::book::Level;
use paperwire_core::num::{Px, Qty};
use proptest::prelude::*;

use super::*;
use crate::golden::assert_close;

fn bbo(bid: (i64, i64), ask: (i64, i64)) -> Bbo {
    let level = |(px, qty)| Level { px: Px::new(px), qty: Qty::new(qty) };
    Bbo { bid: level(bid), ask: level(ask) }
}

#[track_caller]
fn check(bid: (i64, i64), ask: (i64, i64), want: f64) {
    let before = bbo((100, 10), (102, 20));
    assert_close(Some(imbalance(&before, &bbo(bid, ask))), want, 0.0);
}

#[test]
fn every_way_the_touch_can_change() {
    check((100, 13), (102, 20), 3.0); // bid grows
    check((100, 4), (102, 20), -6.0); // bid shrinks
    check((101, 5), (102, 20), 5.0); // a better bid adds its size
    check((99, 50), (102, 20), -10.0); // the bid is gone
    check((100, 10), (102, 25), -5.0); // ask grows
    check((100, 10), (101, 7), -7.0); // a better ask
    check((100, 10), (103, 70), 20.0); // the ask was lifted
}

proptest! {
    #[test]
    fn equals_the_weighted_sums(
        steps in prop::collection::vec(((95i64..100, 1i64..50), (100i64..105, 1i64..50), 0u64..5_000_000_000), 2..120),
    ) {
        let mut ofi = Ofi::new(1);
        let mut at = ExchNs::new(0);
        let mut events: Vec<(f64, ExchNs)> = Vec::new();
        let mut before = None;
        for (bid, ask, wait) in steps {
            at = at.plus(DurationNs::new(wait));
            let now = bbo(bid, ask);
            if let Some(before) = before && before != now {
                events.push((imbalance(&before, &now), at));
            }
            before = Some(now);
            ofi.push(&now, at);
        }
        let mean = |tau: f64, value: fn(f64) -> f64| {
            let last = events.last().unwrap().1;
            let weight = |at: ExchNs| (-(last.since(at).raw() as f64) / tau).exp();
            let total: f64 = events.iter().map(|(_, at)| weight(*at)).sum();
            events.iter().map(|(e, at)| value(*e) * weight(*at)).sum::<f64>() / total
        };
        if !events.is_empty() {
            let size = mean(600e9, f64::abs);
            if size > 0.0 {
                assert_close(ofi.value(), mean(10e9, |e| e) / size, 1e-9);
            } else {
                prop_assert_eq!(ofi.value(), None);
            }
        }
    }
}

#[test]
fn not_ready_before_enough_changes_and_unlinked_by_a_gap() {
    let mut ofi = Ofi::new(2);
    let quotes = [(100, 1), (100, 2), (100, 2), (100, 3)];
    let ready = quotes.map(|bid| {
        ofi.push(&bbo(bid, (101, 1)), ExchNs::new(1));
        ofi.value().is_some()
    });
    assert_eq!(ready, [false, false, false, true]);
    ofi.unlink();
    ofi.push(&bbo((50, 1_000_000), (51, 1)), ExchNs::new(2));
    assert_close(ofi.value(), 1.0, 1e-12);
}
