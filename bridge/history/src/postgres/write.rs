//! Writing a PostgreSQL store: one batch in one transaction.
//!
//! Rows that fall where nothing is stored yet go in by COPY; others by one statement per table that keeps
//! the better version. The row of the symbol is locked meanwhile, so writers of one symbol take turns.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

use postgres::{Error, GenericClient, Transaction};

use super::copy::{self, At};
use super::{failed, read};
use crate::model::{Batch, Candle, Gap, Print, Scale, Source, SymbolRows, Written, checked_pow10};
use crate::store::StoreError;

/// Fewer rows than this are not worth a question before.
const COPY_MIN: usize = 500;

const CANDLES: &str = "
    INSERT INTO candles AS old
        (symbol_id, minutes, open_at, open, high, low, close, volume, vwap, trades, quality)
    SELECT $1, $2, * FROM unnest($3::timestamptz[], $4::bigint[], $5::bigint[], $6::bigint[],
        $7::bigint[], $8::bigint[], $9::bigint[], $10::integer[], $11::smallint[])
    ON CONFLICT (symbol_id, minutes, open_at) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, vwap = excluded.vwap, trades = excluded.trades,
        quality = excluded.quality, revision = old.revision + 1
    WHERE excluded.quality >= old.quality
        AND (excluded.quality, excluded.open, excluded.high, excluded.low, excluded.close,
            excluded.volume, excluded.trades, excluded.vwap)
        IS DISTINCT FROM (old.quality, old.open, old.high, old.low, old.close,
            old.volume, old.trades, old.vwap)";

/// The number decides; two sources may give the same print times that differ below a microsecond. A print
/// without the venue's number is left out where prints with one are: they are the same. Any number of prints may
/// share an instant or a minute: the instant is looked up by the whole key, the minute once.
const PRINTS: &str = "
    WITH new AS (
        SELECT * FROM unnest($2::timestamptz[], $3::smallint[], $4::bigint[], $5::bigint[],
            $6::bigint[], $7::smallint[], $8::boolean[], $9::smallint[])
            AS row (at, at_ns, trade_id, price, qty, side, is_market, source)),
    known AS MATERIALIZED (
        SELECT minute FROM (
            SELECT DISTINCT date_trunc('minute', at) AS minute FROM new WHERE trade_id < 0) minutes
        WHERE EXISTS (
            SELECT 1 FROM trades old WHERE old.symbol_id = $1 AND old.trade_id >= 0
                AND old.at >= minute AND old.at < minute + INTERVAL '1 minute'))
    INSERT INTO trades (symbol_id, at, at_ns, trade_id, price, qty, side, is_market, source)
    SELECT $1, new.* FROM new
    WHERE NOT EXISTS (
            SELECT 1 FROM trades old WHERE old.symbol_id = $1 AND old.trade_id = new.trade_id
                AND old.at > new.at - INTERVAL '1 ms' AND old.at < new.at)
        AND NOT EXISTS (
            SELECT 1 FROM trades old WHERE old.symbol_id = $1 AND old.trade_id = new.trade_id
                AND old.at > new.at AND old.at < new.at + INTERVAL '1 ms')
        AND NOT EXISTS (
            SELECT 1 FROM known WHERE new.trade_id < 0 AND minute = date_trunc('minute', new.at))
    ON CONFLICT DO NOTHING";

pub(super) fn find(
    client: &mut impl GenericClient,
    symbol: &str,
) -> Result<Option<(i32, Scale)>, Error> {
    let sql = "SELECT id, price_scale, qty_scale FROM instruments WHERE name = $1";
    let row = client.query_opt(sql, &[&symbol])?;
    Ok(row.map(|row| (row.get(0), read::scale(&row, 1))))
}

