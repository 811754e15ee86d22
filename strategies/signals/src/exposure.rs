//! How much is open, by pair and by asset, in the numeraire.
//!
//! A position in a pair whose quote is itself traded in this run is two exposures: a long of XRP/BTC
//! is long XRP and short BTC, not one more long. A quantity without a live price has no value: there
//! is no constant to fall back to.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::market::MarketView;

use crate::costs::sign;

/// Limits on what may be open together.
#[derive(Clone, Copy, Debug)]
pub struct ExposureRules {
    /// Factor on a new position when another asset is already open in the same direction.
    pub same_side_mult: f64,
    /// Most that may be long together.
    pub long_max: f64,
    /// Most that may be short together.
    pub short_max: f64,
}

#[derive(Clone, Copy, Debug)]
struct Legs {
    base: usize,
    /// Only when the quote currency is itself the base of another pair.
    quote: Option<usize>,
}

/// Open value by pair and by asset.
#[derive(Debug)]
pub struct Exposure {
    legs: Vec<Legs>,
    /// Signed value by asset.
    net: Vec<f64>,
    /// Value without sign by symbol.
    gross: Vec<f64>,
    gross_total: f64,
}

impl Exposure {
    /// Nothing open.
    pub fn new(instruments: &[Instrument]) -> Self {
        // An asset is named by the first pair that has it as its base.
        let asset = |name| instruments.iter().position(|of| of.base == name);
        let legs = instruments.iter().enumerate().map(|(index, of)| Legs {
            base: asset(of.base).unwrap_or(index),
            quote: asset(of.quote),
        });
        Self {
            legs: legs.collect(),
            net: vec![0.0; instruments.len()],
            gross: vec![0.0; instruments.len()],
            gross_total: 0.0,
        }
    }

    /// Values every open position at the mid; `None` when one of them has no price now.
    pub fn measure(&mut self, market: &MarketView<'_>, account: &AccountView<'_>) -> Option<()> {
        self.net.fill(0.0);
        self.gross.fill(0.0);
        self.gross_total = 0.0;
        for (id, state) in market.symbols() {
            let position = account.position(id);
            let Some(side) = position.side() else {
                continue;
            };
            let value = state.instrument().qty_f64(position.qty()) * unit_value(market, id)?;
            self.add(id, side, value);
        }
        Some(())
    }

    fn add(&mut self, id: SymbolId, side: PositionSide, value: f64) {
        let legs = self.legs[id.index()];
        self.net[legs.base] += sign(side) * value;
        if let Some(quote) = legs.quote {
            self.net[quote] -= sign(side) * value;
        }
        self.gross[id.index()] = value;
        self.gross_total += value;
    }

    /// Open value in one symbol.
    pub fn of_symbol(&self, id: SymbolId) -> f64 {
        self.gross[id.index()]
    }

    /// Open value in all symbols.
    pub const fn total(&self) -> f64 {
        self.gross_total
    }

    /// What of `wanted` more in this direction the rules allow; zero or less means nothing.
    pub fn cap(&self, id: SymbolId, side: PositionSide, wanted: f64, rules: &ExposureRules) -> f64 {
        let legs = self.legs[id.index()];
        let is_own = |asset: usize| asset == legs.base || Some(asset) == legs.quote;
        let others = self.net.iter().enumerate().filter(|(asset, _)| !is_own(*asset));
        let has_same_side = others.map(|(_, net)| net * sign(side)).any(|net| net > 0.0);
        let mut allowed = wanted;
        if has_same_side {
            allowed *= rules.same_side_mult;
        }
        let long: f64 = self.net.iter().filter(|net| **net > 0.0).sum();
        let short: f64 = -self.net.iter().filter(|net| **net < 0.0).sum::<f64>();
        let (long_room, short_room) = (rules.long_max - long, rules.short_max - short);
        if side == PositionSide::Long || legs.quote.is_some() {
            allowed = allowed.min(long_room);
        }
        if side == PositionSide::Short || legs.quote.is_some() {
            allowed = allowed.min(short_room);
        }
        allowed
    }
}

/// Value of one unit of the base asset in the numeraire.
pub fn unit_value(market: &MarketView<'_>, id: SymbolId) -> Option<f64> {
    let rate = market.quote_rate(id)?.to_num::<f64>();
    Some(market.symbol(id).price()? * rate)
}

#[cfg(test)]
mod tests;
