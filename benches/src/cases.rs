//! Every hot function by name, for whoever measures: wall time (`benches/rooms.rs`), instructions
//! (`examples/icount.rs`), and a test that runs each once.
//!
//! A case prepares its input, hands the work alone to a [`Meter`], and says how many units it did. Strategies
//! come from the registry, so a new one is a case by itself. Inputs are made up and the same in every run: no
//! capture, no clock, no random seed.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::book::L2Book;
use paperwire_core::checksum::{CHECKED_LEVELS, LevelText, book_checksum};
use paperwire_core::command::ParamChange;
use paperwire_core::event::{MarketEvent, MarketKind, Seq};
use paperwire_core::instrument::{AssetName, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::OrderDone;
use paperwire_core::strategy::{Event, Flip, Reject, Signals, StartContext, Strategy};
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::engine::{Context, Engine, EngineConfig, StrategySetup};
use paperwire_exec::risk::RiskLimits;
use paperwire_feed::wire::hot::{self, Frame, Scratch};
use paperwire_feed::wire::symbols::SymbolTable;
use paperwire_strategies::Registration;

use crate::fill::{self, Slots};
use crate::indicators::{Body, PER_BAR, PER_TRADE};
use crate::meter::{Meter, Ticking};
use crate::session::{Session, instruments};
use crate::walk::Series;
use crate::{Ours, frames, ring};

/// One hot function.
pub struct Case {
    /// Its room, for grouping.
    pub group: &'static str,
    /// Its name, unique within its group.
    pub name: String,
    /// A size at which making things weighs nothing.
    pub size: usize,
    body: Box<dyn Fn(usize, Meter) -> u64>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Case {
    fn new(
        group: &'static str,
        name: &str,
        size: usize,
        body: impl Fn(usize, Meter) -> u64 + 'static,
    ) -> Self {
        Self { group, name: name.to_owned(), size, body: Box::new(body) }
    }

    /// Does it at this size; returns the number of units.
    pub fn run(&self, size: usize, meter: Meter) -> u64 {
        (self.body)(size, meter)
    }
}

/// All of them.
pub fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::new("wire", "decode a book frame", 2_000, decode_book),
        Case::new("wire", "decode a trade frame", 2_000, decode_trade),
        Case::new("book", "apply + checksum", 2_000, apply),
        Case::new("book", "checksum alone", 2_000, checksum),
        Case::new("book", "decode + apply + checksum", 2_000, verify),
        Case::new("ring", "push + pop", 2_000, push_pop),
        Case::new("histogram", "one pair of records", 2_000, record),
        Case::new("histogram", "a call of a strategy", 2_000, call),
        Case::new("engine", "process an event, idle strategy", 120, |size, meter| {
            engine_event(size, false, meter)
        }),
        Case::new("engine", "process an event, idle strategy, fill bracket", 120, |size, meter| {
            engine_event(size, true, meter)
        }),
        Case::new("engine", "market order over ten levels, signal to fill", 300, |size, meter| {
            fill::signal_to_fill(size, false, meter)
        }),
        Case::new("engine", "the same with the fill bracket", 300, |size, meter| {
            fill::signal_to_fill(size, true, meter)
        }),
    ];
    for (group, bodies) in [("per bar", PER_BAR), ("per trade", PER_TRADE)] {
        cases.extend(bodies.iter().map(|(name, body)| {
            Case::new(group, name, 1_000, move |size, meter| indicator(*body, size, meter))
        }));
    }
    cases.extend(paperwire_strategies::all().iter().map(|of| {
        Case::new("strategy", of.name, 120, move |size, meter| strategy(of, size, meter))
    }));
    cases
}

fn units(count: usize) -> u64 {
    u64::try_from(count).expect("64 bits")
}

fn decode_book(size: usize, meter: Meter) -> u64 {
    let set = frames::made_up(size);
    let mut ours = Ours::new(&set.instrument, set.depth);
    meter(&mut || {
        for frame in &set.books {
            black_box(ours.decode(frame));
        }
    });
    units(set.books.len())
}

