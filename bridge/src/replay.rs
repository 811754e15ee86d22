//! `paperwire replay`: a tape or a capture through the same feed and the same engine, on one thread.

mod batch;
mod doubts;
pub mod verify;

use std::path::Path;

use paperwire_core::event::MarketEvent;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::MARKET_RING_LEN;
use paperwire_core::raw::RawKind;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::engine::{CallOrder, Context, Engine};
use paperwire_feed::arrival::{Arrival, ArrivalCounts};
use paperwire_feed::control::Control;
use paperwire_feed::market::{EventSink, MarketFeed, Outcome, Probe};
use paperwire_feed::wire::cold::{ColdFrame, ColdReader};
use paperwire_feed::{infer, start};
use paperwire_rt::alloc_guard;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;
use paperwire_tape::{Source, TapeEnd, TapeError};
use serde_json::Value;

use crate::conditions::Conditions;
use crate::config::Config;
use crate::journal::stream::Lost;
use crate::probes;
use crate::report::Summary;
use crate::run::RunError;
use crate::setup;
use crate::tally::{StrategyName, Tally};
use crate::terminal::Terminal;
use crate::trail::{Check, Trail};

use batch::{Batch, BatchRecord};
use doubts::Doubts;

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

/// Looks at a replay while it goes on, between its records: nothing of it is measured.
pub trait Observer {
    /// Told before the first record; an error ends the replay.
    ///
    /// # Errors
    /// Whatever speaks against this session.
    fn begin(&mut self, instruments: &[Instrument]) -> Result<(), RunError>;

    /// Has the tally keep what it usually does not.
    fn prepare(&mut self, _tally: &mut Tally) {}

    /// How much time of the recording goes into a bank.
    fn interval(&self) -> DurationNs;

    /// What was measured in an interval; intervals without a record are left out.
    fn take(&mut self, bank: &Bank);
}

/// A session's first records: snapshots and the first trades of every symbol.
const WARM_UP_RECORDS: usize = 256;
const SECOND: DurationNs = DurationNs::from_secs(1);

/// Replays one file.
///
/// # Errors
/// [`RunError`].
pub fn replay(
    path: &Path,
    config: &Config,
    options: &ReplayOptions,
    terminal: &mut Terminal,
) -> Result<Replayed, RunError> {
    replay_observed(path, config, options, terminal, None)
}

/// The same with somebody who looks at each interval.
///
/// # Errors
/// [`RunError`].
pub fn replay_observed(
    path: &Path,
    config: &Config,
    options: &ReplayOptions,
    terminal: &mut Terminal,
    mut observer: Option<&mut dyn Observer>,
) -> Result<Replayed, RunError> {
    let mut source = Source::open(path).map_err(storage)?;
    let rules = verify::rules_of(&source, path)?;
    let config = &config.clone().under(rules);
    let chosen = setup::choose(config)?;
    let (instruments, depth) = find_instruments(&mut source, config, terminal)?;
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
        tally.trail = Trail::Check(Check::read(path).map_err(storage)?);
    }
    let mut player = Player {
        feed: MarketFeed::new(&instruments, depth).with_print_distance(config.feed.print_distance),
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
        first_desync: None,
        is_told: false,
        doubts: Doubts::default(),
    };
    let (mut elapsed, mut lost, mut hot_allocs) = (DurationNs::ZERO, 0u64, 0u64);
    let mut batch = Batch::default();
    let mut warm_up = WARM_UP_RECORDS;
    while batch.fill(&mut source, &mut lost).map_err(storage)? {
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
        if let Some(notice) = player.quarantine_notice() {
            terminal.notice(&notice);
        }
    }
    if let Some(observer) = observer {
        observer.take(&player.side.bank);
    }
    player.finish(config.session.flatten_on_exit);
    let end = source.end();
    let mut notes = Vec::new();
    if let TapeEnd::Truncated { bytes_lost } = end {
        notes.push(format!("the tape was not finished: {bytes_lost} bytes are no whole block"));
    }
    if lost > 0 {
        notes.push(format!("the recording lost {lost} records; it cannot give the same result"));
    }
    notes.extend(player.doubts.notes(&player.feed));
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
    let source = Source::open(path).map_err(storage)?;
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

