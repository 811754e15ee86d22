//! From a signal to an order: everything that can be known before the venue sees it.
//!
//! What is wrong is refused with its reason, counted and told; what is merely too large is cut to what
//! the account may hold. Quantities are whole lots, prices whole ticks.

use paperwire_core::account::{Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::limits::{PX_MAX, VALUE_MAX};
use paperwire_core::num::{Money, Px, Qty, pow10};
use paperwire_core::order::{OrderPrice, OrderSpec, OrderTrigger, TimeInForce};
use paperwire_core::strategy::{Action, Flip, RejectReason, Signal, Size};
use paperwire_core::time::ExchNs;
use paperwire_core::trade::OrderSide;

/// Kraken takes icebergs that show at least this part of the whole (its WebSocket page on
/// `add_order`, `display_qty`).
pub const ICEBERG_PARTS_MAX: i64 = 15;

/// What an order does to a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    /// Opens or adds.
    Enter,
    /// Only makes smaller.
    Exit,
}

/// An order without a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sized {
    /// Direction.
    pub side: OrderSide,
    /// Quantity.
    pub qty: Qty,
    /// What it does to a position.
    pub intent: Intent,
    /// It is to close all there is when it arrives.
    pub is_whole: bool,
    /// Price by which it was sized.
    pub px: Px,
}

/// What sizing looks at.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    /// The pair.
    pub instrument: &'a Instrument,
    /// The position before.
    pub position: &'a Position,
    /// The touch.
    pub bbo: Bbo,
    /// Value of one unit of the quote currency in the numeraire.
    pub quote_rate: Money,
    /// What an entry against the position does.
    pub flip: Flip,
    /// Now.
    pub at: ExchNs,
}

/// The position that an action opens, or `None` for one that closes.
const fn opened_by(action: Action) -> Option<PositionSide> {
    match action {
        Action::Buy => Some(PositionSide::Long),
        Action::Short => Some(PositionSide::Short),
        Action::Sell | Action::Cover | Action::Close => None,
        Action::Protect | Action::Cancel | Action::Replace => None,
    }
}

/// Checks an order's terms and finds its direction and wanted quantity.
///
/// # Errors
/// The [`RejectReason`].
pub fn size(signal: &Signal, look: &Look<'_>) -> Result<Sized, RejectReason> {
    check_spec(&signal.order, look)?;
    let held = look.position.side();
    let Some(opens) = opened_by(signal.action) else {
        return exit(signal, held, look);
    };
    check_status(&signal.order, Intent::Enter, look.instrument.status)?;
    let against = held.is_some_and(|held| held != opens);
    if against && look.flip == Flip::Reject {
        return Err(RejectReason::OppositePosition);
    }
    if signal.order.is_reduce_only && !against {
        return Err(RejectReason::NoPosition);
    }
    let side = match opens {
        PositionSide::Long => OrderSide::Buy,
        PositionSide::Short => OrderSide::Sell,
    };
    let px = sizing_px(&signal.order, side, look);
    let qty = look.instrument.floor_to_lot(quantity(signal.size, px, look)?);
    let sized = Sized { side, qty, intent: Intent::Enter, is_whole: false, px };
    if signal.order.is_reduce_only {
        return cut_exit(Sized { intent: Intent::Exit, ..sized }, look);
    }
    Ok(sized)
}

/// Cuts an entry to the room that is left.
///
/// # Errors
/// `why` when the rest is below the minimum, [`RejectReason::BelowMinimum`] when the wish itself was.
pub fn cut(
    sized: Sized,
    room: Money,
    why: RejectReason,
    look: &Look<'_>,
) -> Result<Sized, RejectReason> {
    let most = if room > 0 {
        // Only a room for more lots than can be counted has no number.
        quantity(Size::Notional(room), sized.px, look).unwrap_or(sized.qty)
    } else {
        Qty::ZERO
    };
    let of = look.instrument;
    let qty = of.floor_to_lot(sized.qty.min(most));
    if is_below_minimum(qty, sized.px, of) {
        return Err(if most < sized.qty { why } else { RejectReason::BelowMinimum });
    }
    Ok(Sized { qty, ..sized })
}

/// True for less than the venue takes.
pub fn is_below_minimum(qty: Qty, px: Px, of: &Instrument) -> bool {
    let value = of.try_money(px.notional(qty));
    qty.is_zero() || qty < of.qty_min || value.is_some_and(|value| value < of.cost_min)
}

fn exit(
    signal: &Signal,
    held: Option<PositionSide>,
    look: &Look<'_>,
) -> Result<Sized, RejectReason> {
    let closes = match signal.action {
        Action::Sell => Some(PositionSide::Long),
        Action::Cover => Some(PositionSide::Short),
        _ => held,
    };
    let (Some(held), true) = (held, held == closes) else {
        return Err(RejectReason::NoPosition);
    };
    check_status(&signal.order, Intent::Exit, look.instrument.status)?;
    let is_whole = signal.action == Action::Close || signal.size == Size::All;
    let side = held.closing();
    let px = sizing_px(&signal.order, side, look);
    let all = look.position.qty();
    let qty = if is_whole { all } else { quantity(signal.size, px, look)? };
    cut_exit(Sized { side, qty, intent: Intent::Exit, is_whole, px }, look)
}