fn decode_trade(size: usize, meter: Meter) -> u64 {
    let set = frames::made_up(2);
    let trades: Vec<String> = (1..=size).map(|i| trade_frame(i, i % 2 == 0)).collect();
    let (symbols, mut scratch) = (SymbolTable::new(&[set.instrument]), Scratch::new());
    let mut read = 0;
    meter(&mut || {
        for frame in &trades {
            let frame = hot::decode(frame.as_bytes(), &symbols, &mut scratch);
            read += usize::from(matches!(frame, Ok(Frame::Trades { .. }))) * scratch.trades.len();
        }
    });
    assert_eq!(read, size, "one trade each");
    units(size)
}

fn trade_frame(id: usize, is_buy: bool) -> String {
    let side = if is_buy { "buy" } else { "sell" };
    let cents = id % 10;
    format!(
        r#"{{"channel":"trade","type":"update","data":[{{"symbol":"BTC/USD","side":"{side}","price":63381.{cents},"qty":0.00{id:06},"ord_type":"market","trade_id":{id},"timestamp":"2026-01-01T00:00:00.000000Z"}}]}}"#
    )
}

fn apply(size: usize, meter: Meter) -> u64 {
    let set = frames::made_up(size);
    let (symbols, mut scratch) = (SymbolTable::new(&[set.instrument]), Scratch::new());
    let decoded = set.books.iter().map(|frame| {
        let Ok(Frame::Book(head)) = hot::decode(frame, &symbols, &mut scratch) else {
            unreachable!("made-up frames are of books");
        };
        (scratch.levels.clone(), head.checksum)
    });
    let decoded: Vec<_> = decoded.collect();
    let mut book = L2Book::new(set.depth);
    let mut bad = 0;
    meter(&mut || {
        for (levels, checksum) in &decoded {
            bad += usize::from(book.apply(levels, *checksum).is_err());
        }
    });
    assert_eq!(bad, 0, "every book verifies");
    units(decoded.len())
}

fn checksum(size: usize, meter: Meter) -> u64 {
    let row = |i: i64| LevelText::new(Px::new(633_810 - i), Qty::new(100_000_000 + 7_919 * i));
    let count = i64::try_from(CHECKED_LEVELS).expect("ten");
    let (asks, bids): (Vec<_>, Vec<_>) =
        ((0..count).map(row).collect(), (count..2 * count).map(row).collect());
    meter(&mut || {
        for _ in 0..size {
            black_box(book_checksum(black_box(&asks).iter(), black_box(&bids).iter()));
        }
    });
    units(size)
}

fn verify(size: usize, meter: Meter) -> u64 {
    let set = frames::made_up(size);
    let mut ours = Ours::new(&set.instrument, set.depth);
    let mut bad = 0;
    meter(&mut || {
        for frame in &set.books {
            bad += usize::from(!ours.verify(frame));
        }
    });
    assert_eq!(bad, 0, "every book verifies");
    units(set.books.len())
}

fn push_pop(size: usize, meter: Meter) -> u64 {
    let count = units(size);
    let (mut one, mut other) = ring::connected();
    meter(&mut || {
        black_box(ring::through(&mut one, &mut other, count));
    });
    count
}

/// Spans as they come: most short, some long.
fn spans(size: usize) -> impl Iterator<Item = (HostNs, HostNs, HostNs)> {
    (0..units(size)).map(|i| {
        let (arrived, from) = (HostNs::new(i * 1_000), HostNs::new(i * 1_000 + 300));
        (arrived, from, from.plus(DurationNs::new(50 + i * i % 997)))
    })
}

fn record(size: usize, meter: Meter) -> u64 {
    let mut bank = Bank::new(&[Stage::Decided], 0);
    meter(&mut || {
        for (arrived, from, to) in spans(size) {
            bank.stage(Stage::Decided).record(arrived, from, to);
        }
    });
    units(size)
}

fn call(size: usize, meter: Meter) -> u64 {
    let mut bank = Bank::new(&[], 1);
    meter(&mut || {
        for (seq, (arrived, from, to)) in (0u64..).zip(spans(size)) {
            bank.call(0, Seq(seq), arrived, from, to);
        }
    });
    units(size)
}

fn indicator(body: Body, size: usize, meter: Meter) -> u64 {
    let series = Series::new(size);
    meter(&mut || {
        black_box(body(&series));
    });
    units(size)
}

