//! Writing the embedded store: one batch in one transaction.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use super::failed;
use crate::model::{
    Batch, Gap, MINUTE_NS, SECOND_NS, Scale, Source, SymbolRows, Written, checked_pow10,
};
use crate::store::StoreError;

/// A version replaces one that is not better, and counts only where it differs.
const CANDLE: &str = "
    INSERT INTO candles
        (symbol_id, minutes, open_at, open, high, low, close, volume, vwap, trades, quality)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
    ON CONFLICT (symbol_id, minutes, open_at) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, vwap = excluded.vwap, trades = excluded.trades,
        quality = excluded.quality, revision = candles.revision + 1
    WHERE excluded.quality >= candles.quality
        AND (excluded.quality, excluded.open, excluded.high, excluded.low, excluded.close,
            excluded.volume, excluded.trades, excluded.vwap)
        IS NOT (candles.quality, candles.open, candles.high, candles.low, candles.close,
            candles.volume, candles.trades, candles.vwap)";

/// The number decides; two sources may give the same print times that differ below a microsecond. The instant
/// itself is looked up by the whole key: any number of prints may share it.
const PRINT: &str = "
    INSERT INTO trades (symbol_id, at, trade_id, price, qty, side, is_market, source)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
    WHERE NOT EXISTS (
        SELECT 1 FROM trades WHERE symbol_id = ?1 AND at = ?2 AND trade_id = ?3)
    AND NOT EXISTS (
        SELECT 1 FROM trades WHERE symbol_id = ?1 AND at > ?2 - 1000000 AND at < ?2
            AND trade_id = ?3)
    AND NOT EXISTS (
        SELECT 1 FROM trades WHERE symbol_id = ?1 AND at > ?2 AND at < ?2 + 1000000
            AND trade_id = ?3)";

pub(super) fn find(
    connection: &Connection,
    symbol: &str,
) -> rusqlite::Result<Option<(i64, Scale)>> {
    let sql = "SELECT id, price_scale, qty_scale FROM instruments WHERE name = ?";
    let read =
        |row: &rusqlite::Row<'_>| Ok((row.get(0)?, Scale { price: row.get(1)?, qty: row.get(2)? }));
    connection.prepare_cached(sql)?.query_row([symbol], read).optional()
}

/// Writes everything of a batch.
pub(super) fn batch(
    tx: &Transaction<'_>,
    place: &str,
    batch: &Batch,
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    for rows in &batch.symbols {
        let (id, scale) = listed(tx, place, rows)?;
        let too_fine = || StoreError::too_fine(&rows.symbol, scale);
        let rows = rows.at_scale(scale).ok_or_else(too_fine)?;
        let more = symbol(tx, id, &rows).map_err(|error| failed(place, &error))?;
        written += more;
    }
    let others = || -> rusqlite::Result<u64> {
        for gap in &batch.gaps {
            write_gap(tx, gap)?;
        }
        checkpoints(tx, batch)?;
        accounts(tx, batch)
    };
    written.fills = others().map_err(|error| failed(place, &error))?;
    Ok(written)
}

/// Number and scale of the rows' symbol; what is stored is made finer where the rows are finer.
fn listed(
    tx: &Transaction<'_>,
    place: &str,
    rows: &SymbolRows,
) -> Result<(i64, Scale), StoreError> {
    let done = |error| failed(place, &error);
    let Some((id, stored)) = find(tx, &rows.symbol).map_err(done)? else {
        let sql = "INSERT INTO instruments (name, price_scale, qty_scale) VALUES (?, ?, ?)";
        let key = params![rows.symbol, rows.scale.price, rows.scale.qty];
        tx.execute(sql, key).map_err(done)?;
        return Ok((tx.last_insert_rowid(), rows.scale));
    };
    let wanted = stored.finer(rows.scale);
    if wanted == stored {
        return Ok((id, stored));
    }
    let too_fine = || StoreError::too_fine(&rows.symbol, wanted);
    let by_price = checked_pow10(wanted.price - stored.price).ok_or_else(too_fine)?;
    let by_qty = checked_pow10(wanted.qty - stored.qty).ok_or_else(too_fine)?;
    // SQLite would turn what does not fit into a float without a word.
    let largest: (i64, i64) = tx
        .query_row(
            "SELECT max(coalesce((SELECT max(high) FROM candles WHERE symbol_id = ?1), 0),
                        coalesce((SELECT max(price) FROM trades WHERE symbol_id = ?1), 0)),
                    max(coalesce((SELECT max(volume) FROM candles WHERE symbol_id = ?1), 0),
                        coalesce((SELECT max(qty) FROM trades WHERE symbol_id = ?1), 0))",
            [id],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .map_err(done)?;
    if largest.0.checked_mul(by_price).is_none() || largest.1.checked_mul(by_qty).is_none() {
        return Err(too_fine());
    }
    let finer = || -> rusqlite::Result<()> {
        let key = params![id, by_price, by_qty];
        tx.execute(
            "UPDATE candles SET open = open * ?2, high = high * ?2, low = low * ?2,
                close = close * ?2, vwap = vwap * ?2, volume = volume * ?3 WHERE symbol_id = ?1",
            key,
        )?;
        let sql = "UPDATE trades SET price = price * ?2, qty = qty * ?3 WHERE symbol_id = ?1";
        tx.execute(sql, key)?;
        let sql = "UPDATE instruments SET price_scale = ?2, qty_scale = ?3 WHERE id = ?1";
        tx.execute(sql, params![id, wanted.price, wanted.qty])?;
        Ok(())
    };
    finer().map_err(done)?;
    Ok((id, wanted))
}

