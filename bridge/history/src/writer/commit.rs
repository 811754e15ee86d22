//! The committing thread: the only one that waits for the database.

use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use paperwire_rt::runner::Wait;

use super::{Handed, Open, Shared, WriterConfig, WriterStats};
use crate::model::Batch;
use crate::store::Store;

/// Rows that the database refused, in the folder of the spill, a batch a line.
pub(super) const REJECTED: &str = "rejected.jsonl";

/// How an attempt ended.
enum Attempt {
    Done,
    /// The database is away.
    Away,
}

pub(super) struct Committer {
    config: WriterConfig,
    open: Open,
    store: Option<Box<dyn Store>>,
    shared: Arc<Shared>,
    wait: Duration,
    /// A batch that neither database nor disk took.
    held: Option<Batch>,
    /// The last reason that was told, until a commit succeeds.
    told: Option<String>,
}

impl Committer {
    pub(super) fn new(config: WriterConfig, open: Open, shared: Arc<Shared>) -> Self {
        let wait = config.retry.0;
        Self { config, open, store: None, shared, wait, held: None, told: None }
    }

    pub(super) fn run(mut self, batches: &Receiver<Handed>) {
        loop {
            let attempt = match self.held.take() {
                Some(batch) => self.commit_or_keep(batch),
                None => self.commit_spilled(),
            };
            match attempt {
                Some(Attempt::Away) if self.is_late() => return self.keep(batches),
                Some(Attempt::Away) => self.pause(batches),
                Some(Attempt::Done) => {}
                // Nothing waits on the disk: take what is handed over.
                None => match batches.recv_timeout(self.config.batch_every) {
                    Ok((batch, since)) => {
                        if let Attempt::Away = self.commit(&batch) {
                            self.keep_on_disk(batch);
                        } else {
                            let ns = self.shared.clock.now().raw().saturating_sub(since);
                            self.shared.stats.lag_ms.store(ns / 1_000_000, Ordering::Relaxed);
                        }
                    }
                    Err(RecvTimeoutError::Timeout) => {}
                    // The last rows may have gone to the disk.
                    Err(RecvTimeoutError::Disconnected) if self.shared.spill().is_empty() => return,
                    Err(RecvTimeoutError::Disconnected) => {}
                },
            }
        }
    }

    /// True when the session is over and the database had its time; a broken one needs none.
    fn is_late(&self) -> bool {
        let closing_at = self.shared.closing_at_ns.load(Ordering::Relaxed);
        if closing_at != 0 && self.broken().is_some() {
            return true;
        }
        let within = u64::try_from(self.config.close_within.as_nanos()).unwrap_or(u64::MAX);
        closing_at != 0 && self.shared.clock.now().raw().saturating_sub(closing_at) >= within
    }

    fn broken(&self) -> MutexGuard<'_, Option<String>> {
        self.shared.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// At the end: what is in memory goes to the disk, if it takes it.
    fn keep(mut self, batches: &Receiver<Handed>) {
        let handed = batches.iter().map(|(batch, _)| batch);
        for batch in self.held.take().into_iter().chain(handed) {
            if let Err(error) = self.shared.put(&batch) {
                let rows = batch.rows();
                self.shared.lose(format!("{rows} rows of history are lost: {error}"));
            }
        }
    }

    fn commit_or_keep(&mut self, batch: Batch) -> Option<Attempt> {
        let attempt = self.commit(&batch);
        if let Attempt::Away = attempt {
            self.keep_on_disk(batch);
        }
        Some(attempt)
    }

    fn keep_on_disk(&mut self, batch: Batch) {
        if self.shared.put(&batch).is_err() {
            self.held = Some(batch);
        }
    }

