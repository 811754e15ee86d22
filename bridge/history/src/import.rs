//! Bulk import of Kraken's downloadable history: bars (`XBTUSD_60.csv`) and trades (`XBTUSD.csv`).
//!
//! A file is read twice. The first reading checks every line and finds the scale; a file with bad lines is
//! refused whole and the lines are listed. The second one writes, batch by batch with a checkpoint in the
//! same transaction, so that an import that was stopped goes on where it was.

mod files;
mod line;
mod minutes;

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use paperwire_core::bar::{BarFlags, Timeframe};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

pub use files::{Found, Input};
pub(crate) use line::Number;
pub(crate) use minutes::{Minutes, TooMuch};

use crate::model::{
    Batch, Candle, Print, SECOND_NS, Scale, Source, Span, SymbolRows, Written, timeframe_of,
};
use crate::names::{FileName, Names};
use crate::store::{Store, StoreError};
use line::{BarLine, Kind, Line, PrintLine};

/// Lines of one transaction.
const BATCH_LINES: usize = 50_000;
/// Bad lines that are listed; more are only counted.
const LISTED_MAX: usize = 1000;
/// Prints of one second that can be told apart.
const SECOND_PRINTS_MAX: i64 = 100_000;

/// Why a file was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error("{file}: {error}")]
    Io {
        /// Which.
        file: String,
        /// The system's reason.
        error: std::io::Error,
    },
    /// Its name says nothing.
    #[error(
        "{0}: the name is not PAIR_MINUTES.csv or PAIR.csv; give --symbol and --timeframe or --trades"
    )]
    Name(String),
    /// Its name is of no pair that is known.
    #[error(
        "{file}: {pair} is no pair that is known; give --symbol BASE/QUOTE, or the venue's list by --pairs FILE or --rest URL"
    )]
    Pair {
        /// Which.
        file: String,
        /// The pair's name in it.
        pair: String,
    },
    /// Bars of a length that is not kept.
    #[error(
        "{file}: bars of {minutes} minutes; 1, 5, 15, 30, 60, 240, 720, 1440 and 10080 are kept"
    )]
    Timeframe {
        /// Which.
        file: String,
        /// The length.
        minutes: i64,
    },
    /// It has lines that cannot be.
    #[error("{}: {} bad lines, nothing was imported; --skip-bad imports the others", .0.file, .0.bad_lines)]
    Bad(Box<Report>),
    /// The database refused.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is imported and how.
#[derive(Clone, Debug, Default)]
pub struct ImportOptions {
    /// The pair, instead of the one in the file's name.
    pub symbol: Option<String>,
    /// What the file holds, instead of what its name says: bars of so many minutes, or trades (0).
    pub minutes: Option<i64>,
    /// Leave bad lines out instead of refusing the file.
    pub skip_bad: bool,
    /// Only check.
    pub dry_run: bool,
    /// Read a file again that was imported before.
    pub again: bool,
    /// What pairs are called.
    pub names: Names,
}

/// One line that cannot be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// From 1.
    pub number: u64,
    /// Why.
    pub why: &'static str,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Report {
    /// The file.
    pub file: String,
    /// The pair.
    pub symbol: String,
    /// Length of its bars; `None` for trades.
    pub timeframe: Option<Timeframe>,
    /// Good lines.
    pub rows: u64,
    /// Bad lines.
    pub bad_lines: u64,
    /// The first of them.
    pub bad: Vec<BadLine>,
    /// From the first line to the last.
    pub span: Option<Span>,
    /// The scale that its numbers need.
    pub scale: Scale,
    /// What was new in the store.
    pub written: Written,
    /// True when an earlier import had it all.
    pub was_done: bool,
}

/// How far an import is.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// True while the file is checked, false while it is written.
    pub is_checking: bool,
    /// Lines so far.
    pub rows: u64,
    /// All lines, once they are counted.
    pub total: Option<u64>,
}

/// What is known of a file after the first reading.
struct Checked {
    report: Report,
    checksum: u32,
    has_header: bool,
}

