//! When the whale-sentiment strategy enters, and with how much. Runs once per closed bar.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, Distance, ExitLevel, Reason, Signal, Size, Skip, Trail};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::{net_move_pct, sign};
use paperwire_signals::regime::Regime;

use super::WhaleSentiment;
use super::params::{Params, Table};
use super::reading::{Mood, Reading};
use crate::gate::{self, Limits};

/// Size by session: Asia, Europe, overlap, Americas, off hours.
const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.5];
/// Factors by regime: low, medium, high; there are no entries in the extreme one.
const REGIME_SIZE: [f64; 4] = [1.1, 1.0, 0.75, 0.0];
const REGIME_LEVELS: [f64; 4] = [0.8, 1.0, 1.5, 1.5];
const REGIME_COOLDOWN_PCT: [u64; 4] = [80, 100, 150, 150];
/// Where the asked confidence ends up at least and at most.
const CONFIDENCE_RANGE: (f64, f64) = (0.40, 0.60);
const HOUR_S: u64 = 3600;

impl WhaleSentiment {
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
        self.gate.check(market, account)?;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        let table = desk.table;
        if now < desk.next_ok_at {
            return Err(Skip::TimeCooldown);
        }
        let reading = reading.ok_or(Skip::WarmingUp)?;
        let regime = desk.regime.regime().ok_or(Skip::WarmingUp)?;
        if account.position(symbol).side().is_some() {
            return Err(Skip::ExistingPosition);
        }
        let wanted = reading.zone.wants(self.params.is_contrarian);
        let side = wanted.ok_or(Skip::NeutralSentiment)?;
        if regime == Regime::Extreme {
            return Err(Skip::ExtremeVolatility);
        }
        let zone_size = zone_size(reading, &self.params)?;
        let limits = Limits {
            pair_max: table.position_usd_max,
            total_max: self.params.total_usd_max,
            size_min: self.params.size_usd_min,
        };
        let room = self.gate.room(symbol, limits, market, account)?;
        let fee = account.fees(symbol).taker.to_num::<f64>();
        let levels = REGIME_LEVELS[regime.index()];
        let spread = spread_pct(&bbo);
        let net = net_move_pct(table.target_pct * levels, fee, fee, spread, 1.0);
        if net < self.params.net_min_pct {
            return Err(Skip::NotFeeProfitable);
        }
        let ratio = whale_along(side, reading, &table, spread, &self.params)?;
        let flow = flow_along(side, state, now, &self.params)?;
        let wanted = table.position_usd * zone_size * REGIME_SIZE[regime.index()];
        let wanted = wanted * mood_size(side, reading, &self.params);
        let usd = self.size(symbol, side, wanted, room, market, account)?;
        let confidence = confidence(side, reading, ratio, flow);
        let asked = confidence_asked(reading, regime, &self.params);
        if confidence < asked + account.adjustment.entry_shift {
            return Err(Skip::InsufficientConfidence);
        }
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);

        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        let wait_s = table.cooldown_s * REGIME_COOLDOWN_PCT[regime.index()] / 100;
        desk.cooldown = DurationNs::from_secs(wait_s);
        desk.next_ok_at = now.plus(desk.cooldown);
        let reason = explain(side, reading, ratio, flow, confidence);
        Ok(self.signal(symbol, side, size, &table, levels, reason))
    }

    /// The order with its stop and target, both as far away as volatility wants them.
    fn signal(
        &self,
        symbol: SymbolId,
        side: PositionSide,
        size: Size,
        table: &Table,
        levels: f64,
        reason: Reason,
    ) -> Signal {
        let action = match side {
            PositionSide::Long => Action::Buy,
            PositionSide::Short => Action::Short,
        };
        let stop = ExitLevel::PctFromFill(table.stop_pct * levels);
        let target = ExitLevel::PctFromFill(table.target_pct * levels);
        let signal = Signal::new(symbol, action, size, reason).bracket(stop, target);
        if !self.params.trails {
            return signal;
        }
        let activation_pct = 0.5 * table.target_pct * levels;
        let distance = Distance::Percent(self.params.trail_distance_pct);
        signal.trail(Trail { distance, activation_pct })
    }

    /// The size that session, correlation, limits and equity leave.
    fn size(
        &mut self,
        symbol: SymbolId,
        side: PositionSide,
        wanted: f64,
        room: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        let params = &self.params;
        let mut usd = wanted * SESSION_SIZE[self.session.at(market.now()).index()];
        if let Some(pair) = &self.pair {
            usd *= pair.size_mult(symbol, side, params.correlation_block, account)?;
        }
        self.gate.cap(symbol, side, usd, room, params.size_usd_min, account)
    }
}

