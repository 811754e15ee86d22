//! The log writer: one thread, JSON lines, and no fill that is lost.
//!
//! Streams: `system/` (the run), `strategies/` (one per strategy: signals, orders, refusals, fills, account
//! marks), `trades/` (all fills), `aggregated/` (everything of every strategy in one file). Each line has the
//! schema's version, the session, both clocks, and a correlation id that all records of one market event
//! share. Fills reach the kernel within ten milliseconds, so that a killed process loses none older than
//! that; other lines within a hundred.

pub mod stream;

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam::channel::{Receiver, RecvTimeoutError, Sender, bounded};
use paperwire_core::instrument::Instrument;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_replay::error::RunError;
use paperwire_replay::record::{self, Recorder};
use paperwire_replay::report::{self, Lost};
use paperwire_replay::tally::StrategyName;
use paperwire_rt::clock::HostClock;
use serde_json::{Value, json};

use crate::sink::{Closing, Second, Sink};
use crate::told::Told;
use stream::{Mend, Mended, Stream, StreamConfig, Worth};

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
/// So often is looked whether the files are still there.
const LOOK_EVERY: DurationNs = DurationNs::from_millis(500);

/// Bytes that all streams together keep while they cannot be written.
const KEPT_BYTES_MAX: usize = 256 << 20;
/// A stream keeps at most this much of it; with many strategies each keeps less.
const STREAM_KEPT_BYTES_MAX: usize = 64 << 20;

/// Problems for the user that nobody has taken yet.
type Problems = Arc<Mutex<VecDeque<String>>>;

/// The writer's handle.
#[derive(Debug)]
pub struct Journal {
    queue: Sender<Entry>,
    thread: JoinHandle<Lost>,
    problems: Problems,
}

/// How the logs ended.
#[derive(Debug, Default)]
pub struct JournalEnd {
    /// Problems that were not told yet.
    pub problems: Vec<String>,
    /// Lines that are in no file.
    pub lost: Lost,
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
        let problems = Problems::default();
        let streams = Streams::create(&config, strategies)?;
        let recorder = Recorder::new(config.session, strategies, instruments);
        let (queue, entries) = bounded(QUEUE_LEN);
        let mut writer = Writer {
            streams,
            recorder,
            clock,
            problems: problems.clone(),
            is_failing: false,
            lost_told: Lost::default(),
        };
        let thread = std::thread::Builder::new()
            .name("journal".to_owned())
            .spawn(move || writer.run(&entries))
            .map_err(|error| stream::StreamError { file: "journal thread".to_owned(), error })?;
        Ok(Self { queue, thread, problems })
    }

    /// Queues an entry; waits when the queue is full.
    pub fn write(&self, entry: Entry) {
        // The thread only ends after this handle: sending cannot fail before that.
        let _ = self.queue.send(entry);
    }

    /// The next problem that the user should know; each is told once, when it begins and when it ends.
    pub fn take_problem(&self) -> Option<String> {
        lock(&self.problems).pop_front()
    }

    /// Writes everything that is queued, syncs the files, and ends the thread.
    pub fn close(self) -> JournalEnd {
        drop(self.queue);
        let lost = self.thread.join();
        let mut problems: Vec<String> = lock(&self.problems).drain(..).collect();
        if lost.is_err() {
            problems.push("the log writer panicked; the logs end early".to_owned());
        }
        JournalEnd { problems, lost: lost.unwrap_or(Lost { lines: 1, fills: 0 }) }
    }
}

/// Nobody panics while holding it; if somebody did, the texts are still true.
fn lock(problems: &Problems) -> std::sync::MutexGuard<'_, VecDeque<String>> {
    problems.lock().unwrap_or_else(PoisonError::into_inner)
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
        let kept_max = KEPT_BYTES_MAX / (strategies.len() + 3);
        let open = |folder: &str, stem: &str| {
            let name = format!("{}_{}", sanitised(stem), config.session);
            let stream = StreamConfig {
                folder: config.dir.join(folder),
                archive: config.dir.join("archive"),
                size_max: config.file_bytes_max,
                files_max: config.files_max,
                kept_max: kept_max.min(STREAM_KEPT_BYTES_MAX),
            };
            Stream::create(stream, &name)
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
    problems: Problems,
    /// Whether a file refused the last flush.
    is_failing: bool,
    /// Losses that the user knows of.
    lost_told: Lost,
}

impl Writer {
    /// Writes until the handle is gone; returns what was lost.
    fn run(&mut self, entries: &Receiver<Entry>) -> Lost {
        let mut flushed_at = self.clock.now();
        let mut looked_at = flushed_at;
        loop {
            let first = entries.recv_timeout(URGENT);
            let is_over = matches!(first, Err(RecvTimeoutError::Disconnected));
            let mut is_urgent = false;
            for entry in first.into_iter().chain(entries.try_iter().take(4096)) {
                is_urgent |= self.take(entry);
            }
            let now = self.clock.now();
            if is_over || now.since(looked_at) >= LOOK_EVERY {
                self.look();
                looked_at = now;
            }
            if is_urgent || is_over || now.since(flushed_at) >= LAZY {
                self.flush();
                flushed_at = now;
            }
            if is_over {
                return self.finish();
            }
        }
    }

