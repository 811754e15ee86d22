//! The predecessor's rule, kept as a baseline: crosses the spread towards the heavier side of the book.
//!
//! A maker in name only: it pays the spread it means to earn, so with usual fees its own fee gate
//! refuses every entry. Exits come first: decay, an optional trail, a book that leans the other way;
//! stop and target are the engine's.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::num::Qty;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Signals, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_signals::book::{imbalance, micro_price_units, spread_pct};
use paperwire_signals::costs::{entry_price, exit_touch, profit_pct};
use paperwire_signals::trail::TrailRule;

use super::desk::Desk;
use super::params::{Params, TakerParams};
use super::quotes::is_older;
use super::quotes::slot_of;
use super::{Gate, MarketMaking, TAG_TAKE};
use crate::exit::RETRY;
use crate::gate;

/// Levels a side that the imbalance of the book is taken over.
const LEVELS: usize = 10;
/// How strongly inventory makes entries smaller, and the least that stays of one.
const SIZE_SKEW: f64 = 0.5;
const SIZE_SHARE_MIN: f64 = 0.1;

impl MarketMaking {
    /// Exits, else an entry.
    pub(super) fn take(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        if account.has_orders(symbol) {
            return Err(Skip::OrderUnderWay);
        }
        let state = market.symbol(symbol);
        let bbo = state.bbo().ok_or(Skip::StaleBook)?;
        let lean = state.book().and_then(|book| imbalance(book, LEVELS));
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        let position = account.position(symbol);
        let value = market.quote_rate(symbol).ok_or(Skip::NoPriceData)?.to_num::<f64>();
        let unit = value * bbo.mid_doubled() as f64 / 2.0 / desk.scale;
        let size = desk.taker_size(unit, position, account, &self.params);
        if let Some(side) = position.side() {
            let exit = desk
                .taker_exit(position, side, &bbo, market, &self.params)
                .or_else(|| desk.lean_exit(position, side, lean?, size, &self.params.taker));
            if let Some(signal) = exit {
                if desk.now < desk.exit_retry_at {
                    return Err(Skip::TimeCooldown);
                }
                desk.exit_retry_at = desk.now.plus(RETRY);
                out.push(signal);
                return Ok(());
            }
        }
        let gate = self.gate(symbol, market, account)?;
        let signal = self.enter(symbol, &bbo, lean, unit, size, &gate, market, account)?;
        out.push(signal);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "what the caller measured is not measured twice")]
    fn enter(
        &mut self,
        symbol: SymbolId,
        bbo: &Bbo,
        lean: Option<f64>,
        unit: f64,
        size: f64,
        gate: &Gate,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Signal, Skip> {
        let (params, of_taker) = (&self.params, &self.params.taker);
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoSignalConditions)?;
        let volatility = desk.regime.volatility_pct().ok_or(Skip::WarmingUp)?;
        let stretch =
            (volatility / of_taker.volatility_base_pct).clamp(1.0, of_taker.volatility_mult_max);
        let spread = spread_pct(bbo);
        if spread < desk.table.spread_min_pct * stretch {
            return Err(Skip::SpreadTooNarrow);
        }
        if 0.5 * spread - 200.0 * desk.taker_fee < of_taker.net_min_pct {
            return Err(Skip::NotFeeProfitable);
        }
        let size = size * gate.size_mult;
        if size * unit < params.size_usd_min {
            return Err(Skip::InsufficientSize);
        }
        let lean = lean.ok_or(Skip::StaleBook)?;
        let threshold = desk.table.imbalance_threshold * stretch * gate.threshold_mult;
        let side = if lean > 0.0 { OrderSide::Buy } else { OrderSide::Sell };
        if lean.abs() <= threshold {
            return Err(Skip::NoSignalConditions);
        }
        if !gate.adds[slot_of(side)] {
            return Err(gate.why.unwrap_or(Skip::NoSignalConditions));
        }
        let state = market.symbol(symbol);
        let flow = gate::flow(state, of_taker.flow_orders, desk.now, of_taker.flow_age_max_s)?;
        let against = if side == OrderSide::Buy { flow } else { -flow };
        if against <= of_taker.flow_confirm {
            return Err(Skip::TradeFlowNotAligned);
        }
        let position = account.position(symbol);
        let micro = micro_price_units(bbo) / desk.scale;
        let code = if side == OrderSide::Buy { "lean_buy" } else { "lean_sell" };
        let reason = Reason::new(code)
            .with("imbalance", lean)
            .with("flow", flow)
            .with("spread_pct", spread)
            .with("micro", micro)
            .with("volatility_pct", volatility);
        if position.side().is_some_and(|held| held.closing() == side) {
            return desk.reduce(position, size, reason).ok_or(Skip::InsufficientSize);
        }
        let held = desk.coins(position.lots);
        let bounds = desk.bounds(unit, account.equity.to_num(), params.equity_mult_max);
        let (room, action) = match side {
            OrderSide::Buy => (bounds.long - held, Action::Buy),
            OrderSide::Sell => (bounds.short + held, Action::Short),
        };
        if room * unit < params.size_usd_min {
            return Err(Skip::MaxPosition);
        }
        let of = &desk.instrument;
        let qty = of.qty_from_f64(size.min(room)).ok_or(Skip::InsufficientSize)?;
        let stop = ExitLevel::PctFromFill(desk.table.stop_pct);
        let target = ExitLevel::PctFromFill(desk.table.target_pct);
        desk.next_ok_at = desk.now.plus(DurationNs::from_secs(desk.table.cooldown_s));
        Ok(Signal::new(symbol, action, Size::Base(of.floor_to_lot(qty)), reason)
            .bracket(stop, target)
            .tag(TAG_TAKE))
    }
}

