//! What the bridge thread puts aside for the page: values as they came, nothing formatted, everything bounded.
//!
//! The page empties it a few times a second. When it does not, the oldest of each kind goes.

use std::collections::VecDeque;
use std::sync::Arc;

use paperwire_core::account::Fill;
use paperwire_core::bar::Bar;
use paperwire_core::event::Seq;
use paperwire_core::glance::Glance;
use paperwire_core::instrument::SymbolId;
use paperwire_core::latency::Bank;
use paperwire_core::limits::LATENCY_MAX_NS;
use paperwire_core::slowest::SlowTick;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_history::writer::WriterStats;

use super::tails::{Both, Tails};
use crate::attribution::LongCall;

/// Of each kind, between two looks of the page, of which there are two a second.
const KEPT_MAX: usize = 4096;
/// Seconds of histograms likewise, each of which takes some hundred kilobytes.
const SECONDS_MAX: usize = 64;

/// A way of reports from the engine to here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Way {
    pub(crate) arrived: HostNs,
    pub(crate) made: HostNs,
    pub(crate) drained: HostNs,
    /// True for what the page shows one by one.
    pub(crate) is_fill: bool,
}

/// What came since the page looked last.
#[derive(Debug, Default)]
pub(crate) struct Fresh {
    pub(crate) fills: VecDeque<(Seq, Fill)>,
    pub(crate) bars: VecDeque<(SymbolId, Bar)>,
    pub(super) seconds: VecDeque<(HostNs, Vec<(usize, Both)>)>,
    pub(crate) ticks: VecDeque<SlowTick>,
    pub(crate) calls: VecDeque<LongCall>,
    pub(crate) events: VecDeque<(HostNs, &'static str, String)>,
    pub(crate) ways: VecDeque<Way>,
}

/// Put aside for the page.
#[derive(Debug)]
pub struct Inbox {
    /// The market as the engine last showed it.
    pub(crate) glance: Glance,
    /// Calls over the budget, by strategy.
    pub(crate) misses: Vec<u64>,
    /// Reports that were found waiting, and the most there ever were.
    pub(crate) reports: [usize; 2],
    /// How the history writer fares, when there is one.
    pub(crate) history: Option<Arc<WriterStats>>,
    /// Not yet looked at.
    pub(crate) fresh: Fresh,
    budget: DurationNs,
}

fn put<T>(kept: &mut VecDeque<T>, value: T) {
    if kept.len() == KEPT_MAX {
        kept.pop_front();
    }
    kept.push_back(value);
}

impl Inbox {
    /// Of a run of so many symbols and strategies, each with this budget per call.
    pub(crate) fn new(symbols: usize, strategies: usize, budget: DurationNs) -> Self {
        Self {
            glance: Glance::new(symbols),
            misses: vec![0; strategies],
            reports: [0; 2],
            history: None,
            fresh: Fresh::default(),
            budget,
        }
    }

    pub(crate) fn waiting(&mut self, reports: usize) {
        self.reports = [reports, self.reports[1].max(reports)];
    }

    pub(crate) fn report(&mut self, report: &Report, drained: HostNs) {
        let Report { seq, arrived, made, .. } = *report;
        match report.kind {
            ReportKind::Fill(fill) => put(&mut self.fresh.fills, (seq, fill)),
            ReportKind::Bar { symbol, bar } => put(&mut self.fresh.bars, (symbol, bar)),
            _ => {}
        }
        let is_fill = matches!(report.kind, ReportKind::Fill(_));
        put(&mut self.fresh.ways, Way { arrived, made, drained, is_fill });
    }

    pub(crate) fn bank(&mut self, bank: &Bank, now: HostNs) {
        if self.fresh.seconds.len() == SECONDS_MAX {
            self.fresh.seconds.pop_front();
        }
        put(&mut self.fresh.seconds, (now, Tails::pack(bank)));
        bank.slowest().as_slice().iter().for_each(|tick| put(&mut self.fresh.ticks, *tick));
        for (misses, pair) in self.misses.iter_mut().zip(bank.strategies()) {
            if self.budget > DurationNs::ZERO && pair.service.max() >= self.budget.raw() {
                *misses += pair.service.count_between(self.budget.raw(), LATENCY_MAX_NS);
            }
        }
    }

    pub(crate) fn call(&mut self, call: LongCall) {
        put(&mut self.fresh.calls, call);
    }

    pub(crate) fn event(&mut self, at: HostNs, kind: &'static str, text: &str) {
        put(&mut self.fresh.events, (at, kind, text.to_owned()));
    }
}
