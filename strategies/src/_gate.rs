//! What an entry passes in most strategies: a fresh book, losses that forbid it, and what may be open together.
//!
//! No exit asks any of this. Limits that may change while a strategy runs are arguments, so that it reads
//! them again from its parameters; only what is counted from the start on is kept here.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::strategy::{Skip, StartContext};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::breaker::{CircuitBreaker, LossLimit};
use paperwire_signals::exposure::{Exposure, ExposureRules};
use paperwire_signals::flow::fresh_flow;

/// Losses that stop entries, and how much is open.
#[derive(Debug)]
pub(crate) struct Gate {
    pub(crate) breaker: CircuitBreaker,
    pub(crate) losses: LossLimit,
    exposure: Exposure,
    rules: ExposureRules,
}

/// How much may be open, in the numeraire.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// In the pair.
    pub(crate) pair_max: f64,
    /// In all pairs.
    pub(crate) total_max: f64,
    /// Less is not worth an entry.
    pub(crate) size_min: f64,
}

/// The [`Gate`] of parameters with the usual names.
macro_rules! of_params {
    ($params:expr) => {
        $crate::gate::Gate::new(
            ($params.losses_max, $params.losses_pause_min),
            $params.session_loss_max_pct,
            [$params.same_side_mult, $params.long_usd_max, $params.short_usd_max],
        )
    };
}
pub(crate) use of_params;

impl Gate {
    /// Before the pairs are known.
    pub(crate) fn new(
        (losses_max, pause_min): (u32, u64),
        session_loss_max_pct: f64,
        [same_side_mult, long_max, short_max]: [f64; 3],
    ) -> Self {
        Self {
            breaker: CircuitBreaker::new(losses_max, DurationNs::from_secs(60 * pause_min)),
            losses: LossLimit::new(session_loss_max_pct),
            exposure: Exposure::new(&[]),
            rules: ExposureRules { same_side_mult, long_max, short_max },
        }
    }

    /// The pairs are known.
    pub(crate) fn start(&mut self, ctx: &StartContext<'_>) {
        self.exposure = Exposure::new(ctx.instruments);
    }

    /// Whether losses allow an entry.
    pub(crate) fn check(
        &mut self,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<(), Skip> {
        if self.breaker.blocks(market.now()) {
            return Err(Skip::CircuitBreaker);
        }
        if self.losses.blocks(account.equity) { Err(Skip::DailyLoss) } else { Ok(()) }
    }

    /// What limits leave for a position in this pair.
    pub(crate) fn room(
        &mut self,
        symbol: SymbolId,
        limits: Limits,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        self.measure(symbol, market, account)?;
        let of_symbol = limits.pair_max - self.exposure.of_symbol(symbol);
        let room = of_symbol.min(limits.total_max - self.exposure.total());
        if room < limits.size_min { Err(Skip::MaxPosition) } else { Ok(room) }
    }

    /// Values what is open now, for [`Self::cap`].
    pub(crate) fn measure(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<(), Skip> {
        market.quote_rate(symbol).ok_or(Skip::NoPriceData)?;
        self.exposure.measure(market, account).ok_or(Skip::NoPriceData)
    }

    /// What `room`, free equity and other positions leave of `wanted`, and not less than `size_min`.
    pub(crate) fn cap(
        &self,
        symbol: SymbolId,
        side: PositionSide,
        wanted: f64,
        room: f64,
        size_min: f64,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        let free = account.equity.to_num::<f64>() - self.exposure.total();
        let usd = wanted.min(room).min(free);
        if usd < size_min {
            return Err(Skip::InsufficientSize);
        }
        let usd = self.exposure.cap(symbol, side, usd, &self.rules);
        if usd < size_min { Err(Skip::CorrelationLimit) } else { Ok(usd) }
    }
}

/// The touch of a book that may be traded on.
pub(crate) fn touch(
    symbol: SymbolId,
    age_max_ms: u64,
    market: &MarketView<'_>,
) -> Result<Bbo, Skip> {
    let bbo = market.symbol(symbol).bbo().ok_or(Skip::StaleBook)?;
    let age_max = DurationNs::from_millis(age_max_ms);
    let is_stale = market.book_age(symbol).is_none_or(|age| age > age_max);
    if is_stale { Err(Skip::StaleBook) } else { Ok(bbo) }
}

/// Imbalance of the newest taker orders, from -1 (all sold) to 1; none of them may be older.
pub(crate) fn flow(
    state: &SymbolState,
    orders: usize,
    now: ExchNs,
    age_max_s: u64,
) -> Result<f64, Skip> {
    let flow = fresh_flow(state.tape(), orders, now, DurationNs::from_secs(age_max_s));
    flow.and_then(|flow| flow.imbalance()).ok_or(Skip::NoVolume)
}
