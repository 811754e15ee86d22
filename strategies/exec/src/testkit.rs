//! A market of two pairs under the test's hand, and a strategy that does what the test says.

use std::sync::{Arc, Mutex};

use paperwire_core::account::{AccountView, Fill, PairFees};
use paperwire_core::agent::StoppedClock;
use paperwire_core::bar::Timeframe;
use paperwire_core::book::Level;
use paperwire_core::command::{Command, Origin, Verb};
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::ids::StratId;
use paperwire_core::instrument::{AssetName, Instrument, SymbolId, SymbolName, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::EVENT_LEVELS;
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{OrderDone, OrderEnd};
use paperwire_core::strategy::{
    Action, Event, Flip, Reason, Reject, RejectReason, Signal, Signals, Size, StartContext,
    Strategy,
};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::{OrderSide, TradeTick};

use paperwire_signals::router::Router;

use crate::engine::{Context, Engine, EngineConfig, StrategySetup};
use crate::report::{AccountRow, BracketRow, PositionRow, Report, ReportKind};
use crate::risk::RiskLimits;
use crate::world::World;

pub(crate) const BTC: SymbolId = SymbolId(0);
pub(crate) const XRP_BTC: SymbolId = SymbolId(1);
pub(crate) const XRP: SymbolId = SymbolId(2);

/// What a strategy was told, in order.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a handful of them in a test")]
pub(crate) enum Heard {
    Fill(Fill),
    Done(OrderEnd),
    Reject(RejectReason),
}

#[derive(Debug, Default)]
pub(crate) struct Desk {
    pub(crate) next: Vec<Signal>,
    pub(crate) heard: Vec<Heard>,
    pub(crate) lots_seen: Vec<i64>,
    pub(crate) orders_seen: Vec<usize>,
    pub(crate) cash_seen: Vec<Money>,
    /// At the last event, by symbol.
    pub(crate) fees_seen: Vec<PairFees>,
    /// Of taking and of resting, as told at the start.
    pub(crate) start_fees: Vec<f64>,
    pub(crate) panics: bool,
}

/// Emits what lies on its desk at the next event of any kind.
struct Script(Arc<Mutex<Desk>>);

impl Strategy for Script {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.0.lock().unwrap().start_fees = vec![ctx.taker_fee, ctx.maker_fee];
    }
    fn on_event(
        &mut self,
        _: &Event<'_>,
        _: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let mut desk = self.0.lock().unwrap();
        let panics = desk.panics;
        desk.lots_seen.push(account.position(BTC).lots);
        desk.orders_seen.push(account.orders.len());
        desk.cash_seen.push(account.cash);
        desk.fees_seen = account.fees.to_vec();
        for signal in desk.next.drain(..) {
            out.push(signal);
        }
        drop(desk);
        assert!(!panics, "as the test wished");
    }
    fn on_fill(&mut self, fill: &Fill) {
        self.0.lock().unwrap().heard.push(Heard::Fill(*fill));
    }
    fn on_order_done(&mut self, done: &OrderDone) {
        self.0.lock().unwrap().heard.push(Heard::Done(done.end));
    }
    fn on_reject(&mut self, reject: &Reject) {
        self.0.lock().unwrap().heard.push(Heard::Reject(reject.reason));
    }
}