/// Writes everything of a batch.
pub(super) fn batch(
    tx: &mut Transaction<'_>,
    place: &str,
    batch: &Batch,
    has_timescale: bool,
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    for rows in &batch.symbols {
        let (id, scale) = listed(tx, place, rows, has_timescale)?;
        let rows = rows.at_scale(scale).ok_or_else(|| StoreError::too_fine(&rows.symbol, scale))?;
        let done = |error: Error| failed(place, &error);
        written.candles += candles(tx, id, &rows).map_err(done)?;
        written.prints += prints(tx, id, &rows).map_err(done)?;
    }
    let mut others = || {
        for gap in &batch.gaps {
            write_gap(tx, gap)?;
        }
        checkpoints(tx, batch)?;
        accounts(tx, batch)
    };
    written.fills = others().map_err(|error| failed(place, &error))?;
    Ok(written)
}

/// Number and scale of the rows' symbol, locked; what is stored is made finer where the rows are finer.
fn listed(
    tx: &mut Transaction<'_>,
    place: &str,
    rows: &SymbolRows,
    has_timescale: bool,
) -> Result<(i32, Scale), StoreError> {
    let done = |error: Error| failed(place, &error);
    let decimals = |scale: Scale| (i16::from(scale.price), i16::from(scale.qty));
    let (price, qty) = decimals(rows.scale);
    let sql = "INSERT INTO instruments (name, price_scale, qty_scale) VALUES ($1, $2, $3)
               ON CONFLICT DO NOTHING";
    let known = find(tx, &rows.symbol).map_err(done)?;
    if known.is_none() {
        tx.execute(sql, &[&rows.symbol, &price, &qty]).map_err(done)?;
    }
    let sql = "SELECT id, price_scale, qty_scale FROM instruments WHERE name = $1 FOR UPDATE";
    let row = tx.query_one(sql, &[&rows.symbol]).map_err(done)?;
    let (id, stored): (i32, Scale) = (row.get(0), read::scale(&row, 1));
    let wanted = stored.finer(rows.scale);
    if wanted == stored {
        return Ok((id, stored));
    }
    let by = |to: u8, from: u8| {
        checked_pow10(to - from).ok_or_else(|| StoreError::too_fine(&rows.symbol, wanted))
    };
    let (by_price, by_qty) = (by(wanted.price, stored.price)?, by(wanted.qty, stored.qty)?);
    let mut finer = || {
        if has_timescale {
            // All of a symbol changes, compressed chunks too.
            tx.batch_execute(
                "SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0",
            )?;
        }
        let sql = "UPDATE candles SET open = open * $2, high = high * $2, low = low * $2,
            close = close * $2, vwap = vwap * $2, volume = volume * $3 WHERE symbol_id = $1";
        tx.execute(sql, &[&id, &by_price, &by_qty])?;
        let sql = "UPDATE trades SET price = price * $2, qty = qty * $3 WHERE symbol_id = $1";
        tx.execute(sql, &[&id, &by_price, &by_qty])?;
        let (price, qty) = decimals(wanted);
        let sql = "UPDATE instruments SET price_scale = $2, qty_scale = $3 WHERE id = $1";
        tx.execute(sql, &[&id, &price, &qty])
    };
    match finer() {
        Ok(_) => Ok((id, wanted)),
        Err(error)
            if error.code() == Some(&postgres::error::SqlState::NUMERIC_VALUE_OUT_OF_RANGE) =>
        {
            Err(StoreError::too_fine(&rows.symbol, wanted))
        }
        Err(error) => Err(done(error)),
    }
}

fn candles(tx: &mut Transaction<'_>, id: i32, rows: &SymbolRows) -> Result<u64, Error> {
    let (Some(first), Some(last)) = (rows.candles.first(), rows.candles.last()) else {
        return Ok(0);
    };
    let minutes = i32::try_from(rows.timeframe.minutes()).expect("a week has ten thousand");
    let all = distinct(&rows.candles);
    let sql = "SELECT EXISTS (SELECT 1 FROM candles
               WHERE symbol_id = $1 AND minutes = $2 AND open_at >= $3 AND open_at <= $4)";
    if all.len() >= COPY_MIN {
        let key = (At(first.open_at), At(last.open_at));
        let row = tx.query_one(sql, &[&id, &minutes, &key.0, &key.1])?;
        if !row.get::<_, bool>(0) {
            return copy::candles(tx, id, minutes, &all);
        }
    }
    let px = |of: fn(&Candle) -> i64| all.iter().map(of).collect::<Vec<i64>>();
    let at: Vec<At> = all.iter().map(|of| At(of.open_at)).collect();
    let vwap: Vec<Option<i64>> = all.iter().map(|of| Some(of.vwap?.raw())).collect();
    let trades: Vec<i32> = all.iter().map(copy::trades).collect();
    let quality: Vec<i16> = all.iter().map(copy::quality).collect();
    tx.execute(
        CANDLES,
        &[
            &id,
            &minutes,
            &at,
            &px(|of| of.open.raw()),
            &px(|of| of.high.raw()),
            &px(|of| of.low.raw()),
            &px(|of| of.close.raw()),
            &px(|of| of.volume.raw()),
            &vwap,
            &trades,
            &quality,
        ],
    )
}

