//! Buys and sells round three pairs of one venue when their prices do not agree.
//!
//! Money to coin to alt to money, or the other way round, pays when the product of the three prices
//! beats three taker fees (D. Fenn et al., *Int. J. Theoretical and Applied Finance* 12, 2009: such
//! opportunities live for about a second and are rarely executable). How many there are, how large and
//! how long is measured on every change of a book; a basket is made only when the ladders carry it.
//!
//! Three immediate-or-cancel orders at the worst price of the plan, one after the other or at once. A
//! coin that a failed leg leaves behind is sold for money at once. A whole basket leaves three positions
//! that hedge each other, since an account here does not net pairs: a basket the other way round takes
//! them back. No forecast, no stops: what is open is flat in every asset.

mod basket;
mod depth;
mod entry;
mod measure;
mod params;
mod residual;
mod trio;

use paperwire_core::account::{AccountView, Fill};
use paperwire_core::bar::Timeframe;
use paperwire_core::command::ParamChange;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;
use paperwire_core::num::Money;
use paperwire_core::strategy::{
    Event, Flip, Reject, Signals, Skip, StartContext, Strategy, StrategyDef,
};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::breaker::CircuitBreaker;
use paperwire_signals::exposure::unit_value;

use crate::Validate;
use basket::{Basket, Progress};
use entry::Tokens;
pub use measure::{LIFE_BINS, Measure, NET_BINS};
pub use params::{Legs, Params, Shortfall};
use residual::Asset;
use trio::Trio;

/// Most trios: what a run's pairs make of a handful of alts.
pub const TRIOS_MAX: usize = 16;

/// Tag of what sells a coin left behind; the legs have 1 to 3.
const TAG_UNWIND: u32 = 4;
/// Baskets whose results are compared with what was expected.
const COMPARED: usize = 5;

/// The strategy.
#[derive(Debug)]
pub struct TriangularArb {
    params: Params,
    instruments: Vec<Instrument>,
    trios: Vec<Trio>,
    assets: Vec<Asset>,
    /// Taker fees by symbol index, as fractions.
    fees: Vec<f64>,
    /// The one that is being made.
    basket: Option<Basket>,
    breaker: CircuitBreaker,
    /// Results less expectations, as fractions of what was put in.
    shortfall: [f64; COMPARED],
    /// How many of them there are.
    compared: usize,
    shortfall_until: ExchNs,
    tokens: Tokens,
    unwind_retry_at: ExchNs,
    /// The sale of a coin left behind was refused: positions are closed instead.
    is_unwind_refused: bool,
    now: ExchNs,
}

impl StrategyDef for TriangularArb {
    const NAME: &'static str = "triangular_arb";
    const VERSION: &'static str = "1.0.0";
    const SYMBOLS: &'static [&'static str] = &["BTC/USD", "XRP/USD", "XRP/BTC"];
    const WARMUP: &'static [(Timeframe, u16)] = &[];
    const FLIP: Flip = Flip::Reverse;
    type Params = Params;

    fn new(params: Params) -> Self {
        let pause = DurationNs::from_secs(60 * params.losses_pause_min);
        Self {
            instruments: Vec::new(),
            trios: Vec::new(),
            assets: Vec::new(),
            fees: Vec::new(),
            basket: None,
            breaker: CircuitBreaker::new(params.losses_max, pause),
            shortfall: [0.0; COMPARED],
            compared: 0,
            shortfall_until: ExchNs::default(),
            tokens: Tokens::new(params.baskets_per_hour),
            unwind_retry_at: ExchNs::default(),
            is_unwind_refused: false,
            now: ExchNs::default(),
            params,
        }
    }
}

impl Strategy for TriangularArb {
    fn on_start(&mut self, ctx: &StartContext<'_>) {
        self.instruments = ctx.instruments.to_vec();
        self.trios = trio::find(&self.params.trios, ctx.instruments, ctx.symbols);
        self.assets = Asset::of(&self.trios);
        self.fees = vec![ctx.taker_fee; ctx.instruments.len()];
    }

    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        self.now = market.now();
        match *event {
            Event::Book { symbol } => {
                self.fees[symbol.index()] = account.fees(symbol).taker.to_num();
                let age_max = DurationNs::from_millis(self.params.book_age_max_ms);
                for trio in self.trios.iter_mut().filter(|trio| trio.has(symbol)) {
                    trio.look(market, &self.fees, age_max);
                }
                let done = if self.carry_on(market, account, out) {
                    Err(Skip::OrderUnderWay)
                } else {
                    self.evaluate(symbol, market, account, out)
                };
                if let Err(why) = done {
                    out.skip(why);
                }
            }
            Event::Trade { .. } | Event::Timer => {
                self.carry_on(market, account, out);
            }
            Event::Bar { .. } => {}
        }
    }

    fn on_fill(&mut self, fill: &Fill) {
        let Some(basket) = &mut self.basket else {
            return;
        };
        let of = &self.instruments[fill.symbol.index()];
        basket.on_fill(fill, &self.trios[basket.trio], of);
    }

    fn on_reject(&mut self, reject: &Reject) {
        self.is_unwind_refused |= reject.signal.tag == TAG_UNWIND;
    }

    fn on_param(&mut self, change: ParamChange) -> bool {
        self.params.reload(change)
    }
}

impl TriangularArb {
    /// What was measured so far, by trio: its three pairs (alt, coin, cross) and the counts.
    pub fn measures(&self) -> impl Iterator<Item = ([SymbolId; 3], &Measure)> {
        self.trios.iter().map(|trio| (trio.symbols(), &trio.measure))
    }

    /// Works on what is open: next legs, coins left behind, the end of a basket. True while there is
    /// something to wait for. No gate stands before any of this.
    fn carry_on(
        &mut self,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        if let Some(basket) = &mut self.basket {
            let delay = DurationNs::from_millis(self.params.leg_delay_ms);
            let progress = basket.proceed(account, &self.instruments, self.now, delay, out);
            if progress != Progress::Over {
                return true;
            }
        }
        if self.unwind(market, account, out) {
            return true;
        }
        if let Some(basket) = self.basket.take() {
            self.settle(&basket, market);
        }
        false
    }

    /// The end of a basket: what it earned, against nothing and against what was expected.
    fn settle(&mut self, basket: &Basket, market: &MarketView<'_>) {
        self.unwind_retry_at = ExchNs::default();
        self.is_unwind_refused = false;
        let trio = &self.trios[basket.trio];
        let units = [trio.alt, trio.coin].map(|id| unit_value(market, id).unwrap_or(0.0));
        let result = basket.result(units);
        if basket.is_empty() || !result.is_finite() {
            return;
        }
        let net = Money::checked_from_num(result).unwrap_or(Money::ZERO);
        self.breaker.on_closed(net, self.now);
        self.shortfall.rotate_left(1);
        self.shortfall[COMPARED - 1] = (result - basket.expected) / basket.usd;
        self.compared = (self.compared + 1).min(COMPARED);
        let mean = self.shortfall.iter().sum::<f64>() / COMPARED as f64;
        if self.compared == COMPARED && 100.0 * mean < -self.params.shortfall_max_pct {
            let pause = DurationNs::from_secs(60 * self.params.losses_pause_min);
            self.shortfall_until = self.now.plus(pause);
            self.compared = 0;
        }
    }
}

#[cfg(test)]
mod tests;