/// Imports one file.
///
/// # Errors
/// [`ImportError`]; then nothing of the file, or only whole batches with their checkpoint, are stored.
pub fn file(
    store: &mut dyn Store,
    input: &Input,
    options: &ImportOptions,
    progress: &mut dyn FnMut(Progress),
) -> Result<Report, ImportError> {
    let (symbol, kind) = what(input, options)?;
    let Checked { mut report, checksum, has_header } = check(input, &symbol, kind, progress)?;
    if report.bad_lines > 0 && !options.skip_bad {
        return Err(ImportError::Bad(Box::new(report)));
    }
    if options.dry_run || report.rows == 0 {
        return Ok(report);
    }
    let minutes = report.timeframe.map_or(0, Timeframe::minutes);
    let key = format!("import:{symbol}:{minutes}:{}:{checksum:08x}", input.name());
    let done = if options.again { None } else { store.checkpoint(&key)? };
    let done = done.and_then(|text| text.parse().ok()).unwrap_or(0);
    if done >= report.rows {
        report.was_done = true;
        return Ok(report);
    }
    let job =
        Job { input, kind, symbol: &symbol, scale: report.scale, has_header, key: &key, done };
    let (to_store, batches) = sync_channel(2);
    let rows = report.rows;
    report.written = std::thread::scope(|threads| {
        // The sender moves into the thread, so that its end is the end of the batches.
        let reading = threads.spawn(move || job.read(&to_store, rows));
        let written = commit(store, &batches, rows, progress);
        // The reader ends by itself once nobody takes its batches.
        drop(batches);
        let read = reading.join().expect("reading lines does not panic");
        let written = written?;
        read.map_err(|error| ImportError::Io { file: input.shown(), error })?;
        Ok::<_, ImportError>(written)
    })?;
    Ok(report)
}

fn what(input: &Input, options: &ImportOptions) -> Result<(String, Kind), ImportError> {
    let named = FileName::parse(&input.name());
    let symbol = match (&options.symbol, &named) {
        (Some(symbol), _) => symbol.clone(),
        (None, None) => return Err(ImportError::Name(input.shown())),
        (None, Some(FileName { pair, .. })) => {
            let unknown = || ImportError::Pair { file: input.shown(), pair: pair.clone() };
            options.names.symbol(pair).ok_or_else(unknown)?
        }
    };
    let minutes = match (options.minutes, &named) {
        (Some(minutes), _) => minutes,
        (None, Some(named)) => named.minutes.unwrap_or(0),
        (None, None) => return Err(ImportError::Name(input.shown())),
    };
    if minutes == 0 {
        return Ok((symbol, Kind::Prints));
    }
    let wrong = || ImportError::Timeframe { file: input.shown(), minutes };
    Ok((symbol, Kind::Bars(timeframe_of(minutes).ok_or_else(wrong)?)))
}

/// The first reading.
fn check(
    input: &Input,
    symbol: &str,
    kind: Kind,
    progress: &mut dyn FnMut(Progress),
) -> Result<Checked, ImportError> {
    let timeframe = match kind {
        Kind::Bars(timeframe) => Some(timeframe),
        Kind::Prints => None,
    };
    let mut report = Report {
        file: input.shown(),
        symbol: symbol.to_owned(),
        timeframe,
        rows: 0,
        bad_lines: 0,
        bad: Vec::new(),
        span: None,
        scale: Scale::default(),
        written: Written::default(),
        was_done: false,
    };
    let mut hasher = crc32fast::Hasher::new();
    let (mut number, mut is_first, mut has_header) = (0, true, false);
    let mut last = i64::MIN;
    let read = input.lines(|line| {
        number += 1;
        hasher.update(line);
        hasher.update(b"\n");
        if line.trim_ascii().is_empty() {
            return true;
        }
        if std::mem::take(&mut is_first) && line.first().is_some_and(u8::is_ascii_alphabetic) {
            has_header = true;
            return true;
        }
        match Line::parse(kind, line, last) {
            Ok(line) => {
                report.rows += 1;
                report.scale = report.scale.finer(line.scale());
                last = line.second();
                let at = ExchNs::new(last * SECOND_NS);
                let span = report.span.get_or_insert(Span::new(at, at));
                span.to = at;
            }
            Err(why) => {
                report.bad_lines += 1;
                if report.bad.len() < LISTED_MAX {
                    report.bad.push(BadLine { number, why });
                }
            }
        }
        if number % 100_000 == 0 {
            progress(Progress { is_checking: true, rows: number, total: None });
        }
        true
    });
    read.map_err(|error| ImportError::Io { file: input.shown(), error })?;
    Ok(Checked { report, checksum: hasher.finalize(), has_header })
}

/// The second reading, on a thread of its own.
struct Job<'a> {
    input: &'a Input,
    kind: Kind,
    symbol: &'a str,
    scale: Scale,
    has_header: bool,
    key: &'a str,
    /// Good lines that an earlier import has written.
    done: u64,
}

