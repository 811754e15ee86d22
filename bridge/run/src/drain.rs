//! The drain thread: empties the rings of the pinned threads, sums up, and hands on to the sinks.

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use crossbeam::channel::Receiver;
use paperwire_core::book::BookError;
use paperwire_core::command::Command;
use paperwire_core::event::GapReason;
use paperwire_core::latency::BankDrain;
use paperwire_core::ring::{Consumer, Producer};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_exec::report::Report;
use paperwire_feed::report::{FeedReport, FeedReportKind};
use paperwire_lab::attribution::LongCall;
use paperwire_replay::quarantine::{Detail, Quarantines};
use paperwire_replay::tally::Tally;
use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;

use crate::announcer::Announcer;
use crate::budget::Budget;
use crate::host_watch::HostWatch;
use crate::repeats::Repeats;
use crate::sink::{Second, Sinks, Turn};
use crate::told::{self, Told};
use crate::totals::{SharedTotals, Totals, lock};

/// The way of commands to the feed thread, for everyone who may give some.
pub type Commands = Arc<Mutex<Producer<Command>>>;

/// Reports taken per turn before other rings are looked at.
const REPORTS_PER_TURN: usize = 4096;

/// The rings' ends on this side.
#[derive(Debug)]
pub struct Rings {
    /// From the engine.
    pub reports: Consumer<Report>,
    /// From the feed.
    pub feed_reports: Consumer<FeedReport>,
    /// Histograms of both threads.
    pub banks: [BankDrain; 2],
    /// From all other threads: what people are to be told.
    pub told: Receiver<Told>,
}

/// What is done about long calls: to whom they are attributed, how many are borne, and how a strategy is benched.
#[derive(Debug)]
pub struct CallWatch {
    /// Attributes them, where the kernel tells of the engine's thread.
    pub host: Option<HostWatch>,
    /// How many of which length are borne.
    pub budget: Budget,
    /// To the feed, which makes an event of the command that benches.
    pub commands: Commands,
}

/// What the thread empties and feeds.
#[derive(Debug)]
pub struct Drain {
    rings: Rings,
    totals: SharedTotals,
    calls: CallWatch,
    sinks: Sinks,
    problems: Vec<String>,
    announcer: Announcer,
    repeats: Repeats,
    wait: Wait,
    clock: HostClock,
}

/// What is left when everything was drained.
#[derive(Debug)]
pub struct Drained {
    /// To be closed.
    pub sinks: Sinks,
    /// What was wrong with them meanwhile, for the final report.
    pub problems: Vec<String>,
}

impl Drain {
    /// Empties `rings` into the totals and the sinks; without anything to do the thread waits by `wait`.
    pub fn new(
        rings: Rings,
        totals: SharedTotals,
        calls: CallWatch,
        sinks: Sinks,
        wait: Wait,
        clock: HostClock,
    ) -> Self {
        Self {
            rings,
            totals,
            calls,
            sinks,
            problems: Vec::new(),
            announcer: Announcer::default(),
            repeats: Repeats::default(),
            wait,
            clock,
        }
    }

