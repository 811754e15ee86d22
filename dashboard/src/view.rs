//! What the page and the REST interface show: plain values with a JSON form and a schema.
//!
//! Amounts are exact decimals as text, in the numeraire unless a field says otherwise; times are RFC 3339 in UTC
//! with the nanoseconds beside them where order matters; latencies are nanoseconds. A value that is not known
//! is null: JSON has no NaN and no Infinity, and neither has the page.

pub mod host;
pub mod latency;
pub mod market;

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

pub use host::{Event, Host};
pub use latency::{LatencyNs, StageRow};
pub use market::{Market, Regime};

/// Everything at one instant, as the bridge publishes it.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Snapshot {
    /// What runs, since when, under which assumptions.
    pub session: Session,
    /// All strategies together.
    pub aggregate: Aggregate,
    /// The best first.
    pub strategies: Vec<Strategy>,
    /// Every symbol.
    pub markets: Vec<Market>,
    /// Everything that is held.
    pub positions: Vec<Position>,
    /// What the market is like.
    pub regime: Regime,
    /// Every stage since the start.
    pub stages: Vec<StageRow>,
    /// The machine and the program on it.
    pub host: Host,
    /// Gaps, resyncs, commands and other notices, the newest last.
    pub events: Vec<Event>,
    /// The newest fills, the newest last.
    pub fills: Vec<Fill>,
}

/// What runs.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Session {
    /// Its name; with an event's number it correlates logs, tape and page.
    pub session: String,
    /// Version of the program.
    pub version: String,
    /// `LIVE`, `STALE` while a verified book is missing, `RESTRICTED` while all are there and a pair is not traded as
    /// usual, `REPLAY` for a recording.
    pub mode: String,
    /// Where the market comes from.
    pub source: String,
    /// When it started.
    pub started: String,
    /// Seconds since then.
    pub uptime_s: f64,
    /// The host's time.
    pub now: String,
    /// The exchange's time.
    pub exchange: String,
    /// Fingerprint of the effective configuration.
    pub config_sha256: String,
    /// Currency of every account.
    pub numeraire: String,
    /// Fill model, fees, latency and leverage: under which assumptions the money is made.
    pub conditions: String,
    /// Letter of the host's examination.
    pub doctor_grade: String,
    /// Whether the host's clock is synchronised; null where the kernel does not say.
    pub clock_synced: Option<bool>,
    /// What was lost on the way: dropped trades, conflated books, records, log lines.
    pub drops: u64,
    /// Checksum over every signal, order, fill and final account so far.
    pub digest: String,
    /// Where it is recorded, if it is.
    pub tape: Option<String>,
    /// True when controls need a login.
    pub needs_login: bool,
    /// Updates of the page each second.
    pub updates_per_s: f64,
}

/// All strategies together.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Aggregate {
    /// Equity of all accounts.
    pub equity: String,
    /// What they began with.
    pub baseline: String,
    /// The difference.
    pub pnl: String,
    /// The same in percent.
    pub roi_pct: f64,
    /// Fees paid.
    pub fees: String,
    /// Number of strategies.
    pub strategies: usize,
    /// Of these, taking entries.
    pub active: usize,
    /// Trades closed.
    pub closed_trades: u64,
    /// Share of them with a net profit, in percent.
    pub win_rate: Option<f64>,
    /// Signals.
    pub signals: u64,
    /// Fills.
    pub fills: u64,
    /// Open positions.
    pub open_positions: u64,
}

/// One strategy with its account and its tail.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Strategy {
    /// `name` or `name#label`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its source files.
    pub sha256: String,
    /// Place by return on the baseline.
    pub rank: usize,
    /// Whether every fill model gives it this rank; null without a bracket.
    pub rank_robust: Option<bool>,
    /// `active`, `paused`, or why it is halted.
    pub state: String,
    /// True when it takes no entries by its own or a limit's doing.
    pub is_halted: bool,
    /// Cash, starting assets and marked positions.
    pub equity: String,
    /// Capital, and starting assets at their first price.
    pub baseline: String,
    /// Cash.
    pub cash: String,
    /// Gain since the start.
    pub pnl: String,
    /// The same in percent of the baseline.
    pub roi_pct: f64,
    /// Gross profit of what was closed.
    pub realized: String,
    /// Gross profit of what is open.
    pub unrealized: String,
    /// Fees paid.
    pub fees: String,
    /// Value of open positions without sign.
    pub exposure: String,
    /// Profit under the worst and the best of the bracket's fill models; null without one.
    pub pnl_band: Option<[String; 2]>,
    /// Trades closed.
    pub closed_trades: u64,
    /// Of these, with a net profit.
    pub wins: u64,
    /// And with a net loss.
    pub losses: u64,
    /// Share of wins, in percent.
    pub win_rate: Option<f64>,
    /// Gross wins over gross losses.
    pub profit_factor: Option<f64>,
    /// Annualised, once there are thirty minutes.
    pub sharpe: Option<f64>,
    /// Annualised, once there are thirty minutes.
    pub sortino: Option<f64>,
    /// Distance from the highest equity, in percent.
    pub drawdown_pct: f64,
    /// The largest.
    pub max_drawdown_pct: f64,
    /// Signals.
    pub signals: u64,
    /// Signals refused.
    pub rejects: u64,
    /// Orders.
    pub orders: u64,
    /// Executions.
    pub fills: u64,
    /// Margin calls.
    pub margin_calls: u64,
    /// Open positions.
    pub open_positions: u64,
    /// Open orders.
    pub open_orders: u64,
    /// Its calls, work alone, since the start.
    pub service_ns: LatencyNs,
    /// From arrival of the bytes to its answer, waiting included.
    pub response_ns: LatencyNs,
    /// Calls over its budget.
    pub budget_misses: u64,
    /// Calls of 10 us and more that were the host's doing.
    pub long_calls_host: u64,
    /// And that were its own.
    pub long_calls_own: u64,
    /// Long calls that can be laid to neither.
    pub long_calls_unknown: u64,
    /// Equity of the last minutes, for a glance.
    pub sparkline: Vec<f64>,
}

