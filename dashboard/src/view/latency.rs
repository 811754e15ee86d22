//! Where time goes: percentiles, spectra, heatmaps, comparisons and single slow events.

use serde::Serialize;
use utoipa::ToSchema;

/// Percentiles of one histogram, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct LatencyNs {
    /// Observations.
    pub count: u64,
    /// Median.
    pub p50: u64,
    /// 90 of 100 take no longer.
    pub p90: u64,
    /// 99 of 100.
    pub p99: u64,
    /// 999 of 1000.
    pub p999: u64,
    /// 9999 of 10000.
    pub p9999: u64,
    /// The longest.
    pub max: u64,
}

/// A stage of the way, or a strategy.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct StageRow {
    /// The stage's or strategy's name.
    pub name: String,
    /// Work alone.
    pub service_ns: LatencyNs,
    /// From arrival, waiting included.
    pub response_ns: LatencyNs,
}

/// Every stage and strategy over a window of time.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Latency {
    /// Seconds that the figures cover; null for the whole session.
    pub window_s: Option<u64>,
    /// Stages in the order of the way.
    pub stages: Vec<StageRow>,
    /// Strategies by their index.
    pub strategies: Vec<StageRow>,
}

/// Percentiles of one strategy or stage on a fine axis.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SpectrumLine {
    /// Whose.
    pub name: String,
    /// Observations.
    pub count: u64,
    /// Value at each percentile, in nanoseconds.
    pub ns: Vec<u64>,
    /// Lower end of the 95 % band; empty when there are too few seconds to say.
    pub low_ns: Vec<u64>,
    /// Upper end.
    pub high_ns: Vec<u64>,
    /// The same without calls that were the host's doing; empty for stages and response.
    pub without_host_ns: Vec<u64>,
}

/// Several of them over the same seconds.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Spectrum {
    /// `service` or `response`.
    pub measure: String,
    /// Seconds that it covers.
    pub seconds: u64,
    /// Percentiles, in percent.
    pub percentiles: Vec<f64>,
    /// One line each.
    pub lines: Vec<SpectrumLine>,
}

/// From where to where a ratio lies.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct Range {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// What can be said of B against A at one percentile.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct CompareRow {
    /// `p50`, `p90`, `p99` or `p99.9`.
    pub percentile: String,
    /// A, in nanoseconds.
    pub a_ns: Option<f64>,
    /// B, in nanoseconds.
    pub b_ns: Option<f64>,
    /// B over A.
    pub ratio: Option<f64>,
    /// Its logarithm, which negates exactly when A and B are exchanged.
    pub log_ratio: Option<f64>,
    /// Lower end of the interval of the logarithm; null without enough data.
    pub log_low: Option<f64>,
    /// Upper end.
    pub log_high: Option<f64>,
    /// Where the ratio lies in this run; null without enough data.
    pub interval: Option<Range>,
    /// Where that of another process would lie; null without an earlier `paperwire compare` of this pair, build
    /// and host.
    pub layout: Option<Range>,
    /// `faster`, `slower`, `no difference of 10 % or more`, `too close to tell here`, or what is missing.
    pub verdict: String,
}

/// Two strategies in one run.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Comparison {
    /// Measured against.
    pub a: String,
    /// Judged.
    pub b: String,
    /// Parts of the window that were compared.
    pub parts: usize,
    /// Length of each in seconds.
    pub part_s: u64,
    /// Calls of A and of B.
    pub ticks: [u64; 2],
    /// Work alone.
    pub service: Vec<CompareRow>,
    /// Waiting included.
    pub response: Vec<CompareRow>,
    /// The verdict in a sentence or two; it holds in this run.
    pub words: Vec<String>,
    /// The command that says it of the strategies, not of this run.
    pub command: String,
    /// What the intervals of another process are made of, where there are any.
    pub layout: Option<String>,
}

/// Latency over time: how many observations fell into each cell.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Heatmap {
    /// Whose.
    pub name: String,
    /// `service` or `response`.
    pub measure: String,
    /// Beginning of each column, milliseconds since 1970.
    pub at_ms: Vec<i64>,
    /// Length of a column in seconds.
    pub column_s: u64,
    /// Lower edge of each row in nanoseconds, rising by the same factor.
    pub edges_ns: Vec<u64>,
    /// Columns of rows.
    pub counts: Vec<Vec<u64>>,
    /// The longest of each column.
    pub max_ns: Vec<u64>,
}

/// One slow event with the instants at which it passed, in nanoseconds from its arrival.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct SlowTick {
    /// Its number.
    pub seq: u64,
    /// When, by the exchange's clock.
    pub at: String,
    /// Milliseconds since 1970 at which it arrived here.
    pub at_ms: i64,
    /// Of which symbol; null for a timer.
    pub symbol: Option<String>,
    /// Read, opened, decoded, verified and put into the ring.
    pub enqueued_ns: u64,
    /// Taken out by the engine.
    pub dequeued_ns: u64,
    /// Market, bars, stops and margin done.
    pub applied_ns: u64,
    /// All strategies had answered.
    pub decided_ns: u64,
}

/// One long call of a strategy and its attribution.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct LongCall {
    /// Number of the event that it was called for.
    pub seq: u64,
    /// Milliseconds since 1970.
    pub at_ms: i64,
    /// Whose.
    pub strategy: String,
    /// How long it took.
    pub took_ns: u64,
    /// For how long of it the core was lost.
    pub lost_ns: u64,
    /// `host`, `strategy` or `unknown`.
    pub attribution: String,
    /// Interrupts of its core around it; null where nobody looked.
    pub interrupts: Option<u64>,
    /// Page faults of the thread around it.
    pub faults: Option<u64>,
    /// Switches that the thread did not choose.
    pub switches_by_force: Option<u64>,
}

/// The slowest there were.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Slowest {
    /// Events by their response, the slowest first.
    pub ticks: Vec<SlowTick>,
    /// Calls of strategies, the longest first.
    pub calls: Vec<LongCall>,
}
