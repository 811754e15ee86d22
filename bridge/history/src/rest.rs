//! The venue's public REST calls that history needs: `Time`, `AssetPairs`, `OHLC`, `Trades`.
//!
//! Numbers are read from their text, never through a float. Refusals for asking too often are waited out,
//! failures of the way are tried again; what is left is told.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use paperwire_core::bar::BarFlags;
use paperwire_core::num::{DecimalError, Px, Qty, parse_decimal};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;
use paperwire_rt::runner::Wait;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::limiter::Limiter;
use crate::model::{Candle, Print, SECOND_NS, Scale, Source};

const TIMEOUT: Duration = Duration::from_secs(30);
/// Rows of a full page of trades.
pub const PAGE_ROWS: usize = 1000;
/// How many times a refusal for asking too often is waited out.
const REFUSALS_MAX: u32 = 12;
/// How many times a call whose way failed is made.
const ATTEMPTS: u32 = 4;

/// Why the venue gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestError {
    /// It was asked too often, again and again.
    #[error("{0} was refused for asking too often; try again in some minutes")]
    TooOften(String),
    /// No connection, no answer, or the venue is busy; tried several times.
    #[error("{url}: {why}; try again later, what is there is kept")]
    Away {
        /// What was asked.
        url: String,
        /// The reason.
        why: String,
    },
    /// It will not answer this.
    #[error("{url}: {why}; check the name of the pair")]
    Refused {
        /// What was asked.
        url: String,
        /// Its words.
        why: String,
    },
    /// The answer is not what is documented.
    #[error("{url}: the answer is not understood: {why}")]
    Malformed {
        /// What was asked.
        url: String,
        /// What is wrong.
        why: String,
    },
}

/// How an address is read; tests put failures in between.
pub trait Get: Send + fmt::Debug {
    /// The body of an answer.
    ///
    /// # Errors
    /// In words.
    fn get(&mut self, url: &str) -> Result<String, String>;
}

/// HTTP.
#[derive(Debug)]
struct Http(ureq::Agent);

impl Get for Http {
    fn get(&mut self, url: &str) -> Result<String, String> {
        let mut answer = self.0.get(url).call().map_err(|error| error.to_string())?;
        answer.body_mut().read_to_string().map_err(|error| error.to_string())
    }
}

/// A venue's REST interface.
#[derive(Debug)]
pub struct Rest {
    base: String,
    way: Box<dyn Get>,
    limiter: Arc<Limiter>,
    /// Between two attempts of a call whose way failed.
    retry_ms: u32,
    requests: u64,
}

#[derive(Deserialize)]
struct Answer {
    error: Vec<String>,
    #[serde(default)]
    result: BTreeMap<String, Box<RawValue>>,
}

#[derive(Deserialize)]
struct PairRow {
    pair_decimals: u8,
    lot_decimals: u8,
}

/// `[time s, open, high, low, close, vwap, volume, count]`.
#[derive(Deserialize)]
struct OhlcRow(i64, String, String, String, String, String, String, u32);

/// `[price, volume, time s, b|s, m|l, misc, trade_id]`.
#[derive(Deserialize)]
struct TradeRow(String, String, Box<RawValue>, String, String, IgnoredAny, i64);

/// A page of prints, oldest first, and where the next one begins.
#[derive(Debug)]
pub struct Page {
    /// Prints, at `scale`.
    pub prints: Vec<Print>,
    /// The scale asked for, or a finer one where the numbers need it.
    pub scale: Scale,
    /// Rows of the answer.
    pub rows: usize,
    /// The venue's cursor.
    pub last: String,
}

