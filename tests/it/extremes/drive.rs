//! Valid frames of extreme values for feed and engine together, chosen by bytes.
//!
//! Every frame is JSON as the venue writes it, and the checksums of books are right: what is extreme is
//! what they say. Shared by the ordinary tests and the fuzz target.

use std::collections::BTreeMap;

use paperwire_core::account::AccountView;
use paperwire_core::agent::StoppedClock;
use paperwire_core::checksum::{LevelText, book_checksum};
use paperwire_core::event::MarketEvent;
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::{EQUITY_MAX, PX_MAX, QTY_MAX, TIME_MAX, TIME_MIN, VALUE_MAX};
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::OrderSpec;
use paperwire_core::strategy::{Action, Event, Flip, Reason, Signal, Signals, Size, Strategy};
use paperwire_core::time::{ExchNs, HostNs, Rfc3339};
use paperwire_exec::engine::{Context, Engine, EngineConfig, ReportSink, StrategySetup};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_exec::risk::RiskLimits;
use paperwire_feed::control::Control;
use paperwire_feed::infer;
use paperwire_feed::market::{EventSink, MarketFeed, Probe};

const ROWS: [&str; 3] = [
    r#"{"symbol":"BTC/USD","price":63000.0,"qty":0.00000001}"#,
    r#"{"symbol":"XRP/USD","price":1.08000,"qty":0.00000001}"#,
    r#"{"symbol":"XRP/BTC","price":0.00001714,"qty":0.00000001}"#,
];
/// Where prices begin, in their own units.
const MIDS: [i64; 3] = [630_000, 108_000, 1_714];
const DEPTH: u16 = 10;
/// 2026-03-02T09:00:00Z.
const START: i64 = 1_772_442_000_000_000_000;
const SECOND: i64 = 1_000_000_000;

/// The venue's side of one book.
#[derive(Default)]
struct Side(BTreeMap<i64, i64>);

struct Pair {
    of: Instrument,
    /// Asks by price, bids by price.
    sides: [Side; 2],
    mid: i64,
    trade_id: i64,
}

struct Events(Vec<MarketEvent>);

impl EventSink for Events {
    fn push(&mut self, event: MarketEvent) {
        self.0.push(event);
    }
}

/// Trades with all it has at every third change of a book, whatever the book says.
struct Reckless(u64);

impl Strategy for Reckless {
    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let Event::Book { symbol } = *event else {
            return;
        };
        self.0 += 1;
        let (true, Some(bbo)) = (self.0.is_multiple_of(3), market.symbol(symbol).bbo()) else {
            return;
        };
        let all = Size::Notional(account.equity.max(Money::ONE));
        let enter = |action| Signal::new(symbol, action, all, Reason::new("reckless"));
        out.push(match self.0 / 3 % 6 {
            0 | 1 => enter(Action::Buy),
            2 => enter(Action::Short),
            3 => enter(Action::Buy).order(OrderSpec::post_only(bbo.bid.px)).tag(1),
            4 => enter(Action::Short).order(OrderSpec::post_only(bbo.ask.px)).tag(2),
            _ => Signal::close(symbol, Reason::new("reckless")),
        });
    }
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) fills: u64,
    /// Strategies that panicked.
    pub(crate) benched: u64,
}

impl ReportSink for Outcome {
    fn push(&mut self, report: Report) {
        match report.kind {
            ReportKind::Fill(fill) => {
                assert!(fill.value <= VALUE_MAX && fill.value > 0, "{fill:?}");
                self.fills += 1;
            }
            ReportKind::Benched { .. } => self.benched += 1,
            _ => {}
        }
    }
}

/// Feed and engine with every strategy, and a venue.
pub(crate) struct Drive {
    feed: MarketFeed,
    engine: Engine,
    bank: Bank,
    events: Events,
    pairs: Vec<Pair>,
    at: i64,
    rx: u64,
    pub(crate) outcome: Outcome,
}

impl Drive {
    pub(crate) fn new() -> Self {
        let instruments = ROWS.map(|row| infer::instrument_of(row.as_bytes()).expect("a constant"));
        let symbols: Vec<SymbolId> = (0..3).map(SymbolId).collect();
        let setup = |(strategy, name): (Box<dyn Strategy>, &str)| StrategySetup {
            strategy,
            name: name.to_owned(),
            symbols: symbols.clone(),
            warmup: &[],
            flip: Flip::Reverse,
            risk: RiskLimits::default(),
            router: None,
        };
        let defaults = toml::Table::new();
        let all = paperwire_strategies::all().iter();
        let all = all.map(|of| (of.make(&defaults).expect("defaults are valid"), of.name));
        let reckless: [(Box<dyn Strategy>, &str); 2] =
            [(Box::new(Reckless(0)), "reckless"), (Box::new(Reckless(7)), "careless")];
        let setups: Vec<_> = all.chain(reckless).map(setup).collect();
        let usd = AssetName::from("USD").expect("a constant");
        let mut config = EngineConfig::new(DEPTH, usd, Money::from_num(100));
        config.venue.has_bracket = true;
        let bank = Bank::new(&Stage::ALL, setups.len());
        let pair = |(of, mid): (&Instrument, i64)| Pair {
            of: *of,
            sides: [Side::default(), Side::default()],
            mid,
            trade_id: 1_000,
        };
        Self {
            feed: MarketFeed::new(&instruments, DEPTH),
            engine: Engine::new(&instruments, setups, config),
            bank,
            events: Events(Vec::with_capacity(8_192)),
            pairs: instruments.iter().zip(MIDS).map(pair).collect(),
            at: START,
            rx: 1,
            outcome: Outcome::default(),
        }
    }

