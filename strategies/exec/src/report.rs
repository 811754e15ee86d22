//! What the engine tells the bridge: fixed-size values, in the order in which they happened.

use paperwire_core::account::{Fill, OrderId, StratId};
use paperwire_core::bar::Bar;
use paperwire_core::event::Seq;
use paperwire_core::instrument::SymbolId;
use paperwire_core::num::{Money, Px, Qty};
use paperwire_core::strategy::{RejectReason, Signal, Skip};
use paperwire_core::time::{ExchNs, HostNs};
use paperwire_core::trade::OrderSide;

/// One report with the market event that caused it.
#[derive(Clone, Copy, Debug)]
pub struct Report {
    /// Arrival number of the causing event; with the session's id it correlates all logs.
    pub seq: Seq,
    /// Exchange time of the causing event.
    pub at: ExchNs,
    /// Host time when the causing event arrived, for the last stage of the way.
    pub arrived: HostNs,
    /// Host time when the report was made.
    pub made: HostNs,
    /// What happened.
    pub kind: ReportKind,
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
    /// A signal or a protective level became an order.
    Order {
        /// Number of the order.
        id: OrderId,
        /// Whose.
        strategy: StratId,
        /// In what.
        symbol: SymbolId,
        /// Direction.
        side: OrderSide,
        /// Quantity after sizing, caps and lot rules.
        qty: Qty,
    },
    /// An order was executed.
    Fill(Fill),
    /// A strategy panicked and is out of the run; its positions keep their stops.
    Benched {
        /// Whose.
        strategy: StratId,
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
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct AccountRow {
    /// Capital at the start.
    pub baseline: Money,
    /// Cash.
    pub cash: Money,
    /// Cash and marked positions.
    pub equity: Money,
    /// Gross profit of what was closed.
    pub realized: Money,
    /// Gross profit of what is open, at the last mark.
    pub unrealized: Money,
    /// Fees paid.
    pub fees: Money,
    /// Value of open positions without sign.
    pub exposure: Money,
    /// Executions.
    pub fills: u64,
    /// Signals emitted.
    pub signals: u64,
    /// Signals refused.
    pub rejects: u64,
    /// Fills that closed something.
    pub closed_trades: u64,
    /// Of these, with a net profit.
    pub wins: u64,
    /// Of these, with a net loss.
    pub losses: u64,
    /// Sum of net profits.
    pub gross_profit: Money,
    /// Sum of net losses, not negative.
    pub gross_loss: Money,
    /// Largest fall of equity from its highest mark, as a fraction of that mark.
    pub drawdown_max: Money,
    /// Open positions.
    pub open_positions: u16,
    /// True when the strategy was benched.
    pub is_benched: bool,
}

/// Figures of one symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MarketRow {
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
