//! One rate: a session of its own, warmed up by a round that is thrown away, then measured.
//!
//! Between the two rounds nothing is sent until every histogram of the first has come to the bridge, so
//! that what is measured is exactly the second: no frame more or less.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use paperwire_config::Config;
use paperwire_core::agent::{Agent, WorkCount};
use paperwire_core::latency::Stage;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_doctor::probes::ProbeTax;
use paperwire_exchange::MarketConfig;
use paperwire_exchange::load::{LoadAgent, LoadHandle, Rate, Reel, Round, Start};
use paperwire_exec::engine::CallOrder;
use paperwire_feed::agent::FeedAgent;
use paperwire_feed::control::Control;
use paperwire_feed::market::Counters;
use paperwire_feed::net::connect::Endpoint;
use paperwire_feed::plan::{Plan, Progress};
use paperwire_feed::start::{self, Patience};
use paperwire_replay::error::RunError;
use paperwire_replay::held_file::write_whole;
use paperwire_replay::notices::Notices;
use paperwire_replay::setup::{self, Chosen};
use paperwire_replay::tally::Tally;
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::{HostClock, UtcRelation};
use paperwire_rt::deadline::Stop;
use paperwire_rt::runner::{self, RunnerConfig, Running, Wait};
use paperwire_run::live::{self, LiveParts, LiveRun, Wiring, internal, join};
use paperwire_run::sinks::hdr::HdrLog;
use paperwire_run::totals::lock;

use super::model::{self, Quantiles, RateRow, StageRow, StrategyRow};
use super::rates::{Asked, spoken};
use super::threads::{Noise, Threads};
use crate::terminal::Terminal;

/// Everything that the rates have in common.
pub(super) struct Stand<'a> {
    pub(super) config: &'a Config,
    pub(super) chosen: &'a [Chosen],
    pub(super) market: &'a MarketConfig,
    pub(super) history: &'a [Control],
    pub(super) reel: Arc<Reel>,
    pub(super) seconds: u32,
    pub(super) tls: bool,
    pub(super) from_read: bool,
    pub(super) inline_load: bool,
    pub(super) probe_tax: ProbeTax,
    pub(super) clock: HostClock,
    pub(super) stop: &'a Arc<AtomicU32>,
}

/// One rate's result.
pub(super) struct Measured {
    pub(super) row: RateRow,
    pub(super) stages: Vec<StageRow>,
    pub(super) strategies: Vec<StrategyRow>,
}

/// Warm threads stay so: buffers and caches settle within two seconds of data.
pub(super) const WARM_S: u32 = 2;
/// Faster warm-ups make nothing warmer.
const WARM_RATE_MAX: u32 = 10_000;
/// Both threads hand over their histograms once a second; the engine's hour strikes through a ring.
const SETTLE: DurationNs = DurationNs::from_millis(2_200);
/// Everything is live by then, or nothing ever will be.
const LIVE_WAIT: DurationNs = DurationNs::from_secs(30);
/// Time for the round to reach the load's thread before its first frame is due.
const LEAD: DurationNs = DurationNs::from_millis(50);
/// Frames that were not done this long after the end are given up.
const GIVE_UP: DurationNs = DurationNs::from_secs(10);
const PROGRESS_EVERY: DurationNs = DurationNs::from_millis(250);

/// The warm-up of a rate.
pub(super) fn warm_up(asked: &Asked) -> Asked {
    let rate = match asked.rate {
        Rate::Even(rate) => Rate::Even(rate.min(WARM_RATE_MAX)),
        Rate::Recorded => Rate::Recorded,
    };
    Asked { rate, ..asked.clone() }
}

type Load = LoadAgent<HostClock>;

/// The feed, and before each of its turns one of the load when that has no thread of its own.
struct FeedThread {
    load: Option<Load>,
    feed: FeedAgent,
}

impl Agent for FeedThread {
    fn name(&self) -> &'static str {
        self.feed.name()
    }

    fn step(&mut self, now: HostNs) -> Option<WorkCount> {
        if let Some(load) = &mut self.load {
            // The load may allocate: it is not what is measured.
            let was_armed = alloc_guard::arm(false);
            load.step(now);
            alloc_guard::arm(was_armed);
        }
        self.feed.step(now)
    }

    fn is_warm(&self) -> bool {
        self.feed.is_warm()
    }

    fn on_close(&mut self) {
        self.feed.on_close();
    }
}

