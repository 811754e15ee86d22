//! When the wave-trend strategy enters, and with how much. Runs once per closed bar.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::Money;
use paperwire_core::strategy::{Action, Distance, ExitLevel, Reason, Signal, Size, Skip, Trail};
use paperwire_core::time::ExchNs;
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::{net_move_pct, sign};
use paperwire_signals::macd::Cross;
use paperwire_signals::wavetrend::Divergence;

use super::{Params, Reading, Wavetrend, Zone};
use crate::gate::{self, Limits};

/// Size by session: Asia, Europe, overlap, Americas, off hours.
const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.5];

impl Wavetrend {
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
        if account.position(symbol).side().is_some() {
            return Err(Skip::ExistingPosition);
        }
        let side = match reading.cross.ok_or(Skip::NoCrossover)? {
            Cross::Up => PositionSide::Long,
            Cross::Down => PositionSide::Short,
        };
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
        let confidence = confidence(side, reading, self.params.requires_zone)?;
        if confidence < self.params.confidence_min {
            return Err(Skip::InsufficientConfidence);
        }
        let flow = flow_not_against(side, state, now, &self.params)?;
        let usd = self.size(symbol, side, table.position_usd, room, market, account)?;
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);

        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        desk.cool_from(now);
        let (action, code) = match side {
            PositionSide::Long => (Action::Buy, "wave_long"),
            PositionSide::Short => (Action::Short, "wave_short"),
        };
        let reason = Reason::new(code)
            .with("wt1", reading.fast)
            .with("wt2", reading.slow)
            .with("confidence", confidence)
            .with("flow", flow)
            .with("net_pct", net);
        let stop = ExitLevel::PctFromFill(table.stop_pct);
        let target = ExitLevel::PctFromFill(table.target_pct);
        let signal = Signal::new(symbol, action, size, reason).bracket(stop, target);
        Ok(if self.params.trails { signal.trail(trail(&self.params)) } else { signal })
    }

    /// The size that session, correlation, limits and equity leave.
    fn size(
        &mut self,
        symbol: SymbolId,
        side: PositionSide,
        base: f64,
        room: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        let params = &self.params;
        let mut usd = base * SESSION_SIZE[self.session.at(market.now()).index()];
        if side == PositionSide::Short {
            usd *= params.short_size_mult;
        }
        if let Some(pair) = &self.pair {
            usd *= pair.size_mult(symbol, side, params.correlation_block, account)?;
        }
        self.gate.cap(symbol, side, usd, room, params.size_usd_min, account)
    }
}

/// How much speaks for the crossing, from the zones of this bar and of the one before.
fn confidence(side: PositionSide, reading: &Reading, requires_zone: bool) -> Result<f64, Skip> {
    let (zone, extreme, sign_of, from_before, from_now, most) = match side {
        PositionSide::Long => {
            let zones = (Zone::Oversold, Zone::ExtremeOversold);
            (zones.0, zones.1, Divergence::Bullish, 0.75, 0.70, 0.92)
        }
        PositionSide::Short => {
            let zones = (Zone::Overbought, Zone::ExtremeOverbought);
            (zones.0, zones.1, Divergence::Bearish, 0.70, 0.65, 0.88)
        }
    };
    let is_in = |at: Zone| at == zone || at == extreme;
    let mut sum = if is_in(reading.zone_before) {
        from_before
    } else if is_in(reading.zone) {
        from_now
    } else if requires_zone {
        return Err(Skip::ZoneNotConfirmed);
    } else {
        0.55
    };
    if reading.divergence == Some(sign_of) {
        sum += 0.10;
    }
    if reading.zone_before == extreme {
        sum += 0.05;
    }
    Ok(f64::min(sum, most))
}

/// The takers' imbalance, unless they lean against the entry now.
fn flow_not_against(
    side: PositionSide,
    state: &SymbolState,
    now: ExchNs,
    params: &Params,
) -> Result<f64, Skip> {
    let flow = gate::flow(state, params.flow_orders, now, params.flow_age_max_s)?;
    if sign(side) * flow < -params.flow_veto {
        return Err(Skip::TradeFlowNotAligned);
    }
    Ok(flow)
}

const fn trail(params: &Params) -> Trail {
    Trail {
        distance: Distance::Percent(params.trail_distance_pct),
        activation_pct: params.trail_activate_pct,
    }
}
