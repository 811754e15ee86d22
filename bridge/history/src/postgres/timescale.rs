//! What TimescaleDB adds: hypertables, longer bars kept by the database, compression and retention.

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::{ExchNs, Rfc3339};
use postgres::Client;
use postgres::fallible_iterator::FallibleIterator;
use postgres::types::ToSql;

use super::copy::At;
use crate::model::{Candle, MINUTE_NS, Source, Span};
use crate::store::{Each, Retention};

/// Continuous aggregates of continuous aggregates came with this version.
const VERSION_MIN: (u32, u32) = (2, 9);

/// The version in use, or why there is none.
pub(super) fn version(client: &mut Client) -> Result<Result<String, String>, postgres::Error> {
    let sql = "SELECT installed_version IS NOT NULL, default_version FROM pg_available_extensions
               WHERE name = 'timescaledb'";
    let Some(row) = client.query_opt(sql, &[])? else {
        return Ok(Err("the server does not have it".to_owned()));
    };
    if !row.get::<_, bool>(0) {
        let preloaded = client.query_one("SHOW shared_preload_libraries", &[])?;
        if !preloaded.get::<_, &str>(0).contains("timescaledb") {
            let why = "it is not in the server's shared_preload_libraries";
            return Ok(Err(why.to_owned()));
        }
        if let Err(error) = client.batch_execute("CREATE EXTENSION IF NOT EXISTS timescaledb") {
            return match error.as_db_error() {
                Some(why) => Ok(Err(format!("CREATE EXTENSION: {}", why.message()))),
                None => Err(error),
            };
        }
    }
    let sql = "SELECT extversion, current_setting('timescaledb.license', true)
               FROM pg_extension WHERE extname = 'timescaledb'";
    let row = client.query_one(sql, &[])?;
    let (version, licence): (String, Option<String>) = (row.get(0), row.get(1));
    let mut numbers = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if found < VERSION_MIN {
        return Ok(Err(format!("{version} is older than {}.{}", VERSION_MIN.0, VERSION_MIN.1)));
    }
    if licence.is_some_and(|licence| licence == "apache") {
        return Ok(Err("the Apache-only build has no compression and no aggregates".to_owned()));
    }
    Ok(Ok(version))
}

/// The statements of a file, one by one: some refuse to stand in a transaction with others.
pub(super) fn statements(sql: &str) -> impl Iterator<Item = &str> {
    sql.split(";\n").map(str::trim).filter(|statement| {
        statement.lines().any(|line| !line.starts_with("--") && !line.is_empty())
    })
}

const fn view(timeframe: Timeframe) -> &'static str {
    match timeframe {
        Timeframe::M1 => "candles",
        Timeframe::M5 => "candles_5m",
        Timeframe::M15 => "candles_15m",
        Timeframe::M30 => "candles_30m",
        Timeframe::H1 => "candles_1h",
        Timeframe::H4 => "candles_4h",
        Timeframe::H12 => "candles_12h",
        Timeframe::D1 => "candles_1d",
        Timeframe::W1 => "candles_1w",
    }
}

/// Sets what is compressed and forgotten when; names what changed.
pub(super) fn policies(
    client: &mut Client,
    retention: Retention,
) -> Result<Vec<String>, postgres::Error> {
    let wanted = format!("{retention:?}");
    let sql = "SELECT value FROM checkpoints WHERE key = 'timescale:policies'";
    let found = client.query_opt(sql, &[])?.map(|row| row.get::<_, String>(0));
    if found.as_deref() == Some(&wanted) {
        return Ok(Vec::new());
    }
    let mut done = Vec::new();
    let mut keep = |client: &mut Client, table: &str, days: u32| {
        let sql = format!("SELECT remove_retention_policy('{table}', if_exists => true)");
        client.batch_execute(&sql)?;
        if days > 0 {
            client.batch_execute(&format!(
                "SELECT add_retention_policy('{table}', drop_after => INTERVAL '{days} days')"
            ))?;
            done.push(format!("{table}: kept {days} days"));
        }
        Ok::<_, postgres::Error>(())
    };
    keep(client, "trades", retention.trades_days)?;
    keep(client, "candles", retention.minutes_days)?;
    for timeframe in [Timeframe::M5, Timeframe::M15, Timeframe::M30, Timeframe::H1] {
        keep(client, view(timeframe), retention.intraday_days)?;
    }
    let days = retention.compress_after_days;
    for table in ["trades", "candles"] {
        let sql = format!("SELECT remove_compression_policy('{table}', if_exists => true)");
        client.batch_execute(&sql)?;
        if days > 0 {
            client.batch_execute(&format!(
                "SELECT add_compression_policy('{table}', compress_after => INTERVAL '{days} days')"
            ))?;
            done.push(format!("{table}: compressed after {days} days"));
        }
    }
    let sql = "INSERT INTO checkpoints (key, value) VALUES ('timescale:policies', $1)
               ON CONFLICT (key) DO UPDATE SET value = $1";
    client.execute(sql, &[&wanted])?;
    Ok(done)
}

