//! One strategy with its worlds, its limits and what it has yet to be told.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use paperwire_core::account::{
    AccountState, AccountView, Fill, HaltReason, Liquidity, PairFees, Position,
};
use paperwire_core::bar::Timeframe;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::order::{OpenOrder, OpenOrders, OrderDone};
use paperwire_core::regime::{Adjustment, SymbolRegime};
use paperwire_core::strategy::{Event, Flip, Signals, Skip, Strategy};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs, HostNs};

use paperwire_signals::router::Router;

use crate::fee::FeeModel;
use crate::latency::{Rng, stream};
use crate::risk::Risk;
use crate::world::World;

use super::StrategySetup;

/// Something a strategy is told.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would allocate on the engine's thread")]
pub(super) enum Tell {
    Fill(Fill),
    Done(OrderDone),
}

impl Tell {
    pub(super) const fn symbol(&self) -> SymbolId {
        match self {
            Self::Fill(fill) => fill.symbol,
            Self::Done(done) => done.symbol,
        }
    }
}

/// A message on its way back from the venue, with the account as its strategy will know it then.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub due: ExchNs,
    pub tell: Tell,
    pub position: Position,
    pub cash: Money,
    pub equity: Money,
    /// The order that has ended, as it was.
    pub order: Option<OpenOrder>,
}

/// What a strategy knows of its account; shown to it while messages are under way.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub positions: Vec<Position>,
    pub cash: Money,
    pub equity: Money,
    pub orders: OpenOrders,
}

/// A call of a strategy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Called {
    pub from: HostNs,
    pub to: HostNs,
    /// It returned; one that panicked has no sound state.
    pub is_sound: bool,
}

/// Messages on their way to one strategy; more than that arrive early, which a strategy with this
/// many orders at once cannot make use of.
const TELLS_MAX: usize = 256;

/// A strategy of the run.
pub(super) struct Slot {
    pub strategy: Box<dyn Strategy>,
    pub symbols: SymbolSet,
    pub warmup: &'static [(Timeframe, u16)],
    pub flip: Flip,
    /// The first is the one the strategy lives in.
    pub worlds: Vec<World>,
    pub signals: Signals,
    pub skips: Vec<u64>,
    /// By symbol: before this no further skip is reported.
    pub next_skip: Vec<ExchNs>,
    pub risk: Risk,
    pub router: Option<Router>,
    pub rng: Rng,
    pub is_benched: bool,
    /// Messages under way, in order.
    pub tells: VecDeque<Told>,
    /// The account as far as the strategy has been told.
    pub known: Known,
    /// What the venue charges, by symbol; empty before the first call.
    pub fees: Vec<PairFees>,
    /// The 30-day volume that these are the fees of.
    fees_of: Option<Money>,
}

impl Slot {
    pub(super) fn new(setup: StrategySetup, worlds: Vec<World>, seed: u64, symbols: usize) -> Self {
        Self {
            strategy: setup.strategy,
            symbols: setup.symbols.iter().copied().collect(),
            warmup: setup.warmup,
            flip: setup.flip,
            worlds,
            signals: Signals::default(),
            skips: vec![0; Skip::ALL.len()],
            next_skip: vec![ExchNs::new(i64::MIN); symbols],
            risk: Risk::new(setup.risk),
            router: setup.router,
            rng: stream(seed, &setup.name),
            is_benched: false,
            tells: VecDeque::with_capacity(TELLS_MAX),
            known: Known {
                positions: vec![Position::default(); symbols],
                cash: Money::ZERO,
                equity: Money::ZERO,
                orders: OpenOrders::new(),
            },
            fees: Vec::with_capacity(symbols),
            fees_of: None,
        }
    }

    /// Brings what the venue charges up to date with the account's volume.
    pub(super) fn refresh_fees(&mut self, model: &dyn FeeModel, view: &MarketView<'_>) {
        let volume = self.home().account().volume_30d();
        if self.fees_of == Some(volume) {
            return;
        }
        self.fees.clear();
        self.fees.extend(view.symbols().map(|(_, state)| {
            let rate = |liquidity| model.rate(state.instrument(), liquidity, volume);
            PairFees { taker: rate(Liquidity::Taker), maker: rate(Liquidity::Maker) }
        }));
        self.fees_of = Some(volume);
    }

    /// The exchange's clock was set: what is under way stays as far away as it was.
    pub(super) fn follow_clock(&mut self, by: ClockStep) {
        for world in &mut self.worlds {
            world.follow_clock(by);
        }
        for told in &mut self.tells {
            told.due = told.due.stepped(by);
        }
        self.next_skip.fill(ExchNs::new(i64::MIN));
        self.risk.follow_clock(by);
    }

    /// The world that the strategy lives in.
    #[inline]
    pub(super) fn home(&self) -> &World {
        &self.worlds[0]
    }

