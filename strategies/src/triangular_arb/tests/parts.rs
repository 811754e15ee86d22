use paperwire_core::bar::BarRules;
use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::AssetName;
use paperwire_core::ladder::BookSide;
use paperwire_core::market::MarketState;
use paperwire_core::num::{Px, Qty};

use super::super::depth::{Leg, solve};
use super::super::trio::{self, Cycle};
use super::*;

fn instruments() -> Vec<Instrument> {
    let of = |base: &str, quote: &str, price_precision| Instrument {
        name: format!("{base}/{quote}").as_str().try_into().unwrap(),
        base: base.try_into().unwrap(),
        quote: quote.try_into().unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    };
    vec![of("BTC", "USD", 1), of("XRP", "USD", 5), of("XRP", "BTC", 8)]
}

/// Books of one side each, as prices and coins: coin asks, alt bids, cross asks.
fn market(ladders: [&[(i64, f64)]; 3]) -> MarketState {
    let all = instruments();
    let usd = AssetName::from("USD").unwrap();
    let mut market = MarketState::new(&all, 10, BarRules::default(), &usd);
    let far = [(1, 1.0), (i64::MAX / 4, 1.0), (1, 1.0)];
    for (index, rows) in ladders.into_iter().enumerate() {
        let taken = if index == 1 { BookSide::Bid } else { BookSide::Ask };
        let other = if index == 1 { BookSide::Ask } else { BookSide::Bid };
        let rows = rows.iter().map(|row| (taken, *row)).chain([(other, far[index])]);
        let rows: Vec<_> = rows.collect();
        let parts = rows.len().div_ceil(4);
        for (part, rows) in rows.chunks(4).enumerate() {
            let mut batch = LevelBatch::new(part == 0);
            batch.is_last = part + 1 == parts;
            for (side, (px, coins)) in rows {
                let qty = all[index].qty_from_f64(*coins).unwrap();
                batch.push(*side, Level { px: Px::new(*px), qty });
            }
            let symbol = SymbolId(u16::try_from(index).unwrap());
            let kind = MarketKind::Reset(batch);
            let (seq, stamps, exch) = (Seq(1), Stamps::default(), ExchNs::new(1));
            market.apply(
                &MarketEvent { seq, exch, stamps, symbol: Some(symbol), kind },
                &mut |_, _| (),
            );
        }
    }
    market
}

fn legs() -> [Leg; 3] {
    let trios = trio::find(&[], &instruments(), &[BTC, XRP, CROSS]);
    assert_eq!(trios.len(), 1);
    trios[0].legs(Cycle::CoinFirst)
}

#[test]
fn the_walk_stops_where_the_next_unit_earns_too_little() {
    // Ten alts at 2.02, then at 2.008, then at 2.0: the third does not pay 0.3 %.
    let market = market([
        &[(1_000_000, 1.0)],
        &[(202_000, 10.0), (200_800, 20.0), (200_000, 1000.0)],
        &[(2_000, 1000.0)],
    ]);
    let kept = 0.999f64.powi(3);
    let plan = solve(legs(), &market.view(), kept, 0.000_5, 1e9).unwrap();
    assert!((plan.coins[2] - 30.0).abs() < 1e-6 && (plan.put_in - 60.0).abs() < 1e-6);
    assert!((plan.coins[0] - 0.000_6).abs() < 1e-9 && (plan.coins[1] - 30.0).abs() < 1e-6);
    let out = 10.0 * 2.02 + 20.0 * 2.008;
    assert!((plan.net - (out * kept / 60.0 - 1.0)).abs() < 1e-9);
    assert_eq!(plan.worst, [Px::new(1_000_000), Px::new(2_000), Px::new(200_800)]);
    // A limit cuts it, and a dearer least leaves the first level only.
    let plan = solve(legs(), &market.view(), kept, 0.000_5, 7.0).unwrap();
    assert!((plan.put_in - 7.0).abs() < 1e-9 && plan.worst[2] == Px::new(202_000));
    let plan = solve(legs(), &market.view(), kept, 0.005, 1e9).unwrap();
    assert!((plan.put_in - 20.0).abs() < 1e-6);
    assert_eq!(solve(legs(), &market.view(), kept, 0.01, 1e9), None);
}

