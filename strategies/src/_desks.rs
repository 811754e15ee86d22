//! What a strategy keeps of each of its pairs, its desk, and how fills open and close the position there.

use paperwire_core::account::{Fill, PositionSide};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::Money;
use paperwire_core::strategy::StartContext;
use paperwire_core::trade::OrderSide;
use paperwire_signals::breaker::CircuitBreaker;

/// One for each pair of the strategy, by symbol index; `None` for symbols of others.
pub(crate) fn of<D>(
    ctx: &StartContext<'_>,
    desk: impl Fn(SymbolId, &Instrument) -> D,
) -> Vec<Option<D>> {
    let mut desks: Vec<Option<D>> = ctx.instruments.iter().map(|_| None).collect();
    for id in ctx.symbols {
        desks[id.index()] = Some(desk(*id, &ctx.instruments[id.index()]));
    }
    desks
}

/// The direction of the position that a fill opened or added to; `None` when it closed some of one.
pub(crate) const fn opened(fill: &Fill) -> Option<PositionSide> {
    match fill.side {
        OrderSide::Buy if fill.lots_after > 0 => Some(PositionSide::Long),
        OrderSide::Sell if fill.lots_after < 0 => Some(PositionSide::Short),
        OrderSide::Buy | OrderSide::Sell => None,
    }
}

/// Takes in a fill that closed some of a position; true when nothing is left of it. `closed_net` is what the
/// parts closed before have earned.
pub(crate) fn on_closing(
    fill: &Fill,
    closed_net: &mut Money,
    breaker: &mut CircuitBreaker,
) -> bool {
    *closed_net += fill.net;
    if fill.lots_after != 0 {
        return false;
    }
    breaker.on_closed(std::mem::take(closed_net), fill.at);
    true
}
