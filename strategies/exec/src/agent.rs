//! The engine thread: takes events from the market ring as long as their reports can be delivered.

use paperwire_core::agent::{Agent, Clock, WorkCount};
use paperwire_core::event::{MarketEvent, MarketKind};
use paperwire_core::glance::Glances;
use paperwire_core::latency::BankSwap;
use paperwire_core::limits::{REPORT_STEP_MAX, STEP_EVENTS_MAX};
use paperwire_core::ring::{Consumer, Producer};
use paperwire_core::time::{DurationNs, HostNs};

use crate::engine::{Context, Engine, ReportSink};
use crate::report::Report;

/// The report ring's writing end with a running account of its room.
#[derive(Debug)]
struct RingReports {
    ring: Producer<Report>,
    room: usize,
}

impl ReportSink for RingReports {
    fn push(&mut self, report: Report) {
        self.room = self.room.saturating_sub(1);
        let mut report = report;
        // The agent leaves room for a whole event; an event that says more than that waits here,
        // because a report that cannot be delivered must not be lost.
        while let Err(back) = self.ring.push(report) {
            report = back;
            if self.ring.is_abandoned() {
                return;
            }
            std::thread::yield_now();
        }
    }
}

impl RingReports {
    fn has_room(&mut self) -> bool {
        if self.room < REPORT_STEP_MAX {
            self.room = self.ring.free();
        }
        self.room >= REPORT_STEP_MAX
    }
}

/// Buffers and caches settle within this time after the first event.
const WARM_AFTER: DurationNs = DurationNs::from_secs(2);

/// The engine thread's agent.
#[derive(Debug)]
pub struct EngineAgent<C> {
    engine: Engine,
    events: Consumer<MarketEvent>,
    reports: RingReports,
    banks: BankSwap,
    glances: Glances,
    clock: C,
    flatten_at_end: bool,
    last: Option<MarketEvent>,
    first_at: Option<HostNs>,
    is_warm: bool,
    halts: u64,
    is_halted: bool,
    /// Most events that were found waiting.
    waiting_max: usize,
}

impl<C: Clock> EngineAgent<C> {
    /// An agent around an engine; the rings are made by the bridge.
    pub const fn new(
        engine: Engine,
        events: Consumer<MarketEvent>,
        reports: Producer<Report>,
        banks: BankSwap,
        glances: Glances,
        clock: C,
        flatten_at_end: bool,
    ) -> Self {
        Self {
            engine,
            events,
            reports: RingReports { ring: reports, room: 0 },
            banks,
            glances,
            clock,
            flatten_at_end,
            last: None,
            first_at: None,
            is_warm: false,
            halts: 0,
            is_halted: false,
            waiting_max: 0,
        }
    }

    /// Times that trading halted because reports could not be delivered.
    pub const fn halts(&self) -> u64 {
        self.halts
    }

    /// The engine, for reports after the end.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }
}

impl<C: Clock> Agent for EngineAgent<C> {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn step(&mut self, now: HostNs) -> Option<WorkCount> {
        let mut work = 0;
        let waiting = self.events.len();
        self.waiting_max = self.waiting_max.max(waiting);
        while work < STEP_EVENTS_MAX {
            if !self.reports.has_room() {
                self.halts += u64::from(!self.is_halted);
                self.is_halted = true;
                break;
            }
            self.is_halted = false;
            let Some(event) = self.events.pop() else {
                break;
            };
            let mut ctx =
                Context { clock: &self.clock, bank: self.banks.bank(), reports: &mut self.reports };
            self.engine.process(&event, &mut ctx);
            if event.kind == MarketKind::Timer {
                self.banks.swap();
                self.glances.show(self.engine.market().view(), [waiting, self.waiting_max]);
            }
            self.last = Some(event);
            work += 1;
        }
        if work > 0 && !self.is_warm {
            let first = *self.first_at.get_or_insert(now);
            self.is_warm = now.since(first) >= WARM_AFTER;
        }
        // The feed is gone and everything it sent is worked off.
        if work == 0 && !self.is_halted && self.events.is_abandoned() && self.events.is_empty() {
            return None;
        }
        Some(WorkCount(work))
    }

    fn is_warm(&self) -> bool {
        self.is_warm
    }

    fn on_close(&mut self) {
        if let Some(last) = self.last {
            let mut ctx =
                Context { clock: &self.clock, bank: self.banks.bank(), reports: &mut self.reports };
            self.engine.finish(self.flatten_at_end, &last, &mut ctx);
        }
        self.banks.swap();
    }
}
