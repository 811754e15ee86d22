use super::*;
use crate::infer;
use paperwire_core::trade::OrderSide;
use proptest::prelude::*;

fn table() -> SymbolTable {
    let row = br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#;
    SymbolTable::new(&[infer::instrument_of(row).unwrap()])
}

/// A frame with its rows.
type Decoded = (Result<Frame, WireError>, Vec<WireLevel>, Vec<(SymbolId, TradeTick)>);

fn decoded(frame: &str) -> Decoded {
    let mut scratch = Scratch::new();
    let frame = decode(frame.as_bytes(), &table(), &mut scratch);
    (frame, scratch.levels, scratch.trades)
}

const UPDATE: &str = r#"{"channel":"book","type":"update","data":[{"symbol":"BTC/USD","bids":[{"price":63381.0,"qty":0.00000000},{"price":63376.4,"qty":0.00005100}],"asks":[],"checksum":3726153463,"timestamp":"2026-08-02T03:35:51.302928Z"}]}"#;

#[test]
fn key_order_and_white_space_do_not_matter() {
    let usual = decoded(UPDATE);
    assert!(matches!(usual.0, Ok(Frame::Book(_))), "{usual:?}");
    assert_eq!(usual.1.len(), 2);
    for other in [
        UPDATE.replace(':', " : ").replace("T03 : 35 : 51", "T03:35:51"),
        r#"{"data":[{"timestamp":"2026-08-02T03:35:51.302928Z","checksum":3726153463,"asks":[],"bids":[{"qty":0.00000000,"price":63381.0},{"new":[{"a":null}],"price":63376.4,"qty":0.00005100}],"symbol":"BTC/USD"}],"type":"update","channel":"book"}"#.to_owned(),
    ] {
        assert_eq!(decoded(&other), usual, "{other}");
    }
}

#[test]
fn what_a_frame_lacks_or_gets_wrong_is_named() {
    let check = |from: &str, to: &str, expected: WireError| {
        let broken = UPDATE.replace(from, to);
        assert_ne!(broken, UPDATE);
        assert_eq!(decoded(&broken).0, Err(expected), "{broken}");
    };
    use paperwire_core::num::DecimalError;
    let number = |field, error| WireError::Number { field, error };
    check("63376.4", "63376.40", number("price", DecimalError::Precision));
    check("0.00005100", "5.1e-5", number("qty", DecimalError::Syntax));
    check("0.00005100", "-0.00005100", number("qty", DecimalError::Syntax));
    check("63376.4", "0.0", WireError::Field { field: "price" });
    check("3726153463", "4294967296", WireError::Field { field: "checksum" });
    check(r#""checksum":3726153463,"#, "", WireError::Field { field: "checksum" });
    check("update", "patch", WireError::Field { field: "type" });
    check("}]}", "}]", WireError::Syntax { at: UPDATE.len() - 1 });
    check("63376.4", "100000000000000.1", number("price", DecimalError::Overflow));
    check("0.00005100", "1000000000.00000001", number("qty", DecimalError::Overflow));
    check("0.00005100", "92233720368.54775807", number("qty", DecimalError::Overflow));
}

#[test]
fn trades_and_tickers_are_read_whole() {
    let (frame, _, trades) = decoded(
        r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":79192.8,"qty":0.00047353,"ord_type":"limit","trade_id":107725595,"timestamp":"2026-09-14T18:32:27.809282Z"},{"symbol":"BTC/USD","side":"buy","price":79192.8,"qty":0.00010000,"ord_type":"market","trade_id":107725596,"timestamp":"2026-09-14T18:32:27.809282Z"}]}"#,
    );
    assert_eq!(frame, Ok(Frame::Trades { is_snapshot: false }));
    let seen: Vec<_> =
        trades.iter().map(|(_, t)| (t.taker, t.px.raw(), t.qty.raw(), t.is_market)).collect();
    assert_eq!(
        seen,
        [(OrderSide::Sell, 791_928, 47_353, false), (OrderSide::Buy, 791_928, 10_000, true)]
    );
    let (frame, ..) = decoded(
        r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,"bid_qty":0.56251979,"ask":83744.3,"ask_qty":0.00044780,"last":83744.3,"volume":3156.84782110,"change":-429.3,"change_pct":-0.51}]}"#,
    );
    let Ok(Frame::Ticker(row)) = frame else { panic!("{frame:?}") };
    assert_eq!((row.last.raw(), row.at), (837_443, None));
}

