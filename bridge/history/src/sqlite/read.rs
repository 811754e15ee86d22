//! Reading the embedded store, row by row.

use std::ops::ControlFlow;

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};

use super::pass;
use crate::model::{
    Candle, Extent, FillRow, Gap, Listed, MINUTE_NS, Print, SECOND_NS, Scale, Source, Span,
};
use crate::store::{Each, Order, Totals};

const COMPLETE: &str = "quality & 16 != 0";

fn second(at: ExchNs) -> i64 {
    // A span that begins within a second has no bar of that second's start in it.
    -(-at.raw()).div_euclid(SECOND_NS)
}

fn at_second(second: i64) -> ExchNs {
    ExchNs::new(second * SECOND_NS)
}

pub(super) fn symbols(connection: &Connection) -> Result<Vec<Listed>> {
    let sql = "SELECT name, price_scale, qty_scale FROM instruments ORDER BY name";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map([], |row| {
        let scale = Scale { price: row.get(1)?, qty: row.get(2)? };
        Ok(Listed { symbol: row.get(0)?, scale })
    })?;
    rows.collect()
}

fn candle(row: &Row<'_>) -> Result<Candle> {
    let number = |at: usize| row.get::<_, i64>(at);
    let mut candle = Candle {
        open_at: at_second(number(0)?),
        open: Px::new(number(1)?),
        high: Px::new(number(2)?),
        low: Px::new(number(3)?),
        close: Px::new(number(4)?),
        volume: Qty::new(number(5)?),
        vwap: row.get::<_, Option<i64>>(6)?.map(Px::new),
        trades: row.get(7)?,
        source: Source::Csv,
        flags: BarFlags::default(),
    };
    candle.set_quality(number(8)?);
    Ok(candle)
}

pub(super) fn candles(
    connection: &Connection,
    (id, timeframe): (i64, Timeframe),
    span: Span,
    order: Order,
    limit: usize,
    each: Each<'_, Candle>,
) -> Result<()> {
    let direction = match order {
        Order::Ascending => "",
        Order::Descending => " DESC",
    };
    let mut statement = connection.prepare_cached(&format!(
        "SELECT open_at, open, high, low, close, volume, vwap, trades, quality FROM candles
         WHERE symbol_id = ? AND minutes = ? AND open_at >= ? AND open_at < ?
         ORDER BY open_at{direction} LIMIT ?"
    ))?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let key = params![id, timeframe.minutes(), second(span.from), second(span.to), limit];
    pass(statement.query(key)?, candle, each)
}

/// From the first stored bar in a time to after the last one; empty when there is none.
pub(super) fn stored(
    connection: &Connection,
    (id, timeframe): (i64, Timeframe),
    span: Span,
) -> Result<Span> {
    let rows = "SELECT open_at FROM candles
        WHERE symbol_id = ?1 AND minutes = ?2 AND open_at >= ?3 AND open_at < ?4 ORDER BY open_at";
    let sql = format!("SELECT * FROM ({rows} LIMIT 1), ({rows} DESC LIMIT 1)");
    let key = params![id, timeframe.minutes(), second(span.from), second(span.to)];
    let ends =
        |row: &Row<'_>| Ok(Span::new(at_second(row.get(0)?), at_second(row.get::<_, i64>(1)? + 1)));
    let found = connection.prepare_cached(&sql)?.query_row(key, ends).optional()?;
    Ok(found.unwrap_or(Span::new(span.from, span.from)))
}

/// All bars of a short time.
pub(super) fn piece(
    connection: &Connection,
    key: (i64, Timeframe),
    span: Span,
) -> Result<Vec<Candle>> {
    let steps = usize::try_from(span.steps(key.1)).unwrap_or(0);
    let mut rows = Vec::with_capacity(steps);
    candles(connection, key, span, Order::Ascending, usize::MAX, &mut |candle| {
        rows.push(candle);
        ControlFlow::Continue(())
    })?;
    Ok(rows)
}

pub(super) fn prints(
    connection: &Connection,
    id: i64,
    span: Span,
    limit: usize,
    each: Each<'_, Print>,
) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT at, price, qty, trade_id, side, is_market, source FROM trades
         WHERE symbol_id = ? AND at >= ? AND at < ? ORDER BY at, trade_id LIMIT ?",
    )?;
    let make = |row: &Row<'_>| {
        Ok(Print {
            at: ExchNs::new(row.get(0)?),
            px: Px::new(row.get(1)?),
            qty: Qty::new(row.get(2)?),
            trade_id: row.get(3)?,
            taker: Print::side_from(row.get(4)?),
            is_market: row.get(5)?,
            source: Source::from_number(row.get(6)?),
        })
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    pass(statement.query(params![id, span.from.raw(), span.to.raw(), limit])?, make, each)
}

