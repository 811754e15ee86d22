//! When the breakout strategy leaves a position, and how it raises its stop. No gate stands before.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::num::{Px, Qty};
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Signals, Size, Skip};
use paperwire_signals::costs::{exit_touch, sign};

use super::reading::Reading;
use super::{Desk, MomentumBreakout, TAG_PARTIAL, Trip};

/// Between bars the stop follows in steps of this share of the ATR, not with every tick.
const TRAIL_STEP_ATR: f64 = 0.25;

impl MomentumBreakout {
    /// Once per closed bar: whether the position still has its reason.
    pub(super) fn judge(
        &mut self,
        symbol: SymbolId,
        reading: &Reading,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) {
        let Some(desk) = &mut self.desks[symbol.index()] else {
            return;
        };
        let Some(trip) = &mut desk.trip else {
            return;
        };
        trip.bars_held += 1;
        let is_beyond = |level: Px| match trip.side {
            PositionSide::Long => reading.close < level,
            PositionSide::Short => reading.close > level,
        };
        let exit_level = match trip.side {
            PositionSide::Long => reading.exit.low,
            PositionSide::Short => reading.exit.high,
        };
        let price = market.symbol(symbol).price().unwrap_or(reading.price);
        let earned_r = sign(trip.side) * (price - trip.entry) / trip.risk;
        let code = if is_beyond(exit_level) {
            "channel_exit"
        } else if trip.bars_held <= self.params.failed_within_bars && is_beyond(trip.level) {
            "failed_breakout"
        } else if trip.bars_held >= self.params.time_stop_bars && earned_r < self.params.time_stop_r
        {
            "time_stop"
        } else {
            return;
        };
        debug_assert!(account.position(symbol).side().is_some(), "only an open position is judged");
        desk.exit.demand(
            Reason::new(code)
                .with("earned_r", earned_r)
                .with("bars_held", f64::from(trip.bars_held)),
        );
    }

    /// With every event: an exit that is due, the partial sale, the trailing stop in steps. True when it
    /// signalled.
    pub(super) fn watch(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        // What is on its way to the venue must not be sent again.
        if account.has_orders(symbol) {
            out.skip(Skip::OrderUnderWay);
            return true;
        }
        let Some(desk) = &mut self.desks[symbol.index()] else {
            return false;
        };
        let position = account.position(symbol);
        let Some(trip) = desk.trip.filter(|trip| position.side() == Some(trip.side)) else {
            return false;
        };
        let Some(bbo) = market.symbol(symbol).bbo() else {
            return false;
        };
        if desk.exit.is_waiting(market.now()) {
            return false;
        }
        let now = exit_touch(trip.side, &bbo);
        let chandelier_atr = self.params.chandelier_atr;
        let signal = desk
            .exit
            .signal(symbol)
            .or_else(|| self.partial(symbol, &trip, position, now))
            .or_else(|| {
                self.chandelier(symbol, &trip, position, now, chandelier_atr, TRAIL_STEP_ATR)
            });
        let Some(signal) = signal else {
            return false;
        };
        if let Some(desk) = &mut self.desks[symbol.index()] {
            desk.exit.wait(market.now());
        }
        out.push(signal);
        true
    }

    /// Once per closed bar: the trailing stop follows exactly.
    pub(super) fn trail(
        &self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        let trip = self.desks[symbol.index()].as_ref().and_then(|desk| desk.trip);
        if let (Some(trip), Some(bbo)) = (trip, market.symbol(symbol).bbo()) {
            let now = exit_touch(trip.side, &bbo);
            let position = account.position(symbol);
            let far = self.params.chandelier_atr;
            if let Some(signal) = self.chandelier(symbol, &trip, position, now, far, 0.0) {
                out.push(signal);
            }
        }
    }

    /// At a multiple of the risk: sells part, and the stop of the rest covers the costs.
    fn partial(
        &mut self,
        symbol: SymbolId,
        trip: &Trip,
        position: &Position,
        now: Px,
    ) -> Option<Signal> {
        let desk = self.desks[symbol.index()].as_mut()?;
        let price = desk.instrument.px_f64(now);
        let earned_r = sign(trip.side) * (price - trip.entry) / trip.risk;
        let is_reached = !trip.is_partial_done && earned_r >= self.params.partial_at_r;
        if !is_reached && !trip.is_cost_stop_due {
            return None;
        }
        let stop = cost_stop(desk, trip, self.fee, now);
        let qty = part(position.qty(), self.params.partial_share, desk);
        let trip = desk.trip.as_mut()?;
        let is_sale = is_reached && !qty.is_zero();
        trip.is_partial_done = true;
        trip.is_cost_stop_due = false;
        if !is_sale && stop == ExitLevel::Keep {
            return None;
        }
        let reason = Reason::new("partial").with("earned_r", earned_r);
        let action = match (is_sale, trip.side) {
            (false, _) => Action::Protect,
            (true, PositionSide::Long) => Action::Sell,
            (true, PositionSide::Short) => Action::Cover,
        };
        let signal = Signal::new(symbol, action, Size::Base(qty), reason);
        let tag = if is_sale { TAG_PARTIAL } else { 0 };
        Some(signal.bracket(stop, ExitLevel::Keep).tag(tag))
    }

    /// The stop a multiple of the ATR behind the best price, once it lies beyond the costs and at least
    /// `step` ATR nearer than the one in force.
    fn chandelier(
        &self,
        symbol: SymbolId,
        trip: &Trip,
        position: &Position,
        now: Px,
        far: f64,
        step: f64,
    ) -> Option<Signal> {
        let desk = self.desks[symbol.index()].as_ref()?;
        let atr = desk.bars.atr()?;
        let level = trip.best.chandelier(far * atr);
        let covered = trip.entry * (1.0 + sign(trip.side) * 2.0 * self.fee);
        let px = desk.instrument.px_from_f64(level)?;
        let gain = |from: f64| sign(trip.side) * (level - from);
        if gain(covered) < 0.0 {
            return None;
        }
        if let Some(stop) = position.stop
            && (gain(desk.instrument.px_f64(stop)) < step * atr || stop == px)
        {
            return None;
        }
        let reason = Reason::new("chandelier").with("best", trip.best.price()).with("atr", atr);
        let is_passed = match trip.side {
            PositionSide::Long => now <= px,
            PositionSide::Short => now >= px,
        };
        if is_passed {
            return Some(Signal::close(symbol, reason));
        }
        let signal = Signal::new(symbol, Action::Protect, Size::All, reason);
        Some(signal.bracket(ExitLevel::At(px), ExitLevel::Keep))
    }
}

/// Entry and both fees, when the price is already beyond it.
fn cost_stop(desk: &Desk, trip: &Trip, fee: f64, now: Px) -> ExitLevel {
    let level = trip.entry * (1.0 + sign(trip.side) * 2.0 * fee);
    match (desk.instrument.px_from_f64(level), trip.side) {
        (Some(px), PositionSide::Long) if px < now => ExitLevel::At(px),
        (Some(px), PositionSide::Short) if px > now => ExitLevel::At(px),
        _ => ExitLevel::Keep,
    }
}

/// A share of a quantity in whole lots; zero when it would be below the venue's minimum.
fn part(qty: Qty, share: f64, desk: &Desk) -> Qty {
    let of = &desk.instrument;
    let part = of.qty_from_f64(of.qty_f64(qty) * share).unwrap_or(Qty::ZERO);
    let part = of.floor_to_lot(part);
    if part < of.qty_min { Qty::ZERO } else { part }
}
