use super::*;
use crate::view::Strategy;
use crate::view::host::History;

const RULES: Rules =
    Rules { drawdown_pct: 5.0, feed_gap_s: 10, writer_lag_s: 8, halted: true, hourly_max: 10 };

fn snapshot(mode: &str, drawdown_pct: f64, is_halted: bool) -> Snapshot {
    let mut of = Snapshot::default();
    of.session.mode = mode.to_owned();
    of.session.source = "wss://venue".to_owned();
    let name = "a".to_owned();
    of.strategies.push(Strategy { name, drawdown_pct, is_halted, ..Strategy::default() });
    of
}

fn said(alerts: &[Alert]) -> Vec<(&'static str, bool)> {
    alerts.iter().map(|alert| (alert.kind, alert.is_over)).collect()
}

#[test]
fn each_condition_is_told_when_it_begins_and_when_it_ends() {
    let mut watch = Watch::new(RULES);
    for (second, mode, drawdown, halted, expected) in [
        (0, "LIVE", 4.9, false, vec![]),
        (1, "LIVE", 5.1, false, vec![("drawdown", false)]),
        (2, "LIVE", 4.0, false, vec![]), // no flicker: it ends at half of the limit
        (3, "LIVE", 2.4, true, vec![("halted", false), ("drawdown", true)]),
        (4, "STALE", 0.0, true, vec![]),
        (13, "STALE", 0.0, true, vec![]),
        (14, "STALE", 0.0, true, vec![("feed_gap", false)]),
        (15, "LIVE", 0.0, false, vec![("feed_gap", true), ("halted", true)]),
    ] {
        let alerts = watch.look(&snapshot(mode, drawdown, halted), second);
        assert_eq!(said(&alerts), expected, "at {second} s");
    }
    let mut full = snapshot("LIVE", 0.0, false);
    let behind = History { is_reachable: true, lag_ms: 9_000, waiting: 5, ..History::default() };
    full.host.history = Some(behind);
    assert_eq!(said(&watch.look(&full, 16)), [("writer_lag", false)]);
}

#[test]
fn a_bad_night_is_no_flood() {
    let mut watch = Watch::new(RULES);
    let sent: usize = (0..600u64)
        .map(|second| watch.look(&snapshot("LIVE", 0.0, second % 2 == 0), second).len())
        .sum();
    assert_eq!((sent, watch.swallowed()), (10, 590));
    assert_eq!(watch.look(&snapshot("LIVE", 9.0, true), 3600 + 600).len(), 2, "an hour later");
}

#[test]
fn every_channel_gets_its_own_form_and_no_mention_is_followed() {
    let alert = Alert {
        kind: "halted",
        subject: "@everyone".to_owned(),
        detail: "killed".to_owned(),
        is_over: false,
    };
    let (url, body) = Channel::Discord(Secret::new("u".to_owned())).message(&alert, "s");
    assert_eq!(
        (url.reveal(), body["allowed_mentions"]["parse"].as_array().unwrap().len()),
        ("u", 0)
    );
    assert_eq!(body["content"], "[paperwire] ALERT: @everyone halted: killed");
    let telegram =
        Channel::Telegram { api: Secret::new("https://t/botX".to_owned()), chat: "7".to_owned() };
    let (url, body) = telegram.message(&alert, "s");
    assert_eq!((url.reveal(), body["chat_id"].as_str()), ("https://t/botX/sendMessage", Some("7")));
    let (_, body) = Channel::Webhook(Secret::new("u".to_owned())).message(&alert, "s");
    assert_eq!((body["kind"].as_str(), body["session"].as_str()), (Some("halted"), Some("s")));
}
