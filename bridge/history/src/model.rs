//! What is stored: values in units of a scale, with the name of what they are of. No I/O.
//!
//! A [`Batch`] is the one thing that is written: all of it in one transaction, and writing it twice
//! changes nothing the second time.

use std::borrow::Cow;

use paperwire_core::bar::{Bar, BarFlags, Timeframe};
use paperwire_core::instrument::Instrument;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};
use serde::{Deserialize, Serialize};

/// Nanoseconds of a second.
pub const SECOND_NS: i64 = 1_000_000_000;
/// Nanoseconds of a minute.
pub const MINUTE_NS: i64 = 60 * SECOND_NS;

/// Decimals of prices and quantities; stored integers count units of `10^-decimals`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scale {
    /// Decimals of prices.
    pub price: u8,
    /// Decimals of quantities.
    pub qty: u8,
}

impl Scale {
    /// The precision of an instrument.
    pub const fn of(instrument: &Instrument) -> Self {
        Self { price: instrument.price_precision, qty: instrument.qty_precision }
    }

    /// The finer of both, number by number.
    #[must_use]
    pub fn finer(self, other: Self) -> Self {
        Self { price: self.price.max(other.price), qty: self.qty.max(other.qty) }
    }
}

/// Where a row came from; later ones know better.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[repr(u8)]
pub enum Source {
    /// A downloaded file.
    Csv = 1,
    /// The venue's `OHLC` call.
    RestOhlc = 2,
    /// Live.
    Ws = 3,
    /// Made of the venue's trades.
    Trades = 4,
}

impl Source {
    /// The word shown to people.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::RestOhlc => "rest_ohlc",
            Self::Ws => "ws",
            Self::Trades => "trades",
        }
    }

    /// By its stored number; what no version wrote is the least that it can be.
    pub(crate) const fn from_number(number: i64) -> Self {
        match number {
            2 => Self::RestOhlc,
            3 => Self::Ws,
            4 => Self::Trades,
            _ => Self::Csv,
        }
    }
}

/// A stored bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candle {
    /// Start of its interval.
    pub open_at: ExchNs,
    /// First price.
    pub open: Px,
    /// Highest price.
    pub high: Px,
    /// Lowest price.
    pub low: Px,
    /// Last price.
    pub close: Px,
    /// Traded quantity.
    pub volume: Qty,
    /// Average price by volume; files do not have it.
    pub vwap: Option<Px>,
    /// Prints in it.
    pub trades: u32,
    /// Where it came from.
    pub source: Source,
    /// What to know before believing it.
    pub flags: BarFlags,
}

const COMPLETE: i64 = 16;
const TRADED: i64 = 1;

impl Candle {
    /// A bar of the engine.
    pub const fn from_bar(bar: &Bar, source: Source) -> Self {
        Self {
            open_at: bar.open_at,
            open: bar.open,
            high: bar.high,
            low: bar.low,
            close: bar.close,
            volume: bar.volume,
            vwap: Some(bar.vwap),
            trades: bar.trades,
            source,
            flags: bar.flags,
        }
    }

    /// As the engine wants it: without an average the close stands for it.
    pub fn bar(&self) -> Bar {
        Bar {
            open_at: self.open_at,
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: self.volume,
            vwap: self.vwap.unwrap_or(self.close),
            trades: self.trades,
            flags: self.flags,
        }
    }

    /// A minute without trades after this price.
    pub const fn empty(open_at: ExchNs, close: Px, source: Source) -> Self {
        Self {
            open_at,
            open: close,
            high: close,
            low: close,
            close,
            volume: Qty::new(0),
            vwap: Some(close),
            trades: 0,
            source,
            flags: BarFlags { is_carried: true, is_incomplete: false },
        }
    }

    /// Orders the versions of one bar: complete ones above, then the better source, then those in which
    /// something traded. A version replaces one that is not above it.
    pub const fn quality(&self) -> i64 {
        let complete = if self.flags.is_incomplete { 0 } else { COMPLETE };
        let traded = if self.flags.is_carried { 0 } else { TRADED };
        complete | (self.source as i64) << 1 | traded
    }

    pub(crate) const fn set_quality(&mut self, quality: i64) {
        self.source = Source::from_number(quality >> 1 & 7);
        self.flags =
            BarFlags { is_carried: quality & TRADED == 0, is_incomplete: quality & COMPLETE == 0 };
    }

    /// The same bar at another scale; to a coarser one it is rounded to the nearest unit.
    ///
    /// Returns `None` when a number does not fit.
    pub fn rescaled(&self, from: Scale, to: Scale) -> Option<Self> {
        let px = |px: Px| rescaled(px.raw(), from.price, to.price).map(Px::new);
        Some(Self {
            open: px(self.open)?,
            high: px(self.high)?,
            low: px(self.low)?,
            close: px(self.close)?,
            volume: Qty::new(rescaled(self.volume.raw(), from.qty, to.qty)?),
            vwap: match self.vwap {
                Some(vwap) => Some(px(vwap)?),
                None => None,
            },
            ..*self
        })
    }
}

