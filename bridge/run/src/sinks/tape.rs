//! The recorder thread: takes raw records out of the byte ring and writes the tape.

use std::io;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, Sender, TryRecvError, unbounded};
use paperwire_core::raw::{RawConsumer, RawKind, RawRecord};
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_replay::error::RunError;
use paperwire_replay::held_file::{Fate, HeldFile};
use paperwire_replay::report;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;
use paperwire_tape::{TapeError, TapeWriter};

use crate::sink::{Closing, Sink, Turn};

/// At most this much is lost when the process is killed.
const BLOCK_EVERY: DurationNs = DurationNs::from_secs(1);

/// What became of a recording.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Records written.
    pub records: u64,
    /// Records that the ring or the disk could not take.
    pub lost: u64,
    /// Why it is not whole, if it is not.
    pub problem: Option<String>,
}

/// A running recording. Dropped before it is kept, it leaves no file: the same command can be given again.
#[derive(Debug)]
pub struct RecorderThread {
    summary: Sender<Vec<u8>>,
    trail: Sender<Vec<u8>>,
    notices: Receiver<String>,
    /// `None` once it was finished.
    thread: Option<JoinHandle<Recording>>,
    path: PathBuf,
    is_kept: bool,
}

impl RecorderThread {
    /// Creates the tape and starts the thread.
    ///
    /// # Errors
    /// [`TapeError`] when the file cannot be created or exists.
    pub fn start(
        path: &Path,
        meta: &[u8],
        raw: RawConsumer,
        clock: HostClock,
    ) -> Result<Self, TapeError> {
        let file = path.display().to_string();
        let opened = HeldFile::create_new(path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => TapeError::Exists { file: file.clone() },
            _ => TapeError::Io { file: file.clone(), error },
        })?;
        let (summary, summaries) = unbounded();
        let (trail, trails) = unbounded();
        let (notify, notices) = unbounded();
        // From here on what fails leaves no file.
        let (path, is_kept) = (path.to_owned(), false);
        let mut recorder = Self { summary, trail, notices, thread: None, path, is_kept };
        let tape = TapeWriter::new(opened, file.clone(), meta)?;
        let mut tape = Tape { writer: Some(tape), is_moved: false, notify };
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || record(&mut tape, raw, &clock, &trails, &summaries))
            .map_err(|error| TapeError::Io { file, error })?;
        recorder.thread = Some(thread);
        Ok(recorder)
    }

    /// The session has begun: whatever becomes of it, its recording stays.
    pub const fn keep(&mut self) {
        self.is_kept = true;
    }

    /// The session did not come about after all: its recording goes.
    pub fn discard(mut self) {
        self.is_kept = false;
    }

    /// Finishes the tape with the session's summary. The feed must be gone before.
    pub fn finish(mut self, summary: Vec<u8>) -> Recording {
        // The thread waits for it; it only ends earlier by a panic, which `join` shows.
        let _ = self.summary.send(summary);
        let ended = self.thread.take().map(JoinHandle::join);
        ended.and_then(Result::ok).unwrap_or_else(|| Recording {
            problem: Some("the recorder thread panicked".to_owned()),
            ..Recording::default()
        })
    }
}