/// A session under load, and what watches it.
struct Live {
    /// The load's own thread, if it has one.
    load: Option<Running<Load>>,
    handle: LoadHandle,
    session: LiveRun<FeedThread>,
    progress: Arc<Progress>,
    relation: UtcRelation,
}

impl Live {
    fn noise(&self) -> [Noise; 2] {
        [
            Noise::of("feed", self.session.feed.stats()),
            Noise::of("engine", self.session.engine.stats()),
        ]
    }
}

/// What the totals were before the measured round.
struct Before {
    frames: u64,
    counters: Counters,
    blocked: DurationNs,
    signals: u64,
    fills: u64,
    hot_allocs: u64,
    threads: Threads,
    noise: [Noise; 2],
}

/// The measured round while it was still going on.
struct Watched {
    first_at: HostNs,
    due_at: HostNs,
    backlog_frames: u64,
    backlog: DurationNs,
    threads: Threads,
    noise: [Noise; 2],
    blocked: DurationNs,
    frames_done: u64,
    done_at: HostNs,
}

impl Stand<'_> {
    /// Measures one rate; nothing when it was stopped meanwhile.
    pub(super) fn measure(
        &self,
        asked: &Asked,
        hdr: Option<&Path>,
        terminal: &mut Terminal,
    ) -> Result<Option<Measured>, RunError> {
        let live = match self.start() {
            Err(RunError::Stopped) => return Ok(None),
            started => started?,
        };
        let watched = self.conduct(&live, asked, terminal);
        terminal.progress("");
        let totals = live.session.totals.clone();
        let taken = |FeedThread { load, feed }| (load, *feed.market().counters());
        let ended = live.session.end(taken)?;
        let (load, counters) = ended.feed?;
        ended.halts?;
        let load = match (load, live.load) {
            (Some(load), _) => load,
            (None, Some(load)) => self.halt(load)?,
            (None, None) => unreachable!("the load turns on one of the two threads"),
        };
        let Some((before, watched)) = watched? else { return Ok(None) };

        let shared = lock(&totals);
        let measured = self.result(asked, &before, &watched, &counters, &shared.tally, &load);
        if let Some(folder) = hdr {
            let names = shared.tally.strategies.iter().map(|name| name.instance.clone()).collect();
            let path = folder.join(format!("{}.hlog", asked.name));
            let length = Duration::from_nanos(watched.done_at.since(watched.first_at).raw());
            HdrLog::new(Vec::new(), names, watched.first_at)
                .and_then(|mut log| {
                    log.append(&shared.tally.bank, watched.done_at, length)?;
                    write_whole(&path, &log.into_inner())
                })
                .map_err(|error| RunError::Storage(format!("{}: {error}", path.display())))?;
        }
        Ok(Some(measured))
    }

    /// Ends the load's own thread.
    fn halt(&self, load: Running<Load>) -> Result<Load, RunError> {
        load.stop();
        let [runner, _] = self.config.threads.placement();
        Ok(join(load, runner, &self.clock, "load")?.0)
    }

    fn start(&self) -> Result<Live, RunError> {
        let (config, clock) = (self.config, &self.clock);
        let [feed_runner, _] = config.threads.placement();
        let (load, handle) = LoadAgent::new(self.market, self.tls, clock.clone())
            .map_err(|error| RunError::Config(error.to_string()))?;
        let endpoint = Endpoint::parse(&handle.ws_url())
            .map_err(|error| RunError::Internal(error.to_string()))?;
        let endpoint = endpoint.trusting(handle.certificate_der());
        let load_runner = RunnerConfig { core: None, wait: feed_runner.wait };
        let load = runner::spawn(load, load_runner, clock.clone()).map_err(internal)?;
        let stop = Stop::of(self.stop.clone());
        let patience = Patience { attempts: 1, clock, stop: &stop };
        let started = start::start(&endpoint, &config.session.symbols, &patience, &mut None)?;
        let instruments = start::under(started.system, &started.instruments);
        // The handshake needed both ends at once; from here on they can take turns.
        let (load, inline) = match self.inline_load {
            true => (None, Some(self.halt(load)?)),
            false => (Some(load), None),
        };
        let names = setup::names(self.chosen);
        let order = CallOrder::Permuted(setup::order_seed(config));
        let engine = setup::engine(config, self.chosen, &instruments, config.feed.depth, order)?;

        let tally = Tally::new(names, instruments, config.account.capital);
        let parts = LiveParts {
            config,
            started,
            endpoint,
            history: self.history.to_vec(),
            raw: None,
            engine,
            // Whoever is slow is to be measured, not benched, and nothing is logged.
            sinks: Vec::new(),
            budget: DurationNs::ZERO,
            is_watched: false,
            drain_wait: if self.inline_load { Wait::Rest } else { Wait::Park },
            stop,
            clock: clock.clone(),
        };
        let (relation, progress) = (clock.relation(), Arc::new(Progress::default()));
        let plan = Plan::new(relation, progress.clone()).from_read(self.from_read);
        let around = |feed: FeedAgent| FeedThread { load: inline, feed: feed.following(plan) };
        let session = live::start(Wiring::new(tally), parts, around)?;
        Ok(Live { load, handle, session, progress, relation })
    }

    /// Both rounds; nothing when it was stopped meanwhile.
    fn conduct(
        &self,
        live: &Live,
        asked: &Asked,
        terminal: &mut Terminal,
    ) -> Result<Option<(Before, Watched)>, RunError> {
        let warm = warm_up(asked);
        let warm_frames = warm.frames(&self.reel, 0, WARM_S);
        let frames = asked.frames(&self.reel, warm_frames, self.seconds);
        terminal.progress(&format!("{}: connecting and warming up", spoken(&asked.name)));
        let deadline = self.clock.now().plus(LIVE_WAIT);
        if !self.wait(live, |now| lock(&live.session.totals).was_live || now > deadline)? {
            return Ok(None);
        }
        let before_warm = live.progress.frames();
        let start = self.play(live, &warm, 0, warm_frames);
        let limit = start.plus(DurationNs::from_secs(u64::from(WARM_S))).plus(GIVE_UP);
        let is_done = |now| live.progress.frames() >= before_warm + warm_frames || now > limit;
        if !self.wait(live, is_done)? {
            return Ok(None);
        }
        let settled = self.clock.now().plus(SETTLE);
        if !self.wait(live, |now| now > settled)? {
            return Ok(None);
        }
        let before = {
            let mut shared = lock(&live.session.totals);
            shared.tally.bank.clear();
            Before {
                frames: live.progress.frames(),
                counters: shared.counters,
                blocked: live.handle.blocked(),
                signals: shared.tally.signals,
                fills: shared.tally.fills,
                hot_allocs: alloc_guard::hot_allocs_total(),
                threads: Threads::now(),
                noise: live.noise(),
            }
        };
        let first_at = self.play(live, asked, warm_frames, frames);
        Ok(self.watch(live, asked, first_at, frames, &before, terminal)?.map(|of| (before, of)))
    }

    fn play(&self, live: &Live, asked: &Asked, first: u64, frames: u64) -> HostNs {
        let host = self.clock.now().plus(LEAD);
        let start = Start::on_grid(host, live.relation.to_utc(host));
        let (reel, rate) = (self.reel.clone(), asked.rate);
        live.handle.play(Round { reel, rate, start, first, frames });
        start.host
    }

    /// Follows the measured round to its end.
    fn watch(
        &self,
        live: &Live,
        asked: &Asked,
        first_at: HostNs,
        frames: u64,
        before: &Before,
        terminal: &mut Terminal,
    ) -> Result<Option<Watched>, RunError> {
        let done = || live.progress.frames() - before.frames;
        let due_at = first_at.plus(DurationNs::from_secs(u64::from(self.seconds)));
        let mut next_progress = first_at;
        let whole = self.wait(live, |now| {
            if now >= next_progress {
                next_progress = now.plus(PROGRESS_EVERY);
                terminal.progress(&self.progress_line(asked, now.since(first_at), done()));
            }
            now >= due_at
        })?;
        if !whole {
            return Ok(None);
        }
        let backlog_frames = frames - done();
        let now = self.clock.now();
        let backlog = if backlog_frames == 0 {
            DurationNs::ZERO
        } else {
            now.since(live.progress.intended_at().max(first_at))
        };
        let (threads, noise) = (Threads::now(), live.noise());
        let limit = due_at.plus(GIVE_UP);
        let mut next_progress = now.plus(PROGRESS_EVERY);
        let caught_up = self.wait(live, |now| {
            if now >= next_progress {
                next_progress = now.plus(PROGRESS_EVERY);
                let left = frames - done();
                let line = format!("{}: {left} frames still waiting", spoken(&asked.name));
                terminal.progress(&line);
            }
            done() == frames || now > limit
        })?;
        if !caught_up {
            return Ok(None);
        }
        Ok(Some(Watched {
            first_at,
            due_at,
            backlog_frames,
            backlog,
            threads,
            noise,
            blocked: live.handle.blocked(),
            frames_done: done(),
            done_at: live.progress.done_at(),
        }))
    }

    fn progress_line(&self, asked: &Asked, elapsed: DurationNs, done: u64) -> String {
        const BAR_LEN: usize = 24;
        let of = f64::from(self.seconds);
        let seconds = Duration::from_nanos(elapsed.raw()).as_secs_f64();
        #[expect(clippy::cast_possible_truncation, reason = "columns of a bar")]
        #[expect(clippy::cast_sign_loss, reason = "a part of the whole")]
        #[expect(clippy::cast_precision_loss, reason = "columns of a bar")]
        let full = ((seconds / of * BAR_LEN as f64) as usize).min(BAR_LEN);
        let (full, rest) = ("=".repeat(full), " ".repeat(BAR_LEN - full));
        format!("{} [{full}{rest}] {seconds:4.1} of {of} s, {done} frames", spoken(&asked.name))
    }

    /// Waits for `is_over`; false when the user wants an end.
    fn wait(&self, live: &Live, mut is_over: impl FnMut(HostNs) -> bool) -> Result<bool, RunError> {
        while !is_over(self.clock.now()) {
            // With a load of its own thread a core is left; else these two are all there are.
            if self.inline_load { Wait::Rest } else { Wait::Doze }.wait();
            if self.stop.load(Ordering::Acquire) > 0 {
                return Ok(false);
            }
            let load_ended = live.load.as_ref().is_some_and(Running::is_finished);
            if live.session.feed.is_finished() || live.session.engine.is_finished() || load_ended {
                return Err(RunError::Internal("a thread ended early".to_owned()));
            }
            if let Some(rejected) = lock(&live.session.totals).rejected.take() {
                return Err(RunError::Config(format!("the venue refused {rejected}")));
            }
            if live.handle.is_lost() {
                return Err(RunError::Connection("the connection to the load broke".to_owned()));
            }
        }
        Ok(true)
    }

    /// A thread that does not spin pauses of its own will.
    fn noise(&self, before: &Before, watched: &Watched) -> Vec<Noise> {
        if self.config.threads.placement()[0].wait != Wait::Spin {
            return Vec::new();
        }
        watched.noise.iter().zip(&before.noise).map(|(now, then)| now.since(then)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "rates for display")]
    fn result(
        &self,
        asked: &Asked,
        before: &Before,
        watched: &Watched,
        counters: &Counters,
        tally: &Tally,
        load: &Load,
    ) -> Measured {
        let period = watched.due_at.since(watched.first_at);
        let frames =
            asked.frames(&self.reel, warm_up(asked).frames(&self.reel, 0, WARM_S), self.seconds);
        let asked_per_s = frames as f64 / f64::from(self.seconds);
        // The last frame of a whole round is due before the period ends; what is late lengthens it.
        let took = watched.done_at.since(watched.first_at).raw().max(period.raw());
        let achieved_per_s = watched.frames_done as f64 / Duration::from_nanos(took).as_secs_f64();
        let (stages, strategies) = model::rows(&asked.name, &tally.bank, &tally.strategies);
        let decided = tally.bank.of(Stage::Decided);
        let mut row = RateRow {
            rate: asked.name.clone(),
            asked_per_s,
            achieved_per_s,
            frames,
            frames_done: watched.frames_done,
            book_updates: counters.book_updates - before.counters.book_updates,
            trades: counters.trades - before.counters.trades,
            checksums_bad: counters.checksums_bad - before.counters.checksums_bad,
            conflated: counters.conflated - before.counters.conflated,
            dropped_trades: counters.dropped_trades - before.counters.dropped_trades,
            backlog_frames: watched.backlog_frames,
            backlog_ns: watched.backlog.raw(),
            sent_late_ns: Quantiles::of(load.lateness()),
            blocked_ns: watched.blocked.raw() - before.blocked.raw(),
            probes: self.probe_tax.share(&tally.bank),
            decision_ns: decided.map(|pair| Quantiles::of(&pair.response)).unwrap_or_default(),
            signals: tally.signals - before.signals,
            fills: tally.fills - before.fills,
            hot_allocs: alloc_guard::hot_allocs_total() - before.hot_allocs,
            threads: watched.threads.since(&before.threads, period),
            noise: self.noise(before, watched),
            saturated: None,
        };
        row.saturated = model::saturation(&row, &tally.bank, &tally.strategies);
        Measured { row, stages, strategies }
    }
}