/// In the order of time, one version of each bar: a statement may not touch a row twice.
fn distinct(candles: &[Candle]) -> Cow<'_, [Candle]> {
    if candles.is_sorted_by(|a, b| a.open_at < b.open_at) {
        return Cow::Borrowed(candles);
    }
    let mut best: BTreeMap<i64, Candle> = BTreeMap::new();
    for of in candles {
        let stored = best.entry(of.open_at.raw()).or_insert(*of);
        if of.quality() >= stored.quality() {
            *stored = *of;
        }
    }
    Cow::Owned(best.into_values().collect())
}

fn prints(tx: &mut Transaction<'_>, id: i32, rows: &SymbolRows) -> Result<u64, Error> {
    if let Some(span) = rows.replaces {
        let sql =
            "DELETE FROM trades WHERE symbol_id = $1 AND at >= $2 AND at < $3 AND trade_id < 0";
        tx.execute(sql, &[&id, &At(span.from), &At(span.to)])?;
    }
    let times = || rows.prints.iter().map(|of| of.at);
    let (Some(first), Some(last)) = (times().min(), times().max()) else {
        return Ok(0);
    };
    let mut seen = HashSet::new();
    let all: Vec<&Print> = rows.prints.iter().filter(|of| seen.insert(of.trade_id)).collect();
    if all.len() >= COPY_MIN && all.len() == rows.prints.len() {
        // A minute around it, for prints that a file has without the venue's numbers.
        let sql = "SELECT EXISTS (SELECT 1 FROM trades WHERE symbol_id = $1
                   AND at >= $2::timestamptz - INTERVAL '1 minute'
                   AND at <= $3::timestamptz + INTERVAL '1 minute')";
        if !tx.query_one(sql, &[&id, &At(first), &At(last)])?.get::<_, bool>(0) {
            return copy::prints(tx, id, rows);
        }
    }
    let number = |of: fn(&Print) -> i64| all.iter().map(|print| of(print)).collect::<Vec<i64>>();
    let small = |of: fn(&Print) -> i16| all.iter().map(|print| of(print)).collect::<Vec<i16>>();
    let at: Vec<At> = all.iter().map(|of| At(of.at)).collect();
    let is_market: Vec<Option<bool>> = all.iter().map(|of| of.is_market).collect();
    tx.execute(
        PRINTS,
        &[
            &id,
            &at,
            &small(|of| At(of.at).rest_ns()),
            &number(|of| of.trade_id),
            &number(|of| of.px.raw()),
            &number(|of| of.qty.raw()),
            &small(|of| of.side().into()),
            &is_market,
            &small(|of| of.source as i16),
        ],
    )
}

