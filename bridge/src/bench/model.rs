//! What a benchmark found: the form in which it is printed for machines, stored and compared.

use hdrhistogram::Histogram;
use paperwire_core::latency::{Bank, Pair, Stage};
use paperwire_core::time::DurationNs;
use paperwire_doctor::Examination;
use paperwire_doctor::probes::ProbeShare;
use paperwire_replay::tally::StrategyName;
use serde::{Deserialize, Serialize};

use super::threads::{Noise, ThreadLoad};

/// Of the stored form; another number is not read.
pub(super) const FORMAT: u32 = 1;

/// A whole benchmark.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    /// Of this form.
    pub(crate) format: u32,
    /// When it began, in UTC.
    pub(crate) at: String,
    /// Of the program.
    pub(crate) version: String,
    /// Where it ran.
    pub(crate) host: Host,
    /// Of the effective configuration.
    pub config_sha256: String,
    /// Measured seconds per rate.
    pub(crate) seconds: u32,
    /// True over TLS.
    pub(crate) tls: bool,
    /// Responses count from the read, not from the intended send time.
    #[serde(default)]
    pub(crate) from_read: bool,
    /// The load sent from the feed's thread.
    #[serde(default)]
    pub(crate) inline_load: bool,
    /// The pairs.
    pub(crate) symbols: Vec<String>,
    /// One per rate, in the order asked for.
    pub(crate) rates: Vec<RateRow>,
    /// Stages with their rate.
    pub(crate) stages: Vec<StageRow>,
    /// Strategies with their rate.
    pub(crate) strategies: Vec<StrategyRow>,
    /// The first rate that was too much.
    pub(crate) saturation: Option<Saturation>,
    /// Allocations on warm threads, over all rates.
    pub(crate) hot_allocs_total: u64,
    /// Trades dropped before the engine and frames never read, over all rates.
    pub(crate) dropped: u64,
    /// Book messages kept back from the engine, over all rates.
    pub(crate) conflated: u64,
}

/// The host, as far as it makes numbers comparable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Host {
    /// The doctor's fingerprint.
    pub(crate) hash: String,
    /// Its quick grade, A to F.
    pub(crate) grade: String,
    /// The CPU by its maker's name.
    pub(crate) cpu: String,
    /// Cores that are online.
    pub(crate) cores: usize,
    /// "yes", "no" or "unknown".
    pub(crate) is_virtual: String,
    /// Release of the kernel.
    pub(crate) kernel: String,
    /// Core of the feed thread, if it has one.
    pub(crate) feed_core: Option<usize>,
    /// Core of the engine thread, if it has one.
    pub(crate) engine_core: Option<usize>,
    /// What threads do without work.
    pub(crate) wait: String,
}

impl Host {
    pub(super) fn of(examination: &Examination) -> Self {
        let print = &examination.fingerprint;
        Self {
            hash: print.hash.clone(),
            grade: examination.grade.to_string(),
            cpu: print.cpu.clone(),
            cores: print.cores,
            is_virtual: print.is_virtual.to_owned(),
            kernel: print.kernel.clone(),
            feed_core: examination.cores.feed,
            engine_core: examination.cores.engine,
            wait: examination.cores.wait.to_owned(),
        }
    }
}

/// Percentiles of one histogram, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Quantiles {
    pub p50: u64,
    pub p90: u64,
    pub p99: u64,
    pub p999: u64,
    pub p9999: u64,
    pub(crate) max: u64,
    pub(crate) count: u64,
}

/// Heads of [`Quantiles::all`].
pub(super) const QUANTILE_NAMES: [&str; 6] = ["p50", "p90", "p99", "p99.9", "p99.99", "max"];

impl Quantiles {
    pub(super) fn of(histogram: &Histogram<u32>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self {
            p50: at(0.5),
            p90: at(0.9),
            p99: at(0.99),
            p999: at(0.999),
            p9999: at(0.9999),
            max: histogram.max(),
            count: histogram.len(),
        }
    }

