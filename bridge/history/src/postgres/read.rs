//! Reading a PostgreSQL store, row by row.

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;
use postgres::{Client, Error, IsolationLevel, Row, Transaction};

use super::copy::At;
use crate::model::{Candle, Extent, FillRow, Gap, Listed, MINUTE_NS, Print, Scale, Source, Span};
use crate::store::{Each, Order, Totals};

type Key<'a> = &'a (dyn ToSql + Sync);

fn minutes(of: Timeframe) -> i32 {
    i32::try_from(of.minutes()).expect("a week has ten thousand")
}

fn pass<'a, T>(
    client: &mut Client,
    sql: &str,
    key: impl IntoIterator<Item = Key<'a>, IntoIter: ExactSizeIterator>,
    make: impl Fn(&Row) -> T,
    each: Each<'_, T>,
) -> Result<(), Error> {
    let mut rows = client.query_raw(sql, key)?;
    while let Some(row) = rows.next()? {
        if each(make(&row)).is_break() {
            break;
        }
    }
    Ok(())
}

pub(super) fn symbols(client: &mut Client) -> Result<Vec<Listed>, Error> {
    let sql = "SELECT name, price_scale, qty_scale FROM instruments ORDER BY name";
    let rows = client.query(sql, &[])?;
    let listed = |row: &Row| Listed { symbol: row.get(0), scale: scale(row, 1) };
    Ok(rows.iter().map(listed).collect())
}

/// Two columns as a scale; no other than 0 to 18 is ever written.
pub(super) fn scale(row: &Row, at: usize) -> Scale {
    let decimals = |at: usize| u8::try_from(row.get::<_, i16>(at)).unwrap_or(0);
    Scale { price: decimals(at), qty: decimals(at + 1) }
}

const COLUMNS: &str = "open_at, open, high, low, close, volume, vwap, trades, quality";

fn candle(row: &Row) -> Candle {
    let mut candle = Candle {
        open_at: row.get::<_, At>(0).0,
        open: Px::new(row.get(1)),
        high: Px::new(row.get(2)),
        low: Px::new(row.get(3)),
        close: Px::new(row.get(4)),
        volume: Qty::new(row.get(5)),
        vwap: row.get::<_, Option<i64>>(6).map(Px::new),
        trades: row.get::<_, i32>(7).unsigned_abs(),
        source: Source::Csv,
        flags: BarFlags::default(),
    };
    candle.set_quality(row.get::<_, i16>(8).into());
    candle
}

pub(super) fn candles(
    client: &mut Client,
    (id, timeframe): (i32, Timeframe),
    span: Span,
    order: Order,
    limit: usize,
    each: Each<'_, Candle>,
) -> Result<(), Error> {
    let direction = match order {
        Order::Ascending => "",
        Order::Descending => " DESC",
    };
    let limit = match limit {
        usize::MAX => String::new(),
        limit => format!(" LIMIT {limit}"),
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM candles
         WHERE symbol_id = $1 AND minutes = $2 AND open_at >= $3 AND open_at < $4
         ORDER BY open_at{direction}{limit}"
    );
    let (minutes, from, to) = (minutes(timeframe), At(span.from), At(span.to));
    pass(client, &sql, [&id as Key<'_>, &minutes, &from, &to], candle, each)
}

/// From the first stored bar in a time to after the last one; empty when there is none.
pub(super) fn stored(
    client: &mut Client,
    (id, timeframe): (i32, Timeframe),
    span: Span,
) -> Result<Span, Error> {
    let sql = "SELECT min(open_at), max(open_at) FROM candles
               WHERE symbol_id = $1 AND minutes = $2 AND open_at >= $3 AND open_at < $4";
    let (minutes, from, to) = (minutes(timeframe), At(span.from), At(span.to));
    let row = client.query_one(sql, &[&id, &minutes, &from, &to])?;
    let ends = row.get::<_, Option<At>>(0).zip(row.get::<_, Option<At>>(1));
    let to_end =
        |(At(oldest), At(newest))| Span::new(oldest, ExchNs::new(newest.raw() + MINUTE_NS));
    Ok(ends.map_or(Span::new(span.from, span.from), to_end))
}

/// Begins reading on two connections that see the same, whatever is written meanwhile.
pub(super) fn one_view<'a>(
    first: &'a mut Client,
    second: &'a mut Client,
) -> Result<[Transaction<'a>; 2], Error> {
    let begin = |client: &'a mut Client| {
        let level = IsolationLevel::RepeatableRead;
        client.build_transaction().isolation_level(level).read_only(true).start()
    };
    let (mut first, mut second) = (begin(first)?, begin(second)?);
    let row = first.query_one("SELECT pg_export_snapshot()", &[])?;
    let view: String = row.get(0);
    second.batch_execute(&format!("SET TRANSACTION SNAPSHOT '{view}'"))?;
    Ok([first, second])
}

/// A reader of the bars of short times.
pub(super) fn pieces<'a>(
    mut tx: Transaction<'a>,
    (id, timeframe): (i32, Timeframe),
) -> Result<impl FnMut(Span) -> Result<Vec<Candle>, Error> + Send + use<'a>, Error> {
    let statement = tx.prepare(&format!(
        "SELECT {COLUMNS} FROM candles
         WHERE symbol_id = $1 AND minutes = $2 AND open_at >= $3 AND open_at < $4 ORDER BY open_at"
    ))?;
    let minutes = minutes(timeframe);
    Ok(move |span: Span| {
        // All rows at once: one by one each of them would cost a visit to the connection.
        let rows = tx.query(&statement, &[&id, &minutes, &At(span.from), &At(span.to)])?;
        Ok(rows.iter().map(candle).collect())
    })
}