fn extent_by(
    connection: &Connection,
    sql: &str,
    key: impl rusqlite::Params,
    unit: i64,
) -> Result<Option<Extent>> {
    connection.prepare_cached(sql)?.query_row(key, |row| {
        let (oldest, newest): (Option<i64>, Option<i64>) = (row.get(0)?, row.get(1)?);
        let rows: i64 = row.get(2)?;
        Ok(oldest.zip(newest).map(|(oldest, newest)| Extent {
            oldest: ExchNs::new(oldest * unit),
            newest: ExchNs::new(newest * unit),
            rows: rows.unsigned_abs(),
        }))
    })
}

pub(super) fn extent(connection: &Connection, id: i64, of: Timeframe) -> Result<Option<Extent>> {
    let sql = "SELECT min(open_at), max(open_at), count(*) FROM candles
               WHERE symbol_id = ? AND minutes = ?";
    extent_by(connection, sql, params![id, of.minutes()], SECOND_NS)
}

pub(super) fn extent_of_prints(connection: &Connection, id: i64) -> Result<Option<Extent>> {
    let sql = "SELECT min(at), max(at), count(*) FROM trades WHERE symbol_id = ?";
    extent_by(connection, sql, [id], 1)
}

pub(super) fn holes(
    connection: &Connection,
    id: i64,
    timeframe: Timeframe,
    span: Span,
) -> Result<Vec<Span>> {
    let step = timeframe.minutes() * MINUTE_NS / SECOND_NS;
    let rows = "FROM candles
        WHERE symbol_id = ?1 AND minutes = ?2 AND open_at >= ?3 AND open_at < ?4";
    let key = params![id, timeframe.minutes(), second(span.from), second(span.to)];
    let mut holes = Vec::new();
    // Incomplete bars before the first complete one are a hole with nothing on its left.
    let sql = format!("SELECT min(open_at), min(CASE WHEN {COMPLETE} THEN open_at END) {rows}");
    let ends = connection
        .prepare_cached(&sql)?
        .query_row(key, |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)))?;
    if let (Some(any), Some(complete)) = ends
        && any < complete
    {
        holes.push(Span::new(at_second(any), at_second(complete)));
    }
    let sql = format!(
        "SELECT open_at, next FROM (
            SELECT open_at, lead(open_at) OVER (ORDER BY open_at) AS next {rows} AND {COMPLETE}
         ) WHERE next > open_at + ?5"
    );
    let key = params![id, timeframe.minutes(), second(span.from), second(span.to), step];
    let mut statement = connection.prepare_cached(&sql)?;
    let found = statement.query_map(key, |row| {
        Ok(Span::new(at_second(row.get::<_, i64>(0)? + step), at_second(row.get(1)?)))
    })?;
    for hole in found {
        holes.push(hole?);
    }
    Ok(holes)
}

pub(super) fn gaps(connection: &Connection, id: i64, symbol: &str) -> Result<Vec<Gap>> {
    let mut statement = connection.prepare_cached(
        "SELECT from_at, to_at, reason, state, attempts, error FROM gaps
         WHERE symbol_id = ? ORDER BY from_at, to_at",
    )?;
    let rows = statement.query_map([id], |row| {
        Ok(Gap {
            symbol: symbol.to_owned(),
            span: Span::new(at_second(row.get(0)?), at_second(row.get(1)?)),
            reason: row.get(2)?,
            is_filled: row.get::<_, i64>(3)? == 1,
            attempts: row.get(4)?,
            error: row.get(5)?,
        })
    })?;
    rows.collect()
}

pub(super) fn fills(connection: &Connection, session: &str, each: Each<'_, FillRow>) -> Result<()> {
    let mut statement = connection.prepare_cached(
        "SELECT session, fill_id, strategy, symbol, at, side, price, qty, value, fee, realized
         FROM fills WHERE ?1 = '' OR session = ?1 ORDER BY session, fill_id, strategy",
    )?;
    let make = |row: &Row<'_>| {
        Ok(FillRow {
            session: row.get(0)?,
            fill_id: row.get(1)?,
            strategy: row.get(2)?,
            symbol: row.get(3)?,
            at: row.get(4)?,
            side: row.get(5)?,
            price: row.get(6)?,
            qty: row.get(7)?,
            value: row.get(8)?,
            fee: row.get(9)?,
            realized: row.get(10)?,
        })
    };
    pass(statement.query([session])?, make, each)
}

pub(super) fn totals(connection: &Connection) -> Result<Totals> {
    let sql = "SELECT (SELECT count(*) FROM fills), (SELECT count(*) FROM equity),
                      (SELECT count(*) FROM latency)";
    connection.query_row(sql, [], |row| {
        let count = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        Ok(Totals { fills: count(0)?, equity: count(1)?, latency: count(2)? })
    })
}