/// A count of `10^-from` as one of `10^-to`, rounded to the nearest where that is coarser.
pub(crate) fn rescaled(raw: i64, from: u8, to: u8) -> Option<i64> {
    if to >= from {
        return raw.checked_mul(checked_pow10(to - from)?);
    }
    let unit = checked_pow10(from - to)?;
    Some(raw.checked_add(unit / 2)?.div_euclid(unit))
}

pub(crate) fn checked_pow10(exponent: u8) -> Option<i64> {
    10i64.checked_pow(u32::from(exponent))
}

/// A stored print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Print {
    /// When it was matched.
    pub at: ExchNs,
    /// Price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// The venue's number; below zero it was made from the second and the place in it.
    pub trade_id: i64,
    /// The taker's side, where the source has it.
    pub taker: Option<OrderSide>,
    /// Whether the taker sent a market order, where the source has it.
    pub is_market: Option<bool>,
    /// Where it came from.
    pub source: Source,
}

impl Print {
    /// A print of the live feed.
    pub const fn from_tick(tick: &TradeTick, source: Source) -> Self {
        Self {
            at: tick.at,
            px: tick.px,
            qty: tick.qty,
            trade_id: tick.trade_id,
            taker: Some(tick.taker),
            is_market: Some(tick.is_market),
            source,
        }
    }

    pub(crate) const fn side(&self) -> i8 {
        match self.taker {
            Some(OrderSide::Buy) => 1,
            Some(OrderSide::Sell) => -1,
            None => 0,
        }
    }

    pub(crate) const fn side_from(number: i64) -> Option<OrderSide> {
        match number {
            1 => Some(OrderSide::Buy),
            -1 => Some(OrderSide::Sell),
            _ => None,
        }
    }

    pub(crate) fn rescaled(&self, from: Scale, to: Scale) -> Option<Self> {
        let px = Px::new(rescaled(self.px.raw(), from.price, to.price)?);
        let qty = Qty::new(rescaled(self.qty.raw(), from.qty, to.qty)?);
        Some(Self { px, qty, ..*self })
    }
}

/// Instants from `from` up to and without `to`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "(i64, i64)", from = "(i64, i64)")]
pub struct Span {
    /// The first instant.
    pub from: ExchNs,
    /// The first instant after it.
    pub to: ExchNs,
}

impl Span {
    /// All time since 1970, with room after it for the longest bar.
    pub const ALL: Self = Self { from: ExchNs::new(0), to: ExchNs::new(9_000_000_000 * SECOND_NS) };

    /// From one instant up to another.
    pub const fn new(from: ExchNs, to: ExchNs) -> Self {
        Self { from, to }
    }

    /// True when no instant is in it.
    pub fn is_empty(&self) -> bool {
        self.from >= self.to
    }

    /// True when the instant is in it.
    pub fn holds(&self, at: ExchNs) -> bool {
        self.from <= at && at < self.to
    }

    /// Grid steps of a timeframe that it holds.
    pub const fn steps(&self, timeframe: Timeframe) -> i64 {
        (self.to.raw() - self.from.raw()) / (timeframe.minutes() * MINUTE_NS)
    }
}

impl From<Span> for (i64, i64) {
    fn from(span: Span) -> Self {
        (span.from.raw(), span.to.raw())
    }
}

impl From<(i64, i64)> for Span {
    fn from((from, to): (i64, i64)) -> Self {
        Self { from: ExchNs::new(from), to: ExchNs::new(to) }
    }
}

/// Rows of one symbol in a batch.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SymbolRows {
    /// `BTC/USD`; of another venue than Kraken with its name before a colon.
    pub symbol: String,
    /// Scale of the numbers below.
    pub scale: Scale,
    /// Length of `candles`, in minutes.
    #[serde(with = "timeframe_as_minutes")]
    pub timeframe: Timeframe,
    /// Bars, in the order of time.
    pub candles: Vec<Candle>,
    /// Prints, in the order of time.
    pub prints: Vec<Print>,
    /// Prints without a number of the venue in here are replaced by `prints`.
    #[serde(default)]
    pub replaces: Option<Span>,
}

impl SymbolRows {
    /// No rows yet, minutes to come.
    pub fn new(symbol: &str, scale: Scale) -> Self {
        Self {
            symbol: symbol.to_owned(),
            scale,
            timeframe: Timeframe::M1,
            candles: Vec::new(),
            prints: Vec::new(),
            replaces: None,
        }
    }

    /// The rows at the store's scale, which is never the coarser one; `None` when a number does not fit.
    pub(crate) fn at_scale(&self, to: Scale) -> Option<Cow<'_, Self>> {
        if self.scale == to {
            return Some(Cow::Borrowed(self));
        }
        let candles = self.candles.iter().map(|candle| candle.rescaled(self.scale, to));
        let prints = self.prints.iter().map(|print| print.rescaled(self.scale, to));
        Some(Cow::Owned(Self {
            symbol: self.symbol.clone(),
            scale: to,
            timeframe: self.timeframe,
            candles: candles.collect::<Option<_>>()?,
            prints: prints.collect::<Option<_>>()?,
            replaces: self.replaces,
        }))
    }
}

