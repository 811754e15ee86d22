//! What a trade costs and what an open one has earned. All in percent of the price.

use paperwire_core::account::{Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::Instrument;
use paperwire_core::num::Px;

/// What stays of an expected move after both fees and `k` spreads: `k` is 1 when both ways take, 0.5
/// when one waits, 0 when both do. Fees are fractions of the value.
pub const fn net_move_pct(
    move_pct: f64,
    fee_entry: f64,
    fee_exit: f64,
    spread_pct: f64,
    k: f64,
) -> f64 {
    move_pct - 100.0 * (fee_entry + fee_exit) - k * spread_pct
}

/// Average price of an open position, in the quote currency; `None` when flat.
pub fn entry_price(position: &Position, instrument: &Instrument) -> Option<f64> {
    position.side()?;
    let qty = instrument.qty_f64(position.qty());
    Some(position.cost.to_num::<f64>().abs() / qty)
}

/// Profit before costs of a position entered at `entry` and left at `exit`.
pub fn profit_pct(side: PositionSide, entry: f64, exit: f64) -> f64 {
    100.0 * sign(side) * (exit - entry) / entry
}

/// +1 for a long, -1 for a short.
pub const fn sign(side: PositionSide) -> f64 {
    match side {
        PositionSide::Long => 1.0,
        PositionSide::Short => -1.0,
    }
}

/// The other direction.
pub const fn opposite(side: PositionSide) -> PositionSide {
    match side {
        PositionSide::Long => PositionSide::Short,
        PositionSide::Short => PositionSide::Long,
    }
}

/// The touch at which a position of this direction is entered.
pub const fn entry_touch(side: PositionSide, bbo: &Bbo) -> Px {
    match side {
        PositionSide::Long => bbo.ask.px,
        PositionSide::Short => bbo.bid.px,
    }
}

/// The touch at which a position of this direction is left.
pub const fn exit_touch(side: PositionSide, bbo: &Bbo) -> Px {
    match side {
        PositionSide::Long => bbo.bid.px,
        PositionSide::Short => bbo.ask.px,
    }
}

#[cfg(test)]
mod tests;
