//! The promises, each on a new store.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use paperwire_core::bar::{BarRules, BarSet, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};

use crate::model::{
    Batch, Candle, EquityRow, FillRow, Gap, LatencyRow, MINUTE_NS, Print, SECOND_NS, Scale, Source,
    Span, SymbolRows, Written,
};
use crate::provider;
use crate::store::{Order, Store, StoreError};
use crate::testing::{M1, SCALE, candle, minute, print};

type Promise = fn(&mut dyn Store);

pub(super) const ALL: &[(&str, Promise)] = &[
    ("twice", writing_twice_changes_nothing),
    ("better", the_better_version_of_a_bar_stays),
    ("holes", holes_are_missing_and_incomplete_bars),
    ("long", a_long_range_is_read_whole_and_in_order),
    ("longer", longer_bars_are_those_of_the_engine),
    ("own", a_stored_longer_bar_stands_in_where_minutes_lack),
    ("scale", a_finer_number_makes_the_store_finer),
    ("prints", prints_are_known_by_their_number),
    ("gaps", gaps_mark_what_was_heard_live_until_it_is_repaired),
    ("accounts", fills_and_marks_are_there_once),
    ("model", any_order_of_commits_ends_in_the_best_versions),
];

pub(super) fn batch(candles: Vec<Candle>, prints: Vec<Print>) -> Batch {
    let rows = SymbolRows { candles, prints, ..SymbolRows::new("BTC/USD", SCALE) };
    Batch { symbols: vec![rows], ..Batch::default() }
}

fn all(store: &mut dyn Store, timeframe: Timeframe) -> Vec<Candle> {
    provider::range(store, "BTC/USD", timeframe, Span::ALL, usize::MAX).unwrap().candles
}

fn writing_twice_changes_nothing(store: &mut dyn Store) {
    let candles: Vec<Candle> = (0..500).map(|at| candle(at, Source::Ws)).collect();
    let prints: Vec<Print> = (0..300).map(|at| print(at, at + 7)).collect();
    let mut of = batch(candles.clone(), prints.clone());
    of.checkpoints.push(("a".to_owned(), Some("1".to_owned())));
    let written = store.commit(&of).unwrap();
    assert_eq!(written, Written { candles: 500, prints: 300, fills: 0 });
    assert_eq!(store.commit(&of).unwrap(), Written::default());
    assert_eq!(all(store, M1), candles);
    let read = provider::prints(store, "BTC/USD", Span::ALL, usize::MAX).unwrap();
    assert_eq!(read, (SCALE, prints));
    assert_eq!(store.checkpoint("a").unwrap().as_deref(), Some("1"));
    store.commit(&Batch { checkpoints: vec![("a".to_owned(), None)], ..Batch::default() }).unwrap();
    assert_eq!(store.checkpoint("a").unwrap(), None);
    let extent = store.extent("BTC/USD", M1).unwrap().unwrap();
    assert_eq!((extent.oldest, extent.newest, extent.rows), (minute(0), minute(499), 500));
    let latest = provider::latest(store, "BTC/USD", M1, 3).unwrap();
    assert_eq!(latest.candles, candles[497..]);
    let missing = store.extent("ETH/USD", M1);
    assert!(matches!(missing, Err(StoreError::Unknown(_))));
}

fn the_better_version_of_a_bar_stays(store: &mut dyn Store) {
    let version = |source, close: i64, is_incomplete: bool| {
        let mut of = candle(5, source);
        of.close = Px::new(close);
        of.flags.is_incomplete = is_incomplete;
        of
    };
    //  what comes                                            -> what is stored then
    for (comes, close) in [
        (version(Source::Csv, 1001, false), 1001),
        (version(Source::Ws, 1002, true), 1001), // a part is no better than a whole file
        (version(Source::RestOhlc, 1003, false), 1003),
        (version(Source::Csv, 1004, false), 1003),
        (version(Source::Ws, 1005, false), 1005),
        (version(Source::Ws, 1006, false), 1006), // the same source says it again
        (version(Source::Trades, 1007, false), 1007),
        (version(Source::Ws, 1008, false), 1007),
    ] {
        store.commit(&batch(vec![comes], vec![])).unwrap();
        assert_eq!(all(store, M1)[0].close, Px::new(close), "{comes:?}");
    }
}

