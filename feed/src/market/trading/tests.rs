use paperwire_core::agent::StoppedClock;
use paperwire_core::event::{MarketEvent, SymbolStatus};
use paperwire_core::num::Qty;

use super::*;
use crate::infer;
use crate::market::{BookState, Outcome, Probe};

#[derive(Default)]
struct Events(Vec<(SymbolId, MarketKind)>);

impl EventSink for Events {
    fn push(&mut self, event: MarketEvent) {
        self.0.push((event.symbol.unwrap(), event.kind));
    }
}

const PRINT: &str = r#"{"channel":"trade","type":"update","data":[{"symbol":"B/USD","side":"buy","price":10.0,"qty":5.00,"ord_type":"market","trade_id":1,"timestamp":"2026-08-02T03:35:51.302928Z"}]}"#;
const A: SymbolId = SymbolId(0);
const B: SymbolId = SymbolId(1);

struct Rig {
    market: MarketFeed,
    events: Events,
}

impl Rig {
    fn under(system: TradingStatus) -> Self {
        let row = |name: &str| {
            let text = format!(r#"{{"symbol":"{name}","price":10.0,"qty":5.00}}"#);
            infer::instrument_of(text.as_bytes()).unwrap()
        };
        let market = MarketFeed::new(&[row("A/USD"), row("B/USD")], 10).under(system);
        let mut rig = Self { market, events: Events::default() };
        // Nothing is told before a time is known.
        rig.frame(PRINT);
        rig.events.0.clear();
        rig
    }

    fn frame(&mut self, text: &str) -> Outcome {
        let rx = HostNs::new(1);
        let mut probe = Probe::new(&StoppedClock, rx, rx);
        self.market.on_frame(rx, text.as_bytes(), &mut probe, &mut self.events)
    }

    fn system(&mut self, word: &str) {
        self.frame(&format!(
            r#"{{"channel":"status","type":"update","data":[{{"system":"{word}","connection_id":7}}]}}"#
        ));
    }

    /// One row of the list, as an update.
    fn row(&mut self, name: &str, changed: &str) {
        self.list("update", &[row(name, changed)]);
    }

    fn list(&mut self, kind: &str, rows: &[String]) {
        let rows = rows.join(",");
        self.frame(&format!(
            r#"{{"channel":"instrument","type":"{kind}","data":{{"assets":[],"pairs":[{rows}]}}}}"#
        ));
    }

    /// The statuses that the engine was told since the last call.
    fn told(&mut self) -> Vec<(SymbolId, TradingStatus)> {
        let events = std::mem::take(&mut self.events.0).into_iter();
        let status = |(symbol, kind)| match kind {
            MarketKind::Trading(status) => Some((symbol, status)),
            _ => None,
        };
        events.filter_map(status).collect()
    }

    fn notices(&mut self) -> Vec<TradingNotice> {
        self.market.take_trading_notices().into_iter().collect()
    }
}

fn row(name: &str, changed: &str) -> String {
    let mut row = format!(
        r#"{{"symbol":"{name}","base":"A","quote":"USD","status":"online","price_precision":1,"qty_precision":2,"price_increment":0.1,"qty_increment":0.01,"qty_min":0.01,"cost_min":0"#
    );
    for change in changed.split(',').filter(|change| !change.is_empty()) {
        let (key, value) = change.split_once(':').unwrap();
        let at = row.find(&format!("\"{key}\":")).unwrap() + key.len() + 3;
        let len = row[at..].find(',').unwrap_or(row.len() - at);
        row.replace_range(at..at + len, value);
    }
    row + "}"
}

#[test]
fn the_venues_state_and_the_pairs_are_both_needed() {
    use TradingStatus::{CancelOnly, Closed, LimitOnly, Online, PostOnly, ReduceOnly};
    let mut rig = Rig::under(Online);
    for (system, pair, left) in [
        ("cancel_only", r#"status:"online""#, CancelOnly),
        ("maintenance", r#"status:"limit_only""#, Closed),
        ("post_only", r#"status:"limit_only""#, PostOnly),
        ("post_only", r#"status:"reduce_only""#, CancelOnly),
        ("online", r#"status:"reduce_only""#, ReduceOnly),
        ("online", r#"status:"limit_only""#, LimitOnly),
        ("online", r#"status:"delisted""#, Closed),
        ("a_new_word", r#"status:"online""#, Closed),
        ("online", r#"status:"online""#, Online),
    ] {
        rig.system(system);
        rig.row("A/USD", pair);
        let last = rig.told().into_iter().rfind(|(symbol, _)| *symbol == A);
        assert_eq!(last, Some((A, left)), "{system} and {pair}");
    }
}

#[test]
fn a_state_of_the_venue_is_told_for_every_pair_once() {
    let mut rig = Rig::under(TradingStatus::Online);
    rig.system("online");
    assert_eq!((rig.told(), rig.notices()), (vec![], vec![]));
    rig.system("cancel_only");
    rig.system("cancel_only");
    let status = TradingStatus::CancelOnly;
    assert_eq!(rig.told(), [(A, status), (B, status)]);
    assert_eq!(rig.notices(), [TradingNotice::Venue(status)]);
    // A message that does not say it, as one on coming maintenance may not, changes nothing.
    rig.frame(r#"{"channel":"status","type":"update","data":[{"upcoming_maintenance":[]}]}"#);
    assert_eq!(rig.told(), []);
}

#[test]
fn a_state_told_before_the_list_counts_until_the_venue_tells_another() {
    let mut rig = Rig::under(TradingStatus::CancelOnly);
    rig.row("A/USD", "");
    assert_eq!(rig.told(), [(A, TradingStatus::CancelOnly)]);
    rig.system("online");
    assert_eq!(rig.told(), [(A, TradingStatus::Online), (B, TradingStatus::Online)]);
}

#[test]
fn other_increments_and_minimums_are_applied_and_told() {
    let mut rig = Rig::under(TradingStatus::Online);
    rig.row("A/USD", "qty_min:3,price_increment:0.5,cost_min:7.5");
    let rules = rig.market.instruments()[0].order_rules();
    assert_eq!((rules.qty_min, rules.price_increment.raw()), (Qty::new(300), 5));
    assert_eq!(rules.cost_min(), paperwire_core::num::Money::from_num(7.5));
    assert!(rig.events.0.contains(&(A, MarketKind::Rules(rules))));
    assert_eq!(rig.notices(), [TradingNotice::Rules(A, rules)]);
    rig.events.0.clear();
    rig.row("A/USD", "qty_min:3,price_increment:0.5,cost_min:7.5");
    let status = MarketKind::Trading(TradingStatus::Online);
    assert_eq!(rig.events.0, [(A, status)], "told once");
}

/// A book of A/USD that verifies, so that there is something to lose.
fn live() -> Rig {
    let mut rig = Rig::under(TradingStatus::Online);
    let crc = crc32fast::hash(b"101500100500");
    let outcome = rig.frame(&format!(
        r#"{{"channel":"book","type":"snapshot","data":[{{"symbol":"A/USD","bids":[{{"price":10.0,"qty":5.00}}],"asks":[{{"price":10.1,"qty":5.00}}],"checksum":{crc}}}]}}"#
    ));
    assert_eq!(outcome, Outcome::Snapshot(A));
    rig.events.0.clear();
    rig
}

#[test]
fn a_pair_that_cannot_be_followed_is_stopped_closed_and_void() {
    let whole = [row("B/USD", "")];
    let refusal = r#"{"error":"Currency pair not supported A/USD","method":"subscribe","req_id":9,"success":false,"symbol":"A/USD"}"#;
    type Doing<'a> = &'a dyn Fn(&mut Rig);
    let precision: Doing<'_> = &|rig| rig.row("A/USD", "price_precision:2");
    let unreadable: Doing<'_> = &|rig| rig.row("A/USD", "price_precision:99");
    let unlisted: Doing<'_> = &|rig| rig.list("snapshot", &whole);
    let refused: Doing<'_> = &|rig| {
        rig.frame(refusal);
    };
    for (doing, stop, is_final) in [
        (precision, Stop::Precision { price: 2, qty: 2 }, true),
        (unreadable, Stop::Unreadable, true),
        (unlisted, Stop::Unlisted, true),
        (refused, Stop::Refused, false),
    ] {
        let mut rig = live();
        doing(&mut rig);
        assert_eq!((rig.market.stop(A), rig.market.is_given_up(A)), (Some(stop), is_final));
        assert_eq!(rig.market.state(A), BookState::Resync);
        assert!(rig.events.0.contains(&(A, MarketKind::Status(SymbolStatus::Resync))), "{stop:?}");
        assert!(rig.told().contains(&(A, TradingStatus::Closed)), "{stop:?}");
        assert!(rig.notices().contains(&TradingNotice::Stopped(A, stop)));
        assert_eq!(rig.market.stop(B), None);
        // What the venue says of itself opens nothing that is stopped.
        rig.system("post_only");
        assert!(rig.told().contains(&(A, TradingStatus::Closed)), "{stop:?}");
        rig.system("online");
        rig.frame(r#"{"method":"subscribe","req_id":9,"result":{"channel":"book","depth":10,"snapshot":true,"symbol":"A/USD"},"success":true}"#);
        rig.row("A/USD", "");
        assert_eq!(rig.market.stop(A), None, "{stop:?} ends with its cause");
        assert_eq!(rig.told().last(), Some(&(A, TradingStatus::Online)));
    }
}

#[test]
fn a_list_of_nothing_says_nothing() {
    let mut rig = live();
    rig.list("snapshot", &[]);
    assert_eq!((rig.market.stop(A), rig.told()), (None, vec![]));
}

#[test]
fn what_is_learned_before_a_time_is_known_is_told_with_the_first() {
    let of = infer::instrument_of(br#"{"symbol":"A/USD","price":10.0,"qty":5.00}"#).unwrap();
    let market = MarketFeed::new(&[of, Instrument { name: "B/USD".try_into().unwrap(), ..of }], 10);
    let mut rig = Rig { market, events: Events::default() };
    rig.row("A/USD", "qty_min:3");
    rig.system("cancel_only");
    assert_eq!(rig.events.0, []);
    rig.frame(PRINT);
    let rules = rig.market.instruments()[0].order_rules();
    let status = MarketKind::Trading(TradingStatus::CancelOnly);
    assert_eq!(rig.events.0[..3], [(A, MarketKind::Rules(rules)), (A, status), (B, status)]);
}
