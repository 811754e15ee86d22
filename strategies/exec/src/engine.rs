//! One market event in, everything that follows from it out.
//!
//! The order within an event is fixed: what was on its way and due meets the market as it was; then the
//! market changes; then margin, stops and resting orders in every world; then closed bars and
//! strategies. Strategies are called in an order that is drawn for each event ([`CallOrder`]), so that none
//! always pays for the cold cache. The result depends on the events and the configuration only.

mod call_order;
mod command;
mod config;
mod decide;
mod rows;
mod send;
mod slot;
mod tell;
mod turn;
mod worlds;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrayvec::ArrayVec;
use paperwire_core::account::{Liquidity, Trigger};
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::event::{GapReason, MarketEvent, MarketKind, SymbolStatus};
use paperwire_core::ids::StratId;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::latency::Stage;
use paperwire_core::limits::{STRATEGIES_MAX, SYMBOLS_MAX};
use paperwire_core::market::{Change, MarketState};
use paperwire_core::num::Money;
use paperwire_core::order::OrderEnd;
use paperwire_core::slowest::SlowTick;
use paperwire_core::strategy::{Event, StartContext};
use paperwire_core::time::{ClockStep, ExchNs, HostNs};

use paperwire_signals::board::BoardMaker;
use paperwire_signals::detector::Detector;

use crate::latency::{LatencyModel, MessageRate};
use crate::report::ReportKind;
use crate::risk::GlobalLimits;
use crate::world::{HAPPENINGS_MAX, Happening, Ids, Rules, World};

pub use call_order::CallOrder;
use call_order::CallTable;
pub use config::{EngineConfig, StrategySetup, VenueConfig};
use config::{models, opening, touches};
use slot::Slot;
use turn::{Cause, Turn};
pub use turn::{Context, Io, ReportSink};

/// The stages that the engine measures.
pub const ENGINE_STAGES: [Stage; 5] =
    [Stage::Dequeued, Stage::StateApplied, Stage::Decided, Stage::Ordered, Stage::Filled];

/// When a strategy was called, until it is written into its histograms.
#[derive(Clone, Copy, Debug)]
struct TimedCall {
    index: usize,
    from: HostNs,
    to: HostNs,
}

/// Limits of the run that are not the venue's.
#[derive(Clone, Copy, Debug)]
struct Policy {
    global: GlobalLimits,
    flatten_on_halt: bool,
}

/// The engine.
pub struct Engine {
    market: MarketState,
    rules: Rules,
    policy: Policy,
    latency: Box<dyn LatencyModel>,
    rate: MessageRate,
    slots: Vec<Slot>,
    call_table: CallTable,
    /// Calls of the event at hand; those of many bars that close at once are written down in between.
    calls: ArrayVec<TimedCall, STRATEGIES_MAX>,
    closed: Vec<(SymbolId, Timeframe, Bar)>,
    /// Of each symbol, one per timeframe.
    boards: Vec<[BoardMaker; Timeframe::ALL.len()]>,
    detector: Detector,
    ids: Ids,
    /// Numbers in worlds that no strategy lives in.
    shadow_ids: Ids,
    /// What came about since it was last looked at.
    out: Vec<Happening>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("strategies", &self.slots.len()).finish_non_exhaustive()
    }
}

/// Bars of all timeframes of all symbols that usually close at once.
const CLOSED_TYPICAL: usize = SYMBOLS_MAX * Timeframe::ALL.len();

impl Engine {
    /// An engine before its first event; strategies are started here.
    ///
    /// # Panics
    /// With more strategies or symbols than the limits, an unknown fill model or a starting asset that
    /// no symbol prices, all of which configuration refuses before.
    pub fn new(
        instruments: &[Instrument],
        strategies: Vec<StrategySetup>,
        config: EngineConfig,
    ) -> Self {
        assert!(instruments.len() <= SYMBOLS_MAX, "configuration bounds the number of symbols");
        assert!(strategies.len() <= STRATEGIES_MAX, "configuration bounds the strategies");
        let depth = usize::from(config.depth);
        let mut market = MarketState::new(instruments, depth, config.bars, &config.numeraire);
        let mut makers = |symbol: SymbolId| {
            Timeframe::ALL.map(|timeframe| BoardMaker::new(market.board_mut(symbol, timeframe)))
        };
        let symbols = u16::try_from(instruments.len()).expect("at most SYMBOLS_MAX symbols");
        let boards = (0..symbols).map(|index| makers(SymbolId(index))).collect();
        let detector = Detector::new(config.detector, instruments.len());
        let opening = opening(&market, &config);
        let rules = Rules {
            margin: config.margin,
            fees: config.venue.fees,
            has_overlay: config.venue.has_overlay,
            trigger_price: config.venue.trigger_price,
            touches: touches(instruments, &config.numeraire),
        };
        // Of the dearest of its pairs: a strategy that plans with it is never too optimistic.
        let fee = |symbols: &[SymbolId], liquidity| {
            let rate = |symbol: &SymbolId| {
                rules.fees.rate(&instruments[symbol.index()], liquidity, opening.volume_30d)
            };
            symbols.iter().map(rate).max().map_or(0.0, Money::to_num)
        };
        let models = models(&config.venue.fill_model, config.venue.has_bracket);
        let slots = strategies.into_iter().map(|mut setup| {
            setup.strategy.on_start(&StartContext {
                instruments,
                symbols: &setup.symbols,
                numeraire: config.numeraire,
                taker_fee: fee(&setup.symbols, Liquidity::Taker),
                maker_fee: fee(&setup.symbols, Liquidity::Maker),
            });
            let worlds = models.iter().map(|name| {
                let model = crate::fill::by_name(name, config.venue.slippage)
                    .expect("configuration names a known fill model");
                World::new(model, opening.clone(), instruments.len())
            });
            Slot::new(setup, worlds.collect(), config.seed, instruments.len())
        });
        let slots: Vec<Slot> = slots.collect();
        Self {
            call_table: CallTable::new(config.order, slots.len()),
            calls: ArrayVec::new(),
            slots,
            market,
            rules,
            policy: Policy { global: config.global, flatten_on_halt: config.flatten_on_halt },
            latency: config.venue.latency,
            rate: MessageRate::new(config.venue.typical_rate),
            closed: Vec::with_capacity(CLOSED_TYPICAL),
            boards,
            detector: detector.expect("configuration checks its weights and cuts"),
            ids: Ids::default(),
            shadow_ids: Ids::shadow(),
            out: Vec::with_capacity(HAPPENINGS_MAX),
        }
    }

