//! One strategy with its worlds, its limits and what it has yet to be told.

use std::collections::VecDeque;

use paperwire_core::account::{AccountState, Fill, HaltReason, Position};
use paperwire_core::bar::Timeframe;
use paperwire_core::order::OrderDone;
use paperwire_core::strategy::{Flip, Signals, Skip, Strategy};
use paperwire_core::time::ExchNs;

use crate::latency::Rng;
use crate::risk::Risk;
use crate::world::{Happening, World};

use super::StrategySetup;

/// Something a strategy is told.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "a box would allocate on the engine's thread")]
pub(super) enum Tell {
    Fill(Fill),
    Done(OrderDone),
}

/// A message on its way back from the venue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub due: ExchNs,
    pub tell: Tell,
    /// The position in the message's symbol, as its strategy will know it then.
    pub position: Position,
}

/// Messages on their way to one strategy; more than that arrive early, which a strategy with this
/// many orders at once cannot make use of.
const TELLS_MAX: usize = 256;

/// A strategy of the run.
pub(super) struct Slot {
    pub strategy: Box<dyn Strategy>,
    pub symbols: u64,
    pub warmup: &'static [(Timeframe, u16)],
    pub flip: Flip,
    /// The first is the one the strategy lives in.
    pub worlds: Vec<World>,
    pub signals: Signals,
    pub skips: Vec<u64>,
    pub risk: Risk,
    pub rng: Rng,
    pub is_benched: bool,
    /// Messages under way, in order.
    pub tells: VecDeque<Told>,
    /// Positions as far as the strategy has been told; shown to it while messages are under way.
    pub known: Vec<Position>,
}

impl Slot {
    pub(super) fn new(setup: StrategySetup, worlds: Vec<World>, seed: u64, symbols: usize) -> Self {
        Self {
            strategy: setup.strategy,
            symbols: setup.symbols.iter().fold(0, |bits, symbol| bits | 1 << symbol.0),
            warmup: setup.warmup,
            flip: setup.flip,
            worlds,
            signals: Signals::default(),
            skips: vec![0; Skip::ALL.len()],
            risk: Risk::new(setup.risk),
            rng: Rng::new(seed, &setup.name),
            is_benched: false,
            tells: VecDeque::with_capacity(TELLS_MAX),
            known: vec![Position::default(); symbols],
        }
    }

    pub(super) fn state(&self) -> AccountState {
        self.worlds[0].account().row().state
    }

    /// Whether entries are taken in one of its worlds: where it lives and there.
    pub(super) fn may_enter(&self, world: usize) -> bool {
        let is_active =
            |world: usize| self.worlds[world].account().row().state == AccountState::Active;
        is_active(0) && is_active(world)
    }

    pub(super) fn on_fill(&mut self, fill: &Fill) {
        if let Some(net) = fill.trade_net {
            self.risk.on_trade(net, fill.at);
        }
    }

    /// A world that nobody lives in can still go bankrupt there.
    pub(super) fn settle_shadow(&mut self, world: usize, out: &[Happening]) {
        let account = self.worlds[world].account_mut();
        let is_called = out.iter().any(|happening| matches!(happening, Happening::MarginCall));
        if is_called && account.open() == 0 && account.row().equity <= 0 {
            account.set_state(AccountState::Halted(HaltReason::Bankrupt));
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.tells.len() == TELLS_MAX
    }
}
