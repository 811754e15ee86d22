//! A live session as a value: the pinned threads and the drain thread, started, watched and ended in one place.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam::channel::{Receiver, unbounded};
use paperwire_config::Config;
use paperwire_core::agent::Agent;
use paperwire_core::command::Command;
use paperwire_core::event::MarketEvent;
use paperwire_core::glance::{GlanceDrain, Glances};
use paperwire_core::latency::BankSwap;
use paperwire_core::limits::{
    COMMAND_RING_LEN, FEED_REPORT_RING_LEN, MARKET_RING_LEN, REPORT_RING_LEN, SENTIMENT_RING_LEN,
};
use paperwire_core::raw::RawProducer;
use paperwire_core::regime::Sentiment;
use paperwire_core::ring::{Consumer, Producer, ring};
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::agent::EngineAgent;
use paperwire_exec::engine::{ENGINE_STAGES, Engine};
use paperwire_exec::report::Report;
use paperwire_feed::agent::{FEED_STAGES, FeedAgent, FeedParts};
use paperwire_feed::control::Control;
use paperwire_feed::net::connect::{Connector, Endpoint};
use paperwire_feed::report::FeedReport;
use paperwire_feed::start::Started;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_replay::report;
use paperwire_replay::tally::{Tally, ThreadRow};
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::Stop;
use paperwire_rt::runner::{self, RunnerConfig, Running, Wait};

use crate::budget::Budget;
use crate::drain::{CallWatch, Commands, Drain, Drained, Rings};
use crate::host_watch::HostWatch;
use crate::sink::Sinks;
use crate::sinks::lines::Lines;
use crate::told::Tell;
use crate::totals::{SharedTotals, Totals, lock};

const STATUS_EVERY: DurationNs = DurationNs::from_secs(10);
/// After a request to stop, a thread that does not end is left behind.
const STOP_DEADLINE: DurationNs = DurationNs::from_secs(10);

/// Everything between the threads of a session, made before any of them runs.
#[derive(Debug)]
pub struct Wiring {
    /// To the feed, which makes events of them.
    pub commands: Commands,
    /// To the sinks, for all threads.
    pub tell: Tell,
    /// What the session has come to.
    pub totals: SharedTotals,
    /// The market for people, from the engine.
    pub glances: Option<GlanceDrain>,
    /// To the feed: sentiment from outside the venue.
    pub sentiments: Option<Producer<Sentiment>>,
    ends: Ends,
    rings: Rings,
}

/// The pinned threads' ends of it.
#[derive(Debug)]
struct Ends {
    market: (Producer<MarketEvent>, Consumer<MarketEvent>),
    reports: Producer<Report>,
    feed_reports: Producer<FeedReport>,
    feed_banks: BankSwap,
    engine_banks: BankSwap,
    glances: Glances,
    commands: Consumer<Command>,
    sentiments: Consumer<Sentiment>,
}

impl Wiring {
    /// Every ring of a session of the tally's strategies and symbols.
    pub fn new(tally: Tally) -> Self {
        let (strategies, symbols) = (tally.strategies.len(), tally.instruments.len());
        let (reports, reports_out) = ring(REPORT_RING_LEN);
        let (feed_reports, feed_reports_out) = ring(FEED_REPORT_RING_LEN);
        let (feed_banks, feed_drain) = BankSwap::new(&FEED_STAGES, 0);
        let (engine_banks, engine_drain) = BankSwap::new(&ENGINE_STAGES, strategies);
        let (commands_in, commands) = ring(COMMAND_RING_LEN);
        let (sentiments_in, sentiments) = ring(SENTIMENT_RING_LEN);
        let (glances, glances_out) = Glances::new(symbols);
        let (tell, told) = unbounded();
        Self {
            commands: Arc::new(Mutex::new(commands_in)),
            tell,
            totals: Arc::new(Mutex::new(Totals::new(tally))),
            glances: Some(glances_out),
            sentiments: Some(sentiments_in),
            ends: Ends {
                market: ring(MARKET_RING_LEN),
                reports,
                feed_reports,
                feed_banks,
                engine_banks,
                glances,
                commands,
                sentiments,
            },
            rings: Rings {
                reports: reports_out,
                feed_reports: feed_reports_out,
                banks: [feed_drain, engine_drain],
                told,
            },
        }
    }
}

