//! Where time goes: one vocabulary of stages and a bank of histograms per thread.
//!
//! *Service* is the work of a stage alone. *Response* is from the arrival of the bytes to the end of
//! the stage, waiting included. Histograms are HdrHistograms of fixed range and three digits; a
//! thread owns one [`Bank`], swaps it for a spare each second through a ring, and the async side
//! merges what comes out. Percentiles are never averaged.

use hdrhistogram::Histogram;

use crate::event::Seq;
use crate::limits::LATENCY_MAX_NS;
use crate::outlier::Outliers;
use crate::slowest::{SlowTick, Slowest};
use crate::time::{DurationNs, HostNs};

/// A step of the way from the wire to the page. In code, logs and UI these are the only words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Stage {
    /// Kernel receive time to the read that fetched the bytes.
    Read,
    /// TLS record opened.
    Decrypted,
    /// WebSocket frame found.
    Deframed,
    /// JSON made into integers.
    Decoded,
    /// Book changed and its checksum verified.
    BookApplied,
    /// Put into the market ring.
    Enqueued,
    /// Taken out by the engine; its service is the wait in the ring.
    Dequeued,
    /// Market state, bars, stops and margin.
    StateApplied,
    /// Every strategy of the event together; each has its own histogram besides.
    Decided,
    /// Signal checked and sized into an order.
    Ordered,
    /// Order filled and booked.
    Filled,
    /// Report taken out by the bridge.
    Drained,
    /// Shown on the page.
    Published,
}

impl Stage {
    /// In order of the way.
    pub const ALL: [Self; 13] = [
        Self::Read,
        Self::Decrypted,
        Self::Deframed,
        Self::Decoded,
        Self::BookApplied,
        Self::Enqueued,
        Self::Dequeued,
        Self::StateApplied,
        Self::Decided,
        Self::Ordered,
        Self::Filled,
        Self::Drained,
        Self::Published,
    ];

    /// The word used everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Decrypted => "decrypted",
            Self::Deframed => "deframed",
            Self::Decoded => "decoded",
            Self::BookApplied => "book_applied",
            Self::Enqueued => "enqueued",
            Self::Dequeued => "dequeued",
            Self::StateApplied => "state_applied",
            Self::Decided => "decided",
            Self::Ordered => "ordered",
            Self::Filled => "filled",
            Self::Drained => "drained",
            Self::Published => "published",
        }
    }
}

/// Service and response time of one stage or strategy.
#[derive(Debug)]
pub struct Pair {
    /// Work alone.
    pub service: Histogram<u32>,
    /// From arrival, waiting included.
    pub response: Histogram<u32>,
}

/// A histogram of [`LATENCY_MAX_NS`] at three digits; it never grows.
fn histogram() -> Histogram<u32> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("bounds are valid constants")
}

impl Pair {
    fn new() -> Self {
        Self { service: histogram(), response: histogram() }
    }

    /// Records one passage of an event that arrived at `arrived`.
    #[inline]
    pub fn record(&mut self, arrived: HostNs, from: HostNs, to: HostNs) {
        self.service.saturating_record(to.since(from).raw());
        self.response.saturating_record(to.since(arrived).raw());
    }

    fn merge(&mut self, other: &Self) {
        self.service.add(&other.service).expect("all histograms have the same bounds");
        self.response.add(&other.response).expect("all histograms have the same bounds");
    }

    fn clear(&mut self) {
        if !self.service.is_empty() {
            self.service.reset();
            self.response.reset();
        }
    }
}

/// Every histogram that one thread writes.
#[derive(Debug)]
pub struct Bank {
    stages: Vec<Option<Pair>>,
    strategies: Vec<Pair>,
    outliers: Outliers,
    slowest: Slowest,
}

/// Pauses of a spinning thread shorter than this are not worth a record.
pub const HICCUP_MIN: DurationNs = DurationNs::from_micros(5);

impl Bank {
    /// A bank for these stages and this many strategies; all memory is taken here.
    pub fn new(stages: &[Stage], strategies: usize) -> Self {
        let pair_of = |stage: &Stage| stages.contains(stage).then(Pair::new);
        Self {
            stages: Stage::ALL.iter().map(pair_of).collect(),
            strategies: (0..strategies).map(|_| Pair::new()).collect(),
            outliers: Outliers::default(),
            slowest: Slowest::default(),
        }
    }

    /// The histograms of one of this bank's stages.
    ///
    /// # Panics
    /// When the bank was made without that stage.
    #[inline]
    pub fn stage(&mut self, stage: Stage) -> &mut Pair {
        self.stages[stage as usize].as_mut().expect("a thread records only its own stages")
    }

