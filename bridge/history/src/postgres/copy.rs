//! Times and rows as PostgreSQL's binary protocol has them.

use std::error::Error;
use std::io::Write;

use bytes::{BufMut, BytesMut};
use paperwire_core::time::ExchNs;
use postgres::Transaction;
use postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};

use crate::model::{Candle, Print, SymbolRows};

/// PostgreSQL counts from 2000-01-01.
const EPOCH_US: i64 = 946_684_800_000_000;

/// An instant as a `timestamptz`, to the microsecond below.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At(pub(super) ExchNs);

impl At {
    const fn micros(self) -> i64 {
        self.0.raw().div_euclid(1000) - EPOCH_US
    }

    /// Nanoseconds that the timestamp does not hold.
    pub(super) fn rest_ns(self) -> i16 {
        i16::try_from(self.0.raw().rem_euclid(1000)).expect("below a thousand")
    }
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        let ns = micros.checked_add(EPOCH_US).and_then(|us| us.checked_mul(1000));
        Ok(Self(ExchNs::new(ns.ok_or("a time after the year 2262")?)))
    }

    accepts!(TIMESTAMPTZ);
}

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.put_i64(self.micros());
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

/// Bytes that are handed to the connection at once.
const CHUNK: usize = 1 << 18;
const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// One row of a binary COPY.
struct Row<'a>(&'a mut BytesMut);

impl Row<'_> {
    fn i64(&mut self, value: i64) {
        self.0.put_i32(8);
        self.0.put_i64(value);
    }

    fn i32(&mut self, value: i32) {
        self.0.put_i32(4);
        self.0.put_i32(value);
    }

    fn i16(&mut self, value: i16) {
        self.0.put_i32(2);
        self.0.put_i16(value);
    }

    fn null(&mut self) {
        self.0.put_i32(-1);
    }
}

fn copy<T>(
    tx: &mut Transaction<'_>,
    sql: &str,
    rows: &[T],
    encode: impl Fn(&mut BytesMut, &T),
) -> Result<u64, postgres::Error> {
    let mut writer = tx.copy_in(sql)?;
    let mut buffer = BytesMut::with_capacity(CHUNK + 512);
    buffer.put_slice(HEADER);
    let mut is_broken = false;
    for row in rows {
        encode(&mut buffer, row);
        if buffer.len() >= CHUNK {
            is_broken |= writer.write_all(&buffer).is_err();
            buffer.clear();
        }
        if is_broken {
            break;
        }
    }
    buffer.put_i16(-1);
    // Why the server stopped taking bytes is told at the end.
    is_broken |= writer.write_all(&buffer).is_err();
    let _ = is_broken;
    writer.finish()
}

/// Bars into a range in which there are none.
pub(super) fn candles(
    tx: &mut Transaction<'_>,
    id: i32,
    minutes: i32,
    candles: &[Candle],
) -> Result<u64, postgres::Error> {
    let sql = "COPY candles (symbol_id, minutes, open_at, open, high, low, close, volume, vwap, \
               trades, quality) FROM STDIN BINARY";
    copy(tx, sql, candles, |out, of| {
        out.put_i16(11);
        let mut row = Row(out);
        row.i32(id);
        row.i32(minutes);
        row.i64(At(of.open_at).micros());
        for px in [of.open, of.high, of.low, of.close] {
            row.i64(px.raw());
        }
        row.i64(of.volume.raw());
        match of.vwap {
            Some(vwap) => row.i64(vwap.raw()),
            None => row.null(),
        }
        row.i32(trades(of));
        row.i16(quality(of));
    })
}

/// Prints into a range in which there are none.
pub(super) fn prints(
    tx: &mut Transaction<'_>,
    id: i32,
    rows: &SymbolRows,
) -> Result<u64, postgres::Error> {
    let sql = "COPY trades (symbol_id, at, at_ns, trade_id, price, qty, side, is_market, source) \
               FROM STDIN BINARY";
    copy(tx, sql, &rows.prints, |out, of: &Print| {
        out.put_i16(9);
        let mut row = Row(out);
        row.i32(id);
        row.i64(At(of.at).micros());
        row.i16(At(of.at).rest_ns());
        row.i64(of.trade_id);
        row.i64(of.px.raw());
        row.i64(of.qty.raw());
        row.i16(of.side().into());
        match of.is_market {
            Some(is_market) => {
                row.0.put_i32(1);
                row.0.put_u8(is_market.into());
            }
            None => row.null(),
        }
        row.i16(of.source as i16);
    })
}

/// A bar of more prints than this is not one minute of any market.
pub(super) fn trades(of: &Candle) -> i32 {
    i32::try_from(of.trades).unwrap_or(i32::MAX)
}

pub(super) fn quality(of: &Candle) -> i16 {
    i16::try_from(of.quality()).expect("five bits")
}