    /// Plays what the bytes choose, four a step.
    pub(crate) fn play(&mut self, plan: &[u8]) {
        for (symbol, mid) in MIDS.into_iter().enumerate() {
            self.snapshot(symbol, mid, 1, 100_000_000);
        }
        for step in plan.chunks_exact(4) {
            let &[what, which, a, b] = step else { continue };
            let symbol = usize::from(which) % self.pairs.len();
            match what % 16 {
                0 => {
                    let mid = extreme_px(a, self.pairs[symbol].mid);
                    self.snapshot(symbol, mid, extreme_px(b, 1), extreme_qty(which));
                }
                1..=4 => self.update(symbol, a, extreme_qty(b)),
                5..=8 => self.trade(symbol, a, b),
                9 => self.ticker(symbol, a),
                10 | 11 => self.pass(a),
                12 | 13 => self.timer(),
                14 => self.drift(symbol, a),
                _ => self.decide(&Control::Disconnected),
            }
        }
        self.timer();
        self.check();
    }

    /// Nothing of an account is beyond what is counted, and its books agree with themselves.
    fn check(&self) {
        for index in 0..self.engine.strategies() {
            let id = paperwire_core::ids::StratId(u16::try_from(index).expect("few"));
            for world in 0..4 {
                let account = self.engine.world(id, world).account();
                assert!(account.identity_holds());
                let equity = account.row().equity.unsigned_abs();
                // What it had when it was halted may still move, within what is counted.
                assert!(equity <= (VALUE_MAX * 64 + EQUITY_MAX).unsigned_abs(), "{equity}");
            }
        }
    }

    fn snapshot(&mut self, symbol: usize, mid: i64, tick: i64, qty: i64) {
        let pair = &mut self.pairs[symbol];
        pair.mid = mid;
        for (side, levels) in pair.sides.iter_mut().enumerate() {
            levels.0.clear();
            for row in 1..=i64::from(DEPTH) {
                let off = tick.saturating_mul(row);
                let px = if side == 0 { mid.saturating_add(off) } else { mid.saturating_sub(off) };
                if px > 0 {
                    levels.0.insert(px, qty.max(1));
                }
            }
        }
        let all = |side: &Side| side.0.iter().map(|(px, qty)| (*px, *qty)).collect::<Vec<_>>();
        let [asks, bids] = [all(&pair.sides[0]), all(&pair.sides[1])];
        self.book(symbol, "snapshot", &bids, &asks);
    }

    /// Changes one level on one side, and never crosses the book.
    fn update(&mut self, symbol: usize, a: u8, qty: i64) {
        let pair = &mut self.pairs[symbol];
        let side = usize::from(a & 1);
        let off = 1 + i64::from(a >> 1) % 12;
        let px = if side == 0 { pair.mid.saturating_add(off) } else { pair.mid - off };
        if px <= 0 {
            return;
        }
        let qty = if a & 0x80 != 0 { 0 } else { qty };
        match qty {
            0 => drop(pair.sides[side].0.remove(&px)),
            _ => drop(pair.sides[side].0.insert(px, qty)),
        }
        let depth = usize::from(DEPTH);
        while pair.sides[side].0.len() > depth {
            if side == 0 {
                pair.sides[0].0.pop_last()
            } else {
                pair.sides[1].0.pop_first()
            };
        }
        let change = [(px, qty)];
        if side == 0 {
            self.book(symbol, "update", &[], &change);
        } else {
            self.book(symbol, "update", &change, &[]);
        }
    }

    /// The book walks a little or by an order of magnitude, as a whole.
    fn drift(&mut self, symbol: usize, a: u8) {
        let mid = self.pairs[symbol].mid;
        let by = 1 + i64::from(a >> 2);
        let mid = match a % 4 {
            0 => mid.saturating_add(by),
            1 => (mid - by).max(20),
            2 => mid.saturating_mul(10),
            _ => (mid / 10).max(20),
        };
        self.snapshot(symbol, mid, 1, 100_000_000);
    }

