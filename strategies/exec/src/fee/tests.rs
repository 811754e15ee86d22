use paperwire_core::instrument::{AssetName, SymbolName, TradingStatus};
use paperwire_core::num::{Px, Qty};
use proptest::prelude::*;

use super::*;

fn pair(name: &str) -> Instrument {
    let (base, quote) = name.split_once('/').unwrap();
    Instrument {
        name: SymbolName::from(name).unwrap(),
        base: AssetName::from(base).unwrap(),
        quote: AssetName::from(quote).unwrap(),
        price_precision: 1,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

/// The nearest money to a decimal text.
fn money(text: &str) -> Money {
    text.parse().unwrap()
}

#[track_caller]
fn check(preset: &str, name: &str, volume: &str, maker: &str, taker: &str) {
    let model = by_name(preset).unwrap();
    let rate = |liquidity| model.rate(&pair(name), liquidity, money(volume));
    assert_eq!(rate(Liquidity::Maker), money(maker), "maker of {name} at {volume}");
    assert_eq!(rate(Liquidity::Taker), money(taker), "taker of {name} at {volume}");
}

#[test]
fn a_tier_begins_exactly_at_its_volume() {
    const NOW: &str = "kraken-2026-09-19";
    check(NOW, "BTC/USD", "0", "0.004", "0.008");
    check(NOW, "BTC/USD", "2499.999999", "0.004", "0.008");
    check(NOW, "BTC/USD", "2500", "0.003", "0.006");
    check(NOW, "XRP/BTC", "10000", "0.0022", "0.0038");
    check(NOW, "XRP/BTC", "249999", "0.0012", "0.0025");
    check(NOW, "ETH/USD", "10000000", "0", "0.001");
    check(NOW, "ETH/USD", "499999999", "0", "0.0006");
    check(NOW, "ETH/USD", "9000000000", "0", "0.0005");

    const THEN: &str = "kraken-2025-11";
    check(THEN, "BTC/USD", "0", "0.0025", "0.004");
    check(THEN, "BTC/USD", "9999.99", "0.0025", "0.004");
    check(THEN, "BTC/USD", "50000", "0.0014", "0.0024");
    check(THEN, "BTC/USD", "1000000000", "0", "0.001");
}

#[test]
fn the_base_decides_the_table_and_the_quote_does_not() {
    const NOW: &str = "kraken-2026-09-19";
    for stable in ["USDT/USD", "USDC/EUR", "DAI/USDT", "EUR/USD", "USD/JPY", "WBTC/BTC"] {
        check(NOW, stable, "0", "0.002", "0.002");
        check(NOW, stable, "49999", "0.002", "0.002");
        check(NOW, stable, "50000", "0.0016", "0.0016");
        check(NOW, stable, "100000000", "0", "0.00001");
    }
    for crypto in ["BTC/USDT", "BTC/EUR", "WBTC/USD", "ETH/BTC"] {
        check(NOW, crypto, "0", "0.004", "0.008");
    }
    // The older preset has one table only.
    check("kraken-2025-11", "USDT/USD", "0", "0.0025", "0.004");
}

#[test]
fn presets_are_listed_under_the_names_they_report() {
    for name in PRESETS {
        assert_eq!(by_name(name).map(|model| model.name().to_owned()), Some(name.to_owned()));
    }
    for other in ["", "kraken", "KRAKEN-2025-11", "kraken-2025-11 "] {
        assert_eq!(by_name(other), None, "{other:?}");
    }
}

#[test]
fn flat_fees_are_named_in_percent() {
    let of = pair("BTC/USD");
    for (maker, taker, name) in [
        ("0.001", "0.001", "flat 0.1 % / 0.1 %"),
        ("0", "0.0026", "flat 0 % / 0.26 %"),
        ("0.1", "0.00000001", "flat 10 % / 0.000001 %"),
    ] {
        let model = Flat::new(money(maker), money(taker));
        assert_eq!(model.name(), name);
        assert_eq!(model.rate(&of, Liquidity::Maker, Money::ZERO), money(maker));
        assert_eq!(model.rate(&of, Liquidity::Taker, Money::MAX), money(taker));
    }
}

#[test]
#[should_panic(expected = "not negative")]
fn a_rebate_is_no_flat_fee() {
    Flat::new(money("-0.0001"), money("0.001"));
}

proptest! {
    #[test]
    fn more_volume_never_costs_more_and_resting_never_more_than_taking(
        volumes in prop::array::uniform2(0u64..2_000_000_000),
        preset in prop::sample::select(&PRESETS),
        name in prop::sample::select(&["BTC/USD", "USDT/USD"]),
    ) {
        let (model, of) = (by_name(preset).unwrap(), pair(name));
        let low = Money::from_num(volumes[0].min(volumes[1]));
        let high = Money::from_num(volumes[0].max(volumes[1]));
        for liquidity in [Liquidity::Maker, Liquidity::Taker] {
            prop_assert!(model.rate(&of, liquidity, high) <= model.rate(&of, liquidity, low));
        }
        for volume in [low, high] {
            let maker = model.rate(&of, Liquidity::Maker, volume);
            prop_assert!(maker >= 0);
            prop_assert!(maker <= model.rate(&of, Liquidity::Taker, volume));
        }
    }
}
