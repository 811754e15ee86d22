use serde_json::Value;

use super::*;
use crate::faults::Faults;
use crate::hub::HubConfig;
use crate::limit::RateLimit;
use crate::market::MarketConfig;
use crate::publish::Venue;

const HOME: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn hub(rest_limit: Option<RateLimit>) -> Hub {
    let config = HubConfig { speed: 0.0, ws_limit: None, rest_limit, queue_len_max: 64, seed: 1 };
    Hub::new(Venue::new(&MarketConfig::new(2)).unwrap(), &Faults::none(), config)
}

/// Asks `Method?key=value&...`.
fn ask(hub: &Hub, request: &str) -> Result<Value, &'static str> {
    let (method, query) = request.split_once('?').unwrap_or((request, ""));
    let params = query.split('&').filter_map(|pair| pair.split_once('='));
    let params = params.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    hub.public(HOME, method, &params).map(|text| serde_json::from_str(&text).unwrap())
}

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn answers_are_keyed_by_the_name_asked_for() {
    let hub = hub(None);
    let check = |request: &str, key: &str| {
        let got = ask(&hub, request).unwrap();
        assert_eq!(keys(&got)[0], key, "{request}");
    };
    check("AssetPairs?pair=BTC/USD", "BTC/USD");
    check("AssetPairs?pair=XBTUSD", "XXBTZUSD");
    check("AssetPairs?pair=XBT/USD", "XXBTZUSD");
    check("AssetPairs?pair=XXRPZUSD", "XXRPZUSD");
    check("AssetPairs?pair=XXRPZUSD&assetVersion=1", "XRP/USD");
    check("Ticker?pair=XRPXBT", "XXRPXXBT");
    check("OHLC?pair=BTC/USD", "BTC/USD");
    check("Depth?pair=ETHUSD", "XETHZUSD");
    assert_eq!(keys(&ask(&hub, "AssetPairs").unwrap()).len(), 4);
    assert_eq!(keys(&ask(&hub, "Ticker?pair=XBTUSD,XRPUSD").unwrap()).len(), 2);
}

#[test]
fn what_cannot_be_answered_has_krakens_error() {
    let hub = hub(None);
    let check =
        |request: &str, error: &str| assert_eq!(ask(&hub, request), Err(error), "{request}");
    let unreachable: &'static str = "EGeneral:Unknown method";
    check("Nothing", unreachable);
    check("Ticker?pair=FOOBAR", "EQuery:Unknown asset pair");
    check("OHLC", "EGeneral:Invalid arguments");
    check("OHLC?pair=XBTUSD&interval=7", "EGeneral:Invalid arguments");
    check("Trades?pair=XBTUSD&count=1001", "EGeneral:Invalid arguments");
    check("Depth?pair=XBTUSD&count=501", "EGeneral:Invalid arguments");
    check("Assets?asset=NOPE", "EQuery:Unknown asset");
}

#[test]
fn candles_are_720_rows_that_end_with_the_forming_one() {
    let hub = hub(None);
    let got = ask(&hub, "OHLC?pair=XBTUSD&interval=1").unwrap();
    let rows = got["XXBTZUSD"].as_array().unwrap();
    assert_eq!(rows.len(), 720);
    assert!(rows.windows(2).all(|w| w[1][0].as_i64().unwrap() - w[0][0].as_i64().unwrap() == 60));
    assert_eq!(got["last"], rows[718][0]);
    for column in 1..=6 {
        assert!(rows[0][column].is_string(), "{}", rows[0]);
    }
    assert!(rows[0][7].is_u64());
    let since = rows[700][0].as_i64().unwrap();
    let newer = ask(&hub, &format!("OHLC?pair=XBTUSD&since={since}")).unwrap();
    assert_eq!(newer["XXBTZUSD"].as_array().unwrap().len(), 19);
}

#[test]
fn paging_through_trades_loses_none() {
    let hub = hub(None);
    let mut since = "0".to_owned();
    let mut ids = std::collections::BTreeSet::new();
    loop {
        let got = ask(&hub, &format!("Trades?pair=BTC/USD&since={since}")).unwrap();
        let page = got["BTC/USD"].as_array().unwrap();
        ids.extend(page.iter().map(|row| row[6].as_u64().unwrap()));
        let last = got["last"].as_str().unwrap().to_owned();
        if page.len() < TRADES_PAGE_MAX {
            break;
        }
        assert_ne!(last, since, "a cursor moves");
        since = last;
    }
    let state = hub.lock();
    let market = state.venue.market();
    let truth = market.history(market.symbol("BTC/USD").unwrap());
    let wanted: std::collections::BTreeSet<u64> = truth.trades().map(|t| t.trade_id).collect();
    assert!(wanted.len() > 20_000);
    assert_eq!(ids, wanted);
}

#[test]
fn a_cursor_is_nanoseconds_or_seconds() {
    let check = |text, want: i64| assert_eq!(since_ns(text), Ok(ExchNs::new(want)), "{text}");
    check("1762820035982277754", 1_762_820_035_982_277_754);
    check("1762820035", 1_762_820_035_000_000_000);
    check("1762820035.9822778", 1_762_820_035_982_277_800);
    check("0", 0);
    assert!(since_ns("soon").is_err());
}

#[test]
fn the_limit_is_per_address_and_for_trades_per_pair() {
    let hub = hub(Some(RateLimit { burst: 2, per_s: 0.0 }));
    let too_many = Err("EGeneral:Too many requests");
    assert!(ask(&hub, "Time").is_ok());
    assert!(ask(&hub, "Time").is_ok());
    assert_eq!(ask(&hub, "Ticker?pair=XBTUSD"), too_many);
    for pair in ["XBTUSD", "XRPUSD"] {
        let request = format!("Trades?pair={pair}");
        assert!(ask(&hub, &request).is_ok());
        assert!(ask(&hub, &request).is_ok());
        assert_eq!(ask(&hub, &request), too_many);
    }
}

#[test]
fn time_is_told_in_both_ways() {
    let got = ask(&hub(None), "Time").unwrap();
    assert_eq!(got["unixtime"], 1_767_225_600);
    assert_eq!(got["rfc1123"], "Thu, 01 Jan 26 00:00:00 +0000");
}