fn setup(name: &str, strategy: Box<dyn Strategy>, symbols: Vec<SymbolId>) -> StrategySetup {
    StrategySetup {
        strategy,
        name: name.to_owned(),
        symbols,
        warmup: &[],
        flip: Flip::Reject,
        risk: RiskLimits::default(),
        router: None,
    }
}

/// An engine on the pairs of the session with one strategy.
struct Rig {
    engine: Engine,
    bank: Bank,
    reports: Slots,
    clock: Ticking,
}

impl Rig {
    fn new(of: StrategySetup, has_bracket: bool) -> Self {
        let usd = AssetName::from("USD").expect("a short name");
        let mut config = EngineConfig::new(10, usd, Money::from_num(100));
        config.venue.has_bracket = has_bracket;
        let engine = Engine::new(&instruments(), vec![of], config);
        let (bank, reports) = (Bank::new(&Stage::ALL, 1), Slots::new());
        Self { engine, bank, reports, clock: Ticking::default() }
    }

    fn process(&mut self, event: &MarketEvent) {
        let (clock, bank, reports) = (&self.clock, &mut self.bank, &mut self.reports);
        self.engine.process(event, &mut Context { clock, bank, reports });
    }
}

/// Wants nothing.
struct Idle;

impl Strategy for Idle {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        _: &AccountView<'_>,
        _: &mut Signals,
    ) {
    }
}

fn engine_event(size: usize, has_bracket: bool, meter: Meter) -> u64 {
    let session = Session::new(size);
    let all = (0u16..3).map(SymbolId).collect();
    let mut rig = Rig::new(setup("idle", Box::new(Idle), all), has_bracket);
    session.past.iter().for_each(|event| rig.process(event));
    let is_book = |event: &&MarketEvent| matches!(event.kind, MarketKind::Book(_));
    meter(&mut || session.live.iter().filter(is_book).for_each(|event| rig.process(event)));
    units(session.live.iter().filter(is_book).count())
}

/// A strategy whose `on_event` is measured; everything else of it is not.
struct Measured {
    of: Box<dyn Strategy>,
    meter: Meter,
    is_live: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
}

impl Strategy for Measured {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.of.on_start(ctx);
    }
    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        if self.is_live.load(Relaxed) {
            self.calls.fetch_add(1, Relaxed);
            (self.meter)(&mut || self.of.on_event(event, market, account, out));
        } else {
            self.of.on_event(event, market, account, out);
        }
    }
    fn on_fill(&mut self, fill: &Fill) {
        self.of.on_fill(fill);
    }
    fn on_reject(&mut self, reject: &Reject) {
        self.of.on_reject(reject);
    }
    fn on_order_done(&mut self, done: &OrderDone) {
        self.of.on_order_done(done);
    }
    fn on_param(&mut self, change: ParamChange) -> bool {
        self.of.on_param(change)
    }
    fn on_stop(&mut self) {
        self.of.on_stop();
    }
}

/// Every call of `on_event` in a session, on the pairs that the strategy asks for.
fn strategy(of: &'static Registration, size: usize, meter: Meter) -> u64 {
    let session = Session::new(size);
    let pairs = instruments();
    let is_wanted = |name: &str| of.symbols.contains(&name) || of.symbols.contains(&"*");
    let symbols = (0u16..).zip(&pairs).filter(|(_, pair)| is_wanted(pair.name.as_str()));
    let symbols = symbols.map(|(index, _)| SymbolId(index)).collect();
    let made = of.make(&toml::Table::new()).expect("the defaults are valid");
    let measured =
        Measured { of: made, meter, is_live: Default::default(), calls: Default::default() };
    let (is_live, calls) = (measured.is_live.clone(), measured.calls.clone());
    let setup = StrategySetup {
        warmup: of.warmup,
        flip: of.flip,
        ..setup(of.name, Box::new(measured), symbols)
    };
    let mut rig = Rig::new(setup, false);
    session.past.iter().for_each(|event| rig.process(event));
    is_live.store(true, Relaxed);
    session.live.iter().for_each(|event| rig.process(event));
    calls.load(Relaxed)
}
