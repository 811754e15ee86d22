//! When the momentum-scalping strategy leaves a position, and how it raises its stop. No gate stands
//! before any of this.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Signals, Size, Skip};
use paperwire_signals::costs::{entry_price, exit_touch, profit_pct, sign};

use super::params::Params;
use super::reading::Reading;
use super::{Desk, MomentumScalping};

/// The stop follows in steps of this share of the ATR, not with every tick.
const TRAIL_STEP_ATR: f64 = 0.25;

impl MomentumScalping {
    /// Once per closed minute: whether a burst with a profit after costs is over.
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
        let Some(bbo) = market.symbol(symbol).bbo() else {
            return;
        };
        let Some(entry) = entry_price(position, &desk.instrument) else {
            return;
        };
        let price = desk.instrument.px_f64(exit_touch(side, &bbo));
        let net =
            profit_pct(side, entry, price) - 200.0 * account.fees(symbol).taker.to_num::<f64>();
        let far = match side {
            PositionSide::Long => reading.rsi,
            PositionSide::Short => 100.0 - reading.rsi,
        };
        let code = if far > self.params.exhaustion_rsi {
            "exhausted"
        } else if reading.crosses_against(side) {
            "ema_cross"
        } else {
            return;
        };
        if net <= 0.0 {
            return;
        }
        desk.exit.demand(
            Reason::new(code)
                .with("rsi", reading.rsi)
                .with("ema8", reading.ema8)
                .with("net_pct", net),
        );
    }

    /// With every event: an exit that is due and not on its way, or the stop that follows. True when it
    /// signalled or must wait for an order.
    pub(super) fn leave(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        let Some(desk) = &mut self.desks[symbol.index()] else {
            return false;
        };
        // What is on its way to the venue must not be sent again.
        if account.has_orders(symbol) {
            out.skip(Skip::OrderUnderWay);
            return true;
        }
        let position = account.position(symbol);
        let (Some(side), Some(bbo)) = (position.side(), market.symbol(symbol).bbo()) else {
            return false;
        };
        if desk.exit.is_waiting(market.now()) {
            return false;
        }
        let fee = account.fees(symbol).taker.to_num::<f64>();
        let signal = desk
            .exit
            .signal(symbol)
            .or_else(|| follow(symbol, side, position, desk, &bbo, fee, &self.params));
        let Some(signal) = signal else {
            return false;
        };
        desk.exit.wait(market.now());
        out.push(signal);
        true
    }
}

/// The stop a multiple of the ATR behind the best price, once that earned enough and lies beyond the costs:
/// a stop nearer than that would be noise.
fn follow(
    symbol: SymbolId,
    side: PositionSide,
    position: &Position,
    desk: &Desk,
    bbo: &Bbo,
    fee: f64,
    params: &Params,
) -> Option<Signal> {
    let best = desk.best?;
    let entry = entry_price(position, &desk.instrument)?;
    if profit_pct(side, entry, best.price()) < params.trail_activate_pct {
        return None;
    }
    let atr = desk.bars.atr()?;
    let level = best.chandelier(params.trail_atr * atr);
    let gain = |from: f64| sign(side) * (level - from);
    if gain(entry * (1.0 + sign(side) * 2.0 * fee)) < 0.0 {
        return None;
    }
    let px = desk.instrument.px_from_f64(level)?;
    if let Some(stop) = position.stop
        && (stop == px || gain(desk.instrument.px_f64(stop)) < TRAIL_STEP_ATR * atr)
    {
        return None;
    }
    let reason = Reason::new("trailing_stop").with("best", best.price()).with("atr", atr);
    let now = exit_touch(side, bbo);
    let is_passed = match side {
        PositionSide::Long => now <= px,
        PositionSide::Short => now >= px,
    };
    if is_passed {
        return Some(Signal::close(symbol, reason));
    }
    let signal = Signal::new(symbol, Action::Protect, Size::All, reason);
    Some(signal.bracket(ExitLevel::At(px), ExitLevel::Keep))
}