/// What a session is made of besides its wiring.
#[derive(Debug)]
pub struct LiveParts<'a> {
    /// Its configuration.
    pub config: &'a Config,
    /// The first connection.
    pub started: Started,
    /// Where to connect again.
    pub endpoint: Endpoint,
    /// Bars of the past, for the warm-up.
    pub history: Vec<Control>,
    /// To the recorder, when there is one.
    pub raw: Option<RawProducer>,
    /// The strategies and their accounts.
    pub engine: Engine,
    /// Where reports go.
    pub sinks: Sinks,
    /// How long a strategy may take; zero is off.
    pub budget: DurationNs,
    /// Whether the engine's thread is watched, so that long calls can be attributed.
    pub is_watched: bool,
    /// How the drain thread waits.
    pub drain_wait: Wait,
    /// Requests to stop.
    pub stop: Stop,
    /// The session's clock.
    pub clock: HostClock,
}

/// A session that runs: `F` is the feed's agent, or one around it.
#[derive(Debug)]
pub struct LiveRun<F> {
    /// The feed's thread.
    pub feed: Running<F>,
    /// The engine's thread.
    pub engine: Running<EngineAgent<HostClock>>,
    /// What the session has come to.
    pub totals: SharedTotals,
    /// Where the two threads are, and how they wait.
    pub runners: [RunnerConfig; 2],
    drain: JoinHandle<Drained>,
    lines: Receiver<String>,
    clock: HostClock,
    started_at: HostNs,
}

/// A session that has ended, its sinks not closed yet.
#[derive(Debug)]
pub struct Ended<T> {
    /// What was taken of the feed, unless its thread died.
    pub feed: Result<T, RunError>,
    /// Times the engine halted trading, unless its thread died.
    pub halts: Result<u64, RunError>,
    /// The threads that ended.
    pub threads: Vec<ThreadRow>,
    /// What is left of the drain thread.
    pub drained: Drained,
    /// Lines that nobody has read yet.
    pub lines: Vec<String>,
    /// How long it was.
    pub elapsed: DurationNs,
}

/// Starts the three threads. `around` makes of the feed's agent the one that runs.
///
/// # Errors
/// [`RunError::Internal`] when the system has no thread left.
pub fn start<F: Agent + Send + 'static>(
    wiring: Wiring,
    mut parts: LiveParts<'_>,
    around: impl FnOnce(FeedAgent) -> F,
) -> Result<LiveRun<F>, RunError> {
    let (config, clock) = (parts.config, parts.clock.clone());
    let runners = config.threads.placement();
    let [feed_runner, engine_runner] = runners;
    let Wiring { commands, totals, ends, rings, .. } = wiring;
    let Started { socket, instruments, system, early } = parts.started;
    let connector = Connector::start(parts.endpoint, clock.clone(), parts.stop);
    let feed = FeedAgent::new(
        FeedParts {
            socket,
            early,
            connector: connector.map_err(internal)?,
            instruments,
            system,
            market: ends.market.0,
            raw: parts.raw,
            reports: ends.feed_reports,
            banks: ends.feed_banks,
            commands: ends.commands,
            sentiments: ends.sentiments,
            history: parts.history,
            seed: config.session.seed,
        },
        &config.feed,
        clock.clone(),
    );
    let engine = EngineAgent::new(
        parts.engine,
        ends.market.1,
        ends.reports,
        ends.engine_banks,
        ends.glances,
        clock.clone(),
        config.session.flatten_on_exit,
    );
    let engine = runner::spawn(engine, engine_runner, clock.clone()).map_err(internal)?;
    let feed = runner::spawn(around(feed), feed_runner, clock.clone()).map_err(internal)?;
    let host = parts.is_watched.then(|| host_watch(&engine, engine_runner)).flatten();
    let (lines_in, lines) = unbounded();
    parts.sinks.push(Box::new(Lines(lines_in)));
    let strategies = lock(&totals).tally.strategies.len();
    let budget = Budget::new(parts.budget, strategies);
    let (wait, sinks) = (parts.drain_wait, parts.sinks);
    let calls = CallWatch { host, budget, commands };
    let drain = Drain::new(rings, totals.clone(), calls, sinks, wait, clock.clone());
    let drain = drain.start().map_err(internal)?;
    let started_at = clock.now();
    Ok(LiveRun { feed, engine, totals, runners, drain, lines, clock, started_at })
}

