//! The live writer: takes rows from a session without ever making it wait for a database.
//!
//! Two threads. One collects rows into batches and hands them over, or spills them to the disk when the
//! other is busy or the database is away; it never waits for the network. The other commits: first what is
//! spilled, in order, then what is handed over. Commits may be repeated, so every row is stored once.

mod commit;
mod recover;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use paperwire_rt::clock::HostClock;

pub use recover::{RecoverError, Recovered, recover};

use crate::model::{Batch, Candle, EquityRow, FillRow, Gap, LatencyRow, Print, Scale};
use crate::spill::Spill;
use crate::store::{Store, StoreError};

/// One row on its way.
#[derive(Clone, Debug)]
pub enum Item {
    /// A one-minute bar that closed.
    Candle(Arc<str>, Scale, Candle),
    /// A print.
    Print(Arc<str>, Scale, Print),
    /// A time in which nothing was heard.
    Gap(Gap),
    /// An execution on paper; never given up.
    Fill(Box<FillRow>),
    /// An account.
    Equity(Box<EquityRow>),
    /// A histogram's interval.
    Latency(Box<LatencyRow>),
}

/// Opens the database; called again until it succeeds.
pub type Open = Box<dyn FnMut() -> Result<Box<dyn Store>, StoreError> + Send>;

/// How much is collected and for how long.
#[derive(Clone, Debug)]
pub struct WriterConfig {
    /// Where rows wait for a database that is away.
    pub spill: PathBuf,
    /// Rows between the session and the writer.
    pub queue_len: usize,
    /// Rows of one commit.
    pub batch_rows: usize,
    /// A row is handed over at the latest after this.
    pub batch_every: Duration,
    /// First and longest wait between attempts to reach the database.
    pub retry: (Duration, Duration),
    /// How long the end waits for the database; what it does not take is spilled for the next run.
    pub close_within: Duration,
    /// Rows kept in memory when the disk takes none either; beyond, bars and prints are given up (the gap
    /// filler fetches them again), fills are not.
    pub held_rows_max: usize,
}

impl WriterConfig {
    /// A thousand rows or a quarter of a second.
    pub const fn new(spill: PathBuf) -> Self {
        Self {
            spill,
            queue_len: 65_536,
            batch_rows: 1000,
            batch_every: Duration::from_millis(250),
            retry: (Duration::from_millis(500), Duration::from_secs(30)),
            close_within: Duration::from_secs(5),
            held_rows_max: 500_000,
        }
    }
}

/// How the writer is doing; read at any time.
#[derive(Debug, Default)]
pub struct WriterStats {
    /// Rows taken from the session.
    pub taken: AtomicU64,
    /// Rows taken from the session and in no database yet.
    pub waiting: AtomicU64,
    /// Commits that succeeded.
    pub commits: AtomicU64,
    /// Attempts that failed.
    pub failures: AtomicU64,
    /// Bytes on the disk that wait for the database.
    pub spilled_bytes: AtomicU64,
    /// Rows that ever went over the disk.
    pub spilled_rows: AtomicU64,
    /// Rows given up.
    pub dropped: AtomicU64,
    /// From taking the oldest row of the last commit to its end, ms.
    pub lag_ms: AtomicU64,
    /// Whether the last attempt failed; there is none before the first rows.
    pub is_away: AtomicBool,
    /// Rows that the database refused, which were set aside.
    pub refused: AtomicU64,
}

impl WriterStats {
    fn add(counter: &AtomicU64, rows: usize) {
        counter.fetch_add(u64::try_from(rows).unwrap_or(0), Ordering::Relaxed);
    }

    fn sub(counter: &AtomicU64, rows: usize) {
        let rows = u64::try_from(rows).unwrap_or(0);
        // Rows of an earlier run come from the disk and were never counted.
        let less = |old: u64| Some(old.saturating_sub(rows));
        let _ = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
    }
}

/// What both threads share.
#[derive(Debug)]
struct Shared {
    spill: Mutex<Spill>,
    stats: Arc<WriterStats>,
    problems: Mutex<VecDeque<String>>,
    /// Why the database takes nothing, when waiting does not help.
    broken: Mutex<Option<String>>,
    /// The first loss: rows that neither the database nor the disk has.
    lost: Mutex<Option<String>>,
    clock: HostClock,
    /// When the session let go of the writer; zero before.
    closing_at_ns: AtomicU64,
}

