//! Who looks at a running session and may command it, as the page does. A session knows no page: it gives a seat.

use std::path::Path;
use std::sync::{Arc, Mutex};

use paperwire_config::Config;
use paperwire_core::glance::GlanceDrain;
use paperwire_core::instrument::Instrument;
use paperwire_doctor::Examination;
use paperwire_feed::control::Control;
use paperwire_history::writer::WriterStats;
use paperwire_replay::error::RunError;
use paperwire_replay::params::LiveParams;
use paperwire_replay::setup::Chosen;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::{RunnerConfig, RunnerStats};

use crate::drain::Commands;
use crate::sink::Sink;
use crate::told::Tell;
use crate::totals::SharedTotals;

/// Parameters of every strategy as they are now.
pub type SharedParams = Arc<Mutex<Vec<LiveParams>>>;

/// Somebody who looks at a session.
pub trait Spectator: std::fmt::Debug {
    /// Takes its seat before the threads start. What it needs of the reports comes by the sink.
    ///
    /// # Errors
    /// [`RunError`], which ends the start.
    fn sit(&mut self, seat: Seat<'_>) -> Result<Box<dyn Sink>, RunError>;
    /// The pinned threads run; a line for the terminal.
    fn begin(&mut self, threads: Vec<Watched>) -> String;
    /// The session is about to end.
    fn leave(&mut self);
}

/// What a spectator sees and commands by.
#[derive(Debug)]
pub struct Seat<'a> {
    /// The configuration in force.
    pub config: &'a Config,
    /// Name of the session.
    pub session: &'a str,
    /// Where the market comes from.
    pub source: &'a str,
    /// The strategies, by index.
    pub chosen: &'a [Chosen],
    /// The instruments, by index.
    pub instruments: &'a [Instrument],
    /// Bars of the past.
    pub history: &'a [Control],
    /// The machine.
    pub host: &'a Examination,
    /// Where the session is recorded.
    pub tape: Option<&'a Path>,
    /// How the history writer is doing, when the session is kept.
    pub store: Option<Arc<WriterStats>>,
    /// What the session has come to.
    pub totals: &'a SharedTotals,
    /// To the feed, which makes events of commands.
    pub commands: &'a Commands,
    /// Parameters as they are now.
    pub params: &'a SharedParams,
    /// To everybody who is told what goes on.
    pub tell: &'a Tell,
    /// The market for people.
    pub glances: GlanceDrain,
    /// The session's clock.
    pub clock: &'a HostClock,
}

/// A pinned thread as a spectator sees it.
#[derive(Debug)]
pub struct Watched {
    /// Its name.
    pub name: &'static str,
    /// Where and how it waits.
    pub runner: RunnerConfig,
    /// What it sees.
    pub stats: Arc<RunnerStats>,
}