impl Drop for RecorderThread {
    fn drop(&mut self) {
        if !self.is_kept {
            // The thread ends by itself once nobody can send it a summary.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Time between two records of the trail.
const TRAIL_EVERY: DurationNs = DurationNs::from_secs(1);

/// The recording as a destination of a session: the steps of its trail, and its end. The frames come from the feed.
#[derive(Debug)]
pub struct TapeSink {
    recorder: RecorderThread,
    /// When the next steps are sent.
    trail_at: HostNs,
}

impl TapeSink {
    /// A recording that has been started.
    pub fn new(recorder: RecorderThread) -> Self {
        Self { recorder, trail_at: HostNs::default() }
    }
}

impl Sink for TapeSink {
    fn begin(&mut self) {
        self.recorder.keep();
    }

    fn turn(&mut self, turn: &mut Turn<'_>) {
        if (turn.now >= self.trail_at || turn.is_over)
            && let Some(steps) = turn.tally.trail.take()
        {
            self.trail_at = turn.now.plus(TRAIL_EVERY);
            // The thread outlives this handle unless it panicked, which the end tells.
            let _ = self.recorder.trail.send(steps);
        }
    }

    fn problem(&mut self) -> Option<String> {
        self.recorder.notices.try_recv().ok()
    }

    /// Ends the recording with the report so far. A start that failed leaves none, so that the same command can be
    /// given again.
    fn close(self: Box<Self>, closing: &mut Closing<'_>) -> Option<RunError> {
        let recorder = self.recorder;
        if closing.is_failed_start {
            recorder.discard();
            return None;
        }
        let path = recorder.path.display().to_string();
        let end = report::json(closing.tally, closing.summary).to_string();
        let recording = recorder.finish(end.into_bytes());
        closing.summary.recording_lost += recording.lost;
        let Some(problem) = recording.problem else {
            let line = format!("recorded {} records to {path}", recording.records);
            closing.summary.notes.push(line);
            return None;
        };
        let text = format!("the recording {path} ended early: {problem}");
        closing.summary.notes.push(text.clone());
        Some(RunError::Storage(text))
    }
}

/// A tape in a file that others may take away.
struct Tape {
    /// `None` after an error: the file ends with whole blocks.
    writer: Option<TapeWriter<HeldFile>>,
    is_moved: bool,
    notify: Sender<String>,
}

impl Tape {
    fn tell(&self, what: &str) {
        // Whoever started the recording may be gone; the end tells it too.
        let _ = self.notify.send(what.to_owned());
    }

    /// Does something with the tape; an error ends it, behind its last whole block.
    fn with(
        &mut self,
        recording: &mut Recording,
        action: impl FnOnce(&mut TapeWriter<HeldFile>) -> Result<(), TapeError>,
    ) -> bool {
        let Some(writer) = &mut self.writer else {
            return false;
        };
        let Err(error) = action(writer) else {
            return true;
        };
        let whole = writer.whole_bytes();
        // Making it shorter needs no room; a file that is not ours any more is left alone.
        let _ = writer.out_mut().cut(whole);
        self.end(recording, &error.to_string());
        false
    }

    fn end(&mut self, recording: &mut Recording, problem: &str) {
        self.writer = None;
        self.tell(&format!("the recording ends here: {problem}"));
        recording.problem = Some(problem.to_owned());
    }

    /// Looks whether the file is still there, and mends what can be mended.
    fn look(&mut self, recording: &mut Recording) {
        let Some(writer) = &mut self.writer else {
            return;
        };
        let file = writer.out_mut();
        let path = file.path().display().to_string();
        let looked = file.look().and_then(|fate| {
            if fate == Some(Fate::Deleted) {
                file.reopen(Fate::Deleted)?;
            }
            Ok(fate)
        });
        match looked {
            Ok(None) => {}
            Ok(Some(Fate::Deleted)) => {
                self.tell(&format!("the recording {path} was deleted; it is written again"));
            }
            Ok(Some(Fate::Moved)) => {
                if !std::mem::replace(&mut self.is_moved, true) {
                    let text = "was moved away; it goes on under the name that it has now";
                    self.tell(&format!("the recording {path} {text}"));
                }
            }
            Ok(Some(Fate::Cut(bytes))) => {
                self.end(recording, &format!("{path}: somebody cut {bytes} bytes from it"));
            }
            // A disk that has no room for it: the deleted file is still held, and tried again.
            Err(_) => {}
        }
    }
}

fn record(
    tape: &mut Tape,
    mut raw: RawConsumer,
    clock: &HostClock,
    trails: &Receiver<Vec<u8>>,
    summaries: &Receiver<Vec<u8>>,
) -> Recording {
    let mut recording = Recording::default();
    let mut payload = Vec::new();
    let mut block_at = clock.now();
    loop {
        let mut is_idle = true;
        // Asked before the ring is emptied: what came last must not be left in it.
        let is_over = raw.is_abandoned();
        // Also without a tape: a full ring would only count what is lost anyway.
        while let Some(record) = raw.next(&mut payload) {
            is_idle = false;
            if record.kind == RawKind::Gap {
                let lost = payload.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
                recording.lost += lost;
            }
            append(tape, &mut recording, record, &payload);
        }
        while let Ok(steps) = trails.try_recv() {
            is_idle = false;
            let record = RawRecord { kind: RawKind::Trail, rx: clock.now() };
            append(tape, &mut recording, record, &steps);
        }
        let now = clock.now();
        if now.since(block_at) >= BLOCK_EVERY {
            block_at = now;
            tape.with(&mut recording, TapeWriter::flush_block);
            tape.look(&mut recording);
        }
        if is_idle {
            if is_over {
                match summaries.try_recv() {
                    Ok(summary) => {
                        finish(tape, &mut recording, &summary);
                        return recording;
                    }
                    // The session never began, and its file is gone.
                    Err(TryRecvError::Disconnected) => return recording,
                    Err(TryRecvError::Empty) => {}
                }
            }
            Wait::Doze.wait();
        }
    }
}

fn finish(tape: &mut Tape, recording: &mut Recording, summary: &[u8]) {
    tape.with(recording, TapeWriter::flush_block);
    tape.look(recording);
    let Some(writer) = tape.writer.take() else {
        return;
    };
    match writer.finish(summary) {
        // A tape that is finished should also survive the machine.
        Ok(file) => drop(file.sync()),
        Err(error) => recording.problem = Some(error.to_string()),
    }
}

fn append(tape: &mut Tape, recording: &mut Recording, record: RawRecord, payload: &[u8]) {
    if tape.with(recording, |tape| tape.append(record.kind, record.rx, payload)) {
        recording.records += 1;
    } else {
        recording.lost += 1;
    }
}

#[cfg(test)]
mod tests;
