use std::collections::VecDeque;
use std::sync::Mutex;

use paperwire_core::num::{Px, Qty};
use paperwire_core::trade::OrderSide;

use super::*;

/// A venue that gives these answers, one after the other, and writes down what it was asked.
#[derive(Debug, Default)]
struct Script {
    answers: Mutex<VecDeque<Result<Reply, String>>>,
    asked: Mutex<Vec<String>>,
}

impl Get for Script {
    fn get(&self, url: &str) -> Result<Reply, String> {
        self.asked.lock().unwrap().push(url.to_owned());
        self.answers.lock().unwrap().pop_front().unwrap_or_else(|| Err("no more".to_owned()))
    }
}

fn said(status: u16, body: &str) -> Result<Reply, String> {
    Ok(Reply { status, body: body.to_owned(), retry_after_s: None })
}

fn rest(answers: Vec<Result<Reply, String>>) -> (Rest, Arc<Script>) {
    let script = Arc::new(Script { answers: Mutex::new(answers.into()), ..Script::default() });
    let limiter = Arc::new(Limiter::new(1000, 1000.0, (0.001, 0.002)));
    (Rest::by("http://venue/", limiter, script.clone(), 0), script)
}

const TIME: &str = r#"{"error":[],"result":{"unixtime":1790000000}}"#;

