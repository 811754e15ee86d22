//! No free lunch: of a hundred simple rules the best is no better than chance (White 2000, "A reality
//! check for data snooping", studentised as by Hansen 2005).

use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::random::Rng;
use paperwire_core::time::DurationNs;

use paperwire_core::trade::OrderSide;

use super::rules::{FAMILY, Family};
use crate::market::{EventKind, Market, MarketConfig};

/// What each rule of each pair made with one seed, basis points.
fn made(config: &MarketConfig, seconds: u64) -> Vec<f64> {
    let mut market = Market::new(config).unwrap();
    let mut families: Vec<Family> = market
        .listings()
        .iter()
        .map(|listing| Family::new(listing.instrument.price_increment))
        .collect();
    let end = market.now().plus(DurationNs::from_secs(seconds));
    let mut events = Vec::new();
    // One action at a time: the book is then as the commit left it.
    while market.play_one(end, &mut events) {
        let mut last_side = None;
        for event in events.drain(..) {
            let family = &mut families[event.symbol.index()];
            match event.kind {
                EventKind::Level { .. } => {}
                EventKind::Trade(trade) => {
                    let buys = trade.taker == OrderSide::Buy;
                    if last_side != Some((event.symbol, buys)) {
                        family.order(buys);
                    }
                    last_side = Some((event.symbol, buys));
                }
                EventKind::Commit => {
                    let engine = market.engine(event.symbol);
                    let best = [BookSide::Bid, BookSide::Ask].map(|side| engine.best(side));
                    if let [Some(bid), Some(ask)] = best {
                        family.commit(event.at, [bid, ask]);
                    }
                }
            }
        }
    }
    families.iter().flat_map(|family| family.made.iter().map(|(sum, _)| *sum)).collect()
}

/// Chance that the best of so many rules looks as good as the best one did, if none is any good; and
/// which one that is, with its t value.
fn reality_check(results: &[Vec<f64>], rng: &mut Rng) -> (f64, usize, f64) {
    const DRAWS: usize = 1_000;
    let n = results.len() as f64;
    let rules = results[0].len();
    let mean: Vec<f64> =
        (0..rules).map(|k| results.iter().map(|seed| seed[k]).sum::<f64>() / n).collect();
    let error: Vec<f64> = (0..rules)
        .map(|k| {
            let square = results.iter().map(|seed| (seed[k] - mean[k]).powi(2)).sum::<f64>();
            (square / (n - 1.0) / n).sqrt().max(1e-9)
        })
        .collect();
    let t = |k: usize| mean[k] / error[k];
    let best = (0..rules).max_by(|a, b| t(*a).total_cmp(&t(*b))).unwrap();
    let mut as_good = 0;
    for _ in 0..DRAWS {
        let mut sums = vec![0.0; rules];
        for _ in 0..results.len() {
            let seed = &results[rng.below(results.len())];
            sums.iter_mut().zip(seed).for_each(|(sum, made)| *sum += made);
        }
        let top = (0..rules).map(|k| (sums[k] / n - mean[k]) / error[k]).fold(f64::MIN, f64::max);
        as_good += usize::from(top >= t(best));
    }
    (as_good as f64 / DRAWS as f64, best, t(best))
}

/// The rule behind a number of [`made`].
fn name(at: usize) -> String {
    let market = Market::new(&MarketConfig { history_minutes: 1, ..MarketConfig::new(1) }).unwrap();
    let symbol = SymbolId(u16::try_from(at / FAMILY).unwrap());
    let family = Family::new(market.engine(symbol).instrument().price_increment);
    format!("{} {}", market.listings()[symbol.index()].name(), family.names()[at % FAMILY])
}

/// Plays so many seeds for so many seconds each, and holds the best rule against chance.
fn check(seeds: std::ops::Range<u64>, seconds: u64) {
    let config = |seed| MarketConfig { history_minutes: 0, ..MarketConfig::new(seed) };
    let results: Vec<Vec<f64>> = seeds.map(|seed| made(&config(seed), seconds)).collect();
    let (p, best, t) = reality_check(&results, &mut Rng::new(7));
    assert!(p > 0.05, "p = {p}: t = {t} for {}", name(best));
}

#[test]
fn the_best_of_a_hundred_takers_is_no_better_than_chance() {
    if std::env::var_os("SLOW_TESTS").is_some() {
        check(1..201, 600);
    } else {
        eprintln!("24 seeds of 90 s; SLOW_TESTS=1 plays 200 of 600 s");
        check(1..25, 90);
    }
}

/// Whoever sees one pair move and takes another in the same instant finds its makers gone already.
#[test]
fn a_move_of_bitcoin_is_not_for_sale_in_other_pairs() {
    let mut market =
        Market::new(&MarketConfig { history_minutes: 0, ..MarketConfig::new(5) }).unwrap();
    let (leader, followers) = (SymbolId(0), [SymbolId(1), SymbolId(3)]);
    let touch = |market: &Market, symbol: SymbolId| {
        let engine = market.engine(symbol);
        let px = |side| engine.best(side).unwrap().0.raw() as f64;
        (px(BookSide::Bid), px(BookSide::Ask))
    };
    let mut events = Vec::new();
    let mut last = touch(&market, leader);
    // Side, price and end of what is held in each follower, and what was made.
    let mut held: [Option<(f64, f64, i64)>; 2] = [None; 2];
    let mut made: Vec<f64> = Vec::new();
    let seconds = if std::env::var_os("SLOW_TESTS").is_some() { 72_000 } else { 1_200 };
    let end = market.now().plus(DurationNs::from_secs(seconds));
    while market.play_one(end, &mut events) {
        events.clear();
        let now = touch(&market, leader);
        let moved = now.0 + now.1 - last.0 - last.1;
        last = now;
        for (held, symbol) in held.iter_mut().zip(followers) {
            let (bid, ask) = touch(&market, symbol);
            match *held {
                Some((side, px, until)) if market.now().raw() >= until => {
                    made.push(side * (if side > 0.0 { bid } else { ask } / px).ln());
                    *held = None;
                }
                None if moved.abs() > 0.0 => {
                    let px = if moved > 0.0 { ask } else { bid };
                    *held = Some((moved.signum(), px, market.now().raw() + 1_000_000_000));
                }
                _ => {}
            }
        }
    }
    let n = made.len() as f64;
    let mean = made.iter().sum::<f64>() / n;
    let error = (made.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n / n).sqrt();
    assert!(n > 50.0, "{n}");
    assert!(mean < 2.5 * error, "{mean} +- {error} of {n}");
}
