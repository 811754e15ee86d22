//! A bench to try a strategy on: a market made of events and an account that fills at the touch.
//!
//! Only as much of an engine as a strategy can notice: bars before the event that closed them, stops
//! and targets on the executable side before the strategy is called, fills told at once.

use paperwire_core::account::{
    AccountState, AccountView, Evidence, Fill, Liquidity, PairFees, Position, PositionSide, Trigger,
};
use paperwire_core::bar::{Bar, BarRules, Timeframe};
use paperwire_core::book::{Bbo, Level};
use paperwire_core::event::{LevelBatch, MarketEvent, MarketKind, Seq, Stamps, SymbolStatus};
use paperwire_core::ids::{FillId, OrderId, StratId};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::market::MarketState;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::strategy::{
    Action, Event, ExitLevel, Reason, Reject, RejectReason, Signal, Signals, Size, Skip,
    StartContext, Strategy,
};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::{OrderSide, TradeTick};
use paperwire_signals::costs::{entry_touch, exit_touch, sign};

use crate::find;

pub(crate) const BTC: SymbolId = SymbolId(0);
pub(crate) const XRP: SymbolId = SymbolId(1);
pub(crate) const CROSS: SymbolId = SymbolId(2);

/// 2025-11-03 09:00 UTC, a Monday in the European session.
pub(crate) const START: ExchNs = ExchNs::new(1_762_160_400_000_000_000);

pub(crate) struct Bench {
    pub(crate) market: MarketState,
    strategy: Box<dyn Strategy>,
    instruments: Vec<Instrument>,
    pub(crate) positions: Vec<Position>,
    cash: Money,
    pub(crate) equity: Money,
    fee: f64,
    pub(crate) now: ExchNs,
    seq: u64,
    trades: i64,
    /// False: signals are recorded and not executed.
    pub(crate) is_filling: bool,
    /// Share by which entries are filled worse than the touch.
    pub(crate) slip: f64,
    pub(crate) signals: Vec<Signal>,
    pub(crate) skips: Vec<Skip>,
    pub(crate) fills: Vec<Fill>,
    pub(crate) rejects: Vec<RejectReason>,
}

fn instrument(base: &str, quote: &str, price_precision: u8) -> Instrument {
    Instrument {
        name: format!("{base}/{quote}").as_str().try_into().unwrap(),
        base: base.try_into().unwrap(),
        quote: quote.try_into().unwrap(),
        price_precision,
        qty_precision: 8,
        price_increment: Px::new(1),
        qty_increment: Qty::new(1),
        qty_min: Qty::new(1_000),
        cost_min: Money::ZERO,
        status: TradingStatus::Online,
    }
}

/// The pairs of bench and stage, [`BTC`], [`XRP`] and [`CROSS`].
pub(crate) fn instruments() -> Vec<Instrument> {
    vec![instrument("BTC", "USD", 1), instrument("XRP", "USD", 5), instrument("XRP", "BTC", 8)]
}

impl Bench {
    /// A registered strategy with parameters as TOML and a taker fee.
    pub(crate) fn new(name: &str, params: &str, fee: f64) -> Self {
        let strategy = find(name).unwrap().make(&params.parse().unwrap()).unwrap();
        Self::of(strategy, fee)
    }

    pub(crate) fn of(mut strategy: Box<dyn Strategy>, fee: f64) -> Self {
        let instruments = instruments();
        let numeraire = AssetName::from("USD").unwrap();
        strategy.on_start(&StartContext {
            instruments: &instruments,
            symbols: &[BTC, XRP, CROSS],
            numeraire,
            taker_fee: fee,
            maker_fee: fee,
        });
        Self {
            market: MarketState::new(&instruments, 10, BarRules::default(), &numeraire),
            strategy,
            positions: vec![Position::default(); instruments.len()],
            instruments,
            cash: Money::from_num(100),
            equity: Money::from_num(100),
            fee,
            now: START,
            seq: 0,
            trades: 0,
            is_filling: true,
            slip: 0.0,
            signals: Vec::new(),
            skips: Vec::new(),
            fills: Vec::new(),
            rejects: Vec::new(),
        }
    }

    pub(crate) fn wait(&mut self, span: DurationNs) {
        self.now = self.now.plus(span);
    }

