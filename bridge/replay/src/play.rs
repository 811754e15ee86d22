//! `paperwire replay`: a tape or a capture through the same feed and the same engine, on one thread.

use std::path::Path;

use paperwire_config::Config;
use paperwire_config::conditions::Conditions;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::{MARKET_RING_LEN, SYMBOLS_MAX};
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_doctor::probes;
use paperwire_exec::engine::CallOrder;
use paperwire_feed::arrival::ArrivalCounts;
use paperwire_feed::capture::CaptureClock;
use paperwire_feed::market::MarketFeed;
use paperwire_feed::start;
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use paperwire_tape::{Source, TapeEnd};
use serde_json::Value;

use crate::batch::Batch;
use crate::doubts::Doubts;
use crate::error::RunError;
use crate::notices::Notices;
use crate::player::{EngineSide, EventBuffer, Observer, Player, TRADING_NOTICES_MAX};
use crate::quarantine::Quarantines;
use crate::report::{Lost, Summary};
use crate::survey::{self, Survey};
use crate::tally::{StrategyName, Tally};
use crate::trail::{Check, Trail};
use crate::{setup, trading, verify};

/// How to replay.
#[derive(Clone, Debug)]
pub struct ReplayOptions {
    /// Multiple of the recorded speed; `None` is as fast as it goes.
    pub speed: Option<f64>,
    /// Compare the digest with the one in the tape.
    pub verify: bool,
    /// Seed of the order of calls instead of the recorded one.
    pub order_seed: Option<u64>,
}

/// A replayed session.
#[derive(Debug)]
pub struct Replayed {
    /// What it came to.
    pub tally: Tally,
    /// The rest of the report.
    pub summary: Summary,
}

/// A session's first records: snapshots and the first trades of every symbol.
const WARM_UP_RECORDS: usize = 256;

/// Replays one file.
///
/// # Errors
/// [`RunError`].
pub fn replay(
    path: &Path,
    config: &Config,
    options: &ReplayOptions,
    notices: &mut dyn Notices,
) -> Result<Replayed, RunError> {
    replay_observed(path, config, options, notices, None)
}

/// The same with somebody who looks at each interval.
///
/// # Errors
/// [`RunError`].
pub fn replay_observed(
    path: &Path,
    config: &Config,
    options: &ReplayOptions,
    notices: &mut dyn Notices,
    mut observer: Option<&mut dyn Observer>,
) -> Result<Replayed, RunError> {
    let mut source = Source::open(path)?;
    let rules = verify::rules_of(&source, path)?;
    let config = &config.clone().under(rules);
    let chosen = setup::choose(config)?;
    let Survey { listed, depth, system, notes: surveyed } =
        survey::survey(&mut source, config, &config.chosen_symbols)?;
    surveyed.iter().for_each(|note| notices.notice(note));
    let instruments = start::under(system, &listed);
    if let Some(observer) = &mut observer {
        observer.begin(&instruments)?;
    }
    let probe_tax = probes::measure(&HostClock::new());
    let order = order_of(&source, config, options);
    let engine = setup::engine(config, &chosen, &instruments, depth, order)?;
    let capital = config.account.capital;
    let mut tally = Tally::new(setup::names(&chosen), instruments.clone(), capital);
    if let Some(observer) = &mut observer {
        observer.prepare(&mut tally);
    }
    let is_capture = source.meta().is_none();
    if options.verify && !is_capture {
        tally.trail = Trail::Check(Check::read(path)?);
    }
    let mut player = Player {
        feed: MarketFeed::new(&listed, depth)
            .with_print_distance(config.feed.print_distance)
            .under(system),
        events: EventBuffer(Vec::with_capacity(MARKET_RING_LEN)),
        side: EngineSide {
            engine,
            bank: Bank::new(&Stage::ALL, tally.strategies.len()),
            tally,
            clock: HostClock::new(),
            last: None,
        },
        feed_bank: Bank::new(&Stage::ALL, 0),
        clock: HostClock::new(),
        next_timer: is_capture.then(HostNs::default),
        interval_end: None,
        speed: options.speed,
        arrival: None,
        arrivals: ArrivalCounts::default(),
        origin: None,
        doubts: Doubts::default(),
        rules: is_capture.then(|| CaptureClock::new(&config.feed)),
        decided: Vec::with_capacity(SYMBOLS_MAX + 1),
        quarantines: Quarantines::new(instruments.len()),
        first: None,
        trading: Vec::with_capacity(TRADING_NOTICES_MAX),
        told: 0,
    };
    let (mut elapsed, mut lost, mut hot_allocs) = (DurationNs::ZERO, 0u64, 0u64);
    let mut batch = Batch::default();
    let mut warm_up = WARM_UP_RECORDS;
    while batch.fill(&mut source, &mut lost)? {
        let mut left = &batch.records[..];
        while let Some(&(_, rx, ..)) = left.first() {
            if let Some(observer) = &mut observer {
                player.end_interval(rx, *observer);
            }
            let (part, rest) = player.cut(left);
            left = rest;
            let started = player.clock.now();
            // Buffers reach their size within the first records; from then on nothing allocates.
            let (first, rest) = part.split_at(warm_up.min(part.len()));
            warm_up -= first.len();
            player.play(&batch.bytes, first);
            let ((), allocs) = alloc_guard::count(|| player.play(&batch.bytes, rest));
            hot_allocs += allocs;
            let now = player.clock.now();
            elapsed = DurationNs::new(elapsed.raw() + now.since(started).raw());
        }
        for notice in player.notices() {
            notices.notice(&notice);
        }
    }
    if let Some(observer) = observer {
        observer.take(&player.side.bank);
    }
    player.finish(config.session.flatten_on_exit);
    let end = source.end();
    let mut notes = surveyed;
    if let TapeEnd::Truncated { bytes_lost } = end {
        notes.push(format!("the tape was not finished: {bytes_lost} bytes are no whole block"));
    }
    if lost > 0 {
        notes.push(format!("the recording lost {lost} records; it cannot give the same result"));
    }
    notes.extend(player.doubts.notes(&player.feed));
    let quarantines = player.quarantines.rows(&instruments, |of| Some(player.feed.state(of)));
    notes.extend(player.trading.iter().map(|(frame, notice)| {
        format!("frame {frame}: {}", trading::told(notice, &instruments).2)
    }));
    let Player { feed, side, feed_bank, arrivals, .. } = player;
    let EngineSide { mut tally, bank, .. } = side;
    tally.bank.merge(&bank);
    tally.bank.merge(&feed_bank);
    notes.extend(changed_since_recorded(&source, &tally.strategies));
    let verification = options.verify.then(|| verify::verify(&source, rules, &tally, &mut notes));
    let summary = Summary {
        source: path.display().to_string(),
        session: session_of(&source),
        elapsed_s: std::time::Duration::from_nanos(elapsed.raw()).as_secs_f64(),
        conditions: Conditions::of(config),
        counters: *feed.counters(),
        arrivals,
        hot_allocs,
        recording_lost: lost,
        logs_lost: Lost::default(),
        probe_tax,
        rules,
        verification,
        quarantines,
        notes,
    };
    Ok(Replayed { tally, summary })
}

