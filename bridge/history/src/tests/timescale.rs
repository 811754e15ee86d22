//! What TimescaleDB itself does with the tables, each thing seen.

use paperwire_core::bar::Timeframe;
use paperwire_core::num::{Px, Qty};
use paperwire_rt::clock::utc_now;

use crate::aggregate::Aggregator;
use crate::model::{Batch, Candle, MINUTE_NS, Source, Span, SymbolRows};
use crate::provider;
use crate::store::{Address, Order, Retention, Store};
use crate::testing::{M1, SCALE, Timescale, candle, minute};

const DAY: i64 = 1440;

fn minutes(store: &mut dyn Store, from: i64, count: i64) {
    let candles: Vec<Candle> = (from..from + count)
        .map(|at| {
            let of = candle(at, Source::Csv);
            let close = 640_000 + at * 7919 % 400;
            Candle {
                open: Px::new(close - 3),
                high: Px::new(close + 9),
                low: Px::new(close - 9),
                close: Px::new(close),
                volume: Qty::new(at * 104_729 % 900_000_000),
                vwap: Some(Px::new(close - 1)),
                ..of
            }
        })
        .collect();
    for part in candles.chunks(50_000) {
        let rows = SymbolRows { candles: part.to_vec(), ..SymbolRows::new("BTC/USD", SCALE) };
        store.commit(&Batch { symbols: vec![rows], ..Batch::default() }).unwrap();
    }
}

fn run_policy(client: &mut postgres::Client, proc: &str) {
    let sql = "SELECT job_id FROM timescaledb_information.jobs
               WHERE proc_name = $1 AND hypertable_name = 'candles'";
    let job: i32 = client.query_one(sql, &[&proc]).unwrap().get(0);
    client.batch_execute(&format!("CALL run_job({job})")).unwrap();
}

#[test]
fn tables_are_hyper_rolled_up_compressed_and_forgotten() {
    let Some(server) = Timescale::start("ts-parts") else { return };
    let url = server.database("parts");
    let retention = Retention {
        trades_days: 90,
        minutes_days: 365,
        intraday_days: 730,
        compress_after_days: 7,
    };
    let mut store = Address::parse(&url).unwrap().open(retention).unwrap();
    let mut client = postgres::Client::connect(&url, postgres::NoTls).unwrap();

    // Hypertables.
    let sql = "SELECT hypertable_name::text FROM timescaledb_information.hypertables
               WHERE hypertable_schema = 'public' ORDER BY 1";
    let names: Vec<String> = client.query(sql, &[]).unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(names, ["candles", "trades"]);

    // Two years ago, half a year ago, and the last day up to now.
    let now = utc_now().raw() / MINUTE_NS;
    let today = now / DAY * DAY;
    minutes(&mut *store, today - 700 * DAY, 3 * DAY);
    minutes(&mut *store, today - 200 * DAY, 60 * DAY);
    minutes(&mut *store, now - DAY, DAY);
    store.refresh(Span::ALL).unwrap();

    // Longer bars are those that are made of the minutes here.
    let hours = |store: &mut dyn Store| {
        let series = provider::range(store, "BTC/USD", Timeframe::H1, Span::ALL, usize::MAX);
        series.unwrap().candles
    };
    let rolled = hours(&mut *store);
    let mut aggregator = Aggregator::new(Timeframe::H1);
    let mut made = Vec::new();
    store
        .candles("BTC/USD", M1, Span::ALL, Order::Ascending, usize::MAX, &mut |of| {
            made.extend(aggregator.push(&of));
            std::ops::ControlFlow::Continue(())
        })
        .unwrap();
    made.extend(aggregator.finish());
    assert_eq!(rolled.len(), made.len());
    for (rolled, made) in rolled.iter().zip(&made) {
        assert_eq!(rolled.bar().flags.is_carried, made.flags.is_carried);
        assert_eq!(Candle { flags: made.flags, ..*rolled }, *made);
    }
    // They lie in the database, not only in a query.
    let sql = "SELECT count(*) FROM timescaledb_information.continuous_aggregates";
    assert_eq!(client.query_one(sql, &[]).unwrap().get::<_, i64>(0), 8);

    // Compressed, and a late row still finds its place.
    run_policy(&mut client, "policy_compression");
    let sql = "SELECT sum(before_compression_total_bytes)::bigint,
                      sum(after_compression_total_bytes)::bigint
               FROM chunk_compression_stats('candles') WHERE compression_status = 'Compressed'";
    let row = client.query_one(sql, &[]).unwrap();
    let (before, after): (i64, i64) = (row.get(0), row.get(1));
    println!("compressed {before} to {after} bytes");
    assert!(before > 4 * after, "{before} to {after}");
    let late = today - 200 * DAY + 77;
    let mut better = candle(late, Source::Trades);
    better.close = Px::new(1);
    let rows = SymbolRows { candles: vec![better], ..SymbolRows::new("BTC/USD", SCALE) };
    store.commit(&Batch { symbols: vec![rows], ..Batch::default() }).unwrap();
    let span = Span::new(minute(late), minute(late + 1));
    let read = provider::range(&mut *store, "BTC/USD", M1, span, 9).unwrap().candles;
    assert_eq!(read, [better]);

    // Minutes older than a year go; the hours made of them stay, also after newer ones are made again.
    run_policy(&mut client, "policy_retention");
    let oldest = store.extent("BTC/USD", M1).unwrap().unwrap().oldest;
    assert!(oldest >= minute(today - 201 * DAY), "{oldest:?}");
    store.refresh(Span::new(minute(today - 200 * DAY), minute(now))).unwrap();
    let sql = "SELECT min(open_at) < now() - INTERVAL '690 days' FROM candles_1h";
    assert!(client.query_one(sql, &[]).unwrap().get::<_, bool>(0));
    let kept = hours(&mut *store);
    assert_eq!(kept.len(), rolled.len(), "hours outlive their minutes");
}
