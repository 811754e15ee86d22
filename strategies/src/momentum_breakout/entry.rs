//! When the breakout strategy enters, and with how much. Runs once per closed bar.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Size, Skip};
use paperwire_core::time::ExchNs;
use paperwire_signals::book::{imbalance, spread_pct};
use paperwire_signals::costs::{entry_touch, net_move_pct, sign};

use super::reading::Reading;
use super::{Desk, MomentumBreakout, Params, Plan, TAG_ENTRY, side_index};
use crate::gate;

/// Taker orders whose imbalance must point along.
const FLOW_ORDERS: usize = 50;
/// Levels of the book that must lean along.
const BOOK_LEVELS: usize = 3;
/// Size by session: Asia, Europe, overlap, Americas, off hours.
const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.5];

impl MomentumBreakout {
    /// The signal this bar makes, or the first reason against one.
    pub(super) fn entry(
        &mut self,
        symbol: SymbolId,
        reading: Option<&Reading>,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Signal, Skip> {
        let now = market.now();
        let state = market.symbol(symbol);
        let bbo = gate::touch(symbol, self.params.book_age_max_ms, market)?;
        self.gate.check(market, account).map_err(|_| Skip::CircuitBreaker)?;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        if desk.bars.count() < desk.next_ok_bar {
            return Err(Skip::TimeCooldown);
        }
        let reading = reading.ok_or(Skip::WarmingUp)?;
        if reading.atr_pct < 0.5 * desk.table.atr_low_pct {
            return Err(Skip::LowVolatility);
        }
        let side = breakout(desk, reading, &self.params)?;
        let flow = flow_along(side, state, now, &self.params)?;
        self.costs(reading, &bbo)?;

        let price = desk.instrument.px_f64(entry_touch(side, &bbo));
        let stop_frac = first_stop(desk, side, reading, price, &self.params);
        let plan = Plan { stop_frac, level: reading.channel.broken_by(side) };
        let usd = self.size(symbol, side, reading, stop_frac, market, account)?;
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        desk.plan = Some(plan);
        desk.next_ok_bar = desk.bars.count() + desk.table.cooldown_bars;
        let (action, code) = match side {
            PositionSide::Long => (Action::Buy, "breakout_long"),
            PositionSide::Short => (Action::Short, "breakout_short"),
        };
        let reason = Reason::new(code)
            .with("volume_ratio", reading.volume_ratio.unwrap_or(0.0))
            .with("adx", reading.adx)
            .with("atr_pct", reading.atr_pct)
            .with("flow", flow)
            .with("squeeze_bars", f64::from(reading.squeeze_bars))
            .with("stop_pct", 100.0 * stop_frac);
        // From the fill, so that the risk is what was meant whatever the fill's price.
        let stop = ExitLevel::PctFromFill(100.0 * stop_frac);
        let signal = Signal::new(symbol, action, size, reason).tag(TAG_ENTRY);
        Ok(signal.bracket(stop, ExitLevel::Keep))
    }

    /// Spread and fees against the move that is likely.
    fn costs(&self, reading: &Reading, bbo: &Bbo) -> Result<(), Skip> {
        let spread = spread_pct(bbo);
        if spread > self.params.spread_max_atr * reading.atr_pct {
            return Err(Skip::SpreadTooWide);
        }
        let expected = self.params.expected_move_atr * reading.atr_pct;
        let net = net_move_pct(expected, self.fee, self.fee, spread, 1.0);
        if net < self.params.net_min_pct {
            return Err(Skip::NotFeeProfitable);
        }
        Ok(())
    }

    /// What may be lost decides the size; limits and equity clip it.
    fn size(
        &mut self,
        symbol: SymbolId,
        side: PositionSide,
        reading: &Reading,
        stop_frac: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        let params = &self.params;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        let most = desk.table.position_usd_max;
        let equity = account.equity.to_num::<f64>();
        self.gate.measure(symbol, market, account)?;
        let mut usd = (equity * params.risk_pct / 100.0 / stop_frac).min(most);
        usd *= SESSION_SIZE[self.session.at(market.now()).index()];
        usd *= volatility_size(reading.atr_pct, desk.table.atr_low_pct, desk.table.atr_high_pct);
        if side == PositionSide::Short {
            usd *= params.short_size_mult;
        }
        if reading.squeeze_bars >= params.squeeze_bars_min {
            usd *= params.squeeze_size_mult;
        }
        self.gate.cap(symbol, side, usd, most, params.size_usd_min, account)
    }
}

/// The direction of a break that range, volume and trend confirm.
fn breakout(desk: &Desk, reading: &Reading, params: &Params) -> Result<PositionSide, Skip> {
    let side = reading.broken_side().ok_or(Skip::NoSignalConditions)?;
    let level = reading.channel.broken_by(side);
    if desk.spent[side_index(side)] == Some(level) {
        return Err(Skip::TimeCooldown);
    }
    let is_beyond_band = match side {
        PositionSide::Long => reading.price > reading.keltner.upper,
        PositionSide::Short => reading.price < reading.keltner.lower,
    };
    let beyond = sign(side) * (reading.price - desk.instrument.px_f64(level));
    let is_late = beyond > params.extension_max_atr * reading.atr;
    if !is_beyond_band || is_late || reading.location_for(side) < params.location_min {
        return Err(Skip::NoSignalConditions);
    }
    // A bar that was heard in part has a volume that means nothing.
    let volume = reading.volume_ratio.filter(|_| !reading.is_incomplete);
    if volume.is_none_or(|ratio| ratio < desk.table.volume_mult) {
        return Err(Skip::VolumeNotConfirmed);
    }
    if reading.adx < params.adx_min && reading.atr_ratio < params.atr_ratio_min {
        return Err(Skip::TrendNotAligned);
    }
    Ok(side)
}

/// The takers' imbalance, when they and the book lean the same way now.
fn flow_along(
    side: PositionSide,
    state: &SymbolState,
    now: ExchNs,
    params: &Params,
) -> Result<f64, Skip> {
    let against = Skip::TradeFlowNotAligned;
    let flow = gate::flow(state, FLOW_ORDERS, now, params.flow_age_max_s).map_err(|_| against)?;
    let book = state.book().and_then(|book| imbalance(book, BOOK_LEVELS)).ok_or(against)?;
    if sign(side) * flow > params.flow_min && sign(side) * book > 0.0 {
        Ok(flow)
    } else {
        Err(against)
    }
}

/// Distance of the first stop as a fraction of the entry: the nearer of a multiple of the ATR and the
/// middle of the channel, but never so near that noise reaches it.
fn first_stop(
    desk: &Desk,
    side: PositionSide,
    reading: &Reading,
    price: f64,
    params: &Params,
) -> f64 {
    let channel = reading.channel;
    let middle =
        f64::midpoint(desk.instrument.px_f64(channel.high), desk.instrument.px_f64(channel.low));
    let to_middle = sign(side) * (price - middle);
    let distance = (params.stop_atr * reading.atr).min(to_middle);
    (distance / price).max(params.stop_min_pct / 100.0)
}

/// Smaller in a wild market, larger in a quiet one.
fn volatility_size(atr_pct: f64, low: f64, high: f64) -> f64 {
    if atr_pct > high {
        0.5
    } else if atr_pct > f64::midpoint(low, high) {
        0.7
    } else if atr_pct < low {
        1.2
    } else {
        1.0
    }
}
