use paperwire_core::ladder::BookSide;
use paperwire_core::num::Px;
use paperwire_core::time::DurationNs;

use super::*;

mod lunch;
mod rules;

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
    assert!(fine.len() > 8_000, "{}", fine.len());
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

/// What makes every rule that takes lose: nobody is ever offered what is worth more.
#[test]
fn best_bid_and_ask_enclose_the_fair_price_after_every_action() {
    let market = |seed| MarketConfig { history_minutes: 0, ..MarketConfig::new(seed) };
    for config in [market(11), MarketConfig { rate: 8.0, volatility: 3.0, ..market(12) }] {
        let mut market = Market::new(&config).unwrap();
        let end = market.now().plus(DurationNs::from_secs(300));
        let mut events = Vec::new();
        while market.play_one(end, &mut events) {
            events.clear();
            for index in 0..4 {
                let symbol = SymbolId(index);
                let engine = market.engine(symbol);
                let rules = engine.instrument();
                let ticks = |px: Px| (px.raw() / rules.price_increment.raw()) as f64;
                let [bid, ask] = [BookSide::Bid, BookSide::Ask].map(|s| engine.best(s).unwrap().0);
                let fair = market.fair_price(symbol) / rules.px_f64(rules.price_increment);
                let slack = market.desks[symbol.index()].behaviour().slack + 1e-6;
                let (below, above) = (ticks(bid) - fair, fair - ticks(ask));
                let name = rules.name;
                assert!(below <= slack, "{name} {}: bid {below} over fair", market.now().raw());
                assert!(above <= slack, "{name} {}: ask {above} below fair", market.now().raw());
            }
        }
    }
}

#[test]
fn a_rate_out_of_range_is_refused() {
    for rate in [0.0, -1.0, f64::NAN, 1e9] {
        assert!(Market::new(&MarketConfig { rate, ..MarketConfig::new(1) }).is_err());
        let volatility = rate;
        assert!(Market::new(&MarketConfig { volatility, ..MarketConfig::new(1) }).is_err());
    }
}
