use super::*;
use crate::faults::Faults;
use crate::hub::HubConfig;
use crate::limit::RateLimit;
use crate::market::MarketConfig;
use crate::publish::Venue;

/// A hub without sockets whose clock stands still at 2026-01-01T00:00:00Z.
fn frozen(faults: &str, ws_limit: Option<RateLimit>) -> Hub {
    let market = MarketConfig { history_minutes: 30, ..MarketConfig::new(1) };
    let config = HubConfig { speed: 0.0, ws_limit, rest_limit: None, queue_len_max: 64, seed: 1 };
    Hub::new(Venue::new(&market).unwrap(), &Faults::parse(faults).unwrap(), config)
}

fn connect(hub: &Hub) -> Link {
    let mut link = hub.connect().unwrap();
    let status = link.inbox.try_recv().unwrap();
    let start = r#"{"channel":"status","type":"update","data":[{"version":"2.0.10","system":"online","api_version":"v2","connection_id":"#;
    assert!(status.starts_with(start), "{status}");
    assert!(status.ends_with(r#","upcoming_maintenance":[],"emergency":[]}]}"#), "{status}");
    link
}

fn replies(hub: &Hub, link: &mut Link, request: &str) -> Vec<String> {
    hub.answer(link.id, request);
    std::iter::from_fn(|| link.inbox.try_recv().ok()).map(|text| text.to_string()).collect()
}

const TIMES: &str =
    r#","time_in":"2026-01-01T00:00:00.000000Z","time_out":"2026-01-01T00:00:00.000000Z"}"#;

#[test]
fn requests_are_answered_to_the_letter() {
    let hub = frozen("", None);
    let mut link = connect(&hub);
    // Each wanted answer is whole but for its times, or the beginning of a message of data.
    let mut check = |request: &str, wanted: &[&str]| {
        let got = replies(&hub, &mut link, request);
        assert_eq!(got.len(), wanted.len(), "{request}: {got:?}");
        for (got, wanted) in got.iter().zip(wanted) {
            if wanted.starts_with("{\"channel\"") {
                assert!(got.starts_with(wanted), "{request}: {got}");
            } else {
                assert_eq!(*got, format!("{wanted}{TIMES}"), "{request}");
            }
        }
    };
    check(r#"{"method":"ping","req_id":101}"#, &[r#"{"method":"pong","req_id":101"#]);
    check(r#"{"method":"ping"}"#, &[r#"{"method":"pong""#]);
    check(
        r#"{"method":"subscribe","req_id":1,"params":{"channel":"book","symbol":["BTC/USD","XRP/USD"]}}"#,
        &[
            r#"{"method":"subscribe","req_id":1,"result":{"channel":"book","depth":10,"snapshot":true,"symbol":"BTC/USD"},"success":true"#,
            r#"{"method":"subscribe","req_id":1,"result":{"channel":"book","depth":10,"snapshot":true,"symbol":"XRP/USD"},"success":true"#,
            r#"{"channel":"book","type":"snapshot","data":[{"symbol":"BTC/USD","bids":[{"price":"#,
            r#"{"channel":"book","type":"snapshot","data":[{"symbol":"XRP/USD","bids":[{"price":"#,
        ],
    );
    check(
        r#"{"method":"subscribe","req_id":2,"params":{"channel":"book","depth":25,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"error":"Already subscribed","method":"subscribe","req_id":2,"success":false,"symbol":"BTC/USD""#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"book","depth":11,"symbol":["ETH/USD"]}}"#,
        &[r#"{"error":"Subscription depth not supported","method":"subscribe","success":false"#],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"book","symbol":["XBT/USD"]}}"#,
        &[
            r#"{"error":"Currency pair not supported XBT/USD","method":"subscribe","success":false,"symbol":"XBT/USD""#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}"#,
        &[
            r#"{"method":"subscribe","result":{"channel":"trade","snapshot":false,"symbol":"BTC/USD"},"success":true"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"ticker","symbol":["BTC/USD"]}}"#,
        &[
            r#"{"method":"subscribe","result":{"channel":"ticker","event_trigger":"trades","snapshot":true,"symbol":"BTC/USD"},"success":true"#,
            r#"{"channel":"ticker","type":"snapshot","data":[{"symbol":"BTC/USD","bid":"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"ohlc","interval":1,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"method":"subscribe","result":{"channel":"ohlc","interval":1,"snapshot":true,"symbol":"BTC/USD","warnings":["timestamp is deprecated, use interval_begin"]},"success":true"#,
            r#"{"channel":"ohlc","type":"snapshot","timestamp":"2026-01-01T00:00:00.000000000Z","data":[{"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"ohlc","interval":5,"snapshot":false,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"method":"subscribe","result":{"channel":"ohlc","interval":5,"snapshot":false,"symbol":"BTC/USD","warnings":["timestamp is deprecated, use interval_begin"]},"success":true"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"ohlc","interval":7,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"error":"Subscription ohlc interval not supported","method":"subscribe","success":false"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"instrument"}}"#,
        &[
            r#"{"method":"subscribe","result":{"channel":"instrument","snapshot":true,"warnings":["tick_size is deprecated, use price_increment"]},"success":true"#,
            r#"{"channel":"instrument","type":"snapshot","data":{"assets":[{"id":"BTC","#,
        ],
    );
    check(
        r#"{"method":"unsubscribe","params":{"channel":"book","depth":10,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"method":"unsubscribe","result":{"channel":"book","depth":10,"symbol":"BTC/USD"},"success":true"#,
        ],
    );
    check(
        r#"{"method":"unsubscribe","params":{"channel":"book","depth":10,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"error":"Subscription Not Found","method":"unsubscribe","success":false,"symbol":"BTC/USD""#,
        ],
    );
    check(
        r#"{"method":"unsubscribe","params":{"channel":"ohlc","interval":5,"symbol":["BTC/USD"]}}"#,
        &[
            r#"{"method":"unsubscribe","result":{"channel":"ohlc","interval":5,"symbol":"BTC/USD"},"success":true"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"executions","token":"x"}}"#,
        &[
            r#"{"error":"Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com","method":"subscribe","success":false"#,
        ],
    );
    check(
        r#"{"method":"subscribe","params":{"channel":"book","symbol":["A\"B"]}}"#,
        &[
            r#"{"error":"Currency pair not supported A\"B","method":"subscribe","success":false,"symbol":"A\"B""#,
        ],
    );
    check("{", &[r#"{"error":"Malformed request","success":false"#]);
    check(
        r#"{"method":"subscribe","params":{"channel":"nonsense"}}"#,
        &[r#"{"error":"Subscription name invalid","method":"subscribe","success":false"#],
    );
}

#[test]
fn too_many_requests_are_refused_and_the_connection_stays() {
    let hub = frozen("", Some(RateLimit { burst: 2, per_s: 0.0 }));
    let mut link = connect(&hub);
    let ping = r#"{"method":"ping"}"#;
    for over in [false, false, true, true] {
        let got = replies(&hub, &mut link, ping);
        assert_eq!(got[0] == OVER_LIMIT, over, "{got:?}");
    }
    assert_eq!(hub.lock().peers.len(), 1);
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_its_topics_end() {
    let hub = frozen("", None);
    let link = connect(&hub);
    for _ in 0..64 {
        hub.answer(
            link.id,
            r#"{"method":"subscribe","params":{"channel":"trade","symbol":["BTC/USD"]}}"#,
        );
    }
    hub.step();
    assert_eq!(hub.lock().peers.len(), 0);
    assert_eq!(hub.counters.slow_drops.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_silent_subscription_is_confirmed_and_gets_nothing() {
    let script = "[[fault]]\nkind = 'silent'\nsymbol = 'XRP/USD'\nat_s = 0\nduration_ms = 60000";
    let hub = frozen(script, None);
    hub.step();
    let mut link = connect(&hub);
    let request =
        r#"{"method":"subscribe","params":{"channel":"book","symbol":["XRP/USD","BTC/USD"]}}"#;
    let got = replies(&hub, &mut link, request);
    assert_eq!(got.len(), 3, "two confirmations, one snapshot: {got:?}");
    assert!(got[2].contains("BTC/USD"));
    assert!(hub.has_topics(link.id));
}
