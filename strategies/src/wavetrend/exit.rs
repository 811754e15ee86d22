//! When the wave-trend strategy leaves a position. No gate stands before any of this.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Reason, Signals};
use paperwire_signals::costs::{entry_price, profit_pct};
use paperwire_signals::macd::Cross;

use super::{Reading, Wavetrend, Zone};

impl Wavetrend {
    /// Once per closed bar: whether the position still has its reason.
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
        let (against, far) = match side {
            PositionSide::Long => (Cross::Down, Zone::ExtremeOverbought),
            PositionSide::Short => (Cross::Up, Zone::ExtremeOversold),
        };
        let code = if reading.cross == Some(against) {
            "opposite_cross"
        } else if reading.zone == far {
            "extreme_zone"
        } else {
            return;
        };
        let price = market.symbol(symbol).price();
        let profit = entry_price(position, &desk.instrument)
            .zip(price)
            .map_or(0.0, |(entry, price)| profit_pct(side, entry, price));
        desk.exit.demand(
            Reason::new(code)
                .with("wt1", reading.fast)
                .with("wt2", reading.slow)
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