    /// The market, for reports.
    pub const fn market(&self) -> &MarketState {
        &self.market
    }

    /// One of a strategy's worlds: the one it lives in, then those of the bracket.
    pub fn world(&self, strategy: StratId, world: usize) -> &World {
        &self.slots[strategy.index()].worlds[world]
    }

    /// Number of strategies.
    pub fn strategies(&self) -> usize {
        self.slots.len()
    }

    /// Works one event off.
    pub fn process(&mut self, event: &MarketEvent, io: &mut impl Io) {
        let arrived = event.stamps.arrived;
        let dequeued = io.now();
        // History comes all at once before the session: how long it queued is no latency of anything.
        let is_history = matches!(event.kind, MarketKind::History(_));
        self.follow_clock(event);
        let (seq, at) = (event.seq, event.exch);
        let cause = Cause { seq, at, arrived, looked: dequeued, is_history };
        let turn = &mut Turn::new(cause, io);
        self.rate.add(event.exch);
        self.advance(turn);

        self.closed.clear();
        let closed = &mut self.closed;
        let change = self.market.apply(event, &mut |symbol, (timeframe, bar)| {
            closed.push((symbol, timeframe, bar));
        });
        match (&event.kind, change) {
            (MarketKind::Command(command), _) => self.command(command, turn),
            (_, Change::Silent) => {}
            _ => self.meet(event, turn),
        }
        let applied = turn.now();

        let turn = &mut turn.at(applied);
        if !self.closed.is_empty() {
            self.on_bars(is_history, turn);
            turn.cause.looked = turn.now();
        }
        let decided = match (&event.kind, event.symbol) {
            _ if change == Change::Silent => None,
            (_, None) => {
                let end = self.decide(&Event::Timer, None, false, turn);
                self.report_rows(false, turn);
                Some(end)
            }
            (MarketKind::Trade { trade, .. }, Some(symbol)) => {
                let of = Event::Trade { symbol, trade };
                let end = self.decide(&of, Some(symbol), false, turn);
                turn.emit(ReportKind::Trade { symbol, trade: *trade });
                Some(end)
            }
            (_, Some(symbol)) => {
                Some(self.decide(&Event::Book { symbol }, Some(symbol), false, turn))
            }
        };
        // Written now that everybody has answered: nobody waited for it.
        let (symbol, exch, enqueued) = (event.symbol, event.exch, event.stamps.enqueued);
        let end = decided.unwrap_or(applied);
        let tick =
            SlowTick { seq, symbol, exch, arrived, enqueued, dequeued, applied, decided: end };
        if !is_history {
            turn.bank().applied(&tick);
        }
        if decided.is_some() {
            turn.bank().decided(&tick);
        }
        self.record_calls(turn);
    }

    /// The exchange's clock was set: what waits for a time waits as long as before, and what was on its
    /// way meets the market as it is then.
    fn follow_clock(&mut self, event: &MarketEvent) {
        let is_step = matches!(
            event.kind,
            MarketKind::Status(SymbolStatus::Gap { reason: GapReason::Clock, .. })
        );
        // Told to each symbol; the first of them moves the clock.
        let to = self.market.now_with(event);
        let Some(now) = self.market.time().filter(|now| is_step && *now != to) else {
            return;
        };
        let by = ClockStep::between(now, to);
        self.rate.restart();
        for slot in &mut self.slots {
            slot.follow_clock(by);
        }
    }

    /// The end: closes positions if asked to, stops the strategies, reports the final accounts.
    pub fn finish(&mut self, flatten: bool, last: &MarketEvent, io: &mut impl Io) {
        let looked = io.now();
        let arrived = last.stamps.arrived;
        let cause = Cause { seq: last.seq, at: last.exch, arrived, looked, is_history: false };
        let turn = &mut Turn::new(cause, io);
        let end = OrderEnd::SessionEnd;
        for index in 0..self.slots.len() {
            if flatten {
                self.flatten(index, Trigger::SessionEnd, "session_end", end, turn);
            } else {
                for world in 0..self.slots[index].worlds.len() {
                    self.in_world(index, world, turn, |world, env| {
                        world.cancel_where(|_, _| true, end, env);
                    });
                }
            }
            self.tell_due(index, ExchNs::new(i64::MAX), turn);
            let slot = &mut self.slots[index];
            if !slot.is_benched {
                let strategy = &mut slot.strategy;
                // The run is over either way; a panic here must not cost the final report.
                let _ = catch_unwind(AssertUnwindSafe(|| strategy.on_stop()));
            }
        }
        self.report_rows(true, turn);
        self.report_skips(turn);
    }
}

fn strat_id(index: usize) -> StratId {
    StratId(u16::try_from(index).expect("at most STRATEGIES_MAX strategies"))
}

#[cfg(test)]
mod tests;
