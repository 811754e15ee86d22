//! What the engine tells the bridge: fixed-size values, in the order in which they happened.

use paperwire_core::account::{AccountState, Fill, Position, Trigger};
use paperwire_core::bar::Bar;
use paperwire_core::command::{Origin, ParamChange, Verb};
use paperwire_core::event::Seq;
use paperwire_core::ids::StratId;
use paperwire_core::instrument::{SymbolId, TradingStatus};
use paperwire_core::num::{Money, Px};
use paperwire_core::order::{OpenOrder, OrderDone};
use paperwire_core::regime::Transition;
use paperwire_core::strategy::{Reason, RejectReason, Signal, Skip};
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_core::trade::TradeTick;

use crate::performance::Performance;
use crate::saw::Saw;

/// One report with the market event that caused it.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Arrival number of the causing event; with the session's id it correlates all logs.
    pub seq: Seq,
    /// Exchange time of the causing event.
    pub at: ExchNs,
    /// Host time when the causing event arrived.
    pub arrived: HostNs,
    /// Host time of the step that made it, for the last stage of the way.
    pub made: HostNs,
    /// Made of a bar of history, which comes all at once: its way here is no latency of anything.
    pub is_history: bool,
    /// What happened.
    pub kind: ReportKind,
}

/// Why a strategy is called no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BenchCause {
    /// It panicked.
    Panicked,
    /// A person, or the program because its calls took too long.
    Ordered(Origin),
}

impl BenchCause {
    /// For people.
    pub const fn shown(self) -> &'static str {
        match self {
            Self::Panicked => "it panicked",
            Self::Ordered(Origin::Terminal) => "it was benched at the terminal",
            Self::Ordered(Origin::Dashboard) => "it was benched on the page",
            Self::Ordered(Origin::Api) => "a program benched it",
            Self::Ordered(Origin::Budget) => "its calls took too long",
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum ReportKind {
    /// A strategy emitted a signal.
    Signal {
        /// Whose.
        strategy: StratId,
        /// The wish.
        signal: Signal,
        /// What it saw, and how long it thought.
        saw: Saw,
    },
    /// A signal was refused.
    Reject {
        /// Whose.
        strategy: StratId,
        /// The wish.
        signal: Signal,
        /// Why not.
        reason: RejectReason,
    },
    /// A signal, or what closes a position, became an order.
    Order {
        /// Whose.
        strategy: StratId,
        /// The order as it left for the venue.
        order: OpenOrder,
        /// What made it.
        trigger: Trigger,
        /// Way to the venue that was drawn for it.
        latency: DurationNs,
    },
    /// An order was replaced, and is this now.
    Changed {
        /// Whose.
        strategy: StratId,
        /// The order.
        order: OpenOrder,
        /// Why it is what it is now: its next fills carry this.
        reason: Reason,
    },
    /// Margin interest was charged.
    Interest {
        /// On whose account.
        strategy: StratId,
        /// For the position in this symbol.
        symbol: SymbolId,
        /// In the numeraire.
        amount: Money,
    },
    /// An order was executed, in whole or in part.
    Fill(Fill),
    /// An order ended.
    Done {
        /// Whose.
        strategy: StratId,
        /// How.
        done: OrderDone,
    },
    /// A command was carried out.
    Command {
        /// On whose account.
        strategy: StratId,
        /// What.
        verb: Verb,
        /// Who gave it.
        origin: Origin,
    },
    /// A parameter was changed.
    Param {
        /// Whose.
        strategy: StratId,
        /// Which, to what.
        change: ParamChange,
        /// Who ordered it.
        origin: Origin,
    },
    /// An account takes entries, or no longer.
    State {
        /// Whose.
        strategy: StratId,
        /// Since now.
        state: AccountState,
    },
    /// A strategy is out of the run; its positions keep what closes them.
    Benched {
        /// Whose.
        strategy: StratId,
        /// For what.
        why: BenchCause,
    },
    /// One symbol of one account, when it changed.
    Position {
        /// Whose.
        strategy: StratId,
        /// In what.
        symbol: SymbolId,
        /// Its figures.
        row: PositionRow,
    },
    /// The account under another fill model, each second and at the end.
    Bracket {
        /// Whose.
        strategy: StratId,
        /// Place of the model in [`crate::fill::BRACKET`].
        model: u8,
        /// Its figures.
        row: BracketRow,
        /// True for the last one of the session.
        is_final: bool,
    },
    /// The account of one strategy, each second and at the end.
    Account {
        /// Whose.
        strategy: StratId,
        /// Its figures.
        row: AccountRow,
        /// True for the last one of the session.
        is_final: bool,
    },
    /// The market in one symbol, each second.
    Market {
        /// Which.
        symbol: SymbolId,
        /// Its figures.
        row: MarketRow,
    },
    /// A bar closed (one-minute bars of live trading only).
    Bar {
        /// Of which symbol.
        symbol: SymbolId,
        /// The bar.
        bar: Bar,
    },
    /// A print of live trading.
    Trade {
        /// In what.
        symbol: SymbolId,
        /// The print.
        trade: TradeTick,
    },
    /// The regime of a symbol changed, or that of all together.
    Regime {
        /// Which; `None` for all.
        symbol: Option<SymbolId>,
        /// From what to what, and when.
        transition: Transition,
    },
    /// A strategy wanted nothing; at most one a second for each strategy and symbol.
    Skipped {
        /// Whose.
        strategy: StratId,
        /// In what.
        symbol: SymbolId,
        /// Why.
        why: Skip,
    },
    /// How often a strategy skipped for a reason, at the end of the session.
    SkipCount {
        /// Whose.
        strategy: StratId,
        /// Why.
        why: Skip,
        /// How often.
        count: u64,
    },
    /// The engine stopped trading: the bridge took no more reports.
    Halted,
}

/// Figures of one account. Amounts are in the numeraire.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AccountRow {
    /// Capital, and starting assets at their first price.
    pub baseline: Money,
    /// Cash.
    pub cash: Money,
    /// Cash, starting assets and marked positions.
    pub equity: Money,
    /// Starting assets at the last mark.
    pub spot: Money,
    /// Starting assets at their first price.
    pub spot_start: Money,
    /// Gross profit of what was closed.
    pub realized: Money,
    /// Gross profit of what is open and of the starting assets, at the last mark.
    pub unrealized: Money,
    /// Fees paid.
    pub fees: Money,
    /// Margin interest paid.
    pub interest: Money,
    /// Value of all longs at the last mark.
    pub long: Money,
    /// Value of all shorts at the last mark, positive.
    pub short: Money,
    /// Executions.
    pub fills: u64,
    /// Of these, of resting orders.
    pub maker_fills: u64,
    /// Signals emitted.
    pub signals: u64,
    /// Signals refused.
    pub rejects: u64,
    /// Orders sent.
    pub orders: u64,
    /// Margin calls.
    pub margin_calls: u64,
    /// What closed trades and marks say of it.
    pub performance: Performance,
    /// Open positions.
    pub open_positions: u16,
    /// Open orders.
    pub open_orders: u16,
    /// Whether entries are taken.
    pub state: AccountState,
}

impl AccountRow {
    /// An account of `capital` before anything happened.
    pub fn new(capital: Money) -> Self {
        let none = Money::ZERO;
        Self {
            baseline: capital,
            cash: capital,
            equity: capital,
            spot: none,
            spot_start: none,
            realized: none,
            unrealized: none,
            fees: none,
            interest: none,
            long: none,
            short: none,
            fills: 0,
            maker_fills: 0,
            signals: 0,
            rejects: 0,
            orders: 0,
            margin_calls: 0,
            performance: Performance::new(capital),
            open_positions: 0,
            open_orders: 0,
            state: AccountState::Active,
        }
    }