/// A watch over the engine's thread; none where the kernel tells nothing of threads.
fn host_watch<A>(engine: &Running<A>, runner: RunnerConfig) -> Option<HostWatch> {
    while engine.stats().thread().is_none() && !engine.is_finished() {
        Wait::Doze.wait();
    }
    let stats = engine.stats();
    let core = runner.core.filter(|_| stats.is_pinned());
    HostWatch::new(stats.thread()?, runner.wait == Wait::Spin, core).ok()
}

impl<F> LiveRun<F> {
    /// Tells what goes on until a thread ends, `stop` is asked for, nobody reads any more, or after `duration`.
    ///
    /// # Errors
    /// [`RunError::Config`] when the venue refused a symbol before the session was live.
    pub fn watch(
        &self,
        duration: Option<DurationNs>,
        stop: &AtomicU32,
        notices: &mut dyn Notices,
    ) -> Result<(), RunError> {
        let ends_at = duration.map(|duration| self.started_at.plus(duration));
        let mut next_status = self.started_at.plus(STATUS_EVERY);
        loop {
            for _ in 0..50 {
                Wait::Doze.wait();
            }
            let now = self.clock.now();
            self.lines.try_iter().for_each(|line| notices.notice(&line));
            let mut totals = lock(&self.totals);
            if let Some(rejected) = totals.rejected.take()
                && !totals.was_live
            {
                return Err(RunError::Config(format!("the venue refused {rejected}")));
            }
            if now >= next_status {
                next_status = now.plus(STATUS_EVERY);
                let hot_allocs = alloc_guard::hot_allocs_total();
                let elapsed = now.since(self.started_at).as_secs_f64();
                notices.status(&report::status(
                    &totals.tally,
                    &totals.counters,
                    elapsed,
                    hot_allocs,
                ));
            }
            drop(totals);
            if self.feed.is_finished() || self.engine.is_finished() {
                return Ok(());
            }
            if stop.load(Ordering::Acquire) > 0 {
                notices.notice("stopping: positions are marked, logs are written; again to force");
                return Ok(());
            }
            // Whoever closes the pipe of `run 2>&1 | head` wants the run to end, and it ends in order.
            if ends_at.is_some_and(|end| now >= end) || notices.is_unread() {
                return Ok(());
            }
        }
    }

    /// Ends the threads in the order in which data flows, so that nothing that was received stays unreported. Each
    /// thread ends when the agent before it is gone: `take` keeps what is wanted of the feed's.
    ///
    /// # Errors
    /// [`RunError::Internal`] when the drain thread panicked.
    pub fn end<T>(self, take: impl FnOnce(F) -> T) -> Result<Ended<T>, RunError> {
        let [feed_runner, engine_runner] = self.runners;
        let mut threads = Vec::new();
        self.feed.stop();
        let feed = join(self.feed, feed_runner, &self.clock, "feed").map(|(agent, row)| {
            threads.push(row);
            take(agent)
        });
        let engine = join(self.engine, engine_runner, &self.clock, "engine");
        let halts = engine.map(|(agent, row)| {
            threads.push(row);
            agent.halts()
        });
        let drained = self.drain.join();
        let drained =
            drained.map_err(|_| RunError::Internal("the bridge thread panicked".to_owned()))?;
        let elapsed = self.clock.now().since(self.started_at);
        Ok(Ended { feed, halts, threads, drained, lines: self.lines.try_iter().collect(), elapsed })
    }
}

/// Waits for a thread that was asked to end.
///
/// # Errors
/// [`RunError::Internal`] when it panicked, or does not end.
pub fn join<A>(
    running: Running<A>,
    config: RunnerConfig,
    clock: &HostClock,
    name: &'static str,
) -> Result<(A, ThreadRow), RunError> {
    let deadline = clock.now().plus(STOP_DEADLINE);
    while !running.is_finished() {
        if clock.now() > deadline {
            return Err(RunError::Internal(format!("the {name} thread does not end")));
        }
        Wait::Doze.wait();
    }
    let row = ThreadRow::of(name, config, running.stats());
    let agent = running.join();
    let agent = agent.map_err(|_| RunError::Internal(format!("the {name} thread panicked")))?;
    Ok((agent, row))
}

/// What the system refuses a program.
#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub fn internal(error: std::io::Error) -> RunError {
    RunError::Internal(error.to_string())
}
