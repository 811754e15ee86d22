use super::*;
use crate::infer;
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
    check("2026-08-02T", "2026-13-02T", WireError::Field { field: "timestamp" });
    check("update", "patch", WireError::Field { field: "type" });
    check("}]}", "}]", WireError::Syntax { at: UPDATE.len() - 1 });
    assert_eq!(decoded(&UPDATE.replace("BTC", "ETH")).0, Ok(Frame::UnknownSymbol));
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
    assert_eq!(
        (row.bid.raw(), row.ask.raw(), row.last.raw(), row.at),
        (837_442, 837_443, 837_443, None)
    );
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
