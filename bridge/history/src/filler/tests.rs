use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use paperwire_exchange::market::past::Bar;
use paperwire_exchange::{Exchange, ExchangeConfig, Faults, RateLimit};

use paperwire_core::num::Px;

use super::*;
use crate::limiter::Limiter;
use crate::model::Source;
use crate::rest::{Get, Reply};
use crate::store::{Address, Retention};
use crate::testing::Folder;

const SYMBOL: &str = "XRP/USD";

/// HTTP of which some calls fail: as a broken way, as a page of the edge, as the venue's own errors.
#[derive(Debug)]
struct Flaky {
    agent: ureq::Agent,
    calls: AtomicU64,
    is_dead: bool,
}

impl Get for Flaky {
    fn get(&self, url: &str) -> Result<Reply, String> {
        let said = |body: &str| Reply { status: 200, body: body.to_owned(), retry_after_s: None };
        match self.calls.fetch_add(1, Ordering::Relaxed) + 1 {
            _ if self.is_dead && !url.contains("/Time") => Err("no route to host".to_owned()),
            call if call % 7 == 0 => Err("connection reset".to_owned()),
            call if call % 11 == 0 => Ok(said("<html>502 Bad Gateway</html>")),
            call if call % 13 == 0 => Ok(said("{\"error\":[\"EService:Busy\"]}")),
            call if call % 5 == 0 => Ok(said("{\"error\":[\"EAPI:Rate limit exceeded\"]}")),
            _ => {
                let mut answer = self.agent.get(url).call().map_err(|error| error.to_string())?;
                answer
                    .body_mut()
                    .read_to_string()
                    .map(|body| said(&body))
                    .map_err(|error| error.to_string())
            }
        }
    }
}

fn rest(exchange: &Exchange, is_dead: bool) -> Rest {
    let limiter = Arc::new(Limiter::new(10, 200.0, (0.05, 0.2)));
    let way = Flaky { agent: ureq::Agent::new_with_defaults(), calls: AtomicU64::new(0), is_dead };
    Rest::by(&exchange.rest_url(), limiter, Arc::new(way), 2)
}

/// A venue with a trade each ten seconds that gives its own idea of a page.
#[derive(Debug)]
struct Pages {
    /// Rows of a page, however many are asked for.
    rows: usize,
    /// Swaps the last row of each minute with the first of the next one, across pages too.
    is_shuffled: bool,
    /// The cursor after each page, from its own; `None` stands still.
    cursor: fn(i64) -> Option<i64>,
}

const PAGES_START: i64 = 1_790_000_000 / 60 * 60;
const PAGES_TRADES: i64 = 720;

impl Get for Pages {
    fn get(&self, url: &str) -> Result<Reply, String> {
        let said = |result: String| {
            let body = format!("{{\"error\":[],\"result\":{result}}}");
            Ok(Reply { status: 200, body, retry_after_s: None })
        };
        let now = PAGES_START + PAGES_TRADES * 10 + 60;
        if url.contains("/Time") {
            return said(format!("{{\"unixtime\":{now}}}"));
        }
        if url.contains("/AssetPairs") {
            return said("{\"A\":{\"pair_decimals\":1,\"lot_decimals\":8}}".to_owned());
        }
        if url.contains("/OHLC") {
            return said("{\"A\":[],\"last\":1}".to_owned());
        }
        let since = url.split("since=").nth(1).and_then(|rest| rest.split('&').next()).unwrap();
        let since: i64 = since.parse().unwrap();
        let at = |index: i64| (PAGES_START + index * 10) * SECOND_NS + 1;
        let order = |index: i64| match index % 6 {
            5 if self.is_shuffled && index + 1 < PAGES_TRADES => index + 1,
            0 if self.is_shuffled && index > 0 => index - 1,
            _ => index,
        };
        let all: Vec<i64> = (0..PAGES_TRADES).map(order).collect();
        let begin = all.iter().position(|index| at(*index) == since).map_or(0, |before| before + 1);
        let page: Vec<i64> = all[begin..].iter().copied().take(self.rows).collect();
        let row = |index: &i64| {
            let at = at(*index);
            let (second, ns) = (at / SECOND_NS, at % SECOND_NS);
            format!("[\"10.{}\",\"1\",{second}.{ns:09},\"b\",\"m\",\"\",{index}]", index % 10)
        };
        let last = page.last().map_or(since, |index| at(*index));
        let last = (self.cursor)(last).unwrap_or(since);
        let rows: Vec<String> = page.iter().map(row).collect();
        said(format!("{{\"A\":[{}],\"last\":\"{last}\"}}", rows.join(",")))
    }
}