/// Rolls up a time again, level by level. What retention has dropped stays: nothing outside the time is
/// looked at.
pub(super) fn refresh(client: &mut Client, span: Span) -> Result<(), postgres::Error> {
    let sql = "SELECT min(open_at), max(open_at) FROM candles
               WHERE minutes = 1 AND open_at >= $1 AND open_at < $2";
    let row = client.query_one(sql, &[&At(span.from), &At(span.to)])?;
    let (Some(At(first)), Some(At(last))) = (row.get(0), row.get(1)) else {
        return Ok(());
    };
    // Where the server would do ten bars at once, a transaction each, it does all of them.
    let sql = "SELECT EXISTS (SELECT 1 FROM pg_proc WHERE proname = 'refresh_continuous_aggregate'
               AND 'options' = ANY (proargnames))";
    let options = match client.query_one(sql, &[])?.get(0) {
        true => ", options => '{\"buckets_per_batch\": 0}'",
        false => "",
    };
    for timeframe in &Timeframe::ALL[1..] {
        // A refresh takes whole bars only.
        let length = timeframe.minutes() * MINUTE_NS;
        let from = timeframe.floor(first);
        let to = ExchNs::new(timeframe.floor(last).raw() + length);
        // The call runs its own transactions, which the protocol of parameters does not allow.
        let text = |at: ExchNs| Rfc3339 { at, fraction: 0 };
        client.batch_execute(&format!(
            "CALL refresh_continuous_aggregate('{}', '{}'::timestamptz, '{}'::timestamptz{options})",
            view(*timeframe),
            text(from),
            text(to)
        ))?;
    }
    Ok(())
}

/// Start of the first and of the last longer bar.
pub(super) fn ends(
    client: &mut Client,
    id: i32,
    timeframe: Timeframe,
) -> Result<Option<(ExchNs, ExchNs)>, postgres::Error> {
    let view = view(timeframe);
    let sql = format!("SELECT min(open_at), max(open_at) FROM {view} WHERE symbol_id = $1");
    let row = client.query_one(&sql, &[&id])?;
    let ends = row.get::<_, Option<At>>(0).zip(row.get(1));
    Ok(ends.map(|(At(oldest), At(newest))| (oldest, newest)))
}

/// Longer bars as the database keeps them, and what it has not rolled up yet.
pub(super) fn rolled_up(
    client: &mut Client,
    id: i32,
    timeframe: Timeframe,
    span: Span,
    each: Each<'_, Candle>,
) -> Result<(), postgres::Error> {
    let sql = format!(
        "SELECT open_at, open, high, low, close, least(volume, 9223372036854775807)::bigint,
            CASE WHEN unpriced > 0 THEN NULL WHEN volume = 0 THEN close
                ELSE div(turnover + div(volume, 2), volume)::bigint END,
            least(trades, 4294967295)::bigint, all_bits, any_bits, source_bits
         FROM {} WHERE symbol_id = $1 AND open_at >= $2 AND open_at < $3 ORDER BY open_at",
        view(timeframe)
    );
    let key: [&(dyn ToSql + Sync); 3] = [&id, &At(span.from), &At(span.to)];
    let mut rows = client.query_raw(&sql, key)?;
    while let Some(row) = rows.next()? {
        let px = |at: usize| Px::new(row.get(at));
        let bits = |at: usize| i64::from(row.get::<_, i16>(at));
        let candle = Candle {
            open_at: row.get::<_, At>(0).0,
            open: px(1),
            high: px(2),
            low: px(3),
            close: px(4),
            volume: Qty::new(row.get(5)),
            vwap: row.get::<_, Option<i64>>(6).map(Px::new),
            trades: u32::try_from(row.get::<_, i64>(7)).unwrap_or(u32::MAX),
            source: Source::from_number(bits(10) >> 1),
            flags: BarFlags { is_carried: bits(9) & 1 == 0, is_incomplete: bits(8) & 16 == 0 },
        };
        if each(candle).is_break() {
            break;
        }
    }
    Ok(())
}
