use paperwire_core::instrument::{AssetName, SymbolName, TradingStatus};
use paperwire_core::num::Px;
use paperwire_core::symbol_set::SymbolSet;
use proptest::prelude::*;

use super::*;

const SYMBOL: SymbolId = SymbolId(0);

fn instrument(price_precision: u8) -> Instrument {
    Instrument {
        name: SymbolName::from("XRP/BTC").unwrap(),
        base: AssetName::from("XRP").unwrap(),
        quote: AssetName::from("BTC").unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

fn execution(of: &Instrument, side: OrderSide, px: i64, qty: i64, rate: Money) -> Execution {
    let value = of.money(Px::new(px).notional(Qty::new(qty)));
    let fee = value * rate * Money::from_num(0.001);
    let (qty, at) = (Qty::new(qty), ExchNs::new(1));
    Execution {
        symbol: SYMBOL,
        side,
        qty,
        value,
        quote_rate: rate,
        fee,
        liquidity: Liquidity::Taker,
        counts_as_volume: true,
        at,
        tag: 0,
    }
}

fn account() -> Portfolio {
    let opening =
        Opening { capital: Money::from_num(100), spots: Vec::new(), volume_30d: Money::ZERO };
    Portfolio::new(opening, 1)
}

#[test]
fn open_and_close_at_one_price_costs_exactly_the_two_fees() {
    for (precision, px, rate) in [(1, 1_000_000, Money::ONE), (8, 2_250, Money::from_num(100_000))]
    {
        let of = instrument(precision);
        for entry in [OrderSide::Buy, OrderSide::Sell] {
            let mut account = account();
            let open = execution(&of, entry, px, 12_345_678, rate);
            let close = execution(&of, entry.opposite(), px, 12_345_678, rate);
            account.book(&open);
            let booked = account.book(&close);
            account.remark(ExchNs::new(2));
            assert_eq!(booked.realized, 0);
            assert_eq!(booked.net, -(open.fee + close.fee));
            assert_eq!(account.row().equity, Money::from_num(100) - open.fee - close.fee);
            assert_eq!(
                (account.open(), account.positions()[0]),
                (SymbolSet::EMPTY, Position::default())
            );
        }
    }
}

#[test]
fn a_short_gains_when_the_price_falls() {
    let of = instrument(1);
    let mut account = account();
    account.book(&execution(&of, OrderSide::Sell, 1000, 100_000_000, Money::ONE)); // 1 at 100.0
    account.mark(SYMBOL, &of, 2 * 900, Money::ONE);
    account.remark(ExchNs::new(2));
    assert_eq!(account.row().unrealized, 10);
    let booked = account.book(&execution(&of, OrderSide::Buy, 900, 100_000_000, Money::ONE));
    assert_eq!(booked.realized, 10);
    let stats = account.row().performance;
    assert_eq!((stats.wins(), stats.closed_trades()), (1, 1));
}

proptest! {
    /// Any run of entries, partial exits and marks, at any rate: the books balance to the last bit.
    #[test]
    fn the_equity_identity_holds_after_every_event(
        steps in prop::collection::vec((1i64..2_000_000, 1i64..1_000_000_000, any::<bool>(), 0u8..3), 1..300),
        precision in 1u8..=8,
        rate in 1u64..200_000,
    ) {
        let of = instrument(precision);
        let rate = Money::from_num(rate) + Money::DELTA;
        let mut account = account();
        let (mut realized, mut fees) = (Money::ZERO, Money::ZERO);
        for (px, qty, buy, what) in steps {
            let side = if buy { OrderSide::Buy } else { OrderSide::Sell };
            let held = account.positions()[0].lots;
            let is_exit = held != 0 && (held > 0) != buy;
            let qty = if is_exit { qty.min(held.abs()) } else { qty };
            if what < 2 {
                let execution = execution(&of, side, px, qty, rate);
                let booked = account.book(&execution);
                realized += booked.realized;
                fees += execution.fee;
            }
            account.mark(SYMBOL, &of, 2 * px + 1, rate);
            account.remark(ExchNs::new(2));
            let row = account.row();
            prop_assert_eq!(row.equity, row.baseline + realized - fees + row.unrealized);
            prop_assert_eq!(row.cash, row.baseline + realized - fees);
            prop_assert_eq!(account.symbol_sums(), (realized, fees), "per symbol");
            prop_assert_eq!(account.positions()[0].lots == 0, account.open().is_empty());
            if account.positions()[0].lots == 0 {
                prop_assert_eq!(account.positions()[0].entry_fee, 0);
                prop_assert_eq!(row.unrealized, 0);
            }
        }
    }
}