/// Factor on the size of an extreme that has lasted, or the pause.
fn zone_size(reading: &Reading, params: &Params) -> Result<f64, Skip> {
    let lasts = |hours: u64| {
        reading.zone.is_extreme && reading.extreme_for >= DurationNs::from_secs(HOUR_S * hours)
    };
    if lasts(params.zone_pause_h) {
        Err(Skip::WaitingZoneExit)
    } else if lasts(params.zone_shrink_h) {
        Ok(params.zone_shrink_mult)
    } else {
        Ok(1.0)
    }
}

/// The volume's ratio, when it is large, moved the price along and can be believed.
fn whale_along(
    side: PositionSide,
    reading: &Reading,
    table: &Table,
    spread: f64,
    params: &Params,
) -> Result<f64, Skip> {
    let ratio = reading.spike(table).ok_or(Skip::WhaleMismatch)?;
    let whale = reading.whale(table, params);
    if whale.is_none() && ratio > params.still_volume_mult {
        return Err(Skip::VolumeFalsePositive);
    }
    if whale != Some(side) {
        return Err(Skip::WhaleMismatch);
    }
    if spread > params.spread_max_pct || reading.prints < params.prints_min {
        return Err(Skip::VolumeFalsePositive);
    }
    Ok(ratio)
}

/// The takers' imbalance. Against the crowd the newest of them must have turned already: a longer window
/// is still full of the fall. With the crowd they must not lean against it.
fn flow_along(
    side: PositionSide,
    state: &SymbolState,
    now: ExchNs,
    params: &Params,
) -> Result<f64, Skip> {
    let window = if params.is_contrarian { params.turn_orders } else { params.flow_orders };
    let flow = gate::flow(state, window, now, params.flow_age_max_s)?;
    let along = sign(side) * flow;
    let is_against =
        if params.is_contrarian { along <= params.turn_min } else { along < -params.flow_veto };
    if is_against { Err(Skip::TradeFlowNotAligned) } else { Ok(flow) }
}

/// Extremes are sharper, so a little less is put into them; and less into shorts.
const fn mood_size(side: PositionSide, reading: &Reading, params: &Params) -> f64 {
    let of_mood = match (reading.zone.mood, reading.zone.is_extreme) {
        (Mood::Greed, true) => 0.8,
        (Mood::Greed, false) => 0.9,
        (Mood::Fear, true) => 0.95,
        (Mood::Fear | Mood::Neutral, _) => 1.0,
    };
    match side {
        PositionSide::Long => of_mood,
        PositionSide::Short => of_mood * params.short_size_mult,
    }
}

/// How much speaks for the entry: the volume, the mood, the takers.
fn confidence(side: PositionSide, reading: &Reading, ratio: f64, flow: f64) -> f64 {
    let volume = (0.275 + 0.05 * (ratio - 2.0)).clamp(0.0, 0.55);
    let mood = if reading.zone.is_extreme { 0.35 } else { 0.21 };
    let takers = 0.10 * (sign(side) * flow).clamp(0.0, 1.0);
    let most = match side {
        PositionSide::Long => 0.90,
        PositionSide::Short => 0.85,
    };
    f64::min(volume + mood + takers, most)
}

fn explain(side: PositionSide, reading: &Reading, ratio: f64, flow: f64, sum: f64) -> Reason {
    let code = match side {
        PositionSide::Long => "whale_long",
        PositionSide::Short => "whale_short",
    };
    Reason::new(code)
        .with("below_high_pct", reading.below_high)
        .with("above_low_pct", reading.above_low)
        .with("volume_ratio", ratio)
        .with("change_pct", reading.change_pct)
        .with("flow", flow)
        .with("confidence", sum)
}

/// How much must speak for it.
fn confidence_asked(reading: &Reading, regime: Regime, params: &Params) -> f64 {
    let mut asked = params.confidence_min;
    if reading.zone.is_extreme {
        asked -= 0.05;
    }
    if regime == Regime::High {
        asked += 0.05;
    }
    asked.clamp(CONFIDENCE_RANGE.0, CONFIDENCE_RANGE.1)
}
