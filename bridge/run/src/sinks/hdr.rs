//! HdrHistogram interval logs (format 1.3, V2 compressed histograms): one line per second and stage, which
//! every HdrHistogram plotter opens.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer};
use paperwire_core::latency::{Bank, Pair};
use paperwire_core::time::{ExchNs, HostNs, Rfc3339};
use paperwire_replay::error::RunError;
use paperwire_replay::held_file::{Fate, HeldFile};
use paperwire_replay::tally::StrategyName;
use paperwire_rt::clock::{HostClock, utc_now};

use crate::sink::{Second, Sink};

/// An interval log being written.
pub struct HdrLog<W: Write> {
    out: W,
    serializer: V2DeflateSerializer,
    started: HostNs,
    /// Wall time of the start.
    wall: ExchNs,
    strategies: Vec<String>,
    bytes: Vec<u8>,
}

impl<W: Write> std::fmt::Debug for HdrLog<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HdrLog").finish_non_exhaustive()
    }
}

/// Intervals that are kept while the file takes none; beyond, they are given up.
const KEPT_BYTES_MAX: usize = 32 << 20;

/// A log in a file that others may take away.
#[derive(Debug)]
pub struct HdrFile {
    /// Lines that the file does not have yet.
    log: HdrLog<Vec<u8>>,
    file: HeldFile,
    is_failing: bool,
}

impl HdrFile {
    /// Creates the file; `strategies` become tags.
    ///
    /// # Errors
    /// What the system says, also when another session has that file.
    pub fn create(path: &Path, strategies: Vec<String>, now: HostNs) -> io::Result<Self> {
        let file = HeldFile::create(path)?;
        let mut whole =
            Self { log: HdrLog::new(Vec::new(), strategies, now)?, file, is_failing: false };
        whole.write_out()?;
        Ok(whole)
    }

    /// Appends one interval's bank that ended at `now`. Says what the user should know: each trouble once
    /// when it begins and once when it ends.
    pub fn append(&mut self, bank: &Bank, now: HostNs, length: Duration) -> Option<String> {
        let appended = self.log.append(bank, now, length);
        let written = appended.and_then(|()| self.mend()).and_then(|what| {
            self.write_out()?;
            Ok(what)
        });
        let path = self.file.path().display();
        match written {
            Ok(what) => {
                let is_over = std::mem::take(&mut self.is_failing);
                let what = what.or(is_over.then_some("is written again"));
                what.map(|what| format!("histogram log {path} {what}"))
            }
            Err(error) => {
                let is_news = !std::mem::replace(&mut self.is_failing, true);
                let is_too_much = self.log.out.len() > KEPT_BYTES_MAX;
                if is_too_much {
                    self.log.out.clear();
                    return Some(format!("histogram log {path}: intervals are given up: {error}"));
                }
                is_news.then(|| {
                    format!("histogram log {path}: {error}; intervals are kept and tried again")
                })
            }
        }
    }

    /// What happened to the file, mended as far as it can be.
    fn mend(&mut self) -> io::Result<Option<&'static str>> {
        let Some(fate) = self.file.look()? else {
            return Ok(None);
        };
        if fate == Fate::Deleted {
            self.file.reopen(fate)?;
            return Ok(Some("was deleted; it is written again"));
        }
        // What follows is a log of its own.
        let what = if fate == Fate::Moved {
            self.file.reopen(fate)?;
            "was moved away; a new one is begun"
        } else {
            self.file.cut(0)?;
            "was cut by somebody; its earlier intervals are lost"
        };
        let lines = std::mem::take(&mut self.log.out);
        self.log.head()?;
        self.log.out.extend(lines);
        Ok(Some(what))
    }

    /// Writes whole lines or none: a reader must not meet a part of one.
    fn write_out(&mut self) -> io::Result<()> {
        let before = self.file.bytes();
        if let Err(error) = self.file.write_all(&self.log.out) {
            let _ = self.file.cut(before);
            return Err(error);
        }
        self.log.out.clear();
        Ok(())
    }
}

