//! Rows of `OHLC`, `Trades` and `AssetPairs`: the columns that are used, checked; the others skipped.

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{DecimalError, Px, Qty, parse_decimal};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

use super::json::{self, Fields};
use crate::import::Number;
use crate::model::{Candle, Print, SECOND_NS, Scale, Source};
use crate::names::VenuePair;

/// Bars of one pair, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bars {
    /// The bars, at `scale`.
    pub candles: Vec<Candle>,
    /// The scale asked for, or a finer one where the numbers need it.
    pub scale: Scale,
}

/// A page of prints, oldest first, and where the next one begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Prints, at `scale`.
    pub prints: Vec<Print>,
    /// The scale asked for, or a finer one where the numbers need it.
    pub scale: Scale,
    /// The venue's cursor, nanoseconds.
    pub last: String,
}

/// The rows of a result, each as its columns, and its `last`. The rows' key is some name of the pair.
fn rows_of(result: &str) -> Result<(Vec<Vec<&str>>, Option<&str>), String> {
    let fields = Fields::of(result).ok_or("the result is no object")?;
    let lists = || fields.iter().filter(|(key, raw)| *key != "last" && raw.starts_with('['));
    let has_rows = |raw: &str| raw[1..].trim_start().starts_with('[');
    let of_pair = lists().find(|(_, raw)| has_rows(raw)).or_else(|| lists().next());
    let rows = of_pair.and_then(|(_, raw)| json::elements(raw)).ok_or("no rows")?;
    let columns = rows.into_iter().map(json::elements).collect::<Option<Vec<_>>>();
    let columns = columns.ok_or("a row is no list")?;
    Ok((columns, fields.get("last").map(json::word)))
}

pub(super) fn bars(result: &str, of: Timeframe, at_least: Scale) -> Result<Bars, String> {
    let (mut rows, last) = rows_of(result)?;
    // The last row is still forming, unless the venue says until where its bars are over.
    let last: Option<i64> = last.and_then(|last| last.parse().ok());
    let last = last.filter(|last| *last > 0);
    if last.is_none() {
        rows.pop();
    }
    let mut scale = at_least;
    for row in &rows {
        let [_, open, high, low, close, _, volume, _, ..] = row[..] else {
            return Err("a row is not [time, open, high, low, close, vwap, volume, count]".into());
        };
        let price = [open, high, low, close].map(|raw| decimals(json::word(raw)));
        let price = price.into_iter().max().unwrap_or(0);
        scale = scale.finer(Scale { price, qty: decimals(json::word(volume)) });
    }
    let mut candles: Vec<Candle> = Vec::with_capacity(rows.len());
    for row in &rows {
        let candle = bar(row, scale).ok_or("a number of a bar is none, or too large")?;
        let at = candle.open_at;
        if of.floor(at) != at || candles.last().is_some_and(|before| before.open_at >= at) {
            return Err(format!("the bar of second {} is out of place", at.raw() / SECOND_NS));
        }
        let (top, bottom) = (candle.open.max(candle.close), candle.open.min(candle.close));
        if candle.low.raw() <= 0 || candle.high < top || candle.low > bottom {
            return Err(format!("the bar of second {} cannot be", at.raw() / SECOND_NS));
        }
        if last.is_none_or(|last| at.raw() <= last.saturating_mul(SECOND_NS)) {
            candles.push(candle);
        }
    }
    Ok(Bars { candles, scale })
}

/// `[time s, open, high, low, close, vwap, volume, count, ...]`.
fn bar(row: &[&str], scale: Scale) -> Option<Candle> {
    let px = |at: usize| parse_decimal(json::word(row[at]), scale.price).ok().map(Px::new);
    let second: i64 = json::word(row[0]).parse().ok()?;
    let trades: u32 = json::word(row[7]).parse().ok()?;
    let close = px(4)?;
    let volume = parse_decimal(json::word(row[6]), scale.qty).ok().filter(|volume| *volume >= 0)?;
    Some(Candle {
        open_at: ExchNs::new(second.checked_mul(SECOND_NS)?),
        open: px(1)?,
        high: px(2)?,
        low: px(3)?,
        close,
        volume: Qty::new(volume),
        // An empty one has "0.0".
        vwap: Some(if trades == 0 {
            close
        } else {
            Px::new(cut(json::word(row[5]), scale.price)?)
        }),
        trades,
        source: Source::RestOhlc,
        flags: BarFlags { is_carried: trades == 0, is_incomplete: false },
    })
}

