//! What an account holds and what happened to it, as values any room can read.

use crate::ids::{FillId, OrderId, StratId, SymbolId};
use crate::num::{Money, Px, Qty};
use crate::order::OpenOrder;
use crate::reason::Reason;
use crate::regime::Adjustment;
use crate::time::{DurationNs, ExchNs};
use crate::trade::OrderSide;
use crate::words::words;

/// Direction of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PositionSide {
    /// Owns the base asset.
    Long,
    /// Owes the base asset.
    Short,
}

impl PositionSide {
    /// The other direction.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Long => Self::Short,
            Self::Short => Self::Long,
        }
    }

    /// The order that closes it.
    pub const fn closing(self) -> OrderSide {
        match self {
            Self::Long => OrderSide::Sell,
            Self::Short => OrderSide::Buy,
        }
    }

    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
        }
    }
}

/// A stop that follows the market, armed or waiting for its activation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrailState {
    /// Distance behind the best price.
    pub distance: Px,
    /// Follows once the executable price has reached this.
    pub activation: Px,
    /// The best executable price since then; `None` before.
    pub best: Option<Px>,
}

/// The net position in one symbol. Signed: a short has negative lots and negative cost, so that
/// `value - cost` is the profit of either.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Lots owned (positive) or owed (negative).
    pub lots: i64,
    /// Quote currency paid (positive) or received (negative) for exactly these lots, without fees.
    pub cost: Money,
    /// Entry fees of exactly these lots, in the numeraire.
    pub entry_fee: Money,
    /// When it was opened from flat; `None` while it is flat.
    pub entered_at: Option<ExchNs>,
    /// Closes it at or beyond this price on the executable side.
    pub stop: Option<Px>,
    /// Closes it at or beyond this price on the executable side.
    pub target: Option<Px>,
    /// Closes it when the price falls back from its best.
    pub trail: Option<TrailState>,
    /// The stop moves to the average entry once the executable price has reached this.
    pub break_even: Option<Px>,
    /// Closes it at this time.
    pub hold_until: Option<ExchNs>,
    /// When margin interest is due next; `None` while it is flat.
    pub rollover_at: Option<ExchNs>,
    /// Tag of the signal that opened it.
    pub tag: u32,
}

impl Position {
    /// Its direction, or `None` when flat.
    pub const fn side(&self) -> Option<PositionSide> {
        match self.lots {
            0 => None,
            lots if lots > 0 => Some(PositionSide::Long),
            _ => Some(PositionSide::Short),
        }
    }

    /// Its size without sign.
    pub const fn qty(&self) -> Qty {
        Qty::new(self.lots.abs())
    }

    /// How long it has been open at `now`; `None` while it is flat.
    pub fn age(&self, now: ExchNs) -> Option<DurationNs> {
        self.entered_at.map(|entered_at| now.since(entered_at))
    }
}

words! {
    /// What made an order.
    Trigger {
        /// A strategy's signal.
        Strategy => "strategy",
        /// The position's stop.
        StopLoss => "stop_loss",
        /// The position's target.
        TakeProfit => "take_profit",
        /// The position's stop that follows the market.
        TrailingStop => "trailing_stop",
        /// The position's time was over.
        TimeStop => "time_stop",
        /// Equity fell below the maintenance margin.
        MarginCall => "margin_call",
        /// A command.
        Operator => "operator",
        /// A limit of the risk manager.
        Risk => "risk",
        /// The end of the session with `--flatten`.
        SessionEnd => "session_end",
    }
}

words! {
    /// Whether an execution took from the book or was taken from.
    Liquidity {
        /// It rested.
        Maker => "maker",
        /// It took.
        Taker => "taker",
    }
}

words! {
    /// Why an account takes no entries.
    HaltReason {
        /// The kill command.
        Killed => "killed",
        /// Equity was not positive after all was closed.
        Bankrupt => "bankrupt",
        /// It lost as much as it may within a session.
        LossLimit => "loss_limit",
        /// Equity fell too far from its peak.
        Drawdown => "drawdown",
        /// All accounts together lost as much as they may within a session.
        GlobalLoss => "global_loss",
        /// The strategy panicked, took too long, or was benched by a person: it is called no more.
        Benched => "benched",
        /// Its equity is more than can have come of trading.
        Uncounted => "uncounted",
    }
}

