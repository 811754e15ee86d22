//! One market event in, everything that follows from it out.
//!
//! The order within an event is fixed: what was on its way and due meets the market as it was; then the
//! market changes; then margin, stops and resting orders in every world; then closed bars and
//! strategies. Strategies are called in an order that is drawn for each event ([`CallOrder`]), so that none
//! always pays for the cold cache. The result depends on the events and the configuration only.

mod command;
mod config;
mod decide;
mod rows;
mod send;
mod slot;
mod tell;
mod turns;

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrayvec::ArrayVec;
use paperwire_core::account::{AccountState, HaltReason, Trigger};
use paperwire_core::agent::Clock;
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::event::{GapReason, MarketEvent, MarketKind, Seq, SymbolStatus};
use paperwire_core::ids::{OrderId, StratId};
use paperwire_core::instrument::{AssetName, Instrument, SymbolId};
use paperwire_core::latency::{Bank, Stage};
use paperwire_core::limits::{STRATEGIES_MAX, SYMBOLS_MAX};
use paperwire_core::market::{Change, MarketState};
use paperwire_core::order::OrderEnd;
use paperwire_core::slowest::SlowTick;
use paperwire_core::strategy::{Event, StartContext};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs, HostNs};

use paperwire_signals::board::BoardMaker;
use paperwire_signals::detector::Detector;

use crate::latency::{LatencyModel, MessageRate};
use crate::portfolio::{Opening, Spot};
use crate::report::{Report, ReportKind};
use crate::risk::GlobalLimits;
use crate::world::{Env, HAPPENINGS_MAX, Happening, Ids, Rules, World};

pub use config::{EngineConfig, StrategySetup, VenueConfig};
use slot::Slot;
pub use turns::CallOrder;
use turns::Turns;

/// The stages that the engine measures.
pub const ENGINE_STAGES: [Stage; 5] =
    [Stage::Dequeued, Stage::StateApplied, Stage::Decided, Stage::Ordered, Stage::Filled];

/// Where reports go. There is room: the agent looked before the event.
pub trait ReportSink {
    /// Takes a report.
    fn push(&mut self, report: Report);
}

impl ReportSink for Vec<Report> {
    fn push(&mut self, report: Report) {
        self.push(report);
    }
}

/// What a step works with besides the engine itself.
#[derive(Debug)]
pub struct Context<'a, C, R> {
    /// For measuring only.
    pub clock: &'a C,
    /// Histograms of [`ENGINE_STAGES`] and of each strategy.
    pub bank: &'a mut Bank,
    /// To the bridge.
    pub reports: &'a mut R,
}

/// The event being worked on.
#[derive(Clone, Copy)]
struct Cause {
    seq: Seq,
    at: ExchNs,
    arrived: HostNs,
    /// Last look at the host's clock: a look costs as much as some of the steps.
    looked: HostNs,
    /// A bar of history, before the session.
    is_history: bool,
}

impl Cause {
    const fn at(self, looked: HostNs) -> Self {
        Self { looked, ..self }
    }
}

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
    turns: Turns,
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

