//! `paperwire run`: starts the threads, watches over them, ends them in order, and reports.

mod describe;
mod finish;
mod machine;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use paperwire_core::instrument::Instrument;
use paperwire_core::limits::SENTIMENT_RING_LEN;
use paperwire_core::raw::raw_ring;
use paperwire_core::regime::Sentiment;
use paperwire_core::ring::{Producer, ring};
use paperwire_core::time::DurationNs;
use paperwire_exec::agent::EngineAgent;
use paperwire_exec::engine::CallOrder;
use paperwire_feed::agent::{FeedAgent, FeedParts};
use paperwire_feed::market::Counters;
use paperwire_feed::net::connect::Connector;
use paperwire_feed::start::{self, Patience, StartError, Started};
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::Stop;
use paperwire_rt::runner::{self, RunnerConfig, Running, Wait};

use crate::attribution::{HostWatch, ThreadRow};
use crate::budget::Budget;
use crate::compare::blocks::Blocks;
use crate::conditions::Conditions;
use crate::config::Config;
use crate::console::{self, Console};
use crate::drain::{self, DrainParts, Shared};
use crate::hdr::HdrFile;
use crate::journal::stream::Lost;
use crate::journal::{Entry, Journal, JournalConfig};
use crate::output::Stores;
use crate::page::{Page, Watched};
use crate::recorder::RecorderThread;
use crate::report::{self, Summary};
use crate::sentiment::{self, News, SentimentTask};
use crate::setup::{self, SetupError};
use crate::tally::{StrategyName, Tally};
use crate::terminal::{self, Terminal};
use crate::trail::Trail;
use crate::venue::Venue;
use crate::{doctor, history, preflight, probes, trust};

/// Why a run did not start or did not end well; the kind decides the exit code.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The configuration or a symbol is wrong (exit code 1).
    #[error("{0}")]
    Config(String),
    /// No connection (exit code 2).
    #[error("{0}")]
    Connection(String),
    /// A strategy is wrong (exit code 3).
    #[error(transparent)]
    Strategy(#[from] SetupError),
    /// A file cannot be written (exit code 4).
    #[error("{0}")]
    Storage(String),
    /// A thread died, or the system has none (exit code 5).
    #[error("{0}")]
    Internal(String),
    /// The first request to stop came before the session began (exit code 130).
    #[error("stopped on request before the session began; nothing was traded")]
    Stopped,
}

impl RunError {
    /// The process's exit code.
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) => 1,
            Self::Connection(_) => 2,
            Self::Strategy(
                SetupError::Config(_) | SetupError::Numeraire(_) | SetupError::Unpriced { .. },
            ) => 1,
            Self::Strategy(_) => 3,
            Self::Storage(_) => 4,
            Self::Internal(_) => 5,
            Self::Stopped => 130,
        }
    }
}

impl From<StartError> for RunError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::UnknownSymbols { .. } | StartError::Closed { .. } => {
                Self::Config(error.to_string())
            }
            StartError::Connect { .. }
            | StartError::Socket { .. }
            | StartError::NoInstruments { .. } => Self::Connection(error.to_string()),
            StartError::Stopped => Self::Stopped,
        }
    }
}

/// What the command line adds to the configuration.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    /// Tape to record to.
    pub record: Option<PathBuf>,
    /// Folder for the histogram log.
    pub hdr: Option<PathBuf>,
    /// Print JSON at the end instead of tables.
    pub json: bool,
    /// Take commands from standard input.
    pub console: bool,
    /// Refuse strategies that are not trusted in this file.
    pub strict: Option<PathBuf>,
    /// Serve the page, where the configuration has one.
    pub has_page: bool,
    /// Keep history, where the configuration does.
    pub has_history: bool,
    /// Collects each second's histograms of the strategies; then nothing is reported at the end.
    pub blocks: Option<Arc<Mutex<Blocks>>>,
    /// Seed of the order of calls, where it is not to follow from the session's.
    pub order_seed: Option<u64>,
}

