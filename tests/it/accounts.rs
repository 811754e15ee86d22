//! A million random fills: whatever a strategy wishes and the market does, the accounts add up.
//!
//! Two strategies wish at random (every kind of order, size and exit) in a market that wanders and
//! gaps, on pairs quoted in dollars and in bitcoin, under the queue model with latency, fees, bracket
//! and liquidation. After every event each of the four worlds of each strategy must hold the
//! equity identity to the last bit, and its sums must be those of its symbols and of the reported fills.
//! That no entry leaves its account beyond its leverage is asserted by the engine at each fill.

use paperwire_core::account::{AccountView, Trigger};
use paperwire_core::agent::StoppedClock;
use paperwire_core::book::Level;
use paperwire_core::command::{Command, Origin, Verb};
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps};
use paperwire_core::ids::StratId;
use paperwire_core::instrument::{AssetName, Instrument, SymbolId, SymbolName, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::order::{Distance, ExitLevel, OrderSpec, OrderTrigger, TimeInForce, Trail};
use paperwire_core::strategy::{Action, Event, Flip, Reason, Signal, Signals, Size, Strategy};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::{OrderSide, TradeTick};
use paperwire_exec::engine::{Context, Engine, EngineConfig, ReportSink, StrategySetup};
use paperwire_exec::latency::{LogNormal, Rng, Surge, stream};
use paperwire_exec::report::{Report, ReportKind};
use paperwire_exec::risk::RiskLimits;

const FILLS: u64 = 1_000_000;
const WORLDS: usize = 4;
/// Random trading loses; after this many fills the accounts start from scratch.
const RESET_EVERY: u64 = 2_000;

fn below(rng: &mut Rng, end: i64) -> i64 {
    i64::try_from(rng.next_u64() % end.unsigned_abs()).unwrap()
}

/// Wishes anything, at any time.
struct Random(Rng);

impl Random {
    fn wish(&mut self, symbol: SymbolId, mid: i64) -> Signal {
        let rng = &mut self.0;
        let action = [Action::Buy, Action::Short, Action::Sell, Action::Cover, Action::Close];
        let action = action[usize::try_from(below(rng, 5)).unwrap()];
        let size = match below(rng, 3) {
            0 => Size::All,
            1 => Size::Base(Qty::new(1 + below(rng, 200_000))),
            _ => Size::Notional(Money::from_num(1 + below(rng, 400))),
        };
        let near = Px::new((mid + below(rng, mid / 200 + 3) - mid / 400).max(1));
        let order = match below(rng, 7) {
            0 => OrderSpec::limit(near),
            1 => OrderSpec::post_only(near),
            2 => OrderSpec { tif: TimeInForce::Ioc, ..OrderSpec::limit(near) },
            3 => OrderSpec { tif: TimeInForce::Fok, ..OrderSpec::limit(near) },
            4 => OrderSpec { trigger: Some(OrderTrigger::Stop(near)), ..OrderSpec::MARKET },
            _ => OrderSpec::MARKET,
        };
        let order = OrderSpec { oco: u32::try_from(below(rng, 3)).unwrap(), ..order };
        let signal = Signal::new(symbol, action, size, Reason::new("random")).order(order);
        let pct = |rng: &mut Rng| ExitLevel::PctFromFill(0.05 + rng.unit());
        match below(rng, 4) {
            0 => signal.bracket(pct(rng), pct(rng)),
            1 => signal.trail(Trail { distance: Distance::Percent(0.3), activation_pct: 0.1 }),
            _ => signal,
        }
        .tag(u32::try_from(below(rng, 4)).unwrap())
    }
}

impl Strategy for Random {
    fn on_event(
        &mut self,
        _: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let symbol = SymbolId(u16::try_from(below(&mut self.0, 3)).unwrap());
        if account.orders.len() > 40 {
            out.push(Signal::cancel(symbol, 0, Reason::new("room")));
        }
        if let Some(bbo) = market.symbol(symbol).bbo() {
            let wish = self.wish(symbol, bbo.bid.px.raw());
            out.push(wish);
        }
    }
}

/// Sums of the fills of each strategy, as they were reported.
#[derive(Default)]
struct Ledger {
    fills: u64,
    sums: [(Money, Money); 2],
    entries: u64,
    calls: u64,
}

impl ReportSink for Ledger {
    fn push(&mut self, report: Report) {
        if let ReportKind::Fill(fill) = report.kind {
            self.fills += 1;
            let (realized, fees) = &mut self.sums[fill.strategy.index()];
            *realized += fill.realized;
            *fees += fill.fee;
            self.entries += u64::from(fill.realized == 0 && fill.trigger == Trigger::Strategy);
            self.calls += u64::from(fill.trigger == Trigger::MarginCall);
        }
    }
}

fn instrument(name: &str, price_precision: u8) -> Instrument {
    let (base, quote) = name.split_once('/').unwrap();
    Instrument {
        name: SymbolName::from(name).unwrap(),
        base: AssetName::from(base).unwrap(),
        quote: AssetName::from(quote).unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(10),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

fn engine() -> Engine {
    let instruments =
        [instrument("BTC/USD", 1), instrument("XRP/BTC", 8), instrument("XRP/USD", 5)];
    let usd = AssetName::from("USD").unwrap();
    let mut config = EngineConfig::new(10, usd, Money::from_num(1_000));
    "queue".clone_into(&mut config.venue.fill_model);
    let fee = Money::from_num(0.0001);
    config.venue.fees = Box::new(paperwire_exec::fee::Flat::new(fee, fee * 2));
    let legs = [1, 2, 2, 1].map(DurationNs::from_millis);
    config.venue.latency = Box::new(LogNormal::new(legs, 0.5, Surge::OFF));
    config.margin.liquidation_fee = Money::from_num(0.001);
    config.margin.rollover_fee = Money::from_num(0.0002);
    let setups = [Flip::Reverse, Flip::Reject].map(|flip| StrategySetup {
        strategy: Box::new(Random(stream(7, flip.as_str()))),
        name: flip.as_str().to_owned(),
        symbols: (0..3).map(SymbolId).collect(),
        warmup: &[],
        flip,
        risk: RiskLimits::default(),
        router: None,
    });
    Engine::new(&instruments, setups.into(), config)
}

/// A market that wanders, sometimes gaps, and is quoted three levels deep.
struct Walker {
    rng: Rng,
    mids: [i64; 3],
    seq: u64,
    at: i64,
}

impl Walker {
    fn step(&mut self) -> MarketEvent {
        let index = usize::try_from(below(&mut self.rng, 3)).unwrap();
        let symbol = SymbolId(u16::try_from(index).unwrap());
        let mid = self.mids[index];
        let width = mid / 5_000 + 2;
        let kind = match below(&mut self.rng, 12) {
            0 => MarketKind::Timer,
            1..4 => {
                let taker = if self.rng.unit() < 0.5 { OrderSide::Buy } else { OrderSide::Sell };
                let px = Px::new((mid + below(&mut self.rng, 4 * width) - 2 * width).max(1));
                let qty = Qty::new(1 + below(&mut self.rng, 300_000_000));
                let at = ExchNs::new(self.at);
                let trade = TradeTick { at, px, qty, taker, ..TradeTick::default() };
                MarketKind::Trade { trade, is_snapshot: false }
            }
            _ => {
                let step = below(&mut self.rng, width + 1) - width / 2;
                // Now and then half as much again, or the way back, with no price in between.
                let moved = match below(&mut self.rng, 400) {
                    0 => mid * 3 / 2,
                    1 => mid * 2 / 3,
                    _ => mid + step,
                };
                let start = [1_000_000, 2_250, 235_000][index];
                self.mids[index] = moved.clamp(start / 2, start * 2);
                MarketKind::Reset(self.book(self.mids[index]))
            }
        };
        self.seq += 1;
        self.at += below(&mut self.rng, 2_000_000);
        let (exch, seq) = (ExchNs::new(self.at), Seq(self.seq));
        let symbol = kind.has_symbol().then_some(symbol);
        MarketEvent { seq, exch, stamps: Stamps::default(), symbol, kind }
    }

    fn book(&mut self, mid: i64) -> LevelBatch {
        let mut batch = LevelBatch::new(true);
        for (side, px) in [
            (BookSide::Bid, mid - 1),
            (BookSide::Bid, mid - 2 - mid / 2_000),
            (BookSide::Ask, mid + 1),
            (BookSide::Ask, mid + 2 + mid / 2_000),
        ] {
            let qty = Qty::new(1_000 + below(&mut self.rng, 5_000_000_000));
            batch.push(side, Level { px: Px::new(px), qty });
        }
        batch.is_last = true;
        batch
    }
}

#[test]
fn a_million_random_fills_add_up_to_the_last_bit() {
    let mut engine = engine();
    let rng = stream(11, "market");
    let mut market = Walker { rng, mids: [1_000_000, 2_250, 235_000], seq: 0, at: 0 };
    let mut bank = Bank::new(&Stage::ALL, 2);
    let mut ledger = Ledger::default();
    let mut worst = Money::ZERO;
    let mut next_reset = RESET_EVERY;
    while ledger.fills < FILLS {
        let mut event = market.step();
        if ledger.fills >= next_reset {
            next_reset += RESET_EVERY;
            let (target, verb, origin) = (None, Verb::Reset, Origin::Api);
            event.kind = MarketKind::Command(Command::Do { target, verb, origin });
            event.symbol = None;
        }
        let mut ctx = Context { clock: &StoppedClock, bank: &mut bank, reports: &mut ledger };
        engine.process(&event, &mut ctx);
        if matches!(event.kind, MarketKind::Command(_)) {
            ledger.sums = Default::default();
        }
        for strategy in 0..2u16 {
            for world in 0..WORLDS {
                let account = engine.world(StratId(strategy), world).account();
                assert!(account.identity_holds(), "{:?}", account.row());
                let (realized, fees) = account.symbol_sums();
                assert_eq!((realized, fees), (account.row().realized, account.row().fees));
            }
            let account = engine.world(StratId(strategy), 0).account();
            let sums = ledger.sums[usize::from(strategy)];
            assert_eq!(sums, (account.row().realized, account.row().fees), "sum of the fills");
            let standing = account.standing();
            if standing.equity > 0 {
                worst = worst.max((standing.long + standing.short) / standing.equity);
            }
        }
    }
    assert!(worst > 1, "leverage was really used: {worst}");
    assert!(ledger.entries > FILLS / 10);
    assert!(ledger.calls > 0, "margin was really called");
    eprintln!("{} fills, {} margin calls, most exposure {worst:.3} x", ledger.fills, ledger.calls);
}

#[test]
fn money_that_cannot_be_counted_stops_the_program_in_release_too() {
    let huge = std::hint::black_box(Money::from_num(1e18));
    let product = std::panic::catch_unwind(|| std::hint::black_box(huge * huge));
    assert!(product.is_err(), "it wrapped to {product:?}");
}