/// How long an order may outlast itself in a world where it was not filled: trades that would fill it
/// there come within seconds or mean another market.
const OUTLAST: DurationNs = DurationNs::from_secs(60);

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
        let fee = |liquidity| {
            let of = instruments.first()?;
            Some(rules.fees.rate(of, liquidity, opening.volume_30d).to_num())
        };
        let (maker_fee, taker_fee) = (
            fee(paperwire_core::account::Liquidity::Maker).unwrap_or(0.0),
            fee(paperwire_core::account::Liquidity::Taker).unwrap_or(0.0),
        );
        let models = models(&config.venue.fill_model, config.venue.has_bracket);
        let slots = strategies.into_iter().map(|mut setup| {
            setup.strategy.on_start(&StartContext {
                instruments,
                symbols: &setup.symbols,
                numeraire: config.numeraire,
                taker_fee,
                maker_fee,
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
            turns: Turns::new(config.order, slots.len()),
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
    pub fn process<C: Clock, R: ReportSink>(
        &mut self,
        event: &MarketEvent,
        ctx: &mut Context<'_, C, R>,
    ) {
        let arrived = event.stamps.arrived;
        let dequeued = ctx.clock.now();
        // History comes all at once before the session: how long it queued is no latency of anything.
        let is_history = matches!(event.kind, MarketKind::History(_));
        self.follow_clock(event);
        let (seq, at) = (event.seq, event.exch);
        let cause = Cause { seq, at, arrived, looked: dequeued, is_history };
        self.rate.add(event.exch);
        self.advance(cause, ctx);

        self.closed.clear();
        let closed = &mut self.closed;
        let change = self.market.apply(event, &mut |symbol, (timeframe, bar)| {
            closed.push((symbol, timeframe, bar));
        });
        match (&event.kind, change) {
            (MarketKind::Command(command), _) => self.command(command, cause, ctx),
            (_, Change::Silent) => {}
            _ => self.meet(event, cause, ctx),
        }
        let applied = ctx.clock.now();

        let mut cause = cause.at(applied);
        if !self.closed.is_empty() {
            self.on_bars(is_history, cause, ctx);
            cause = cause.at(ctx.clock.now());
        }
        let decided = match (&event.kind, event.symbol) {
            _ if change == Change::Silent => None,
            (_, None) => {
                let end = self.decide(&Event::Timer, None, false, cause, ctx);
                self.report_rows(cause, false, ctx);
                Some(end)
            }
            (MarketKind::Trade { trade, .. }, Some(symbol)) => {
                let of = Event::Trade { symbol, trade };
                let end = self.decide(&of, Some(symbol), false, cause, ctx);
                emit(ctx, cause, ReportKind::Trade { symbol, trade: *trade });
                Some(end)
            }
            (_, Some(symbol)) => {
                Some(self.decide(&Event::Book { symbol }, Some(symbol), false, cause, ctx))
            }
        };
        // Written now that everybody has answered: nobody waited for it.
        let (symbol, exch, enqueued) = (event.symbol, event.exch, event.stamps.enqueued);
        let end = decided.unwrap_or(applied);
        let tick =
            SlowTick { seq, symbol, exch, arrived, enqueued, dequeued, applied, decided: end };
        if !is_history {
            ctx.bank.applied(&tick);
        }
        if decided.is_some() {
            ctx.bank.decided(&tick);
        }
        self.record_calls(cause, ctx);
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

    /// Lets everything that was on its way and is due arrive.
    fn advance<C: Clock, R: ReportSink>(&mut self, cause: Cause, ctx: &mut Context<'_, C, R>) {
        let to = self.market.time().map_or(cause.at, |now| now.max(cause.at));
        for index in 0..self.slots.len() {
            for world in 0..self.slots[index].worlds.len() {
                if self.slots[index].worlds[world].is_due(to) {
                    self.in_world(index, world, cause, ctx, |world, env| world.advance(to, env));
                }
            }
            self.tell_due(index, to, cause, ctx);
        }
    }

    /// Shows a change of the market to every world that it concerns.
    fn meet<C: Clock, R: ReportSink>(
        &mut self,
        event: &MarketEvent,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        for index in 0..self.slots.len() {
            for world in 0..self.slots[index].worlds.len() {
                let Some(symbol) = event.symbol else {
                    self.in_world(index, world, cause, ctx, World::on_timer);
                    continue;
                };
                if self.slots[index].worlds[world].is_concerned(symbol, &self.rules) {
                    self.in_world(index, world, cause, ctx, |world, env| match &event.kind {
                        MarketKind::Trade { trade, .. } => world.on_trade(symbol, trade, env),
                        _ => world.on_book(symbol, env),
                    });
                }
            }
            self.check_limits(index, cause, ctx);
        }
        if event.symbol.is_none() {
            self.check_global(cause, ctx);
        }
    }

    /// Does something in one world, and tells what came of it.
    fn in_world<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        world: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
        action: impl FnOnce(&mut World, &mut Env<'_>),
    ) {
        let is_primary = world == 0;
        let view = self.market.view();
        let slot = &mut self.slots[index];
        let mut env = Env {
            view,
            at: self.market.time().unwrap_or(cause.at),
            rules: &self.rules,
            flip: slot.flip,
            may_enter: slot.may_enter(world),
            strategy: strat_id(index),
            ids: if is_primary { &mut self.ids } else { &mut self.shadow_ids },
            out: &mut self.out,
        };
        action(&mut slot.worlds[world], &mut env);
        if self.out.is_empty() {
            return;
        }
        if is_primary {
            self.tell(index, cause, ctx);
        } else {
            slot.settle_shadow(world);
            self.out.clear();
        }
    }

    /// Reports what came about in the world that a strategy lives in, and tells it.
    fn tell<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let strategy = strat_id(index);
        let mut out = std::mem::take(&mut self.out);
        let told = ctx.clock.now();
        if out.iter().any(|happening| matches!(happening, Happening::Fill(_))) {
            ctx.bank.stage(Stage::Filled).record(cause.arrived, cause.looked, told);
        }
        let cause = cause.at(told);
        for happening in &out {
            match *happening {
                Happening::Order(order, trigger) => {
                    let latency = DurationNs::ZERO;
                    emit(ctx, cause, ReportKind::Order { strategy, order, trigger, latency });
                }
                Happening::Changed(order, reason) => {
                    emit(ctx, cause, ReportKind::Changed { strategy, order, reason });
                }
                Happening::Interest(symbol, amount) => {
                    emit(ctx, cause, ReportKind::Interest { strategy, symbol, amount });
                }
                Happening::Fill(fill) => {
                    emit(ctx, cause, ReportKind::Fill(fill));
                    self.slots[index].on_fill(&fill);
                    self.tell_later(index, slot::Tell::Fill(fill), None, cause, ctx);
                }
                Happening::Done(done, order) => {
                    emit(ctx, cause, ReportKind::Done { strategy, done });
                    self.outlast(index, done.id);
                    self.tell_later(index, slot::Tell::Done(done), Some(order), cause, ctx);
                }
            }
        }
        out.clear();
        self.out = out;
        let is_halted = matches!(self.slots[index].state(), AccountState::Halted(_));
        if !is_halted && self.slots[index].worlds[0].account().is_ruined() {
            self.halt(index, HaltReason::Bankrupt, cause, ctx);
        }
    }

    /// Orders that have ended where their strategy lives do not stay for ever in the other worlds, where
    /// nobody would cancel them.
    fn outlast(&mut self, index: usize, id: OrderId) {
        let until = self.market.view().now().plus(OUTLAST);
        for world in &mut self.slots[index].worlds[1..] {
            world.outlast(id, until);
        }
    }

    /// Halts an account that is over one of its limits.
    fn check_limits<C: Clock, R: ReportSink>(
        &mut self,
        index: usize,
        cause: Cause,
        ctx: &mut Context<'_, C, R>,
    ) {
        let slot = &mut self.slots[index];
        let row = slot.worlds[0].account().row();
        if matches!(row.state, AccountState::Halted(_)) {
            return;
        }
        if let Some(why) = slot.risk.halt(row) {
            self.halt(index, why, cause, ctx);
            if self.policy.flatten_on_halt {
                self.flatten(index, Trigger::Risk, why.as_str(), OrderEnd::Blocked, cause, ctx);
            }
        }
    }

    fn check_global<C: Clock, R: ReportSink>(&mut self, cause: Cause, ctx: &mut Context<'_, C, R>) {
        let profit = self.slots.iter().map(|slot| slot.worlds[0].account().row().profit()).sum();
        if !self.policy.global.is_over(profit) {
            return;
        }
        for index in 0..self.slots.len() {
            if !matches!(self.slots[index].state(), AccountState::Halted(_)) {
                self.halt(index, HaltReason::GlobalLoss, cause, ctx);
                if self.policy.flatten_on_halt {
                    let why = HaltReason::GlobalLoss.as_str();
                    self.flatten(index, Trigger::Risk, why, OrderEnd::Blocked, cause, ctx);
                }
            }
        }
    }

    /// The end: closes positions if asked to, stops the strategies, reports the final accounts.
    pub fn finish<C: Clock, R: ReportSink>(
        &mut self,
        flatten: bool,
        last: &MarketEvent,
        ctx: &mut Context<'_, C, R>,
    ) {
        let looked = ctx.clock.now();
        let arrived = last.stamps.arrived;
        let cause = Cause { seq: last.seq, at: last.exch, arrived, looked, is_history: false };
        let end = OrderEnd::SessionEnd;
        for index in 0..self.slots.len() {
            if flatten {
                self.flatten(index, Trigger::SessionEnd, "session_end", end, cause, ctx);
            } else {
                for world in 0..self.slots[index].worlds.len() {
                    self.in_world(index, world, cause, ctx, |world, env| {
                        world.cancel_where(|_, _| true, end, env);
                    });
                }
            }
            self.tell_due(index, ExchNs::new(i64::MAX), cause, ctx);
            let slot = &mut self.slots[index];
            if !slot.is_benched {
                let strategy = &mut slot.strategy;
                // The run is over either way; a panic here must not cost the final report.
                let _ = catch_unwind(AssertUnwindSafe(|| strategy.on_stop()));
            }
        }
        self.report_rows(cause, true, ctx);
        self.report_skips(cause, ctx);
    }
}

/// The models of a strategy's worlds: the one it lives in, then those of the bracket.
fn models(chosen: &str, has_bracket: bool) -> Vec<String> {
    let mut models = vec![chosen.to_owned()];
    if has_bracket {
        models.extend(crate::fill::BRACKET.map(str::to_owned));
    }
    models
}

fn opening(market: &MarketState, config: &EngineConfig) -> Opening {
    let view = market.view();
    let spots = config.starting_assets.iter().map(|(asset, amount)| {
        let prices = |symbol: &SymbolId| {
            view.symbol(*symbol).instrument().base == *asset && market.has_quote_rate(*symbol)
        };
        let is_direct =
            |symbol: &SymbolId| view.symbol(*symbol).instrument().quote == config.numeraire;
        let all: Vec<SymbolId> = view.symbols().map(|(id, _)| id).filter(prices).collect();
        let priced_by = all.iter().find(|symbol| is_direct(symbol)).or(all.first());
        let priced_by = *priced_by.expect("configuration refuses an asset that no symbol prices");
        Spot { priced_by, amount: *amount }
    });
    Opening { capital: config.capital, spots: spots.collect(), volume_30d: config.volume_30d }
}

/// By symbol: itself, and the pairs whose quote currency it prices.
fn touches(instruments: &[Instrument], numeraire: &AssetName) -> Vec<SymbolSet> {
    let touched = |of: &Instrument| {
        let is_priced = |pair: &Instrument| {
            let by_inverse = of.base == *numeraire && pair.quote == of.quote;
            pair.name == of.name || pair.quote == of.base || by_inverse
        };
        let priced = (0u16..).zip(instruments).filter(|(_, pair)| is_priced(pair));
        priced.map(|(index, _)| SymbolId(index)).collect()
    };
    instruments.iter().map(touched).collect()
}

fn emit<C: Clock, R: ReportSink>(ctx: &mut Context<'_, C, R>, cause: Cause, kind: ReportKind) {
    let Cause { seq, at, arrived, looked, is_history } = cause;
    ctx.reports.push(Report { seq, at, arrived, made: looked, is_history, kind });
}

fn strat_id(index: usize) -> StratId {
    StratId(u16::try_from(index).expect("at most STRATEGIES_MAX strategies"))
}

#[cfg(test)]
mod tests;
