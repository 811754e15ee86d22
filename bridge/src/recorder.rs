//! The recorder thread: takes raw records out of the byte ring and writes the tape.

use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use paperwire_core::raw::{RawConsumer, RawKind, RawRecord};
use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;
use paperwire_tape::{TapeError, TapeWriter};

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

/// A running recording.
#[derive(Debug)]
pub struct RecorderThread {
    summary: Sender<Vec<u8>>,
    trail: Sender<Vec<u8>>,
    thread: JoinHandle<Recording>,
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
        let tape = TapeWriter::create(path, meta)?;
        let (summary, summaries) = channel();
        let (trail, trails) = channel();
        let thread = std::thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || record(tape, raw, &clock, &trails, &summaries))
            .map_err(|error| TapeError::Io { file: path.display().to_string(), error })?;
        Ok(Self { summary, trail, thread })
    }

    /// Where steps of the trail go, encoded.
    pub fn trail(&self) -> Sender<Vec<u8>> {
        self.trail.clone()
    }

    /// Finishes the tape with the session's summary. The feed must be gone before.
    pub fn finish(self, summary: Vec<u8>) -> Recording {
        // The thread waits for it; it only ends earlier by a panic, which `join` shows.
        let _ = self.summary.send(summary);
        self.thread.join().unwrap_or_else(|_| Recording {
            problem: Some("the recorder thread panicked".to_owned()),
            ..Recording::default()
        })
    }
}

fn record(
    tape: TapeWriter<File>,
    mut raw: RawConsumer,
    clock: &HostClock,
    trails: &Receiver<Vec<u8>>,
    summaries: &Receiver<Vec<u8>>,
) -> Recording {
    let mut recording = Recording::default();
    let mut payload = Vec::new();
    let mut tape = Some(tape);
    let mut block_at = clock.now();
    loop {
        let mut is_idle = true;
        // Also without a tape: a full ring would only count what is lost anyway.
        while let Some(record) = raw.next(&mut payload) {
            is_idle = false;
            if record.kind == RawKind::Gap {
                let lost = payload.first_chunk::<8>().map_or(0, |b| u64::from_le_bytes(*b));
                recording.lost += lost;
            }
            append(&mut tape, &mut recording, record, &payload);
        }
        while let Ok(steps) = trails.try_recv() {
            is_idle = false;
            let record = RawRecord { kind: RawKind::Trail, rx: clock.now() };
            append(&mut tape, &mut recording, record, &steps);
        }
        let now = clock.now();
        if now.since(block_at) >= BLOCK_EVERY {
            block_at = now;
            if let Some(Err(error)) = tape.as_mut().map(TapeWriter::flush_block) {
                recording.problem = Some(error.to_string());
                tape = None;
            }
        }
        if is_idle {
            if raw.is_abandoned()
                && let Ok(summary) = summaries.try_recv()
            {
                let finished = tape.map(|tape| tape.finish(&summary));
                match finished {
                    Some(Err(error)) => recording.problem = Some(error.to_string()),
                    Some(Ok(file)) => {
                        // A tape that is finished should also survive the machine.
                        let _ = file.sync_data();
                    }
                    None => {}
                }
                return recording;
            }
            Wait::Doze.wait();
        }
    }
}

fn append(
    tape: &mut Option<TapeWriter<File>>,
    recording: &mut Recording,
    record: RawRecord,
    payload: &[u8],
) {
    match tape.as_mut().map(|tape| tape.append(record.kind, record.rx, payload)) {
        Some(Ok(())) => recording.records += 1,
        Some(Err(error)) => {
            recording.problem = Some(error.to_string());
            *tape = None;
        }
        None => recording.lost += 1,
    }
}