    /// Encodes an entry into its streams; true when it must not wait.
    fn take(&mut self, entry: Entry) -> bool {
        let (report, line) = match entry {
            Entry::System(event, details) => {
                let line = self.recorder.system(event, &details);
                self.streams.system.push(&line, Worth::Ordinary);
                return true;
            }
            Entry::Report(report) => {
                let Some(line) = self.recorder.report(&report) else {
                    return false;
                };
                (report, line)
            }
        };
        let worth = match report.kind {
            // What the account cannot be reproduced without.
            ReportKind::Fill(_) | ReportKind::Interest { .. } => Worth::Fill,
            _ => Worth::Ordinary,
        };
        if let Some(index) = record::strategy_of(&report.kind) {
            self.streams.strategies[index].push(&line, worth);
            self.streams.unified.push(&line, worth);
        }
        match report.kind {
            ReportKind::Fill(_) => {
                self.streams.fills.push(&line, worth);
                true
            }
            ReportKind::Benched { .. }
            | ReportKind::Halted
            | ReportKind::Command { .. }
            | ReportKind::Param { .. }
            | ReportKind::State { .. } => {
                self.streams.system.push(&line, worth);
                true
            }
            _ => false,
        }
    }

    /// Mends files that somebody took away, and tells it, to the user and in the log itself.
    fn look(&mut self) {
        let (mut told, mut mended) = (Vec::new(), Vec::new());
        for stream in self.streams.all() {
            match stream.look() {
                Ok(of) => mended.extend(of),
                Err(error) if !self.is_failing => {
                    self.is_failing = true;
                    told.push(error.to_string());
                }
                Err(_) => {}
            }
        }
        // A folder that is deleted takes all of them: one line says so.
        for how in [Mend::Rewritten, Mend::Begun, Mend::Cut] {
            let of: Vec<Mended> = mended.iter().filter(|of| of.how == how).cloned().collect();
            told.extend(stream::told(&of));
        }
        for what in told {
            let line = self.recorder.system("log_file", &json!({"what": &what}));
            self.streams.system.push(&line, Worth::Ordinary);
            lock(&self.problems).push_back(what);
        }
    }

    fn flush(&mut self) {
        let was_failing = self.is_failing;
        self.is_failing = false;
        for stream in self.streams.all() {
            if let Err(error) = stream.flush() {
                // A full disk refuses every file: one of them is enough to say so.
                if !was_failing && !self.is_failing {
                    lock(&self.problems).push_back(error.to_string());
                }
                self.is_failing = true;
            }
        }
        if was_failing && !self.is_failing {
            self.tell_recovery();
        }
        let lost = self.lost();
        if lost.lines > 0 && self.lost_told.lines == 0 {
            let text = "the logs could not be written for too long: the oldest lines are given up";
            lock(&self.problems).push_back(text.to_owned());
            self.lost_told.lines = lost.lines;
        }
        if lost.fills > 0 && self.lost_told.fills == 0 {
            let text = "the logs could not be written for too long: fills are given up";
            lock(&self.problems).push_back(text.to_owned());
            self.lost_told.fills = lost.fills;
        }
    }

    /// After a failure: says what it has cost, to the user and in the log itself.
    fn tell_recovery(&mut self) {
        let Lost { lines, fills } = self.lost();
        let cost = match lines {
            0 => "nothing was lost".to_owned(),
            _ => format!("{lines} lines were lost so far, {fills} of them fills"),
        };
        lock(&self.problems).push_back(format!("the logs are written again; {cost}"));
        let details = json!({"lines_lost": lines, "fills_lost": fills});
        let line = self.recorder.system("logs_recovered", &details);
        self.streams.system.push(&line, Worth::Ordinary);
    }

    fn lost(&mut self) -> Lost {
        let mut lost = Lost::default();
        self.streams.all().for_each(|stream| lost += stream.lost());
        lost
    }

    fn finish(&mut self) -> Lost {
        for stream in self.streams.all() {
            if let Err(error) = stream.finish()
                && !self.is_failing
            {
                self.is_failing = true;
                lock(&self.problems).push_back(error.to_string());
            }
        }
        self.lost()
    }
}

/// The logs as a destination of a session.
#[derive(Debug)]
pub struct JournalSink {
    journal: Journal,
    strategies: Vec<StrategyName>,
}

impl JournalSink {
    /// Begins with what the session is.
    pub fn new(journal: Journal, strategies: &[StrategyName], start: Value) -> Self {
        journal.write(Entry::System("session_start", start));
        Self { journal, strategies: strategies.to_vec() }
    }
}

impl Sink for JournalSink {
    fn report(&mut self, report: &Report, _drained: HostNs) {
        self.journal.write(Entry::Report(Box::new(*report)));
    }

    fn told(&mut self, told: &Told, _at: HostNs) {
        if let Some((event, details)) = &told.record {
            self.journal.write(Entry::System(event, details.clone()));
        }
    }

    fn bank(&mut self, second: &Second<'_>) {
        for call in second.longest {
            let details = report::long_call_json(call, &self.strategies);
            self.journal.write(Entry::System("long_call", details));
        }
    }

    fn problem(&mut self) -> Option<String> {
        self.journal.take_problem()
    }

    /// Ends the logs with the report so far.
    fn close(self: Box<Self>, closing: &mut Closing<'_>) -> Option<RunError> {
        let end = report::json(closing.tally, closing.summary);
        self.journal.write(Entry::System("session_end", end));
        let JournalEnd { problems, lost } = self.journal.close();
        closing.summary.notes.extend(problems);
        closing.summary.logs_lost = lost;
        let Lost { lines, fills } = lost;
        if lines == 0 {
            return None;
        }
        let text = format!(
            "the logs lack {lines} lines, {fills} of them fills, which the disk did not take; free space \
             or change [logs] dir"
        );
        closing.summary.notes.push(text.clone());
        Some(RunError::Storage(text))
    }
}

#[cfg(test)]
mod tests;
