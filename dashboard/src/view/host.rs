//! The machine, the threads on it, and what happened to them.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

/// A pinned thread.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Thread {
    /// Its name.
    pub name: String,
    /// The core that it is pinned to.
    pub core: Option<usize>,
    /// `spin`, `yield` or `park`.
    pub wait: String,
    /// Turns so far.
    pub steps: u64,
    /// Times it lost its core for 5 us and more between two idle turns; known of a thread that spins.
    pub hiccups: Option<u64>,
    /// All of them together.
    pub hiccup_total_ns: u64,
    /// The longest.
    pub hiccup_max_ns: u64,
}

/// One check of the host that is not good.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Finding {
    /// Its number.
    pub number: u8,
    /// What is checked.
    pub name: String,
    /// `good`, `info`, `warn`, `fail` or `unknown`.
    pub grade: String,
    /// What was read.
    pub read: String,
    /// Why it matters.
    pub why: String,
    /// What mends it.
    pub fix: Option<String>,
}

/// A ring or queue and how full it is.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Queue {
    /// Its name.
    pub name: String,
    /// Places.
    pub capacity: usize,
    /// Taken when it was looked at.
    pub len: usize,
    /// The most that was ever found.
    pub high_water: usize,
}

/// The writer of the history store.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct History {
    /// Whether the last attempt to reach the store succeeded.
    pub is_reachable: bool,
    /// Rows taken from the session.
    pub taken: u64,
    /// Of these, not stored yet.
    pub waiting: u64,
    /// From taking the oldest row of the last commit to its end.
    pub lag_ms: u64,
    /// Bytes on the disk that wait for the store.
    pub spilled_bytes: u64,
    /// Rows given up: prints and bars that the gap filler fetches again, never fills.
    pub dropped: u64,
}

/// The machine and the program on it.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Host {
    /// Letter of the examination.
    pub grade: String,
    /// Which machine it is.
    pub fingerprint: String,
    /// Checks by grade.
    pub grades: BTreeMap<String, usize>,
    /// Those that failed or warn.
    pub findings: Vec<Finding>,
    /// The pinned threads.
    pub threads: Vec<Thread>,
    /// Rings and queues.
    pub queues: Vec<Queue>,
    /// What the feed counted.
    pub feed: BTreeMap<String, u64>,
    /// Allocations on warm threads; 0 is what is promised.
    pub hot_allocs_total: u64,
    /// Resident memory of the process.
    pub rss_bytes: Option<u64>,
    /// What measuring adds to each time, in nanoseconds.
    pub probe_ns: Option<f64>,
    /// Processor time that the page itself took, in percent of one core.
    pub page_cpu_pct: Option<f64>,
    /// Browsers and programs that listen.
    pub page_clients: usize,
    /// How the history store is written; null when nothing is kept.
    pub history: Option<History>,
    /// Records that the recording lost.
    pub recording_lost: u64,
}

/// Something that happened.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct Event {
    /// Rises by one.
    pub id: u64,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
    /// `gap`, `resync`, `connection`, `control` or `notice`.
    pub kind: String,
    /// In words.
    pub text: String,
}