fn holes_are_missing_and_incomplete_bars(store: &mut dyn Store) {
    let mut candles: Vec<Candle> = (10..40).map(|at| candle(at, Source::Ws)).collect();
    candles.retain(|of| ![20, 21, 30].contains(&(of.open_at.raw() / MINUTE_NS)));
    for of in &mut candles {
        of.flags.is_incomplete = [10, 25, 31].contains(&(of.open_at.raw() / MINUTE_NS));
    }
    store.commit(&batch(candles, vec![])).unwrap();
    let holes = store.holes("BTC/USD", M1, Span::ALL).unwrap();
    let expected = [(10, 11), (20, 22), (25, 26), (30, 32)];
    assert_eq!(holes, expected.map(|(from, to)| Span::new(minute(from), minute(to))));
    let part = store.holes("BTC/USD", M1, Span::new(minute(15), minute(25))).unwrap();
    assert_eq!(part, [Span::new(minute(20), minute(22))]);
}

/// Long enough for two readers at once.
fn a_long_range_is_read_whole_and_in_order(store: &mut dyn Store) {
    let mut candles: Vec<Candle> = (0..70_000).map(|at| candle(at, Source::Ws)).collect();
    candles.retain(|of| of.open_at.raw() / MINUTE_NS % 9973 != 7);
    store.commit(&batch(candles.clone(), vec![])).unwrap();
    // A list that differs is too long to be shown.
    assert!(all(store, M1) == candles);
    let mut hours = crate::aggregate::Aggregator::new(Timeframe::H1);
    let mut expected: Vec<Candle> = candles.iter().filter_map(|of| hours.push(of)).collect();
    expected.extend(hours.finish());
    store.refresh(Span::ALL).unwrap();
    let found = all(store, Timeframe::H1);
    // The last hour is not over.
    assert!(found[..expected.len() - 1] == expected[..expected.len() - 1]);
    let mut seen = 0;
    store
        .candles("BTC/USD", M1, Span::ALL, Order::Ascending, usize::MAX, &mut |_| {
            seen += 1;
            if seen == 40_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })
        .unwrap();
    assert_eq!(seen, 40_000);
    // The connection is as free as before.
    let last = provider::latest(store, "BTC/USD", M1, 1).unwrap().candles;
    assert_eq!(last, candles[candles.len() - 1..]);
}

/// The engine's own bars over three days of trades, and the store's out of the engine's minutes.
fn longer_bars_are_those_of_the_engine(store: &mut dyn Store) {
    let mut bars = BarSet::new(BarRules::default());
    let mut closed = Vec::new();
    let start = 20_000 * 1440 * MINUTE_NS;
    for number in 0..30_000i64 {
        let at = ExchNs::new(start + number * 9 * SECOND_NS);
        let tick = TradeTick {
            at,
            px: Px::new(1000 + number * number % 97),
            qty: Qty::new(1 + number % 13),
            trade_id: number,
            taker: OrderSide::Buy,
            is_market: true,
        };
        bars.on_trade(&tick, at, &mut |of| closed.push(of));
    }
    let of = |timeframe: Timeframe| {
        let bars = closed.iter().filter(move |(length, _)| *length == timeframe);
        bars.map(|(_, bar)| Candle::from_bar(bar, Source::Ws)).collect::<Vec<_>>()
    };
    let mut minutes = of(M1);
    minutes[0].flags.is_incomplete = false;
    store.commit(&batch(minutes, vec![])).unwrap();
    store.refresh(Span::ALL).unwrap();
    for timeframe in &Timeframe::ALL[1..] {
        let mut expected = of(*timeframe);
        let mut stored = all(store, *timeframe);
        // The engine gives only bars that are over, and averages of its minutes are rounded already.
        stored.truncate(expected.len());
        for candle in expected.iter_mut().chain(&mut stored) {
            candle.flags.is_incomplete = false;
        }
        assert_eq!(stored, expected, "{}", timeframe.as_str());
        let latest = provider::latest(store, "BTC/USD", *timeframe, 2).unwrap().candles;
        let whole = all(store, *timeframe);
        assert_eq!(latest, whole[whole.len().saturating_sub(2)..], "{}", timeframe.as_str());
    }
    let end = minute(20_001 * 1440);
    let lengths = [M1, Timeframe::M5, Timeframe::H1, Timeframe::H4];
    let several = provider::multi_timeframe(store, "BTC/USD", end, &lengths, 4).unwrap();
    for (timeframe, series) in several {
        let last = series.candles.last().unwrap().open_at;
        assert_eq!(last.raw() + timeframe.minutes() * MINUTE_NS, end.raw());
        assert_eq!(series.candles.len(), 4);
    }
}

