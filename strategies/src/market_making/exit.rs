//! When the market maker leaves a position by itself. No gate stands before any of this.
//!
//! The hard stop is the engine's. Inventory is worked off by the quotes; what has become too old is
//! sold across the spread, half of it at a time.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::market::MarketView;
use paperwire_core::num::Qty;
use paperwire_core::strategy::{
    Action, ExitLevel, OrderSpec, Reason, Signal, Signals, Size, TimeInForce,
};
use paperwire_core::time::DurationNs;
use paperwire_signals::costs::{entry_price, exit_touch, sign};

use super::TAG_UNWIND;
use super::desk::Desk;
use super::params::{Mode, Params};
use super::quotes::is_older;
use crate::exit::RETRY;

impl Desk {
    /// Sets the stop again after an add, sells old inventory; true when it closes the whole position.
    pub(super) fn exit(
        &mut self,
        bbo: &Bbo,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        params: &Params,
        out: &mut Signals,
    ) -> bool {
        let position = account.position(self.id);
        let Some(side) = position.side() else {
            return false;
        };
        if self.now < self.exit_retry_at {
            return false;
        }
        let signal = self.anchor(position, side, bbo, params.mode).or_else(|| {
            (params.mode == Mode::Quotes)
                .then(|| self.unwind(position, side, bbo, market, account, params))?
        });
        let Some(signal) = signal else {
            return false;
        };
        out.push(signal);
        if signal.action == Action::Close {
            self.exit_retry_at = self.now.plus(RETRY);
        }
        signal.action == Action::Close
    }

    /// The stop from the average price, for the taker the target too; a level the market has passed
    /// already is an exit.
    fn anchor(
        &mut self,
        position: &Position,
        side: PositionSide,
        bbo: &Bbo,
        mode: Mode,
    ) -> Option<Signal> {
        if !self.is_anchor_due {
            return None;
        }
        let entry = entry_price(position, &self.instrument)?;
        let away = |pct: f64| self.instrument.px_from_f64(entry * (1.0 + sign(side) * pct / 100.0));
        let stop = away(-self.table.stop_pct)?;
        let target = if mode == Mode::Taker { Some(away(self.table.target_pct)?) } else { None };
        let now = exit_touch(side, bbo);
        let closing = side.closing();
        let is_stopped = closing.opposite().accepts(stop, now);
        let is_reached = target.is_some_and(|target| closing.accepts(target, now));
        if is_stopped || is_reached {
            let code = if is_stopped { "stop_passed" } else { "target_passed" };
            return Some(Signal::close(self.id, Reason::new(code).with("entry", entry)));
        }
        self.is_anchor_due = false;
        let reason = Reason::new("anchor").with("entry", entry);
        let target = target.map_or(ExitLevel::Keep, ExitLevel::At);
        let signal = Signal::new(self.id, Action::Protect, Size::All, reason);
        Some(signal.bracket(ExitLevel::At(stop), target))
    }

    /// A share of inventory that is too old, at the touch, at once.
    fn unwind(
        &mut self,
        position: &Position,
        side: PositionSide,
        bbo: &Bbo,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        params: &Params,
    ) -> Option<Signal> {
        let age = position.age(market.now())?;
        let is_due =
            is_older(position, market, params.unwind_after_s) && self.now >= self.unwind_at;
        if !is_due || self.order(account, TAG_UNWIND).is_some() {
            return None;
        }
        self.unwind_at = self.now.plus(DurationNs::from_secs(params.unwind_every_s));
        let of = &self.instrument;
        let touch = exit_touch(side, bbo);
        let reason = Reason::new("inventory_reduce")
            .with("age_s", age.raw() as f64 / 1e9)
            .with("held", self.coins(position.lots));
        let part = of.qty_f64(position.qty()) * params.unwind_share;
        let part = of.floor_to_lot(of.qty_from_f64(part).unwrap_or(Qty::ZERO));
        let value = market.quote_rate(self.id)?.to_num::<f64>() * of.px_f64(touch);
        let is_worth = of.qty_f64(part) * value >= params.size_usd_min;
        if !is_worth || part < of.qty_min || of.money(touch.notional(part)) < of.cost_min {
            return Some(Signal::close(self.id, reason));
        }
        let action = match side {
            PositionSide::Long => Action::Sell,
            PositionSide::Short => Action::Cover,
        };
        let spec = OrderSpec { tif: TimeInForce::Ioc, ..OrderSpec::limit(touch) };
        Some(Signal::new(self.id, action, Size::Base(part), reason).order(spec).tag(TAG_UNWIND))
    }
}
