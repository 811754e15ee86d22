//! The one interface a strategy implements, and the values it answers with.

use arrayvec::ArrayVec;

use crate::account::{AccountView, Fill};
use crate::bar::{Bar, Timeframe};
use crate::command::ParamChange;
use crate::instrument::{AssetName, Instrument, SymbolId};
use crate::limits::SIGNALS_MAX;
use crate::market::MarketView;
use crate::num::{Money, Qty};
use crate::order::OrderDone;
pub use crate::order::{Distance, ExitLevel, Exits, OrderPrice, OrderSpec, TimeInForce, Trail};
pub use crate::reason::Reason;
use crate::trade::TradeTick;
use crate::words::words;

/// What just happened. The market view already includes it.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// A live book changed.
    Book {
        /// Of this symbol.
        symbol: SymbolId,
    },
    /// A trade was printed.
    Trade {
        /// Of this symbol.
        symbol: SymbolId,
        /// The print.
        trade: &'a TradeTick,
    },
    /// A bar closed.
    Bar {
        /// Of this symbol.
        symbol: SymbolId,
        /// Its length.
        timeframe: Timeframe,
        /// The bar.
        bar: &'a Bar,
        /// From history before the session: learn from it; signals are ignored.
        is_history: bool,
    },
    /// A second passed; silent markets still need time exits.
    Timer,
}

/// A strategy: state that answers events with signals. It sees no socket, file, clock or lock, and
/// must not allocate after `on_start`.
pub trait Strategy: Send {
    /// Called once, before any event.
    fn on_start(&mut self, _ctx: &StartContext<'_>) {}
    /// Called for every event of the strategy's symbols and for timers.
    fn on_event(
        &mut self,
        event: &Event<'_>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    );
    /// Called for every fill of this strategy, stops and targets too.
    fn on_fill(&mut self, _fill: &Fill) {}
    /// Called when a signal of this strategy was refused.
    fn on_reject(&mut self, _reject: &Reject) {}
    /// Called when an order that was not done at once has ended.
    fn on_order_done(&mut self, _done: &OrderDone) {}
    /// Called between two events when a parameter was changed; true when it was one of this strategy.
    fn on_param(&mut self, _change: ParamChange) -> bool {
        false
    }
    /// Called once, after the last event.
    fn on_stop(&mut self) {}
}

/// What a strategy file declares besides its behaviour.
pub trait StrategyDef: Strategy + Sized + 'static {
    /// Lower snake case, the same as the file's name.
    const NAME: &'static str;
    /// Semantic version of the behaviour.
    const VERSION: &'static str;
    /// Pairs it trades unless the configuration names others.
    const SYMBOLS: &'static [&'static str];
    /// Closed bars it needs before its first signal.
    const WARMUP: &'static [(Timeframe, u16)];
    /// What an order against its open position does.
    const FLIP: Flip = Flip::Reject;
    /// Its parameters with documented defaults.
    type Params: Default;
    /// A strategy with these parameters; state per symbol is taken in `on_start`.
    fn new(params: Self::Params) -> Self;
}

words! {
    /// What an entry against an open position of the other side does.
    Flip {
        /// It is refused: close first.
        Reject => "reject",
        /// It closes as much as it can and never opens.
        Reduce => "reduce",
        /// It closes the position and opens the rest on the other side.
        Reverse => "reverse",
    }
}

/// What a strategy may size its state by.
#[derive(Clone, Copy, Debug)]
pub struct StartContext<'a> {
    /// Every instrument of the run; its index is the [`SymbolId`].
    pub instruments: &'a [Instrument],
    /// Symbols this strategy trades.
    pub symbols: &'a [SymbolId],
    /// Currency of the account.
    pub numeraire: AssetName,
    /// Fee of taking at the start, as a fraction of the value: that of the dearest of its symbols.
    pub taker_fee: f64,
    /// Fee of resting at the start, likewise.
    pub maker_fee: f64,
}

words! {
    /// What a strategy wants done.
    Action {
        /// Open or add to a long.
        Buy => "buy",
        /// Reduce a long; never opens a short.
        Sell => "sell",
        /// Open or add to a short.
        Short => "short",
        /// Reduce a short; never opens a long.
        Cover => "cover",
        /// Close the whole position, whatever its side.
        Close => "close",
        /// Change what closes the open position; trades nothing.
        Protect => "protect",
        /// Cancel open orders.
        Cancel => "cancel",
        /// Change price and size of the open order with this tag. A smaller size at the same price keeps
        /// its place in the queue.
        Replace => "replace",
    }
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Worth this much of the numeraire at the executable price.
    Notional(Money),
    /// This quantity of the base asset.
    Base(Qty),
    /// The whole position.
    All,
}

