//! When the grid strategy sells: a level one step higher, everything when the grid has failed. No gate
//! stands before any of this.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::SIGNALS_MAX;
use paperwire_core::market::MarketView;
use paperwire_core::num::Px;
use paperwire_core::strategy::{Action, ExitLevel, OrderSpec, Reason, Signal, Signals, Size};
use paperwire_core::time::ExchNs;
use paperwire_signals::costs::{entry_price, profit_pct};

use super::ladder::{self, Order};
use super::params::SLOTS;
use super::{Desk, GridRsiReversion};
use crate::exit::RETRY;

impl GridRsiReversion {
    /// Leaves when the grid has failed, keeps the stop where the grid wants it, rests the sales of bought
    /// levels. True when everything is being sold.
    pub(super) fn exit(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        let Some(desk) = &mut self.desks[symbol.index()] else {
            return false;
        };
        let position = account.position(symbol);
        if position.side() != Some(PositionSide::Long) {
            return false;
        }
        // An order without a level sells everything; what is on its way must not be sent again.
        let mut orders = account.orders.iter().filter(|order| order.symbol == symbol);
        if orders.clone().any(|order| Order::of(order).is_none()) {
            return true;
        }
        let Some(bbo) = market.symbol(symbol).bbo() else {
            return false;
        };
        let now = market.now();
        if now >= desk.exit_retry_at {
            let entry = entry_price(position, &desk.instrument);
            let bid = desk.instrument.px_f64(bbo.bid.px);
            let loss_pct = entry.map_or(0.0, |entry| -profit_pct(PositionSide::Long, entry, bid));
            let stop = desk.stop();
            let code = if stop.is_some_and(|stop| bbo.bid.px <= stop) {
                Some("grid_stop")
            } else if loss_pct >= self.params.drawdown_max_pct {
                Some("max_drawdown")
            } else {
                None
            };
            if let Some(code) = code {
                let reason = Reason::new(code)
                    .with("loss_pct", loss_pct)
                    .with("stop", stop.map_or(0.0, |px| desk.instrument.px_f64(px)))
                    .with("held_levels", desk.ladder.held_count() as f64);
                desk.exit_retry_at = now.plus(RETRY);
                desk.give_up();
                if orders.next().is_some() {
                    out.push(Signal::cancel(symbol, 0, reason));
                }
                out.push(Signal::close(symbol, reason));
                return true;
            }
            if let Some(stop) = stop.filter(|stop| position.stop != Some(*stop)) {
                desk.exit_retry_at = now.plus(RETRY);
                let reason = Reason::new("stop_moved").with("stop", desk.instrument.px_f64(stop));
                let signal = Signal::new(symbol, Action::Protect, Size::All, reason);
                out.push(signal.bracket(ExitLevel::At(stop), ExitLevel::Keep));
            }
        }
        desk.rest_sales(symbol, account, now, out);
        false
    }
}

impl Desk {
    /// Below the lowest level that matters.
    pub(super) fn stop(&self) -> Option<Px> {
        let lowest = self.instrument.px_f64(self.ladder.lowest()?);
        let px = self.instrument.px_from_f64(lowest * (1.0 - self.table.stop_pct / 100.0))?;
        let step = self.instrument.price_increment.raw().max(1);
        Some(Px::new(px.raw().div_euclid(step) * step)).filter(|px| px.raw() > 0)
    }

    /// Each level whose purchase is complete rests its own sale.
    fn rest_sales(
        &mut self,
        symbol: SymbolId,
        account: &AccountView<'_>,
        now: ExchNs,
        out: &mut Signals,
    ) {
        let open = ladder::orders(account, symbol);
        for slot in 0..SLOTS {
            let level = self.ladder.slots()[slot];
            let is_open = || {
                let mut open = open.clone();
                open.any(|(order, _)| order == Order::Buy(slot) || order == Order::Sell(slot))
            };
            if level.held.is_zero() || now < level.sell_retry_at || is_open() {
                continue;
            }
            if out.as_slice().len() >= SIGNALS_MAX {
                return;
            }
            self.ladder.slot_mut(slot).sell_retry_at = now.plus(RETRY);
            let reason = Reason::new("cycle_sell")
                .with("level", self.instrument.px_f64(level.px))
                .with("sell_at", self.instrument.px_f64(level.sell_px))
                .with("held_levels", self.ladder.held_count() as f64);
            let signal = Signal::new(symbol, Action::Sell, Size::Base(level.held), reason);
            out.push(signal.order(OrderSpec::limit(level.sell_px)).tag(Order::Sell(slot).tag()));
        }
    }
}