impl Desk {
    /// Coins of an entry before regime and session.
    fn taker_size(
        &self,
        unit: f64,
        position: &Position,
        account: &AccountView<'_>,
        params: &Params,
    ) -> f64 {
        let bounds = self.bounds(unit, account.equity.to_num(), params.equity_mult_max);
        let used = self.coins(position.lots).abs() / bounds.long.max(f64::MIN_POSITIVE);
        bounds.size * (1.0 - SIZE_SKEW * used).max(SIZE_SHARE_MIN)
    }

    /// Age that makes less profit enough, and the trail.
    fn taker_exit(
        &self,
        position: &Position,
        side: PositionSide,
        bbo: &Bbo,
        market: &MarketView<'_>,
        params: &Params,
    ) -> Option<Signal> {
        let entry = entry_price(position, &self.instrument)?;
        let price = self.instrument.px_f64(exit_touch(side, bbo));
        let earned = profit_pct(side, entry, price);
        let of_taker = &params.taker;
        let enough = self.table.target_pct * of_taker.decay_target_mult;
        if is_older(position, market, params.decay_after_s) && earned >= enough {
            return Some(Signal::close(self.id, Reason::new("decay").with("profit_pct", earned)));
        }
        if !of_taker.trails {
            return None;
        }
        let rule = TrailRule {
            activate_pct: of_taker.trail_activate_pct,
            distance_pct: of_taker.trail_distance_pct,
        };
        let stop = self.best?.trail(entry * self.scale, &rule)? / self.scale;
        let is_hit = match side {
            PositionSide::Long => price <= stop,
            PositionSide::Short => price >= stop,
        };
        let reason = Reason::new("trailing_stop").with("stop", stop).with("profit_pct", earned);
        is_hit.then(|| Signal::close(self.id, reason))
    }

    /// A book that leans against the position makes it smaller.
    fn lean_exit(
        &self,
        position: &Position,
        side: PositionSide,
        lean: f64,
        size: f64,
        of_taker: &TakerParams,
    ) -> Option<Signal> {
        let against = if side == PositionSide::Long { -lean } else { lean };
        let reason = Reason::new("lean_exit").with("imbalance", lean);
        (against > of_taker.reduce_imbalance).then(|| self.reduce(position, size, reason))?
    }

    /// Makes the position smaller by at most `size` coins.
    fn reduce(&self, position: &Position, size: f64, reason: Reason) -> Option<Signal> {
        let action = match position.side()? {
            PositionSide::Long => Action::Sell,
            PositionSide::Short => Action::Cover,
        };
        let of = &self.instrument;
        let qty = of.floor_to_lot(of.qty_from_f64(size).unwrap_or(Qty::ZERO)).min(position.qty());
        let signal = Signal::new(self.id, action, Size::Base(qty), reason).tag(TAG_TAKE);
        (!qty.is_zero()).then_some(signal)
    }
}