/// A strategy's wish, checked and executed by the engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// In what.
    pub symbol: SymbolId,
    /// What.
    pub action: Action,
    /// How much; ignored by `Close`, `Protect` and `Cancel`.
    pub size: Size,
    /// How it meets the market.
    pub order: OrderSpec,
    /// What closes the position after this.
    pub exits: Exits,
    /// Why.
    pub reason: Reason,
    /// The strategy's own name for the order: echoed in its fills, and by which `Cancel` and
    /// `Replace` find it. 0 names none.
    pub tag: u32,
}

impl Signal {
    /// A wish at the market, with no change of the position's exits.
    pub const fn new(symbol: SymbolId, action: Action, size: Size, reason: Reason) -> Self {
        let (order, exits) = (OrderSpec::MARKET, Exits::KEEP);
        Self { symbol, action, size, order, exits, reason, tag: 0 }
    }

    /// Closes the whole position at the market.
    pub const fn close(symbol: SymbolId, reason: Reason) -> Self {
        Self::new(symbol, Action::Close, Size::All, reason)
    }

    /// Cancels the open orders of `symbol` called `tag`, or all of them for 0.
    pub const fn cancel(symbol: SymbolId, tag: u32, reason: Reason) -> Self {
        Self { tag, ..Self::new(symbol, Action::Cancel, Size::All, reason) }
    }

    /// With these terms.
    #[must_use]
    pub const fn order(mut self, order: OrderSpec) -> Self {
        self.order = order;
        self
    }

    /// With a stop and a target.
    #[must_use]
    pub const fn bracket(mut self, stop: ExitLevel, target: ExitLevel) -> Self {
        self.exits.stop = stop;
        self.exits.target = target;
        self
    }

    /// With a stop that follows the market.
    #[must_use]
    pub const fn trail(mut self, trail: Trail) -> Self {
        self.exits.trail = Some(trail);
        self
    }

    /// With a name.
    #[must_use]
    pub const fn tag(mut self, tag: u32) -> Self {
        self.tag = tag;
        self
    }
}

words! {
    /// Why the engine refused a signal.
    RejectReason {
        /// The symbol is not one the strategy declared.
        NotItsSymbol => "not_its_symbol",
        /// The strategy has not had the bars it declared.
        WarmingUp => "warming_up",
        /// The book is empty, stale or failed its check.
        BookNotLive => "book_not_live",
        /// The venue does not take such orders now.
        VenueClosed => "venue_closed",
        /// No live price converts the quote currency to the account's.
        NoQuoteRate => "no_quote_rate",
        /// The size is not positive or not finite.
        BadSize => "bad_size",
        /// A price is not positive, or not a multiple of the pair's price increment.
        BadPrice => "bad_price",
        /// Terms that exclude each other, such as post-only with immediate-or-cancel.
        BadTerms => "bad_terms",
        /// Below the instrument's minimum quantity or value.
        BelowMinimum => "below_minimum",
        /// A stop or target on the wrong side of the price.
        BadExitLevel => "bad_exit_level",
        /// A long is wanted while short or the reverse: close first.
        OppositePosition => "opposite_position",
        /// Nothing to sell, cover, close or protect.
        NoPosition => "no_position",
        /// No open order has this tag.
        NoSuchOrder => "no_such_order",
        /// More than one open order has this tag.
        AmbiguousTag => "ambiguous_tag",
        /// A cancel or replace is on its way to the order already.
        ChangeUnderWay => "change_under_way",
        /// The strategy has as many open orders as it may.
        TooManyOrders => "too_many_orders",
        /// Not enough equity for any part of it.
        NoFunds => "no_funds",
        /// The visible book cannot fill it.
        NoLiquidity => "no_liquidity",
        /// Too few closed bars for the range that a distance is measured in.
        NoAtr => "no_atr",
        /// Entries are paused by a command.
        Paused => "paused",
        /// The account is halted: killed, bankrupt or at a risk limit.
        Halted => "halted",
        /// More orders within a minute than allowed.
        OrderRate => "order_rate",
        /// The position would exceed its limit.
        PositionLimit => "position_limit",
        /// All positions, of this or of every strategy, would exceed their limit.
        ExposureLimit => "exposure_limit",
        /// The market's regime switches entries off.
        RegimeOff => "regime_off",
        /// Too soon after too many losses in a row.
        Cooldown => "cooldown",
    }
}

/// A refused signal.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reject {
    /// The signal.
    pub signal: Signal,
    /// Why not.
    pub reason: RejectReason,
}

/// Where a strategy puts its signals during one call.
#[derive(Clone, Debug, Default)]
pub struct Signals {
    signals: ArrayVec<Signal, SIGNALS_MAX>,
    skip: Option<Skip>,
    dropped: u32,
}

impl Signals {
    /// Emits a signal; one beyond [`SIGNALS_MAX`] per call is dropped and counted.
    pub fn push(&mut self, signal: Signal) {
        if self.signals.try_push(signal).is_err() {
            self.dropped += 1;
        }
    }

    /// Tells why this call wants nothing; counted per reason.
    pub const fn skip(&mut self, why: Skip) {
        self.skip = Some(why);
    }

