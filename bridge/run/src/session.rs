//! A whole session from the configuration to its end: connects, starts, watches, ends in order, and sums up.

mod describe;
mod machine;

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

use paperwire_config::Config;
use paperwire_config::conditions::Conditions;
use paperwire_core::instrument::Instrument;
use paperwire_core::raw::{RawProducer, raw_ring};
use paperwire_core::regime::Sentiment;
use paperwire_core::ring::Producer;
use paperwire_core::time::DurationNs;
use paperwire_doctor::probes::ProbeTax;
use paperwire_doctor::{self as doctor, Examination, probes};
use paperwire_exec::engine::CallOrder;
use paperwire_feed::agent::FeedAgent;
use paperwire_feed::arrival::ArrivalCounts;
use paperwire_feed::market::Counters;
use paperwire_feed::start::{self, Patience};
use paperwire_history::writer::WriterStats;
use paperwire_replay::error::RunError;
use paperwire_replay::notices::Notices;
use paperwire_replay::output::Stores;
use paperwire_replay::report::{Lost, Summary};
use paperwire_replay::setup::{self, Chosen};
use paperwire_replay::tally::{StrategyName, Tally};
use paperwire_replay::trail::Trail;
use paperwire_replay::trust;
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::Stop;
use paperwire_rt::runner::Wait;

use crate::console::{self, Console};
use crate::live::{self, Ended, LiveParts, LiveRun, Wiring, internal};
use crate::preflight;
use crate::runtime::{AsyncRuntime, async_runtime};
use crate::sentiment::{self, News, SentimentTask};
use crate::sink::{Closing, Sink, Sinks};
use crate::sinks::hdr::HdrSink;
use crate::sinks::history::HistorySink;
use crate::sinks::journal::{Journal, JournalConfig, JournalSink};
use crate::sinks::tape::{RecorderThread, TapeSink};
use crate::spectator::{Seat, SharedParams, Spectator, Watched};
use crate::told::{Tell, Told};
use crate::totals::{SharedTotals, lock};
use crate::venue::{self, Venue};

/// What the command line adds to the configuration.
#[derive(Debug, Default)]
pub struct RunOptions {
    /// Tape to record to.
    pub record: Option<PathBuf>,
    /// Folder for the histogram log.
    pub hdr: Option<PathBuf>,
    /// Take commands from standard input.
    pub console: bool,
    /// Refuse strategies that are not trusted in this file.
    pub strict: Option<PathBuf>,
    /// Keep history, where the configuration does.
    pub has_history: bool,
    /// Who looks at it.
    pub spectator: Option<Box<dyn Spectator>>,
    /// Further destinations.
    pub sinks: Sinks,
    /// Seed of the order of calls, where it is not to follow from the session's.
    pub order_seed: Option<u64>,
}

/// A session that came to an end.
#[derive(Debug)]
pub struct Finished {
    /// What it came to.
    pub totals: SharedTotals,
    /// The rest of the report.
    pub summary: Summary,
    /// Why it did not end well, if it did not.
    pub error: Option<RunError>,
}

impl Finished {
    /// Whether it ended well.
    ///
    /// # Errors
    /// The first reason why it did not.
    pub fn result(self) -> Result<(), RunError> {
        self.error.map_or(Ok(()), Err)
    }
}

/// Attempts to connect before the start is given up.
const START_ATTEMPTS: u32 = 3;

