use paperwire_core::time::DurationNs;
use serde_json::Value;

use super::text::nanos;
use super::*;
use crate::market::MarketConfig;

/// A client by Kraken's guide: apply in order, cut to the depth, check the CRC. It keeps the text of
/// the wire and knows nothing of the publisher.
struct Naive {
    depth: usize,
    /// Cuts after each level instead of after each message: Kraken's stream suits both.
    cuts_each: bool,
    sides: [Vec<(String, String)>; 2],
    decreasing: [bool; 2],
}

fn token(text: &str) -> String {
    text.replace('.', "").trim_start_matches('0').to_owned()
}

impl Naive {
    fn new(depth: usize, cuts_each: bool) -> Self {
        Self { depth, cuts_each, sides: Default::default(), decreasing: [true, false] }
    }

    /// Levels of one list as text, by scanning: a JSON reader would turn them into floats.
    fn rows(text: &str, list: &str) -> Vec<(String, String)> {
        let start = text.find(&format!("\"{list}\":[")).unwrap();
        let end = start + text[start..].find(']').unwrap();
        let mut rows = Vec::new();
        for row in text[start..end].split("{\"price\":").skip(1) {
            let (px, rest) = row.split_once(",\"qty\":").unwrap();
            rows.push((px.to_owned(), rest.split('}').next().unwrap().to_owned()));
        }
        rows
    }

    #[track_caller]
    fn apply(&mut self, text: &str) {
        for (slot, list) in ["bids", "asks"].into_iter().enumerate() {
            let side = &mut self.sides[slot];
            let cut = |side: &mut Vec<(String, String)>, decreasing: bool| {
                side.sort_by(|a, b| a.0.parse::<f64>().unwrap().total_cmp(&b.0.parse().unwrap()));
                if decreasing {
                    side.reverse();
                }
                side.truncate(self.depth);
            };
            for (px, qty) in Self::rows(text, list) {
                let at = side.iter().position(|row| row.0 == px);
                let gone = qty.chars().all(|c| c == '0' || c == '.');
                if let Some(at) = at {
                    // One that cuts late may still have a level that left and came back.
                    assert!(side[at].1 != qty || !self.cuts_each, "known already: {text}");
                    side.remove(at);
                } else {
                    assert!(!gone, "only what the client has is removed: {text}");
                }
                if !gone {
                    side.push((px, qty));
                }
                if self.cuts_each {
                    cut(side, self.decreasing[slot]);
                }
            }
            cut(side, self.decreasing[slot]);
        }
        let top = |slot: usize| self.sides[slot].iter().take(10);
        let digits: String =
            top(1).chain(top(0)).map(|(px, qty)| token(px) + &token(qty)).collect();
        let checksum = text.split("\"checksum\":").nth(1).unwrap().split(',').next().unwrap();
        assert_eq!(crc32fast::hash(digits.as_bytes()).to_string(), checksum, "{text}");
    }

    #[track_caller]
    fn agrees_with(&self, engine: &Engine) {
        let rules = engine.instrument();
        for (slot, side) in [BookSide::Bid, BookSide::Ask].into_iter().enumerate() {
            let truth: Vec<_> = engine
                .levels(side)
                .take(self.depth)
                .map(|(px, qty)| (rules.show_px(px).to_string(), rules.show_qty(qty).to_string()))
                .collect();
            assert_eq!(self.sides[slot], truth);
        }
    }
}

#[test]
fn a_client_of_any_depth_has_the_true_book_after_every_message() {
    let mut venue = Venue::new(&MarketConfig { rate: 4.0, ..MarketConfig::new(11) }).unwrap();
    let mut clients = BTreeMap::new();
    for name in ["BTC/USD", "XRP/USD", "XRP/BTC"] {
        let symbol = venue.market().symbol(name).unwrap();
        for depth in [10, 25, 100, 500] {
            let topic = Topic::Book(symbol, depth);
            let mut client = Naive::new(usize::from(depth), depth % 100 != 0);
            client.apply(&venue.snapshot(topic));
            venue.watch(topic);
            clients.insert(topic, client);
        }
    }
    let mut frames = Vec::new();
    let (mut count, mut removals) = (0u64, 0u64);
    while venue.events_total() < 100_000 {
        venue.advance_to(venue.market().now().plus(DurationNs::from_millis(250)), &mut frames);
        for frame in frames.drain(..) {
            clients.get_mut(&frame.topic).unwrap().apply(&frame.text);
            count += 1;
            removals += u64::from(frame.text.contains("\"qty\":0.00000000"));
        }
        for (topic, client) in &clients {
            client.agrees_with(venue.market().engine(topic.symbol().unwrap()));
        }
    }
    assert!(count > 20_000, "{count} messages");
    assert!(removals > count / 20, "{removals} removals in {count} messages");
}