    pub(crate) fn px(&self, symbol: SymbolId, price: f64) -> Px {
        // A random walk may fall to nothing; the least price there is stands in.
        self.instruments[symbol.index()].px_from_f64(price).unwrap_or(Px::new(1))
    }

    /// Replaces the whole book by one level a side, quantities in coins.
    pub(crate) fn book(&mut self, symbol: SymbolId, bid: (f64, f64), ask: (f64, f64)) {
        let mut batch = LevelBatch::new(true);
        for (side, (price, qty)) in [(BookSide::Bid, bid), (BookSide::Ask, ask)] {
            let qty = self.instruments[symbol.index()].qty_from_f64(qty).unwrap();
            batch.push(side, Level { px: self.px(symbol, price), qty });
        }
        batch.is_last = true;
        self.apply(symbol, MarketKind::Reset(batch));
        self.protect(symbol);
        self.call(&Event::Book { symbol });
    }

    pub(crate) fn trade(&mut self, symbol: SymbolId, price: f64, qty: f64, taker: OrderSide) {
        self.trades += 1;
        let trade = TradeTick {
            at: self.now,
            px: self.px(symbol, price),
            qty: self.instruments[symbol.index()].qty_from_f64(qty).unwrap(),
            trade_id: self.trades,
            taker,
            is_market: true,
        };
        self.apply(symbol, MarketKind::Trade { trade, is_snapshot: false });
        self.call(&Event::Trade { symbol, trade: &trade });
    }

    pub(crate) fn timer(&mut self) {
        self.apply(BTC, MarketKind::Timer);
        self.call(&Event::Timer);
    }

    pub(crate) fn status(&mut self, symbol: SymbolId, status: SymbolStatus) {
        self.apply(symbol, MarketKind::Status(status));
    }

    /// A closed bar given to the strategy alone, as from history or live.
    pub(crate) fn bar(
        &mut self,
        symbol: SymbolId,
        timeframe: Timeframe,
        bar: &Bar,
        is_history: bool,
    ) {
        self.call(&Event::Bar { symbol, timeframe, bar, is_history });
    }

    /// A flat one-minute bar given to the strategy alone, volume in coins.
    pub(crate) fn minute(&mut self, symbol: SymbolId, close: Px, volume: f64, is_history: bool) {
        let volume = self.instruments[symbol.index()].qty_from_f64(volume).unwrap_or(Qty::ZERO);
        let bar = Bar {
            open: close,
            high: close,
            low: close,
            close,
            volume,
            vwap: close,
            ..Bar::default()
        };
        self.bar(symbol, Timeframe::M1, &bar, is_history);
    }

    fn apply(&mut self, symbol: SymbolId, kind: MarketKind) {
        self.seq += 1;
        let event = MarketEvent {
            seq: Seq(self.seq),
            exch: self.now,
            stamps: Stamps::default(),
            symbol: kind.has_symbol().then_some(symbol),
            kind,
        };
        let mut closed = Vec::new();
        self.market.apply(&event, &mut |symbol, bar| closed.push((symbol, bar)));
        for (symbol, (timeframe, bar)) in closed {
            self.bar(symbol, timeframe, &bar, false);
        }
    }

    fn call(&mut self, event: &Event<'_>) {
        let mut out = Signals::default();
        let fee = Money::from_num(self.fee);
        let fees = vec![PairFees { taker: fee, maker: fee }; self.positions.len()];
        let account = AccountView {
            cash: self.cash,
            equity: self.equity,
            positions: &self.positions,
            orders: &[],
            state: AccountState::Active,
            adjustment: paperwire_core::regime::Adjustment::NEUTRAL,
            fees: &fees,
        };
        self.strategy.on_event(event, &self.market.view(), &account, &mut out);
        assert_eq!(out.dropped(), 0);
        self.skips.extend(out.skipped());
        let is_history = matches!(event, Event::Bar { is_history: true, .. });
        assert!(!is_history || out.as_slice().is_empty(), "a signal from history");
        for signal in out.as_slice() {
            self.signals.push(*signal);
            if self.is_filling {
                self.execute(signal);
            }
        }
    }

