//! One event being worked on, with what working on it takes besides the engine.

use paperwire_core::agent::Clock;
use paperwire_core::event::Seq;
use paperwire_core::latency::Bank;
use paperwire_core::time::{ExchNs, HostNs};

use crate::report::{Report, ReportKind};

/// Where reports go. There is room: the agent looked before the event.
pub trait ReportSink {
    /// Takes a report.
    fn push(&mut self, report: Report);
}

impl ReportSink for Vec<Report> {
    fn push(&mut self, report: Report) {
        self.push(report);
    }
}

/// What a step works with besides the engine itself.
#[derive(Debug)]
pub struct Context<'a, C, R> {
    /// For measuring only.
    pub clock: &'a C,
    /// Histograms of [`super::ENGINE_STAGES`] and of each strategy.
    pub bank: &'a mut Bank,
    /// To the bridge.
    pub reports: &'a mut R,
}

/// What the engine may reach outside itself: a clock to measure by, histograms, the way of reports.
pub trait Io {
    /// Now, on the host's clock.
    fn now(&self) -> HostNs;
    /// The histograms.
    fn bank(&mut self) -> &mut Bank;
    /// Sends a report.
    fn push(&mut self, report: Report);
}

impl<C: Clock, R: ReportSink> Io for Context<'_, C, R> {
    #[inline]
    fn now(&self) -> HostNs {
        self.clock.now()
    }

    #[inline]
    fn bank(&mut self) -> &mut Bank {
        self.bank
    }

    #[inline]
    fn push(&mut self, report: Report) {
        self.reports.push(report);
    }
}

/// The event that everything follows from.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    pub(super) seq: Seq,
    pub(super) at: ExchNs,
    pub(super) arrived: HostNs,
    /// Last look at the host's clock: a look costs as much as some of the steps.
    pub(super) looked: HostNs,
    /// A bar of history, before the session.
    pub(super) is_history: bool,
}

/// The engine's turn with one event.
pub(super) struct Turn<'a, I> {
    pub(super) cause: Cause,
    io: &'a mut I,
}

impl<'a, I: Io> Turn<'a, I> {
    pub(super) const fn new(cause: Cause, io: &'a mut I) -> Self {
        Self { cause, io }
    }

    /// The same turn after another look at the clock, for what follows from there.
    #[inline]
    pub(super) const fn at(&mut self, looked: HostNs) -> Turn<'_, I> {
        Turn { cause: Cause { looked, ..self.cause }, io: self.io }
    }

    #[inline]
    pub(super) fn now(&self) -> HostNs {
        self.io.now()
    }

    #[inline]
    pub(super) fn bank(&mut self) -> &mut Bank {
        self.io.bank()
    }

    #[inline]
    pub(super) fn emit(&mut self, kind: ReportKind) {
        let Cause { seq, at, arrived, looked, is_history } = self.cause;
        self.io.push(Report { seq, at, arrived, made: looked, is_history, kind });
    }
}
