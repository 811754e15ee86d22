//! What an account holds and what happened to it, as values any room can read.

use crate::instrument::SymbolId;
use crate::num::{Money, Px, Qty};
use crate::strategy::Reason;
use crate::time::ExchNs;
use crate::trade::OrderSide;

/// Index of a strategy instance in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct StratId(pub u16);

impl StratId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Number of an order within the run, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OrderId(pub u64);

/// Number of a fill within the run, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FillId(pub u64);

/// Direction of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PositionSide {
    /// Owns the base asset.
    Long,
    /// Owes the base asset.
    Short,
}

impl PositionSide {
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
    /// When it was opened from flat.
    pub entered_at: ExchNs,
    /// Closes it at or beyond this price on the executable side.
    pub stop: Option<Px>,
    /// Closes it at or beyond this price on the executable side.
    pub target: Option<Px>,
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
}

/// What made an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Trigger {
    /// A strategy's signal.
    Strategy,
    /// The position's stop.
    StopLoss,
    /// The position's target.
    TakeProfit,
    /// The end of the session with `--flatten`.
    SessionEnd,
}

impl Trigger {
    /// The word used in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strategy => "strategy",
            Self::StopLoss => "stop_loss",
            Self::TakeProfit => "take_profit",
            Self::SessionEnd => "session_end",
        }
    }
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
    /// Exchange time of the event that caused it.
    pub at: ExchNs,
    /// Direction.
    pub side: OrderSide,
    /// Executed quantity.
    pub qty: Qty,
    /// Average price, rounded to the price precision for display; `value` is exact.
    pub px: Px,
    /// Worst level taken.
    pub worst_px: Px,
    /// Levels taken from.
    pub levels: u16,
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

/// A strategy's own account, read-only.
#[derive(Clone, Copy, Debug)]
pub struct AccountView<'a> {
    /// Cash in the numeraire.
    pub cash: Money,
    /// Cash and the marked value of every position at the last mark.
    pub equity: Money,
    /// Positions by symbol index.
    pub positions: &'a [Position],
    /// Fee of taking, as a fraction of the value.
    pub taker_fee: Money,
}

impl AccountView<'_> {
    /// The position in one symbol.
    pub fn position(&self, symbol: SymbolId) -> &Position {
        &self.positions[symbol.index()]
    }
}