    fn bbo(&self, symbol: SymbolId) -> Option<Bbo> {
        self.market.view().symbol(symbol).bbo()
    }

    fn reject(&mut self, signal: &Signal, reason: RejectReason) {
        self.rejects.push(reason);
        let signal = *signal;
        self.strategy.on_reject(&Reject { signal, reason });
    }

    fn execute(&mut self, signal: &Signal) {
        let symbol = signal.symbol;
        let held = self.positions[symbol.index()].side();
        let Some(bbo) = self.bbo(symbol) else {
            return self.reject(signal, RejectReason::BookNotLive);
        };
        if self.market.view().quote_rate(symbol).is_none() {
            return self.reject(signal, RejectReason::NoQuoteRate);
        }
        match (signal.action, held) {
            (Action::Buy, None | Some(PositionSide::Long)) => {
                self.enter(signal, PositionSide::Long, &bbo);
            }
            (Action::Short, None | Some(PositionSide::Short)) => {
                self.enter(signal, PositionSide::Short, &bbo);
            }
            (Action::Close, Some(_))
            | (Action::Sell, Some(PositionSide::Long))
            | (Action::Cover, Some(PositionSide::Short)) => {
                let whole = self.positions[symbol.index()].qty();
                let qty = match (signal.action, signal.size) {
                    (Action::Sell | Action::Cover, Size::Base(qty)) => qty.min(whole),
                    _ => whole,
                };
                self.levels(signal, &bbo, None);
                self.leave(symbol, qty, Trigger::Strategy, signal.reason, signal.tag);
            }
            (Action::Protect, Some(_)) => self.levels(signal, &bbo, None),
            (Action::Buy | Action::Short, Some(_)) => {
                self.reject(signal, RejectReason::OppositePosition);
            }
            _ => self.reject(signal, RejectReason::NoPosition),
        }
    }

    fn enter(&mut self, signal: &Signal, side: PositionSide, bbo: &Bbo) {
        let of = self.instruments[signal.symbol.index()];
        let Size::Notional(usd) = signal.size else {
            return self.reject(signal, RejectReason::BadSize);
        };
        let slipped = of.px_f64(entry_touch(side, bbo)) * (1.0 + sign(side) * self.slip);
        let px = of.px_from_f64(slipped).unwrap();
        let rate = self.market.view().quote_rate(signal.symbol).unwrap();
        let coins = usd.to_num::<f64>() / rate.to_num::<f64>() / of.px_f64(px);
        let qty = of.qty_from_f64(coins).unwrap();
        let value = of.money(px.notional(qty));
        let position = &mut self.positions[signal.symbol.index()];
        if position.lots == 0 {
            position.entered_at = Some(self.now);
            position.tag = signal.tag;
        }
        let fee = value * rate * Money::from_num(self.fee);
        if side == PositionSide::Long {
            position.lots += qty.raw();
            position.cost += value;
        } else {
            position.lots -= qty.raw();
            position.cost -= value;
        }
        position.entry_fee += fee;
        self.cash -= fee;
        self.levels(signal, bbo, Some(px));
        let order = if side == PositionSide::Long { OrderSide::Buy } else { OrderSide::Sell };
        self.tell(
            signal.symbol,
            order,
            qty,
            px,
            fee,
            [Money::ZERO; 2],
            Trigger::Strategy,
            signal.reason,
            signal.tag,
        );
    }

    /// Sets stop and target of the open position.
    fn levels(&mut self, signal: &Signal, bbo: &Bbo, filled: Option<Px>) {
        let of = self.instruments[signal.symbol.index()];
        let position = self.positions[signal.symbol.index()];
        let side = position.side().unwrap();
        let now = exit_touch(side, bbo);
        let entry = filled.unwrap_or_else(|| {
            let average = paperwire_signals::costs::entry_price(&position, &of).unwrap();
            of.px_from_f64(average).unwrap()
        });
        let level = |level, direction: f64| match level {
            ExitLevel::Keep | ExitLevel::Clear => Ok(None),
            ExitLevel::At(px) => {
                let is_above = px > now;
                if is_above == (direction > 0.0) && px != now { Ok(Some(px)) } else { Err(()) }
            }
            ExitLevel::PctFromFill(pct) => {
                assert!(pct > 0.0, "a distance is positive");
                Ok(of.px_from_f64(of.px_f64(entry) * (1.0 + direction * pct / 100.0)))
            }
        };
        match (level(signal.exits.stop, -sign(side)), level(signal.exits.target, sign(side))) {
            (Ok(stop), Ok(target)) => {
                let position = &mut self.positions[signal.symbol.index()];
                position.stop = stop.or(position.stop);
                position.target = target.or(position.target);
            }
            _ => self.reject(signal, RejectReason::BadExitLevel),
        }
    }

