//! The page's side of the bridge: a few times a second it looks at what the drain thread summed up and put aside, and
//! publishes it; what a browser asks besides is answered from what it keeps.
//!
//! Two locks, never held together for long: `Shared`, which the drain thread needs, is held to copy some rows; what
//! the page keeps has a lock of its own, and whoever computes takes copies out of it first.
//!
//! * what the drain thread puts aside: [`inbox`]; latencies over time: `tails`; what else is kept: `kept`
//! * who is told when nobody looks: `alerts`
//! * from values to what is shown: `views`; a look and its publication: `look`; answers: `answers`

pub mod inbox;

mod alerts;
mod answers;
mod kept;
mod look;
mod tails;
mod views;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use paperwire_core::instrument::Instrument;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_dashboard::alert::Watch;
use paperwire_dashboard::{ServeError, Server};
use paperwire_feed::control::Control;
use paperwire_history::store::Address;
use paperwire_rt::clock::{HostClock, utc_now};
use paperwire_rt::descriptors::raise_limit;
use paperwire_rt::runner::{RunnerConfig, RunnerStats};

use crate::config::{AlertsSection, DashboardSection};
use crate::descriptors;
use crate::doctor::Examination;
use crate::drain::{Commands, Shared};
use crate::params::LiveParams;
use crate::tally::StrategyName;
use alerts::Messengers;
use inbox::Inbox;
use kept::Kept;

/// The limit of descriptors where the system does not say it.
const DESCRIPTORS_USUAL: usize = 1024;

/// What does not change while it runs.
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

/// Everything the page works with.
pub(crate) struct Desk {
    facts: Facts,
    clock: HostClock,
    started: HostNs,
    started_utc: ExchNs,
    shared: Arc<Mutex<Shared>>,
    commands: Commands,
    params: Arc<Mutex<Vec<LiveParams>>>,
    threads: Mutex<Vec<Watched>>,
    kept: Mutex<Kept>,
}

/// A pinned thread as the page sees it.
#[derive(Debug)]
pub struct Watched {
    /// Its name.
    pub name: &'static str,
    /// Where and how it waits.
    pub runner: RunnerConfig,
    /// What it sees.
    pub stats: Arc<RunnerStats>,
}

/// The page while it is served.
#[derive(Debug)]
pub struct Page {
    server: Server,
    desk: Arc<Desk>,
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("session", &self.facts.session).finish_non_exhaustive()
    }
}

impl Page {
    /// Starts to serve, and tells the drain thread to put things aside. History is what candles begin with.
    ///
    /// # Errors
    /// [`ServeError`].
    pub fn start(
        facts: Facts,
        history: &[Control],
        shared: &Arc<Mutex<Shared>>,
        commands: Commands,
        params: Arc<Mutex<Vec<LiveParams>>>,
        clock: &HostClock,
    ) -> Result<Self, ServeError> {
        let names = facts.names.iter().map(|name| name.instance.clone());
        let kept = Kept::new(names, facts.instruments.len(), history);
        let section = &facts.dashboard;
        let updates_per_s = section.updates_per_s;
        let limit = raise_limit().map_or(DESCRIPTORS_USUAL, |limits| limits.limit);
        let settings = section.settings(descriptors::for_page(limit, facts.names.len()));
        let inbox = Inbox::new(facts.instruments.len(), facts.names.len(), facts.budget);
        let desk = Arc::new(Desk {
            facts,
            started: clock.now(),
            started_utc: utc_now(),
            clock: clock.clone(),
            shared: shared.clone(),
            commands,
            params,
            threads: Mutex::default(),
            kept: Mutex::new(kept),
        });
        let server = Server::start(&settings, desk.clone())?;
        lock(shared).inbox = Some(inbox);
        let messengers = Messengers::start(server.handle(), &desk);
        let mut watch = Watch::new(desk.facts.alerts.rules);
        let (publisher, looking) = (server.publisher(), desk.clone());
        let every = Duration::from_secs_f64(1.0 / updates_per_s);
        server.handle().spawn(async move {
            let mut ticks = tokio::time::interval(every);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            // Between the bridge and the page: what the bridge does not measure itself.
            let mut own = Bank::new(&[Stage::Drained, Stage::Published], 0);
            loop {
                ticks.tick().await;
                let second = clock_seconds(&looking);
                let alerts = looking.publish(&publisher, &mut own, |of| watch.look(of, second));
                alerts.iter().for_each(|alert| messengers.send(alert));
            }
        });
        Ok(Self { server, desk })
    }

    /// Where a browser finds it.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The pinned threads, once they run.
    pub fn watch(&self, threads: Vec<Watched>) {
        *lock(&self.desk.threads) = threads;
    }

    /// Tells the listeners that it is over.
    pub fn stop(self) {
        self.server.stop();
    }
}

/// Seconds since the start.
fn clock_seconds(desk: &Desk) -> u64 {
    desk.clock.now().since(desk.started).raw() / 1_000_000_000
}

/// A lock that outlives a panic: what is kept is still the best there is.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