    /// What was emitted.
    pub fn as_slice(&self) -> &[Signal] {
        &self.signals
    }

    /// Why nothing was.
    pub const fn skipped(&self) -> Option<Skip> {
        self.skip
    }

    /// Signals that did not fit.
    pub const fn dropped(&self) -> u32 {
        self.dropped
    }

    /// Ready for the next call.
    pub fn clear(&mut self) {
        self.signals.clear();
        self.skip = None;
        self.dropped = 0;
    }
}

words! {
    /// Why a strategy wants nothing now. Entries only: exits are looked at first.
    Skip {
        /// The book is not live or too old.
        StaleBook => "stale_book",
        /// No price to size by.
        NoPriceData => "no_price_data",
        /// An indicator is not ready.
        WarmingUp => "warming_up",
        /// Too many losses in a row.
        CircuitBreaker => "circuit_breaker",
        /// Too soon after the last signal.
        TimeCooldown => "time_cooldown",
        /// Too few trades since the last signal.
        TradeCooldown => "trade_cooldown",
        /// The volatility regime pauses entries.
        RegimePause => "regime_pause",
        /// Informed flow is too likely.
        VpinPause => "vpin_pause",
        /// The tape looks manipulated or broken.
        VolumeAnomaly => "volume_anomaly",
        /// Nothing traded.
        NoVolume => "no_volume",
        /// Volume does not confirm the move.
        VolumeNotConfirmed => "volume_not_confirmed",
        /// Trade flow points elsewhere.
        TradeFlowNotAligned => "trade_flow_not_aligned",
        /// The trend points elsewhere.
        TrendNotAligned => "trend_not_aligned",
        /// Too quiet to pay for the trade.
        LowVolatility => "low_volatility",
        /// The spread costs too much.
        SpreadTooWide => "spread_too_wide",
        /// The likely move does not pay the fees.
        NotFeeProfitable => "not_fee_profitable",
        /// Already at the largest position.
        MaxPosition => "max_position",
        /// An order in the symbol is not done.
        OrderUnderWay => "order_under_way",
        /// A position is open.
        ExistingPosition => "existing_position",
        /// Other symbols already carry the exposure.
        CorrelationLimit => "correlation_limit",
        /// Too small to trade.
        InsufficientSize => "insufficient_size",
        /// No condition met.
        NoSignalConditions => "no_signal_conditions",
        /// Enough was lost for today.
        DailyLoss => "daily_loss",
        /// The market is too wild.
        ExtremeVolatility => "extreme_volatility",
        /// The market that should lead is not followed now.
        LowCorrelation => "low_correlation",
        /// The market runs one way.
        TrendingMarket => "trending_market",
        /// The spread earns too little.
        SpreadTooNarrow => "spread_too_narrow",
        /// As many orders or changes as allowed were sent.
        RateLimited => "rate_limited",
        /// A leg of a basket cannot be traded.
        LegUnavailable => "leg_unavailable",
        /// The trend has run for so long that it is late to follow.
        StrongTrendAdx => "strong_trend_adx",
        /// Distances from the mean take too long or too short to be halved.
        HalfLifeOutOfRange => "half_life_out_of_range",
        /// Moves of the two markets go their own ways more and more.
        CorrelationDeclining => "correlation_declining",
        /// The series does not come back to a mean.
        NotCointegrated => "not_cointegrated",
        /// Nearly every move of late went one way.
        StrongTrendDetected => "strong_trend_detected",
        /// The relative strength is not at its extreme.
        RsiNotConfirmed => "rsi_not_confirmed",
        /// As many levels are held as may be.
        MaxAccumulation => "max_accumulation",
        /// No level of the grid may be bought now.
        NoGridLevels => "no_grid_levels",
        /// Too little is traded.
        LowVolume => "low_volume",
        /// Too little was traded within a day.
        LowLiquidity => "low_liquidity",
        /// Nothing crossed with this bar.
        NoCrossover => "no_crossover",
        /// The crossing did not start in an exhausted zone.
        ZoneNotConfirmed => "zone_not_confirmed",
        /// The signs together are too weak.
        InsufficientConfidence => "insufficient_confidence",
        /// Neither fear nor greed.
        NeutralSentiment => "neutral_sentiment",
        /// An extreme has lasted for so long that it is no exception any more.
        WaitingZoneExit => "waiting_zone_exit",
        /// Large volume is missing or goes the other way.
        WhaleMismatch => "whale_mismatch",
        /// Large volume that does not mean what it should.
        VolumeFalsePositive => "volume_false_positive",
        /// The longer timeframe points elsewhere.
        TimeframeMisaligned => "timeframe_misaligned",
        /// The burst is too weak or points both ways.
        MomentumNotConfirmed => "momentum_not_confirmed",
        /// The price is not at a level.
        PriceNotAtLevel => "price_not_at_level",
    }
}
