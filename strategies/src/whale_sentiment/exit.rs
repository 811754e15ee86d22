//! When the whale-sentiment strategy leaves a position. No gate stands before any of this.

use paperwire_core::account::AccountView;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Reason, Signals};
use paperwire_signals::costs::{entry_price, opposite, profit_pct};

use super::WhaleSentiment;
use super::reading::Reading;

impl WhaleSentiment {
    /// Once per closed bar: whether the crowd now feels the opposite.
    pub(super) fn judge(
        &mut self,
        symbol: SymbolId,
        reading: &Reading,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) {
        let position = account.position(symbol);
        let (Some(desk), Some(side)) = (&mut self.desks[symbol.index()], position.side()) else {
            return;
        };
        if reading.zone.wants(self.params.is_contrarian) != Some(opposite(side)) {
            return;
        }
        let price = market.symbol(symbol).price();
        let profit = entry_price(position, &desk.instrument)
            .zip(price)
            .map_or(0.0, |(entry, price)| profit_pct(side, entry, price));
        desk.exit.demand(
            Reason::new("sentiment_reversal")
                .with("below_high_pct", reading.below_high)
                .with("above_low_pct", reading.above_low)
                .with("profit_pct", profit),
        );
    }

    /// With every event: an exit that is due and not on its way. True when it signalled or must wait for
    /// an order.
    pub(super) fn leave(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        let desk = self.desks[symbol.index()].as_mut();
        desk.is_some_and(|desk| desk.exit.leave(symbol, market, account, out))
    }
}