proptest! {
    /// Whatever the ladders: no leg takes more than is shown, and none more than the one before brings.
    #[test]
    fn a_plan_takes_only_what_is_there(
        coin in prop::collection::vec((1i64..50, 0.000_01f64..0.01), 1..9),
        alt in prop::collection::vec((1i64..300, 0.5f64..50.0), 1..9),
        cross in prop::collection::vec((1i64..9, 0.5f64..50.0), 1..9),
        limit in 1.0f64..500.0,
    ) {
        let ladder = |steps: &[(i64, f64)], from: i64, sign: i64| {
            let mut px = from;
            steps.iter().map(|(step, qty)| { px += sign * step; (px, *qty) }).collect::<Vec<_>>()
        };
        let rows = [
            ladder(&coin, 1_000_000, 1), ladder(&alt, 203_000, -1), ladder(&cross, 1_995, 1),
        ];
        let market = market([&rows[0], &rows[1], &rows[2]]);
        if let Some(plan) = solve(legs(), &market.view(), 0.997, 0.0, limit) {
            for (leg, shown) in [(0, &rows[0]), (1, &rows[2]), (2, &rows[1])] {
                let shown: f64 = shown.iter().map(|row| row.1).sum();
                // Quantities were rounded to the lot, up to nine of them.
                prop_assert!(plan.coins[leg] <= shown + 1e-7);
            }
            prop_assert!((plan.coins[1] - plan.coins[2]).abs() <= 1e-9 * plan.coins[1]);
            prop_assert!(plan.net >= -1e-12 && plan.put_in <= limit * (1.0 + 1e-12));
        }
    }
}

#[test]
fn disagreements_are_counted_by_size_and_by_life() {
    let mut measure = Measure::default();
    let at = |ms: i64| ExchNs::new(ms * 1_000_000);
    measure.take(None, at(0));
    measure.take(Some([-0.003, -0.02]), at(1));
    measure.take(Some([0.001, -0.003]), at(2));
    measure.take(Some([0.000_1, -0.003]), at(5));
    measure.take(Some([-0.001, -0.003]), at(8)); // lived for 6 ms
    measure.take(Some([0.5, 0.02]), at(9));
    measure.take(None, at(9)); // both ended at once
    assert_eq!(measure.evaluations(), 5);
    assert_eq!(measure.opportunities(), 3);
    let [first, second] = measure.net_counts();
    assert_eq!(first.iter().sum::<u64>() + second.iter().sum::<u64>(), 10);
    assert_eq!((first[NET_BINS - 1], second[0], second[NET_BINS - 1]), (1, 1, 1));
    assert_eq!(first[NET_BINS / 2], 1); // 0 to 0.05 %
    assert_eq!(first[NET_BINS / 2 + 2], 1);
    assert_eq!((measure.life_counts()[0], measure.life_counts()[3]), (2, 1));
    assert!((measure.life_ms_median() - 1.0).abs() < 1e-9);
}

#[test]
fn trios_are_found_by_their_assets_or_by_name() {
    let all = instruments();
    let names = |names: &[&str; 3]| vec![names.map(str::to_owned)];
    let find = |names: &[[String; 3]], symbols: &[SymbolId]| trio::find(names, &all, symbols).len();
    assert_eq!(find(&[], &[BTC, XRP]), 0);
    assert_eq!(find(&names(&["XRP/USD", "BTC/USD", "XRP/BTC"]), &[BTC, XRP, CROSS]), 1);
    assert_eq!(find(&names(&["ETH/USD", "BTC/USD", "ETH/BTC"]), &[BTC, XRP, CROSS]), 0);
}
