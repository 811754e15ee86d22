//! For Prometheus: the newest snapshot as metrics, encoded when it is asked for.

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use prometheus::{GaugeVec, IntCounterVec, Opts, Registry, TextEncoder};

use crate::App;
use crate::view::market::Market;
use crate::view::{LatencyNs, Snapshot, StageRow};

const KIND: &str = "text/plain; version=0.0.4; charset=utf-8";

type Labels = Vec<(&'static str, String)>;

/// Answers a scrape.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    let board = app.hub.board();
    ([(header::CONTENT_TYPE, KIND)], text(&board.snapshot)).into_response()
}

/// Each name stands here once.
const VALID: &str = "a family has a valid name of its own";

fn values(labels: &Labels) -> Vec<&str> {
    labels.iter().map(|(_, value)| value.as_str()).collect()
}

/// The exposition of a snapshot.
pub(crate) fn text(of: &Snapshot) -> String {
    let registry = Registry::new_custom(Some("paperwire".to_owned()), None);
    let mut scrape = Scrape(registry.expect("the prefix is a valid name"));
    scrape.session(of);
    scrape.strategies(of);
    scrape.market(of);
    scrape.latency(of);
    scrape.host(of);
    TextEncoder::new().encode_to_string(&scrape.0.gather()).expect("names and labels are valid")
}

struct Scrape(Registry);

impl Scrape {
    fn gauge(&mut self, name: &str, help: &str, rows: impl Iterator<Item = (Labels, f64)>) {
        let mut rows = rows.peekable();
        let Some((labels, _)) = rows.peek() else { return };
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let family = GaugeVec::new(Opts::new(name, help), &names).expect(VALID);
        for (labels, value) in rows {
            family.with_label_values(&values(&labels)).set(value);
        }
        self.0.register(Box::new(family)).expect(VALID);
    }

    fn counter(&mut self, name: &str, help: &str, rows: impl Iterator<Item = (Labels, u64)>) {
        let mut rows = rows.peekable();
        let Some((labels, _)) = rows.peek() else { return };
        let names: Vec<&str> = labels.iter().map(|(name, _)| *name).collect();
        let opts = Opts::new(format!("{name}_total"), help);
        let family = IntCounterVec::new(opts, &names).expect(VALID);
        for (labels, value) in rows {
            family.with_label_values(&values(&labels)).inc_by(value);
        }
        self.0.register(Box::new(family)).expect(VALID);
    }

    fn session(&mut self, of: &Snapshot) {
        let session = &of.session;
        let labels = vec![
            ("session", session.session.clone()),
            ("version", session.version.clone()),
            ("mode", session.mode.clone()),
        ];
        self.gauge("session", "What runs; always 1", std::iter::once((labels, 1.0)));
        let up = std::iter::once((Vec::new(), session.uptime_s));
        self.gauge("uptime_seconds", "Seconds since the start", up);
        let live = f64::from(u8::from(session.mode == "LIVE"));
        self.gauge("live", "1 while every book is live", std::iter::once((Vec::new(), live)));
    }

    fn strategies(&mut self, of: &Snapshot) {
        let all = || of.strategies.iter().map(|row| (vec![("strategy", row.name.clone())], row));
        let rows = |value: fn(&crate::view::Strategy) -> f64| {
            all().map(move |(labels, row)| (labels, value(row))).collect::<Vec<_>>().into_iter()
        };
        let counts = |value: fn(&crate::view::Strategy) -> u64| {
            all().map(move |(labels, row)| (labels, value(row))).collect::<Vec<_>>().into_iter()
        };
        self.gauge(
            "equity",
            "Cash and marked positions, in the numeraire",
            rows(|r| amount(&r.equity)),
        );
        self.gauge("pnl", "Gain since the start, in the numeraire", rows(|r| amount(&r.pnl)));
        self.gauge("fees", "Fees paid, in the numeraire", rows(|r| amount(&r.fees)));
        self.gauge(
            "drawdown_ratio",
            "Distance from the highest equity",
            rows(|r| r.drawdown_pct / 100.0),
        );
        self.gauge("open_positions", "Open positions", rows(|r| count(r.open_positions)));
        self.gauge(
            "halted",
            "1 while no entries are taken",
            rows(|r| f64::from(u8::from(r.is_halted))),
        );
        self.counter("signals", "Signals", counts(|r| r.signals));
        self.counter("rejects", "Signals refused", counts(|r| r.rejects));
        self.counter("orders", "Orders sent", counts(|r| r.orders));
        self.counter("fills", "Executions", counts(|r| r.fills));
        self.counter("margin_calls", "Margin calls", counts(|r| r.margin_calls));
        self.counter("budget_misses", "Calls over the budget", counts(|r| r.budget_misses));
    }

