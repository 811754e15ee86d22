//! A stage to try a strategy on: the real engine, with a market made by the test.
//!
//! Three pairs, `BTC`, `XRP` and `CROSS`, deep books, trades and whole minutes. What the strategy did
//! is read from the engine's own reports. For tests only.
#![allow(dead_code, unused_imports, reason = "a kit: not every test file uses every tool")]

use paperwire_core::account::Fill;
use paperwire_core::agent::StoppedClock;
use paperwire_core::bar::{Bar, BarFlags, Timeframe};
use paperwire_core::book::Level;
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::ids::StratId;
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::{Bank, Stage as Step};
use paperwire_core::limits::EVENT_LEVELS;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{OpenOrder, OrderEnd};
use paperwire_core::strategy::{RejectReason, Signal, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::{OrderSide, TradeTick};
use paperwire_exec::engine::{Context, Engine, EngineConfig, StrategySetup};
use paperwire_exec::latency::{Constant, Surge};
use paperwire_exec::report::{AccountRow, Report, ReportKind};
use paperwire_exec::risk::RiskLimits;
use paperwire_signals::router::Router;

use crate::testkit::instruments;
pub(crate) use crate::testkit::{BTC, CROSS, START, XRP};

const SECOND_NS: i64 = 1_000_000_000;

pub(crate) struct Stage {
    engine: Engine,
    bank: Bank,
    instruments: Vec<Instrument>,
    pub(crate) reports: Vec<Report>,
    pub(crate) now: ExchNs,
    seq: u64,
    trades: i64,
}

impl Stage {
    /// The strategy with its default parameters.
    pub(crate) fn of(name: &str) -> Self {
        Self::with(name, "", |_| ())
    }

    /// The strategy with parameters as TOML, on an engine of the documented defaults as changed by
    /// `tune` (`config.venue.fill_model = "queue".into()`, starting assets, fees...).
    pub(crate) fn with(name: &str, params: &str, tune: impl FnOnce(&mut EngineConfig)) -> Self {
        Self::under(None, name, params, tune)
    }

    /// The same with entries that follow the market's regime by the table of this router.
    pub(crate) fn under(
        router: Option<Router>,
        name: &str,
        params: &str,
        tune: impl FnOnce(&mut EngineConfig),
    ) -> Self {
        let instruments = instruments();
        let registration = crate::find(name).unwrap();
        let params = params.parse::<toml::Table>().unwrap();
        let is_wanted = |of: &Instrument| registration.symbols.contains(&of.name.as_str());
        let symbols = (0u16..).zip(&instruments).filter(|(_, of)| is_wanted(of));
        let setup = StrategySetup {
            strategy: registration.make(&params).unwrap(),
            name: name.to_owned(),
            symbols: symbols.map(|(index, _)| SymbolId(index)).collect(),
            warmup: registration.warmup,
            flip: registration.flip,
            risk: RiskLimits::default(),
            router,
        };
        let usd = AssetName::from("USD").unwrap();
        let mut config = EngineConfig::new(10, usd, Money::from_num(100));
        tune(&mut config);
        let engine = Engine::new(&instruments, vec![setup], config);
        let bank = Bank::new(&Step::ALL, 1);
        let (reports, now) = (Vec::new(), START);
        Self { engine, bank, instruments, reports, now, seq: 0, trades: 0 }
    }

    /// Orders, changes of them and answers take this long.
    pub(crate) fn slow(config: &mut EngineConfig, legs: DurationNs) {
        config.venue.latency = Box::new(Constant::new([legs; 4], Surge::OFF));
    }

    /// A pair of the stage.
    pub(crate) fn instrument_of(symbol: SymbolId) -> Instrument {
        instruments()[symbol.index()]
    }

    pub(crate) fn event(&mut self, symbol: SymbolId, kind: MarketKind) {
        self.seq += 1;
        let (seq, exch, stamps) = (Seq(self.seq), self.now, Stamps::default());
        let symbol = kind.has_symbol().then_some(symbol);
        let event = MarketEvent { seq, exch, stamps, symbol, kind };
        let (bank, reports) = (&mut self.bank, &mut self.reports);
        self.engine.process(&event, &mut Context { clock: &StoppedClock, bank, reports });
    }

    fn px(&self, symbol: SymbolId, px: f64) -> Px {
        self.instruments[symbol.index()].px_from_f64(px).unwrap()
    }

    fn qty(&self, symbol: SymbolId, qty: f64) -> Qty {
        self.instruments[symbol.index()].qty_from_f64(qty).unwrap()
    }

    /// A whole book: a thousand units at the touch and at nine levels behind it, one tick apart.
    pub(crate) fn book(&mut self, symbol: SymbolId, bid: f64, ask: f64) {
        let tick = 1.0 / 10f64.powi(i32::from(self.instruments[symbol.index()].price_precision));
        let side = |px: f64, step: f64| (0..10).map(move |i| (px + step * f64::from(i), 1_000.0));
        let bids: Vec<_> = side(bid, -tick).collect();
        let asks: Vec<_> = side(ask, tick).collect();
        self.levels(symbol, &bids, &asks);
    }

    /// A whole book, best levels first, as prices and quantities.
    pub(crate) fn levels(&mut self, symbol: SymbolId, bids: &[(f64, f64)], asks: &[(f64, f64)]) {
        let level = |(px, qty): &(f64, f64)| Level {
            px: self.px(symbol, *px),
            qty: self.qty(symbol, *qty),
        };
        let all: Vec<(BookSide, Level)> = (bids.iter().map(|row| (BookSide::Bid, level(row))))
            .chain(asks.iter().map(|row| (BookSide::Ask, level(row))))
            .collect();
        let parts = all.len().div_ceil(EVENT_LEVELS);
        for (index, part) in all.chunks(EVENT_LEVELS).enumerate() {
            let mut batch = LevelBatch::new(index == 0);
            for (side, level) in part {
                batch.push(*side, *level);
            }
            batch.is_last = index + 1 == parts;
            self.event(symbol, MarketKind::Reset(batch));
        }
    }

    /// A trade now.
    pub(crate) fn trade(&mut self, symbol: SymbolId, taker: OrderSide, px: f64, qty: f64) {
        self.trades += 1;
        let trade = TradeTick {
            at: self.now,
            px: self.px(symbol, px),
            qty: self.qty(symbol, qty),
            trade_id: self.trades,
            taker,
            is_market: true,
        };
        self.event(symbol, MarketKind::Trade { trade, is_snapshot: false });
    }

    /// Lets time pass, with a timer each second.
    pub(crate) fn pass(&mut self, seconds: i64) {
        for _ in 0..seconds {
            self.now = ExchNs::new(self.now.raw() + SECOND_NS);
            self.event(BTC, MarketKind::Timer);
        }
    }

    /// Closed bars of history before the session, the oldest first, as open, high, low, close and
    /// volume; the last one ends at the present minute.
    pub(crate) fn history(&mut self, symbol: SymbolId, bars: &[[f64; 5]]) {
        let minute = 60 * SECOND_NS;
        let count = i64::try_from(bars.len()).unwrap();
        let first = self.now.raw().div_euclid(minute) * minute - count * minute;
        for (index, [open, high, low, close, volume]) in (0i64..).zip(bars) {
            let bar = Bar {
                open_at: ExchNs::new(first + index * minute),
                open: self.px(symbol, *open),
                high: self.px(symbol, *high),
                low: self.px(symbol, *low),
                close: self.px(symbol, *close),
                volume: self.qty(symbol, *volume),
                vwap: self.px(symbol, *close),
                trades: 10,
                flags: BarFlags { is_carried: false, is_incomplete: false },
            };
            self.event(symbol, MarketKind::History((Timeframe::M1, bar)));
        }
    }

    /// A whole minute of one symbol: a book around each price and a trade at it, and the minute's end.
    /// The volume is spread over the trades; buyers take when the price rises.
    pub(crate) fn minute(&mut self, symbol: SymbolId, bar: [f64; 5], spread: f64) {
        let [open, high, low, close, volume] = bar;
        let path = if close >= open { [open, low, high, close] } else { [open, high, low, close] };
        let mut before = open;
        for px in path {
            self.book(symbol, px - spread / 2.0, px + spread / 2.0);
            let taker = if px >= before { OrderSide::Buy } else { OrderSide::Sell };
            self.trade(symbol, taker, px, volume / 4.0);
            before = px;
            self.pass(15);
        }
    }

    /// History in which the price goes straight from each of `closes` to the next, `minutes` bars each.
    pub(crate) fn past(&mut self, symbol: SymbolId, closes: &[f64], minutes: u32, volume: f64) {
        let mut bars = Vec::new();
        for ends in closes.windows(2) {
            let at = |i: u32| ends[0] + (ends[1] - ends[0]) * f64::from(i) / f64::from(minutes);
            for i in 0..minutes {
                let (open, close) = (at(i), at(i + 1));
                bars.push([open, open.max(close), open.min(close), close, volume]);
            }
        }
        self.history(symbol, &bars);
    }

    /// A whole minute in which each symbol goes straight from its first price to its second, with four
    /// trades in the direction of the move and a book of two ticks around each.
    pub(crate) fn walk(&mut self, legs: &[(SymbolId, f64, f64)], volume: f64) {
        for quarter in 1..=4 {
            for (symbol, from, to) in legs {
                let px = from + (to - from) * f64::from(quarter) / 4.0;
                let precision = self.instruments[symbol.index()].price_precision;
                let tick = 1.0 / 10f64.powi(i32::from(precision));
                self.book(*symbol, px - tick, px + tick);
                let taker = if to >= from { OrderSide::Buy } else { OrderSide::Sell };
                self.trade(*symbol, taker, px, volume / 4.0);
            }
            self.pass(15);
        }
    }

    fn pick<T>(&self, of: impl Fn(&ReportKind) -> Option<T>) -> Vec<T> {
        self.reports.iter().filter_map(|report| of(&report.kind)).collect()
    }

    pub(crate) fn signals(&self) -> Vec<Signal> {
        self.pick(|kind| match kind {
            ReportKind::Signal { signal, .. } => Some(*signal),
            _ => None,
        })
    }

    /// Codes of the reasons of all signals.
    pub(crate) fn codes(&self) -> Vec<&'static str> {
        self.signals().iter().map(|signal| signal.reason.code()).collect()
    }

    pub(crate) fn fills(&self) -> Vec<Fill> {
        self.pick(|kind| if let ReportKind::Fill(fill) = kind { Some(*fill) } else { None })
    }

    pub(crate) fn rejects(&self) -> Vec<RejectReason> {
        self.pick(|kind| match kind {
            ReportKind::Reject { reason, .. } => Some(*reason),
            _ => None,
        })
    }

    pub(crate) fn ends(&self) -> Vec<OrderEnd> {
        self.pick(|kind| match kind {
            ReportKind::Done { done, .. } => Some(done.end),
            _ => None,
        })
    }

    /// Reasons for doing nothing, at most one a second and symbol.
    pub(crate) fn skips(&self) -> Vec<Skip> {
        self.pick(|kind| match kind {
            ReportKind::Skipped { why, .. } => Some(*why),
            _ => None,
        })
    }

    pub(crate) fn orders(&self) -> Vec<OpenOrder> {
        self.engine.world(StratId(0), 0).orders().to_vec()
    }

    pub(crate) fn row(&self) -> AccountRow {
        *self.engine.world(StratId(0), 0).account().row()
    }

    /// The position in base units, negative for a short.
    pub(crate) fn held(&self, symbol: SymbolId) -> f64 {
        let position = self.engine.world(StratId(0), 0).account().position(symbol);
        let qty = self.instruments[symbol.index()].qty_f64(position.qty());
        if position.lots < 0 { -qty } else { qty }
    }

    pub(crate) fn is_flat(&self, symbol: SymbolId) -> bool {
        self.engine.world(StratId(0), 0).account().position(symbol).lots == 0
    }

    /// True unless the strategy panicked.
    pub(crate) fn is_alive(&self) -> bool {
        !self.reports.iter().any(|report| matches!(report.kind, ReportKind::Benched { .. }))
    }
}
