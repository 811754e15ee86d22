//! A price-time-priority matching engine for one instrument.
//!
//! Orders are integers on the instrument's own grid; the engine never sees a float, a clock or a
//! socket. Every accepted order and cancel appends what it changed, in order, to a list the caller
//! owns: each fill as a trade, and each touched price level once with its new total. An order costs
//! O(log levels) plus its fills; a cancel also scans the queue of its own price level.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

mod order;
mod side;

pub use order::{Change, NotResting, OrdType, Order, OrderId, OrderKind, Receipt, Reject, Trade};
pub(crate) use side::{px_of_rank, rank, rests_on, takes_from};

#[derive(Clone, Copy, Debug)]
struct Resting {
    id: OrderId,
    qty: Qty,
}

#[derive(Debug, Default)]
struct Level {
    total: Qty,
    queue: VecDeque<Resting>,
}

/// Levels by rank, so the first entry is the best of either half.
type Half = BTreeMap<i64, Level>;

/// The order book of one instrument and the rules of its matching.
#[derive(Debug)]
pub struct Engine {
    instrument: Instrument,
    bids: Half,
    asks: Half,
    /// Looked up only, never iterated: its order is not part of any result.
    resting: HashMap<OrderId, (BookSide, Px)>,
    next_order: u64,
    next_trade: u64,
}

impl Engine {
    /// An empty book whose first trade will be `first_trade_id`.
    pub fn new(instrument: Instrument, first_trade_id: u64) -> Self {
        assert!(instrument.price_increment.raw() > 0, "a tick is positive");
        assert!(instrument.qty_increment.raw() > 0, "a lot is positive");
        Self {
            instrument,
            bids: Half::new(),
            asks: Half::new(),
            resting: HashMap::new(),
            next_order: 1,
            next_trade: first_trade_id,
        }
    }

    /// The pair's rules.
    pub const fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    /// Opens or closes the pair.
    pub const fn set_status(&mut self, status: TradingStatus) {
        self.instrument.status = status;
    }

    /// Takes an order in: it trades, rests or is refused, and `changes` says what moved.
    ///
    /// # Errors
    /// [`Reject`] when the order breaks a rule of the pair; the book is then as before.
    pub fn submit(
        &mut self,
        order: Order,
        now: ExchNs,
        changes: &mut Vec<Change>,
    ) -> Result<Receipt, Reject> {
        self.check(order)?;
        let id = OrderId(self.next_order);
        self.next_order += 1;
        let left = self.take(order, now, changes);
        let filled = order.qty - left;
        let mut resting = Qty::ZERO;
        if let (true, Some(px)) = (order.kind.rests() && !left.is_zero(), order.kind.limit()) {
            self.rest(id, rests_on(order.side), px, left, changes);
            resting = left;
        }
        debug_assert!(!self.is_crossed(), "matching leaves no crossed book");
        Ok(Receipt { id, filled, resting })
    }

    /// Takes what is left of an order out of the book and says how much that was.
    ///
    /// # Errors
    /// [`NotResting`] when it is not there any more.
    pub fn cancel(&mut self, id: OrderId, changes: &mut Vec<Change>) -> Result<Qty, NotResting> {
        let (side, px) = self.resting.remove(&id).ok_or(NotResting(id))?;
        let key = rank(side, px);
        let half = self.half_mut(side);
        let level = half.get_mut(&key).expect("an indexed order has its level");
        let at = level.queue.iter().position(|o| o.id == id).expect("and its place in the queue");
        let order = level.queue.remove(at).expect("the position was just found");
        level.total -= order.qty;
        let qty = level.total;
        assert_eq!(
            qty.is_zero(),
            level.queue.is_empty(),
            "a level's total is the sum of its queue"
        );
        if qty.is_zero() {
            half.remove(&key);
        }
        changes.push(Change::Level { side, px, qty });
        Ok(order.qty)
    }

    /// The best price of a half and the total there.
    pub fn best(&self, side: BookSide) -> Option<(Px, Qty)> {
        self.levels(side).next()
    }

