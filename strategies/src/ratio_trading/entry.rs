//! When the ratio strategy enters, and with how much. Runs once per closed bar.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::Money;
use paperwire_core::strategy::{
    Action, Distance, ExitLevel, Exits, Reason, Signal, Size, Skip, Trail,
};
use paperwire_core::time::ExchNs;
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::{net_move_pct, sign};
use paperwire_signals::exposure::unit_value;
use paperwire_signals::regime::Regime;

use super::{Desk, Params, RatioTrading, Reading};
use crate::gate;

/// Factors on the threshold and the size by regime: low, medium, high, extreme.
const REGIME_THRESHOLD: [f64; 4] = [0.8, 1.0, 1.3, 1.5];
const REGIME_SIZE: [f64; 4] = [1.0, 1.0, 0.8, 0.5];

impl RatioTrading {
    /// The signal this bar makes, or the first reason against one.
    pub(super) fn entry(
        &mut self,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Signal, Skip> {
        let params = &self.params;
        let desk = self.desk.as_ref().ok_or(Skip::NoPriceData)?;
        let (now, state) = (market.now(), market.symbol(desk.id));
        let bbo = gate::touch(desk.id, params.book_age_max_ms, market)?;
        if account.has_orders(desk.id) {
            return Err(Skip::OrderUnderWay);
        }
        if self.losses.blocks(account.equity) {
            return Err(Skip::DailyLoss);
        }
        if self.breaker.blocks(now) {
            return Err(Skip::CircuitBreaker);
        }
        if desk.bars.count() < desk.next_ok_bar {
            return Err(Skip::TimeCooldown);
        }
        let usd_each = unit_value(market, desk.id).ok_or(Skip::NoPriceData)?;
        let reading = desk.reading.ok_or(Skip::WarmingUp)?;
        let regime = desk.regime.regime().ok_or(Skip::WarmingUp)?;
        let spread = spread_pct(&bbo);
        if spread > params.spread_max_pct {
            return Err(Skip::SpreadTooWide);
        }
        if regime == Regime::Extreme && params.pauses_in_extreme {
            return Err(Skip::RegimePause);
        }
        let alike = self.correlation()?;
        let half_life = match (reading.fit, params.needs_validation) {
            (Err(why), true) => return Err(why),
            (fit, _) => fit.ok(),
        };
        let held = account.position(desk.id);
        let side = stretched(&reading, regime, params)?;
        let reason = explain(side, &reading, half_life, alike, spread);
        if held.side() == Some(side.opposite()) {
            return Ok(Signal::close(desk.id, Reason::new("reversal").with("z", reading.z)));
        }
        if side == PositionSide::Short && !params.sells_first {
            return Err(Skip::NoSignalConditions);
        }
        pays(&reading, &bbo, self.fee, params)?;
        confirmed(side, &reading, state, now, params)?;
        let open = desk.instrument.qty_f64(held.qty()) * usd_each;
        let usd = size(regime, open, account, params)?;
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);

        let is_add = held.side().is_some();
        let exits = if is_add { Exits::KEEP } else { exits(params) };
        let desk = self.desk.as_mut().ok_or(Skip::NoPriceData)?;
        desk.next_ok_bar = desk.bars.count() + self.params.cooldown_bars;
        if !is_add {
            let bars = half_life.unwrap_or(self.params.lookback_bars as f64);
            desk.decay_bars = self.params.decay_half_lives * bars;
        }
        let action = match side {
            PositionSide::Long => Action::Buy,
            PositionSide::Short => Action::Short,
        };
        Ok(Signal { exits, ..Signal::new(desk.id, action, size, reason) })
    }

    /// The correlation of both money pairs, when it allows an entry.
    fn correlation(&self) -> Result<f64, Skip> {
        let params = &self.params;
        let pair = self.correlation.as_ref().ok_or(Skip::NoPriceData)?;
        let alike = pair.value().ok_or(Skip::WarmingUp)?;
        if alike < params.correlation_min {
            return Err(Skip::LowCorrelation);
        }
        if params.pauses_on_decline && alike < params.decline_below {
            let slope = self.decline.value().ok_or(Skip::WarmingUp)?;
            if slope < -params.decline_slope {
                return Err(Skip::CorrelationDeclining);
            }
        }
        Ok(alike)
    }
}

