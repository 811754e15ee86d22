//! The part a pair plays, which chooses its defaults: pairs differ in noise, spread and size.

use paperwire_core::instrument::Instrument;

/// The part a pair plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Bitcoin against money.
    Bitcoin,
    /// Another asset against money.
    Alt,
    /// Another asset against bitcoin.
    Cross,
}

impl Role {
    /// By base and quote; everything unknown is treated as the more volatile `Alt`.
    pub(crate) fn of(instrument: &Instrument) -> Self {
        Self::of_assets(&instrument.base, &instrument.quote)
    }

    /// The same for a pair that is only known by its name, `BASE/QUOTE`.
    pub(crate) fn of_name(name: &str) -> Self {
        let (base, quote) = name.split_once('/').unwrap_or((name, ""));
        Self::of_assets(base, quote)
    }

    fn of_assets(base: &str, quote: &str) -> Self {
        let is_bitcoin = |asset: &str| asset == "BTC" || asset == "XBT";
        if is_bitcoin(quote) {
            Self::Cross
        } else if is_bitcoin(base) {
            Self::Bitcoin
        } else {
            Self::Alt
        }
    }
}