    pub(super) const fn all(&self) -> [u64; 6] {
        [self.p50, self.p90, self.p99, self.p999, self.p9999, self.max]
    }
}

/// What came of one rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct RateRow {
    /// Its name.
    pub(crate) rate: String,
    /// Frames a second by the plan.
    pub(crate) asked_per_s: f64,
    /// Frames a second that the feed got through, from the first intended instant to the last frame.
    pub(crate) achieved_per_s: f64,
    /// Frames planned.
    pub(crate) frames: u64,
    /// Frames done; fewer than planned only when the benchmark gave up waiting.
    pub(crate) frames_done: u64,
    /// Book messages among them.
    pub(crate) book_updates: u64,
    /// Trades in them.
    pub(crate) trades: u64,
    /// Checksums that failed.
    pub(crate) checksums_bad: u64,
    /// Book messages kept back because the engine was slow.
    pub(crate) conflated: u64,
    /// Trades dropped because the engine was slower still.
    pub(crate) dropped_trades: u64,
    /// Frames that were due and not done when the period ended.
    pub(crate) backlog_frames: u64,
    /// How long the oldest of them had waited.
    pub(crate) backlog_ns: u64,
    /// How much later than planned the kernel took the frames: the load's own part of every response.
    pub(crate) sent_late_ns: Quantiles,
    /// How long the load could not send because the socket was full.
    pub(crate) blocked_ns: u64,
    /// From the intended send time (or the read) to the end of the decision.
    pub(crate) decision_ns: Quantiles,
    /// What measuring cost of it.
    #[serde(default)]
    pub(crate) probes: Option<ProbeShare>,
    /// Signals meanwhile.
    pub(crate) signals: u64,
    /// Fills meanwhile.
    pub(crate) fills: u64,
    /// Allocations on warm threads meanwhile.
    pub(crate) hot_allocs: u64,
    /// Who was busy.
    pub(crate) threads: Vec<ThreadLoad>,
    /// What the machine took from threads that spin.
    #[serde(default)]
    pub(crate) noise: Vec<Noise>,
    /// Why it was too much, if it was.
    pub(crate) saturated: Option<String>,
}

/// A stage at a rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StageRow {
    /// The rate's name.
    pub(crate) rate: String,
    /// The stage's name.
    pub(crate) stage: String,
    /// Service: the work alone.
    pub(crate) latency_ns: Quantiles,
    /// Response: since the intended send time (or the read).
    pub(crate) response_ns: Quantiles,
}

/// A strategy at a rate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct StrategyRow {
    /// The rate's name.
    pub(crate) rate: String,
    /// The instance.
    pub(crate) name: String,
    /// Of the strategy.
    pub(crate) version: String,
    /// Over its source.
    pub sha256: String,
    /// Service: its own work.
    pub(crate) latency_ns: Quantiles,
    /// Response: since the intended send time.
    pub(crate) response_ns: Quantiles,
}

/// The first rate that was too much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saturation {
    /// Its name.
    pub(crate) rate: String,
    /// What was full.
    pub(crate) why: String,
}

/// Stages and strategies of one rate.
pub(super) fn rows(
    rate: &str,
    bank: &Bank,
    names: &[StrategyName],
) -> (Vec<StageRow>, Vec<StrategyRow>) {
    let used = |pair: &Pair| !pair.service.is_empty();
    let stage = |(stage, pair): (Stage, &Pair)| StageRow {
        rate: rate.to_owned(),
        stage: stage.as_str().to_owned(),
        latency_ns: Quantiles::of(&pair.service),
        response_ns: Quantiles::of(&pair.response),
    };
    let strategy = |(name, pair): (&StrategyName, &Pair)| StrategyRow {
        rate: rate.to_owned(),
        name: name.instance.clone(),
        version: name.version.clone(),
        sha256: name.sha256.clone(),
        latency_ns: Quantiles::of(&pair.service),
        response_ns: Quantiles::of(&pair.response),
    };
    let strategies = names.iter().zip(bank.strategies()).filter(|(_, pair)| used(pair));
    (
        bank.stages().filter(|(_, pair)| used(pair)).map(stage).collect(),
        strategies.map(strategy).collect(),
    )
}