impl Desk {
    /// Value of the open position in the numeraire; `None` while it has no price.
    pub(super) fn open_usd(&self, qty: f64, market: &MarketView<'_>) -> Option<f64> {
        Some(qty * unit_value(market, self.id)?)
    }
}

/// The direction that leads back to the mean, when it is far enough away and not lost already.
fn stretched(reading: &Reading, regime: Regime, params: &Params) -> Result<PositionSide, Skip> {
    let threshold = params.entry_z * REGIME_THRESHOLD[regime.index()];
    let z = reading.z.abs();
    if z <= threshold || z >= params.stop_z {
        return Err(Skip::NoSignalConditions);
    }
    Ok(if reading.z < 0.0 { PositionSide::Long } else { PositionSide::Short })
}

/// Whether the way back to where half is sold pays both fees and the spread.
fn pays(reading: &Reading, bbo: &Bbo, fee: f64, params: &Params) -> Result<(), Skip> {
    let expected = 100.0 * (reading.z.abs() - params.exit_z) * reading.sigma / reading.mean;
    let net = net_move_pct(expected, fee, fee, spread_pct(bbo), 1.0);
    if net < params.net_min_pct { Err(Skip::NotFeeProfitable) } else { Ok(()) }
}

/// Moves, relative strength and takers do not speak against it.
fn confirmed(
    side: PositionSide,
    reading: &Reading,
    state: &SymbolState,
    now: ExchNs,
    params: &Params,
) -> Result<(), Skip> {
    let away_share = match side {
        PositionSide::Long => reading.down_share,
        PositionSide::Short => reading.up_share,
    };
    if away_share.ok_or(Skip::WarmingUp)? >= params.trend_share {
        return Err(Skip::StrongTrendDetected);
    }
    if params.asks_rsi {
        let rsi = reading.rsi.ok_or(Skip::WarmingUp)?;
        let is_exhausted = match side {
            PositionSide::Long => rsi <= params.rsi_oversold,
            PositionSide::Short => rsi >= params.rsi_overbought,
        };
        if !is_exhausted {
            return Err(Skip::RsiNotConfirmed);
        }
    }
    if params.asks_flow {
        let flow = gate::flow(state, params.flow_orders, now, params.flow_age_max_s)?;
        if sign(side) * flow <= params.flow_min {
            return Err(Skip::TradeFlowNotAligned);
        }
    }
    Ok(())
}

/// The size that the limit and equity leave.
fn size(
    regime: Regime,
    open_usd: f64,
    account: &AccountView<'_>,
    params: &Params,
) -> Result<f64, Skip> {
    let room = params.position_usd_max - open_usd;
    if room < params.size_usd_min {
        return Err(Skip::MaxPosition);
    }
    let free = account.equity.to_num::<f64>() - open_usd;
    let usd = (params.position_usd * REGIME_SIZE[regime.index()]).min(room).min(free);
    if usd < params.size_usd_min { Err(Skip::InsufficientSize) } else { Ok(usd) }
}

/// What closes the position without the strategy.
fn exits(params: &Params) -> Exits {
    Exits {
        stop: ExitLevel::PctFromFill(params.stop_pct),
        target: ExitLevel::Clear,
        trail: params.trails.then_some(Trail {
            distance: Distance::Percent(params.trail_distance_pct),
            activation_pct: params.trail_activate_pct,
        }),
        ..Exits::KEEP
    }
}

fn explain(
    side: PositionSide,
    reading: &Reading,
    half_life: Option<f64>,
    alike: f64,
    spread: f64,
) -> Reason {
    let code = match side {
        PositionSide::Long => "ratio_low",
        PositionSide::Short => "ratio_high",
    };
    Reason::new(code)
        .with("z", reading.z)
        .with("sigma_pct", 100.0 * reading.sigma / reading.mean)
        .with("rsi", reading.rsi.unwrap_or(f64::NAN))
        .with("half_life", half_life.unwrap_or(f64::NAN))
        .with("correlation", alike)
        .with("spread_pct", spread)
}
