//! When the momentum-scalping strategy enters, and with how much. Runs once per closed minute.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::board::Indicator;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Size, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::{net_move_pct, sign};
use paperwire_signals::regime::Regime;

use super::params::{Params, Table};
use super::reading::Reading;
use super::{LONGER, MomentumScalping};
use crate::gate::{self, Limits};

/// Factors on the asked volume and on sizes by regime: low, medium, high, extreme.
const REGIME_VOLUME: [f64; 4] = [0.9, 1.0, 1.3, 1.5];
const REGIME_SIZE: [f64; 4] = [1.0, 1.0, 0.75, 0.5];
/// The same by session: Asia, Europe, overlap, Americas, off hours.
const SESSION_VOLUME: [f64; 5] = [1.2, 1.0, 0.9, 1.0, 1.4];
const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.5];

impl MomentumScalping {
    /// The signal this minute makes, or the first reason against one.
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
        self.gate.check(market, account)?;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        let table = desk.table;
        if now < desk.next_ok_at {
            return Err(Skip::TimeCooldown);
        }
        let orders = state.tape().total();
        if orders < desk.next_ok_order {
            return Err(Skip::TradeCooldown);
        }
        let reading = reading.ok_or(Skip::WarmingUp)?;
        let regime = desk.regime.regime().ok_or(Skip::WarmingUp)?;
        let longer = state.board(LONGER).get(Indicator::Ema50).map_err(|_| Skip::WarmingUp)?;
        if regime == Regime::Extreme && self.params.pauses_in_extreme {
            return Err(Skip::RegimePause);
        }
        if account.position(symbol).side().is_some() {
            return Err(Skip::ExistingPosition);
        }
        let limits = Limits {
            pair_max: self.params.position_usd_max,
            total_max: self.params.total_usd_max,
            size_min: self.params.size_usd_min,
        };
        let room = self.gate.room(symbol, limits, market, account)?;
        let fee = account.fees(symbol).taker.to_num::<f64>();
        let net = net_move_pct(table.target_pct, fee, fee, spread_pct(&bbo), 1.0);
        if net < self.params.net_min_pct {
            return Err(Skip::NotFeeProfitable);
        }
        self.check_correlation(&table)?;
        let session = self.session.at(now).index();
        let volume = table.volume_mult * REGIME_VOLUME[regime.index()] * SESSION_VOLUME[session];
        let (side, strength) = burst(reading, regime, longer, &table, volume, &self.params)?;
        let flow = flow_along(side, state, now, &self.params)?;
        let usd = table.position_usd * REGIME_SIZE[regime.index()] * SESSION_SIZE[session];
        let usd = self.gate.cap(symbol, side, usd, room, self.params.size_usd_min, account)?;
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);

        let wait = DurationNs::from_secs(self.params.cooldown_s);
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        desk.next_ok_at = now.plus(wait);
        desk.next_ok_order = orders + table.cooldown_trades;
        let (action, code) = match side {
            PositionSide::Long => (Action::Buy, "burst_long"),
            PositionSide::Short => (Action::Short, "burst_short"),
        };
        let reason = Reason::new(code)
            .with("strength", strength)
            .with("rsi", reading.rsi)
            .with("volume_ratio", reading.volume_ratio.unwrap_or(0.0))
            .with("adx", reading.adx)
            .with("flow", flow)
            .with("net_pct", net);
        let stop = ExitLevel::PctFromFill(table.stop_pct);
        let target = ExitLevel::PctFromFill(table.target_pct);
        let mut signal = Signal::new(symbol, action, size, reason).bracket(stop, target);
        signal.exits.hold_max = Some(DurationNs::from_secs(self.params.hold_max_s));
        Ok(signal)
    }

    /// The cross pair only means something while its two sides move together.
    fn check_correlation(&self, table: &Table) -> Result<(), Skip> {
        if table.correlation_min <= 0.0 {
            return Ok(());
        }
        let pair = self.pair.as_ref().ok_or(Skip::LowCorrelation)?;
        let alike = pair.value().ok_or(Skip::WarmingUp)?;
        if alike < table.correlation_min { Err(Skip::LowCorrelation) } else { Ok(()) }
    }
}

/// The direction of a burst that trends and volume confirm, and how strongly it is triggered.
pub(super) fn burst(
    reading: &Reading,
    regime: Regime,
    longer: f64,
    table: &Table,
    volume: f64,
    params: &Params,
) -> Result<(PositionSide, f64), Skip> {
    if reading.adx >= table.adx_max {
        return Err(Skip::StrongTrendAdx);
    }
    if reading.adx < table.adx_min {
        return Err(Skip::TrendNotAligned);
    }
    let oversold =
        if regime >= Regime::High { params.rsi_oversold_lively } else { params.rsi_oversold };
    let up = reading.strength(PositionSide::Long, oversold);
    let down = reading.strength(PositionSide::Short, oversold);
    let (side, strength) = match (up > 0.0, down > 0.0) {
        (false, false) => return Err(Skip::NoSignalConditions),
        (true, true) => return Err(Skip::MomentumNotConfirmed),
        (true, false) => (PositionSide::Long, up),
        (false, true) => (PositionSide::Short, down),
    };
    if strength < params.strength_min {
        return Err(Skip::MomentumNotConfirmed);
    }
    if !reading.is_trend(side) {
        return Err(Skip::TrendNotAligned);
    }
    if sign(side) * (reading.close - longer) <= 0.0 {
        return Err(Skip::TimeframeMisaligned);
    }
    if reading.volume_ratio.is_none_or(|ratio| ratio < volume) {
        return Err(Skip::VolumeNotConfirmed);
    }
    Ok((side, strength))
}

/// The takers' imbalance, when they lean along now.
fn flow_along(
    side: PositionSide,
    state: &SymbolState,
    now: ExchNs,
    params: &Params,
) -> Result<f64, Skip> {
    let flow = gate::flow(state, params.flow_orders, now, params.flow_age_max_s)?;
    if sign(side) * flow < params.flow_min { Err(Skip::TradeFlowNotAligned) } else { Ok(flow) }
}
