//! When the mean-reversion strategy enters, and with how much. Cheap refusals come first.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::{MarketView, SymbolState};
use paperwire_core::num::{Money, Px};
use paperwire_core::strategy::{
    Action, Distance, ExitLevel, Exits, OrderSpec, Reason, Signal, Signals, Size, Skip,
    TimeInForce, Trail,
};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::{exit_touch, net_move_pct, sign};
use paperwire_signals::flow::fresh_flow;
use paperwire_signals::regime::Regime;

use super::reading::{Reading, Signs};
use super::{Desk, EntryOrder, MeanReversion, Params, Role, TAG_BAND, TAG_VWAP};
use crate::gate::{self, Limits};

/// Factors on the threshold and the size by regime: low, medium, high, extreme.
const REGIME_THRESHOLD: [f64; 4] = [0.8, 1.0, 1.3, 1.5];
const REGIME_SIZE: [f64; 4] = [1.0, 1.0, 0.8, 0.5];
/// Length of a bar, and the life of an entry that rests.
const BAR: DurationNs = DurationNs::from_secs(300);

/// What the takers did last.
#[derive(Clone, Copy, Debug)]
struct Takers {
    imbalance: f64,
    /// Their average price.
    vwap: f64,
    /// Since the window's first order.
    span: DurationNs,
}

/// An entry that the market offers.
#[derive(Clone, Copy, Debug)]
struct Setup {
    side: PositionSide,
    /// Distance from the mean, or from the takers' average, in percent.
    away_pct: f64,
    /// The takers' average, when that is what is faded.
    vwap: Option<f64>,
}

impl MeanReversion {
    /// Emits the entry at this price, or tells why there is none.
    pub(super) fn enter(
        &mut self,
        symbol: SymbolId,
        price: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        match self.entry(symbol, price, market, account) {
            Ok(signal) => out.push(signal),
            Err(why) => out.skip(why),
        }
    }

    fn entry(
        &mut self,
        symbol: SymbolId,
        price: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Signal, Skip> {
        let now = market.now();
        let state = market.symbol(symbol);
        let bbo = gate::touch(symbol, self.params.book_age_max_ms, market)?;
        if account.has_orders(symbol) {
            return Err(Skip::OrderUnderWay);
        }
        if self.gate.losses.blocks(account.equity) {
            return Err(Skip::DailyLoss);
        }
        if self.gate.breaker.blocks(now) {
            return Err(Skip::CircuitBreaker);
        }
        let params = &self.params;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        if now < desk.next_ok_at {
            return Err(Skip::TimeCooldown);
        }
        let reading = desk.reading.ok_or(Skip::WarmingUp)?;
        let signs = reading.signs.ok_or(Skip::WarmingUp)?;
        let regime = desk.regime.regime().ok_or(Skip::WarmingUp)?;
        if regime == Regime::Extreme && params.pauses_in_extreme {
            return Err(Skip::RegimePause);
        }
        if desk.role == Role::Cross {
            let pair = self.correlation.as_ref().ok_or(Skip::NoPriceData)?;
            if pair.value().ok_or(Skip::WarmingUp)? < params.correlation_min {
                return Err(Skip::LowCorrelation);
            }
        }
        let held = account.position(symbol).side();
        if held.is_none() {
            reverts(desk, &reading, &signs, params)?;
        }
        let takers = takers(desk, state, now, params);
        let asked = (regime, account.adjustment.entry_shift, held);
        let setup = setup(desk, (&reading, &signs), asked, price, takers.as_ref().ok(), params)?;
        if held.is_some() && setup.vwap.is_some() {
            return Err(Skip::ExistingPosition);
        }
        let reason = explain(&setup, (&reading, &signs), takers.as_ref().ok(), held);
        if held == Some(setup.side.opposite()) {
            agrees(&setup, &takers?, params)?;
            return Ok(Signal::close(symbol, reason));
        }
        let mut usd = desk.table.position_usd * REGIME_SIZE[regime.index()];
        if setup.vwap.is_some() {
            usd *= params.vwap_size_mult;
        }
        let usd = self.clip(symbol, setup.side, usd, market, account)?;
        self.pays(symbol, &setup, &bbo)?;
        agrees(&setup, &takers?, &self.params)?;
        self.signal(symbol, &setup, usd, held.is_some(), reason, &bbo, now)
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
        let size_min = self.params.size_usd_min;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        // Only positions of the same direction come here: the room is the same for longs and shorts.
        let pair_max = desk.table.position_usd_max;
        let limits = Limits { pair_max, total_max: f64::INFINITY, size_min };
        let room = self.gate.room(symbol, limits, market, account)?;
        self.gate.cap(symbol, side, wanted, room, size_min, account)
    }

    /// Whether the likely move, the way to the mean and not beyond the target, pays fees and spread.
    fn pays(&self, symbol: SymbolId, setup: &Setup, bbo: &Bbo) -> Result<(), Skip> {
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoSignalConditions)?;
        let target = if setup.vwap.is_some() { f64::INFINITY } else { desk.table.target_pct };
        let (fee_entry, k) = match self.params.entry_order {
            EntryOrder::Market => (self.fee, 1.0),
            EntryOrder::Limit => (self.maker_fee, 0.5),
        };
        let likely = setup.away_pct.min(target);
        let net = net_move_pct(likely, fee_entry, self.fee, spread_pct(bbo), k);
        if net < self.params.net_min_pct { Err(Skip::NotFeeProfitable) } else { Ok(()) }
    }