fn a_stored_longer_bar_stands_in_where_minutes_lack(store: &mut dyn Store) {
    let hours: Vec<Candle> =
        (0..5).map(|hour| Candle { open: Px::new(7), ..candle(hour * 60, Source::Csv) }).collect();
    let mut rows = SymbolRows { candles: hours, ..SymbolRows::new("BTC/USD", SCALE) };
    rows.timeframe = Timeframe::H1;
    store.commit(&Batch { symbols: vec![rows], ..Batch::default() }).unwrap();
    // From the middle of the second hour to the end of the third, and a part of the seventh.
    let minutes = (90..180).chain(360..370).map(|at| candle(at, Source::Ws)).collect();
    store.commit(&batch(minutes, vec![])).unwrap();
    store.refresh(Span::ALL).unwrap();
    let bars = all(store, Timeframe::H1);
    let got: Vec<_> = bars
        .iter()
        .map(|of| (of.open_at.raw() / MINUTE_NS / 60, of.open.raw(), of.flags.is_incomplete))
        .collect();
    let expected = [
        (0, 7, false),
        (1, 7, false),
        (2, 1000, false),
        (3, 7, false),
        (4, 7, false),
        (6, 1000, true),
    ];
    assert_eq!(got, expected);
}

fn a_finer_number_makes_the_store_finer(store: &mut dyn Store) {
    store.commit(&batch(vec![candle(1, Source::Ws)], vec![print(1, 1)])).unwrap();
    let finer = Scale { price: 3, qty: 10 };
    let of = candle(2, Source::Ws).rescaled(SCALE, finer).unwrap();
    let of = Candle { close: Px::new(of.close.raw() + 1), ..of };
    let rows = SymbolRows { candles: vec![of], ..SymbolRows::new("BTC/USD", finer) };
    store.commit(&Batch { symbols: vec![rows], ..Batch::default() }).unwrap();
    store.commit(&batch(vec![candle(3, Source::Ws)], vec![])).unwrap();
    let series = provider::range(store, "BTC/USD", M1, Span::ALL, 10).unwrap();
    assert_eq!(series.scale, finer);
    let wide = |at| candle(at, Source::Ws).rescaled(SCALE, finer).unwrap();
    assert_eq!(series.candles, [wide(1), of, wide(3)]);
    let (_, prints) = provider::prints(store, "BTC/USD", Span::ALL, 10).unwrap();
    assert_eq!(prints[0].px.raw(), print(1, 1).px.raw() * 100);
    let bars = series.bars(SCALE).unwrap();
    assert_eq!(bars[0], candle(1, Source::Ws).bar());
    // One that would burst what is stored is refused, and nothing of its batch is written.
    let huge = Scale { price: 18, qty: 10 };
    let rows =
        SymbolRows { candles: vec![candle(4, Source::Ws)], ..SymbolRows::new("BTC/USD", huge) };
    let refused = store.commit(&Batch { symbols: vec![rows], ..Batch::default() });
    assert!(matches!(refused, Err(StoreError::Scale { .. })), "{refused:?}");
    assert_eq!(all(store, M1).len(), 3);
}

fn prints_are_known_by_their_number(store: &mut dyn Store) {
    let live = print(60, 5);
    // REST gives a digit more of the same instant.
    let rest = Print { at: ExchNs::new(live.at.raw() + 400), source: Source::Trades, ..live };
    assert_eq!(store.commit(&batch(vec![], vec![live])).unwrap().prints, 1);
    assert_eq!(store.commit(&batch(vec![], vec![rest])).unwrap().prints, 0);
    // A file has no numbers: left out in a minute that has some, replaced where a fetch brings some.
    let of_file = |second, id| Print { trade_id: id, source: Source::Csv, ..print(second, 1) };
    let file = vec![of_file(61, -1), of_file(130, -2), of_file(200, -3)];
    assert_eq!(store.commit(&batch(vec![], file.clone())).unwrap().prints, 2);
    assert_eq!(store.commit(&batch(vec![], file)).unwrap().prints, 0);
    let mut fetched = batch(vec![], vec![print(130, 9)]);
    fetched.symbols[0].replaces = Some(Span::new(minute(2), minute(3)));
    store.commit(&fetched).unwrap();
    let (_, prints) = provider::prints(store, "BTC/USD", Span::ALL, 10).unwrap();
    assert_eq!(prints.iter().map(|of| of.trade_id).collect::<Vec<_>>(), [5, 9, -3]);
}