pub(crate) fn instrument(name: &str, price_precision: u8) -> Instrument {
    let (base, quote) = name.split_once('/').unwrap();
    Instrument {
        name: SymbolName::from(name).unwrap(),
        base: AssetName::from(base).unwrap(),
        quote: AssetName::from(quote).unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1_000),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

pub(crate) fn usd(value: f64) -> Money {
    Money::from_num(value)
}

pub(crate) fn lots(count: i64) -> Qty {
    Qty::new(count)
}

pub(crate) fn worth(symbol: SymbolId, action: Action, dollars: f64) -> Signal {
    Signal::new(symbol, action, Size::Notional(usd(dollars)), Reason::new("test")).tag(7)
}

pub(crate) fn amount(symbol: SymbolId, action: Action, count: i64) -> Signal {
    Signal::new(symbol, action, Size::Base(lots(count)), Reason::new("test")).tag(7)
}

pub(crate) fn config() -> EngineConfig {
    EngineConfig::new(10, AssetName::from("USD").unwrap(), Money::from_num(100))
}

pub(crate) struct Rig {
    pub(crate) engine: Engine,
    pub(crate) reports: Vec<Report>,
    pub(crate) desks: Vec<Arc<Mutex<Desk>>>,
    bank: Bank,
    seq: u64,
    /// Exchange time in milliseconds.
    pub(crate) now_ms: i64,
}

/// What a rig's strategies are like.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) flip: Flip,
    pub(crate) risk: RiskLimits,
    pub(crate) warmup: &'static [(Timeframe, u16)],
    pub(crate) strategies: usize,
    pub(crate) router: Option<Router>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            flip: Flip::Reject,
            risk: RiskLimits::default(),
            warmup: &[],
            strategies: 1,
            router: None,
        }
    }
}

impl Rig {
    /// One strategy, the default configuration, and BTC/USD at 99,999.5 to 100,000.5, a deep level each.
    pub(crate) fn new() -> Self {
        Self::with(config(), Setup::default())
    }

    pub(crate) fn with(config: EngineConfig, setup: Setup) -> Self {
        let instruments =
            [instrument("BTC/USD", 1), instrument("XRP/BTC", 8), instrument("XRP/USD", 5)];
        Self::of(&instruments, config, setup)
    }

    pub(crate) fn of(instruments: &[Instrument], config: EngineConfig, setup: Setup) -> Self {
        let desks: Vec<Arc<Mutex<Desk>>> = (0..setup.strategies).map(|_| Arc::default()).collect();
        let symbols = (0..instruments.len()).map(|index| SymbolId(u16::try_from(index).unwrap()));
        let symbols: Vec<SymbolId> = symbols.collect();
        let setups = desks.iter().enumerate().map(|(index, desk)| StrategySetup {
            strategy: Box::new(Script(Arc::clone(desk))),
            name: format!("script{index}"),
            symbols: symbols.clone(),
            warmup: setup.warmup,
            flip: setup.flip,
            risk: setup.risk,
            router: setup.router,
        });
        let engine = Engine::new(instruments, setups.collect(), config);
        let bank = Bank::new(&Stage::ALL, setup.strategies);
        let mut rig = Self { engine, bank, reports: Vec::new(), desks, seq: 0, now_ms: 0 };
        rig.book(BTC, 999_995, 1_000_005);
        rig
    }

    pub(crate) fn event(&mut self, symbol: SymbolId, kind: MarketKind) {
        self.seq += 1;
        self.now_ms += 1;
        let exch = ExchNs::new(self.now_ms * 1_000_000);
        let (seq, stamps) = (Seq(self.seq), Stamps::default());
        let symbol = kind.has_symbol().then_some(symbol);
        let event = MarketEvent { seq, exch, stamps, symbol, kind };
        let mut ctx =
            Context { clock: &StoppedClock, bank: &mut self.bank, reports: &mut self.reports };
        self.engine.process(&event, &mut ctx);
    }

    pub(crate) fn finish(&mut self, flatten: bool) {
        let exch = ExchNs::new(self.now_ms * 1_000_000);
        let (seq, stamps, kind) = (Seq(self.seq), Stamps::default(), MarketKind::Timer);
        let last = MarketEvent { seq, exch, stamps, symbol: None, kind };
        let mut ctx =
            Context { clock: &StoppedClock, bank: &mut self.bank, reports: &mut self.reports };
        self.engine.finish(flatten, &last, &mut ctx);
    }

    /// A whole book of one deep level a side.
    pub(crate) fn book(&mut self, symbol: SymbolId, bid: i64, ask: i64) {
        let deep = 1_000_000_000_000;
        self.levels(symbol, &[(bid, deep)], &[(ask, deep)]);
    }

    /// A whole book, best levels first, as prices and lots.
    pub(crate) fn levels(&mut self, symbol: SymbolId, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        self.send_levels(symbol, bids, asks, MarketKind::Reset);
    }