    /// Records one call of a strategy, for an event that arrived at `arrived`.
    #[inline]
    pub fn call(&mut self, index: usize, seq: Seq, arrived: HostNs, from: HostNs, to: HostNs) {
        self.strategies[index].record(arrived, from, to);
        self.outliers.look(index, seq, from, to);
    }

    /// Records the first steps of the engine, before any strategy.
    #[inline]
    pub fn applied(&mut self, tick: &SlowTick) {
        self.stage(Stage::Dequeued).record(tick.arrived, tick.enqueued, tick.dequeued);
        self.stage(Stage::StateApplied).record(tick.arrived, tick.dequeued, tick.applied);
    }

    /// Records the last step of an event, all of its strategies.
    #[inline]
    pub fn decided(&mut self, tick: &SlowTick) {
        self.stage(Stage::Decided).record(tick.arrived, tick.applied, tick.decided);
        self.slowest.look(tick);
    }

    /// The events that waited longest.
    pub const fn slowest(&self) -> &Slowest {
        &self.slowest
    }

    /// The longest calls.
    pub const fn outliers(&self) -> &Outliers {
        &self.outliers
    }

    /// Stages with their histograms, in order of the way.
    pub fn stages(&self) -> impl Iterator<Item = (Stage, &Pair)> {
        Stage::ALL
            .iter()
            .zip(&self.stages)
            .filter_map(|(stage, pair)| Some((*stage, pair.as_ref()?)))
    }

    /// The histograms of one stage, if this bank has it.
    pub fn of(&self, stage: Stage) -> Option<&Pair> {
        self.stages[stage as usize].as_ref()
    }

    /// Histograms of the strategies, by index.
    pub fn strategies(&self) -> &[Pair] {
        &self.strategies
    }

    /// Adds all histograms of `other`, which may have fewer stages.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.stages.iter_mut().zip(&other.stages) {
            match (mine, theirs) {
                (Some(mine), Some(theirs)) => mine.merge(theirs),
                (_, None) => {}
                (None, Some(_)) => panic!("a merged bank has every stage"),
            }
        }
        for (mine, theirs) in self.strategies.iter_mut().zip(&other.strategies) {
            mine.merge(theirs);
        }
    }

    /// Forgets everything; called on the async side only.
    pub fn clear(&mut self) {
        for pair in self.stages.iter_mut().flatten().chain(&mut self.strategies) {
            pair.clear();
        }
        self.outliers.clear();
        self.slowest.clear();
    }
}

/// A bank in use and the two rings that exchange it for a cleared one.
#[derive(Debug)]
pub struct BankSwap {
    bank: Box<Bank>,
    full: crate::ring::Producer<Box<Bank>>,
    spare: crate::ring::Consumer<Box<Bank>>,
}

/// The async side's ends of a [`BankSwap`].
#[derive(Debug)]
pub struct BankDrain {
    full: crate::ring::Consumer<Box<Bank>>,
    spare: crate::ring::Producer<Box<Bank>>,
}

impl BankSwap {
    /// A swap with two spare banks, so that a busy bridge may be two seconds late.
    pub fn new(stages: &[Stage], strategies: usize) -> (Self, BankDrain) {
        const SPARES: usize = 2;
        let (full_in, full_out) = crate::ring::ring(SPARES + 1);
        let (mut spare_in, spare_out) = crate::ring::ring(SPARES + 1);
        for _ in 0..SPARES {
            let spare = Box::new(Bank::new(stages, strategies));
            spare_in.push(spare).expect("the ring has room for every spare");
        }
        let bank = Box::new(Bank::new(stages, strategies));
        let swap = Self { bank, full: full_in, spare: spare_out };
        (swap, BankDrain { full: full_out, spare: spare_in })
    }

    /// The bank to record into.
    #[inline]
    pub fn bank(&mut self) -> &mut Bank {
        &mut self.bank
    }

    /// Hands the bank over and continues with a spare; without a spare it stays in use.
    pub fn swap(&mut self) {
        if let Some(spare) = self.spare.pop() {
            let full = std::mem::replace(&mut self.bank, spare);
            self.full.push(full).expect("as many slots as there are banks");
        }
    }
}

impl BankDrain {
    /// Merges every bank that waits into `total`, shows each to `each`, and returns them cleared.
    pub fn drain(&mut self, total: &mut Bank, mut each: impl FnMut(&Bank)) {
        while let Some(mut bank) = self.full.pop() {
            each(&bank);
            total.merge(&bank);
            bank.clear();
            self.spare.push(bank).expect("as many slots as there are banks");
        }
    }
}