/// Fills two hours from such a venue; how many bars are stored, and of these how many are empty.
fn filled_by(pages: Pages) -> (Outcome, usize, usize) {
    let folder = Folder::new(&format!("pages-{}", pages.rows));
    let mut store = Address::Sqlite(folder.file("h.db")).open(Retention::KEEP).unwrap();
    let limiter = Limiter::without_limit();
    let mut rest = Rest::by("http://venue", limiter, Arc::new(pages), 0);
    let from = ExchNs::new(PAGES_START * SECOND_NS);
    let options = FillOptions { from, to: Span::ALL.to, backfill: true };
    let outcome = fill(&mut *store, &mut rest, "A/B", &options, &mut |_| true).unwrap();
    let bars = match store.symbols().unwrap().is_empty() {
        true => Vec::new(),
        false => {
            provider::range(&mut *store, "A/B", Timeframe::M1, Span::ALL, 9999).unwrap().candles
        }
    };
    let empty = bars.iter().filter(|of| of.trades == 0).count();
    assert!(bars.iter().all(|of| of.trades == 6 || of.trades == 0), "{bars:?}");
    (outcome, bars.len(), empty)
}

#[test]
fn a_short_page_is_not_the_end_and_rows_out_of_order_count_in_their_own_minutes() {
    for (rows, is_shuffled) in [(1000, false), (500, false), (7, false), (1, false), (7, true)] {
        let pages = Pages { rows, is_shuffled, cursor: Some };
        let (outcome, bars, empty) = filled_by(pages);
        assert_eq!((outcome.filled, bars, empty), (1, 120, 0), "{rows} {is_shuffled} {outcome:?}");
    }
}

#[test]
fn a_cursor_that_goes_back_or_stands_still_beside_trades_is_told_and_nothing_is_invented() {
    let cursors: [fn(i64) -> Option<i64>; 3] =
        [|_| None, |_| Some(5), |last| Some(last / SECOND_NS)];
    for cursor in cursors {
        let (outcome, _, empty) = filled_by(Pages { rows: 500, is_shuffled: false, cursor });
        assert_eq!((outcome.filled, outcome.failed.len(), empty), (0, 1, 0), "{outcome:?}");
        let error = outcome.failed[0].error.as_ref().unwrap();
        assert!(error.contains("do not go on"), "{error}");
        assert!(outcome.failed[0].span.to < Span::ALL.to);
    }
}

/// What really happened, up to the minute before the one that is open.
fn truth(exchange: &Exchange) -> (Scale, Vec<Bar>) {
    let now = exchange.now();
    exchange.inspect(|market| {
        let id = market.symbol(SYMBOL).unwrap();
        let instrument = &market.listings()[id.index()].instrument;
        let mut bars = market.history(id).bars(1, 100_000, now);
        bars.pop();
        (Scale::of(instrument), bars)
    })
}

fn stored(bar: &Bar) -> Candle {
    Candle {
        open_at: bar.begin,
        open: bar.open,
        high: bar.high,
        low: bar.low,
        close: bar.close,
        volume: bar.volume,
        vwap: Some(if bar.trades == 0 { bar.close } else { bar.vwap() }),
        trades: u32::try_from(bar.trades).unwrap(),
        source: Source::Ws,
        flags: paperwire_core::bar::BarFlags { is_carried: bar.trades == 0, is_incomplete: false },
    }
}

fn config(limit: RateLimit, faults: &str) -> ExchangeConfig {
    let mut config = ExchangeConfig::new(7);
    config.market.history_minutes = 3000;
    config.rest_limit = Some(limit);
    config.faults = Faults::parse(faults).unwrap();
    config
}

fn assert_is_truth(store: &mut dyn Store, truth: &[Bar], from: usize) {
    let span = Span::new(truth[from].begin, ExchNs::new(truth.last().unwrap().begin.raw() + 1));
    let series = provider::range(store, SYMBOL, Timeframe::M1, span, usize::MAX).unwrap();
    assert_eq!(series.candles.len(), truth.len() - from);
    for (got, bar) in series.candles.iter().zip(&truth[from..]) {
        assert_eq!(*got, Candle { source: got.source, ..stored(bar) });
    }
}