    fn market(&mut self, of: &Snapshot) {
        let all = || of.markets.iter().map(|row| (vec![("symbol", row.symbol.clone())], row));
        // A live book of a pair that is restricted shows its restriction.
        let is_live = |row: &Market| row.status == "live" || row.status == row.trading;
        let live = all().map(|(labels, row)| (labels, f64::from(u8::from(is_live(row)))));
        self.gauge("book_live", "1 while the book is whole, verified and fresh", live);
        let open =
            all().map(|(labels, row)| (labels, f64::from(u8::from(row.trading == "online"))));
        self.gauge("pair_online", "1 while the venue trades the pair as usual", open);
        let spread = all().filter_map(|(labels, row)| Some((labels, row.spread_bps? / 10_000.0)));
        self.gauge("spread_ratio", "Ask less bid over the mid", spread);
        self.counter(
            "book_updates",
            "Book messages",
            all().map(|(labels, row)| (labels, row.updates)),
        );
        self.counter("prints", "Public trades", all().map(|(labels, row)| (labels, row.trades)));
        self.counter("gaps", "Gaps in the data", all().map(|(labels, row)| (labels, row.gaps)));
    }

    fn latency(&mut self, of: &Snapshot) {
        let stages = of.stages.iter().map(|row| ("stage", row.clone()));
        let strategies = of.strategies.iter().map(|row| {
            let (service_ns, response_ns) = (row.service_ns, row.response_ns);
            ("strategy", StageRow { name: row.name.clone(), service_ns, response_ns })
        });
        let mut rows = Vec::new();
        let mut counts = Vec::new();
        for (kind, row) in stages.chain(strategies) {
            for (measure, of) in [("service", row.service_ns), ("response", row.response_ns)] {
                if of.count == 0 {
                    continue;
                }
                let labels = || {
                    vec![
                        ("of", kind.to_owned()),
                        ("name", row.name.clone()),
                        ("measure", measure.to_owned()),
                    ]
                };
                for (quantile, ns) in quantiles(of) {
                    let mut labels = labels();
                    labels.push(("q", quantile.to_owned()));
                    rows.push((labels, count(ns) / 1e9));
                }
                counts.push((labels(), of.count));
            }
        }
        let help = "Time of a stage or a strategy since the start; q 1 is the longest";
        self.gauge("latency_seconds", help, rows.into_iter());
        self.counter("latency_observations", "Observations behind it", counts.into_iter());
    }

    fn host(&mut self, of: &Snapshot) {
        let host = &of.host;
        let one = |value: f64| std::iter::once((Vec::new(), value));
        // A host that does not tell has no such gauge, rather than one of nothing.
        let rss = host.rss_bytes.map(|bytes| (Vec::new(), count(bytes)));
        self.gauge("resident_memory_bytes", "Resident memory", rss.into_iter());
        self.gauge("page_listeners", "WebSocket listeners", one(host.page_clients as f64));
        let queues = || host.queues.iter().map(|row| (vec![("queue", row.name.clone())], row));
        let share =
            queues().map(|(labels, row)| (labels, row.len as f64 / row.capacity.max(1) as f64));
        self.gauge("queue_ratio", "How full a ring or queue is", share);
        let hiccups = host
            .threads
            .iter()
            .filter_map(|row| Some((vec![("thread", row.name.clone())], row.hiccups?)));
        self.counter("hiccups", "Times a pinned thread lost its core", hiccups);
        let allocs = std::iter::once((Vec::new(), host.hot_allocs_total));
        self.counter("hot_allocs", "Allocations on warm pinned threads", allocs);
        let lost = std::iter::once((Vec::new(), host.recording_lost));
        self.counter("recording_lost", "Records that the tape could not take", lost);
        if let Some(history) = &host.history {
            let reachable = f64::from(u8::from(history.is_reachable));
            self.gauge("history_reachable", "1 while the history store answers", one(reachable));
            self.gauge(
                "history_lag_seconds",
                "How far the store is behind",
                one(count(history.lag_ms) / 1e3),
            );
            self.gauge("history_waiting_rows", "Rows not stored yet", one(count(history.waiting)));
            self.gauge(
                "history_spilled_bytes",
                "Bytes on the disk that wait",
                one(count(history.spilled_bytes)),
            );
            let dropped = std::iter::once((Vec::new(), history.dropped));
            self.counter("history_dropped_rows", "Rows given up", dropped);
        }
        let feed = host.feed.iter().map(|(name, value)| (vec![("counter", name.clone())], *value));
        self.counter("feed", "What the feed counted", feed);
    }
}

fn quantiles(of: LatencyNs) -> [(&'static str, u64); 6] {
    let LatencyNs { p50, p90, p99, p999, p9999, max, .. } = of;
    [("0.5", p50), ("0.9", p90), ("0.99", p99), ("0.999", p999), ("0.9999", p9999), ("1", max)]
}

/// A metric is a float; what cannot be read is none.
fn amount(text: &str) -> f64 {
    text.parse().unwrap_or(f64::NAN)
}

#[expect(clippy::cast_precision_loss, reason = "a metric is a float")]
const fn count(of: u64) -> f64 {
    of as f64
}
