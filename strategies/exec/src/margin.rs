//! What an account may hold: leverage, maintenance margin, liquidation.
//!
//! Limits are cumulative over all positions: with `L` the leverage of a side and `B` the base,
//! `longs / L_long + shorts / L_short <= B`. A short's proceeds never count as equity, so neither side
//! compounds. All amounts are in the numeraire at the mark.

use paperwire_core::account::PositionSide;
use paperwire_core::num::Money;

/// What leverage is a multiple of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeverageBase {
    /// Equity now.
    #[default]
    Current,
    /// The baseline.
    Starting,
    /// The smaller of both.
    Smaller,
}

impl LeverageBase {
    /// By its word in configuration.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "current" => Self::Current,
            "starting" => Self::Starting,
            "smaller" => Self::Smaller,
            _ => return None,
        })
    }
}

/// What a margin call closes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Liquidation {
    /// Every position.
    #[default]
    All,
    /// The largest first, until the margin suffices.
    Progressive,
}

impl Liquidation {
    /// By its word in configuration.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "all" => Self::All,
            "progressive" => Self::Progressive,
            _ => return None,
        })
    }
}

/// The margin rules of an account.
#[derive(Clone, Copy, Debug)]
pub struct MarginRules {
    /// Largest sum of longs as a multiple of the base; 0 allows none.
    pub long_leverage: Money,
    /// Largest sum of shorts as a multiple of the base; 0 allows none.
    pub short_leverage: Money,
    /// What leverage is a multiple of.
    pub base: LeverageBase,
    /// Equity must be at least this fraction of all positions.
    pub maintenance: Money,
    /// What a margin call closes.
    pub liquidation: Liquidation,
    /// Additional fee of what a margin call closes, as a fraction of its value.
    pub liquidation_fee: Money,
    /// Interest on what is borrowed, as a fraction for each [`ROLLOVER_HOURS`].
    pub rollover_fee: Money,
}

impl Default for MarginRules {
    /// 1.5 times long, twice short, of equity now; a quarter to maintain; all is closed, for no fee.
    fn default() -> Self {
        Self {
            long_leverage: Money::ONE * 3 / 2,
            short_leverage: Money::ONE * 2,
            base: LeverageBase::Current,
            maintenance: Money::ONE / 4,
            liquidation: Liquidation::All,
            liquidation_fee: Money::ZERO,
            rollover_fee: Money::ZERO,
        }
    }
}

/// Kraken charges margin interest once per four hours of an open position (its page on margin fees).
pub const ROLLOVER_HOURS: u64 = 4;

/// What the rules look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Equity at the mark.
    pub equity: Money,
    /// Value that the account started with.
    pub baseline: Money,
    /// Marked value of all longs.
    pub long: Money,
    /// Marked value of all shorts, positive.
    pub short: Money,
}

impl MarginRules {
    fn leverage(&self, side: PositionSide) -> Money {
        match side {
            PositionSide::Long => self.long_leverage,
            PositionSide::Short => self.short_leverage,
        }
    }

    fn base_of(&self, standing: &Standing) -> Money {
        match self.base {
            LeverageBase::Current => standing.equity,
            LeverageBase::Starting => standing.baseline,
            LeverageBase::Smaller => standing.equity.min(standing.baseline),
        }
    }

    /// True when the positions are within the limits.
    pub fn holds(&self, standing: &Standing) -> bool {
        let base = self.base_of(standing);
        let (long, short) = (self.long_leverage, self.short_leverage);
        // The condition times both leverages: a division costs as much as walking the book.
        match (standing.long > 0, standing.short > 0) {
            (false, false) => true,
            (true, false) => standing.long <= base * long,
            (false, true) => standing.short <= base * short,
            (true, true) => standing.long * short + standing.short * long <= base * long * short,
        }
    }

    /// How much may be added on one side, when entering costs the fraction `cost` of it in equity.
    pub fn room(&self, side: PositionSide, standing: &Standing, cost: Money) -> Money {
        let leverage = self.leverage(side);
        let (same, other) = match side {
            PositionSide::Long => (standing.long, standing.short),
            PositionSide::Short => (standing.short, standing.long),
        };
        let other_leverage = self.leverage(side.opposite());
        let mut room = self.base_of(standing) * leverage - same;
        if other > 0 {
            let used = (other * leverage).checked_div(other_leverage);
            room = used.map_or(Money::ZERO, |used| room - used);
        }
        if room <= 0 { Money::ZERO } else { room / (Money::ONE + leverage * cost) }
    }

    /// True when `value` more on one side is surely within [`Self::room`]; takes no division.
    pub fn has_ample_room(
        &self,
        side: PositionSide,
        standing: &Standing,
        cost: Money,
        value: Money,
    ) -> bool {
        let (same, other) = match side {
            PositionSide::Long => (standing.long, standing.short),
            PositionSide::Short => (standing.short, standing.long),
        };
        let leverage = self.leverage(side);
        other == 0 && value + value * leverage * cost <= self.base_of(standing) * leverage - same
    }

    /// True when equity no longer covers the maintenance margin.
    pub fn is_called(&self, standing: &Standing) -> bool {
        let gross = standing.long + standing.short;
        gross > 0 && standing.equity < gross * self.maintenance
    }

    /// The part of all longs that is borrowed: what they are worth beyond equity, as a fraction.
    pub fn borrowed_share(standing: &Standing) -> Money {
        if standing.long > standing.equity.max(Money::ZERO) {
            (standing.long - standing.equity.max(Money::ZERO)) / standing.long
        } else {
            Money::ZERO
        }
    }

    /// The factor on the present price of one position, worth `value` of `standing`, at which a margin
    /// call comes when all else stays; `None` when no positive price brings one.
    ///
    /// From `equity + (f - 1) * value * sign = maintenance * (others + f * value)`. For a single
    /// position opened at leverage `L` this gives `(L-1) / (L(1-m))` of the entry for a long and
    /// `(1+1/L) / (1+m)` for a short.
    pub fn liquidation_factor(
        &self,
        side: PositionSide,
        value: Money,
        standing: &Standing,
    ) -> Option<Money> {
        if value <= 0 {
            return None;
        }
        let others = standing.long + standing.short - value;
        let owed = self.maintenance * others;
        let factor = match side {
            PositionSide::Long => {
                let top = value - standing.equity + owed;
                top.checked_div(value * (Money::ONE - self.maintenance))?
            }
            PositionSide::Short => {
                let top = value + standing.equity - owed;
                top.checked_div(value * (Money::ONE + self.maintenance))?
            }
        };
        (factor > 0).then_some(factor)
    }
}

#[cfg(test)]
mod tests;
