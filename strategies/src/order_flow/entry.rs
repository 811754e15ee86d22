//! When the order-flow strategy enters, and with how much. Cheap refusals come first.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::{Money, pow10};
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Size, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::{net_move_pct, opposite, sign};
use paperwire_signals::flow::fresh_flow;
use paperwire_signals::regime::Regime;

use super::desk::{Desk, REGIME_SIZE, SESSION_SIZE, Thresholds};
use super::params::VpinMode;
use super::{OrderFlow, TAG_MOMENTUM, TAG_VWAP};
use crate::gate::{self, Limits};

/// Newest orders whose volume makes a spike.
const SPIKE_ORDERS: usize = 5;
/// A fade needs this share of the threshold.
const FADE_RATIO: f64 = 0.7;
/// What a high VPIN leaves of a size.
const VPIN_SIZE: f64 = 0.5;

/// What the market says now.
#[derive(Clone, Copy, Debug)]
struct Reading {
    imbalance: f64,
    /// Volume of the newest orders over their usual.
    spike: f64,
    ofi: f64,
    /// Average price of the window.
    vwap: f64,
    mid: f64,
    spread_pct: f64,
}

/// An entry that the market offers.
#[derive(Clone, Copy, Debug)]
struct Setup {
    side: PositionSide,
    is_fade: bool,
}

impl OrderFlow {
    /// The signal this trade makes, or the first reason against one.
    pub(super) fn entry(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Signal, Skip> {
        let now = market.now();
        let state = market.symbol(symbol);
        let bbo = gate::touch(symbol, self.params.book_age_max_ms, market)?;
        self.gate.check(market, account).map_err(|_| Skip::CircuitBreaker)?;
        let session = self.session.at(now);
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        if now < desk.next_ok_at {
            return Err(Skip::TimeCooldown);
        }
        let orders = state.tape().total();
        if orders < desk.next_ok_order {
            return Err(Skip::TradeCooldown);
        }
        let regime = desk.regime.regime().ok_or(Skip::WarmingUp)?;
        if regime == Regime::Extreme && self.params.pauses_in_extreme {
            return Err(Skip::RegimePause);
        }
        let vpin_size = vpin_size(desk, self.params.vpin_mode, self.params.vpin_floor)?;
        if self.params.pauses_on_anomaly {
            desk.anomaly.check()?;
        }
        let flow_age_max = DurationNs::from_secs(self.params.flow_age_max_s);
        let reading = read(desk, state, &bbo, now, flow_age_max)?;
        let thresholds = desk.thresholds(session);
        let setup = self.setup(symbol, &reading, thresholds)?;

        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        desk.is_armed[side_index(setup.side)] = false;
        let held = account.position(symbol).side();
        let reason = explain(&setup, &reading, regime, held);
        if held == Some(opposite(setup.side)) {
            return Ok(Signal::close(symbol, reason));
        }
        if held.is_some() && setup.is_fade {
            return Err(Skip::ExistingPosition);
        }
        let mut usd = desk.table.position_usd * vpin_size;
        usd *= REGIME_SIZE[regime.index()] * SESSION_SIZE[session.index()];
        if setup.is_fade {
            usd *= self.params.vwap_size_mult;
        }
        let usd = self.clip(symbol, setup.side, usd, market, account)?;
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);

        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        let (stop, target) = desk.levels(setup.is_fade.then_some(reading.vwap), held.is_some())?;
        desk.next_ok_at = now.plus(DurationNs::from_secs(self.params.cooldown_s));
        desk.next_ok_order = orders + desk.table.cooldown_trades;
        let action = match setup.side {
            PositionSide::Long => Action::Buy,
            PositionSide::Short => Action::Short,
        };
        let tag = if setup.is_fade { TAG_VWAP } else { TAG_MOMENTUM };
        Ok(Signal::new(symbol, action, size, reason).bracket(stop, target).tag(tag))
    }

    /// The strongest offer of the market; a fade only when there is no momentum.
    fn setup(&self, symbol: SymbolId, now: &Reading, at: Thresholds) -> Result<Setup, Skip> {
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        let (params, table) = (&self.params, &desk.table);
        let is_armed = |side| desk.is_armed[side_index(side)];
        let side = if now.imbalance > 0.0 { PositionSide::Long } else { PositionSide::Short };
        let threshold = match side {
            PositionSide::Long => at.buy,
            PositionSide::Short => at.sell,
        };
        let strength = now.imbalance.abs();
        let is_confirmed = sign(side) * now.ofi >= params.ofi_confirm;
        let pays = |move_pct: f64| {
            let net = net_move_pct(move_pct, self.fee, self.fee, now.spread_pct, 1.0);
            net >= params.net_min_pct
        };
        let away_pct = 100.0 * sign(side) * (now.vwap - now.mid) / now.mid;

        let is_burst = strength > threshold && now.spike > table.volume_spike_mult;
        if is_burst && is_confirmed && is_armed(side) {
            return if pays(table.target_pct) {
                Ok(Setup { side, is_fade: false })
            } else {
                Err(Skip::NotFeeProfitable)
            };
        }
        let is_away = strength > FADE_RATIO * threshold && away_pct > params.vwap_deviation_min_pct;
        if params.fades_to_vwap && is_away && is_confirmed && is_armed(side) {
            return if pays(away_pct) {
                Ok(Setup { side, is_fade: true })
            } else {
                Err(Skip::NotFeeProfitable)
            };
        }
        if is_burst && !is_confirmed {
            return Err(Skip::TradeFlowNotAligned);
        }
        Err(Skip::NoSignalConditions)
    }

