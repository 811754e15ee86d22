//! How an order meets the market: the one place that decides what a fill is.
//!
//! This model: a market order walks the visible, live, verified book at the moment of the event that
//! caused it, pays the taker fee on every level, and is filled as far as the book is visible. No
//! latency, no queue, no own impact on later orders.

use paperwire_core::account::{Position, PositionSide};
use paperwire_core::book::Level;
use paperwire_core::checksum::CHECKED_LEVELS;
use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::num::{Money, Notional, Px, Qty, pow10};
use paperwire_core::strategy::{Action, ExitLevel, RejectReason, Signal, Size};
use paperwire_core::trade::OrderSide;

/// Named wherever money is shown.
pub const FILL_MODEL: &str = "book_walk (visible book, no latency, no queue)";

/// A walk through the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// Filled quantity.
    pub qty: Qty,
    /// Sum of price times quantity.
    pub notional: Notional,
    /// Price of the last level taken.
    pub worst_px: Px,
    /// Levels taken from.
    pub levels: u16,
}

impl Walk {
    /// The average price, rounded to the price precision, for display and for percentages.
    pub fn average_px(&self) -> Px {
        let qty = i128::from(self.qty.raw());
        let rounded = (self.notional.raw() + qty / 2).div_euclid(qty);
        Px::new(i64::try_from(rounded).expect("an average lies between the prices it is of"))
    }

    /// True when it reached levels that no checksum covers.
    pub fn is_unverified_depth(&self) -> bool {
        usize::from(self.levels) > CHECKED_LEVELS
    }
}

/// Takes up to `qty` from `levels`, best first; `None` when nothing is there.
pub fn walk(levels: &[Level], qty: Qty) -> Option<Walk> {
    let mut left = qty;
    let mut walk = Walk { qty: Qty::ZERO, notional: Notional::ZERO, worst_px: Px::ZERO, levels: 0 };
    for level in levels {
        if left.raw() <= 0 {
            break;
        }
        let taken = left.min(level.qty);
        walk.qty += taken;
        walk.notional += level.px.notional(taken);
        walk.worst_px = level.px;
        walk.levels += 1;
        left -= taken;
    }
    (walk.levels > 0).then_some(walk)
}

/// What a signal comes down to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Open or add, by at most this quantity.
    Enter(OrderSide, Qty),
    /// Close this quantity.
    Exit(OrderSide, Qty),
    /// Set stop and target only.
    Protect,
}

/// What sizing needs to know.
#[derive(Clone, Copy, Debug)]
pub struct Sizing<'a> {
    /// The pair.
    pub instrument: &'a Instrument,
    /// The position before.
    pub position: &'a Position,
    /// Best executable price for a buy and for a sell.
    pub ask: Px,
    /// Best executable price for a sell.
    pub bid: Px,
    /// Value of one unit of the quote currency in the numeraire.
    pub quote_rate: Money,
    /// How much exposure may still be added, in the numeraire.
    pub room: Money,
}

/// Makes an order of a signal, or says why not.
///
/// # Errors
/// The [`RejectReason`].
pub fn intent(signal: &Signal, of: &Sizing<'_>) -> Result<Intent, RejectReason> {
    let held = of.position.side();
    let (opens, closes) = match signal.action {
        Action::Buy => (Some(PositionSide::Long), None),
        Action::Short => (Some(PositionSide::Short), None),
        Action::Sell => (None, Some(PositionSide::Long)),
        Action::Cover => (None, Some(PositionSide::Short)),
        Action::Close => (None, held),
        Action::Protect => {
            return if held.is_some() {
                Ok(Intent::Protect)
            } else {
                Err(RejectReason::NoPosition)
            };
        }
    };
    if let Some(side) = opens {
        if held.is_some_and(|held| held != side) {
            return Err(RejectReason::OppositePosition);
        }
        return enter(signal, of, side);
    }
    match (held, closes) {
        (Some(held), Some(wanted)) if held == wanted => {
            let is_whole = signal.action == Action::Close || signal.size == Size::All;
            let px = if held == PositionSide::Long { of.bid } else { of.ask };
            let qty = if is_whole { of.position.qty() } else { quantity(signal.size, px, of)? };
            let qty = of.instrument.floor_to_lot(qty).min(of.position.qty());
            // A rest that could never be sold alone goes with it.
            let rest = of.position.qty() - qty;
            let qty = if rest < of.instrument.qty_min { of.position.qty() } else { qty };
            Ok(Intent::Exit(held.closing(), qty))
        }
        _ => Err(RejectReason::NoPosition),
    }
}

