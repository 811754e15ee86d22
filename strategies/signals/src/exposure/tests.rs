use paperwire_core::account::Position;
use paperwire_core::bar::BarRules;
use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::{AssetName, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::market::MarketState;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::time::ExchNs;

use super::*;
use crate::golden::assert_close;

const BTC: SymbolId = SymbolId(0);
const XRP: SymbolId = SymbolId(1);
const CROSS: SymbolId = SymbolId(2);
const RULES: ExposureRules =
    ExposureRules { same_side_mult: 0.75, long_max: 150.0, short_max: 150.0 };

fn instruments() -> [Instrument; 3] {
    [("BTC", "USD", 1), ("XRP", "USD", 5), ("XRP", "BTC", 8)].map(|(base, quote, precision)| {
        Instrument {
            name: base.try_into().unwrap(),
            base: base.try_into().unwrap(),
            quote: quote.try_into().unwrap(),
            price_precision: precision,
            qty_precision: 8,
            price_increment: Px::new(1),
            qty_increment: Qty::new(1),
            qty_min: Qty::new(1),
            cost_min: Money::ZERO,
            status: TradingStatus::Online,
        }
    })
}

/// BTC/USD 100,000, XRP/USD 2, XRP/BTC 0.00002, each with its touch one unit away.
fn market() -> MarketState {
    let numeraire = AssetName::from("USD").unwrap();
    let mut market = MarketState::new(&instruments(), 10, BarRules::default(), &numeraire);
    for (symbol, mid) in [(BTC, 1_000_000), (XRP, 200_000), (CROSS, 2_000)] {
        let mut batch = LevelBatch::new(true);
        for (side, px) in [(BookSide::Bid, mid - 1), (BookSide::Ask, mid + 1)] {
            batch.push(side, Level { px: Px::new(px), qty: Qty::new(1) });
        }
        batch.is_last = true;
        let event = MarketEvent {
            seq: Seq(1),
            exch: ExchNs::new(1),
            stamps: Stamps::default(),
            symbol: Some(symbol),
            kind: MarketKind::Reset(batch),
        };
        market.apply(&event, &mut |_, _| ());
    }
    market
}

/// Exposure of positions given in whole coins by symbol.
fn exposure(market: &MarketState, coins: [f64; 3]) -> Option<Exposure> {
    let position = |coins: f64| {
        let magnitude = instruments()[0].qty_from_f64(coins.abs()).map_or(0, Qty::raw);
        let lots = if coins < 0.0 { -magnitude } else { magnitude };
        Position { lots, ..Position::default() }
    };
    let positions = coins.map(position);
    let account = AccountView {
        cash: Money::ZERO,
        equity: Money::ZERO,
        positions: &positions,
        orders: &[],
        state: paperwire_core::account::AccountState::Active,
        adjustment: paperwire_core::regime::Adjustment::NEUTRAL,
        fees: &[],
    };
    let mut exposure = Exposure::new(&instruments());
    exposure.measure(&market.view(), &account).map(|()| exposure)
}

#[test]
fn a_cross_pair_is_valued_through_its_quote() {
    // 15 USD at 100,000 and 0.00002 are 7.5 XRP, not 750,000.
    let exposure = exposure(&market(), [0.0, 0.0, 7.5]).unwrap();
    assert_close(Some(exposure.of_symbol(CROSS)), 15.0, 1e-9);
    assert_close(Some(exposure.total()), 15.0, 1e-9);
}

#[track_caller]
fn check(coins: [f64; 3], id: SymbolId, side: PositionSide, want: f64) {
    let exposure = exposure(&market(), coins).unwrap();
    let got = exposure.cap(id, side, 100.0, &RULES);
    assert_close(Some(got), want, 1e-9);
}

#[test]
fn what_is_open_elsewhere_limits_what_may_be_added() {
    use PositionSide::{Long, Short};
    check([0.0, 0.0, 0.0], XRP, Long, 100.0);
    check([0.0005, 0.0, 0.0], XRP, Long, 75.0); // 50 long in BTC
    check([0.0005, 0.0, 0.0], XRP, Short, 100.0);
    check([0.0012, 0.0, 0.0], XRP, Long, 30.0); // 120 long: 30 left
    check([-0.0012, 0.0, 0.0], XRP, Short, 30.0);
    check([0.0012, 0.0, 0.0], BTC, Long, 30.0); // its own asset: no factor, the same limit
    check([0.0, 0.0, 50.0], XRP, Long, 50.0); // 100 long XRP, 100 short BTC
    check([0.0, 0.0, 50.0], XRP, Short, 50.0 * 1.0); // the short side has 50 left too
    check([0.0012, 0.0, 0.0], CROSS, Short, 30.0); // a short cross is long BTC
}

#[test]
fn a_position_without_a_price_has_no_value() {
    let numeraire = AssetName::from("USD").unwrap();
    let dark = MarketState::new(&instruments(), 10, BarRules::default(), &numeraire);
    assert!(exposure(&dark, [0.0, 0.0, 0.0]).is_some());
    assert!(exposure(&dark, [0.0, 0.0, 1.0]).is_none());
}