/// Attempts to connect before the start is given up.
const START_ATTEMPTS: u32 = 3;
const STATUS_EVERY: DurationNs = DurationNs::from_secs(10);
/// After a request to stop, a thread that does not end is left behind.
const STOP_DEADLINE: DurationNs = DurationNs::from_secs(10);

/// Runs a session to its end. `stop` counts the requests to stop: the first ends the session in
/// order, the second is the caller's to act on.
///
/// # Errors
/// [`RunError`].
pub fn run(
    config: &Config,
    options: &RunOptions,
    stop: &Arc<AtomicU32>,
    terminal: &mut Terminal,
) -> Result<(), RunError> {
    let clock = HostClock::new();
    let chosen = preflight::check(config, options.has_page)?;
    match &options.strict {
        Some(lock) => setup::require_trust(&chosen, lock)?,
        None => {
            let changed = setup::changed_since_trusted(&chosen, Path::new(trust::LOCK));
            changed.iter().for_each(|line| terminal.notice(line));
        }
    }
    let conditions = Conditions::of(config);
    let probe_tax = probes::measure(&clock);
    let host = doctor::quick(config).with_probes(probe_tax);
    terminal.notice(&host.line());
    terminal.notice(&format!("probes: {probe_tax}"));
    let runtime = async_runtime(stop)?;
    let venue = Venue::open(config, &runtime, terminal)?;

    let session = describe::session_name();
    let order_seed = options.order_seed.unwrap_or_else(|| setup::order_seed(config));
    let names = setup::names(&chosen);
    let (mut raw, mut recorder) = match &options.record {
        None => (None, None),
        Some(path) => {
            Stores::of(config, None).refuse(path)?;
            let (producer, consumer) = raw_ring();
            let meta = describe::tape_meta(config, &session, &names, &host, order_seed);
            let meta = meta.to_string();
            let recorder = RecorderThread::start(path, meta.as_bytes(), consumer, clock.clone());
            (Some(producer), Some(recorder.map_err(storage)?))
        }
    };
    let symbols = &config.session.symbols;
    let endpoint = machine::polling(config, &venue, terminal);
    let stops = Stop::of(stop.clone());
    let patience = Patience { attempts: START_ATTEMPTS, clock: &clock, stop: &stops };
    let Started { socket, instruments: listed, system, early } =
        start::start(&endpoint, symbols, &patience, &mut raw)?;
    let instruments = start::under(system, &listed);
    let history = venue.history(config, &instruments, &clock, &stops, terminal)?;

    let order = CallOrder::Permuted(order_seed);
    let engine = setup::engine(config, &chosen, &instruments, config.feed.depth, order)?;
    let journal = start_journal(config, &session, &names, &instruments, &clock)?;
    let hdr = options.hdr.as_deref().map(|folder| open_hdr(folder, &session, &names, &clock));
    let hdr = hdr.transpose()?;
    if let Some(journal) = &journal {
        let source = &venue.name;
        let details =
            describe::start_details(config, &names, &instruments, source, &host, order_seed);
        journal.write(Entry::System("session_start", details));
    }

    let (ends, parts) = drain::wire(names.len(), instruments.len());
    let commands = parts.commands.clone();
    let params = Arc::new(Mutex::new(setup::live_params(&chosen)));
    let (sentiments_in, sentiments_out) = ring(SENTIMENT_RING_LEN);
    let mut tally = Tally::new(names.clone(), instruments.clone(), config.account.capital);
    if recorder.is_some() {
        tally.trail = Trail::Record(Vec::new());
    }
    let shared = Arc::new(Mutex::new(Shared::new(tally, Counters::default())));
    let rest = venue.rest();
    let live = match options.has_history {
        true => history::live::start(config, &session, &names, &instruments, rest, &clock)?,
        false => None,
    };
    let drain_parts = DrainParts {
        history: live,
        budget: Budget::new(config.threads.strategy_budget, names.len()),
        journal,
        hdr,
        trail: recorder.as_ref().map(RecorderThread::trail),
        tape_notices: recorder.as_mut().map(RecorderThread::notices),
        blocks: options.blocks.clone(),
        ..parts
    };
    let page = match options.has_page && config.dashboard.enabled {
        false => None,
        true => {
            let source = &venue.name;
            let facts =
                describe::facts(config, &session, &chosen, &instruments, source, &host, options);
            let page =
                Page::start(facts, &history, &shared, commands.clone(), params.clone(), &clock);
            Some(page.map_err(|error| RunError::Config(error.to_string()))?)
        }
    };
    let drain = drain::start(drain_parts, shared.clone(), clock.clone()).map_err(internal)?;
    let feed = FeedAgent::new(
        FeedParts {
            socket,
            early,
            connector: Connector::start(endpoint, clock.clone(), stops).map_err(internal)?,
            instruments: listed,
            system,
            market: ends.market.0,
            raw,
            reports: ends.feed_reports,
            banks: ends.feed_banks,
            commands: ends.commands,
            sentiments: sentiments_out,
            history,
            seed: config.session.seed,
        },
        &config.feed,
        clock.clone(),
    )
    .trusting_exchange_time(crate::venue::has_exchange_time(config));
    let engine = EngineAgent::new(
        engine,
        ends.market.1,
        ends.reports,
        ends.engine_banks,
        ends.glances,
        clock.clone(),
        config.session.flatten_on_exit,
    );
    let [feed_runner, engine_runner] = placement(config);
    terminal.notice(&format!(
        "feed on {}, engine on {}, waiting by {}",
        shown_core(feed_runner.core),
        shown_core(engine_runner.core),
        feed_runner.wait.as_str()
    ));
    terminal.notice(&conditions.to_string());
    for warning in config.regime.warnings() {
        terminal.notice(&format!("[regime]: {warning}"));
    }
    if options.console {
        terminal.notice(console::HELP);
        let console = Console::new(commands, params);
        console::listen(console, shared.clone()).map_err(internal)?;
    }
    machine::lock_memory(config, terminal);
    let engine = runner::spawn(engine, engine_runner, clock.clone()).map_err(internal)?;
    let feed = runner::spawn(feed, feed_runner, clock.clone()).map_err(internal)?;
    lock(&shared).host = host_watch(&engine, engine_runner);
    machine::say_unpinned("feed", &feed, feed_runner.core, terminal);
    machine::say_unpinned("engine", &engine, engine_runner.core, terminal);
    if let Some(page) = &page {
        terminal.notice(&format!("dashboard at {}", page.url()));
        page.watch(vec![
            Watched { name: "feed", runner: feed_runner, stats: feed.stats().clone() },
            Watched { name: "engine", runner: engine_runner, stats: engine.stats().clone() },
        ]);
    }

    if let Some(recorder) = &mut recorder {
        recorder.keep();
    }
    let sentiment = follow_sentiment(config, &runtime, &clock, sentiments_in, shared.clone());
    let started_at = clock.now();
    let watched = watch(config, stop, terminal, &shared, &feed, &engine, &clock);

    // The way of the data is the order of the end: nothing that was received stays unreported.
    drop(sentiment);
    if let Some(page) = page {
        page.stop();
    }
    feed.stop();
    let feed_end = join(feed, feed_runner, &clock, "feed");
    let raw_lost = feed_end.as_ref().map_or(0, |(agent, _)| agent.raw_lost());
    let counters = feed_end
        .as_ref()
        .map_or_else(|_| lock(&shared).counters, |(agent, _)| *agent.market().counters());
    let arrivals =
        feed_end.as_ref().map_or_else(|_| Default::default(), |(agent, _)| *agent.arrivals());
    let mut threads: Vec<ThreadRow> = feed_end.iter().map(|(_, row)| row.clone()).collect();
    let feed_error = feed_end.err();
    let engine_end = join(engine, engine_runner, &clock, "engine");
    threads.extend(engine_end.iter().map(|(_, row)| row.clone()));
    let halts = engine_end.as_ref().map_or(0, |(agent, _)| agent.halts());
    let engine_error = engine_end.err();
    let journal =
        drain.join().map_err(|_| RunError::Internal("the bridge thread panicked".to_owned()))?;

    let elapsed = clock.now().since(started_at);
    let mut shared = lock(&shared);
    shared.counters = counters;
    shared.tally.threads = threads;
    let mut summary = Summary {
        source: venue.name.clone(),
        session,
        elapsed_s: seconds(elapsed),
        conditions,
        counters,
        arrivals,
        hot_allocs: alloc_guard::hot_allocs_total(),
        recording_lost: raw_lost,
        logs_lost: Lost::default(),
        probe_tax,
        rules: config.rules,
        verification: None,
        quarantines: shared.quarantines.rows(&shared.tally.instruments, |_| None),
        notes: std::mem::take(&mut shared.log_problems),
    };
    if halts > 0 {
        summary.notes.push(format!("trading halted {halts} times: the logs could not keep up"));
    }
    // A start that failed leaves no recording, so that the same command can be given again.
    let is_failed_start = watched.is_err() && !shared.was_live;
    let tape_lost = match (recorder, &options.record) {
        (Some(recorder), _) if is_failed_start => {
            recorder.discard();
            None
        }
        (Some(recorder), Some(path)) => {
            finish::recording(recorder, path, &shared.tally, &mut summary)
        }
        _ => None,
    };
    let logs_lost = journal.and_then(|of| finish::journal(of, &shared.tally, &mut summary));
    for notice in std::mem::take(&mut shared.notices) {
        terminal.notice(&notice);
    }
    let history_failed = finish::history(&mut shared, &mut summary);
    if options.blocks.is_none() {
        terminal.report(&shared.tally, &summary, options.json);
    }
    drop(shared);
    venue.close(&runtime);
    watched?;
    match feed_error.or(engine_error).or(logs_lost).or(tape_lost).or(history_failed) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// The threads of everything async.
pub(crate) struct AsyncRuntime(Option<tokio::runtime::Runtime>);

impl std::ops::Deref for AsyncRuntime {
    type Target = tokio::runtime::Runtime;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref().expect("it is only taken when it is dropped")
    }
}

