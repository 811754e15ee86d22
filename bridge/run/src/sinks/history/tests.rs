use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::event::Seq;
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::{Px, Qty};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::HostNs;
use paperwire_core::trade::TradeTick;
use paperwire_feed::infer;
use paperwire_history::provider;
use toml::Value;

use super::*;

fn at(minute: i64) -> ExchNs {
    ExchNs::new(1_700_000_040_000_000_000 + minute * MINUTE_NS)
}

fn report(at: ExchNs, kind: ReportKind) -> Report {
    let (arrived, made) = (HostNs::new(0), HostNs::new(0));
    Report { seq: Seq(1), at, arrived, made, is_history: false, kind }
}

fn bar(minute: i64) -> Report {
    let open_at = at(minute);
    let (open, volume) = (Px::new(645_251), Qty::new(100));
    let prices = Bar { open, high: open, low: open, close: open, vwap: open, ..Bar::default() };
    let bar = Bar { open_at, volume, trades: 1, ..prices };
    report(at(minute + 1), ReportKind::Bar { symbol: SymbolId(0), bar })
}

#[test]
fn a_run_keeps_its_bars_and_prints_and_marks_what_it_did_not_hear() {
    let folder = std::env::temp_dir().join(format!("paperwire-live-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let path = |name: &str| Value::String(folder.join(name).display().to_string());
    let overrides = [
        ("history.enabled".to_owned(), Value::Boolean(true)),
        ("history.url".to_owned(), path("h.db")),
        ("history.spill".to_owned(), path("spill")),
    ];
    let config = Config::load(None, std::iter::empty(), &overrides).unwrap();
    let text = br#"{"symbol":"BTC/USD","price":64525.1,"qty":0.00100000}"#;
    let instruments = [infer::instrument_of(text).unwrap()];
    let clock = HostClock::new();
    let live = HistorySink::start(&config, "s", &[], &instruments, None, &clock).unwrap();
    let mut live = live.expect("it is enabled");
    let feed = |kind| FeedReport { at: HostNs::new(0), kind };

    let px = Px::new(645_251);
    let trade = TradeTick { at: at(0), px, qty: Qty::new(5), trade_id: 7, ..TradeTick::default() };
    let drained = HostNs::new(0);
    live.report(&report(at(0), ReportKind::Trade { symbol: SymbolId(0), trade }), drained);
    live.report(&bar(0), drained);
    live.report(&bar(1), drained);
    let why = paperwire_feed::net::connect::FailureText::default();
    live.feed_report(&feed(FeedReportKind::Disconnected { why, retry_at: HostNs::new(0) }));
    live.report(&bar(2), drained);
    live.feed_report(&feed(FeedReportKind::AllLive { stopped: SymbolSet::EMPTY }));
    live.report(&bar(5), drained);
    live.report(&bar(6), drained);
    let closed = live.finish();
    assert_eq!((closed.problems, closed.failure), (Vec::new(), None));

    let mut store = crate::history::open(&config, None).unwrap();
    let store = &mut *store;
    let name = "exchange:BTC/USD";
    let bars = provider::latest(store, name, Timeframe::M1, 99).unwrap().candles;
    assert_eq!(bars.iter().map(|of| of.open_at).collect::<Vec<_>>(), [0, 1, 2, 5, 6].map(at));
    let (_, prints) = provider::prints(store, name, Span::ALL, 9).unwrap();
    assert_eq!(prints.iter().map(|of| of.trade_id).collect::<Vec<_>>(), [7]);
    let gaps = store.gaps(name).unwrap();
    assert_eq!(gaps.iter().map(|of| of.span).collect::<Vec<_>>(), [Span::new(at(2), at(6))]);
    let _ = std::fs::remove_dir_all(&folder);
}