    /// Value of open positions without sign.
    pub fn exposure(&self) -> Money {
        self.long + self.short
    }

    /// Gain since the start.
    pub fn profit(&self) -> Money {
        self.equity - self.baseline
    }
}

/// Figures of one symbol of one account. Amounts are in the numeraire unless they say otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PositionRow {
    /// What is held and what closes it.
    pub position: Position,
    /// Its value at the last mark, without sign.
    pub value: Money,
    /// Its gross profit at the last mark.
    pub unrealized: Money,
    /// Gross profit of what was closed in this symbol.
    pub realized: Money,
    /// Fees paid in this symbol.
    pub fees: Money,
    /// Executions in this symbol.
    pub fills: u64,
    /// Closed with a net profit.
    pub wins: u64,
    /// Closed with a net loss.
    pub losses: u64,
    /// Where a margin call would come when all else stays.
    pub liquidation_px: Option<Px>,
    /// True when the last mark is old: no live book or no price of the quote currency.
    pub is_unpriced: bool,
}

/// Figures of an account under another fill model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BracketRow {
    /// Cash, starting assets and marked positions.
    pub equity: Money,
    /// Gain since the start.
    pub profit: Money,
    /// Fees paid.
    pub fees: Money,
    /// Executions.
    pub fills: u64,
}

/// Figures of one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarketRow {
    /// What the venue lets one do with it.
    pub trading: TradingStatus,
    /// Best bid of a live book.
    pub bid: Option<Px>,
    /// Best ask of a live book.
    pub ask: Option<Px>,
    /// Last trade.
    pub last: Option<Px>,
    /// Book messages applied.
    pub updates: u64,
    /// Trades printed.
    pub trades: u64,
    /// Gaps.
    pub gaps: u64,
}