impl Rest {
    /// The interface at `base`, which is without `/0/public`.
    pub fn new(base: &str, limiter: Arc<Limiter>) -> Self {
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).build();
        Self::by(base, limiter, Box::new(Http(config.into())), 1000)
    }

    /// The same over another way.
    pub fn by(base: &str, limiter: Arc<Limiter>, way: Box<dyn Get>, retry_ms: u32) -> Self {
        Self { base: base.to_owned(), way, limiter, retry_ms, requests: 0 }
    }

    /// Requests sent so far.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Asks until there is an answer, a refusal for good, or no hope.
    fn ask(&mut self, call: &str) -> Result<(String, BTreeMap<String, Box<RawValue>>), RestError> {
        let url = format!("{}/0/public/{call}", self.base);
        let (mut refusals, mut attempt) = (0, 0);
        loop {
            self.limiter.wait();
            self.requests += 1;
            let read = self.way.get(&url).and_then(|body| {
                // A page of the edge in front of the venue is no answer of the venue.
                serde_json::from_str::<Answer>(&body).map_err(|error| error.to_string())
            });
            let why = match read {
                Ok(answer) => match answer.error.into_iter().next() {
                    None => {
                        self.limiter.answered();
                        return Ok((url, answer.result));
                    }
                    Some(error) if is_too_often(&error) => {
                        self.limiter.refused();
                        refusals += 1;
                        if refusals > REFUSALS_MAX {
                            return Err(RestError::TooOften(url));
                        }
                        continue;
                    }
                    Some(error) if error.starts_with("EService") || error.contains("Internal") => {
                        error
                    }
                    Some(why) => return Err(RestError::Refused { url, why }),
                },
                Err(why) => why,
            };
            attempt += 1;
            if attempt >= ATTEMPTS {
                return Err(RestError::Away { url, why });
            }
            (0..self.retry_ms * attempt).for_each(|_| Wait::Doze.wait());
        }
    }

    /// The venue's clock.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn time(&mut self) -> Result<ExchNs, RestError> {
        let (url, result) = self.ask("Time")?;
        let second = result.get("unixtime").and_then(|raw| raw.get().parse::<i64>().ok());
        let second = second.and_then(|second| second.checked_mul(SECOND_NS));
        second.map(ExchNs::new).ok_or_else(|| malformed(&url, "no unixtime"))
    }

    /// Precision of a pair's numbers today.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn scale(&mut self, symbol: &str) -> Result<Scale, RestError> {
        let (url, result) = self.ask(&format!("AssetPairs?pair={}", encoded(symbol)))?;
        let row = result.values().next().ok_or_else(|| malformed(&url, "no pair"))?;
        let row: PairRow = read(&url, row)?;
        Ok(Scale { price: row.pair_decimals, qty: row.lot_decimals })
    }

    /// The newest 720 or so minutes that are over, oldest first.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn minutes(&mut self, symbol: &str, scale: Scale) -> Result<Vec<Candle>, RestError> {
        let (url, result) = self.ask(&format!("OHLC?pair={}&interval=1", encoded(symbol)))?;
        let mut rows: Vec<OhlcRow> = read(&url, rows_of(&url, &result)?)?;
        // The last one is still forming.
        rows.pop();
        let candle = |row: &OhlcRow| minute(row, scale);
        let candles = rows.iter().map(candle).collect::<Option<Vec<_>>>();
        candles.ok_or_else(|| malformed(&url, "a number is not a decimal of the pair's precision"))
    }

    /// Prints after the cursor `since`, oldest first.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn trades(
        &mut self,
        symbol: &str,
        since: &str,
        at_least: Scale,
    ) -> Result<Page, RestError> {
        let call = format!("Trades?pair={}&since={since}&count={PAGE_ROWS}", encoded(symbol));
        let (url, result) = self.ask(&call)?;
        let rows: Vec<TradeRow> = read(&url, rows_of(&url, &result)?)?;
        let last = result.get("last").map(|raw| raw.get().trim_matches('"').to_owned());
        let last = last.filter(|last| last.parse::<i64>().is_ok());
        let last = last.ok_or_else(|| malformed(&url, "no cursor"))?;
        let scale = rows.iter().fold(at_least, |scale, row| {
            scale.finer(Scale { price: decimals(&row.0), qty: decimals(&row.1) })
        });
        let prints = rows.iter().map(|row| print(row, scale)).collect::<Option<Vec<_>>>();
        let prints = prints.ok_or_else(|| malformed(&url, "a trade has no price, size or time"))?;
        Ok(Page { rows: prints.len(), prints, scale, last })
    }
}

fn is_too_often(error: &str) -> bool {
    error.contains("Too many requests")
        || error.contains("Rate limit")
        || error.contains("Throttled")
}

fn encoded(symbol: &str) -> String {
    symbol.replace('/', "%2F")
}

fn malformed(url: &str, why: &str) -> RestError {
    RestError::Malformed { url: url.to_owned(), why: why.to_owned() }
}

fn read<'a, T: Deserialize<'a>>(url: &str, raw: &'a RawValue) -> Result<T, RestError> {
    serde_json::from_str(raw.get()).map_err(|error| malformed(url, &error.to_string()))
}

/// The key is some name of the pair; it is the only one that is not `last`.
fn rows_of<'a>(
    url: &str,
    result: &'a BTreeMap<String, Box<RawValue>>,
) -> Result<&'a RawValue, RestError> {
    let rows = result.iter().find(|(key, _)| *key != "last").map(|(_, rows)| &**rows);
    rows.ok_or_else(|| malformed(url, "no rows"))
}

/// Decimals that are not trailing zeros.
fn decimals(text: &str) -> u8 {
    let digits = text.split_once('.').map_or("", |(_, digits)| digits.trim_end_matches('0'));
    u8::try_from(digits.len()).unwrap_or(u8::MAX)
}

/// Averages have more decimals than the pair; those are rounded down.
fn average(text: &str, precision: u8) -> Option<i64> {
    match parse_decimal(text, precision) {
        Err(DecimalError::Precision) => {
            let end = text.find('.')? + 1 + usize::from(precision);
            parse_decimal(text.get(..end)?, precision).ok()
        }
        value => value.ok(),
    }
}

fn minute(row: &OhlcRow, scale: Scale) -> Option<Candle> {
    let px = |text: &str| parse_decimal(text, scale.price).ok().map(Px::new);
    let close = px(&row.4)?;
    Some(Candle {
        open_at: ExchNs::new(row.0.checked_mul(SECOND_NS)?),
        open: px(&row.1)?,
        high: px(&row.2)?,
        low: px(&row.3)?,
        close,
        volume: Qty::new(parse_decimal(&row.6, scale.qty).ok()?),
        // An empty minute has "0.0".
        vwap: Some(if row.7 == 0 { close } else { Px::new(average(&row.5, scale.price)?) }),
        trades: row.7,
        source: Source::RestOhlc,
        flags: BarFlags { is_carried: row.7 == 0, is_incomplete: false },
    })
}

fn print(row: &TradeRow, scale: Scale) -> Option<Print> {
    Some(Print {
        at: ExchNs::new(parse_decimal(row.2.get(), 9).ok()?),
        px: Px::new(parse_decimal(&row.0, scale.price).ok()?),
        qty: Qty::new(parse_decimal(&row.1, scale.qty).ok()?),
        trade_id: row.6,
        taker: Some(if row.3 == "b" { OrderSide::Buy } else { OrderSide::Sell }),
        is_market: Some(row.4 == "m"),
        source: Source::Trades,
    })
}