    /// The size that limits and equity leave.
    fn clip(
        &mut self,
        symbol: SymbolId,
        side: PositionSide,
        wanted: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<f64, Skip> {
        let params = &self.params;
        let limits = Limits {
            pair_max: params.position_usd_max,
            total_max: params.total_usd_max,
            size_min: params.size_usd_min,
        };
        let room = self.gate.room(symbol, limits, market, account)?;
        self.gate.cap(symbol, side, wanted, room, params.size_usd_min, account)
    }
}

impl Desk {
    /// Stop and target of an entry; `fade_to` is where a fade takes its profit.
    fn levels(
        &mut self,
        fade_to: Option<f64>,
        is_add: bool,
    ) -> Result<(ExitLevel, ExitLevel), Skip> {
        if is_add {
            // The average moves with the fill; both follow it in the next call.
            return Ok((ExitLevel::Keep, ExitLevel::Keep));
        }
        let stop = ExitLevel::PctFromFill(self.table.stop_pct);
        let Some(vwap) = fade_to else {
            return Ok((stop, ExitLevel::PctFromFill(self.table.target_pct)));
        };
        self.vwap_target = vwap;
        let target = self.instrument.px_from_f64(vwap).ok_or(Skip::NoPriceData)?;
        Ok((stop, ExitLevel::At(target)))
    }
}

/// Index of a side's state: buys, sells.
pub(super) const fn side_index(side: PositionSide) -> usize {
    match side {
        PositionSide::Long => 0,
        PositionSide::Short => 1,
    }
}

/// Factor on the size, or the pause.
fn vpin_size(desk: &Desk, mode: VpinMode, floor: f64) -> Result<f64, Skip> {
    let Some(vpin) = &desk.vpin else {
        return Ok(1.0);
    };
    let value = vpin.now().value().ok_or(Skip::WarmingUp)?;
    let high = vpin.now().threshold(floor).ok_or(Skip::WarmingUp)?;
    match mode {
        VpinMode::Pause if value >= high => Err(Skip::VpinPause),
        VpinMode::SizeDown if value >= high => Ok(VPIN_SIZE),
        VpinMode::Off | VpinMode::Pause | VpinMode::SizeDown => Ok(1.0),
    }
}

fn read(
    desk: &Desk,
    state: &SymbolState,
    bbo: &Bbo,
    now: ExchNs,
    age_max: DurationNs,
) -> Result<Reading, Skip> {
    let tape = state.tape();
    let window = desk.window();
    if tape.len() < window {
        return Err(Skip::WarmingUp);
    }
    let ofi = desk.ofi.value().ok_or(Skip::WarmingUp)?;
    let flow = fresh_flow(tape, window, now, age_max).ok_or(Skip::NoVolume)?;
    let imbalance = flow.imbalance().ok_or(Skip::NoVolume)?;
    let newest = tape.flow(SPIKE_ORDERS);
    let usual = (flow.buy_qty + flow.sell_qty) as f64 / flow.entries as f64;
    let unit = pow10(desk.instrument.price_precision) as f64;
    Ok(Reading {
        imbalance,
        spike: (newest.buy_qty + newest.sell_qty) as f64 / (SPIKE_ORDERS as f64 * usual),
        ofi,
        vwap: flow.vwap_units().ok_or(Skip::NoVolume)? / unit,
        mid: bbo.mid_doubled() as f64 / 2.0 / unit,
        spread_pct: spread_pct(bbo),
    })
}

fn explain(setup: &Setup, reading: &Reading, regime: Regime, held: Option<PositionSide>) -> Reason {
    let code = match (held, setup.is_fade, setup.side) {
        (Some(held), ..) if held != setup.side => "reversal",
        (_, true, PositionSide::Long) => "vwap_long",
        (_, true, PositionSide::Short) => "vwap_short",
        (_, false, PositionSide::Long) => "momentum_long",
        (_, false, PositionSide::Short) => "momentum_short",
    };
    Reason::new(code)
        .with("imbalance", reading.imbalance)
        .with("spike", reading.spike)
        .with("ofi", reading.ofi)
        .with("vwap", reading.vwap)
        .with("spread_pct", reading.spread_pct)
        .with("regime", regime.index() as f64)
}