    fn leave(&mut self, symbol: SymbolId, qty: Qty, trigger: Trigger, reason: Reason, tag: u32) {
        let of = self.instruments[symbol.index()];
        let bbo = self.bbo(symbol).unwrap();
        let rate = self.market.view().quote_rate(symbol).unwrap();
        let position = &mut self.positions[symbol.index()];
        let side = position.side().unwrap();
        let px = exit_touch(side, &bbo);
        let value = of.money(px.notional(qty));
        let share = Money::from_num(qty.raw()) / Money::from_num(position.qty().raw());
        let (cost, entry_fee) = (position.cost * share, position.entry_fee * share);
        let signed = if side == PositionSide::Long { value } else { -value };
        let realized = (signed - cost) * rate;
        let fee = value * rate * Money::from_num(self.fee);
        let net = realized - fee - entry_fee;
        position.lots -= if side == PositionSide::Long { qty.raw() } else { -qty.raw() };
        position.cost -= cost;
        position.entry_fee -= entry_fee;
        if position.lots == 0 {
            *position = Position::default();
        }
        self.cash += realized - fee;
        self.equity = self.cash;
        self.tell(symbol, side.closing(), qty, px, fee, [realized, net], trigger, reason, tag);
    }

    #[expect(clippy::too_many_arguments, reason = "a fill has many fields")]
    fn tell(
        &mut self,
        symbol: SymbolId,
        side: OrderSide,
        qty: Qty,
        px: Px,
        fee: Money,
        [realized, net]: [Money; 2],
        trigger: Trigger,
        reason: Reason,
        tag: u32,
    ) {
        let number = self.fills.len() as u64 + 1;
        let fill = Fill {
            id: FillId(number),
            order: OrderId(number),
            strategy: StratId(0),
            symbol,
            at: self.now,
            side,
            qty,
            px,
            worst_px: px,
            levels: 1,
            liquidity: Liquidity::Taker,
            evidence: Evidence::default(),
            is_unverified_depth: false,
            value: self.instruments[symbol.index()].money(px.notional(qty)),
            quote_rate: Money::ONE,
            fee,
            realized,
            net,
            trade_net: None,
            trigger,
            reason,
            tag,
            lots_after: self.positions[symbol.index()].lots,
            cash_after: self.cash,
        };
        self.fills.push(fill);
        self.strategy.on_fill(&fill);
    }

    /// Stops and targets on the executable side.
    fn protect(&mut self, symbol: SymbolId) {
        let position = self.positions[symbol.index()];
        let (Some(side), Some(bbo)) = (position.side(), self.bbo(symbol)) else {
            return;
        };
        if self.market.view().quote_rate(symbol).is_none() {
            return;
        }
        let px = exit_touch(side, &bbo);
        let is_long = side == PositionSide::Long;
        let is_stopped =
            position.stop.is_some_and(|stop| if is_long { px <= stop } else { px >= stop });
        let is_reached =
            position.target.is_some_and(|at| if is_long { px >= at } else { px <= at });
        let trigger = match (is_stopped, is_reached) {
            (true, _) => Trigger::StopLoss,
            (false, true) => Trigger::TakeProfit,
            (false, false) => return,
        };
        self.leave(symbol, position.qty(), trigger, Reason::new("engine"), position.tag);
    }

    pub(crate) fn actions(&self) -> Vec<Action> {
        self.signals.iter().map(|signal| signal.action).collect()
    }

    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        self.signals.iter().map(|signal| signal.reason.code()).collect()
    }

    /// Forgets what was recorded so far.
    pub(crate) fn forget(&mut self) {
        self.signals.clear();
        self.skips.clear();
        self.fills.clear();
        self.rejects.clear();
    }
}
