//! What the bridge thread puts aside for the page: values as they came, nothing formatted, everything bounded.
//!
//! The page empties it a few times a second. When it does not, the oldest of each kind goes.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use paperwire_core::account::Fill;
use paperwire_core::bar::Bar;
use paperwire_core::event::Seq;
use paperwire_core::glance::{Glance, GlanceDrain};
use paperwire_core::instrument::SymbolId;
use paperwire_core::latency::{Bank, Pair, Stage};
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::slowest::SlowTick;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_lab::attribution::LongCall;
use paperwire_lab::packed::Packed;

use crate::sink::{Second, Sink, Turn};
use crate::told::Told;
use crate::totals::lock;

/// Of each kind, between two looks of the page, of which there are two a second.
const KEPT_MAX: usize = 4096;
/// Seconds of histograms likewise, each of which takes some hundred kilobytes.
const SECONDS_MAX: usize = 64;

/// The instants of a report on its way from the wire to the drain thread.
#[derive(Clone, Copy, Debug)]
pub struct Way {
    /// The frame that caused it arrived.
    pub arrived: HostNs,
    /// The engine made it.
    pub made: HostNs,
    /// The drain thread took it out of its ring.
    pub drained: HostNs,
    /// True for what the page shows one by one.
    pub is_fill: bool,
}

/// What came since the page looked last.
#[derive(Debug, Default)]
pub struct Fresh {
    /// Fills, each with the number of its market event.
    pub fills: VecDeque<(Seq, Fill)>,
    /// Closed bars of a minute.
    pub bars: VecDeque<(SymbolId, Bar)>,
    /// Packed histograms by row, a second each.
    pub seconds: VecDeque<(HostNs, Vec<(usize, Both)>)>,
    /// The slowest events of each second, stage by stage.
    pub ticks: VecDeque<SlowTick>,
    /// Long calls with their attribution.
    pub calls: VecDeque<LongCall>,
    /// Lines for people, each with its kind.
    pub events: VecDeque<(HostNs, &'static str, String)>,
    /// Ways of reports, for the stages that the engine cannot measure.
    pub ways: VecDeque<Way>,
}

/// Service and response of one row in one slot of time.
pub type Both = [Packed; 2];

/// Put aside for the page.
#[derive(Debug)]
pub struct Inbox {
    /// The market as the engine last showed it.
    pub glance: Glance,
    /// Calls over the budget, by strategy.
    pub misses: Vec<u64>,
    /// Reports that were found waiting, and the most there ever were.
    pub reports: [usize; 2],
    /// Not yet looked at.
    pub fresh: Fresh,
    budget: DurationNs,
}

fn put<T>(kept: &mut VecDeque<T>, value: T) {
    if kept.len() == KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(value);
}

/// The rows of a bank, packed; done by whoever has the bank.
pub fn pack(bank: &Bank) -> Vec<(usize, Both)> {
    let both = |pair: &Pair| [Packed::of(&pair.service), Packed::of(&pair.response)];
    let stages = bank.stages().map(|(stage, pair)| (stage as usize, pair));
    let strategies = bank.strategies().iter().enumerate();
    let strategies = strategies.map(|(index, pair)| (Stage::ALL.len() + index, pair));
    let all = stages.chain(strategies).filter(|(_, pair)| !pair.service.is_empty());
    all.map(|(row, pair)| (row, both(pair))).collect()
}

impl Inbox {
    /// Of a run of so many symbols and strategies, each with this budget per call.
    pub fn new(symbols: usize, strategies: usize, budget: DurationNs) -> Self {
        Self {
            glance: Glance::new(symbols),
            misses: vec![0; strategies],
            reports: [0; 2],
            fresh: Fresh::default(),
            budget,
        }
    }

    fn waiting(&mut self, reports: usize) {
        self.reports = [reports, self.reports[1].max(reports)];
    }

    fn report(&mut self, report: &Report, drained: HostNs) {
        let Report { seq, arrived, made, .. } = *report;
        match report.kind {
            ReportKind::Fill(fill) => put(&mut self.fresh.fills, (seq, fill)),
            ReportKind::Bar { symbol, bar } => put(&mut self.fresh.bars, (symbol, bar)),
            _ => {}
        }
        let is_fill = matches!(report.kind, ReportKind::Fill(_));
        put(&mut self.fresh.ways, Way { arrived, made, drained, is_fill });
    }

    fn bank(&mut self, bank: &Bank, now: HostNs) {
        if self.fresh.seconds.len() == SECONDS_MAX {
            self.fresh.seconds.pop_front();
        }
        put(&mut self.fresh.seconds, (now, pack(bank)));
        bank.slowest().as_slice().iter().for_each(|tick| put(&mut self.fresh.ticks, *tick));
        for (misses, pair) in self.misses.iter_mut().zip(bank.strategies()) {
            if self.budget > DurationNs::ZERO && pair.service.max() >= self.budget.raw() {
                *misses += pair.service.count_between(self.budget.raw(), LATENCY_MAX_NS);
            }
        }
    }

    fn call(&mut self, call: LongCall) {
        put(&mut self.fresh.calls, call);
    }

    fn event(&mut self, at: HostNs, kind: &'static str, text: &str) {
        put(&mut self.fresh.events, (at, kind, text.to_owned()));
    }
}

/// The inbox as a destination of a session.
#[derive(Debug)]
pub struct InboxSink {
    inbox: Arc<Mutex<Inbox>>,
    glances: GlanceDrain,
}

impl InboxSink {
    /// Fills an inbox, which its page empties.
    pub const fn new(inbox: Arc<Mutex<Inbox>>, glances: GlanceDrain) -> Self {
        Self { inbox, glances }
    }
}

impl Sink for InboxSink {
    fn report(&mut self, report: &Report, drained: HostNs) {
        lock(&self.inbox).report(report, drained);
    }

    fn told(&mut self, told: &Told, at: HostNs) {
        if let Some(line) = &told.line {
            lock(&self.inbox).event(at, told.kind, line);
        }
    }

    fn bank(&mut self, second: &Second<'_>) {
        let mut inbox = lock(&self.inbox);
        second.calls.iter().for_each(|call| inbox.call(*call));
        inbox.bank(second.bank, second.now);
    }

    fn turn(&mut self, turn: &mut Turn<'_>) {
        let mut inbox = lock(&self.inbox);
        self.glances.take(&mut inbox.glance);
        inbox.waiting(turn.waiting);
    }
}
