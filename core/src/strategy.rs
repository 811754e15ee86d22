//! The one interface a strategy implements, and the values it answers with.

use arrayvec::ArrayVec;

use crate::account::{AccountView, Fill};
use crate::bar::{Bar, Timeframe};
use crate::instrument::{Instrument, SymbolId};
use crate::limits::{REASON_VALUES_MAX, SIGNALS_MAX};
use crate::market::MarketView;
use crate::num::{Money, Px, Qty};
use crate::trade::TradeTick;

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
    /// Its parameters with documented defaults.
    type Params: Default;
    /// A strategy with these parameters; state per symbol is taken in `on_start`.
    fn new(params: Self::Params) -> Self;
}

/// What a strategy may size its state by.
#[derive(Clone, Copy, Debug)]
pub struct StartContext<'a> {
    /// Every instrument of the run; its index is the [`SymbolId`].
    pub instruments: &'a [Instrument],
    /// Symbols this strategy trades.
    pub symbols: &'a [SymbolId],
    /// Fee of taking, as a fraction of the value.
    pub taker_fee: f64,
}

/// What a strategy wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Action {
    /// Open or add to a long.
    Buy,
    /// Reduce a long; never opens a short.
    Sell,
    /// Open or add to a short.
    Short,
    /// Reduce a short; never opens a long.
    Cover,
    /// Close the whole position, whatever its side.
    Close,
    /// Replace the stop and target of the open position; trades nothing.
    Protect,
}

impl Action {
    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
            Self::Short => "short",
            Self::Cover => "cover",
            Self::Close => "close",
            Self::Protect => "protect",
        }
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

/// Where a stop or a target lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExitLevel {
    /// None; an existing one stays.
    #[default]
    Keep,
    /// At a price.
    At(Px),
    /// This many percent from the price of the entry fill, on the side where it protects or profits.
    PctFromFill(f64),
}

/// A strategy's wish, checked and executed by the engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Signal {
    /// In what.
    pub symbol: SymbolId,
    /// What.
    pub action: Action,
    /// How much; ignored by `Close` and `Protect`.
    pub size: Size,
    /// The stop of the position after this.
    pub stop: ExitLevel,
    /// The target of the position after this.
    pub target: ExitLevel,
    /// Why.
    pub reason: Reason,
    /// Echoed in the fill.
    pub tag: u32,
}

/// Why, as a static code with named values; made into text on the async side only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    code: &'static str,
    values: [(&'static str, f64); REASON_VALUES_MAX],
    len: u8,
}

impl Reason {
    /// A reason without values.
    pub const fn new(code: &'static str) -> Self {
        Self { code, values: [("", 0.0); REASON_VALUES_MAX], len: 0 }
    }

    /// Adds a named value; beyond [`REASON_VALUES_MAX`] they are dropped.
    #[must_use]
    pub const fn with(mut self, name: &'static str, value: f64) -> Self {
        if (self.len as usize) < REASON_VALUES_MAX {
            self.values[self.len as usize] = (name, value);
            self.len += 1;
        }
        self
    }

    /// The code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The named values.
    pub fn values(&self) -> &[(&'static str, f64)] {
        &self.values[..usize::from(self.len)]
    }
}

/// Why the engine refused a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum RejectReason {
    /// The symbol is not one the strategy declared.
    NotItsSymbol,
    /// The strategy has not had the bars it declared.
    WarmingUp,
    /// The book is empty, stale or failed its check.
    BookNotLive,
    /// The venue does not take such orders now.
    VenueClosed,
    /// No live price converts the quote currency to the account's.
    NoQuoteRate,
    /// The size is not positive or not finite.
    BadSize,
    /// Below the instrument's minimum quantity or value.
    BelowMinimum,
    /// A stop or target on the wrong side of the price.
    BadExitLevel,
    /// A long is wanted while short or the reverse: close first.
    OppositePosition,
    /// Nothing to sell, cover, close or protect.
    NoPosition,
    /// Not enough equity for any part of it.
    NoFunds,
    /// The visible book cannot fill it.
    NoLiquidity,
    /// Trading is halted: reports can no longer be delivered.
    Halted,
}

impl RejectReason {
    /// Every reason, in the order of their codes.
    pub const ALL: [Self; 13] = [
        Self::NotItsSymbol,
        Self::WarmingUp,
        Self::BookNotLive,
        Self::VenueClosed,
        Self::NoQuoteRate,
        Self::BadSize,
        Self::BelowMinimum,
        Self::BadExitLevel,
        Self::OppositePosition,
        Self::NoPosition,
        Self::NoFunds,
        Self::NoLiquidity,
        Self::Halted,
    ];

    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotItsSymbol => "not_its_symbol",
            Self::WarmingUp => "warming_up",
            Self::BookNotLive => "book_not_live",
            Self::VenueClosed => "venue_closed",
            Self::NoQuoteRate => "no_quote_rate",
            Self::BadSize => "bad_size",
            Self::BelowMinimum => "below_minimum",
            Self::BadExitLevel => "bad_exit_level",
            Self::OppositePosition => "opposite_position",
            Self::NoPosition => "no_position",
            Self::NoFunds => "no_funds",
            Self::NoLiquidity => "no_liquidity",
            Self::Halted => "halted",
        }
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

macro_rules! skips {
    ($($(#[$doc:meta])* $name:ident => $word:literal,)*) => {
        /// Why a strategy wants nothing now. Entries only: exits are looked at first.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum Skip { $($(#[$doc])* $name,)* }

        impl Skip {
            /// Every reason, in the order of their codes.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The word used in logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word,)* }
            }
        }
    };
}

skips! {
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
    /// A position is open.
    ExistingPosition => "existing_position",
    /// Other symbols already carry the exposure.
    CorrelationLimit => "correlation_limit",
    /// Too small to trade.
    InsufficientSize => "insufficient_size",
    /// No condition met.
    NoSignalConditions => "no_signal_conditions",
}
