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
        let is_bitcoin = |asset: &str| asset == "BTC" || asset == "XBT";
        if is_bitcoin(&instrument.quote) {
            Self::Cross
        } else if is_bitcoin(&instrument.base) {
            Self::Bitcoin
        } else {
            Self::Alt
        }
    }
}