/// Whether an account may enter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AccountState {
    /// It may.
    #[default]
    Active,
    /// A command blocks entries.
    Paused,
    /// A limit or a command blocks entries until a resume or reset.
    Halted(HaltReason),
}

impl AccountState {
    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
            Self::Halted(why) => why.as_str(),
        }
    }
}

/// What was known of the market and the order at an execution: why it is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Best bid of the feed's book, our own earlier fills not subtracted.
    pub bid: Px,
    /// Best ask.
    pub ask: Px,
    /// Time since the book's last change.
    pub book_age: DurationNs,
    /// Way to the venue that was drawn for the order.
    pub latency: DurationNs,
    /// Quantity ahead in the queue when it began to rest; `None` for takers and unknown depth.
    pub ahead_at_entry: Option<Qty>,
    /// The trade that filled a resting order; `None` when the book reached it, and for takers.
    pub print: Option<(Px, Qty)>,
    /// Displayed quantity passed over because earlier fills of the same account had taken it.
    pub consumed: Qty,
}

/// One execution, with everything needed to audit it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill {
    /// Number of the fill.
    pub id: FillId,
    /// The order it belongs to.
    pub order: OrderId,
    /// Whose.
    pub strategy: StratId,
    /// In what.
    pub symbol: SymbolId,
    /// Exchange time of the execution: of the event that reached it, or of the order's arrival.
    pub at: ExchNs,
    /// Direction.
    pub side: OrderSide,
    /// Executed quantity.
    pub qty: Qty,
    /// Average price, rounded to the price precision for display; `value` is exact.
    pub px: Px,
    /// Worst level taken.
    pub worst_px: Px,
    /// Levels taken from; 0 for a resting order.
    pub levels: u16,
    /// Took or was taken from.
    pub liquidity: Liquidity,
    /// Why it is believed.
    pub evidence: Evidence,
    /// True when it reached below the tenth level, which no checksum covers.
    pub is_unverified_depth: bool,
    /// Sum of price times quantity, in the quote currency.
    pub value: Money,
    /// Value of one unit of the quote currency in the numeraire at the fill.
    pub quote_rate: Money,
    /// Fee, in the numeraire.
    pub fee: Money,
    /// Profit realised before fees, in the numeraire; zero for an entry.
    pub realized: Money,
    /// `realized` less this fill's fee and the entry fees of what it closed; zero for an entry.
    pub net: Money,
    /// Net profit of the whole trade, from flat to flat, when this fill ended it.
    pub trade_net: Option<Money>,
    /// What made the order.
    pub trigger: Trigger,
    /// Why the strategy wanted the position (for stops: why it was opened is in the entry's fill).
    pub reason: Reason,
    /// Tag of the originating signal.
    pub tag: u32,
    /// Position after the fill, in signed lots.
    pub lots_after: i64,
    /// Cash after the fill, in the numeraire.
    pub cash_after: Money,
}

/// What the venue charges for one pair, as fractions of the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PairFees {
    /// For taking.
    pub taker: Money,
    /// For resting.
    pub maker: Money,
}

/// A strategy's own account, read-only.
#[derive(Clone, Copy, Debug)]
pub struct AccountView<'a> {
    /// Cash in the numeraire.
    pub cash: Money,
    /// Cash and the marked value of every position at the last mark.
    pub equity: Money,
    /// Positions by symbol index.
    pub positions: &'a [Position],
    /// Open orders, the oldest first.
    pub orders: &'a [OpenOrder],
    /// Whether entries are taken.
    pub state: AccountState,
    /// What the regime of the event's symbol changes about entries; neutral unless asked for. Sizes and
    /// distances are changed by the engine, the shift of thresholds is for the strategy to use.
    pub adjustment: Adjustment,
    /// What the venue charges now, by symbol index.
    pub fees: &'a [PairFees],
}

impl AccountView<'_> {
    /// True while an order in `symbol` is not done: under way, waiting or resting.
    pub fn has_orders(&self, symbol: SymbolId) -> bool {
        self.orders.iter().any(|order| order.symbol == symbol)
    }

    /// The position in one symbol.
    pub fn position(&self, symbol: SymbolId) -> &Position {
        &self.positions[symbol.index()]
    }

    /// What the venue charges for one pair now.
    pub fn fees(&self, symbol: SymbolId) -> PairFees {
        self.fees[symbol.index()]
    }
}