const TRADES: &str = r#"{"channel":"trade","type":"update","data":[{"symbol":"BTC/USD","side":"sell","price":79192.8,"qty":0.00047353,"ord_type":"limit","trade_id":107725595,"timestamp":"2026-09-14T18:32:27.809282Z"},{"symbol":"BTC/USD","side":"buy","price":79192.9,"qty":0.00010000,"ord_type":"market","trade_id":107725596,"timestamp":"2026-09-14T18:32:27.809283Z"}]}"#;
const TICKER: &str = r#"{"channel":"ticker","type":"update","data":[{"symbol":"BTC/USD","bid":83744.2,"ask":83744.3,"last":83744.3,"change":-429.3}]}"#;

#[test]
fn a_book_with_a_time_that_cannot_be_has_none() {
    for bad in
        ["2026-13-02T03:35:51.302928Z", "2262-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "", "now"]
    {
        let text = UPDATE.replace("2026-08-02T03:35:51.302928Z", bad);
        let Ok(Frame::Book(head)) = decoded(&text).0 else { panic!("{text}") };
        assert_eq!(head.at, None, "{bad}");
    }
    let text = UPDATE.replace(r#""2026-08-02T03:35:51.302928Z""#, "null");
    assert!(matches!(decoded(&text).0, Ok(Frame::Book(BookHead { at: None, .. }))));
}

/// Prices of the trades that are believed, and why another row is not.
fn believed(text: &str) -> (Vec<i64>, Option<Refusal>) {
    let mut scratch = Scratch::new();
    let frame = decode(text.as_bytes(), &table(), &mut scratch).expect("trades void no book");
    assert!(!matches!(frame, Frame::Unread(_)), "{text}");
    (scratch.trades.iter().map(|(_, t)| t.px.raw()).collect(), scratch.refused.map(|of| of.why))
}

#[test]
fn a_trade_with_a_value_that_cannot_be_is_refused_and_the_others_are_not() {
    let check = |from: &str, to: &str, why: Refusal| {
        let text = TRADES.replacen(from, to, 1);
        assert_ne!(text, TRADES);
        assert_eq!(believed(&text), (vec![791_929], Some(why)), "{text}");
    };
    check("79192.8", "0.0", Refusal::Price);
    check("79192.8", "-79192.8", Refusal::Price);
    check("79192.8", "79192.85", Refusal::Price);
    check("79192.8", "100000000000000.1", Refusal::Price);
    check("79192.8", "null", Refusal::Price);
    check("0.00047353", "0.00000000", Refusal::Quantity);
    check("0.00047353", "-0.00047353", Refusal::Quantity);
    check("0.00047353", "92233720368.54775807", Refusal::Quantity);
    check("107725595", "-107725595", Refusal::TradeId);
    check("107725595", "9223372036854775807", Refusal::TradeId);
    check("107725595", "1e9", Refusal::TradeId);
    check("sell", "hold", Refusal::Side);
    check("2026-09-14T18:32:27.809282Z", "2262-01-01T00:00:00.000000Z", Refusal::Time);
    check("2026-09-14T18:32:27.809282Z", "1970-01-01T00:00:00.000000Z", Refusal::Time);
    assert_eq!(believed(TRADES), (vec![791_928, 791_929], None));
    assert_eq!(believed(&TRADES.replacen(r#""limit""#, "null", 1)).0, [791_928, 791_929]);
}

#[test]
fn a_print_between_two_ticks_is_refused() {
    let mut of =
        infer::instrument_of(br#"{"symbol":"BTC/USD","price":1.0,"qty":0.00000001}"#).unwrap();
    of.price_increment = Px::new(5);
    let mut scratch = Scratch::new();
    decode(TRADES.as_bytes(), &SymbolTable::new(&[of]), &mut scratch).unwrap();
    let refused = scratch.refused.unwrap();
    assert_eq!((refused.why, refused.count, scratch.trades.len()), (Refusal::OffTick, 2, 0));
}

#[test]
fn what_has_nothing_for_us_or_cannot_be_read_is_no_word_against_a_book() {
    let is_unread = |text: &str| matches!(decoded(text).0, Ok(Frame::Unread(_)));
    for (usual, empty) in [(TRADES, "trade"), (TICKER, "ticker"), (UPDATE, "book")] {
        let foreign = usual.replace("BTC/USD", "DOGE/USD");
        assert_eq!(decoded(&foreign).0, Ok(Frame::Nothing), "{foreign}");
        let none = format!(r#"{{"channel":"{empty}","type":"snapshot","data":[]}}"#);
        // An empty snapshot of trades is an answer to its subscription.
        let is_answer = empty == "trade";
        let expected = if is_answer { Frame::Trades { is_snapshot: true } } else { Frame::Nothing };
        assert_eq!(decoded(&none).0, Ok(expected));
    }
    for text in [TRADES, TICKER] {
        assert!(
            is_unread(&text.replace("}]}", "}]")) && is_unread(&text.replace("update", "patch"))
        );
        assert!(is_unread(&text.replace("[{", "{").replace("}]", "}")));
    }
    assert_eq!(decoded(&TICKER.replacen("83744.2", "null", 1)).0, decoded(TICKER).0);
    assert_eq!(
        decoded(&TICKER.replace(r#""last":83744.3"#, r#""last":null"#)).0,
        Ok(Frame::Nothing)
    );
    assert_eq!(decoded(&UPDATE.replace("BTC", "BTD")).0, Ok(Frame::Misnamed(SymbolId(0))));
    let named = |channel| UPDATE.replace("book", channel);
    for (channel, may_be_book) in [("bool", true), ("status", false), ("level3", false)] {
        assert_eq!(decoded(&named(channel)).0, Ok(Frame::Other { may_be_book }));
    }
}

#[test]
fn unused_fields_may_be_whatever_json_there_is() {
    let deep = format!("{}1{}", "[".repeat(1000), "]".repeat(1000));
    let unused = [
        "1785641750302928001",
        "99999999999999999999999999.9e-400",
        "-0",
        r#""\ud83d\ude00""#,
        r#""\ud83d""#,
        r#"{"a":[{},[],{"\ud83d\ude00\n":null}]}"#,
        "[true,false,null]",
        deep.as_str(),
    ];
    for usual in [UPDATE, TRADES, TICKER] {
        for value in unused {
            for key in ["sequence", r"\ud83d\ude00", r"new\nfield"] {
                let member = format!(r#"[{{"{key}":{value},"symbol""#);
                let text = usual.replacen(r#"[{"symbol""#, &member, 1);
                assert_eq!(decoded(&text), decoded(usual), "{text}");
                let text = usual.replacen('{', &format!(r#"{{"{key}":{value},"#), 1);
                assert_eq!(decoded(&text), decoded(usual), "{text}");
            }
        }
    }
    // What could be one of our keys in disguise is not stepped over.
    let hidden = UPDATE.replacen(r#""price""#, r#""pri\u0063e":1.0,"price""#, 1);
    assert!(decoded(&hidden).0.is_err());
    for value in ["01", "1.", "+1", "1e", r#""\u12""#, r#""\x""#, "nul", "[1,]", "{1:2}"] {
        let text = UPDATE.replacen('{', &format!(r#"{{"new":{value},"#), 1);
        assert!(decoded(&text).0.is_err(), "{text}");
    }
}

proptest! {
    /// The quick reader of the usual layout and the general one are one reader: a space that JSON
    /// allows sends a frame down the general way, and nothing else may change.
    #[test]
    fn both_ways_read_the_same(
        rows in prop::collection::vec((1i64..10_000_000, 0i64..1_000_000_000_000), 0..40),
        split in 0usize..40,
        checksum in any::<u32>(),
        damage in prop::option::of((0usize..400, 32u8..127)),
    ) {
        use paperwire_core::num::Decimal;
        let level = |(px, qty): &(i64, i64)| {
            format!(r#"{{"price":{},"qty":{}}}"#, Decimal::new(*px, 1), Decimal::new(*qty, 8))
        };
        let (bids, asks) = rows.split_at(split.min(rows.len()));
        let join = |rows: &[(i64, i64)]| rows.iter().map(level).collect::<Vec<_>>().join(",");
        let mut text = format!(
            r#"{{"channel":"book","type":"update","data":[{{"symbol":"BTC/USD","bids":[{}],"asks":[{}],"checksum":{checksum},"timestamp":"2026-08-02T03:35:51.302928Z"}}]}}"#,
            join(bids),
            join(asks),
        );
        if let Some((at, byte)) = damage {
            let at = at % text.len();
            text.replace_range(at..=at, char::from(byte).to_string().as_str());
        }
        let quick = decoded(&text);
        let general = decoded(&format!(" {text}"));
        let is_same = match (&quick.0, &general.0) {
            // Positions differ by the space; that both refuse is what counts.
            (Err(_), Err(_)) => true,
            _ => quick == general,
        };
        prop_assert!(is_same, "{text}\n{quick:?}\n{general:?}");
    }
}
