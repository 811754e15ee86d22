//! Where the two quotes should stand: fair price, reservation price, half spread, sizes.
//!
//! `r = s (1 - q phi sigma)` and `delta = s (phi sigma size / (2 max) + 1 / kappa)` with `s` the fair price,
//! `q` the inventory as a share of its bound, `sigma` the fractional deviation of the mid over the horizon
//! and `kappa` the decay of trade intensity with fractional distance: the reservation price and spread of
//! M. Avellaneda & S. Stoikov (*Quantitative Finance* 8, 2008) with `gamma = phi / (sigma max)`, which
//! makes the aversion a number without unit. Prices are in units of the price precision.

use paperwire_core::account::{AccountView, Position};
use paperwire_core::book::Bbo;
use paperwire_core::market::MarketView;
use paperwire_core::num::{Px, Qty};
use paperwire_core::strategy::{Reason, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_signals::book::micro_price_units;

use super::desk::{Bounds, Desk};
use super::params::Params;

/// Index of a side's slot: bid, ask.
pub(super) const fn slot_of(side: OrderSide) -> usize {
    match side {
        OrderSide::Buy => 0,
        OrderSide::Sell => 1,
    }
}

/// What the quote on the attacked side keeps away in addition, as a share of the half spread.
const ATTACKED: f64 = 0.5;
/// How strongly inventory makes sizes unequal.
const SIZE_SKEW: f64 = 0.5;

/// What the quotes follow from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    pub(super) bbo: Bbo,
    /// Fair price.
    pub(super) fair: f64,
    /// Reservation price.
    pub(super) reservation: f64,
    /// Half spread.
    pub(super) delta: f64,
    /// What the mid gained after fills, as a fraction; negative when they were bad.
    pub(super) markout: f64,
    /// Inventory as a share of its bound, -1 to 1.
    pub(super) q: f64,
    /// Inventory in coins.
    pub(super) held: f64,
    /// The same in lots.
    pub(super) lots: i64,
    pub(super) bounds: Bounds,
    /// Value of a coin in the numeraire.
    pub(super) unit: f64,
    /// Order-flow imbalance; 0 while unknown, which widens nothing.
    pub(super) ofi: f64,
    /// Inventory is so old that it is offered at the touch.
    pub(super) is_decayed: bool,
}

/// A quote as it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) px: Px,
    pub(super) qty: Qty,
    /// It only makes the position smaller.
    pub(super) is_exit: bool,
}

/// Which quotes may add to the position: bid, ask. Others may only make it smaller.
pub(super) type Adds = [bool; 2];

impl Desk {
    /// Measures the market and the inventory.
    pub(super) fn read(
        &self,
        bbo: &Bbo,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        params: &Params,
    ) -> Result<Reading, Skip> {
        let mid = bbo.mid_doubled() as f64 / 2.0;
        let fair = mid + params.micro_weight * (micro_price_units(bbo) - mid);
        let rate = market.quote_rate(self.id).ok_or(Skip::NoPriceData)?.to_num::<f64>();
        let unit = fair / self.scale * rate;
        if !(unit.is_finite() && unit > 0.0) {
            return Err(Skip::NoPriceData);
        }
        let variance = self.variance.value().ok_or(Skip::WarmingUp)?;
        let sigma = (variance * params.horizon_s).sqrt() / fair;
        let reach = match self.intensity.value() {
            Some(fit) => 1.0 / fit.kappa,
            None => 0.5 * self.spread.value().ok_or(Skip::WarmingUp)?,
        };
        let bounds = self.bounds(unit, account.equity.to_num(), params.equity_mult_max);
        if bounds.long <= 0.0 {
            return Err(Skip::InsufficientSize);
        }
        let position = account.position(self.id);
        let held = self.coins(position.lots);
        let q = (held / bounds.long).clamp(-1.0, 1.0);
        let aversion = self.table.inventory_aversion;
        let risk = 0.5 * aversion * sigma * (bounds.size / bounds.long).min(1.0);
        let least = self.maker_fee.max(0.0) + params.edge_min_pct / 100.0;
        let delta = (risk + reach).max(least) * self.markouts.widening();
        Ok(Reading {
            bbo: *bbo,
            fair,
            reservation: fair * (1.0 - q * aversion * sigma),
            delta: fair * delta,
            markout: self.markouts.mean(),
            q,
            held,
            lots: position.lots,
            bounds,
            unit,
            ofi: self.ofi.value().unwrap_or(0.0),
            is_decayed: is_older(position, market, params.decay_after_s),
        })
    }

