//! A price-time-priority matching engine for one instrument.
//!
//! Orders are integers on the instrument's own grid; the engine never sees a float, a clock or a
//! socket. Every accepted order and cancel appends what it changed, in order, to a list the caller
//! owns: each fill as a trade, and each touched price level once with its new total. An order costs
//! O(log levels) plus its fills; a cancel also scans the queue of its own price level.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;

use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::num::{Px, Qty};
use paperwire_core::time::ExchNs;

/// What an order does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    /// Takes asks, rests as a bid.
    Buy,
    /// Takes bids, rests as an ask.
    Sell,
}

/// Which half of the book a level is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BookSide {
    /// Resting buy orders, best is highest.
    Bid,
    /// Resting sell orders, best is lowest.
    Ask,
}

impl Side {
    /// The other direction.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }

    /// Where the rest of such an order waits.
    pub const fn rests_on(self) -> BookSide {
        match self {
            Self::Buy => BookSide::Bid,
            Self::Sell => BookSide::Ask,
        }
    }

    /// The word on the wire.
    pub const fn as_wire(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

impl BookSide {
    /// The other half.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Bid => Self::Ask,
            Self::Ask => Self::Bid,
        }
    }

    /// Ascending in this key means best first, on both halves.
    pub(crate) const fn rank(self, px: Px) -> i64 {
        match self {
            Self::Bid => -px.raw(),
            Self::Ask => px.raw(),
        }
    }

    /// The price of a rank.
    pub(crate) const fn px_of_rank(self, rank: i64) -> Px {
        Px::new(match self {
            Self::Bid => -rank,
            Self::Ask => rank,
        })
    }
}

/// How the taker of a trade had sent its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrdType {
    /// With a price limit.
    Limit,
    /// At any price.
    Market,
}

impl OrdType {
    /// The word on the wire.
    pub const fn as_wire(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Market => "market",
        }
    }
}

/// Number of an order, ascending per instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId(pub u64);

/// An order as it is sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Direction.
    pub side: Side,
    /// How much.
    pub qty: Qty,
    /// At what terms.
    pub kind: OrderKind,
}

/// Terms of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderKind {
    /// Takes up to its price, the rest waits in the book.
    Limit(Px),
    /// Waits in the book; refused if it would take.
    PostOnly(Px),
    /// Takes up to its price, the rest is dropped.
    Ioc(Px),
    /// Takes at any price, the rest is dropped.
    Market,
}

impl OrderKind {
    const fn limit(self) -> Option<Px> {
        match self {
            Self::Limit(px) | Self::PostOnly(px) | Self::Ioc(px) => Some(px),
            Self::Market => None,
        }
    }

    const fn rests(self) -> bool {
        matches!(self, Self::Limit(_) | Self::PostOnly(_))
    }
}

/// What became of an accepted order at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its number, needed to cancel what rests.
    pub id: OrderId,
    /// How much traded.
    pub filled: Qty,
    /// How much waits in the book now.
    pub resting: Qty,
}

/// Why an order was not accepted; nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reject {
    /// The pair takes no such order now.
    #[error("the pair's status does not allow this order")]
    Status,
    /// Not positive, or not a multiple of the price increment.
    #[error("price is not on the tick grid")]
    Tick,
    /// Not a multiple of the quantity increment.
    #[error("quantity is not on the lot grid")]
    Lot,
    /// Under the smallest quantity.
    #[error("quantity below the minimum")]
    QtyMin,
    /// Under the smallest value.
    #[error("value below the minimum")]
    CostMin,
    /// A post-only order that would have traded.
    #[error("post-only order would take liquidity")]
    WouldTake,
}

/// The order is not in the book: filled, cancelled, or never there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("order {0:?} does not rest in the book")]
pub struct NotResting(pub OrderId);

/// One public trade: one taker against one resting order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// Sequential per pair.
    pub trade_id: u64,
    /// Engine time.
    pub at: ExchNs,
    /// Price of the resting order.
    pub px: Px,
    /// How much changed hands.
    pub qty: Qty,
    /// Direction of the taker.
    pub taker: Side,
    /// Order type of the taker.
    pub ord_type: OrdType,
}

/// One thing that an order or a cancel changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A trade happened.
    Trade(Trade),
    /// The total at a price is now this; zero means the level is gone.
    Level {
        /// Half of the book.
        side: BookSide,
        /// Price of the level.
        px: Px,
        /// New total.
        qty: Qty,
    },
}

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
            self.rest(id, order.side.rests_on(), px, left, changes);
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
        let rank = side.rank(px);
        let half = self.half_mut(side);
        let level = half.get_mut(&rank).expect("an indexed order has its level");
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
            half.remove(&rank);
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
        self.half(side).iter().map(move |(&rank, level)| (side.px_of_rank(rank), level.total))
    }

    /// The level next worse than a price.
    pub fn next_after(&self, side: BookSide, px: Px) -> Option<(Px, Qty)> {
        let worse = (Bound::Excluded(side.rank(px)), Bound::Unbounded);
        let (&rank, level) = self.half(side).range(worse).next()?;
        Some((side.px_of_rank(rank), level.total))
    }

    /// How many price levels a half has.
    pub fn level_count(&self, side: BookSide) -> usize {
        self.half(side).len()
    }

    /// The order first in the queue at the best price.
    pub fn front(&self, side: BookSide) -> Option<(OrderId, Px, Qty)> {
        let (&rank, level) = self.half(side).first_key_value()?;
        level.queue.front().map(|order| (order.id, side.px_of_rank(rank), order.qty))
    }

    /// Where an order rests, if it does.
    pub fn find(&self, id: OrderId) -> Option<(BookSide, Px)> {
        self.resting.get(&id).copied()
    }

    /// True if the best bid reaches the best ask, which never happens.
    pub fn is_crossed(&self) -> bool {
        match (self.best(BookSide::Bid), self.best(BookSide::Ask)) {
            (Some((bid, _)), Some((ask, _))) => bid >= ask,
            _ => false,
        }
    }

    /// The number the next trade will have.
    pub const fn next_trade_id(&self) -> u64 {
        self.next_trade
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
        let opposite = order.side.rests_on().opposite();
        let takes = self.best(opposite).is_some_and(|(best, _)| reaches(opposite, best, px));
        if takes && matches!(order.kind, OrderKind::PostOnly(_)) {
            return Err(Reject::WouldTake);
        }
        Ok(())
    }

    /// Fills the order against the opposite half and returns what is left of it.
    fn take(&mut self, order: Order, now: ExchNs, changes: &mut Vec<Change>) -> Qty {
        let side = order.side.rests_on().opposite();
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
            let px = side.px_of_rank(*entry.key());
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
        let level = self.half_mut(side).entry(side.rank(px)).or_default();
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
    side.rank(px) <= side.rank(limit)
}

#[cfg(test)]
mod tests;