    /// Changes of a live book.
    pub(crate) fn change(&mut self, symbol: SymbolId, bids: &[(i64, i64)], asks: &[(i64, i64)]) {
        self.send_levels(symbol, bids, asks, MarketKind::Book);
    }

    fn send_levels(
        &mut self,
        symbol: SymbolId,
        bids: &[(i64, i64)],
        asks: &[(i64, i64)],
        kind: fn(LevelBatch) -> MarketKind,
    ) {
        let all: Vec<(BookSide, (i64, i64))> = (bids.iter().map(|level| (BookSide::Bid, *level)))
            .chain(asks.iter().map(|level| (BookSide::Ask, *level)))
            .collect();
        let parts = all.len().div_ceil(EVENT_LEVELS);
        for (index, part) in all.chunks(EVENT_LEVELS).enumerate() {
            let mut batch = LevelBatch::new(index == 0);
            for (side, (px, qty)) in part {
                batch.push(*side, Level { px: Px::new(*px), qty: Qty::new(*qty) });
            }
            batch.is_last = index + 1 == parts;
            self.event(symbol, kind(batch));
        }
    }

    pub(crate) fn trade(&mut self, symbol: SymbolId, taker: OrderSide, px: i64, count: i64) {
        let at = ExchNs::new((self.now_ms + 1) * 1_000_000);
        let trade =
            TradeTick { at, px: Px::new(px), qty: lots(count), taker, ..Default::default() };
        self.event(symbol, MarketKind::Trade { trade, is_snapshot: false });
    }

    pub(crate) fn timer(&mut self) {
        self.event(BTC, MarketKind::Timer);
    }

    /// Lets time pass, told by a timer.
    pub(crate) fn pass_ms(&mut self, ms: i64) {
        self.now_ms += ms - 1;
        self.timer();
    }

    pub(crate) fn command(&mut self, verb: Verb) {
        let command = Command::Do { target: None, verb, origin: Origin::Terminal };
        self.event(BTC, MarketKind::Command(command));
    }

    /// Has the first strategy emit a signal, at a timer that changes nothing else.
    pub(crate) fn say(&mut self, signal: Signal) {
        self.say_as(0, signal);
    }

    pub(crate) fn say_as(&mut self, strategy: usize, signal: Signal) {
        self.desks[strategy].lock().unwrap().next.push(signal);
        self.timer();
    }

    pub(crate) fn world(&self) -> &World {
        self.engine.world(StratId(0), 0)
    }

    pub(crate) fn row(&self) -> AccountRow {
        *self.world().account().row()
    }

    pub(crate) fn position_lots(&self, symbol: SymbolId) -> i64 {
        self.world().account().position(symbol).lots
    }

    fn pick<T>(&self, of: impl Fn(&ReportKind) -> Option<T>) -> Vec<T> {
        self.reports.iter().filter_map(|report| of(&report.kind)).collect()
    }

    pub(crate) fn fills(&self) -> Vec<Fill> {
        self.pick(|kind| if let ReportKind::Fill(fill) = kind { Some(*fill) } else { None })
    }

    #[track_caller]
    pub(crate) fn last_fill(&self) -> Fill {
        *self.fills().last().expect("something was filled")
    }

    pub(crate) fn rejects(&self) -> Vec<RejectReason> {
        self.pick(
            |kind| {
                if let ReportKind::Reject { reason, .. } = kind { Some(*reason) } else { None }
            },
        )
    }

    pub(crate) fn ends(&self) -> Vec<OrderEnd> {
        self.pick(
            |kind| {
                if let ReportKind::Done { done, .. } = kind { Some(done.end) } else { None }
            },
        )
    }

    pub(crate) fn brackets(&self) -> Vec<BracketRow> {
        let rows = self.pick(|kind| match kind {
            ReportKind::Bracket { row, .. } => Some(*row),
            _ => None,
        });
        rows[rows.len() - 3..].to_vec()
    }

    pub(crate) fn position_rows(&self) -> Vec<(SymbolId, PositionRow)> {
        self.pick(|kind| match kind {
            ReportKind::Position { symbol, row, .. } => Some((*symbol, *row)),
            _ => None,
        })
    }
}