    /// The quote of one side, or why there is none. `size_mult` is what regime and session leave.
    pub(super) fn wish(
        &self,
        side: OrderSide,
        reading: &Reading,
        adds: Adds,
        size_mult: f64,
        params: &Params,
    ) -> Result<Wish, Skip> {
        let (held, q, bounds) = (reading.held, reading.q, &reading.bounds);
        let (is_reducing, room, may_add) = match side {
            OrderSide::Buy => (reading.lots < 0, bounds.long - held, adds[0]),
            OrderSide::Sell => {
                (reading.lots > 0, bounds.short + held, adds[1] && bounds.short > 0.0)
            }
        };
        if !may_add && !is_reducing {
            let is_allowed = adds[slot_of(side)];
            return Err(if is_allowed { Skip::MaxPosition } else { Skip::NoSignalConditions });
        }
        let skew = if is_reducing { SIZE_SKEW } else { -SIZE_SKEW };
        let wanted = bounds.size * size_mult * (1.0 + skew * q.abs());
        let all = Qty::new(reading.lots.saturating_abs());
        let most = if may_add { room } else { held.abs() };
        if most <= 0.0 {
            return Err(Skip::MaxPosition);
        }
        let of = &self.instrument;
        let qty = of.qty_from_f64(wanted.min(most)).unwrap_or(Qty::ZERO);
        let qty = if may_add { of.floor_to_lot(qty) } else { of.floor_to_lot(qty).min(all) };
        let px = self.price(side, reading, is_reducing, params).ok_or(Skip::NoPriceData)?;
        let is_least = of.qty_f64(qty) * reading.unit >= params.size_usd_min || is_reducing;
        let is_taken = qty >= of.qty_min && of.money(px.notional(qty)) >= of.cost_min;
        if is_least && is_taken && !qty.is_zero() {
            return Ok(Wish { px, qty, is_exit: !may_add });
        }
        Err(if room < wanted { Skip::MaxPosition } else { Skip::InsufficientSize })
    }

    /// The price of one side, on the grid and away from the other side's touch.
    fn price(
        &self,
        side: OrderSide,
        reading: &Reading,
        is_reducing: bool,
        params: &Params,
    ) -> Option<Px> {
        let tick = self.instrument.price_increment.raw();
        let Reading { bbo, reservation, delta, fair, .. } = reading;
        let is_attacked = match side {
            OrderSide::Buy => reading.ofi < -params.ofi_widen,
            OrderSide::Sell => reading.ofi > params.ofi_widen,
        };
        let away = if is_attacked { delta * (1.0 + ATTACKED) } else { *delta };
        // Old inventory is offered at the touch, or a maker fee from where it is worth its risk.
        let near = (is_reducing && reading.is_decayed).then_some(fair * self.maker_fee.max(0.0));
        match side {
            OrderSide::Buy => {
                let wanted = near.map_or(reservation - away, |near| {
                    (reservation - near).max(bbo.bid.px.raw() as f64)
                });
                on_grid(wanted.min((bbo.ask.px.raw() - tick) as f64), tick, f64::floor)
            }
            OrderSide::Sell => {
                let wanted = near.map_or(reservation + away, |near| {
                    (reservation + near).min(bbo.ask.px.raw() as f64)
                });
                on_grid(wanted.max((bbo.bid.px.raw() + tick) as f64), tick, f64::ceil)
            }
        }
    }
}

impl Reading {
    /// The numbers a quote is explained by.
    pub(super) fn explain(&self, code: &'static str, scale: f64) -> Reason {
        Reason::new(code)
            .with("fair", self.fair / scale)
            .with("reservation", self.reservation / scale)
            .with("delta_pct", 100.0 * self.delta / self.fair)
            .with("q", self.q)
            .with("ofi", self.ofi)
            .with("markout_pct", 100.0 * self.markout)
    }
}

/// True once a position is this old.
pub(super) fn is_older(position: &Position, market: &MarketView<'_>, seconds: u64) -> bool {
    position.age(market.now()).is_some_and(|age| age >= DurationNs::from_secs(seconds))
}

/// A price in whole ticks; `None` unless it is one.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
pub(super) fn on_grid(price: f64, tick: i64, round: impl Fn(f64) -> f64) -> Option<Px> {
    let ticks = round(price / tick as f64);
    let is_price = ticks.is_finite() && (1.0..9.0e15).contains(&ticks);
    is_price.then(|| (ticks as i64).checked_mul(tick).map(Px::new))?
}