    #[expect(clippy::too_many_arguments, reason = "an order is made of all that was found")]
    fn signal(
        &mut self,
        symbol: SymbolId,
        setup: &Setup,
        usd: f64,
        is_add: bool,
        reason: Reason,
        bbo: &Bbo,
        now: ExchNs,
    ) -> Result<Signal, Skip> {
        let params = &self.params;
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);
        let order = match params.entry_order {
            EntryOrder::Market => OrderSpec::MARKET,
            EntryOrder::Limit => OrderSpec {
                tif: TimeInForce::Gtd(now.plus(BAR)),
                ..OrderSpec::post_only(resting_px(desk, setup, bbo)?)
            },
        };
        let exits = exits(desk, setup, is_add, params)?;
        if let Some(vwap) = setup.vwap {
            desk.vwap_target = vwap;
        }
        desk.next_ok_at = now.plus(DurationNs::from_secs(desk.table.cooldown_s));
        let action = match setup.side {
            PositionSide::Long => Action::Buy,
            PositionSide::Short => Action::Short,
        };
        let tag = if setup.vwap.is_some() { TAG_VWAP } else { TAG_BAND };
        let signal = Signal::new(symbol, action, size, reason).order(order).tag(tag);
        Ok(Signal { exits, ..signal })
    }
}

/// Whether this market comes back to its mean now.
fn reverts(desk: &Desk, reading: &Reading, signs: &Signs, params: &Params) -> Result<(), Skip> {
    let asks_adx = params.adx_everywhere || desk.role == Role::Bitcoin;
    if asks_adx && signs.adx > params.adx_max {
        return Err(Skip::StrongTrendAdx);
    }
    if reading.trend_side(params.slope_bars).is_some() {
        return Err(Skip::TrendingMarket);
    }
    let [least, most] = params.half_life_bars;
    let is_within = signs.half_life.is_some_and(|bars| (least..=most).contains(&bars));
    if params.needs_half_life && !is_within {
        return Err(Skip::HalfLifeOutOfRange);
    }
    Ok(())
}

/// The offer of the band; without one, that of the takers' average.
fn setup(
    desk: &Desk,
    (reading, signs): (&Reading, &Signs),
    (regime, shift, held): (Regime, f64, Option<PositionSide>),
    price: f64,
    takers: Option<&Takers>,
    params: &Params,
) -> Result<Setup, Skip> {
    let table = &desk.table;
    let away = 100.0 * (price - reading.band.mid) / reading.band.mid;
    let slack = params.band_slack_pct / 100.0;
    let side = if away < 0.0 { PositionSide::Long } else { PositionSide::Short };
    // The market's regime asks more of an entry, never of what closes a position.
    let shift = if held == Some(side.opposite()) { 0.0 } else { shift };
    let threshold = table.deviation_pct * REGIME_THRESHOLD[regime.index()] + shift;
    let (is_exhausted, is_at_edge) = match side {
        PositionSide::Long => {
            (signs.rsi < table.rsi_oversold, price <= reading.band.lower * (1.0 + slack))
        }
        PositionSide::Short => {
            (signs.rsi > table.rsi_overbought, price >= reading.band.upper * (1.0 - slack))
        }
    };
    if away.abs() > threshold && is_exhausted && is_at_edge {
        return Ok(Setup { side, away_pct: away.abs(), vwap: None });
    }
    let [low, high] = params.vwap_rsi;
    let is_neutral = low < signs.rsi && signs.rsi < high;
    if let Some(takers) = takers.filter(|_| params.fades_to_vwap && is_neutral) {
        let away = 100.0 * (price - takers.vwap) / takers.vwap;
        let is_long = away < 0.0;
        let side = if is_long { PositionSide::Long } else { PositionSide::Short };
        let lasted = takers.span >= DurationNs::from_secs(params.vwap_span_min_s);
        if away.abs() > params.vwap_deviation_min_pct + shift && lasted {
            return Ok(Setup { side, away_pct: away.abs(), vwap: Some(takers.vwap) });
        }
    }
    if away.abs() > threshold && is_at_edge {
        return Err(Skip::RsiNotConfirmed);
    }
    Err(Skip::NoSignalConditions)
}