    /// Commits the oldest record of the spill; `None` when there is none.
    fn commit_spilled(&mut self) -> Option<Attempt> {
        let (first, gone) = {
            let mut spill = self.shared.spill();
            (spill.first(), spill.take_gone_bytes())
        };
        if gone > 0 {
            self.shared.lose(format!(
                "somebody deleted {gone} bytes of the history's spill before the database had them: \
                 they are lost"
            ));
        }
        let record = match first {
            Ok(record) => record?,
            Err(error) => {
                self.shared.tell(format!("the history's spill cannot be read: {error}"));
                return Some(Attempt::Away);
            }
        };
        let attempt = match serde_json::from_slice::<Batch>(&record) {
            Ok(batch) => self.commit(&batch),
            Err(error) => {
                self.shared.stats.refused.fetch_add(1, Ordering::Relaxed);
                self.reject(&record, &error.to_string());
                Attempt::Done
            }
        };
        if let Attempt::Done = attempt {
            let mut spill = self.shared.spill();
            if let Err(error) = spill.taken() {
                self.shared.tell(format!("the history's spill cannot be emptied: {error}"));
            }
            self.shared.stats.spilled_bytes.store(spill.bytes(), Ordering::Relaxed);
        }
        Some(attempt)
    }

    fn commit(&mut self, batch: &Batch) -> Attempt {
        let stats = self.shared.stats.clone();
        let result = match &mut self.store {
            Some(store) => store.commit(batch).map(|_| None),
            empty => match (self.open)() {
                Ok(store) => empty.insert(store).commit(batch).map(|_| None),
                // One that cannot be opened says nothing about the rows.
                Err(error) => Ok(Some(error)),
            },
        };
        if let Some(notice) = self.store.as_mut().and_then(|store| store.take_notice()) {
            self.shared.tell(notice);
        }
        let error = match result {
            Ok(None) => return self.committed(batch),
            Ok(Some(error)) => error,
            Err(error) if error.is_of_rows() => {
                WriterStats::sub(&stats.waiting, batch.rows());
                WriterStats::add(&stats.refused, batch.rows());
                match serde_json::to_vec(batch) {
                    Ok(record) => self.reject(&record, &error.to_string()),
                    Err(_) => self.shared.tell(error.to_string()),
                }
                return Attempt::Done;
            }
            Err(error) => error,
        };
        let text = error.to_string();
        if !error.is_away() {
            // It may be repaired or replaced meanwhile, as another file of the same name.
            self.store = None;
            *self.broken() = Some(text.clone());
        }
        stats.failures.fetch_add(1, Ordering::Relaxed);
        stats.is_away.store(true, Ordering::Relaxed);
        // Each reason once, not each attempt.
        if self.told.as_ref() != Some(&text) {
            self.shared.tell(text.clone());
            self.told = Some(text);
        }
        Attempt::Away
    }

    fn committed(&mut self, batch: &Batch) -> Attempt {
        let stats = &self.shared.stats;
        stats.commits.fetch_add(1, Ordering::Relaxed);
        WriterStats::sub(&stats.waiting, batch.rows());
        self.wait = self.config.retry.0;
        if stats.is_away.swap(false, Ordering::Relaxed) {
            self.shared.tell("the history database is back".to_owned());
        }
        self.told = None;
        *self.broken() = None;
        Attempt::Done
    }

    /// Sets aside what the database will never take.
    fn reject(&self, record: &[u8], why: &str) {
        let path = self.config.spill.join(REJECTED);
        let mut line = record.to_vec();
        line.push(b'\n');
        let mut options = std::fs::OpenOptions::new();
        let written = options.create(true).append(true).open(&path);
        let written = written.and_then(|mut file| file.write_all(&line));
        let place = path.display();
        let refused = format!("rows of history were refused ({why})");
        match written {
            Ok(()) => self.shared.tell(format!("{refused}; they are in {place}")),
            Err(error) => self.shared.lose(format!("{refused} and lost: {error}")),
        }
    }

    /// Waits before the next attempt, longer each time; what comes meanwhile goes to the disk.
    fn pause(&mut self, batches: &Receiver<Handed>) {
        let started = self.shared.clock.now().raw();
        let wait = u64::try_from(self.wait.as_nanos()).unwrap_or(u64::MAX);
        self.wait = (self.wait * 2).min(self.config.retry.1);
        while self.shared.clock.now().raw().saturating_sub(started) < wait && !self.is_late() {
            // One that is held is all that memory takes here; others wait at the collector.
            match if self.held.is_none() { batches.try_recv().ok() } else { None } {
                Some((batch, _)) => self.keep_on_disk(batch),
                None => Wait::Doze.wait(),
            }
        }
    }
}
