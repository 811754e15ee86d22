//! Books, trades, candles and what they are like.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// One row of a book.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct LevelRow {
    /// Price.
    pub px: String,
    /// Quantity.
    pub qty: String,
    /// True for the ten rows that the venue's checksum covers.
    pub verified: bool,
}

/// One taker order.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Print {
    /// When it was matched.
    pub at: String,
    /// The same in nanoseconds.
    pub at_ns: i64,
    /// Price of its last print.
    pub px: String,
    /// Whole quantity.
    pub qty: String,
    /// The taker's side.
    pub side: String,
    /// Prints that make it up.
    pub prints: u32,
}

/// One symbol.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Market {
    /// The pair.
    pub symbol: String,
    /// `live`, `stale`, `resync` or `empty` after its book; a live book of a pair that is not traded as usual
    /// has the word of `trading` instead.
    pub status: String,
    /// What the venue lets one do with it: `online`, `cancel_only`, `post_only`, `limit_only`, `reduce_only` or
    /// `closed`.
    pub trading: String,
    /// Best bid.
    pub bid: Option<String>,
    /// Best ask.
    pub ask: Option<String>,
    /// Last trade.
    pub last: Option<String>,
    /// Ask less bid, in hundredths of a percent of the mid.
    pub spread_bps: Option<f64>,
    /// Time since the book changed, by the exchange's clock.
    pub book_age_ms: Option<i64>,
    /// Book messages applied.
    pub updates: u64,
    /// Trades printed.
    pub trades: u64,
    /// Gaps.
    pub gaps: u64,
    /// What it is like, once that is known.
    pub regime: Option<String>,
    /// Best first.
    pub bids: Vec<LevelRow>,
    /// Best first.
    pub asks: Vec<LevelRow>,
    /// Newest first.
    pub prints: Vec<Print>,
    /// Indicators after the last closed bar, by timeframe and name; what is not known yet is left out.
    pub indicators: BTreeMap<String, BTreeMap<String, f64>>,
}

/// One candle.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Candle {
    /// Its beginning, milliseconds since 1970.
    pub at_ms: i64,
    /// First price.
    pub open: f64,
    /// Highest.
    pub high: f64,
    /// Lowest.
    pub low: f64,
    /// Last.
    pub close: f64,
    /// Quantity traded.
    pub volume: f64,
    /// Trades.
    pub trades: u64,
    /// True when something of it is missing, carried forward, or still to come.
    pub incomplete: bool,
}

/// What a market is like, and what that rests on.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct RegimeRow {
    /// The pair, or `all`.
    pub symbol: String,
    /// The confirmed label.
    pub label: String,
    /// What the newest score alone would be called.
    pub raw: String,
    /// The smoothed score, -1 (falling) to 1 (rising).
    pub composite: f64,
    /// 0 to 1.
    pub confidence: f64,
    /// `low`, `medium`, `high` or `extreme`.
    pub volatility: String,
    /// When the label was taken on.
    pub since: String,
    /// Changes within the hour.
    pub changes_1h: u8,
    /// Parts of the score by name; what is not known is left out.
    pub scores: BTreeMap<String, f64>,
    /// Average directional index.
    pub adx: Option<f64>,
    /// Average true range of the minute, in percent.
    pub atr_pct: Option<f64>,
    /// What the timeframes agree on.
    pub confluence: Option<String>,
    /// How far they do, 0 to 1.
    pub alignment: Option<f64>,
}

/// All of them.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Regime {
    /// All symbols together; null before it is known.
    pub overall: Option<RegimeRow>,
    /// By symbol.
    pub symbols: Vec<RegimeRow>,
    /// Fear and greed from outside, 0 to 100.
    pub fear_greed: Option<u8>,
    /// Share of bitcoin in the value of all coins, in percent.
    pub btc_dominance: Option<f64>,
    /// When both were fetched.
    pub sentiment_at: Option<String>,
}