/// A line for each strategy that is not the one that was recorded under its name.
fn changed_since_recorded(source: &Source, now: &[StrategyName]) -> Vec<String> {
    let meta = source.meta().and_then(|meta| serde_json::from_slice::<Value>(meta).ok());
    let recorded = meta.as_ref().and_then(|meta| meta["strategies"].as_array());
    let changed = |of: &&Value| {
        now.iter().any(|name| of["name"] == name.instance && of["sha256"] != name.sha256)
    };
    let line = |of: &Value| {
        let (name, version) = (&of["name"], &of["version"]);
        let text = |of: &Value| of.as_str().unwrap_or_default().to_owned();
        format!(
            "{} is not the one that was recorded (version {}): its source, an indicator or the core has changed since",
            text(name),
            text(version)
        )
    };
    recorded.into_iter().flatten().filter(changed).map(line).collect()
}

/// The configuration that a tape was recorded with, its rules included, or the given one for a capture.
///
/// # Errors
/// [`RunError::Config`] when the tape's own is not usable, or of rules that this build does not know.
pub fn config_of(
    path: &Path,
    given: &Config,
    overrides: &[(String, toml::Value)],
) -> Result<Config, RunError> {
    let source = Source::open(path)?;
    let rules = verify::rules_of(&source, path)?;
    let meta = source.meta().and_then(|meta| serde_json::from_slice::<Value>(meta).ok());
    let Some(text) = meta.as_ref().and_then(|meta| meta["config"].as_str()) else {
        return Ok(given.clone().under(rules));
    };
    let recorded = Config::from_effective(text, overrides);
    recorded
        .map(|recorded| recorded.under(rules))
        .map_err(|error| RunError::Config(error.to_string()))
}

/// The order in which the strategies of a tape were called. Tapes that name no seed are of a time when
/// strategies took turns in a circle.
fn order_of(source: &Source, config: &Config, options: &ReplayOptions) -> CallOrder {
    if let Some(seed) = options.order_seed {
        return CallOrder::Permuted(seed);
    }
    let Some(meta) = source.meta() else {
        return CallOrder::Permuted(setup::order_seed(config));
    };
    let meta: Value = serde_json::from_slice(meta).unwrap_or(Value::Null);
    meta["order_seed"].as_u64().map_or(CallOrder::Circle, CallOrder::Permuted)
}

fn session_of(source: &Source) -> String {
    let meta = source.meta().and_then(|meta| serde_json::from_slice::<Value>(meta).ok());
    let name = meta.as_ref().and_then(|meta| meta["session"].as_str().map(str::to_owned));
    name.unwrap_or_else(|| "capture".to_owned())
}
