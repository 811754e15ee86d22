use paperwire_core::agent::StoppedClock;
use paperwire_core::book::Level;
use paperwire_core::event::{GapReason, LevelBatch, Stamps, SymbolStatus};
use paperwire_core::instrument::{SymbolName, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::market::MarketView;
use paperwire_core::num::Px;
use paperwire_core::strategy::{Action, ExitLevel, Size};

use super::*;

/// Emits the next of its signals at each book change, and counts what it is told.
struct Script {
    signals: Vec<Signal>,
    told: std::sync::Arc<std::sync::Mutex<Vec<Trigger>>>,
}

impl Strategy for Script {
    fn on_event(
        &mut self,
        event: &Event<'_>,
        _: &MarketView<'_>,
        _: &AccountView<'_>,
        out: &mut Signals,
    ) {
        if let Event::Book { .. } = event
            && !self.signals.is_empty()
        {
            out.push(self.signals.remove(0));
        }
    }
    fn on_fill(&mut self, fill: &Fill) {
        self.told.lock().unwrap().push(fill.trigger);
    }
}

struct Rig {
    engine: Engine,
    bank: Bank,
    reports: Vec<Report>,
    told: std::sync::Arc<std::sync::Mutex<Vec<Trigger>>>,
    seq: u64,
}

fn instrument(name: &str, price_precision: u8) -> Instrument {
    let (base, quote) = name.split_once('/').unwrap();
    Instrument {
        name: SymbolName::from(name).unwrap(),
        base: AssetName::from(base).unwrap(),
        quote: AssetName::from(quote).unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: paperwire_core::num::Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1_000),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

const BTC: SymbolId = SymbolId(0);
const XRP_BTC: SymbolId = SymbolId(1);

fn signal(
    symbol: SymbolId,
    action: Action,
    usd: f64,
    stop: ExitLevel,
    target: ExitLevel,
) -> Signal {
    let (size, reason) = (Size::Notional(Money::from_num(usd)), Reason::new("test"));
    Signal { symbol, action, size, stop, target, reason, tag: 7 }
}

impl Rig {
    fn new(signals: Vec<Signal>, warmup: &'static [(Timeframe, u16)]) -> Self {
        let told = std::sync::Arc::default();
        let strategy: Box<dyn Strategy> =
            Box::new(Script { signals, told: std::sync::Arc::clone(&told) });
        let setup = StrategySetup { strategy, symbols: vec![BTC, XRP_BTC], warmup };
        let config = EngineConfig {
            depth: 10,
            bars: BarRules::default(),
            numeraire: AssetName::from("USD").unwrap(),
            capital: Money::from_num(100),
            taker_fee: Money::from_num(0.001),
            leverage_max: Money::ONE,
        };
        let instruments = [instrument("BTC/USD", 1), instrument("XRP/BTC", 8)];
        let engine = Engine::new(&instruments, vec![setup], config);
        Self { engine, bank: Bank::new(&Stage::ALL, 1), reports: Vec::new(), told, seq: 0 }
    }

    fn event(&mut self, symbol: SymbolId, kind: MarketKind) {
        self.seq += 1;
        let exch = ExchNs::new(i64::try_from(self.seq).unwrap() * 1_000_000_000);
        let event =
            MarketEvent { seq: Seq(self.seq), exch, stamps: Stamps::default(), symbol, kind };
        let mut ctx =
            Context { clock: &StoppedClock, bank: &mut self.bank, reports: &mut self.reports };
        self.engine.process(&event, &mut ctx);
    }

    /// A whole book of one deep level a side.
    fn book(&mut self, symbol: SymbolId, bid: i64, ask: i64) {
        let mut batch = LevelBatch::new(true);
        let qty = Qty::new(1_000_000_000_000);
        batch.push(BookSide::Bid, Level { px: Px::new(bid), qty });
        batch.push(BookSide::Ask, Level { px: Px::new(ask), qty });
        batch.is_last = true;
        self.event(symbol, MarketKind::Reset(batch));
    }

    fn fills(&self) -> Vec<Fill> {
        let fill = |r: &Report| {
            if let ReportKind::Fill(fill) = r.kind { Some(fill) } else { None }
        };
        self.reports.iter().filter_map(fill).collect()
    }

    fn rejects(&self) -> Vec<RejectReason> {
        let why = |r: &Report| {
            if let ReportKind::Reject { reason, .. } = r.kind { Some(reason) } else { None }
        };
        self.reports.iter().filter_map(why).collect()
    }
}

#[test]
fn a_stop_on_a_short_is_one_fill_a_flat_position_and_told_to_the_strategy() {
    let stop = ExitLevel::PctFromFill(0.5);
    let mut rig = Rig::new(vec![signal(BTC, Action::Short, 50.0, stop, ExitLevel::Keep)], &[]);
    rig.book(BTC, 1_000_000, 1_000_010); // shorts at the bid 100,000.0; stop at 100,500.0
    rig.book(BTC, 1_004_980, 1_004_990); // ask below the stop
    assert_eq!(rig.fills().len(), 1);
    for _ in 0..60 {
        rig.book(BTC, 1_006_990, 1_007_000); // far beyond it: filled at the market, not at the stop
    }
    let fills = rig.fills();
    assert_eq!(fills.len(), 2);
    assert_eq!(
        (fills[1].trigger, fills[1].px, fills[1].lots_after),
        (Trigger::StopLoss, Px::new(1_007_000), 0)
    );
    assert_eq!(fills[1].qty, fills[0].qty);
    assert!(fills[1].net < fills[1].realized && fills[1].realized < 0);
    assert_eq!(*rig.told.lock().unwrap(), [Trigger::Strategy, Trigger::StopLoss]);
}

#[test]
fn a_target_is_taken_on_the_executable_side_and_a_stop_wins_over_it() {
    let levels = (ExitLevel::PctFromFill(0.5), ExitLevel::PctFromFill(1.0));
    let mut rig = Rig::new(vec![signal(BTC, Action::Buy, 50.0, levels.0, levels.1)], &[]);
    rig.book(BTC, 999_990, 1_000_000); // buys at 100,000.0; target 101,000.0
    rig.book(BTC, 1_009_990, 1_010_010); // the ask is there, the bid is not
    assert_eq!(rig.fills().len(), 1);
    rig.book(BTC, 1_010_000, 1_010_010);
    let fills = rig.fills();
    assert_eq!((fills[1].trigger, fills[1].px), (Trigger::TakeProfit, Px::new(1_010_000)));
}

#[test]
fn nothing_is_filled_from_a_book_that_is_not_believed() {
    let stop = ExitLevel::PctFromFill(0.5);
    let mut rig = Rig::new(vec![signal(BTC, Action::Buy, 50.0, stop, ExitLevel::Keep)], &[]);
    rig.book(BTC, 999_990, 1_000_000);
    rig.event(BTC, MarketKind::Status(SymbolStatus::Resync));
    let trade = paperwire_core::trade::TradeTick {
        at: ExchNs::new(3_000_000_000),
        px: Px::new(900_000),
        qty: Qty::new(1),
        ..Default::default()
    };
    rig.event(BTC, MarketKind::Trade { trade, is_snapshot: false });
    assert_eq!(rig.fills().len(), 1, "the price is far below the stop, and the book is void");
    let at = ExchNs::new(1);
    let gap = SymbolStatus::Gap { from: at, to: at, reason: GapReason::Checksum };
    rig.event(BTC, MarketKind::Status(gap));
    rig.book(BTC, 899_990, 900_000); // the first verified book: the stop fills at its gapped price
    assert_eq!(rig.fills()[1].px, Px::new(899_990));
}

#[test]
fn a_bitcoin_quoted_fill_is_accounted_in_dollars_and_needs_a_live_leg() {
    let buy = signal(XRP_BTC, Action::Buy, 15.0, ExitLevel::Keep, ExitLevel::Keep);
    let mut rig = Rig::new(vec![buy, buy], &[]);
    rig.book(XRP_BTC, 1_999, 2_000); // no BTC/USD yet
    assert_eq!(rig.rejects(), [RejectReason::NoQuoteRate]);
    rig.book(BTC, 999_990, 1_000_010); // mid 100,000.0; the script's second signal fires here
    let fill = rig.fills()[0];
    assert_eq!((fill.symbol, fill.qty, fill.px), (XRP_BTC, Qty::new(750_000_000), Px::new(2_000)));
    assert!((fill.fee - Money::from_num(0.015)).abs() < Money::from_num(1e-9));
    rig.book(XRP_BTC, 2_199, 2_201); // mid up 10 %: 1.50 dollars
    rig.event(BTC, MarketKind::Timer);
    let row = *rig.engine.slots[0].account.row();
    assert!(
        (row.unrealized - Money::from_num(1.5)).abs() < Money::from_num(1e-9),
        "{}",
        row.unrealized
    );
    assert_eq!(row.equity, row.baseline + row.realized - row.fees + row.unrealized);
}

#[test]
fn repeated_orders_never_raise_exposure_above_the_limit() {
    let buy = signal(BTC, Action::Buy, 60.0, ExitLevel::Keep, ExitLevel::Keep);
    let mut rig = Rig::new(vec![buy; 6], &[]);
    for _ in 0..6 {
        rig.book(BTC, 999_990, 1_000_000);
    }
    let row = *rig.engine.slots[0].account.row();
    assert!(row.exposure <= row.equity, "{} over {}", row.exposure, row.equity);
    assert!(rig.rejects().contains(&RejectReason::NoFunds));
}

#[test]
fn signals_before_the_declared_bars_are_refused() {
    let buy = signal(BTC, Action::Buy, 20.0, ExitLevel::Keep, ExitLevel::Keep);
    let mut rig = Rig::new(vec![buy], &[(Timeframe::M5, 1)]);
    rig.book(BTC, 999_990, 1_000_000);
    assert_eq!(rig.rejects(), [RejectReason::WarmingUp]);
    assert!(rig.fills().is_empty());
}

#[test]
fn a_level_on_the_wrong_side_refuses_the_whole_signal() {
    let stop = ExitLevel::At(Px::new(1_000_500));
    let mut rig = Rig::new(vec![signal(BTC, Action::Buy, 20.0, stop, ExitLevel::Keep)], &[]);
    rig.book(BTC, 999_990, 1_000_000);
    assert_eq!(rig.rejects(), [RejectReason::BadExitLevel]);
    assert!(rig.fills().is_empty());
}