/// Instruments of the file: from its own `instrument` message, where a session starts, or inferred from
/// the digits of a capture. Leaves the source where the replay starts.
fn find_instruments(
    source: &mut Source,
    config: &Config,
    terminal: &mut Terminal,
) -> Result<(Vec<Instrument>, u16), RunError> {
    if matches!(source, Source::Tape(_)) {
        let mut reader = ColdReader::new();
        while let Some(record) = source.next().map_err(storage)? {
            if record.kind == RawKind::Frame
                && let Ok(ColdFrame::Instruments { is_snapshot: true, .. }) =
                    reader.read(record.payload)
            {
                let found = start::resolve(&config.session.symbols, reader.instruments())?;
                return Ok((found, config.feed.depth));
            }
        }
        return Err(RunError::Config("the tape ends before its instruments".to_owned()));
    }
    let mut found: Vec<Instrument> = Vec::new();
    let mut depth = None;
    while let Some(record) = source.next().map_err(storage)? {
        depth = depth.or_else(|| depth_of(record.payload));
        let Some(row) = infer::instrument_of(record.payload) else {
            continue;
        };
        if !found.iter().any(|known| known.name == row.name) {
            found.push(row);
        }
    }
    source.rewind().map_err(storage)?;
    let names: Vec<&str> = found.iter().map(|of| of.name.as_str()).collect();
    if names.is_empty() {
        return Err(RunError::Config("the capture holds no book or trade".to_owned()));
    }
    terminal.notice(&format!(
        "{}: precisions inferred from the wire's digits; order minimums are unknown and not applied",
        names.join(", ")
    ));
    Ok((found, depth.unwrap_or(config.feed.depth)))
}

/// The depth in the acknowledgement of a book subscription.
fn depth_of(frame: &[u8]) -> Option<u16> {
    let key = b"\"depth\":";
    let at = frame.windows(key.len()).position(|window| window == key)?;
    let digits = frame[at + key.len()..].iter().take_while(|b| b.is_ascii_digit());
    let depth = digits.fold(0u16, |n, b| n.saturating_mul(10).saturating_add(u16::from(b - b'0')));
    paperwire_core::limits::DEPTHS.contains(&depth).then_some(depth)
}

/// The engine with what it writes to.
struct EngineSide {
    engine: Engine,
    tally: Tally,
    bank: Bank,
    clock: HostClock,
    last: Option<MarketEvent>,
}

impl EngineSide {
    /// Works off what one record brought.
    fn work_off(&mut self, events: &mut EventBuffer) {
        for event in events.0.drain(..) {
            let mut ctx =
                Context { clock: &self.clock, bank: &mut self.bank, reports: &mut self.tally };
            self.engine.process(&event, &mut ctx);
            self.last = Some(event);
        }
    }
}

/// Stands where the ring is in a live session, so that stages mean the same.
struct EventBuffer(Vec<MarketEvent>);

impl EventSink for EventBuffer {
    fn push(&mut self, event: MarketEvent) {
        self.0.push(event);
    }
}

struct Player {
    feed: MarketFeed,
    events: EventBuffer,
    side: EngineSide,
    feed_bank: Bank,
    clock: HostClock,
    /// In a capture nobody recorded the passing seconds: they are made from the receive times.
    next_timer: Option<HostNs>,
    /// Set while somebody looks at intervals.
    interval_end: Option<HostNs>,
    speed: Option<f64>,
    /// Between which instants the next frame arrived in the recording, and when it was read.
    arrival: Option<(HostNs, Arrival)>,
    arrivals: ArrivalCounts,
    /// Recorded and real time of the first record.
    origin: Option<(HostNs, HostNs)>,
    /// Frame and symbols of the first book that was not believed.
    first_desync: Option<(u64, u64)>,
    is_told: bool,
    doubts: Doubts,
}

impl Player {
    /// Hands out the bank when the record received at `rx` is the first of another interval.
    fn end_interval(&mut self, rx: HostNs, observer: &mut dyn Observer) {
        let end = *self.interval_end.get_or_insert(rx.plus(observer.interval()));
        if rx < end {
            return;
        }
        // Silence may have lasted for more than one.
        let length = observer.interval().raw();
        let passed = rx.since(end).raw() / length + 1;
        self.interval_end = Some(end.plus(DurationNs::new(passed * length)));
        observer.take(&self.side.bank);
        self.side.tally.bank.merge(&self.side.bank);
        self.side.bank.clear();
    }

