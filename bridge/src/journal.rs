//! The log writer: one thread, JSON lines, and no fill that is lost.
//!
//! Streams: `system/` (the run), `strategies/` (one per strategy: signals, orders, refusals, fills, account
//! marks), `trades/` (all fills), `aggregated/` (everything of every strategy in one file). Each line has the
//! schema's version, the session, both clocks, and a correlation id that all records of one market event
//! share. Fills reach the kernel within ten milliseconds, so that a killed process loses none older than
//! that; other lines within a hundred.

pub mod record;
pub mod stream;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use paperwire_core::instrument::Instrument;
use paperwire_core::time::DurationNs;
use paperwire_exec::report::{Report, ReportKind};
use paperwire_rt::clock::HostClock;
use serde_json::Value;

use crate::tally::StrategyName;
use record::Recorder;
use stream::Stream;

/// What the journal writes.
#[derive(Debug)]
pub enum Entry {
    /// A report of the engine.
    Report(Box<Report>),
    /// An event of the run: its name and its details.
    System(&'static str, Value),
}

/// Where and how much to write.
#[derive(Clone, Debug)]
pub struct JournalConfig {
    /// Folder of all streams.
    pub dir: PathBuf,
    /// Bytes at which a file is rotated.
    pub file_bytes_max: u64,
    /// Rotated files kept per stream.
    pub files_max: usize,
    /// Name of the session; part of file names and correlation ids.
    pub session: String,
}

/// Entries between the drain thread and the journal. When the disk stalls longer than this lasts,
/// the drain thread waits, the report ring fills and trading halts: no fill goes unwritten.
const QUEUE_LEN: usize = 65_536;
/// A fill is handed to the kernel at the latest after this.
const URGENT: Duration = Duration::from_millis(5);
/// Everything else after this.
const LAZY: DurationNs = DurationNs::from_millis(100);

/// The writer's handle.
#[derive(Debug)]
pub struct Journal {
    queue: SyncSender<Entry>,
    thread: JoinHandle<()>,
    problem: Arc<Mutex<Option<String>>>,
}

impl Journal {
    /// Creates the folders and files, and starts the thread.
    ///
    /// # Errors
    /// When a folder or file cannot be created; the message names it.
    pub fn start(
        config: JournalConfig,
        strategies: &[StrategyName],
        instruments: &[Instrument],
        clock: HostClock,
    ) -> Result<Self, stream::StreamError> {
        let problem = Arc::new(Mutex::new(None));
        let streams = Streams::create(&config, strategies)?;
        let recorder = Recorder::new(config.session, strategies, instruments);
        let (queue, entries) = sync_channel(QUEUE_LEN);
        let mut writer = Writer { streams, recorder, clock, problem: problem.clone() };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&entries))
            .map_err(|error| stream::StreamError { file: "journal thread".to_owned(), error })?;
        Ok(Self { queue, thread, problem })
    }

    /// Queues an entry; waits when the queue is full.
    pub fn write(&self, entry: Entry) {
        // The thread only ends after this handle: sending cannot fail before that.
        let _ = self.queue.send(entry);
    }

    /// A writing problem that the user should know, once.
    pub fn take_problem(&self) -> Option<String> {
        self.problem.lock().ok()?.take()
    }

    /// Writes everything that is queued, syncs the files, and ends the thread. Returns a problem
    /// that was not told yet.
    pub fn close(self) -> Option<String> {
        drop(self.queue);
        let _ = self.thread.join();
        self.problem.lock().ok()?.take()
    }
}

struct Streams {
    system: Stream,
    fills: Stream,
    unified: Stream,
    strategies: Vec<Stream>,
}

impl Streams {
    fn create(
        config: &JournalConfig,
        strategies: &[StrategyName],
    ) -> Result<Self, stream::StreamError> {
        let open = |folder: &str, stem: &str| {
            let name = format!("{}_{}", sanitised(stem), config.session);
            let folder = config.dir.join(folder);
            let archive = config.dir.join("archive");
            Stream::create(&folder, &archive, &name, config.file_bytes_max, config.files_max)
        };
        Ok(Self {
            system: open("system", "paperwire")?,
            fills: open("trades", "fills")?,
            unified: open("aggregated", "unified")?,
            strategies: strategies
                .iter()
                .map(|strategy| open("strategies", &strategy.instance))
                .collect::<Result<_, _>>()?,
        })
    }

    fn all(&mut self) -> impl Iterator<Item = &mut Stream> {
        [&mut self.system, &mut self.fills, &mut self.unified]
            .into_iter()
            .chain(&mut self.strategies)
    }
}

/// A name that is a file name on every system and never leaves its folder.
fn sanitised(name: &str) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || "-_#".contains(c) { c } else { '_' }
    };
    name.chars().map(keep).collect()
}

struct Writer {
    streams: Streams,
    recorder: Recorder,
    clock: HostClock,
    problem: Arc<Mutex<Option<String>>>,
}

impl Writer {
    fn run(&mut self, entries: &Receiver<Entry>) {
        let mut flushed_at = self.clock.now();
        loop {
            let first = entries.recv_timeout(URGENT);
            let is_over = matches!(first, Err(RecvTimeoutError::Disconnected));
            let mut is_urgent = false;
            for entry in first.into_iter().chain(entries.try_iter().take(4096)) {
                is_urgent |= self.take(entry);
            }
            let now = self.clock.now();
            if is_urgent || is_over || now.since(flushed_at) >= LAZY {
                self.flush();
                flushed_at = now;
            }
            if is_over {
                for stream in self.streams.all() {
                    stream.sync();
                }
                return;
            }
        }
    }

    /// Encodes an entry into its streams; true when it must not wait.
    fn take(&mut self, entry: Entry) -> bool {
        let (report, line) = match entry {
            Entry::System(event, details) => {
                let line = self.recorder.system(event, &details);
                self.streams.system.push(&line);
                return true;
            }
            Entry::Report(report) => {
                let Some(line) = self.recorder.report(&report) else {
                    return false;
                };
                (report, line)
            }
        };
        if let Some(index) = record::strategy_of(&report.kind) {
            self.streams.strategies[index].push(&line);
            self.streams.unified.push(&line);
        }
        match report.kind {
            ReportKind::Fill(_) => {
                self.streams.fills.push(&line);
                true
            }
            ReportKind::Benched { .. } | ReportKind::Halted => {
                self.streams.system.push(&line);
                true
            }
            _ => false,
        }
    }

    fn flush(&mut self) {
        for stream in self.streams.all() {
            if let Err(error) = stream.flush()
                && let Ok(mut problem) = self.problem.lock()
            {
                *problem = Some(error.to_string());
            }
        }
    }
}

/// Where a session's files are, for the final report.
pub fn fills_file(dir: &Path, session: &str) -> PathBuf {
    dir.join("trades").join(format!("fills_{session}.jsonl"))
}

#[cfg(test)]
mod tests;