pub(super) fn prints(
    client: &mut Client,
    id: i32,
    span: Span,
    limit: usize,
    each: Each<'_, Print>,
) -> Result<(), Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let sql = "SELECT at, at_ns, price, qty, trade_id, side, is_market, source FROM trades
               WHERE symbol_id = $1 AND at >= $2 AND at < $3 ORDER BY at, trade_id LIMIT $4";
    let make = |row: &Row| Print {
        at: ExchNs::new(row.get::<_, At>(0).0.raw() + i64::from(row.get::<_, i16>(1))),
        px: Px::new(row.get(2)),
        qty: Qty::new(row.get(3)),
        trade_id: row.get(4),
        taker: Print::side_from(row.get::<_, i16>(5).into()),
        is_market: row.get(6),
        source: Source::from_number(row.get::<_, i16>(7).into()),
    };
    let (from, to) = (At(span.from), At(span.to));
    pass(client, sql, [&id as Key<'_>, &from, &to, &limit], make, each)
}

fn extent_of(row: &Row) -> Option<Extent> {
    let (At(oldest), At(newest)) = row.get::<_, Option<At>>(0).zip(row.get(1))?;
    Some(Extent { oldest, newest, rows: row.get::<_, i64>(2).unsigned_abs() })
}

pub(super) fn extent(client: &mut Client, id: i32, of: Timeframe) -> Result<Option<Extent>, Error> {
    let sql = "SELECT min(open_at), max(open_at), count(*) FROM candles
               WHERE symbol_id = $1 AND minutes = $2";
    Ok(extent_of(&client.query_one(sql, &[&id, &minutes(of)])?))
}

pub(super) fn extent_of_prints(client: &mut Client, id: i32) -> Result<Option<Extent>, Error> {
    let sql = "SELECT min(at), max(at), count(*) FROM trades WHERE symbol_id = $1";
    Ok(extent_of(&client.query_one(sql, &[&id])?))
}

pub(super) fn holes(
    client: &mut Client,
    id: i32,
    timeframe: Timeframe,
    span: Span,
) -> Result<Vec<Span>, Error> {
    let rows = "FROM candles
        WHERE symbol_id = $1 AND minutes = $2 AND open_at >= $3 AND open_at < $4";
    let complete = "quality & 16 <> 0";
    let (length, from, to) = (minutes(timeframe), At(span.from), At(span.to));
    let key: [Key<'_>; 4] = [&id, &length, &from, &to];
    let mut holes = Vec::new();
    // Incomplete bars before the first complete one are a hole with nothing on its left.
    let sql = format!("SELECT min(open_at), min(open_at) FILTER (WHERE {complete}) {rows}");
    let ends = client.query_one(&sql, &key)?;
    if let (Some(At(any)), Some(At(first))) = (ends.get(0), ends.get(1))
        && any < first
    {
        holes.push(Span::new(any, first));
    }
    let sql = format!(
        "SELECT open_at, next FROM (
            SELECT open_at, lead(open_at) OVER (ORDER BY open_at) AS next {rows} AND {complete}
         ) steps WHERE next > open_at + make_interval(mins => $2)"
    );
    let step = timeframe.minutes() * MINUTE_NS;
    for row in client.query(&sql, &key)? {
        let (At(before), At(next)) = (row.get(0), row.get(1));
        holes.push(Span::new(ExchNs::new(before.raw() + step), next));
    }
    Ok(holes)
}

pub(super) fn gaps(client: &mut Client, id: i32, symbol: &str) -> Result<Vec<Gap>, Error> {
    let sql = "SELECT from_at, to_at, reason, state, attempts, error FROM gaps
               WHERE symbol_id = $1 ORDER BY from_at, to_at";
    let gap = |row: &Row| Gap {
        symbol: symbol.to_owned(),
        span: Span::new(row.get::<_, At>(0).0, row.get::<_, At>(1).0),
        reason: row.get(2),
        is_filled: row.get::<_, i16>(3) == 1,
        attempts: row.get::<_, i32>(4).unsigned_abs(),
        error: row.get(5),
    };
    Ok(client.query(sql, &[&id])?.iter().map(gap).collect())
}

pub(super) fn fills(
    client: &mut Client,
    session: &str,
    each: Each<'_, FillRow>,
) -> Result<(), Error> {
    let sql = "SELECT session, fill_id, strategy, symbol, at, side, price::text, qty::text,
                value::text, fee::text, realized::text
               FROM fills WHERE $1 = '' OR session = $1 ORDER BY session, fill_id, strategy";
    let make = |row: &Row| FillRow {
        session: row.get(0),
        fill_id: row.get(1),
        strategy: row.get(2),
        symbol: row.get(3),
        at: row.get::<_, At>(4).0.raw(),
        side: i8::try_from(row.get::<_, i16>(5)).unwrap_or(0),
        price: row.get(6),
        qty: row.get(7),
        value: row.get(8),
        fee: row.get(9),
        realized: row.get(10),
    };
    pass(client, sql, [&session as Key<'_>], make, each)
}

pub(super) fn totals(client: &mut Client) -> Result<Totals, Error> {
    let sql = "SELECT (SELECT count(*) FROM fills), (SELECT count(*) FROM equity),
                      (SELECT count(*) FROM latency)";
    let row = client.query_one(sql, &[])?;
    let count = |at: usize| row.get::<_, i64>(at).unsigned_abs();
    Ok(Totals { fills: count(0), equity: count(1), latency: count(2) })
}
