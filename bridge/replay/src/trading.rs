//! What is said when the venue, or one of its pairs, can be traded otherwise than before.

use paperwire_core::instrument::{Instrument, OrderRules, SymbolId, TradingStatus};
use paperwire_feed::market::{Stop, TradingNotice};
use serde_json::{Value, json};

use crate::record::money;

/// Name and details of the log's event, and the line for people.
pub fn told(notice: &TradingNotice, instruments: &[Instrument]) -> (&'static str, Value, String) {
    let of = |symbol: SymbolId| &instruments[symbol.index()];
    match *notice {
        TradingNotice::Venue(status) => {
            let text = format!("the venue is {}: {}", status.as_str(), allowed(status));
            ("venue_trading", json!({"status": status.as_str()}), text)
        }
        TradingNotice::Pair(symbol, status) => {
            let name = of(symbol).name.as_str();
            let text = format!("{name} is {} at the venue: {}", status.as_str(), allowed(status));
            ("pair_trading", json!({"symbol": name, "status": status.as_str()}), text)
        }
        TradingNotice::Stopped(symbol, stop) => {
            let name = of(symbol).name.as_str();
            let why = reason(stop);
            let text = format!("{name} is stopped: {why}");
            ("pair_stopped", json!({"symbol": name, "reason": why}), text)
        }
        TradingNotice::Resumed(symbol) => {
            let name = of(symbol).name.as_str();
            ("pair_resumed", json!({"symbol": name}), format!("{name} can be followed again"))
        }
        TradingNotice::Rules(symbol, rules) => rules_told(of(symbol), &rules),
    }
}

/// What a status leaves.
const fn allowed(status: TradingStatus) -> &'static str {
    match status {
        TradingStatus::Online => "orders of every kind are taken and filled",
        TradingStatus::CancelOnly => "no order is taken or filled",
        TradingStatus::PostOnly => "only orders that rest are taken, and nothing is filled",
        TradingStatus::LimitOnly => "no market order is taken",
        TradingStatus::ReduceOnly => "only exits are taken",
        TradingStatus::Closed => "nothing can be traded",
    }
}

fn reason(stop: Stop) -> String {
    match stop {
        Stop::Precision { price, qty } => format!(
            "the venue now writes its prices with {price} and its quantities with {qty} decimals; restart to \
             follow it"
        ),
        Stop::Unreadable => {
            "the venue's list says of it what this version cannot read; restart or leave it out"
                .to_owned()
        }
        Stop::Unlisted => {
            "the venue does not list it any more; leave it out of the symbols".to_owned()
        }
        Stop::Refused => {
            "the venue refuses to subscribe it; leave it out of the symbols".to_owned()
        }
    }
}

fn rules_told(of: &Instrument, rules: &OrderRules) -> (&'static str, Value, String) {
    let name = of.name.as_str();
    let tick = of.show_px(rules.price_increment).to_string();
    let lot = of.show_qty(rules.qty_increment).to_string();
    let least = of.show_qty(rules.qty_min).to_string();
    let value = money(rules.cost_min());
    let text = format!(
        "{name}: the venue changed its order rules, and they hold from now on: tick {tick}, lot {lot}, least \
         quantity {least}, least value {value} {}",
        of.quote
    );
    let details = json!({
        "symbol": name,
        "price_increment": tick,
        "qty_increment": lot,
        "qty_min": least,
        "cost_min": value,
    });
    ("order_rules", details, text)
}

/// The word for a pair in a line of status; none for one that is traded as usual.
pub fn restriction(status: TradingStatus) -> Option<&'static str> {
    (status != TradingStatus::Online).then(|| status.as_str())
}

#[cfg(test)]
mod tests {
    use paperwire_core::num::Qty;
    use paperwire_feed::infer;

    use super::*;

    #[test]
    fn each_change_says_what_happened_to_what_and_what_to_do() {
        let text = br#"{"symbol":"BTC/USD","price":1.0,"qty":1.00000000}"#;
        let of = infer::instrument_of(text).unwrap();
        let rules = Instrument { qty_min: Qty::new(100_000_000), ..of }.order_rules();
        let symbol = SymbolId(0);
        for (notice, event, line) in [
            (
                TradingNotice::Venue(TradingStatus::CancelOnly),
                "venue_trading",
                "the venue is cancel_only: no order is taken or filled",
            ),
            (
                TradingNotice::Pair(symbol, TradingStatus::Closed),
                "pair_trading",
                "BTC/USD is closed at the venue: nothing can be traded",
            ),
            (
                TradingNotice::Stopped(symbol, Stop::Precision { price: 2, qty: 8 }),
                "pair_stopped",
                "BTC/USD is stopped: the venue now writes its prices with 2 and its quantities with 8 decimals; \
                 restart to follow it",
            ),
            (
                TradingNotice::Rules(symbol, rules),
                "order_rules",
                "BTC/USD: the venue changed its order rules, and they hold from now on: tick 0.1, lot 0.00000001, \
                 least quantity 1.00000000, least value 0.0000000000 USD",
            ),
        ] {
            let (name, _, text) = told(&notice, &[of]);
            assert_eq!((name, text.as_str()), (event, line));
        }
    }
}