    fn book(&mut self, symbol: usize, kind: &str, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        let time = self.time(0);
        let pair = &self.pairs[symbol];
        let text = |(px, qty): (&i64, &i64)| LevelText::new(Px::new(*px), Qty::new(*qty));
        let of_asks: Vec<_> = pair.sides[0].0.iter().map(text).collect();
        let of_bids: Vec<_> = pair.sides[1].0.iter().rev().map(text).collect();
        let checksum = book_checksum(of_asks.iter(), of_bids.iter());
        let level = |(px, qty): &(i64, i64)| {
            let (px, qty) = (pair.of.show_px(Px::new(*px)), pair.of.show_qty(Qty::new(*qty)));
            format!(r#"{{"price":{px},"qty":{qty}}}"#)
        };
        let join = |rows: &[(i64, i64)]| rows.iter().map(level).collect::<Vec<_>>().join(",");
        let frame = format!(
            r#"{{"channel":"book","type":"{kind}","data":[{{"symbol":"{}","bids":[{}],"asks":[{}],"checksum":{checksum},"timestamp":"{}"}}]}}"#,
            pair.of.name,
            join(bids),
            join(asks),
            time,
        );
        self.frame(&frame);
    }

    fn trade(&mut self, symbol: usize, a: u8, b: u8) {
        let pair = &mut self.pairs[symbol];
        let step = [1, 1, 1, 1, 2, 1_000_000, -5, 999_999][usize::from(b >> 5)];
        pair.trade_id = (pair.trade_id + step).max(1);
        let off = i64::from(a >> 4);
        let px = match a % 8 {
            0..=2 => pair.mid.saturating_add(off),
            3..=5 => (pair.mid - off).max(1),
            _ => extreme_px(b, pair.mid),
        };
        let side = if a & 8 == 0 { "buy" } else { "sell" };
        let (px, qty) = (pair.of.show_px(Px::new(px)), pair.of.show_qty(Qty::new(extreme_qty(b))));
        let (name, id) = (pair.of.name, pair.trade_id);
        let time = self.time(if a == 0xff { b } else { 0 });
        self.frame(&format!(
            r#"{{"channel":"trade","type":"update","data":[{{"symbol":"{name}","side":"{side}","price":{px},"qty":{qty},"ord_type":"market","trade_id":{id},"timestamp":"{time}"}}]}}"#
        ));
    }

    fn ticker(&mut self, symbol: usize, a: u8) {
        let time = self.time(0);
        let pair = &self.pairs[symbol];
        let last = pair.of.show_px(Px::new(extreme_px(a, pair.mid)));
        let frame = format!(
            r#"{{"channel":"ticker","type":"update","data":[{{"symbol":"{}","bid":null,"last":{last},"timestamp":"{time}"}}]}}"#,
            pair.of.name,
        );
        self.frame(&frame);
    }

    /// Time of the exchange and of this host passes; now and then the exchange's is set.
    fn pass(&mut self, a: u8) {
        let span = [1, 5, 61, 61, 300, 3_600][usize::from(a) % 6] * SECOND;
        self.rx += span.unsigned_abs();
        self.at += span;
        let day = 86_400 * SECOND;
        match a {
            250 => self.at += day,
            251 => self.at -= 3_600 * SECOND,
            252 => self.at = TIME_MAX.raw() - day,
            253 => self.at = TIME_MIN.raw() + day,
            254 | 255 => self.at = START,
            _ => {}
        }
        self.at = self.at.clamp(TIME_MIN.raw(), TIME_MAX.raw() - day);
    }

    fn timer(&mut self) {
        if let Some(at) = self.feed.estimate(HostNs::new(self.rx)) {
            self.decide(&Control::Timer { at });
        }
    }

    fn time(&mut self, damage: u8) -> Rfc3339 {
        self.at += 1_000_000;
        self.rx += 1_000_000;
        let at = match damage {
            1..64 => i64::MAX - 1,
            64..128 => TIME_MAX.raw(),
            128.. => TIME_MIN.raw(),
            0 => self.at,
        };
        Rfc3339 { at: ExchNs::new(at), fraction: 6 }
    }

    fn frame(&mut self, text: &str) {
        let rx = HostNs::new(self.rx);
        let mut probe = Probe::new(&StoppedClock, rx, rx);
        self.feed.on_frame(rx, text.as_bytes(), &mut probe, &mut self.events);
        self.work();
    }

    fn decide(&mut self, control: &Control) {
        let rx = HostNs::new(self.rx);
        self.feed.on_control(rx, rx, control, &mut self.events);
        self.work();
    }

    fn work(&mut self) {
        for event in self.events.0.drain(..) {
            let (bank, reports) = (&mut self.bank, &mut self.outcome);
            self.engine.process(&event, &mut Context { clock: &StoppedClock, bank, reports });
        }
    }
}

/// A price in units: near what is usual, at the bounds, and beyond them.
fn extreme_px(choice: u8, usual: i64) -> i64 {
    match choice % 16 {
        0 => 1,
        1 => 2,
        2 => PX_MAX.raw(),
        3 => PX_MAX.raw() - 20,
        4 => PX_MAX.raw() + 1,
        5 => i64::MAX,
        6 => 1_000_000_000_000,
        7 => 20,
        8 => usual.saturating_mul(3),
        9 => (usual / 3).max(20),
        _ => usual,
    }
}

/// A quantity in lots, likewise.
fn extreme_qty(choice: u8) -> i64 {
    match choice % 16 {
        0 => 1,
        1 | 2 => QTY_MAX.raw(),
        3 => QTY_MAX.raw() + 1,
        4 => i64::MAX,
        5 => 1_000_000_000_000_000,
        _ => 100_000_000 + i64::from(choice),
    }
}