/// The wire's shape and key order, from captured frames, with every value replaced by its kind.
fn shape(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '"' {
            let end = 1 + rest[1..].find('"').unwrap();
            let is_key = rest[end + 1..].starts_with(':');
            out.push_str(if is_key { &rest[1..end] } else { "s" });
            rest = &rest[end + 1..];
        } else if c == '-' || c.is_ascii_digit() {
            let end = rest.find(|c: char| !"-.0123456789e".contains(c)).unwrap();
            let decimals = rest[..end].split_once('.').map_or(0, |(_, d)| d.len());
            out.push_str(&format!("#{decimals}"));
            rest = &rest[end..];
        } else {
            out.push(c);
            rest = &rest[1..];
        }
    }
    out
}

#[test]
fn messages_have_the_shape_of_the_wire() {
    let mut venue = Venue::new(&MarketConfig::new(3)).unwrap();
    let btc = venue.market().symbol("BTC/USD").unwrap();
    let ticker = "{channel:s,type:s,data:[{symbol:s,bid:#1,bid_qty:#8,ask:#1,ask_qty:#8,last:#1,\
                  volume:#8,vwap:#1,low:#1,high:#1,change:#1,change_pct:#2,trades:#0,timestamp:s}]}";
    assert_eq!(shape(&venue.snapshot(Topic::Ticker(btc, Trigger::Bbo))), ticker);
    let trade = "{symbol:s,side:s,price:#1,qty:#8,ord_type:s,trade_id:#0,timestamp:s}";
    let trades = shape(&venue.snapshot(Topic::Trade(btc)));
    assert!(trades.starts_with(&format!("{{channel:s,type:s,data:[{trade},{trade},")), "{trades}");
    let bar = "{symbol:s,open:#1,high:#1,low:#1,close:#1,trades:#0,volume:#8,vwap:#1,\
               interval_begin:s,interval:#0,timestamp:s}";
    let bars = shape(&venue.snapshot(Topic::Ohlc(btc, 1)));
    assert!(bars.starts_with(&format!("{{channel:s,type:s,timestamp:s,data:[{bar},")), "{bars}");
    for topic in [Topic::Trade(btc), Topic::Ohlc(btc, 5), Topic::Ticker(btc, Trigger::Trades)] {
        venue.watch(topic);
    }
    let mut frames = Vec::new();
    venue.advance_to(venue.market().now().plus(DurationNs::from_secs(20)), &mut frames);
    for channel in ["trade", "ohlc", "ticker"] {
        let frame = frames.iter().find(|f| f.topic.channel() == channel).unwrap();
        let json: Value = serde_json::from_str(&frame.text).unwrap();
        assert_eq!(json["type"], "update");
        assert_eq!(json["channel"], channel);
    }
}

#[test]
fn a_candle_on_the_wire_is_the_bar_of_the_history() {
    let mut venue = Venue::new(&MarketConfig { rate: 5.0, ..MarketConfig::new(5) }).unwrap();
    let xrp = venue.market().symbol("XRP/USD").unwrap();
    venue.watch(Topic::Ohlc(xrp, 1));
    let mut frames = Vec::new();
    venue.advance_to(venue.market().now().plus(DurationNs::from_secs(150)), &mut frames);
    let last: Value = serde_json::from_str(&frames.last().unwrap().text).unwrap();
    let row = &last["data"][0];
    let truth = venue.market().history(xrp).minutes().next_back().unwrap();
    assert_eq!(row["trades"], truth.trades);
    assert_eq!(row["interval_begin"].as_str().unwrap(), nanos(truth.begin).to_string());
    let text =
        format!("\"close\":{}", venue.market().engine(xrp).instrument().show_px(truth.close));
    assert!(frames.last().unwrap().text.contains(&text));
}

#[test]
fn the_instrument_channel_lists_pairs_with_short_numbers() {
    let venue = Venue::new(&MarketConfig { extra_symbols: 2, ..MarketConfig::new(1) }).unwrap();
    let text = venue.snapshot(Topic::Instrument);
    let json: Value = serde_json::from_str(&text).unwrap();
    let pairs = json["data"]["pairs"].as_array().unwrap();
    let names: Vec<_> = pairs.iter().map(|p| p["symbol"].as_str().unwrap()).collect();
    assert_eq!(names, ["BTC/USD", "XRP/USD", "XRP/BTC", "ETH/USD", "SYM01/USD", "SYM02/USD"]);
    assert!(text.contains(r#""qty_increment":1e-08,"price_precision":1,"#), "{text}");
    assert!(text.contains(r#""price_increment":0.1,"qty_min":5e-05}"#), "{text}");
    let assets = json["data"]["assets"].as_array().unwrap();
    assert_eq!(assets.len(), 6);
}