    /// The records of the current interval, and the rest.
    fn cut<'a>(&self, records: &'a [BatchRecord]) -> (&'a [BatchRecord], &'a [BatchRecord]) {
        let is_later = |&(_, rx, ..): &BatchRecord| self.interval_end.is_some_and(|end| rx >= end);
        let at = records.iter().position(is_later).unwrap_or(records.len());
        records.split_at(at)
    }

    fn play(&mut self, bytes: &[u8], records: &[BatchRecord]) {
        for &(kind, rx, start, end) in records {
            let payload = &bytes[start..end];
            if kind == RawKind::Arrival {
                self.arrival = Arrival::decode(payload).map(|arrival| (rx, arrival));
                continue;
            }
            let due = self.wait_for(rx);
            if kind == RawKind::Control {
                if let Some(control) = Control::decode(payload) {
                    self.feed.on_control(rx, &control, &mut self.events);
                    self.side.work_off(&mut self.events);
                }
                continue;
            }
            self.timer(rx);
            let arrived = due.map(|due| self.arrived(due, rx));
            let now = self.clock.now();
            let mut probe = Probe::new(&self.clock, arrived.unwrap_or(now), now);
            let outcome = self.feed.on_frame(rx, payload, &mut probe, &mut self.events);
            self.side.work_off(&mut self.events);
            probe.record(&mut self.feed_bank);
            self.doubts.note(&mut self.feed);
            if let Outcome::Desync(symbols, _) = outcome
                && self.first_desync.is_none()
            {
                self.first_desync = Some((self.feed.counters().frames, symbols));
            }
        }
    }

    /// Waits until a record is due; the due time is the start of its response.
    fn wait_for(&mut self, rx: HostNs) -> Option<HostNs> {
        let speed = self.speed?;
        let (recorded, real) = *self.origin.get_or_insert((rx, self.clock.now()));
        let offset = std::time::Duration::from_nanos(rx.since(recorded).raw()).div_f64(speed);
        let due = real.plus(DurationNs::new(u64::try_from(offset.as_nanos()).unwrap_or(u64::MAX)));
        while self.clock.now() < due {
            Wait::Park.wait();
        }
        Some(due)
    }

    /// The start of the response of a frame that is due: as long before its read as in the recording, where that
    /// was stalled.
    fn arrived(&mut self, due: HostNs, rx: HostNs) -> HostNs {
        let arrival = self.arrival.take().filter(|(read_at, _)| *read_at == rx);
        let (Some((_, arrival)), Some(speed)) = (arrival, self.speed) else { return due };
        self.arrivals.add(&arrival);
        let waited = std::time::Duration::from_nanos(rx.since(arrival.earliest).raw());
        let waited = u64::try_from(waited.div_f64(speed).as_nanos()).unwrap_or(u64::MAX);
        HostNs::new(due.raw().saturating_sub(waited))
    }

    fn timer(&mut self, rx: HostNs) {
        let Some(next) = self.next_timer else { return };
        if rx < next {
            return;
        }
        self.next_timer = Some(rx.plus(SECOND));
        if let Some(at) = self.feed.estimate(rx) {
            self.feed.on_control(rx, &Control::Timer { at }, &mut self.events);
            self.side.work_off(&mut self.events);
        }
    }

    /// What happened to the first book that was not believed, once.
    fn quarantine_notice(&mut self) -> Option<String> {
        let (frame, symbols) = self.first_desync.filter(|_| !self.is_told)?;
        self.is_told = true;
        let names: Vec<String> = (0u16..)
            .zip(self.feed.instruments())
            .filter(|(index, _)| symbols >> index & 1 == 1)
            .map(|(index, of)| format!("{} (now {:?})", of.name, self.feed.state(SymbolId(index))))
            .collect();
        let detail = match (self.feed.last_error(), self.feed.last_wire_error()) {
            (Some((_, error)), _) => error.to_string(),
            (None, Some(error)) => error.to_string(),
            (None, None) => "not believed".to_owned(),
        };
        Some(format!(
            "frame {frame}: {detail}; quarantined {} until its next verified snapshot",
            names.join(", ")
        ))
    }

    fn finish(&mut self, flatten: bool) {
        let Some(last) = self.side.last else { return };
        let EngineSide { engine, tally, bank, clock, .. } = &mut self.side;
        engine.finish(flatten, &last, &mut Context { clock, bank, reports: tally });
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn storage(error: TapeError) -> RunError {
    RunError::Storage(error.to_string())
}