    /// Starts the thread; it ends when both pinned threads are gone and everything is drained.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(self) -> std::io::Result<JoinHandle<Drained>> {
        std::thread::Builder::new().name("bridge".to_owned()).spawn(move || self.run())
    }

    fn run(mut self) -> Drained {
        self.sinks.iter_mut().for_each(|sink| sink.begin());
        loop {
            let is_over = self.is_over();
            if self.turn() > 0 {
                continue;
            }
            if is_over {
                self.tell_the_rest();
                return Drained { sinks: self.sinks, problems: self.problems };
            }
            self.wait.wait();
        }
    }

    /// Both pinned threads have ended; what they reported may still wait.
    fn is_over(&self) -> bool {
        self.rings.reports.is_abandoned() && self.rings.feed_reports.is_abandoned()
    }

    /// Takes what is there, at most [`REPORTS_PER_TURN`] reports of the engine; how much it was.
    fn turn(&mut self) -> usize {
        let totals = self.totals.clone();
        let totals = &mut *lock(&totals);
        if let Some(host) = &mut self.calls.host {
            host.look(&self.clock);
        }
        let waiting = self.rings.reports.len();
        let mut work = self.take_reports(totals);
        work += self.take_feed_reports(totals);
        while let Ok(told) = self.rings.told.try_recv() {
            self.tell(&told);
        }
        self.take_banks(totals);
        let (now, is_over) = (self.clock.now(), self.rings.reports.is_abandoned());
        let mut problems = Vec::new();
        for sink in &mut self.sinks {
            sink.turn(&mut Turn { now, waiting, is_over, tally: &mut totals.tally });
            problems.extend(std::iter::from_fn(|| sink.problem()));
        }
        for problem in problems {
            self.tell(&Told::line("notice", problem.clone()));
            self.problems.push(problem);
        }
        work
    }

    fn tell(&mut self, told: &Told) {
        let now = self.clock.now();
        self.sinks.iter_mut().for_each(|sink| sink.told(told, now));
    }

    fn take_reports(&mut self, totals: &mut Totals) -> usize {
        let mut work = 0;
        while work < REPORTS_PER_TURN
            && let Some(report) = self.rings.reports.pop()
        {
            let drained = self.clock.now();
            totals.tally.absorb_drained(&report, drained);
            for line in self.announcer.report(&report, &totals.tally) {
                self.tell(&Told::line("control", line));
            }
            self.sinks.iter_mut().for_each(|sink| sink.report(&report, drained));
            work += 1;
        }
        // A command to many strategies may come in parts; it is through once nothing follows.
        if work == 0
            && let Some(line) = self.announcer.flush(&totals.tally)
        {
            self.tell(&Told::line("control", line));
        }
        work
    }

    fn take_feed_reports(&mut self, totals: &mut Totals) -> usize {
        let mut work = 0;
        while let Some(report) = self.rings.feed_reports.pop() {
            work += 1;
            count_quarantine(&report.kind, &mut totals.quarantines);
            self.sinks.iter_mut().for_each(|sink| sink.feed_report(&report));
            if self.repeats.is_news(&report, self.clock.now()) {
                self.tell_feed(&report, 1, totals);
            }
        }
        while let Some((report, count)) = self.repeats.due(self.clock.now()) {
            self.tell_feed(&report, count, totals);
        }
        work
    }

    fn tell_feed(&mut self, report: &FeedReport, count: u64, totals: &mut Totals) {
        if let Some(told) = told::of_feed(report, count, totals, &self.clock) {
            self.tell(&told);
        }
    }

    /// Tells what was held back for the end of its minute.
    fn tell_the_rest(&mut self) {
        let totals = self.totals.clone();
        let totals = &mut *lock(&totals);
        while let Some((report, count)) = self.repeats.rest() {
            self.tell_feed(&report, count, totals);
        }
    }

    fn take_banks(&mut self, totals: &mut Totals) {
        let Self { rings, sinks, calls: CallWatch { host, budget, commands }, clock, .. } = self;
        let Tally { bank: sum, judged, .. } = &mut totals.tally;
        let now = clock.now();
        for banks in &mut rings.banks {
            banks.drain(sum, |bank| {
                let outliers = bank.outliers().as_slice();
                let calls: Vec<LongCall> = match host.as_mut() {
                    Some(host) if !outliers.is_empty() => {
                        host.look_now(clock);
                        host.judge(outliers).collect()
                    }
                    _ => outliers.iter().map(LongCall::unseen).collect(),
                };
                for command in budget.look(bank, &calls, now) {
                    // A ring full of commands will do without this one; the next miss says it again.
                    let _ = lock(commands).push(command);
                }
                let longest: Vec<LongCall> =
                    calls.iter().filter(|call| judged.add(call)).copied().collect();
                let second = Second { bank, calls: &calls, longest: &longest, now };
                sinks.iter_mut().for_each(|sink| sink.bank(&second));
            });
        }
    }
}

fn count_quarantine(kind: &FeedReportKind, all: &mut Quarantines) {
    match *kind {
        FeedReportKind::BadBook { symbol, error } => {
            let reason = match error {
                BookError::Checksum { .. } => GapReason::Checksum,
                BookError::Crossed { .. } => GapReason::Crossed,
            };
            all.add(SymbolSet::only(symbol), reason, None, Detail::Book(error));
        }
        FeedReportKind::Malformed { error, symbols } => {
            all.add(symbols, GapReason::Malformed, None, Detail::Wire(error));
        }
        FeedReportKind::Void { symbols, reason } => all.add(symbols, reason, None, Detail::None),
        _ => {}
    }
}

#[cfg(test)]
mod tests;