/// Cuts an exit to the position; a rest that could never be sold alone goes with it.
///
/// # Errors
/// [`RejectReason::BelowMinimum`] for less than the venue takes, unless it is all there is.
pub fn cut_exit(sized: Sized, look: &Look<'_>) -> Result<Sized, RejectReason> {
    let all = look.position.qty();
    let qty = look.instrument.floor_to_lot(sized.qty).min(all);
    let is_swept = qty < all && all - qty < look.instrument.qty_min;
    let qty = if is_swept { all } else { qty };
    if qty != all && is_below_minimum(qty, sized.px, look.instrument) {
        return Err(RejectReason::BelowMinimum);
    }
    Ok(Sized { qty, is_whole: sized.is_whole || is_swept, ..sized })
}

/// The price at which the quantity is worth the wanted amount.
fn sizing_px(spec: &OrderSpec, side: OrderSide, look: &Look<'_>) -> Px {
    match (spec.price, spec.trigger) {
        (OrderPrice::Limit(px), None) if side == OrderSide::Sell => px.max(look.bbo.bid.px),
        (OrderPrice::Limit(px), _) => px,
        (OrderPrice::Market, Some(OrderTrigger::Stop(px))) if side == OrderSide::Buy => {
            px.max(look.bbo.ask.px)
        }
        (OrderPrice::Market, Some(OrderTrigger::Stop(px) | OrderTrigger::TakeProfit(px))) => px,
        (OrderPrice::Market, _) if side == OrderSide::Buy => look.bbo.ask.px,
        (OrderPrice::Market, _) => look.bbo.bid.px,
    }
}

/// Whether the venue takes such an order in this status.
///
/// # Errors
/// [`RejectReason::VenueClosed`].
pub fn check_status(
    spec: &OrderSpec,
    intent: Intent,
    status: TradingStatus,
) -> Result<(), RejectReason> {
    let is_taken = match status {
        TradingStatus::Online => true,
        TradingStatus::PostOnly => spec.is_post_only,
        TradingStatus::LimitOnly => spec.limit_px().is_some(),
        TradingStatus::ReduceOnly => intent == Intent::Exit,
        TradingStatus::CancelOnly | TradingStatus::Closed => false,
    };
    if is_taken { Ok(()) } else { Err(RejectReason::VenueClosed) }
}

/// Checks a price of an order.
///
/// # Errors
/// [`RejectReason::BadPrice`].
pub fn check_px(px: Px, of: &Instrument) -> Result<(), RejectReason> {
    let is_price = px > Px::ZERO && px <= PX_MAX;
    let is_good = is_price && px.raw() % of.price_increment.raw() == 0;
    if is_good { Ok(()) } else { Err(RejectReason::BadPrice) }
}

fn check_spec(spec: &OrderSpec, look: &Look<'_>) -> Result<(), RejectReason> {
    if let Some(px) = spec.limit_px() {
        check_px(px, look.instrument)?;
    }
    if let Some(OrderTrigger::Stop(px) | OrderTrigger::TakeProfit(px)) = spec.trigger {
        check_px(px, look.instrument)?;
    }
    let rests =
        spec.limit_px().is_some() && !matches!(spec.tif, TimeInForce::Ioc | TimeInForce::Fok);
    let is_late = matches!(spec.tif, TimeInForce::Gtd(until) if until <= look.at);
    let is_odd = (spec.is_post_only || spec.display.is_some()) && !rests;
    let hides_too_much = spec.display.is_some_and(|display| display < look.instrument.qty_min);
    if is_late || is_odd || hides_too_much { Err(RejectReason::BadTerms) } else { Ok(()) }
}

/// Refuses an iceberg that shows too small a part of itself.
///
/// # Errors
/// [`RejectReason::BadTerms`].
pub fn check_display(spec: &OrderSpec, qty: Qty) -> Result<(), RejectReason> {
    match spec.display {
        Some(display) if display.raw().saturating_mul(ICEBERG_PARTS_MAX) < qty.raw() => {
            Err(RejectReason::BadTerms)
        }
        _ => Ok(()),
    }
}

/// A size as a quantity at `px`, rounded down.
///
/// # Errors
/// [`RejectReason::BadSize`].
pub fn quantity(size: Size, px: Px, look: &Look<'_>) -> Result<Qty, RejectReason> {
    let bad = RejectReason::BadSize;
    let notional = match size {
        Size::All => return Ok(look.position.qty()),
        Size::Base(qty) if qty.raw() > 0 => return Ok(qty),
        Size::Base(_) => return Err(bad),
        Size::Notional(notional) => notional,
    };
    if notional <= 0 || look.quote_rate <= 0 || px.raw() <= 0 {
        return Err(bad);
    }
    let of = look.instrument;
    let unit = i128::from(pow10(of.price_precision)) * i128::from(pow10(of.qty_precision));
    // One division of whole numbers: dividing by the rate first would lose a lot to rounding.
    let price = look.quote_rate.to_bits().checked_mul(i128::from(px.raw())).ok_or(bad)?;
    if notional > VALUE_MAX {
        return Err(bad);
    }
    let (mut wanted, mut price) = (notional.to_bits(), price);
    while wanted.checked_mul(unit).is_none() {
        wanted >>= 1;
        price = (price >> 1) + 1; // up: never too much
    }
    let scaled = wanted * unit;
    let qty = i64::try_from(scaled / price).map_err(|_| bad)?;
    Ok(Qty::new(qty))
}

#[cfg(test)]
mod tests;
