//! Feed and engine on one thread, turned record by record.

use paperwire_core::event::{GapReason, MarketEvent};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::latency::Bank;
use paperwire_core::raw::RawKind;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::engine::{Context, Engine};
use paperwire_feed::arrival::{Arrival, ArrivalCounts};
use paperwire_feed::capture::CaptureClock;
use paperwire_feed::control::Control;
use paperwire_feed::market::{BookState, EventSink, MarketFeed, Outcome, Probe, TradingNotice};
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;

use super::batch::BatchRecord;
use super::doubts::Doubts;
use crate::error::RunError;
use crate::quarantine::{Detail, Quarantines};
use crate::tally::Tally;
use crate::trading;

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

const SECOND: DurationNs = DurationNs::from_secs(1);

/// The engine with what it writes to.
pub(super) struct EngineSide {
    pub(super) engine: Engine,
    pub(super) tally: Tally,
    pub(super) bank: Bank,
    pub(super) clock: HostClock,
    pub(super) last: Option<MarketEvent>,
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
pub(super) struct EventBuffer(pub(super) Vec<MarketEvent>);

impl EventSink for EventBuffer {
    fn push(&mut self, event: MarketEvent) {
        self.0.push(event);
    }
}

pub(super) struct Player {
    pub(super) feed: MarketFeed,
    pub(super) events: EventBuffer,
    pub(super) side: EngineSide,
    pub(super) feed_bank: Bank,
    pub(super) clock: HostClock,
    /// In a capture nobody recorded the passing seconds: they are made from the receive times.
    pub(super) next_timer: Option<HostNs>,
    /// Set while somebody looks at intervals.
    pub(super) interval_end: Option<HostNs>,
    pub(super) speed: Option<f64>,
    /// Between which instants the next frame arrived in the recording, and when it was read.
    pub(super) arrival: Option<(HostNs, Arrival)>,
    pub(super) arrivals: ArrivalCounts,
    /// Recorded and real time of the first record.
    pub(super) origin: Option<(HostNs, HostNs)>,
    /// What a session would have decided by its clock; a tape has it on record.
    pub(super) rules: Option<CaptureClock>,
    /// Memory for its decisions.
    pub(super) decided: Vec<(HostNs, Control)>,
    pub(super) quarantines: Quarantines,
    pub(super) doubts: Doubts,
    /// The first book that was not believed, until it is told.
    pub(super) first: Option<First>,
    /// Frame and change, of the first changes of what may be traded; and how many of them were told.
    pub(super) trading: Vec<(u64, TradingNotice)>,
    pub(super) told: usize,
}

/// Changes of what may be traded that a report holds.
pub(super) const TRADING_NOTICES_MAX: usize = 64;
/// Seconds of silence that pass one by one; what is longer ends with a leap.
const SILENT_SECONDS_MAX: u32 = 86_400;

/// A quarantine.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    frame: u64,
    symbols: SymbolSet,
    detail: Detail,
    reason: GapReason,
    is_told: bool,
}

impl Player {
    /// Hands out the bank when the record received at `rx` is the first of another interval.
    pub(super) fn end_interval(&mut self, rx: HostNs, observer: &mut dyn Observer) {
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
    pub(super) fn cut<'a>(
        &self,
        records: &'a [BatchRecord],
    ) -> (&'a [BatchRecord], &'a [BatchRecord]) {
        let is_later = |&(_, rx, ..): &BatchRecord| self.interval_end.is_some_and(|end| rx >= end);
        let at = records.iter().position(is_later).unwrap_or(records.len());
        records.split_at(at)
    }

    pub(super) fn play(&mut self, bytes: &[u8], records: &[BatchRecord]) {
        for &(kind, rx, start, end) in records {
            let payload = &bytes[start..end];
            if kind == RawKind::Arrival {
                self.arrival = Arrival::decode(payload).map(|arrival| (rx, arrival));
                continue;
            }
            let due = self.wait_for(rx);
            if kind == RawKind::Control {
                if let Some(control) = Control::decode(payload) {
                    self.apply(rx, &control);
                }
                continue;
            }
            self.decide(rx);
            self.timer(rx);
            let arrived = due.map(|due| self.arrived(due, rx));
            let now = self.clock.now();
            let mut probe = Probe::new(&self.clock, arrived.unwrap_or(now), now);
            let outcome = self.feed.on_frame(rx, payload, &mut probe, &mut self.events);
            self.side.work_off(&mut self.events);
            probe.record(&mut self.feed_bank);
            self.doubts.note(&mut self.feed);
            self.note(rx, payload, &outcome);
        }
    }