/// What is held in one symbol, and what closes it.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Position {
    /// Whose.
    pub strategy: String,
    /// In what.
    pub symbol: String,
    /// `long` or `short`.
    pub side: String,
    /// Quantity, without sign.
    pub qty: String,
    /// Average entry price.
    pub entry_px: Option<f64>,
    /// Its value at the last mark.
    pub value: String,
    /// Its gross profit at the last mark.
    pub unrealized: String,
    /// When it was entered.
    pub entered: String,
    /// Closes it at a loss.
    pub stop: Option<String>,
    /// Closes it at a profit.
    pub target: Option<String>,
    /// Distance of a trailing stop.
    pub trail: Option<String>,
    /// Moves the stop to the entry.
    pub break_even: Option<String>,
    /// Where a margin call would come, all else staying.
    pub liquidation_px: Option<String>,
    /// Closes it whatever the price.
    pub hold_until: Option<String>,
    /// True when the last mark is old.
    pub is_unpriced: bool,
}

/// One execution.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Fill {
    /// Number of the event that caused it; rises.
    pub seq: u64,
    /// Number of the fill.
    pub fill: u64,
    /// When, by the exchange's clock.
    pub at: String,
    /// The same in nanoseconds.
    pub at_ns: i64,
    /// Whose.
    pub strategy: String,
    /// In what.
    pub symbol: String,
    /// `buy`, `sell`, `short` or `cover`.
    pub action: String,
    /// `buy` or `sell`.
    pub side: String,
    /// Quantity.
    pub qty: String,
    /// Price.
    pub px: String,
    /// Its value in the quote currency.
    pub value_quote: String,
    /// Fee.
    pub fee: String,
    /// Net profit of the trade that it closed; null when it closed none.
    pub pnl: Option<String>,
    /// `maker` or `taker`.
    pub liquidity: String,
    /// What made the order: the strategy, its stop, a margin call, an operator.
    pub trigger: String,
    /// The strategy's reason.
    pub reason: String,
    /// The numbers that the reason rests on.
    pub values: BTreeMap<String, Option<f64>>,
    /// Why the fill is believed.
    pub evidence: Evidence,
    /// Position afterwards, negative for a short.
    pub position_after: String,
}

/// The market at the time of a fill, and what its model knew.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Evidence {
    /// Best bid.
    pub bid: String,
    /// Best ask.
    pub ask: String,
    /// Levels of the book that it took.
    pub levels: u16,
    /// True when it reached below the tenth level, which the checksum does not cover.
    pub unverified_depth: bool,
    /// Time since the book changed.
    pub book_age_ns: u64,
    /// Time that the order travelled.
    pub latency_ns: u64,
}

/// Equity over time.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct EquityCurve {
    /// Whose.
    pub strategy: String,
    /// Milliseconds since 1970, rising.
    pub at_ms: Vec<i64>,
    /// Equity then.
    pub equity: Vec<f64>,
}

/// A strategy's parameters as they are now.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct StrategyConfig {
    /// Whose.
    pub strategy: String,
    /// Its version.
    pub version: String,
    /// SHA-256 of its source files.
    pub sha256: String,
    /// Symbols that it trades.
    pub symbols: Vec<String>,
    /// Every parameter.
    #[schema(value_type = BTreeMap<String, String>)]
    pub params: BTreeMap<String, String>,
    /// Which of them may change while it runs.
    pub reloadable: Vec<String>,
}

/// A session that was recorded or logged here.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SessionRow {
    /// Its name.
    pub session: String,
    /// `running`, `logged` or `recorded`.
    pub kind: String,
    /// Where it lies.
    pub path: String,
    /// Size of its files.
    pub bytes: u64,
    /// When it was last written.
    pub modified: String,
    /// How to replay it, for a recording.
    pub replay: Option<String>,
    /// Whether its replay gives the same bytes: the digest in the tape, or why there is none.
    pub digest: Option<String>,
}