fn gaps_mark_what_was_heard_live_until_it_is_repaired(store: &mut dyn Store) {
    let candles = (0..10).map(|at| candle(at, Source::Ws)).collect();
    store.commit(&batch(candles, vec![])).unwrap();
    let gap = Gap::open("BTC/USD", Span::new(minute(3), minute(5)), "disconnected");
    let of = Batch { gaps: vec![gap.clone()], ..Batch::default() };
    store.commit(&of).unwrap();
    let incomplete = |store: &mut dyn Store| {
        let bars = all(store, M1).into_iter().filter(|of| of.flags.is_incomplete);
        bars.map(|of| of.open_at.raw() / MINUTE_NS).collect::<Vec<_>>()
    };
    assert_eq!(incomplete(store), [3, 4]);
    assert_eq!(store.gaps("BTC/USD").unwrap(), std::slice::from_ref(&gap));
    let repaired = [3, 4].map(|at| candle(at, Source::RestOhlc)).to_vec();
    store.commit(&batch(repaired, vec![])).unwrap();
    let failed = Gap { attempts: 1, error: Some("no route".to_owned()), ..gap.clone() };
    store.commit(&Batch { gaps: vec![failed.clone()], ..Batch::default() }).unwrap();
    assert_eq!(store.gaps("BTC/USD").unwrap(), [failed]);
    let filled = Gap { attempts: 2, is_filled: true, ..gap };
    store.commit(&Batch { gaps: vec![filled.clone()], ..Batch::default() }).unwrap();
    // The same news again, as a spill would bring it, opens nothing and marks nothing.
    store.commit(&of).unwrap();
    assert_eq!(store.gaps("BTC/USD").unwrap(), [filled]);
    assert_eq!(incomplete(store), [0i64; 0]);
}

pub(crate) fn fill(fill_id: i64) -> FillRow {
    FillRow {
        session: "s".to_owned(),
        fill_id,
        strategy: "demo".to_owned(),
        symbol: "BTC/USD".to_owned(),
        at: 1_700_000_000_123_456_000 + fill_id * 1000,
        side: if fill_id % 2 == 0 { 1 } else { -1 },
        price: "64525.1".to_owned(),
        qty: "0.00100000".to_owned(),
        value: "64.5251000000".to_owned(),
        fee: "0.0645251000".to_owned(),
        realized: "-0.5000000000".to_owned(),
    }
}

fn fills_and_marks_are_there_once(store: &mut dyn Store) {
    let amount = || "100.0000000000".to_owned();
    let equity = EquityRow {
        session: "s".to_owned(),
        strategy: "demo".to_owned(),
        at: 1_700_000_000_000_000_000,
        equity: amount(),
        cash: amount(),
        realized: amount(),
        unrealized: amount(),
        fees: amount(),
    };
    let latency = LatencyRow {
        session: "s".to_owned(),
        stage: "decode".to_owned(),
        strategy: String::new(),
        at: 1_700_000_000_000_000_000,
        count: 7,
        ns: [1, 2, 3, 4, 5],
    };
    let fills: Vec<FillRow> = (0..5).map(fill).collect();
    let of = Batch {
        fills: fills.clone(),
        equity: vec![equity],
        latency: vec![latency],
        ..Batch::default()
    };
    assert_eq!(store.commit(&of).unwrap().fills, 5);
    assert_eq!(store.commit(&of).unwrap().fills, 0);
    let mut read = Vec::new();
    store
        .fills("s", &mut |fill| {
            read.push(fill);
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(read, fills);
    let totals = store.totals().unwrap();
    assert_eq!((totals.fills, totals.equity, totals.latency), (5, 1, 1));
}

/// Against a map from time to the version of highest quality, the later of two equals.
fn any_order_of_commits_ends_in_the_best_versions(store: &mut dyn Store) {
    let mut random = 0x2545_f491_4f6c_dd1du64;
    let mut draw = |below: u64| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % below
    };
    let mut model: BTreeMap<i64, Candle> = BTreeMap::new();
    for _ in 0..60 {
        let mut candles = Vec::new();
        for _ in 0..draw(40) {
            let at = i64::try_from(draw(50)).unwrap();
            let source = Source::from_number(i64::try_from(draw(4)).unwrap() + 1);
            let mut of = candle(at, source);
            of.volume = Qty::new(i64::try_from(draw(1000)).unwrap());
            of.flags.is_incomplete = draw(4) == 0;
            of.flags.is_carried = draw(5) == 0;
            candles.push(of);
        }
        candles.sort_by_key(|of| of.open_at);
        for of in &candles {
            let stored = model.entry(of.open_at.raw()).or_insert(*of);
            if of.quality() >= stored.quality() {
                *stored = *of;
            }
        }
        store.commit(&batch(candles, vec![])).unwrap();
    }
    assert_eq!(all(store, M1), model.into_values().collect::<Vec<_>>());
    let mut newest = None;
    store
        .candles("BTC/USD", M1, Span::ALL, Order::Descending, 1, &mut |of| {
            newest = Some(of.open_at);
            ControlFlow::Break(())
        })
        .unwrap();
    assert_eq!(newest, Some(minute(49)));
}