/// Runs a session to its end. `stop` counts the requests to stop: the first ends the session in
/// order, the second is the caller's to act on.
///
/// # Errors
/// [`RunError`] when it does not begin.
pub fn run(
    config: &Config,
    mut options: RunOptions,
    stop: &Arc<AtomicU32>,
    notices: &mut dyn Notices,
) -> Result<Finished, RunError> {
    let clock = HostClock::new();
    let chosen = chosen(config, &options, notices)?;
    let probe_tax = probes::measure(&clock);
    let host = doctor::quick(&setup::demands(config)).with_probes(probe_tax);
    notices.notice(&host.line());
    notices.notice(&format!("probes: {probe_tax}"));
    let runtime = async_runtime(stop)?;
    let venue = Venue::open(config, &runtime, notices)?;

    let names = setup::names(&chosen);
    let order_seed = options.order_seed.unwrap_or_else(|| setup::order_seed(config));
    let session = describe::session_name();
    let about = About { config, session: &session, names: &names, host: &host, order_seed };
    let (mut raw, recorder) = record(&about, options.record.as_deref(), &clock)?;
    let stops = Stop::of(stop.clone());
    let patience = Patience { attempts: START_ATTEMPTS, clock: &clock, stop: &stops };
    let endpoint = machine::polling(config, &venue, notices);
    let started = start::start(&endpoint, &config.session.symbols, &patience, &mut raw)?;
    let instruments = start::under(started.system, &started.instruments);
    let history = venue.history(config, &instruments, &clock, &stops, notices)?;

    let order = CallOrder::Permuted(order_seed);
    let engine = setup::engine(config, &chosen, &instruments, config.feed.depth, order)?;
    let mut tally = Tally::new(names.clone(), instruments.clone(), config.account.capital);
    if recorder.is_some() {
        tally.trail = Trail::Record(Vec::new());
    }
    let (mut sinks, store) =
        open_sinks(&about, &mut options, recorder, &instruments, &venue, &clock)?;
    let mut wiring = Wiring::new(tally);
    let params: SharedParams = Arc::new(Mutex::new(setup::live_params(&chosen)));
    if let Some(spectator) = &mut options.spectator {
        let seat = Seat {
            config,
            session: &session,
            source: &venue.name,
            chosen: &chosen,
            instruments: &instruments,
            history: &history,
            host: &host,
            tape: options.record.as_deref(),
            store,
            totals: &wiring.totals,
            commands: &wiring.commands,
            params: &params,
            tell: &wiring.tell,
            glances: wiring.glances.take().expect("nobody else looks"),
            clock: &clock,
        };
        sinks.push(spectator.sit(seat)?);
    }
    announce(config, notices);
    let (commands, tell) = (wiring.commands.clone(), wiring.tell.clone());
    if options.console {
        notices.notice(console::HELP);
        console::listen(Console::new(commands, params), tell.clone()).map_err(internal)?;
    }
    machine::lock_memory(config, notices);
    let sentiment = follow_sentiment(config, &runtime, &clock, wiring.sentiments.take(), tell);
    let parts = LiveParts {
        config,
        started,
        endpoint,
        history,
        raw,
        engine,
        sinks,
        budget: config.threads.strategy_budget,
        is_watched: true,
        drain_wait: Wait::Park,
        stop: stops,
        clock: clock.clone(),
    };
    let has_time = venue::has_exchange_time(config);
    let running = live::start(wiring, parts, |feed| feed.trusting_exchange_time(has_time))?;
    machine::say_unpinned("feed", &running.feed, running.runners[0].core, notices);
    machine::say_unpinned("engine", &running.engine, running.runners[1].core, notices);
    if let Some(spectator) = &mut options.spectator {
        let [feed, engine] = running.runners;
        let line = spectator.begin(vec![
            Watched { name: "feed", runner: feed, stats: running.feed.stats().clone() },
            Watched { name: "engine", runner: engine, stats: running.engine.stats().clone() },
        ]);
        notices.notice(&line);
    }
    let seconds = Some(config.session.duration_s).filter(|seconds| *seconds > 0);
    let watched = running.watch(seconds.map(DurationNs::from_secs), stop, notices);

    drop(sentiment);
    if let Some(spectator) = &mut options.spectator {
        spectator.leave();
    }
    let finished = conclude(&about, running, watched, &venue.name, probe_tax, notices)?;
    venue.close(&runtime);
    Ok(finished)
}

/// Ends the threads, sums up, and closes every sink.
fn conclude(
    about: &About<'_>,
    running: LiveRun<FeedAgent>,
    watched: Result<(), RunError>,
    source: &str,
    probe_tax: ProbeTax,
    notices: &mut dyn Notices,
) -> Result<Finished, RunError> {
    let totals = running.totals.clone();
    let ended = running.end(|feed| FeedEnd {
        counters: *feed.market().counters(),
        arrivals: *feed.arrivals(),
        raw_lost: feed.raw_lost(),
    })?;
    ended.lines.iter().for_each(|line| notices.notice(line));
    let mut shared = lock(&totals);
    shared.tally.threads.clone_from(&ended.threads);
    let feed = ended.feed.as_ref().ok();
    if let Some(feed) = feed {
        shared.counters = feed.counters;
    }
    let mut summary = Summary {
        source: source.to_owned(),
        session: about.session.to_owned(),
        elapsed_s: ended.elapsed.as_secs_f64(),
        conditions: Conditions::of(about.config),
        counters: shared.counters,
        arrivals: feed.map(|feed| feed.arrivals).unwrap_or_default(),
        hot_allocs: alloc_guard::hot_allocs_total(),
        recording_lost: feed.map_or(0, |feed| feed.raw_lost),
        logs_lost: Lost::default(),
        probe_tax,
        rules: about.config.rules,
        verification: None,
        quarantines: shared.quarantines.rows(&shared.tally.instruments, |_| None),
        notes: Vec::new(),
    };
    let error = close(ended, watched, &shared.tally, shared.was_live, &mut summary, notices);
    drop(shared);
    Ok(Finished { totals, summary, error })
}

/// What the feed counted to its end.
#[derive(Debug)]
struct FeedEnd {
    counters: Counters,
    arrivals: ArrivalCounts,
    raw_lost: u64,
}

/// Closes every sink, and gives the first reason why the session did not end well.
fn close(
    ended: Ended<FeedEnd>,
    watched: Result<(), RunError>,
    tally: &Tally,
    was_live: bool,
    summary: &mut Summary,
    notices: &mut dyn Notices,
) -> Option<RunError> {
    summary.notes.extend(ended.drained.problems);
    let halts = *ended.halts.as_ref().unwrap_or(&0);
    if halts > 0 {
        summary.notes.push(format!("trading halted {halts} times: the logs could not keep up"));
    }
    let is_failed_start = watched.is_err() && !was_live;
    let mut error = watched.err().or(ended.feed.err()).or(ended.halts.err());
    let mut closing = Closing { tally, summary, notices: Vec::new(), is_failed_start };
    for sink in ended.drained.sinks {
        let failed = sink.close(&mut closing);
        error = error.or(failed);
    }
    closing.notices.iter().for_each(|line| notices.notice(line));
    error
}

