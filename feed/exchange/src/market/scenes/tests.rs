use paperwire_core::instrument::SymbolId;
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;

use super::*;
use crate::market::{DEFAULT_START, EventKind, Market, MarketConfig, MarketError, MarketEvent};

fn scene(text: &str) -> Vec<Scene> {
    parse(&format!("[[scene]]\nat_s = 60.0\nlasts_s = 120.0\n{text}")).unwrap()
}

fn market(scenes: Vec<Scene>) -> Market {
    Market::new(&MarketConfig { scenes, history_minutes: 1, ..MarketConfig::new(5) }).unwrap()
}

fn after(seconds: u64) -> ExchNs {
    DEFAULT_START.plus(DurationNs::from_secs(seconds))
}

/// Fair price of XRP/BTC over its legs, in basis points, after so many seconds.
fn deviation(market: &mut Market, seconds: u64) -> f64 {
    market.advance_to(after(seconds), &mut Vec::new());
    let price = |name: &str| market.fair_price(market.symbol(name).unwrap());
    1e4 * (price("XRP/BTC") * price("BTC/USD") / price("XRP/USD")).ln()
}

#[test]
fn a_market_without_scenes_is_what_it_was() {
    let far = scene("mood = \"turbulent\"\nmove_bp = 50.0");
    let (mut plain, mut with) = (market(Vec::new()), market(far));
    let (mut a, mut b) = (Vec::new(), Vec::new());
    plain.advance_to(after(55), &mut a);
    with.advance_to(after(55), &mut b);
    assert_eq!(a, b, "before the scene");
    plain.advance_to(after(90), &mut a);
    with.advance_to(after(90), &mut b);
    assert_ne!(a, b);
    assert_eq!(with.regime(), Regime::Turbulent);
}

#[test]
fn an_offset_holds_the_ratio_away_while_it_lasts() {
    let mut market = market(scene("symbol = \"XRP/BTC\"\noffset_bp = 150.0"));
    assert!(deviation(&mut market, 50).abs() < 40.0);
    assert!((110.0..190.0).contains(&deviation(&mut market, 120)));
    assert!(deviation(&mut market, 200).abs() < 40.0);
}

#[test]
fn a_move_stays_and_takers_follow_their_orders() {
    let (mut plain, mut moved) = (
        market(Vec::new()),
        market(scene("symbol = \"BTC/USD\"\nmove_bp = 300.0\nactivity = 8.0\nbuys = 1.0")),
    );
    let end = after(240);
    let (mut usual, mut busy) = (Vec::new(), Vec::new());
    plain.advance_to(end, &mut usual);
    moved.advance_to(end, &mut busy);
    let price = |market: &Market| market.fair_price(SymbolId(0));
    assert!((price(&moved) / price(&plain)).ln() > 0.02);
    let orders = |events: &[MarketEvent]| {
        let bought = |event: &&MarketEvent| {
            event.symbol == SymbolId(0)
                && matches!(&event.kind, EventKind::Trade(trade) if trade.taker == OrderSide::Buy)
        };
        // One order may trade with many.
        let mut orders: Vec<_> = events.iter().filter(bought).map(|event| event.at).collect();
        orders.dedup();
        orders.len()
    };
    assert!(orders(&busy) > 3 * orders(&usual), "{} {}", orders(&busy), orders(&usual));
}

#[test]
fn a_scene_comes_as_often_as_it_says() {
    let scene = &scene("count = 2\nevery_s = 200.0")[0];
    let on =
        [59.9, 60.0, 179.9, 180.0, 259.9, 260.0, 379.9, 380.0, 460.0].map(|at| scene.is_on(at));
    assert_eq!(on, [false, true, true, false, false, true, true, false, false]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let refused = |text: &str| parse(text).unwrap_err().to_string();
    assert!(refused("[[scene]]\nat_s = 1.0").contains("lasts_s"));
    assert!(
        refused("[[scene]]\nat_s = 1.0\nlasts_s = 1.0\nmood = \"sad\"").contains("unknown variant")
    );
    let message = refused("[[scene]]\nat_s = 1.0\nlasts_s = 1.0\nbuys = 1.5");
    assert_eq!(message, "scene 1: buys = 1.5: expected 0 to 1");
    assert!(
        refused("[[scene]]\nat_s = 1.0\nlasts_s = 1.0\nactivity = nan").contains("activity = NaN")
    );
    let config = MarketConfig { scenes: scene("symbol = \"DOGE/USD\""), ..MarketConfig::new(1) };
    assert_eq!(Market::new(&config).err(), Some(MarketError::Symbol("DOGE/USD".to_owned())));
}
