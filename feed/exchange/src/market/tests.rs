use paperwire_core::ladder::BookSide;
use paperwire_core::time::DurationNs;

use super::*;
use crate::matching::Trade;

fn play(config: &MarketConfig, seconds: u64, step_ms: u64) -> (Market, Vec<MarketEvent>) {
    let mut market = Market::new(config).unwrap();
    let end = market.now().plus(DurationNs::from_secs(seconds));
    let mut events = Vec::new();
    while market.now() < end {
        let until = market.now().plus(DurationNs::from_millis(step_ms)).min(end);
        market.advance_to(until, &mut events);
    }
    (market, events)
}

#[test]
fn one_seed_makes_one_market_however_it_is_stepped() {
    let config = MarketConfig::new(42);
    let (_, fine) = play(&config, 60, 3);
    let (_, coarse) = play(&config, 60, 7_000);
    assert!(fine.len() > 10_000, "{}", fine.len());
    assert_eq!(fine, coarse);
    let (_, other) = play(&MarketConfig::new(43), 60, 1_000);
    assert_ne!(fine, other);
}

#[test]
fn time_never_goes_back_and_messages_of_a_pair_differ_in_microseconds() {
    let (_, events) = play(&MarketConfig { rate: 20.0, ..MarketConfig::new(1) }, 20, 50);
    assert!(events.is_sorted_by_key(|e| e.at));
    for index in 0..4 {
        let commits: Vec<i64> = events
            .iter()
            .filter(|e| e.symbol == SymbolId(index) && e.kind == EventKind::Commit)
            .map(|e| e.at.raw() / 1_000)
            .collect();
        assert!(commits.is_sorted_by(|a, b| a < b));
    }
}

#[test]
fn books_stay_deep_narrow_and_near_fair() {
    let mut market = Market::new(&MarketConfig::new(9)).unwrap();
    let mut events = Vec::new();
    let mut worst = [0.0f64; 4];
    for _ in 0..1_200 {
        market.advance_to(market.now().plus(DurationNs::from_millis(500)), &mut events);
        events.clear();
        for index in 0..4 {
            let symbol = SymbolId(index);
            let engine = market.engine(symbol);
            assert!(!engine.is_crossed());
            for side in [BookSide::Bid, BookSide::Ask] {
                let levels = engine.level_count(side);
                assert!(levels >= 60, "{levels} levels of pair {index}");
            }
            let mid = market.desks[symbol.index()].mid().unwrap();
            let off = (mid / market.fair_price(symbol) - 1.0).abs();
            worst[symbol.index()] = worst[symbol.index()].max(off);
        }
    }
    for (index, off) in worst.into_iter().enumerate() {
        assert!(off < 0.004, "pair {index} strayed {off} from fair");
    }
}

#[test]
fn the_ratio_pair_follows_its_legs() {
    let mut market = Market::new(&MarketConfig::new(5)).unwrap();
    let mut events = Vec::new();
    let (mut sum, mut count) = (0.0, 0.0);
    for _ in 0..3_000 {
        market.advance_to(market.now().plus(DurationNs::from_millis(200)), &mut events);
        events.clear();
        let [btc, xrp, ratio] = [0, 1, 2].map(|at| market.desks[at].mid().unwrap());
        let deviation = (ratio * btc / xrp - 1.0).abs();
        assert!(deviation < 0.005, "{deviation}");
        sum += deviation;
        count += 1.0;
    }
    assert!(sum / count < 0.0006, "mean deviation {}", sum / count);
}

#[test]
fn large_orders_show_as_bursts_of_one_side() {
    let (_, events) = play(&MarketConfig::new(8), 600, 1_000);
    for index in 0..3 {
        let trades: Vec<Trade> = events
            .iter()
            .filter(|e| e.symbol == SymbolId(index))
            .filter_map(|e| if let EventKind::Trade(t) = e.kind { Some(t) } else { None })
            .collect();
        // Takers of at least eight consecutive trades on one side within eight seconds.
        let mut bursts = 0;
        let mut at = 0;
        while at + 8 <= trades.len() {
            let run = &trades[at..at + 8];
            let one_side = run.iter().all(|t| t.taker == run[0].taker);
            let quick = run[7].at.since(run[0].at) < DurationNs::from_secs(8);
            bursts += usize::from(one_side && quick);
            at += if one_side && quick { 8 } else { 1 };
        }
        assert!(bursts >= 15, "pair {index}: {bursts} bursts in ten minutes");
    }
}

#[test]
fn a_rate_out_of_range_is_refused() {
    for rate in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(Market::new(&MarketConfig { rate, ..MarketConfig::new(1) }).is_err());
    }
}
