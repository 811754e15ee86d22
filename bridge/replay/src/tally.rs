//! What a run has come to: the sum of all reports, for the status line, the final report and JSON.

use paperwire_core::command::ParamChange;
use paperwire_core::instrument::Instrument;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::num::Money;
use paperwire_core::order::OrderEnd;
use paperwire_core::strategy::{RejectReason, Skip};
use paperwire_core::thread::ThreadUsage;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::digest::{Conduct, RunDigest};
use paperwire_exec::engine::ReportSink;
use paperwire_exec::fill::BRACKET;
use paperwire_exec::report::{AccountRow, BracketRow, MarketRow, PositionRow, Report, ReportKind};
use paperwire_lab::attribution::Judged;
use paperwire_rt::runner::{RunnerConfig, RunnerStats, Wait};

use crate::pairs::Way;
use crate::trail::Trail;

/// A strategy instance as people know it.
#[derive(Clone, Debug)]
pub struct StrategyName {
    /// `name` or `name#label`; unique in the run.
    pub instance: String,
    /// Version of the strategy.
    pub version: String,
    /// SHA-256 of its source files.
    pub sha256: String,
    /// Parameters that may change while it runs, in the order of their numbers.
    pub reloadable: &'static [&'static str],
}

impl StrategyName {
    /// The key that a change is of.
    pub fn param(&self, change: ParamChange) -> &'static str {
        self.reloadable.get(usize::from(change.key)).copied().unwrap_or("?")
    }
}

/// An account under each model of [`BRACKET`]; `None` without a bracket.
pub type Bracket = [Option<BracketRow>; BRACKET.len()];

/// What became of a pinned thread.
#[derive(Clone, Debug)]
pub struct ThreadRow {
    /// Its name.
    pub name: &'static str,
    /// The core that it was pinned to.
    pub core: Option<usize>,
    /// What it did without work.
    pub wait: Wait,
    /// Times it lost its core between two idle turns; told of a thread that spins only.
    pub hiccups: u64,
    /// All of them together.
    pub lost: DurationNs,
    /// The longest.
    pub longest: DurationNs,
    /// Faults and switches.
    pub usage: ThreadUsage,
}

impl ThreadRow {
    /// The row of a thread that has ended.
    pub fn of(name: &'static str, config: RunnerConfig, stats: &RunnerStats) -> Self {
        Self {
            name,
            core: config.core.filter(|_| stats.is_pinned()),
            wait: config.wait,
            hiccups: stats.hiccups(),
            lost: stats.lost(),
            longest: stats.hiccup_max(),
            usage: stats.usage(),
        }
    }
}

/// Sums over a run.
#[derive(Debug)]
pub struct Tally {
    /// The strategies, by index.
    pub strategies: Vec<StrategyName>,
    /// The instruments, by index.
    pub instruments: Vec<Instrument>,
    /// Over every signal, order, fill and final account.
    pub digest: RunDigest,
    /// Of each strategy by itself; empty unless somebody wants to hold runs against each other.
    pub conduct: Vec<Conduct>,
    /// Of each strategy, its fills and its equity over time; empty unless somebody wants to pair runs.
    pub ways: Vec<Way>,
    /// Its checksums on the way.
    pub trail: Trail,
    /// Latest account of each strategy.
    pub accounts: Vec<AccountRow>,
    /// Latest figures of each symbol of each account.
    pub positions: Vec<Vec<PositionRow>>,
    /// Each account under other fill models.
    pub brackets: Vec<Bracket>,
    /// Latest figures of each symbol.
    pub markets: Vec<MarketRow>,
    /// Refusals by reason, per strategy.
    pub rejects: Vec<Vec<u64>>,
    /// Ends of orders, per strategy.
    pub ends: Vec<Vec<u64>>,
    /// Skips by reason, per strategy; known at the end.
    pub skips: Vec<Vec<u64>>,
    /// Signals.
    pub signals: u64,
    /// Fills.
    pub fills: u64,
    /// One-minute bars closed.
    pub bars: u64,
    /// Every stage and strategy.
    pub bank: Bank,
    /// Long calls, and their attribution.
    pub judged: Judged,
    /// The pinned threads, once they have ended.
    pub threads: Vec<ThreadRow>,
}