impl Drop for AsyncRuntime {
    /// Without waiting: a request to a server that does not answer would hold the end of the program.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The threads of everything async; signals count into `stop` from now on.
pub(crate) fn async_runtime(stop: &Arc<AtomicU32>) -> Result<AsyncRuntime, RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("async")
        .enable_all()
        .build()
        .map_err(internal)?;
    watch_signals(&runtime, stop.clone());
    Ok(AsyncRuntime(Some(runtime)))
}

/// Starts fetching slow values, which travel to the feed thread and become events there.
fn follow_sentiment(
    config: &Config,
    runtime: &tokio::runtime::Runtime,
    clock: &HostClock,
    mut to_feed: Producer<Sentiment>,
    shared: Arc<Mutex<Shared>>,
) -> Option<SentimentTask> {
    let publish = move |news| match news {
        // A ring that is full holds newer values than anyone needs.
        News::Sentiment(sentiment) => drop(to_feed.push(sentiment)),
        News::Notice(notice) => lock(&shared).notices.push_back(notice),
    };
    let (age_max, seed) = (config.regime.sentiment_age_max, config.session.seed);
    sentiment::start(runtime.handle(), &config.sentiment, age_max, clock, seed, publish)
}

pub(crate) fn watch_signals(runtime: &tokio::runtime::Runtime, stop: Arc<AtomicU32>) {
    runtime.spawn(async move {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        else {
            return;
        };
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if stop.fetch_add(1, Ordering::AcqRel) > 0 {
                // The second request: whatever still runs is given up.
                std::process::exit(130);
            }
        }
    });
}