fn enter(signal: &Signal, of: &Sizing<'_>, side: PositionSide) -> Result<Intent, RejectReason> {
    match of.instrument.status {
        TradingStatus::Online => {}
        TradingStatus::CancelOnly
        | TradingStatus::PostOnly
        | TradingStatus::LimitOnly
        | TradingStatus::ReduceOnly
        | TradingStatus::Closed => return Err(RejectReason::VenueClosed),
    }
    let (order, px) = match side {
        PositionSide::Long => (OrderSide::Buy, of.ask),
        PositionSide::Short => (OrderSide::Sell, of.bid),
    };
    let wanted = quantity(signal.size, px, of)?;
    if of.room <= 0 {
        return Err(RejectReason::NoFunds);
    }
    let most = quantity(Size::Notional(of.room), px, of).map_err(|_| RejectReason::NoFunds)?;
    let qty = of.instrument.floor_to_lot(wanted.min(most));
    let value = of.instrument.money(px.notional(qty));
    if qty < of.instrument.qty_min || qty.is_zero() || value < of.instrument.cost_min {
        let is_capped = most < wanted;
        return Err(if is_capped { RejectReason::NoFunds } else { RejectReason::BelowMinimum });
    }
    Ok(Intent::Enter(order, qty))
}

/// A size as a quantity at `px`, rounded down.
fn quantity(size: Size, px: Px, of: &Sizing<'_>) -> Result<Qty, RejectReason> {
    let bad = RejectReason::BadSize;
    let notional = match size {
        Size::All => return Ok(of.position.qty()),
        Size::Base(qty) if qty.raw() > 0 => return Ok(qty),
        Size::Base(_) => return Err(bad),
        Size::Notional(notional) => notional,
    };
    if notional <= 0 || of.quote_rate <= 0 || px.raw() <= 0 {
        return Err(bad);
    }
    let unit = i128::from(pow10(of.instrument.price_precision))
        * i128::from(pow10(of.instrument.qty_precision));
    // One division of whole numbers: dividing by the rate first would lose a lot to rounding.
    let scaled = notional.to_bits().checked_mul(unit).ok_or(bad)?;
    let price = of.quote_rate.to_bits().checked_mul(i128::from(px.raw())).ok_or(bad)?;
    let qty = i64::try_from(scaled / price).map_err(|_| bad)?;
    Ok(Qty::new(qty))
}

/// A stop and a target as prices, for a position of `side` entered at `entry`.
///
/// # Errors
/// [`RejectReason::BadExitLevel`] when a level lies on the wrong side of `now`, the price at which the
/// position could be closed.
pub fn exit_prices(
    signal: &Signal,
    side: PositionSide,
    entry: Px,
    now: Px,
    of: &Instrument,
) -> Result<(Option<Px>, Option<Px>), RejectReason> {
    let bad = RejectReason::BadExitLevel;
    let away = |percent: f64, up: bool| {
        let factor = if up { 1.0 + percent / 100.0 } else { 1.0 - percent / 100.0 };
        if percent > 0.0 { of.px_from_f64(of.px_f64(entry) * factor).ok_or(bad) } else { Err(bad) }
    };
    let is_long = side == PositionSide::Long;
    let stop = match signal.stop {
        ExitLevel::Keep => None,
        ExitLevel::At(px) if px.raw() > 0 && (if is_long { px < now } else { px > now }) => {
            Some(px)
        }
        ExitLevel::At(_) => return Err(bad),
        ExitLevel::PctFromFill(percent) => Some(away(percent, !is_long)?),
    };
    let target = match signal.target {
        ExitLevel::Keep => None,
        ExitLevel::At(px) if px.raw() > 0 && (if is_long { px > now } else { px < now }) => {
            Some(px)
        }
        ExitLevel::At(_) => return Err(bad),
        ExitLevel::PctFromFill(percent) => Some(away(percent, is_long)?),
    };
    Ok((stop, target))
}

#[cfg(test)]
mod tests;