pub(super) fn page(result: &str, at_least: Scale) -> Result<Page, String> {
    let (rows, last) = rows_of(result)?;
    let last = last.filter(|last| last.parse::<i64>().is_ok()).ok_or("no cursor")?;
    let mut scale = at_least;
    for row in &rows {
        let [price, volume, _, _, _, _, _, ..] = row[..] else {
            return Err("a row is not [price, volume, time, side, type, misc, trade_id]".into());
        };
        let (price, qty) = (decimals(json::word(price)), decimals(json::word(volume)));
        scale = scale.finer(Scale { price, qty });
    }
    let prints = rows.iter().map(|row| print(row, scale)).collect::<Option<Vec<_>>>();
    let mut prints = prints.ok_or("a trade has no price, size, time or number that can be")?;
    // By number, which is the venue's own order; rows may come in another.
    prints.sort_by_key(|print| (print.at, print.trade_id));
    Ok(Page { prints, scale, last: last.to_owned() })
}

/// `[price, volume, time s, b|s, m|l, misc, trade_id, ...]`.
fn print(row: &[&str], scale: Scale) -> Option<Print> {
    let positive = |raw: &str, precision| {
        parse_decimal(json::word(raw), precision).ok().filter(|number| *number > 0)
    };
    Some(Print {
        at: ExchNs::new(cut(json::word(row[2]), 9).filter(|at| *at > 0)?),
        px: Px::new(positive(row[0], scale.price)?),
        qty: Qty::new(positive(row[1], scale.qty)?),
        trade_id: json::word(row[6]).parse().ok().filter(|id| *id >= 0)?,
        taker: match json::word(row[3]) {
            "b" => Some(OrderSide::Buy),
            "s" => Some(OrderSide::Sell),
            _ => None,
        },
        is_market: match json::word(row[4]) {
            "m" => Some(true),
            "l" => Some(false),
            _ => None,
        },
        source: Source::Trades,
    })
}

/// Precision of a pair's row of `AssetPairs`.
pub(super) fn scale(raw: &str) -> Option<Scale> {
    let fields = Fields::of(raw)?;
    let decimals = |name| json::word(fields.get(name)?).parse::<u8>().ok().filter(|of| *of <= 18);
    Some(Scale { price: decimals("pair_decimals")?, qty: decimals("lot_decimals")? })
}

/// Every pair of `AssetPairs` that has a name with a slash.
pub(super) fn pairs(result: &str) -> Vec<VenuePair> {
    let Some(fields) = Fields::of(result) else {
        return Vec::new();
    };
    let pair = |(id, raw): (&str, &str)| {
        let row = Fields::of(raw)?;
        let text = |name| row.get(name).map(json::word);
        VenuePair::new(id, text("altname").unwrap_or(id), text("wsname")?)
    };
    fields.iter().filter_map(pair).collect()
}

/// Decimals that are not trailing zeros; none of what is no number, which is found when it is read.
fn decimals(text: &str) -> u8 {
    Number::parse(text.as_bytes()).map_or(0, |number| number.decimals)
}

/// More decimals than can be held are cut off: an average's, or a time's below the nanosecond.
fn cut(text: &str, precision: u8) -> Option<i64> {
    match parse_decimal(text, precision) {
        Err(DecimalError::Precision) => {
            let end = text.find('.')? + 1 + usize::from(precision);
            parse_decimal(text.get(..end)?, precision).ok()
        }
        value => value.ok(),
    }
}
