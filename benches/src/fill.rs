//! From a signal to its booked fill: a market order that walks ten levels, and the one that closes it.

use std::sync::{Arc, Mutex};

use hdrhistogram::Histogram;
use paperwire_core::account::{AccountView, Fill};
use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId, SymbolName, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::EVENT_LEVELS;
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::strategy::{Action, Event, Flip, Reason, Signal, Signals, Size, Strategy};
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_exec::engine::{Context, Engine, EngineConfig, ReportSink, StrategySetup};
use paperwire_exec::report::Report;
use paperwire_exec::risk::RiskLimits;
use paperwire_rt::clock::HostClock;

use crate::meter::{Meter, Ticking};

/// Levels that the order walks.
pub const LEVELS: i64 = 10;
const LEVEL_LOTS: i64 = 1_000;
const BTC: SymbolId = SymbolId(0);

/// What was measured.
#[derive(Debug)]
pub struct Measured {
    /// From the strategy's return to the call of its `on_fill`, in nanoseconds.
    pub signal_to_fill: Histogram<u64>,
    /// Levels of the deepest walk seen, as a check that it was walked.
    pub levels: u16,
}

/// Buys when flat, else closes; looks at the clock as its last act and at the first of `on_fill`.
struct Walker {
    clock: HostClock,
    asked: HostNs,
    measured: Arc<Mutex<Measured>>,
}

impl Strategy for Walker {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        out.push(wish(account));
        self.asked = self.clock.now();
    }

    fn on_fill(&mut self, fill: &Fill) {
        let took = self.clock.now().since(self.asked);
        if let Ok(mut measured) = self.measured.lock() {
            measured.signal_to_fill.saturating_record(took.raw());
            measured.levels = measured.levels.max(fill.levels);
        }
    }
}

/// Forgets what it is given, after writing it to memory as the ring does.
pub(crate) struct Slots(Vec<Report>);

impl Slots {
    pub(crate) fn new() -> Self {
        Self(Vec::with_capacity(16_384))
    }
}

impl ReportSink for Slots {
    fn push(&mut self, report: Report) {
        if self.0.len() == self.0.capacity() {
            self.0.clear();
        }
        self.0.push(report);
    }
}

fn instrument() -> Option<Instrument> {
    Some(Instrument {
        name: SymbolName::from("BTC/USD").ok()?,
        base: AssetName::from("BTC").ok()?,
        quote: AssetName::from("USD").ok()?,
        price_precision: 1,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    })
}

/// A whole book of twelve levels a side, as the parts of one message. Every other one has other prices,
/// so that what was taken of the last is fresh in the next.
fn book(seq: u64) -> Vec<MarketEvent> {
    let side = |side: BookSide| {
        (0..LEVELS + 2).map(move |depth| {
            let mid = 1_000_000 + 100 * i64::from(seq.is_multiple_of(2));
            let px = if side == BookSide::Ask { mid + 1 + depth } else { mid - depth };
            (side, Level { px: Px::new(px), qty: Qty::new(LEVEL_LOTS) })
        })
    };
    let all: Vec<(BookSide, Level)> = side(BookSide::Ask).chain(side(BookSide::Bid)).collect();
    let parts = all.chunks(EVENT_LEVELS).enumerate().map(|(index, part)| {
        let mut batch = LevelBatch::new(index == 0);
        for (side, level) in part {
            batch.push(*side, *level);
        }
        batch.is_last = (index + 1) * EVENT_LEVELS >= all.len();
        let exch = ExchNs::new(1_000_000 * i64::try_from(seq).unwrap_or(i64::MAX));
        let (stamps, kind) = (Stamps::default(), MarketKind::Reset(batch));
        MarketEvent { seq: Seq(seq), exch, stamps, symbol: Some(BTC), kind }
    });
    parts.collect()
}

/// Walks `orders` orders, with or without the worlds of the bracket.
///
/// # Panics
/// Never: the fixture's names fit.
pub fn walk(orders: u64, has_bracket: bool) -> Measured {
    let histogram = Histogram::new_with_bounds(1, 1_000_000_000, 3);
    let measured = Arc::new(Mutex::new(Measured {
        signal_to_fill: histogram.expect("bounds are valid constants"),
        levels: 0,
    }));
    let clock = HostClock::new();
    let instrument = instrument().expect("the names fit");
    // Enough capital that a walk is never cut, whatever the fees have eaten.
    let mut config = EngineConfig::new(25, instrument.quote, Money::from_num(10_000_000));
    config.venue.has_bracket = has_bracket;
    let walker =
        Walker { clock: clock.clone(), asked: HostNs::default(), measured: Arc::clone(&measured) };
    let setup = StrategySetup {
        strategy: Box::new(walker),
        name: "walker".to_owned(),
        symbols: vec![BTC],
        warmup: &[],
        flip: Flip::Reject,
        risk: RiskLimits::default(),
        router: None,
    };
    let mut engine = Engine::new(&[instrument], vec![setup], config);
    let mut bank = Bank::new(&Stage::ALL, 1);
    let mut reports = Slots::new();
    let mut seq = 0;
    for _ in 0..orders {
        seq += 1;
        for event in book(seq) {
            let mut ctx = Context { clock: &clock, bank: &mut bank, reports: &mut reports };
            engine.process(&event, &mut ctx);
        }
    }
    drop(engine);
    let measured = Arc::into_inner(measured).expect("the engine is gone");
    measured.into_inner().expect("nobody panicked with it")
}

/// A market order over all levels, or the one that closes it.
fn wish(account: &AccountView<'_>) -> Signal {
    let size = Size::Base(Qty::new(LEVELS * LEVEL_LOTS));
    let is_flat = account.position(BTC).lots == 0;
    let action = if is_flat { Action::Buy } else { Action::Close };
    Signal::new(BTC, action, size, Reason::new("walk"))
}

/// Wants a walk or its end at each event, by turns.
struct Eager;

impl Strategy for Eager {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        out.push(wish(account));
    }
}

/// Hands to the meter the part of the message that completes a book, at which a strategy that costs nothing asks for a walk:
/// the decision, checks, the walk, booking and reports. Returns the number of orders.
///
/// # Panics
/// Never: the fixture's names fit.
pub fn signal_to_fill(orders: usize, has_bracket: bool, meter: Meter) -> u64 {
    let instrument = instrument().expect("the names fit");
    let mut config = EngineConfig::new(25, instrument.quote, Money::from_num(10_000_000));
    config.venue.has_bracket = has_bracket;
    let setup = StrategySetup {
        strategy: Box::new(Eager),
        name: "eager".to_owned(),
        symbols: vec![BTC],
        warmup: &[],
        flip: Flip::Reject,
        risk: RiskLimits::default(),
        router: None,
    };
    let mut engine = Engine::new(&[instrument], vec![setup], config);
    let (mut bank, clock) = (Bank::new(&Stage::ALL, 1), Ticking::default());
    let mut reports = Slots::new();
    let mut count = 0;
    for seq in 1..=orders {
        count += 1;
        let events = book(u64::try_from(seq).expect("64 bits"));
        let (last, parts) = events.split_last().expect("a book has levels");
        for event in parts {
            let mut ctx = Context { clock: &clock, bank: &mut bank, reports: &mut reports };
            engine.process(event, &mut ctx);
        }
        meter(&mut || {
            let mut ctx = Context { clock: &clock, bank: &mut bank, reports: &mut reports };
            engine.process(last, &mut ctx);
        });
    }
    count
}