/// The strategies, checked and, where that is asked for, trusted.
fn chosen(
    config: &Config,
    options: &RunOptions,
    notices: &mut dyn Notices,
) -> Result<Vec<Chosen>, RunError> {
    let chosen = preflight::check(config)?;
    match &options.strict {
        Some(lock) => setup::require_trust(&chosen, lock)?,
        None => {
            let changed = setup::changed_since_trusted(&chosen, Path::new(trust::LOCK));
            changed.iter().for_each(|line| notices.notice(line));
        }
    }
    Ok(chosen)
}

/// What the first record of a log and of a tape says.
pub(crate) struct About<'a> {
    config: &'a Config,
    session: &'a str,
    names: &'a [StrategyName],
    host: &'a Examination,
    order_seed: u64,
}

/// Starts the recording that is asked for: the feed's end of it, and its thread.
fn record(
    about: &About<'_>,
    path: Option<&Path>,
    clock: &HostClock,
) -> Result<(Option<RawProducer>, Option<RecorderThread>), RunError> {
    let Some(path) = path else { return Ok((None, None)) };
    Stores::of(about.config, None).refuse(path)?;
    let (producer, consumer) = raw_ring();
    let meta = describe::tape_meta(about).to_string();
    let recorder = RecorderThread::start(path, meta.as_bytes(), consumer, clock.clone())?;
    Ok((Some(producer), Some(recorder)))
}

/// Every destination that the options and the configuration ask for, and how the history's writer is doing.
fn open_sinks(
    about: &About<'_>,
    options: &mut RunOptions,
    recorder: Option<RecorderThread>,
    instruments: &[Instrument],
    venue: &Venue,
    clock: &HostClock,
) -> Result<(Sinks, Option<Arc<WriterStats>>), RunError> {
    let About { config, session, names, .. } = *about;
    let mut sinks = std::mem::take(&mut options.sinks);
    if let Some(recorder) = recorder {
        sinks.push(Box::new(TapeSink::new(recorder)));
    }
    sinks.extend(journal(about, instruments, &venue.name, clock)?);
    if let Some(folder) = &options.hdr {
        sinks.push(Box::new(HdrSink::create(folder, session, names, clock)?));
    }
    let mut store = None;
    if options.has_history
        && let Some(kept) =
            HistorySink::start(config, session, names, instruments, venue.rest(), clock)?
    {
        store = Some(kept.stats());
        sinks.push(Box::new(kept));
    }
    Ok((sinks, store))
}

/// Starts the logs, which begin with what the session is.
fn journal(
    about: &About<'_>,
    instruments: &[Instrument],
    source: &str,
    clock: &HostClock,
) -> Result<Option<Box<dyn Sink>>, RunError> {
    let logs = &about.config.logs;
    if logs.dir.is_empty() {
        return Ok(None);
    }
    let config = JournalConfig {
        dir: PathBuf::from(&logs.dir),
        file_bytes_max: logs.file_mb_max << 20,
        files_max: usize::try_from(logs.files_max).unwrap_or(usize::MAX),
        session: about.session.to_owned(),
    };
    let journal = Journal::start(config, about.names, instruments, clock.clone());
    let journal = journal.map_err(|error| RunError::Storage(error.to_string()))?;
    let details = describe::start_details(about, instruments, source);
    Ok(Some(Box::new(JournalSink::new(journal, about.names, details))))
}

/// Says where the threads will be, and under which assumptions money is made.
fn announce(config: &Config, notices: &mut dyn Notices) {
    let [feed, engine] = config.threads.placement();
    let shown = |core: Option<usize>| {
        core.map_or_else(|| "any core".to_owned(), |core| format!("core {core}"))
    };
    notices.notice(&format!(
        "feed on {}, engine on {}, waiting by {}",
        shown(feed.core),
        shown(engine.core),
        feed.wait.as_str()
    ));
    notices.notice(&Conditions::of(config).to_string());
    for warning in config.regime.warnings() {
        notices.notice(&format!("[regime]: {warning}"));
    }
}

/// Starts fetching slow values, which travel to the feed thread and become events there.
fn follow_sentiment(
    config: &Config,
    runtime: &AsyncRuntime,
    clock: &HostClock,
    to_feed: Option<Producer<Sentiment>>,
    tell: Tell,
) -> Option<SentimentTask> {
    let mut to_feed = to_feed?;
    let publish = move |news| match news {
        // A ring that is full holds newer values than anyone needs.
        News::Sentiment(sentiment) => drop(to_feed.push(sentiment)),
        // A session that has ended tells nobody.
        News::Notice(notice) => drop(tell.send(Told::line("notice", notice))),
    };
    let (age_max, seed) = (config.regime.sentiment_age_max, config.session.seed);
    sentiment::start(runtime.handle(), &config.sentiment, age_max, clock, seed, publish)
}