impl<W: Write> HdrLog<W> {
    /// Starts a log.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn new(out: W, strategies: Vec<String>, now: HostNs) -> io::Result<Self> {
        let (serializer, wall) = (V2DeflateSerializer::new(), utc_now());
        let mut log = Self { out, serializer, started: now, wall, strategies, bytes: Vec::new() };
        log.head()?;
        Ok(log)
    }

    /// What a reader needs first.
    fn head(&mut self) -> io::Result<()> {
        let (wall, out) = (self.wall, &mut self.out);
        let seconds = wall.raw() / 1_000_000_000;
        let millis = wall.raw() / 1_000_000 % 1000;
        let text = Rfc3339 { at: wall, fraction: 3 };
        writeln!(out, "#[Histogram log format version 1.3]")?;
        writeln!(out, "#[StartTime: {seconds}.{millis:03} (seconds since epoch), {text}]")?;
        writeln!(
            out,
            "\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\",\"Interval_Compressed_Histogram\""
        )
    }

    /// Appends one interval's bank that ended at `now`; empty histograms are left out.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn append(&mut self, bank: &Bank, now: HostNs, length: Duration) -> io::Result<()> {
        for (stage, pair) in bank.stages() {
            self.pair(&format!("stage.{}", stage.as_str()), pair, now, length)?;
        }
        for index in 0..bank.strategies().len() {
            let tag = format!("strategy.{}", self.strategies[index]);
            self.pair(&tag, &bank.strategies()[index], now, length)?;
        }
        self.out.flush()
    }

    /// What it was written to.
    pub fn into_inner(self) -> W {
        self.out
    }

    fn pair(&mut self, tag: &str, pair: &Pair, now: HostNs, length: Duration) -> io::Result<()> {
        self.line(&format!("{tag}.service"), &pair.service, now, length)?;
        self.line(&format!("{tag}.response"), &pair.response, now, length)
    }

    /// Appends one interval of one histogram; an empty one is left out.
    ///
    /// # Errors
    /// What `out` answers.
    pub fn line(
        &mut self,
        tag: &str,
        histogram: &Histogram<u32>,
        now: HostNs,
        length: Duration,
    ) -> io::Result<()> {
        if histogram.is_empty() {
            return Ok(());
        }
        self.bytes.clear();
        self.serializer.serialize(histogram, &mut self.bytes).map_err(io::Error::other)?;
        let payload = base64::engine::general_purpose::STANDARD.encode(&self.bytes);
        let start = now.since(self.started).raw();
        let start = Duration::from_nanos(start).saturating_sub(length).as_secs_f64();
        let length = length.as_secs_f64();
        // The format's convention: the maximum in units of 10^6 of the recorded unit.
        let max = Duration::from_nanos(histogram.max()).as_secs_f64() * 1e3;
        // Tags may hold neither comma, space nor line break.
        let tag: String =
            tag.chars().map(|c| if c == ',' || c.is_whitespace() { '_' } else { c }).collect();
        writeln!(self.out, "Tag={tag},{start:.3},{length:.3},{max:.3},{payload}")
    }
}

/// The histogram log as a destination of a session.
#[derive(Debug)]
pub struct HdrSink {
    file: HdrFile,
    problems: VecDeque<String>,
}

impl HdrSink {
    /// Creates the log of a session in a folder; the strategies' instances become tags.
    ///
    /// # Errors
    /// [`RunError::Storage`] with the path.
    pub fn create(
        folder: &Path,
        session: &str,
        strategies: &[StrategyName],
        clock: &HostClock,
    ) -> Result<Self, RunError> {
        let tags = strategies.iter().map(|name| name.instance.clone()).collect();
        let path = folder.join(format!("{session}.hlog"));
        let file = HdrFile::create(&path, tags, clock.now());
        let file =
            file.map_err(|error| RunError::Storage(format!("{}: {error}", path.display())))?;
        Ok(Self { file, problems: VecDeque::new() })
    }
}

impl Sink for HdrSink {
    fn bank(&mut self, second: &Second<'_>) {
        self.problems.extend(self.file.append(second.bank, second.now, Duration::from_secs(1)));
    }

    fn problem(&mut self) -> Option<String> {
        self.problems.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use hdrhistogram::serialization::Deserializer;
    use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
    use paperwire_core::event::Seq;
    use paperwire_core::latency::Stage;

    use super::*;

    #[test]
    fn the_log_is_read_back_by_the_public_reader() {
        let mut bank = Bank::new(&Stage::ALL, 1);
        for value in 1..=1000u64 {
            let end = HostNs::new(1_000_000 + value * 1_000);
            bank.call(0, Seq(1), HostNs::new(0), HostNs::new(1_000_000), end);
        }
        let mut log =
            HdrLog::new(Vec::new(), vec!["my strategy".to_owned()], HostNs::new(0)).unwrap();
        log.append(&bank, HostNs::new(2_000_000_000), Duration::from_secs(1)).unwrap();
        let mut tags = Vec::new();
        for entry in IntervalLogIterator::new(&log.out) {
            if let LogEntry::Interval(interval) = entry.unwrap() {
                assert_eq!(interval.start_timestamp(), Duration::from_secs(1));
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(interval.encoded_histogram())
                    .unwrap();
                let histogram: Histogram<u64> =
                    Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
                assert_eq!(histogram.len(), 1000);
                let tag = interval.tag().unwrap().as_str().to_owned();
                if tag.ends_with("service") {
                    assert_eq!(histogram.value_at_quantile(0.5) / 1000, 500);
                }
                tags.push(tag);
            }
        }
        assert_eq!(tags, ["strategy.my_strategy.service", "strategy.my_strategy.response"]);
    }
}