impl Shared {
    /// Nobody panics while holding it; if somebody did, the files are still whole records.
    fn spill(&self) -> MutexGuard<'_, Spill> {
        self.spill.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, problem: String) {
        self.problems.lock().unwrap_or_else(PoisonError::into_inner).push_back(problem);
    }

    /// Tells of rows that nobody has any more; a session that lost some does not end well.
    fn lose(&self, problem: String) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        lost.get_or_insert_with(|| problem.clone());
        self.tell(problem);
    }

    /// Puts a batch on the disk.
    fn put(&self, batch: &Batch) -> std::io::Result<()> {
        let bytes = serde_json::to_vec(batch)?;
        let mut spill = self.spill();
        spill.append(&bytes)?;
        self.stats.spilled_bytes.store(spill.bytes(), Ordering::Relaxed);
        WriterStats::add(&self.stats.spilled_rows, batch.rows());
        Ok(())
    }
}

/// How a writer ended.
#[derive(Debug, Default)]
pub struct Closed {
    /// What the user should know.
    pub problems: Vec<String>,
    /// Why the store is not what the session was: nobody must take it for complete.
    pub failure: Option<String>,
}

/// The session's end of the writer.
#[derive(Debug)]
pub struct Writer {
    queue: SyncSender<Item>,
    collector: JoinHandle<()>,
    committer: JoinHandle<()>,
    shared: Arc<Shared>,
}

impl Writer {
    /// Starts both threads. The database is opened by one of them: it may be away.
    ///
    /// # Errors
    /// When the spill's folder cannot be had or the system has no thread left.
    pub fn start(config: WriterConfig, open: Open, clock: HostClock) -> std::io::Result<Self> {
        let spill = Spill::open(&config.spill)?;
        let stats = Arc::new(WriterStats::default());
        stats.spilled_bytes.store(spill.bytes(), Ordering::Relaxed);
        let shared = Arc::new(Shared {
            spill: Mutex::new(spill),
            stats,
            problems: Mutex::default(),
            broken: Mutex::default(),
            lost: Mutex::default(),
            clock,
            closing_at_ns: AtomicU64::new(0),
        });
        let (queue, items) = sync_channel(config.queue_len);
        let (hand_over, batches) = sync_channel(1);
        let thread = |name: &str| std::thread::Builder::new().name(name.to_owned());
        let of = commit::Committer::new(config.clone(), open, shared.clone());
        let committer = thread("history-db").spawn(move || of.run(&batches))?;
        let of = Collector {
            config,
            shared: shared.clone(),
            pending: Batch::default(),
            since_ns: 0,
            is_refused: false,
        };
        let collector = thread("history").spawn(move || of.run(&items, &hand_over))?;
        Ok(Self { queue, collector, committer, shared })
    }

    /// Queues a row. It waits only when the queue is full, which is when the disk stands still.
    pub fn push(&self, item: Item) {
        WriterStats::add(&self.shared.stats.taken, 1);
        WriterStats::add(&self.shared.stats.waiting, 1);
        // The threads only end after this handle: sending cannot fail before that.
        let _ = self.queue.send(item);
    }

    /// How it is doing.
    pub fn stats(&self) -> Arc<WriterStats> {
        self.shared.stats.clone()
    }