fn watch<F, E>(
    config: &Config,
    stop: &AtomicU32,
    terminal: &mut Terminal,
    shared: &Mutex<Shared>,
    feed: &Running<F>,
    engine: &Running<E>,
    clock: &HostClock,
) -> Result<(), RunError> {
    let started = clock.now();
    let ends_at = match config.session.duration_s {
        0 => None,
        seconds => Some(started.plus(DurationNs::from_secs(seconds))),
    };
    let mut next_status = started.plus(STATUS_EVERY);
    loop {
        for _ in 0..50 {
            Wait::Doze.wait();
        }
        let now = clock.now();
        let mut state = lock(shared);
        while let Some(notice) = state.notices.pop_front() {
            terminal.notice(&notice);
        }
        if let Some(rejected) = state.rejected.take()
            && !state.was_live
        {
            return Err(RunError::Config(format!("the venue refused {rejected}")));
        }
        if now >= next_status {
            next_status = now.plus(STATUS_EVERY);
            let hot_allocs = alloc_guard::hot_allocs_total();
            let elapsed = seconds(now.since(started));
            let line = report::status(&state.tally, &state.counters, elapsed, hot_allocs);
            terminal.status(&line);
        }
        drop(state);
        if feed.is_finished() || engine.is_finished() {
            return Ok(());
        }
        if stop.load(Ordering::Acquire) > 0 {
            terminal.notice("stopping: positions are marked, logs are written; again to force");
            return Ok(());
        }
        // Whoever closes the pipe of `run 2>&1 | head` wants the run to end, and it ends in order.
        if ends_at.is_some_and(|end| now >= end) || terminal::is_unread() {
            return Ok(());
        }
    }
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

pub(crate) fn join<A>(
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

/// Which cores, and how to wait: the last two cores, if there are at least three.
pub(crate) fn placement(config: &Config) -> [RunnerConfig; 2] {
    let cores = runner::usable_cores();
    let wait = config.threads.wait.unwrap_or_else(|| Wait::for_cores(cores.len()));
    let from_end = |place: usize| {
        if cores.len() >= 3 { cores.get(cores.len() - place).copied() } else { None }
    };
    let feed_core = config.threads.feed_core.or_else(|| from_end(2));
    let engine_core = config.threads.engine_core.or_else(|| from_end(1));
    [RunnerConfig { core: feed_core, wait }, RunnerConfig { core: engine_core, wait }]
}

fn shown_core(core: Option<usize>) -> String {
    core.map_or_else(|| "any core".to_owned(), |core| format!("core {core}"))
}

fn open_hdr(
    folder: &Path,
    session: &str,
    names: &[StrategyName],
    clock: &HostClock,
) -> Result<HdrFile, RunError> {
    let tags = names.iter().map(|name| name.instance.clone()).collect();
    let path = folder.join(format!("{session}.hlog"));
    HdrFile::create(&path, tags, clock.now())
        .map_err(|error| RunError::Storage(format!("{}: {error}", path.display())))
}

fn start_journal(
    config: &Config,
    session: &str,
    names: &[StrategyName],
    instruments: &[Instrument],
    clock: &HostClock,
) -> Result<Option<Journal>, RunError> {
    if config.logs.dir.is_empty() {
        return Ok(None);
    }
    let journal_config = JournalConfig {
        dir: PathBuf::from(&config.logs.dir),
        file_bytes_max: config.logs.file_mb_max << 20,
        files_max: usize::try_from(config.logs.files_max).unwrap_or(usize::MAX),
        session: session.to_owned(),
    };
    let journal = Journal::start(journal_config, names, instruments, clock.clone());
    journal.map(Some).map_err(|error| RunError::Storage(error.to_string()))
}

/// A lock that outlives a panic: the sums are still the best there is.
pub(crate) fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn seconds(span: DurationNs) -> f64 {
    std::time::Duration::from_nanos(span.raw()).as_secs_f64()
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
pub(crate) fn internal(error: std::io::Error) -> RunError {
    RunError::Internal(error.to_string())
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn storage(error: paperwire_tape::TapeError) -> RunError {
    RunError::Storage(error.to_string())
}