/// Takers already trade towards the mean.
fn agrees(setup: &Setup, takers: &Takers, params: &Params) -> Result<(), Skip> {
    let is_along = sign(setup.side) * takers.imbalance > params.flow_min;
    if is_along { Ok(()) } else { Err(Skip::TradeFlowNotAligned) }
}

fn takers(desk: &Desk, state: &SymbolState, now: ExchNs, params: &Params) -> Result<Takers, Skip> {
    let tape = state.tape();
    let age_max = DurationNs::from_secs(params.flow_age_max_s);
    let flow = fresh_flow(tape, params.flow_orders, now, age_max).ok_or(Skip::NoVolume)?;
    let units = flow.vwap_units().ok_or(Skip::NoVolume)?;
    let oldest = tape.newest(flow.entries.saturating_sub(1)).ok_or(Skip::NoVolume)?;
    let newest = tape.newest(0).ok_or(Skip::NoVolume)?;
    Ok(Takers {
        imbalance: flow.imbalance().ok_or(Skip::NoVolume)?,
        vwap: units * desk.instrument.px_f64(Px::new(1)),
        span: newest.at.since(oldest.at),
    })
}

/// The edge of the band, or the own touch where that is the better price.
fn resting_px(desk: &Desk, setup: &Setup, bbo: &Bbo) -> Result<Px, Skip> {
    // Longs rest on the bid, shorts on the ask: the touches at which the other way would be left.
    let touch = exit_touch(setup.side, bbo);
    let edge = desk.reading.filter(|_| setup.vwap.is_none()).and_then(|reading| {
        desk.instrument.px_from_f64(match setup.side {
            PositionSide::Long => reading.band.lower,
            PositionSide::Short => reading.band.upper,
        })
    });
    let Some(edge) = edge else {
        return Ok(touch);
    };
    let step = desk.instrument.price_increment.raw();
    let edge = Px::new(edge.raw().div_euclid(step) * step);
    Ok(match setup.side {
        PositionSide::Long => edge.min(touch),
        PositionSide::Short => edge.max(touch),
    })
}

/// What closes the position without the strategy.
fn exits(desk: &Desk, setup: &Setup, is_add: bool, params: &Params) -> Result<Exits, Skip> {
    if is_add {
        // The average moves with the fill; stop and target follow it in the next call.
        return Ok(Exits::KEEP);
    }
    let target = match setup.vwap {
        Some(vwap) => ExitLevel::At(desk.instrument.px_from_f64(vwap).ok_or(Skip::NoPriceData)?),
        None => ExitLevel::PctFromFill(desk.table.target_pct),
    };
    let minutes = 60.0 * params.hold_max_min as f64;
    let bars = desk.reading.and_then(|reading| reading.signs?.half_life);
    let of_half_lives =
        bars.map_or(minutes, |bars| bars * params.hold_half_lives * BAR.raw() as f64 / 1e9);
    Ok(Exits {
        stop: ExitLevel::PctFromFill(desk.table.stop_pct),
        target,
        trail: params.trails.then_some(Trail {
            distance: Distance::Percent(params.trail_distance_pct),
            activation_pct: params.trail_activate_pct,
        }),
        break_even_pct: None,
        hold_max: Some(seconds(minutes.min(of_half_lives))),
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "at most the validated longest hold, which is a day; a float cast saturates"
)]
fn seconds(of: f64) -> DurationNs {
    DurationNs::from_secs(of.max(1.0) as u64)
}

fn explain(
    setup: &Setup,
    (reading, signs): (&Reading, &Signs),
    takers: Option<&Takers>,
    held: Option<PositionSide>,
) -> Reason {
    let code = match (held, setup.vwap, setup.side) {
        (Some(held), ..) if held != setup.side => "reversal",
        (_, Some(_), PositionSide::Long) => "vwap_long",
        (_, Some(_), PositionSide::Short) => "vwap_short",
        (_, None, PositionSide::Long) => "oversold",
        (_, None, PositionSide::Short) => "overbought",
    };
    Reason::new(code)
        .with("away_pct", setup.away_pct)
        .with("mean", setup.vwap.unwrap_or(reading.band.mid))
        .with("rsi", signs.rsi)
        .with("flow", takers.map_or(0.0, |takers| takers.imbalance))
        .with("adx", signs.adx)
        .with("half_life", signs.half_life.unwrap_or(f64::NAN))
}