impl Tally {
    /// Nothing yet; every account begins with `capital`.
    pub fn new(
        strategies: Vec<StrategyName>,
        instruments: Vec<Instrument>,
        capital: Money,
    ) -> Self {
        let (count, symbols) = (strategies.len(), instruments.len());
        Self {
            digest: RunDigest::new(),
            conduct: Vec::new(),
            ways: Vec::new(),
            trail: Trail::Off,
            accounts: vec![AccountRow::new(capital); count],
            positions: vec![vec![PositionRow::default(); symbols]; count],
            brackets: vec![Bracket::default(); count],
            markets: vec![MarketRow::default(); symbols],
            rejects: vec![vec![0; RejectReason::ALL.len()]; count],
            ends: vec![vec![0; OrderEnd::ALL.len()]; count],
            skips: vec![vec![0; Skip::ALL.len()]; count],
            signals: 0,
            fills: 0,
            bars: 0,
            bank: Bank::new(&Stage::ALL, count),
            judged: Judged::default(),
            threads: Vec::new(),
            strategies,
            instruments,
        }
    }

    /// Adds a report.
    pub fn absorb(&mut self, report: &Report) {
        if let Some(sum) = self.digest.absorb(report) {
            self.trail.step(report, sum);
            for (index, conduct) in self.conduct.iter_mut().enumerate() {
                conduct.absorb(index, report);
            }
        }
        for (index, way) in self.ways.iter_mut().enumerate() {
            way.absorb(index, report);
        }
        match &report.kind {
            ReportKind::Signal { .. } => self.signals += 1,
            ReportKind::Reject { strategy, reason, .. } => {
                self.rejects[strategy.index()][*reason as usize] += 1;
            }
            ReportKind::Fill(_) => self.fills += 1,
            ReportKind::Account { strategy, row, .. } => self.accounts[strategy.index()] = *row,
            ReportKind::Market { symbol, row } => self.markets[symbol.index()] = *row,
            ReportKind::Bar { .. } => self.bars += 1,
            ReportKind::SkipCount { strategy, why, count } => {
                self.skips[strategy.index()][*why as usize] = *count;
            }
            ReportKind::Done { strategy, done } => {
                self.ends[strategy.index()][done.end as usize] += 1;
            }
            ReportKind::State { strategy, state } => {
                self.accounts[strategy.index()].state = *state;
            }
            ReportKind::Position { strategy, symbol, row } => {
                self.positions[strategy.index()][symbol.index()] = *row;
            }
            ReportKind::Bracket { strategy, model, row, .. } => {
                self.brackets[strategy.index()][usize::from(*model)] = Some(*row);
            }
            ReportKind::Order { .. }
            | ReportKind::Changed { .. }
            | ReportKind::Interest { .. }
            | ReportKind::Command { .. }
            | ReportKind::Param { .. }
            | ReportKind::Benched { .. }
            | ReportKind::Trade { .. }
            | ReportKind::Regime { .. }
            | ReportKind::Skipped { .. }
            | ReportKind::Halted => {}
        }
    }

    /// Adds a report that the bridge took out of the ring at `now`.
    pub fn absorb_drained(&mut self, report: &Report, now: HostNs) {
        self.absorb(report);
        if !report.is_history {
            self.bank.stage(Stage::Drained).record(report.arrived, report.made, now);
        }
    }
}

impl ReportSink for Tally {
    fn push(&mut self, report: Report) {
        self.absorb(&report);
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::event::Seq;
    use paperwire_core::time::ExchNs;

    use super::*;

    #[test]
    fn what_history_makes_is_counted_and_is_no_latency() {
        let mut tally = Tally::new(Vec::new(), Vec::new(), Money::ONE);
        let mut drain = |is_history| {
            let (at, arrived, made) = (ExchNs::new(1), HostNs::new(10), HostNs::new(20));
            let kind = ReportKind::Halted;
            let report = Report { seq: Seq(1), at, arrived, made, is_history, kind };
            tally.absorb_drained(&report, HostNs::new(5_000_000));
            tally.bank.stage(Stage::Drained).service.len()
        };
        assert_eq!((drain(true), drain(false)), (0, 1));
    }
}