/// Work of the feed thread; what is before is waiting.
const FEED_WORK: [Stage; 5] =
    [Stage::Decrypted, Stage::Deframed, Stage::Decoded, Stage::BookApplied, Stage::Enqueued];
/// Work of the engine thread.
const ENGINE_WORK: [Stage; 2] = [Stage::StateApplied, Stage::Decided];

/// Falling behind by more than this part of the asked rate is too much.
const SHORTFALL_MAX: f64 = 0.01;
/// So is a queue of this length at the end.
const BACKLOG_MAX: DurationNs = DurationNs::from_secs(1);

/// Says whether a rate was too much, and which thread was full.
#[expect(clippy::cast_precision_loss, reason = "ratios for display")]
pub(super) fn saturation(row: &RateRow, bank: &Bank, names: &[StrategyName]) -> Option<String> {
    let is_slow = row.achieved_per_s < row.asked_per_s * (1.0 - SHORTFALL_MAX);
    let has_queue = row.backlog_ns > BACKLOG_MAX.raw();
    let kept_back = row.conflated + row.dropped_trades;
    let is_conflated = kept_back as f64 > row.frames as f64 * SHORTFALL_MAX;
    if !is_slow && !has_queue && !is_conflated {
        return None;
    }
    let total = |pair: &Pair| pair.service.mean() * pair.service.len() as f64;
    let full = |thread: &str, work: &[Stage]| {
        let spent = |stage: &Stage| bank.of(*stage).map_or(0.0, total);
        let sum: f64 = work.iter().map(spent).sum();
        let most = work.iter().max_by(|a, b| spent(a).total_cmp(&spent(b)));
        let most = *most.expect("a thread has stages");
        let each = shown(sum / row.frames_done.max(1) as f64);
        let part = (spent(&most) / sum.max(1.0) * 100.0).round();
        let name = most.as_str();
        format!("the {thread} thread is full: {each} of work a frame, {part} % of it in {name}")
    };
    // A reader that is full lets the load wait or keeps what it sent; else the load itself was late.
    let late = &row.sent_late_ns;
    let is_load = late.p99 > row.backlog_ns / 2 && row.blocked_ns < late.max / 20;
    let mut reasons = Vec::new();
    if is_slow || has_queue {
        reasons.push(if is_load {
            "the load could not keep its own plan: its thread, not the reader, was late".to_owned()
        } else {
            full("feed", &FEED_WORK)
        });
    }
    if is_conflated {
        reasons.push(full("engine", &ENGINE_WORK));
        let most = names.iter().zip(bank.strategies());
        let most = most.max_by(|a, b| total(a.1).total_cmp(&total(b.1)));
        if let Some((name, pair)) = most.filter(|_| reasons[reasons.len() - 1].ends_with("decided"))
        {
            reasons.push(format!(
                "most in {}, {} a call",
                name.instance,
                shown(pair.service.mean())
            ));
        }
    }
    let starved: Vec<String> = row
        .threads
        .iter()
        .filter(|thread| thread.starved_pct >= 10.0)
        .map(|thread| format!("{} {:.0} %", thread.name, thread.starved_pct))
        .collect();
    if !starved.is_empty() {
        reasons.push(format!("ready without a core: {} of the time", starved.join(", ")));
    }
    Some(reasons.join("; "))
}

fn shown(ns: f64) -> DurationNs {
    #[expect(clippy::cast_possible_truncation, reason = "nanoseconds for display")]
    #[expect(clippy::cast_sign_loss, reason = "durations are not negative")]
    let ns = ns as u64;
    DurationNs::new(ns)
}