    #[inline]
    pub(super) fn home_mut(&mut self) -> &mut World {
        &mut self.worlds[0]
    }

    pub(super) fn state(&self) -> AccountState {
        self.home().account().row().state
    }

    /// Whether entries are taken in one of its worlds: where it lives and there.
    pub(super) fn may_enter(&self, world: usize) -> bool {
        let is_active =
            |world: usize| self.worlds[world].account().row().state == AccountState::Active;
        is_active(0) && is_active(world)
    }

    /// Brings what the strategy knows up to date, as far as it has been told.
    pub(super) fn refresh_known(&mut self, symbol: Option<SymbolId>) {
        let world = &self.worlds[0];
        if self.tells.is_empty() {
            let row = world.account().row();
            (self.known.cash, self.known.equity) = (row.cash, row.equity);
            if let Some(symbol) = symbol {
                self.known.positions[symbol.index()] = *world.account().position(symbol);
            }
            return;
        }
        self.known.orders.clear();
        let ended = self.tells.iter().filter_map(|told| told.order);
        for order in ended.chain(world.orders().iter().copied()) {
            if self.known.orders.try_push(order).is_err() {
                break;
            }
        }
    }

    /// Calls the strategy and looks at the clock just before and just after.
    #[inline]
    pub(super) fn call(
        &mut self,
        event: &Event<'_>,
        symbol: Option<SymbolId>,
        view: &MarketView<'_>,
        now: impl Fn() -> HostNs,
    ) -> Called {
        let adjustment = self.adjustment(symbol.and_then(|symbol| view.regime(symbol)));
        let known = (!self.tells.is_empty()).then_some(&self.known);
        let home = &self.worlds[0];
        let account = home.account();
        let account = AccountView {
            cash: known.map_or(account.row().cash, |known| known.cash),
            equity: known.map_or(account.row().equity, |known| known.equity),
            positions: known.map_or(account.positions(), |known| &known.positions),
            orders: known.map_or(home.orders(), |known| &known.orders),
            state: account.row().state,
            adjustment,
            fees: &self.fees,
        };
        let (strategy, signals) = (&mut self.strategy, &mut self.signals);
        let from = now();
        let called = catch_unwind(AssertUnwindSafe(|| {
            strategy.on_event(event, view, &account, signals);
        }));
        Called { from, to: now(), is_sound: called.is_ok() }
    }

    /// The limits count from the account as it is.
    pub(super) fn restart_risk(&mut self) {
        self.risk.restart(self.worlds[0].account().row());
    }

    /// Which limit the account is over; `None` also for one that is halted already.
    pub(super) fn over_limit(&mut self) -> Option<HaltReason> {
        let row = self.worlds[0].account().row();
        let is_halted = matches!(row.state, AccountState::Halted(_));
        if is_halted { None } else { self.risk.halt(row) }
    }

    /// The position as far as the strategy knows it.
    pub(super) fn known_position(&self, symbol: SymbolId) -> &Position {
        if self.tells.is_empty() {
            self.home().account().position(symbol)
        } else {
            &self.known.positions[symbol.index()]
        }
    }

    /// True when an order so named has ended and its strategy does not know it yet.
    pub(super) fn is_ended_untold(&self, symbol: SymbolId, tag: u32) -> bool {
        let is_meant = |o: OpenOrder| o.symbol == symbol && (tag == 0 || o.tag == tag);
        self.tells.iter().filter_map(|told| told.order).any(is_meant)
    }

    /// What a regime changes about entries.
    pub(super) fn adjustment(&self, regime: Option<&SymbolRegime>) -> Adjustment {
        let adjust = |router: &Router| router.adjust(regime.map(|regime| &regime.state));
        self.router.as_ref().map_or(Adjustment::NEUTRAL, adjust)
    }

    /// Counts a skip; the symbol when it is to be reported as an example of many. One that is about
    /// no symbol, as at a timer, is counted only.
    pub(super) fn skip(
        &mut self,
        why: Skip,
        symbol: Option<SymbolId>,
        at: ExchNs,
    ) -> Option<SymbolId> {
        const EVERY: DurationNs = DurationNs::from_secs(1);
        self.skips[why as usize] += 1;
        let symbol = symbol?;
        let next = &mut self.next_skip[symbol.index()];
        let is_due = at >= *next;
        if is_due {
            *next = at.plus(EVERY);
        }
        is_due.then_some(symbol)
    }

    pub(super) fn on_fill(&mut self, fill: &Fill) {
        if let Some(net) = fill.trade_net {
            self.risk.on_trade(net, fill.at);
        }
    }

    /// A world that nobody lives in can go bankrupt there.
    pub(super) fn settle_shadow(&mut self, world: usize) {
        let account = self.worlds[world].account_mut();
        if account.is_ruined() {
            account.set_state(AccountState::Halted(HaltReason::Bankrupt));
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.tells.len() == TELLS_MAX
    }
}
