use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};

use super::*;
use crate::golden::assert_close;

fn book(bids: &[(i64, i64)], asks: &[(i64, i64)]) -> DepthBook {
    let mut book = DepthBook::new(10);
    for (side, levels) in [(BookSide::Bid, bids), (BookSide::Ask, asks)] {
        for (px, qty) in levels {
            let (px, qty) = (Px::new(*px), Qty::new(*qty));
            book.set(side, Level { px, qty });
        }
    }
    book
}

#[test]
fn golden() {
    // Bids 99.9 x 3 and 99.8 x 5, asks 100.1 x 1 and 100.2 x 4.
    let book = book(&[(999, 3), (998, 5)], &[(1001, 1), (1002, 4)]);
    assert_close(imbalance(&book, 10), 0.230_769_23, 1e-8);
    assert_close(imbalance(&book, 1), 0.5, 1e-12);
    let bbo = book.bbo().unwrap();
    assert_close(Some(micro_price_units(&bbo)), 1000.5, 1e-12);
    assert_close(Some(spread_pct(&bbo)), 0.2, 1e-12);
}

#[test]
fn a_book_with_one_side_has_no_imbalance() {
    assert_eq!(imbalance(&book(&[(1, 1)], &[]), 3), None);
}

#[test]
fn near_levels_weigh_more() {
    let book = book(&[(999, 3), (998, 5)], &[(1001, 1), (1002, 4)]);
    let far = (-0.5f64).exp();
    let (bids, asks) = (3.0 + 5.0 * far, 1.0 + 4.0 * far);
    assert_close(weighted_imbalance(&book, 10, 0.5), (bids - asks) / (bids + asks), 1e-12);
    assert_close(weighted_imbalance(&book, 1, 0.5), 0.5, 1e-12);
    assert_close(weighted_imbalance(&book, 10, 0.0), 0.230_769_23, 1e-8);
    let one_sided = self::book(&[(1, 1)], &[]);
    assert_eq!(weighted_imbalance(&one_sided, 3, 0.5), None);
}
