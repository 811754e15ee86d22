//! What a regime changes about a strategy's entries, as a table: name, regime, adjustment.
//!
//! Only for strategies that ask for it. A name that has no rows of its own has neutral ones, and then only
//! volatility, confidence and restlessness scale its size. Nothing here is for exits: a position that
//! is open must be able to leave in the worst of markets, and there above all.

use paperwire_core::account::PositionSide;
use paperwire_core::num::{Money, Qty};
use paperwire_core::regime::{Adjustment, CHANGES_MAX, RegimeState, TrendRegime, VolatilityState};
use paperwire_core::strategy::{Action, ExitLevel, Signal, Size};

/// Factors on size by volatility: low, medium, high, extreme.
const VOLATILITY_SIZE: [f64; 4] = [1.2, 1.0, 0.7, 0.3];
/// Confidence below which size shrinks with it.
const CONFIDENCE_MIN: f64 = 0.5;
/// Factor on size while the label changes too often.
const RESTLESS_SIZE: f64 = 0.7;

/// One row of five: strong bull, bull, sideways, bear, strong bear.
type Row = [Adjustment; TrendRegime::ALL.len()];

const NEUTRAL: Adjustment = Adjustment::NEUTRAL;

/// The same on both sides: strong, plain, sideways.
const fn row(strong: Adjustment, plain: Adjustment, sideways: Adjustment) -> Row {
    [strong, plain, sideways, plain, strong]
}

const fn sized(size: f64) -> Adjustment {
    Adjustment { size, ..NEUTRAL }
}

const fn off(of: Adjustment) -> Adjustment {
    Adjustment { is_enabled: false, ..of }
}

const MEAN_REVERSION: Row = row(
    off(Adjustment { size: 0.3, stop: 2.0, entry_shift: 0.5, ..NEUTRAL }),
    Adjustment { size: 0.6, stop: 1.5, entry_shift: 0.3, ..NEUTRAL },
    Adjustment { target: 0.8, ..NEUTRAL },
);
const MOMENTUM_SCALPING: Row =
    row(Adjustment { size: 1.2, target: 1.5, ..NEUTRAL }, NEUTRAL, off(sized(0.3)));
const GRID_RSI_REVERSION: Row = row(off(sized(0.0)), sized(0.5), sized(1.2));
const WHALE_SENTIMENT: Row =
    row(Adjustment { size: 0.8, entry_shift: 0.2, ..NEUTRAL }, NEUTRAL, sized(1.2));

/// The strategies that have rows of their own.
const TABLE: [(&str, Row); 4] = [
    ("mean_reversion", MEAN_REVERSION),
    ("momentum_scalping", MOMENTUM_SCALPING),
    ("grid_rsi_reversion", GRID_RSI_REVERSION),
    ("whale_sentiment", WHALE_SENTIMENT),
];

/// The adjustments of one strategy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Router {
    row: Row,
}

impl Router {
    /// That of a strategy, by the name of its file. Looked up once, at the start.
    pub fn of(strategy: &str) -> Self {
        let found = TABLE.iter().find(|(name, _)| *name == strategy);
        Self { row: found.map_or([NEUTRAL; 5], |(_, row)| *row) }
    }

    /// What this regime changes about entries; a regime that is not known yet changes nothing.
    pub fn adjust(&self, regime: Option<&RegimeState>) -> Adjustment {
        let Some(regime) = regime else { return NEUTRAL };
        let base = self.row[regime.label as usize];
        let mut size = base.size * VOLATILITY_SIZE[regime.volatility.index()];
        if regime.confidence < CONFIDENCE_MIN {
            size *= 0.5 + regime.confidence.max(0.0);
        }
        if regime.changes_1h > CHANGES_MAX {
            size *= RESTLESS_SIZE;
        }
        let is_enabled = base.is_enabled && regime.volatility != VolatilityState::Extreme;
        Adjustment { size, is_enabled, ..base }
    }
}

/// The signal with an adjustment applied, or `None` for an entry that is switched off.
///
/// Only what opens a position or adds to the one that is `held` is changed. What closes, protects or
/// cancels passes as it came, and so does an order against the position: it closes first. Distances and
/// sizes scale; a price that the strategy named outright stays, for nobody knows what it is relative to.
pub fn adjusted(signal: &Signal, by: &Adjustment, held: Option<PositionSide>) -> Option<Signal> {
    let opens = match signal.action {
        Action::Buy => PositionSide::Long,
        Action::Short => PositionSide::Short,
        Action::Sell | Action::Cover | Action::Close => return Some(*signal),
        Action::Protect | Action::Cancel | Action::Replace => return Some(*signal),
    };
    if held.is_some_and(|held| held != opens) || signal.order.is_reduce_only {
        return Some(*signal);
    }
    if !by.is_enabled {
        return None;
    }
    let mut signal = *signal;
    signal.size = scaled_size(signal.size, by.size);
    signal.exits.stop = scaled_level(signal.exits.stop, by.stop);
    signal.exits.target = scaled_level(signal.exits.target, by.target);
    Some(signal)
}

/// Rounded down; what a number of this width cannot hold stays as it was.
fn scaled_size(size: Size, factor: f64) -> Size {
    let times = |amount: Money| Money::checked_from_num(factor)?.checked_mul(amount);
    let scaled = match size {
        Size::Notional(amount) => times(amount).map(Size::Notional),
        Size::Base(qty) => Money::checked_from_num(qty.raw())
            .and_then(times)
            .and_then(Money::checked_to_num::<i64>)
            .map(|raw| Size::Base(Qty::new(raw))),
        Size::All => None,
    };
    scaled.unwrap_or(size)
}

fn scaled_level(level: ExitLevel, factor: f64) -> ExitLevel {
    match level {
        ExitLevel::PctFromFill(percent) => ExitLevel::PctFromFill(percent * factor),
        ExitLevel::Keep | ExitLevel::Clear | ExitLevel::At(_) => level,
    }
}

#[cfg(test)]
mod tests;
