//! Where a session's reports go, one value a destination: log, tape, histogram log, history store, page, terminal.

use paperwire_core::latency::Bank;
use paperwire_core::time::HostNs;
use paperwire_exec::report::Report;
use paperwire_feed::report::FeedReport;
use paperwire_lab::attribution::LongCall;
use paperwire_replay::error::RunError;
use paperwire_replay::report::Summary;
use paperwire_replay::tally::Tally;

use crate::told::Told;

/// A destination. All calls but [`Self::close`] come from the drain thread, which must not wait for a disk, a network
/// or a browser: what may take time has a thread of its own behind a bounded queue.
pub trait Sink: std::fmt::Debug + Send {
    /// The session's threads run: whatever becomes of it now, what was written stays.
    fn begin(&mut self) {}
    /// A report of the engine, taken out of its ring at `drained`.
    fn report(&mut self, _report: &Report, _drained: HostNs) {}
    /// A report of the feed, each one.
    fn feed_report(&mut self, _report: &FeedReport) {}
    /// What people are told and the log keeps, repetitions summed up.
    fn told(&mut self, _told: &Told, _at: HostNs) {}
    /// One second of one thread's histograms.
    fn bank(&mut self, _second: &Second<'_>) {}
    /// The end of a turn of the drain thread, whether there was work or not.
    fn turn(&mut self, _turn: &mut Turn<'_>) {}
    /// The next thing the user should know of this destination; each is told once.
    fn problem(&mut self) -> Option<String> {
        None
    }
    /// Finishes: both threads have ended and everything was drained. The error is what the session ends with.
    fn close(self: Box<Self>, _closing: &mut Closing<'_>) -> Option<RunError> {
        None
    }
}

/// Every destination of a session.
pub type Sinks = Vec<Box<dyn Sink>>;

/// A second of histograms.
#[derive(Debug)]
pub struct Second<'a> {
    /// Stages of one thread; the engine's has the strategies, too.
    pub bank: &'a Bank,
    /// Its long calls.
    pub calls: &'a [LongCall],
    /// Those of them that are among the longest of the session so far.
    pub longest: &'a [LongCall],
    /// When it was taken over.
    pub now: HostNs,
}

/// A turn of the drain thread.
#[derive(Debug)]
pub struct Turn<'a> {
    /// Its end.
    pub now: HostNs,
    /// Reports that were found waiting at its beginning.
    pub waiting: usize,
    /// Both threads have ended.
    pub is_over: bool,
    /// All reports so far.
    pub tally: &'a mut Tally,
}

/// The end of a session.
#[derive(Debug)]
pub struct Closing<'a> {
    /// All reports.
    pub tally: &'a Tally,
    /// The report so far; what a destination lacks is added to its notes.
    pub summary: &'a mut Summary,
    /// What else people should know.
    pub notices: Vec<String>,
    /// It never was live and ends with an error, so that the same command is given again.
    pub is_failed_start: bool,
}
