//! How an order meets the market: price, trigger, life time and what may be shown of it.
//!
//! An order is a price (market or limit) that may wait for a trigger. So a stop is a market price
//! behind a stop trigger, a stop-limit a limit price behind the same, a trailing stop either behind a
//! trigger that follows the market.

use arrayvec::ArrayVec;

use crate::bar::Timeframe;
use crate::ids::{OrderId, SymbolId};
use crate::limits::ORDERS_MAX;
use crate::num::{Px, Qty};
use crate::time::{DurationNs, ExchNs};
use crate::trade::OrderSide;
use crate::words::words;

/// At what price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OrderPrice {
    /// Whatever the book gives.
    #[default]
    Market,
    /// This price or better.
    Limit(Px),
}

/// How long it stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeInForce {
    /// Until it is filled or cancelled.
    #[default]
    Gtc,
    /// What can be filled at once; the rest is cancelled.
    Ioc,
    /// All of it at once or nothing.
    Fok,
    /// Until this exchange time.
    Gtd(ExchNs),
}

/// A distance from the market.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Distance {
    /// Percent of the price.
    Percent(f64),
    /// This many average true ranges (Wilder) over `period` closed bars, taken when it is set.
    Atr {
        /// Multiple of the range.
        times: f64,
        /// Bars averaged.
        period: u16,
        /// Of this length.
        timeframe: Timeframe,
    },
}

/// What an order waits for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum OrderTrigger {
    /// The market moves against the order's side to here: up for a buy, down for a sell.
    Stop(Px),
    /// The market moves in favour of the order's side to here: down for a buy, up for a sell.
    TakeProfit(Px),
    /// A stop that follows the best price since it was placed at this distance.
    Trail(Distance),
}

/// Everything of an order besides what, which way and how much.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct OrderSpec {
    /// At what price.
    pub price: OrderPrice,
    /// What it waits for first; `None` acts at once.
    pub trigger: Option<OrderTrigger>,
    /// How long it stays.
    pub tif: TimeInForce,
    /// Refused rather than executed at once.
    pub is_post_only: bool,
    /// Never opens or turns a position, only makes it smaller.
    pub is_reduce_only: bool,
    /// Shown quantity of an iceberg; `None` shows all of it.
    pub display: Option<Qty>,
    /// Orders of one symbol with the same number other than 0: the first to be filled or triggered
    /// cancels the others.
    pub oco: u32,
}

impl OrderSpec {
    /// Takes what the book gives, now.
    pub const MARKET: Self = Self {
        price: OrderPrice::Market,
        trigger: None,
        tif: TimeInForce::Gtc,
        is_post_only: false,
        is_reduce_only: false,
        display: None,
        oco: 0,
    };

    /// Rests at `px`, or executes there or better.
    pub const fn limit(px: Px) -> Self {
        Self { price: OrderPrice::Limit(px), ..Self::MARKET }
    }

    /// Rests at `px` or is refused.
    pub const fn post_only(px: Px) -> Self {
        Self { is_post_only: true, ..Self::limit(px) }
    }

    /// The limit, if it has one.
    pub const fn limit_px(&self) -> Option<Px> {
        match self.price {
            OrderPrice::Market => None,
            OrderPrice::Limit(px) => Some(px),
        }
    }
}

words! {
    /// Where an order stands.
    OrderState {
        /// On its way to the venue.
        InFlight => "in_flight",
        /// At the venue, waiting for its trigger.
        Waiting => "waiting",
        /// In the book.
        Resting => "resting",
    }
}

/// An order that is not done, as its strategy sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenOrder {
    /// Its number.
    pub id: OrderId,
    /// The strategy's own name for it.
    pub tag: u32,
    /// In what.
    pub symbol: SymbolId,
    /// Direction.
    pub side: OrderSide,
    /// Quantity that was ordered.
    pub qty: Qty,
    /// Quantity not yet filled.
    pub left: Qty,
    /// Its terms.
    pub spec: OrderSpec,
    /// Where it stands.
    pub state: OrderState,
    /// A cancel or replace is on its way to it.
    pub is_changing: bool,
    /// Decided at this exchange time.
    pub placed_at: ExchNs,
    /// Quantity ahead in the queue, as far as the fill model knows.
    pub ahead: Option<Qty>,
}

/// The open orders of one strategy.
pub type OpenOrders = ArrayVec<OpenOrder, ORDERS_MAX>;

/// A stop that follows the market, for a position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trail {
    /// How far behind the best price.
    pub distance: Distance,
    /// Starts to follow once the position is this many percent in profit; 0 at once.
    pub activation_pct: f64,
}

/// Where a stop or a target of a position lies.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum ExitLevel {
    /// As it is.
    #[default]
    Keep,
    /// None.
    Clear,
    /// At a price.
    At(Px),
    /// This many percent from the price of the entry fill, on the side where it protects or profits.
    PctFromFill(f64),
}

/// What closes a position without its strategy. One cancels the other: the first closes it whole.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Exits {
    /// Where the loss is taken.
    pub stop: ExitLevel,
    /// Where the profit is taken.
    pub target: ExitLevel,
    /// A stop that follows; `None` keeps an existing one.
    pub trail: Option<Trail>,
    /// Moves the stop to the entry price once the position is this many percent in profit.
    pub break_even_pct: Option<f64>,
    /// Closes the position after this time.
    pub hold_max: Option<DurationNs>,
}

impl Exits {
    /// Nothing changes.
    pub const KEEP: Self = Self {
        stop: ExitLevel::Keep,
        target: ExitLevel::Keep,
        trail: None,
        break_even_pct: None,
        hold_max: None,
    };
}

words! {
    /// How an order ended.
    OrderEnd {
        /// Filled completely.
        Filled => "filled",
        /// Cancelled by its strategy.
        Cancelled => "cancelled",
        /// Replaced by its strategy.
        Replaced => "replaced",
        /// What could not be filled at once, of an order that must not rest.
        NotImmediate => "not_immediate",
        /// Its time was over.
        Expired => "expired",
        /// The other order of its pair was filled or triggered.
        OtherFilled => "other_filled",
        /// Would have been executed at once although it must not.
        WouldTake => "would_take",
        /// The book was not live when it arrived.
        BookNotLive => "book_not_live",
        /// The venue took no such orders when it arrived.
        VenueClosed => "venue_closed",
        /// The book had nothing for it.
        NoLiquidity => "no_liquidity",
        /// Nothing left to reduce; or the position that it was opening was closed for it.
        NothingToReduce => "nothing_to_reduce",
        /// The position it would have turned must be closed first.
        OppositePosition => "opposite_position",
        /// Not enough equity for the rest of it.
        NoFunds => "no_funds",
        /// Entries are blocked: paused, halted or stopped by a limit.
        Blocked => "blocked",
        /// Cancelled before a margin call.
        MarginCall => "margin_call",
        /// Cancelled by a command.
        Operator => "operator",
        /// The session ended.
        SessionEnd => "session_end",
    }
}

/// The end of an order, told to its strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderDone {
    /// Its number.
    pub id: OrderId,
    /// The strategy's own name for it.
    pub tag: u32,
    /// In what.
    pub symbol: SymbolId,
    /// Quantity not filled.
    pub left: Qty,
    /// How.
    pub end: OrderEnd,
}