    /// Levels of a half, best first.
    pub fn levels(&self, side: BookSide) -> impl Iterator<Item = (Px, Qty)> + '_ {
        self.half(side).iter().map(move |(&key, level)| (px_of_rank(side, key), level.total))
    }

    /// The level next worse than a price.
    pub fn next_after(&self, side: BookSide, px: Px) -> Option<(Px, Qty)> {
        let worse = (Bound::Excluded(rank(side, px)), Bound::Unbounded);
        let (&key, level) = self.half(side).range(worse).next()?;
        Some((px_of_rank(side, key), level.total))
    }

    /// How many price levels a half has.
    pub fn level_count(&self, side: BookSide) -> usize {
        self.half(side).len()
    }

    /// The order first in the queue at the best price.
    pub fn front(&self, side: BookSide) -> Option<(OrderId, Px, Qty)> {
        let (&key, level) = self.half(side).first_key_value()?;
        level.queue.front().map(|order| (order.id, px_of_rank(side, key), order.qty))
    }

    /// Where an order rests, if it does.
    pub fn find(&self, id: OrderId) -> Option<(BookSide, Px)> {
        self.resting.get(&id).copied()
    }

    /// How much of an order still waits in the book; `None` when it is not there.
    pub fn left(&self, id: OrderId) -> Option<Qty> {
        let (side, px) = self.find(id)?;
        let level = self.half(side).get(&rank(side, px)).expect("an indexed order has its level");
        level.queue.iter().find(|order| order.id == id).map(|order| order.qty)
    }

    /// True if the best bid reaches the best ask, which never happens.
    pub fn is_crossed(&self) -> bool {
        match (self.best(BookSide::Bid), self.best(BookSide::Ask)) {
            (Some((bid, _)), Some((ask, _))) => bid >= ask,
            _ => false,
        }
    }

    fn check(&self, order: Order) -> Result<(), Reject> {
        let rules = &self.instrument;
        let allowed = match rules.status {
            TradingStatus::Online | TradingStatus::ReduceOnly => true,
            TradingStatus::PostOnly => matches!(order.kind, OrderKind::PostOnly(_)),
            TradingStatus::LimitOnly => order.kind != OrderKind::Market,
            TradingStatus::CancelOnly | TradingStatus::Closed => false,
        };
        if !allowed {
            return Err(Reject::Status);
        }
        if order.qty.raw() % rules.qty_increment.raw() != 0 {
            return Err(Reject::Lot);
        }
        if order.qty < rules.qty_min || order.qty.raw() <= 0 {
            return Err(Reject::QtyMin);
        }
        let Some(px) = order.kind.limit() else {
            return Ok(());
        };
        if px.raw() <= 0 || px.raw() % rules.price_increment.raw() != 0 {
            return Err(Reject::Tick);
        }
        if rules.money(px.notional(order.qty)) < rules.cost_min {
            return Err(Reject::CostMin);
        }
        let opposite = takes_from(order.side);
        let takes = self.best(opposite).is_some_and(|(best, _)| reaches(opposite, best, px));
        if takes && matches!(order.kind, OrderKind::PostOnly(_)) {
            return Err(Reject::WouldTake);
        }
        Ok(())
    }

    /// Fills the order against the opposite half and returns what is left of it.
    fn take(&mut self, order: Order, now: ExchNs, changes: &mut Vec<Change>) -> Qty {
        let side = takes_from(order.side);
        let ord_type = match order.kind {
            OrderKind::Market => OrdType::Market,
            OrderKind::Limit(_) | OrderKind::PostOnly(_) | OrderKind::Ioc(_) => OrdType::Limit,
        };
        let half = match side {
            BookSide::Bid => &mut self.bids,
            BookSide::Ask => &mut self.asks,
        };
        let mut left = order.qty;
        while !left.is_zero() {
            let Some(mut entry) = half.first_entry() else {
                break;
            };
            let px = px_of_rank(side, *entry.key());
            if order.kind.limit().is_some_and(|limit| !reaches(side, px, limit)) {
                break;
            }
            let level = entry.get_mut();
            while let (false, Some(maker)) = (left.is_zero(), level.queue.front_mut()) {
                let qty = left.min(maker.qty);
                maker.qty -= qty;
                level.total -= qty;
                left -= qty;
                if maker.qty.is_zero() {
                    self.resting.remove(&maker.id);
                    level.queue.pop_front();
                }
                let trade_id = self.next_trade;
                self.next_trade += 1;
                let taker = order.side;
                changes.push(Change::Trade(Trade { trade_id, at: now, px, qty, taker, ord_type }));
            }
            let qty = level.total;
            if level.queue.is_empty() {
                assert!(qty.is_zero(), "an empty queue has no total");
                entry.remove();
            }
            changes.push(Change::Level { side, px, qty });
        }
        left
    }

    fn rest(&mut self, id: OrderId, side: BookSide, px: Px, qty: Qty, changes: &mut Vec<Change>) {
        assert!(qty.raw() > 0, "nothing empty rests");
        let level = self.half_mut(side).entry(rank(side, px)).or_default();
        level.queue.push_back(Resting { id, qty });
        level.total += qty;
        changes.push(Change::Level { side, px, qty: level.total });
        let earlier = self.resting.insert(id, (side, px));
        assert!(earlier.is_none(), "order numbers are used once");
    }

    const fn half(&self, side: BookSide) -> &Half {
        match side {
            BookSide::Bid => &self.bids,
            BookSide::Ask => &self.asks,
        }
    }

    const fn half_mut(&mut self, side: BookSide) -> &mut Half {
        match side {
            BookSide::Bid => &mut self.bids,
            BookSide::Ask => &mut self.asks,
        }
    }
}

/// Whether a level of `side` at `px` is within reach of an opposite order limited to `limit`.
const fn reaches(side: BookSide, px: Px, limit: Px) -> bool {
    rank(side, px) <= rank(side, limit)
}

#[cfg(test)]
mod tests;