#[test]
fn after_filling_the_store_is_the_exchanges_own_history_and_again_nothing_happens() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let faults = "[[fault]]\nkind = \"rate_limit\"\nat_s = 0.3\nduration_ms = 400\n
        [[fault]]\nkind = \"maintenance\"\nat_s = 0.5\nduration_ms = 1000\n";
    let limit = RateLimit { burst: 8, per_s: 40.0 };
    let exchange = runtime.block_on(Exchange::start(config(limit, faults))).unwrap();
    let folder = Folder::new("filler");
    let mut store = Address::Sqlite(folder.file("h.db")).open(Retention::KEEP).unwrap();

    let (scale, bars) = truth(&exchange);
    let last = bars.len() - 1;
    // A hole beyond the reach of 720 rows, one across its edge, two within, one wrong part of a minute,
    // and the last hour.
    let is_lost = |at: usize| {
        let ago = last - at;
        (1500..1530).contains(&ago)
            || (700..760).contains(&ago)
            || ago == 300
            || (200..210).contains(&ago)
            || ago < 60
    };
    let mut candles: Vec<Candle> = Vec::new();
    for (at, bar) in bars.iter().enumerate().skip(500) {
        let mut candle = stored(bar);
        if last - at == 400 {
            candle.close = Px::new(1);
            candle.flags.is_incomplete = true;
        }
        candles.extend((!is_lost(at)).then_some(candle));
    }
    let rows = SymbolRows { candles, ..SymbolRows::new(SYMBOL, scale) };
    let gap = Gap::open(SYMBOL, Span::new(bars[last - 200].begin, bars[last - 199].begin), "stall");
    let batch = Batch { symbols: vec![rows], gaps: vec![gap], ..Batch::default() };
    store.commit(&batch).unwrap();

    let options = FillOptions { from: bars[500].begin, to: Span::ALL.to, backfill: false };
    // A way that is dead leaves every range open.
    let mut dead = rest(&exchange, true);
    let outcome = fill(&mut *store, &mut dead, SYMBOL, &options, &mut |_| true).unwrap();
    assert_eq!((outcome.found, outcome.filled), (6, 0), "{outcome:?}");
    let open = |store: &mut dyn Store| {
        let gaps = store.gaps(SYMBOL).unwrap();
        gaps.into_iter().filter(|gap| !gap.is_filled).collect::<Vec<_>>()
    };
    // The one that was known lies in one of them.
    assert_eq!(open(&mut *store).len(), 7);
    assert!(open(&mut *store)[0].error.as_ref().unwrap().contains("no route"));

    // A bad day: refusals and failures, and someone stops it once.
    let mut rest = rest(&exchange, false);
    let mut pages = 0;
    fill(&mut *store, &mut rest, SYMBOL, &options, &mut |_| {
        pages += 1;
        pages < 2
    })
    .unwrap();
    let mut outcome = fill(&mut *store, &mut rest, SYMBOL, &options, &mut |_| true).unwrap();
    while !outcome.failed.is_empty() && rest.requests() < 200 {
        outcome = fill(&mut *store, &mut rest, SYMBOL, &options, &mut |_| true).unwrap();
    }
    assert!(outcome.failed.is_empty(), "{outcome:?}");
    assert_is_truth(&mut *store, &bars, 500);
    assert_eq!(open(&mut *store), []);
    // Where trades were fetched, they are the exchange's, one by one.
    let span = Span::new(bars[last - 1529].begin, bars[last - 1499].begin);
    let (_, prints) = provider::prints(&mut *store, SYMBOL, span, usize::MAX).unwrap();
    let real: Vec<_> = exchange.inspect(|market| {
        let id = market.symbol(SYMBOL).unwrap();
        let within = |at: ExchNs| at >= span.from && at < span.to;
        let trades = market.history(id).trades().filter(|of| within(of.at));
        // REST tells times to 100 ns.
        trades.map(|of| (of.at.raw() / 100 * 100, of.px, of.qty)).collect()
    });
    assert!(!real.is_empty());
    let got: Vec<_> = prints.iter().map(|of| (of.at.raw(), of.px, of.qty)).collect();
    assert!(got == real, "{} of {}", got.len(), real.len());

    // Again, up to the same instant: nothing.
    let to = ExchNs::new(bars[last].begin.raw() + MINUTE_NS);
    let options = FillOptions { to, ..options };
    let outcome = fill(&mut *store, &mut rest, SYMBOL, &options, &mut |_| true).unwrap();
    assert_eq!((outcome.found, outcome.written), (0, Written::default()));

    // And everything before it, from nothing.
    let options = FillOptions { from: bars[0].begin, backfill: true, ..options };
    let mut outcome = fill(&mut *store, &mut rest, SYMBOL, &options, &mut |_| true).unwrap();
    while !outcome.failed.is_empty() && rest.requests() < 400 {
        outcome = fill(&mut *store, &mut rest, SYMBOL, &options, &mut |_| true).unwrap();
    }
    assert_is_truth(&mut *store, &bars, 0);
    runtime.block_on(exchange.stop());
}
