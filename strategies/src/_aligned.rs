//! Correlation of the two money pairs of a strategy, bitcoin's and the other asset's, on bars that
//! begin at the same instant.
//!
//! The partner of a bar is looked for among the market's closed bars, so it does not matter which of the
//! two closes first, nor that history may come symbol by symbol. An interval that one of the two does not
//! have is left out of both.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::bar::{Bar, Timeframe};
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Skip, StartContext};
use paperwire_core::time::ExchNs;
use paperwire_signals::correlation::ReturnCorrelation;

use crate::role::Role;

/// Correlation that begins to shrink an entry beside a position of the same direction.
const SHRINK_FROM: f64 = 0.5;
/// What is left of such an entry at least.
const SHRINK_MIN: f64 = 0.5;

/// Both pairs and how alike they move.
#[derive(Debug)]
pub(crate) struct AlignedPair {
    symbols: [SymbolId; 2],
    timeframe: Timeframe,
    correlation: ReturnCorrelation,
    /// Start of the newest interval taken in.
    newest: Option<ExchNs>,
}

impl AlignedPair {
    /// Of the first pair of each part among the symbols of a strategy; `None` when one is missing.
    pub(crate) fn of(ctx: &StartContext<'_>, timeframe: Timeframe, period: usize) -> Option<Self> {
        let first = |role: Role| {
            let plays = |id: &&SymbolId| Role::of(&ctx.instruments[id.index()]) == role;
            ctx.symbols.iter().find(plays).copied()
        };
        Some(Self {
            symbols: [first(Role::Bitcoin)?, first(Role::Alt)?],
            timeframe,
            // Where it is going is not asked here: the shortest slope there is.
            correlation: ReturnCorrelation::new(period, 2),
            newest: None,
        })
    }

    /// Takes a closed bar in once the other pair has the same interval.
    pub(crate) fn on_bar(
        &mut self,
        symbol: SymbolId,
        timeframe: Timeframe,
        bar: &Bar,
        market: &MarketView<'_>,
    ) {
        let Some(at) = self.symbols.iter().position(|id| *id == symbol) else {
            return;
        };
        let is_new = self.newest.is_none_or(|newest| bar.open_at > newest);
        if timeframe != self.timeframe || !is_new {
            return;
        }
        let bars = market.symbol(self.symbols[1 - at]).bars(timeframe);
        let partner = (0..bars.len())
            .map_while(|age| bars.newest(age))
            .take_while(|other| other.open_at >= bar.open_at)
            .find(|other| other.open_at == bar.open_at);
        if let Some(partner) = partner {
            self.newest = Some(bar.open_at);
            // Bitcoin first, whichever of the two closed last.
            let bars = if at == 0 { [bar, partner] } else { [partner, bar] };
            let price =
                |at: usize| market.symbol(self.symbols[at]).instrument().px_f64(bars[at].close);
            self.correlation.push(price(0), price(1));
        }
    }

    /// The correlation, once its window is full and while both pairs move.
    pub(crate) fn value(&self) -> Option<f64> {
        self.correlation.value()
    }

    /// Factor on an entry: 1 unless the other pair is open in the same direction, less the more alike both
    /// move, and no entry from `block` on.
    pub(crate) fn size_mult(
        &self,
        symbol: SymbolId,
        side: PositionSide,
        block: f64,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        let Some(at) = self.symbols.iter().position(|id| *id == symbol) else {
            return Ok(1.0);
        };
        if account.position(self.symbols[1 - at]).side() != Some(side) {
            return Ok(1.0);
        }
        let alike = self.value().ok_or(Skip::WarmingUp)?.abs();
        if alike >= block {
            return Err(Skip::CorrelationLimit);
        }
        Ok((1.0 - (alike - SHRINK_FROM).max(0.0)).max(SHRINK_MIN))
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::bar::BarRules;
    use paperwire_core::event::{MarketEvent, MarketKind, Seq, Stamps};
    use paperwire_core::market::MarketState;
    use paperwire_core::num::Px;

    use super::*;
    use crate::testkit::{BTC, XRP, instruments};

    #[test]
    fn it_does_not_matter_which_of_the_two_closes_first() {
        let instruments = instruments();
        let usd = "USD".try_into().unwrap();
        let mut market = MarketState::new(&instruments, 10, BarRules::default(), &usd);
        let symbols = [BTC, XRP];
        let mut pair = AlignedPair::of(
            &StartContext {
                instruments: &instruments,
                symbols: &symbols,
                numeraire: usd,
                taker_fee: 0.0,
                maker_fee: 0.0,
            },
            Timeframe::M1,
            10,
        )
        .unwrap();
        for minute in 0..12 {
            // Both rise and fall together, by a tenth in turn.
            let rise = if minute % 3 == 0 { 11 } else { 10 };
            let order = if minute % 2 == 0 {
                [(BTC, 100_000), (XRP, 2_000)]
            } else {
                [(XRP, 2_000), (BTC, 100_000)]
            };
            for (symbol, px) in order {
                let close = Px::new(px * rise);
                let bar =
                    Bar { open_at: ExchNs::new(minute * 60_000_000_000), close, ..Bar::default() };
                let kind = MarketKind::History((Timeframe::M1, bar));
                let (seq, exch, stamps) = (Seq(0), bar.open_at, Stamps::default());
                market.apply(
                    &MarketEvent { seq, exch, stamps, symbol: Some(symbol), kind },
                    &mut |_, _| (),
                );
                pair.on_bar(symbol, Timeframe::M1, &bar, &market.view());
            }
        }
        assert!((pair.value().unwrap() - 1.0).abs() < 1e-9, "{:?}", pair.value());
    }
}