fn symbol(tx: &Transaction<'_>, id: i64, rows: &SymbolRows) -> rusqlite::Result<Written> {
    let mut written = Written::default();
    let mut insert = tx.prepare_cached(CANDLE)?;
    let minutes = rows.timeframe.minutes();
    for candle in &rows.candles {
        let changed = insert.execute(params![
            id,
            minutes,
            candle.open_at.raw().div_euclid(SECOND_NS),
            candle.open.raw(),
            candle.high.raw(),
            candle.low.raw(),
            candle.close.raw(),
            candle.volume.raw(),
            candle.vwap.map(paperwire_core::num::Px::raw),
            candle.trades,
            candle.quality(),
        ])?;
        written.candles += u64::from(changed > 0);
    }
    if let Some(span) = rows.replaces {
        let sql = "DELETE FROM trades WHERE symbol_id = ? AND at >= ? AND at < ? AND trade_id < 0";
        tx.execute(sql, params![id, span.from.raw(), span.to.raw()])?;
    }
    let mut insert = tx.prepare_cached(PRINT)?;
    // A print without the venue's number is left out where prints with one are: they are the same.
    let mut known = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM trades WHERE symbol_id = ? AND at >= ? AND at < ?
            AND trade_id >= 0)",
    )?;
    let mut minute = (i64::MIN, false);
    for print in &rows.prints {
        if print.trade_id < 0 {
            let start = print.at.raw().div_euclid(MINUTE_NS) * MINUTE_NS;
            if start != minute.0 {
                let key = params![id, start, start + MINUTE_NS];
                minute = (start, known.query_row(key, |row| row.get(0))?);
            }
            if minute.1 {
                continue;
            }
        }
        let changed = insert.execute(params![
            id,
            print.at.raw(),
            print.trade_id,
            print.px.raw(),
            print.qty.raw(),
            print.side(),
            print.is_market,
            print.source as i64,
        ])?;
        written.prints += u64::from(changed > 0);
    }
    Ok(written)
}

fn write_gap(tx: &Transaction<'_>, gap: &Gap) -> rusqlite::Result<()> {
    let Some((id, _)) = find(tx, &gap.symbol)? else {
        return Ok(()); // Nothing of it is stored, so nothing of it is missing.
    };
    let (from, to) = (gap.span.from.raw() / SECOND_NS, gap.span.to.raw() / SECOND_NS);
    let (state, attempts, error) = (gap.is_filled, gap.attempts, &gap.error);
    let is_news = !gap.is_filled && gap.attempts == 0;
    if is_news {
        let sql = "INSERT INTO gaps (symbol_id, from_at, to_at, reason) VALUES (?, ?, ?, ?)
                   ON CONFLICT DO NOTHING";
        if tx.execute(sql, params![id, from, to, gap.reason])? == 0 {
            return Ok(());
        }
        // What was heard live during it is only a part.
        let sql = "UPDATE candles SET quality = quality & ~16, revision = revision + 1
                   WHERE symbol_id = ? AND minutes = 1 AND open_at > ? - 60 AND open_at < ?
                     AND (quality >> 1) & 7 = ? AND quality & 16 != 0";
        tx.execute(sql, params![id, from, to, Source::Ws as i64])?;
        return Ok(());
    }
    tx.execute(
        "INSERT INTO gaps (symbol_id, from_at, to_at, reason, state, attempts, error)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT DO UPDATE SET state = ?5, attempts = ?6, error = ?7",
        params![id, from, to, gap.reason, state, attempts, error],
    )?;
    Ok(())
}

fn checkpoints(tx: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    for (key, value) in &batch.checkpoints {
        match value {
            Some(value) => tx.execute(
                "INSERT INTO checkpoints (key, value) VALUES (?1, ?2)
                 ON CONFLICT DO UPDATE SET value = ?2",
                params![key, value],
            )?,
            None => tx.execute("DELETE FROM checkpoints WHERE key = ?", [key])?,
        };
    }
    Ok(())
}

/// Fills, marks and histograms; returns how many fills are new.
fn accounts(tx: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<u64> {
    let mut fills = 0;
    let mut insert = tx.prepare_cached(
        "INSERT INTO fills (session, fill_id, strategy, symbol, at, side, price, qty, value, fee,
            realized) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    for fill in &batch.fills {
        let changed = insert.execute(params![
            fill.session,
            fill.fill_id,
            fill.strategy,
            fill.symbol,
            fill.at,
            fill.side,
            fill.price,
            fill.qty,
            fill.value,
            fill.fee,
            fill.realized,
        ])?;
        fills += u64::from(changed > 0);
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO equity (session, strategy, at, equity, cash, realized, unrealized, fees)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    for row in &batch.equity {
        insert.execute(params![
            row.session,
            row.strategy,
            row.at,
            row.equity,
            row.cash,
            row.realized,
            row.unrealized,
            row.fees,
        ])?;
    }
    let mut insert = tx.prepare_cached(
        "INSERT INTO latency (session, stage, strategy, at, count, p50_ns, p90_ns, p99_ns, p999_ns,
            max_ns) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
    )?;
    for row in &batch.latency {
        let [p50, p90, p99, p999, max] = row.ns;
        insert.execute(params![
            row.session,
            row.stage,
            row.strategy,
            row.at,
            row.count,
            p50,
            p90,
            p99,
            p999,
            max,
        ])?;
    }
    Ok(fills)
}