    /// The next problem that the user should know.
    pub fn take_problem(&self) -> Option<String> {
        self.shared.problems.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Writes all that is queued, to the database or to the disk for the next run, and ends.
    pub fn close(self) -> Closed {
        drop(self.queue);
        let now = self.shared.clock.now().raw().max(1);
        self.shared.closing_at_ns.store(now, Ordering::Relaxed);
        let ended = [self.collector.join(), self.committer.join()];
        let mut problems: Vec<String> =
            self.shared.problems.lock().unwrap_or_else(PoisonError::into_inner).drain(..).collect();
        if ended.iter().any(Result::is_err) {
            let text = "the history writer panicked; what it had not written is lost";
            self.shared
                .lost
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .get_or_insert(text.to_owned());
            problems.push(text.to_owned());
        }
        let spilled = self.shared.spill().bytes();
        if spilled > 0 {
            problems.push(format!(
                "{spilled} bytes of history wait in the spill: the next run writes them, or `paperwire history repair`"
            ));
        }
        let broken = self.shared.broken.lock().unwrap_or_else(PoisonError::into_inner).take();
        let refused = self.shared.stats.refused.load(Ordering::Relaxed);
        let set_aside = (refused > 0).then(|| {
            format!(
                "the history store refused {refused} rows, which are in rejected.jsonl of the spill; `paperwire history repair` tries them again"
            )
        });
        let lost = self.shared.lost.lock().unwrap_or_else(PoisonError::into_inner).take();
        Closed { problems, failure: broken.or(lost).or(set_aside) }
    }
}

/// A batch and when its first row was taken.
type Handed = (Batch, u64);

/// The collecting thread.
struct Collector {
    config: WriterConfig,
    shared: Arc<Shared>,
    pending: Batch,
    /// When the oldest row of `pending` came.
    since_ns: u64,
    /// True while the disk takes nothing.
    is_refused: bool,
}

impl Collector {
    fn run(mut self, items: &Receiver<Item>, hand_over: &SyncSender<Handed>) {
        loop {
            let first = items.recv_timeout(self.config.batch_every);
            let is_over = matches!(first, Err(RecvTimeoutError::Disconnected));
            let more = items.try_iter().take(self.config.batch_rows);
            let now = self.shared.clock.now().raw();
            for item in first.into_iter().chain(more) {
                if self.pending.rows() == 0 {
                    self.since_ns = now;
                }
                self.add(item);
            }
            let rows = self.pending.rows();
            let every = u64::try_from(self.config.batch_every.as_nanos()).unwrap_or(u64::MAX);
            let is_due =
                rows >= self.config.batch_rows || now.saturating_sub(self.since_ns) >= every;
            if rows > 0 && (is_due || is_over) {
                self.pass_on(hand_over);
            }
            if is_over {
                return self.finish(hand_over);
            }
        }
    }

    fn add(&mut self, item: Item) {
        let of = &mut self.pending;
        match item {
            Item::Candle(symbol, scale, candle) => of.of(&symbol, scale).candles.push(candle),
            Item::Print(symbol, scale, print) => of.of(&symbol, scale).prints.push(print),
            Item::Gap(gap) => of.gaps.push(gap),
            Item::Fill(fill) => of.fills.push(*fill),
            Item::Equity(row) => of.equity.push(*row),
            Item::Latency(row) => of.latency.push(*row),
        }
    }

    /// To the committing thread; to the disk when it is busy or has older rows waiting there.
    fn pass_on(&mut self, hand_over: &SyncSender<Handed>) {
        let batch = std::mem::take(&mut self.pending);
        let batch = if self.shared.spill().is_empty() {
            match hand_over.try_send((batch, self.since_ns)) {
                Ok(()) => return,
                Err(TrySendError::Full((batch, _)) | TrySendError::Disconnected((batch, _))) => {
                    batch
                }
            }
        } else {
            batch
        };
        self.pending = batch;
        // A commit takes milliseconds: a busy thread is waited for before the disk is used.
        let waited = self.shared.clock.now().raw().saturating_sub(self.since_ns);
        let is_patient = self.shared.spill().is_empty()
            && self.pending.rows() < 4 * self.config.batch_rows
            && waited < 2_000_000_000;
        if !is_patient {
            self.spill();
        }
    }

    fn spill(&mut self) {
        match self.shared.put(&self.pending) {
            Ok(()) => {
                self.pending = Batch::default();
                self.is_refused = false;
            }
            Err(error) => {
                if !std::mem::replace(&mut self.is_refused, true) {
                    self.shared.tell(format!(
                        "the history's spill cannot be written ({error}); rows wait in memory: make \
                         room on the disk"
                    ));
                }
                self.give_up();
            }
        }
    }

    /// With neither database nor disk nor room: what the venue can give again goes, fills stay.
    fn give_up(&mut self) {
        if self.pending.rows() <= self.config.held_rows_max {
            return;
        }
        let before = self.pending.rows();
        self.pending.symbols.clear();
        let dropped = before - self.pending.rows();
        WriterStats::add(&self.shared.stats.dropped, dropped);
        WriterStats::sub(&self.shared.stats.waiting, dropped);
        self.shared.lose(format!(
            "neither database nor disk takes history: {dropped} bars and prints are given up; \
             `paperwire history fill-gaps` fetches them again"
        ));
    }

    /// Hands over the last rows, or spills them.
    fn finish(mut self, hand_over: &SyncSender<Handed>) {
        if self.pending.rows() > 0 {
            self.spill();
        }
        if self.pending.rows() > 0 {
            let _ = hand_over.send((self.pending, self.since_ns));
        }
    }
}

#[cfg(test)]
mod tests;