fn write_gap(tx: &mut Transaction<'_>, gap: &Gap) -> Result<(), Error> {
    let Some((id, _)) = find(tx, &gap.symbol)? else {
        return Ok(()); // Nothing of it is stored, so nothing of it is missing.
    };
    let (from, to) = (At(gap.span.from), At(gap.span.to));
    let is_news = !gap.is_filled && gap.attempts == 0;
    if is_news {
        let sql = "INSERT INTO gaps (symbol_id, from_at, to_at, reason) VALUES ($1, $2, $3, $4)
                   ON CONFLICT DO NOTHING";
        if tx.execute(sql, &[&id, &from, &to, &gap.reason])? == 0 {
            return Ok(());
        }
        // What was heard live during it is only a part.
        let sql = "UPDATE candles SET quality = quality & ~16::smallint, revision = revision + 1
                   WHERE symbol_id = $1 AND minutes = 1 AND open_at > $2::timestamptz - INTERVAL '1 minute'
                     AND open_at < $3 AND (quality >> 1) & 7 = $4 AND quality & 16 <> 0";
        tx.execute(sql, &[&id, &from, &to, &(Source::Ws as i32)])?;
        return Ok(());
    }
    let state = i16::from(gap.is_filled);
    let attempts = i32::try_from(gap.attempts).unwrap_or(i32::MAX);
    tx.execute(
        "INSERT INTO gaps (symbol_id, from_at, to_at, reason, state, attempts, error)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (symbol_id, from_at, to_at)
         DO UPDATE SET state = $5, attempts = $6, error = $7",
        &[&id, &from, &to, &gap.reason, &state, &attempts, &gap.error],
    )?;
    Ok(())
}

fn checkpoints(tx: &mut Transaction<'_>, batch: &Batch) -> Result<(), Error> {
    for (key, value) in &batch.checkpoints {
        match value {
            Some(value) => tx.execute(
                "INSERT INTO checkpoints (key, value) VALUES ($1, $2)
                 ON CONFLICT (key) DO UPDATE SET value = $2",
                &[key, value],
            )?,
            None => tx.execute("DELETE FROM checkpoints WHERE key = $1", &[key])?,
        };
    }
    Ok(())
}

/// Fills, marks and histograms; returns how many fills are new.
fn accounts(tx: &mut Transaction<'_>, batch: &Batch) -> Result<u64, Error> {
    let at = |ns: i64| At(paperwire_core::time::ExchNs::new(ns));
    let mut fills = 0;
    if !batch.fills.is_empty() {
        let insert = tx.prepare(
            "INSERT INTO fills (session, fill_id, strategy, symbol, at, side, price, qty, value,
                fee, realized)
             VALUES ($1, $2, $3, $4, $5, $6, $7::text::numeric, $8::text::numeric,
                $9::text::numeric, $10::text::numeric, $11::text::numeric)
             ON CONFLICT DO NOTHING",
        )?;
        for of in &batch.fills {
            fills += tx.execute(
                &insert,
                &[
                    &of.session,
                    &of.fill_id,
                    &of.strategy,
                    &of.symbol,
                    &at(of.at),
                    &i16::from(of.side),
                    &of.price,
                    &of.qty,
                    &of.value,
                    &of.fee,
                    &of.realized,
                ],
            )?;
        }
    }
    if !batch.equity.is_empty() {
        let insert = tx.prepare(
            "INSERT INTO equity (session, strategy, at, equity, cash, realized, unrealized, fees)
             VALUES ($1, $2, $3, $4::text::numeric, $5::text::numeric, $6::text::numeric,
                $7::text::numeric, $8::text::numeric)
             ON CONFLICT DO NOTHING",
        )?;
        for of in &batch.equity {
            let amounts = [&of.equity, &of.cash, &of.realized, &of.unrealized, &of.fees];
            let [equity, cash, realized, unrealized, fees] = amounts;
            let at = at(of.at);
            tx.execute(
                &insert,
                &[&of.session, &of.strategy, &at, equity, cash, realized, unrealized, fees],
            )?;
        }
    }
    if !batch.latency.is_empty() {
        let insert = tx.prepare(
            "INSERT INTO latency (session, stage, strategy, at, count, p50_ns, p90_ns, p99_ns,
                p999_ns, max_ns)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
        )?;
        for of in &batch.latency {
            let [p50, p90, p99, p999, max] = of.ns;
            let at = at(of.at);
            tx.execute(
                &insert,
                &[
                    &of.session,
                    &of.stage,
                    &of.strategy,
                    &at,
                    &of.count,
                    &p50,
                    &p90,
                    &p99,
                    &p999,
                    &max,
                ],
            )?;
        }
    }
    Ok(fills)
}