impl Job<'_> {
    fn batch(&self, candles: usize, prints: usize) -> SymbolRows {
        let mut rows = SymbolRows::new(self.symbol, self.scale);
        if let Kind::Bars(timeframe) = self.kind {
            rows.timeframe = timeframe;
        }
        rows.candles.reserve_exact(candles);
        rows.prints.reserve_exact(prints);
        rows
    }

    fn read(&self, to: &SyncSender<(Batch, u64)>, total: u64) -> std::io::Result<()> {
        let (mut good, mut last, mut ordinal) = (0u64, i64::MIN, 0);
        let mut rows = self.batch(BATCH_LINES, 0);
        let mut minutes = Minutes::new(Source::Csv);
        let mut is_first = true;
        let mut too_large = None;
        self.input.lines(|line| {
            if line.trim_ascii().is_empty() || std::mem::take(&mut is_first) && self.has_header {
                return true;
            }
            let Ok(line) = Line::parse(self.kind, line, last) else {
                return true;
            };
            ordinal = if line.second() == last { ordinal + 1 } else { 0 };
            last = line.second();
            good += 1;
            match line {
                Line::Bar(_) if good <= self.done => {}
                Line::Bar(bar) => match self.candle(&bar) {
                    Some(candle) => rows.candles.push(candle),
                    None => too_large = Some(good),
                },
                Line::Print(print) => match self.print(&print, ordinal) {
                    // Minutes are made from the beginning, so that one at the seam is whole.
                    Some(print) => match minutes.push(&print) {
                        Ok(ended) => {
                            rows.candles.extend(ended);
                            rows.prints.extend((good > self.done).then_some(print));
                        }
                        Err(_) => too_large = Some(good),
                    },
                    None => too_large = Some(good),
                },
            }
            if too_large.is_some() {
                return false;
            }
            if rows.candles.len() + rows.prints.len() < BATCH_LINES && good < total {
                return true;
            }
            if good == total {
                rows.candles.extend(minutes.finish_partial());
            }
            let full = std::mem::replace(&mut rows, self.batch(BATCH_LINES, 0));
            let checkpoint = (self.key.to_owned(), Some(good.to_string()));
            let batch =
                Batch { symbols: vec![full], checkpoints: vec![checkpoint], ..Batch::default() };
            to.send((batch, good)).is_ok()
        })?;
        match too_large {
            None => Ok(()),
            Some(row) => {
                let Scale { price, qty } = self.scale;
                Err(std::io::Error::new(
                    std::io::ErrorKind::InvalidData,
                    format!(
                        "row {row}, or the volume of its minute, does not fit 63 bits beside others with {price} decimals of price \
                         and {qty} of quantity; split the file there"
                    ),
                ))
            }
        }
    }

    /// Checked before, at a scale that is fine enough: a number can only be too large for it.
    fn candle(&self, bar: &BarLine) -> Option<Candle> {
        let px = |at: usize| bar.prices[at].at(self.scale.price).map(Px::new);
        Some(Candle {
            open_at: ExchNs::new(bar.second * SECOND_NS),
            open: px(0)?,
            high: px(1)?,
            low: px(2)?,
            close: px(3)?,
            volume: Qty::new(bar.volume.at(self.scale.qty)?),
            vwap: None,
            trades: bar.trades,
            source: Source::Csv,
            flags: BarFlags { is_carried: bar.trades == 0, is_incomplete: false },
        })
    }

    fn print(&self, print: &PrintLine, ordinal: i64) -> Option<Print> {
        if ordinal >= SECOND_PRINTS_MAX {
            return None;
        }
        Some(Print {
            at: ExchNs::new(print.second * SECOND_NS),
            px: Px::new(print.price.at(self.scale.price)?),
            qty: Qty::new(print.qty.at(self.scale.qty)?),
            trade_id: -(print.second * SECOND_PRINTS_MAX + ordinal) - 1,
            taker: None,
            is_market: None,
            source: Source::Csv,
        })
    }
}

fn commit(
    store: &mut dyn Store,
    batches: &Receiver<(Batch, u64)>,
    total: u64,
    progress: &mut dyn FnMut(Progress),
) -> Result<Written, StoreError> {
    let mut written = Written::default();
    for (batch, rows) in batches {
        written += store.commit(&batch)?;
        progress(Progress { is_checking: false, rows, total: Some(total) });
    }
    Ok(written)
}

/// Every file of lines at a path, and what cannot be read there; folders and archives hold many.
pub fn inputs(path: &Path) -> Found {
    Found::at(path)
}

/// What pair the name of a file says, where it is none that `names` knows.
pub fn unknown_pair(input: &Input, names: &Names) -> Option<String> {
    FileName::parse(&input.name()).map(|of| of.pair).filter(|pair| names.symbol(pair).is_none())
}

#[cfg(test)]
mod tests;