#[test]
fn what_passes_is_asked_again_and_what_stays_is_told_with_its_remedy() {
    let passing = [
        said(200, r#"{"error":["EGeneral:Temporary lockout"]}"#),
        said(200, r#"{"error":["EGeneral:Too many requests"],"result":null}"#),
        said(200, r#"{"error":["EAPI:Rate limit exceeded"]}"#),
        said(200, r#"{"error":["EService:Unavailable"]}"#),
        said(503, r#"{"error":["EService:Busy"]}"#),
        said(200, "<!DOCTYPE html><title>520</title>"),
        said(520, "<html>"),
        said(429, "<html>slow down"),
        said(200, ""),
        said(200, r#"{"error":[],"result":null}"#),
        said(200, r#"{"error":[],"resu"#),
        Err("connection reset".to_owned()),
    ];
    for failed in passing {
        let (mut rest, script) = rest(vec![failed.clone(), said(200, TIME)]);
        assert_eq!(rest.time().unwrap().raw(), 1_790_000_000 * SECOND_NS, "{failed:?}");
        assert_eq!(script.asked.lock().unwrap().len(), 2);
    }
    let check = |answer: &str, fault: Fault, asked: usize, words: &str| {
        let (mut rest, script) = rest(vec![said(200, answer); 40]);
        let error = rest.time().unwrap_err();
        assert_eq!((error.fault, script.asked.lock().unwrap().len()), (fault, asked), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    };
    check(r#"{"error":["EGeneral:Temporary lockout"]}"#, Fault::LockedOut, 4, "quarter of an hour");
    check(r#"{"error":["EAPI:Rate limit exceeded"]}"#, Fault::TooOften, 13, "wait a minute");
    // One more request looks at the venue's status.
    check(r#"{"error":["EService:Busy"]}"#, Fault::Busy, 6, "overloaded");
    check("<html><title>down</title>", Fault::Page, 5, "an HTML page, \"down\"");
    check(r#"{"error":[],"result":null}"#, Fault::Malformed, 3, "neither a result nor an error");
    check(r#"{"error":["EQuery:Unknown asset pair"]}"#, Fault::UnknownPair, 1, "name of the pair");
    check(r#"{"error":["EGeneral:Permission denied"]}"#, Fault::Refused, 1, "for good");
}

#[test]
fn a_venue_that_stays_busy_is_asked_whether_it_is_in_maintenance() {
    let mut answers = vec![said(200, r#"{"error":["EService:Unavailable"]}"#); 5];
    answers.push(said(200, r#"{"error":[],"result":{"status":"maintenance","x":[]}}"#));
    let (mut rest, script) = rest(answers);
    let error = rest.time().unwrap_err();
    assert_eq!(error.fault, Fault::Maintenance, "{error}");
    assert!(script.asked.lock().unwrap().last().unwrap().ends_with("/SystemStatus"));
}

#[test]
fn a_warning_beside_an_answer_is_no_error() {
    let answer = r#"{"error":["WGeneral:slow"],"result":{"unixtime":5}}"#;
    assert_eq!(rest(vec![said(200, answer)]).0.time().unwrap().raw(), 5 * SECOND_NS);
}

#[test]
fn a_venue_that_says_nothing_does_not_hold_up_the_end_of_the_program() {
    #[derive(Debug)]
    struct Silent;
    impl Get for Silent {
        fn get(&self, _url: &str) -> Result<Reply, String> {
            loop {
                Wait::Rest.wait();
            }
        }
    }
    let limiter = Arc::new(Limiter::new(9, 1.0, (1.0, 1.0)));
    let mut rest = Rest::by("http://venue", limiter, Arc::new(Silent), 0).until(Arc::new(|| true));
    assert_eq!(rest.time().unwrap_err().fault, Fault::Stopped);
}

#[test]
fn more_columns_and_unused_fields_are_skipped_whatever_they_hold() {
    let scale = Scale { price: 1, qty: 8 };
    let odd = r#""\ud83d",1e999,{"a":[123456789012345678901234567890]},null"#;
    let ohlc = format!(
        r#"{{"error":[],"took":1e999,"result":{{"\ud83dnote":[[1]],"XXBTZUSD":[
        [60,"10.0","11.5","9.0","10.5","10.26","2.50000000",3,{odd}],
        [120,"10.5","10.5","10.5","10.5","0.0","0.00000000",0,{odd}],
        [180,"1.0","1.0","1.0","1.0","1.0","1.0",1,{odd}]],"last":120}}}}"#
    );
    // The first list is the pair's, whatever other fields come after it.
    let ohlc = ohlc.replace(r#""\ud83dnote":[[1]],"#, r#""\ud83dnote":{"x":[1]},"#);
    let bars = rest(vec![said(200, &ohlc)]).0.bars("BTC/USD", Timeframe::M1, scale).unwrap();
    let [first, empty] = bars.candles[..] else { panic!("{bars:?}") };
    assert_eq!((first.vwap, first.volume), (Some(Px::new(102)), Qty::new(250_000_000)));
    assert!(empty.flags.is_carried && empty.vwap == Some(empty.close));

    let page = format!(
        r#"{{"error":[],"result":{{"XXBTZUSD":[
        ["10.05","0.5",1790000000.1234567890123,"b","m","",7,{odd}],
        ["10.0","0.5",1790000001,"?","?",{{}},"8",{odd}]],"last":"1790000001000000000"}}}}"#
    );
    let page = rest(vec![said(200, &page)]).0.trades("BTC/USD", "0", scale).unwrap();
    assert_eq!(page.scale, Scale { price: 2, qty: 8 }, "a finer price makes the scale finer");
    let [first, second] = page.prints[..] else { panic!("{page:?}") };
    assert_eq!(first.at.raw(), 1_790_000_000_123_456_789);
    assert_eq!((first.taker, first.is_market), (Some(OrderSide::Buy), Some(true)));
    assert_eq!((second.taker, second.is_market, second.trade_id), (None, None, 8));

    let pairs = format!(
        r#"{{"error":[],"result":{{"XXBTZUSD":{{"altname":"XBTUSD","wsname":"XBT/USD","odd":[{odd}],
        "pair_decimals":1,"lot_decimals":8}}}}}}"#
    );
    assert_eq!(rest(vec![said(200, &pairs)]).0.scale("BTC/USD").unwrap(), scale);
    let listed = rest(vec![said(200, &pairs)]).0.pairs().unwrap();
    assert_eq!(listed[0].symbol, "BTC/USD");
}

#[test]
fn used_columns_that_cannot_be_are_refused() {
    let refused = |row: &str| {
        let body = format!(r#"{{"error":[],"result":{{"A":[{row}],"last":"9"}}}}"#);
        let (mut rest, _) = rest(vec![said(200, &body); 3]);
        assert_eq!(rest.trades("A/B", "0", Scale::default()).unwrap_err().fault, Fault::Malformed);
        let (mut rest, _) = rest_of_bars(row);
        let bars = rest.bars("A/B", Timeframe::M1, Scale::default());
        assert_eq!(bars.unwrap_err().fault, Fault::Malformed, "{row}");
    };
    fn rest_of_bars(row: &str) -> (Rest, Arc<Script>) {
        let body = format!(r#"{{"error":[],"result":{{"A":[{row}],"last":6000}}}}"#);
        rest(vec![said(200, &body); 3])
    }
    // As a trade and as a bar.
    refused(r#"["0","1",60,"b","m","",7,0]"#);
    refused(r#"["1","-1",60,"b","m","",7,0]"#);
    refused(r#"["1","1","x","b","m","",7,0]"#);
    refused(r#"["1","1",60]"#);
    refused("7");
    let bars = |row: &str| rest_of_bars(row).0.bars("A/B", Timeframe::M1, Scale::default());
    assert!(bars(r#"[60,"1","2","1","1","1","1",1]"#).is_ok());
    for bad in [
        r#"[61,"1","2","1","1","1","1",1]"#,
        r#"[60,"1","0","1","1","1","1",1]"#,
        r#"[60,"1","2","1","3","1","1",1]"#,
        r#"[60,"1","2","0","1","1","1",1]"#,
        r#"[60,"1","2","1","1","1","-1",1]"#,
        r#"[60,"1","2","1","1","1","1",1],[60,"1","2","1","1","1","1",1]"#,
    ] {
        assert_eq!(bars(bad).unwrap_err().fault, Fault::Malformed, "{bad}");
    }
}

#[test]
fn names_of_pairs_are_written_into_addresses_byte_by_byte() {
    assert_eq!(encoded("BTC/USD"), "BTC%2FUSD");
    assert_eq!(encoded("ETH2.S/ETH"), "ETH2.S%2FETH");
    assert_eq!(encoded("A&b=c d"), "A%26b%3Dc%20d");
}
