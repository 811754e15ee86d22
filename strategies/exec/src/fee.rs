//! What the venue charges for an execution, as a fraction of its value.
//!
//! A model is a pure function of the pair, of whether the order rested, and of what the account
//! traded in the last thirty days. Runs by the engine at every fill; allocates only when it is
//! built. Its name stands wherever money is shown, since a result without its fees says nothing.

mod kraken;
mod volume;

use std::fmt::Debug;

use paperwire_core::account::Liquidity;
use paperwire_core::instrument::Instrument;
use paperwire_core::num::Money;

pub use kraken::{PRESETS, Tiered, by_name, is_pegged_pair};
pub use volume::{VOLUME_DAYS, Volume30d};

/// Decides the fee of an execution.
pub trait FeeModel: Send + Debug {
    /// How it is named beside every result, such as `kraken-2026-09-19`.
    fn name(&self) -> &str;

    /// The fee as a fraction of the execution's value, never negative. `volume_30d` is what the
    /// account traded in the last thirty days before this execution, in US dollars.
    fn rate(&self, of: &Instrument, liquidity: Liquidity, volume_30d: Money) -> Money;

    /// Whether the traded value must be counted for it.
    fn needs_volume(&self) -> bool {
        true
    }
}

/// The same two fees for every pair and every account.
#[derive(Clone, Debug)]
pub struct Flat {
    name: String,
    maker: Money,
    taker: Money,
}

impl Flat {
    /// Fees as fractions of the value: 0.001 is 0.1 %.
    ///
    /// # Panics
    /// When a fee is not in `0..1`; accounts book no rebates.
    pub fn new(maker: Money, taker: Money) -> Self {
        for fee in [maker, taker] {
            assert!(fee >= 0, "configuration asks for fees that are not negative");
            assert!(fee < 1, "configuration asks for fees below the value itself");
        }
        let name = format!("flat {} % / {} %", percent(maker), percent(taker));
        Self { name, maker, taker }
    }
}

impl FeeModel for Flat {
    fn name(&self) -> &str {
        &self.name
    }

    fn rate(&self, _of: &Instrument, liquidity: Liquidity, _volume_30d: Money) -> Money {
        match liquidity {
            Liquidity::Maker => self.maker,
            Liquidity::Taker => self.taker,
        }
    }

    fn needs_volume(&self) -> bool {
        false
    }
}

/// A fraction in percent, to a millionth of one, without trailing zeros.
fn percent(fraction: Money) -> String {
    let padded = format!("{:.6}", fraction * 100);
    padded.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests;