/// A time in which something was not heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Of which symbol.
    pub symbol: String,
    /// When.
    pub span: Span,
    /// Why, in one or two words.
    pub reason: String,
    /// Whether it was repaired.
    pub is_filled: bool,
    /// How often repairing was tried.
    pub attempts: u32,
    /// What the last try failed by.
    pub error: Option<String>,
}

impl Gap {
    /// A new one, open.
    pub fn open(symbol: &str, span: Span, reason: &str) -> Self {
        let (symbol, reason) = (symbol.to_owned(), reason.to_owned());
        Self { symbol, span, reason, is_filled: false, attempts: 0, error: None }
    }
}

/// An execution on paper. Amounts are exact decimals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FillRow {
    /// The run.
    pub session: String,
    /// Number of the fill in the run.
    pub fill_id: i64,
    /// Whose.
    pub strategy: String,
    /// In what.
    pub symbol: String,
    /// Exchange time, ns.
    pub at: i64,
    /// 1 bought, -1 sold.
    pub side: i8,
    /// Average price.
    pub price: String,
    /// Quantity.
    pub qty: String,
    /// Price times quantity.
    pub value: String,
    /// Fee.
    pub fee: String,
    /// Profit before fees.
    pub realized: String,
}

/// Figures of an account at one instant. Amounts are exact decimals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EquityRow {
    /// The run.
    pub session: String,
    /// Whose.
    pub strategy: String,
    /// Exchange time, ns.
    pub at: i64,
    /// All in all.
    pub equity: String,
    /// Cash.
    pub cash: String,
    /// Closed profit.
    pub realized: String,
    /// Open profit.
    pub unrealized: String,
    /// Fees paid.
    pub fees: String,
}

/// One interval of a latency histogram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatencyRow {
    /// The run.
    pub session: String,
    /// Which stage.
    pub stage: String,
    /// Whose, or nobody's.
    pub strategy: String,
    /// End of the interval, wall clock, ns.
    pub at: i64,
    /// Values in it.
    pub count: i64,
    /// 50th, 90th, 99th, 99.9th percentile and maximum, ns.
    pub ns: [i64; 5],
}

/// What one transaction writes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Batch {
    /// Bars and prints.
    pub symbols: Vec<SymbolRows>,
    /// Gaps: an open one is added unless known, a filled or failed one replaces what is known of it.
    pub gaps: Vec<Gap>,
    /// Executions.
    pub fills: Vec<FillRow>,
    /// Accounts.
    pub equity: Vec<EquityRow>,
    /// Histograms.
    pub latency: Vec<LatencyRow>,
    /// Where something stands; `None` forgets it.
    pub checkpoints: Vec<(String, Option<String>)>,
}

impl Batch {
    /// Rows of all kinds.
    pub fn rows(&self) -> usize {
        let rows = |of: &SymbolRows| of.candles.len() + of.prints.len();
        self.symbols.iter().map(rows).sum::<usize>()
            + self.gaps.len()
            + self.fills.len()
            + self.equity.len()
            + self.latency.len()
            + self.checkpoints.len()
    }

    /// The rows of a symbol, made when there are none; of minutes.
    pub fn of(&mut self, symbol: &str, scale: Scale) -> &mut SymbolRows {
        let is_it = |rows: &SymbolRows| {
            rows.symbol == symbol && rows.scale == scale && rows.timeframe == Timeframe::M1
        };
        let index = self.symbols.iter().position(is_it).unwrap_or_else(|| {
            self.symbols.push(SymbolRows::new(symbol, scale));
            self.symbols.len() - 1
        });
        &mut self.symbols[index]
    }
}

/// What a commit changed; rows that were already there count nowhere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Bars that are new or better.
    pub candles: u64,
    /// New prints.
    pub prints: u64,
    /// New fills.
    pub fills: u64,
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, other: Self) {
        self.candles += other.candles;
        self.prints += other.prints;
        self.fills += other.fills;
    }
}

/// A symbol that is stored, and how fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub symbol: String,
    /// Scale of its numbers.
    pub scale: Scale,
}

/// How much of something there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Start of the first.
    pub oldest: ExchNs,
    /// Start of the last.
    pub newest: ExchNs,
    /// How many.
    pub rows: u64,
}

/// A timeframe by its minutes.
pub fn timeframe_of(minutes: i64) -> Option<Timeframe> {
    Timeframe::ALL.into_iter().find(|timeframe| timeframe.minutes() == minutes)
}

mod timeframe_as_minutes {
    use paperwire_core::bar::Timeframe;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde wants")]
    pub(super) fn serialize<S: Serializer>(of: &Timeframe, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_i64(of.minutes())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Timeframe, D::Error> {
        let minutes = i64::deserialize(from)?;
        super::timeframe_of(minutes).ok_or_else(|| D::Error::custom("no such timeframe"))
    }
}

mod compact;