    /// Takes a decision, recorded or concluded.
    fn apply(&mut self, rx: HostNs, control: &Control) {
        let lost = match control {
            Control::Resync(symbol, reason) => Some((SymbolSet::only(*symbol), *reason)),
            Control::Disconnected => Some((SymbolSet::EVERY, GapReason::Disconnect)),
            _ => None,
        };
        if let Some((symbols, reason)) = lost {
            let frame = self.feed.counters().frames;
            let symbols = symbols & self.believed();
            self.quarantines.add(symbols, reason, Some(frame), Detail::None);
        }
        self.feed.on_control(rx, self.clock.now(), control, &mut self.events);
        self.side.work_off(&mut self.events);
    }

    /// Symbols whose books are believed.
    fn believed(&self) -> SymbolSet {
        let is_believed = |symbol: &SymbolId| {
            matches!(self.feed.state(*symbol), BookState::Live | BookState::Stale)
        };
        self.feed.symbols().filter(is_believed).collect()
    }

    /// What a session would have decided before a frame of a capture that was received at `rx`.
    fn decide(&mut self, rx: HostNs) {
        let Some(rules) = &mut self.rules else { return };
        let is_silence = rules.is_silence(rx);
        let mut decided = std::mem::take(&mut self.decided);
        rules.before(rx, &self.feed, &mut |at, control| decided.push((at, control)));
        for (at, control) in decided.drain(..) {
            if is_silence {
                self.pass(at);
            }
            self.apply(at, &control);
        }
        self.decided = decided;
        if is_silence {
            self.pass(rx);
        }
    }

    /// The seconds of a silence pass as they did.
    fn pass(&mut self, until: HostNs) {
        for _ in 0..SILENT_SECONDS_MAX {
            let Some(next) = self.next_timer.filter(|next| *next <= until) else { return };
            self.timer(next);
        }
    }

    /// What follows from a frame that was just taken.
    fn note(&mut self, rx: HostNs, payload: &[u8], outcome: &Outcome) {
        let frame = self.feed.counters().frames;
        match *outcome {
            Outcome::Desync(symbols, reason) => {
                let detail = Detail::last(&self.feed, reason);
                self.quarantines.add(symbols, reason, Some(frame), detail);
                let first = First { frame, symbols, detail, reason, is_told: false };
                self.first.get_or_insert(first);
            }
            Outcome::Cold(_) => {
                let room = TRADING_NOTICES_MAX - self.trading.len();
                let notices = self.feed.take_trading_notices().into_iter().take(room);
                self.trading.extend(notices.map(|notice| (frame, notice)));
            }
            _ => {}
        }
        let rules = self.rules.as_mut();
        let follows = rules.and_then(|rules| rules.after(payload, outcome, &self.feed));
        if let Some(control) = follows {
            self.apply(rx, &control);
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
            let now = self.clock.now();
            self.feed.on_control(rx, now, &Control::Timer { at }, &mut self.events);
            self.side.work_off(&mut self.events);
        }
    }

    /// What happened since the last call, in words: the first book that was not believed, and every change
    /// of what may be traded.
    pub(super) fn notices(&mut self) -> Vec<String> {
        let mut notices = Vec::new();
        if let Some(first) = self.first.as_mut().filter(|first| !first.is_told) {
            first.is_told = true;
            let names: Vec<String> = self
                .feed
                .symbols()
                .zip(self.feed.instruments())
                .filter(|(symbol, _)| first.symbols.contains(*symbol))
                .map(|(symbol, of)| format!("{} (now {:?})", of.name, self.feed.state(symbol)))
                .collect();
            let why = first.detail.text().unwrap_or_else(|| first.reason.as_str().to_owned());
            notices.push(format!(
                "frame {}: {why}; quarantined {} until its next verified snapshot",
                first.frame,
                names.join(", ")
            ));
        }
        let instruments = self.feed.instruments();
        let new = self.trading[self.told..].iter();
        notices.extend(new.map(|(frame, notice)| {
            format!("frame {frame}: {}", trading::told(notice, instruments).2)
        }));
        self.told = self.trading.len();
        notices
    }

    pub(super) fn finish(&mut self, flatten: bool) {
        let Some(last) = self.side.last else { return };
        let EngineSide { engine, tally, bank, clock, .. } = &mut self.side;
        engine.finish(flatten, &last, &mut Context { clock, bank, reports: tally });
    }
}
