use super::*;
use crate::checksum::book_checksum;
use crate::num::parse_decimal;

fn level(side: BookSide, px: &str, qty: &str) -> WireLevel {
    let px = Px::new(parse_decimal(px, 1).unwrap());
    let qty = Qty::new(parse_decimal(qty, 8).unwrap());
    let text = if qty.is_zero() { LevelText::EMPTY } else { LevelText::new(px, qty) };
    WireLevel { side, px, qty, text }
}

/// The worked example of Kraken's guide "Book checksum (WebSocket v2)".
fn documented() -> Vec<WireLevel> {
    let asks = [
        ("45285.2", "0.00100000"),
        ("45286.4", "1.54571953"),
        ("45286.6", "1.54571109"),
        ("45289.6", "1.54560911"),
        ("45290.2", "0.15890660"),
        ("45291.8", "1.54553491"),
        ("45294.7", "0.04454749"),
        ("45296.1", "0.35380000"),
        ("45297.5", "0.09945542"),
        ("45299.5", "0.18772827"),
    ];
    let bids = [
        ("45283.5", "0.10000000"),
        ("45283.4", "1.54582015"),
        ("45282.1", "0.10000000"),
        ("45281.0", "0.10000000"),
        ("45280.3", "1.54592586"),
        ("45279.0", "0.07990000"),
        ("45277.6", "0.03310103"),
        ("45277.5", "0.30000000"),
        ("45277.3", "1.54602737"),
        ("45276.6", "0.15445238"),
    ];
    let asks = asks.iter().map(|(px, qty)| level(BookSide::Ask, px, qty));
    let bids = bids.iter().map(|(px, qty)| level(BookSide::Bid, px, qty));
    asks.chain(bids).collect()
}

const DOCUMENTED_CHECKSUM: u32 = 3_310_070_434;

#[test]
fn the_documented_example_verifies() {
    let mut book = L2Book::new(10);
    assert_eq!(book.apply(&documented(), DOCUMENTED_CHECKSUM), Ok(()));
}

#[test]
fn one_wrong_digit_in_the_ten_is_seen_and_below_them_is_not() {
    for at in 0..20 {
        let mut levels = documented();
        let qty = Qty::new(levels[at].qty.raw() + 1);
        levels[at].qty = qty;
        levels[at].text = LevelText::new(levels[at].px, qty);
        let result = L2Book::new(10).apply(&levels, DOCUMENTED_CHECKSUM);
        assert!(matches!(result, Err(BookError::Checksum { .. })), "level {at}: {result:?}");
    }
    let mut deep = documented();
    deep.push(level(BookSide::Ask, "45300.0", "9.99999999"));
    assert_eq!(L2Book::new(25).apply(&deep, DOCUMENTED_CHECKSUM), Ok(()));
}

#[test]
fn a_crossed_book_is_refused_before_its_checksum() {
    let mut levels = documented();
    levels.push(level(BookSide::Bid, "45285.2", "1.00000000"));
    let result = L2Book::new(10).apply(&levels, DOCUMENTED_CHECKSUM);
    assert!(matches!(result, Err(BookError::Crossed { .. })), "{result:?}");
}

#[test]
fn cached_side_text_always_equals_the_book() {
    let mut book = L2Book::new(10);
    let mut state = 7u64;
    let mut next = move |bound: u64| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    for _ in 0..20_000 {
        let ask = next(2) == 0;
        let offset = i64::try_from(next(30)).unwrap();
        let px = Px::new(if ask { 1001 + offset } else { 1000 - offset });
        let qty = Qty::new(i64::try_from(next(4)).unwrap() * 1_000);
        let text = if qty.is_zero() { LevelText::EMPTY } else { LevelText::new(px, qty) };
        let side = if ask { BookSide::Ask } else { BookSide::Bid };
        let got = match book.apply(&[WireLevel { side, px, qty, text }], 0) {
            Err(BookError::Checksum { got, .. }) => got,
            other => panic!("{other:?}"),
        };
        let texts =
            |side| book.levels(side).map(|l| LevelText::new(l.px, l.qty)).collect::<Vec<_>>();
        let (asks, bids) = (texts(BookSide::Ask), texts(BookSide::Bid));
        assert_eq!(got, book_checksum(asks.iter(), bids.iter()));
    }
}
