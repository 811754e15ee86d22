//! Public trades and the tape of recent taker orders.

use crate::fixed_ring::FixedRing;
use crate::ladder::BookSide;
use crate::limits::TAPE_LEN;
use crate::num::{Notional, Px, Qty};
use crate::time::ExchNs;

/// Direction of an order or of the taker of a trade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum OrderSide {
    /// Takes from the asks.
    #[default]
    Buy,
    /// Takes from the bids.
    Sell,
}

impl OrderSide {
    /// The other direction.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// The side of the book it takes from.
    pub const fn takes(self) -> BookSide {
        match self {
            Self::Buy => BookSide::Ask,
            Self::Sell => BookSide::Bid,
        }
    }

    /// The side of the book it rests on.
    pub const fn rests(self) -> BookSide {
        match self {
            Self::Buy => BookSide::Bid,
            Self::Sell => BookSide::Ask,
        }
    }

    /// True when a price of `px` or better is one that an order limited to `limit` accepts.
    pub const fn accepts(self, limit: Px, px: Px) -> bool {
        match self {
            Self::Buy => px.raw() <= limit.raw(),
            Self::Sell => px.raw() >= limit.raw(),
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// One print of the trade channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TradeTick {
    /// When the exchange matched it.
    pub at: ExchNs,
    /// Price.
    pub px: Px,
    /// Quantity.
    pub qty: Qty,
    /// Sequential per pair.
    pub trade_id: i64,
    /// The taker's side.
    pub taker: OrderSide,
    /// True when the taker sent a market order, false for a limit order.
    pub is_market: bool,
}

/// One taker order on the tape: the prints of one sweep (same instant, same side) are one entry,
/// so that "fifty trades" means fifty decisions and not one order through fifty makers.
#[derive(Clone, Copy, Debug, Default)]
pub struct TapeEntry {
    /// When it was matched.
    pub at: ExchNs,
    /// Price of its last print.
    pub px: Px,
    /// Whole quantity.
    pub qty: Qty,
    /// The taker's side.
    pub taker: OrderSide,
    /// Prints that make it up.
    pub prints: u32,
    /// Running totals of the session up to and including this entry.
    sums: Sums,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    buy_qty: i128,
    sell_qty: i128,
    notional: i128,
}

/// Sums over a window of the tape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// Bought by takers, in lots.
    pub buy_qty: i128,
    /// Sold by takers, in lots.
    pub sell_qty: i128,
    /// Price times quantity over both.
    pub notional: Notional,
    /// Entries in the window.
    pub entries: usize,
}

impl Flow {
    /// `(buy - sell) / (buy + sell)` by base quantity, in `-1.0 ..= 1.0`.
    #[expect(clippy::cast_precision_loss, reason = "a signal in f64")]
    pub fn imbalance(&self) -> Option<f64> {
        let total = self.buy_qty + self.sell_qty;
        (total > 0).then(|| (self.buy_qty - self.sell_qty) as f64 / total as f64)
    }

    /// Volume-weighted average price in units of the price precision.
    #[expect(clippy::cast_precision_loss, reason = "a signal in f64")]
    pub fn vwap_units(&self) -> Option<f64> {
        let total = self.buy_qty + self.sell_qty;
        (total > 0).then(|| self.notional.raw() as f64 / total as f64)
    }
}

/// The newest [`TAPE_LEN`] taker orders; any window's sums cost two subtractions. Totals of the session
/// may wrap around: the sums of a window, as differences, are exact all the same.
#[derive(Debug)]
pub struct TradeTape {
    entries: FixedRing<TapeEntry>,
    /// Totals up to the entry that left the ring last.
    base: Sums,
    prints: u64,
}

impl Default for TradeTape {
    fn default() -> Self {
        Self::new()
    }
}

impl TradeTape {
    /// An empty tape.
    pub fn new() -> Self {
        Self { entries: FixedRing::new(TAPE_LEN), base: Sums::default(), prints: 0 }
    }

    /// Adds a print; prints of one sweep join the entry before.
    pub fn push(&mut self, trade: &TradeTick) {
        self.prints += 1;
        let qty = i128::from(trade.qty.raw());
        let add = |sums: &mut Sums| {
            match trade.taker {
                OrderSide::Buy => sums.buy_qty = sums.buy_qty.wrapping_add(qty),
                OrderSide::Sell => sums.sell_qty = sums.sell_qty.wrapping_add(qty),
            }
            sums.notional = sums.notional.wrapping_add(trade.px.notional(trade.qty).raw());
        };
        let mut sums = Sums::default();
        if let Some(last) = self.entries.newest_mut() {
            if last.at == trade.at && last.taker == trade.taker {
                last.px = trade.px;
                last.qty = last.qty.saturating_add(trade.qty);
                last.prints = last.prints.saturating_add(1);
                add(&mut last.sums);
                return;
            }
            sums = last.sums;
        }
        add(&mut sums);
        let entry = TapeEntry {
            at: trade.at,
            px: trade.px,
            qty: trade.qty,
            taker: trade.taker,
            prints: 1,
            sums,
        };
        if let Some(evicted) = self.entries.push(entry) {
            self.base = evicted.sums;
        }
    }

    /// Sums over the newest `window` entries, or over all when there are fewer.
    pub fn flow(&self, window: usize) -> Flow {
        self.flow_between(window, 0)
    }

    /// Sums over `window` entries that end `skip` entries before the newest.
    pub fn flow_between(&self, window: usize, skip: usize) -> Flow {
        let entries = window.min(self.entries.len().saturating_sub(skip));
        let upto = self.entries.newest(skip).map_or(self.base, |entry| entry.sums);
        let from = self.entries.newest(skip + entries).map_or(self.base, |entry| entry.sums);
        Flow {
            buy_qty: upto.buy_qty.wrapping_sub(from.buy_qty),
            sell_qty: upto.sell_qty.wrapping_sub(from.sell_qty),
            notional: Notional::new(upto.notional.wrapping_sub(from.notional)),
            entries,
        }
    }

    /// The entry `age` places before the newest.
    pub fn newest(&self, age: usize) -> Option<&TapeEntry> {
        self.entries.newest(age)
    }

    /// Entries held.
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// True before the first trade.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Taker orders ever seen: the counter for cooldowns, which never stops at the capacity.
    pub const fn total(&self) -> u64 {
        self.entries.total()
    }

    /// Prints ever seen.
    pub const fn prints(&self) -> u64 {
        self.prints
    }
}

#[cfg(test)]
mod tests;
