//! Everything the page works with.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use paperwire_config::{AlertsSection, DashboardSection};
use paperwire_core::instrument::Instrument;
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_doctor::Examination;
use paperwire_history::store::Address;
use paperwire_history::writer::WriterStats;
use paperwire_replay::tally::StrategyName;
use paperwire_rt::clock::HostClock;
use paperwire_run::drain::Commands;
use paperwire_run::sinks::inbox::Inbox;
use paperwire_run::spectator::{SharedParams, Watched};
use paperwire_run::told::Tell;
use paperwire_run::totals::SharedTotals;

use crate::kept::Kept;

/// What does not change while a session runs.
#[derive(Clone, Debug)]
pub struct Facts {
    /// Name of the session.
    pub session: String,
    /// Where the market comes from.
    pub source: String,
    /// Fingerprint of the configuration.
    pub config_sha256: String,
    /// Currency of every account.
    pub numeraire: String,
    /// Under which assumptions money is made.
    pub conditions: String,
    /// The strategies, by index.
    pub names: Vec<StrategyName>,
    /// Symbols that each of them trades.
    pub symbols: Vec<Vec<String>>,
    /// By index.
    pub instruments: Vec<Instrument>,
    /// The machine.
    pub host: Examination,
    /// Where it is recorded.
    pub tape: Option<PathBuf>,
    /// Where logs are.
    pub logs: Option<PathBuf>,
    /// The history store and the source that symbols are stored under, where the past of this market is kept.
    pub store: Option<(Address, String)>,
    /// How long a call may take.
    pub budget: DurationNs,
    /// How it is served.
    pub dashboard: DashboardSection,
    /// Who is told when nobody looks.
    pub alerts: AlertsSection,
}

/// A session as the page sees it. The totals, which the drain thread needs, are held to copy some rows. Who holds two
/// locks takes them in one order: totals, inbox, kept.
pub(crate) struct Desk {
    pub(crate) facts: Facts,
    pub(crate) clock: HostClock,
    pub(crate) started: HostNs,
    pub(crate) started_utc: ExchNs,
    pub(crate) totals: SharedTotals,
    pub(crate) inbox: Arc<Mutex<Inbox>>,
    pub(crate) tell: Tell,
    pub(crate) commands: Commands,
    pub(crate) params: SharedParams,
    pub(crate) store: Option<Arc<WriterStats>>,
    pub(crate) threads: Mutex<Vec<Watched>>,
    pub(crate) kept: Mutex<Kept>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("session", &self.facts.session).finish_non_exhaustive()
    }
}

impl Desk {
    /// Seconds since the start.
    pub(crate) fn seconds(&self) -> u64 {
        self.clock.now().since(self.started).raw() / 1_000_000_000
    }
}
