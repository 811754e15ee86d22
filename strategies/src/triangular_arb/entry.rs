//! When a basket is made, and how large. Cheap refusals come first: almost every change of a book ends
//! at the product of three touches.

use paperwire_core::account::{AccountState, AccountView};
use paperwire_core::instrument::{SymbolId, TradingStatus};
use paperwire_core::market::MarketView;
use paperwire_core::num::Qty;
use paperwire_core::strategy::{Signals, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_core::trade::OrderSide;
use paperwire_signals::exposure::unit_value;

use super::TriangularArb;
use super::basket::{Basket, explain, in_lots};
use super::depth::{Leg, Plan, solve};
use super::params::Legs;
use super::trio::Cycle;

const HOUR_S: f64 = 3600.0;

/// Baskets that may be made: as many as in an hour at once, refilled over an hour.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    left: f64,
    per_hour: f64,
    refilled_at: Option<ExchNs>,
}

impl Tokens {
    pub(super) fn new(per_hour: u32) -> Self {
        let per_hour = f64::from(per_hour);
        Self { left: per_hour, per_hour, refilled_at: None }
    }

    fn refill(&mut self, now: ExchNs) -> bool {
        let waited = now.since(self.refilled_at.replace(now).unwrap_or(now));
        let gained = waited.raw() as f64 / 1e9 / HOUR_S * self.per_hour;
        self.left = (self.left + gained).min(self.per_hour);
        self.left >= 1.0
    }
}

impl TriangularArb {
    /// Looks for a basket in the trios of the pair that changed; sends its first order, or all.
    pub(super) fn evaluate(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        let mut refused = Skip::NoSignalConditions;
        for index in 0..self.trios.len() {
            if !self.trios[index].has(symbol) {
                continue;
            }
            match self.consider(index, market, account) {
                Ok(mut basket) => {
                    self.tokens.left -= 1.0;
                    let cooldown = DurationNs::from_millis(self.params.cooldown_ms);
                    self.trios[index].next_ok_at = self.now.plus(cooldown);
                    match self.params.legs {
                        Legs::Parallel => basket.send_all(out),
                        Legs::Sequential => {
                            basket.proceed(
                                account,
                                &self.instruments,
                                self.now,
                                DurationNs::ZERO,
                                out,
                            );
                        }
                    }
                    self.basket = Some(basket);
                    return Ok(());
                }
                Err(why) => refused = why,
            }
        }
        Err(refused)
    }

    fn consider(
        &mut self,
        index: usize,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<Basket, Skip> {
        let now = self.now;
        let nets = self.trios[index].nets.ok_or(Skip::StaleBook)?;
        let is_stopped = account.state != AccountState::Active || now < self.shortfall_until;
        if is_stopped || self.breaker.blocks(now) {
            return Err(Skip::CircuitBreaker);
        }
        if now < self.trios[index].next_ok_at {
            return Err(Skip::TimeCooldown);
        }
        if !self.tokens.refill(now) {
            return Err(Skip::RateLimited);
        }
        let streak = self.trios[index].streak.take();
        let cycle = Cycle::ALL[usize::from(nets[1] > nets[0])];
        let touch_net = nets[0].max(nets[1]);
        let least = self.params.profit_min_pct.min(self.params.release_min_pct);
        if touch_net < (least + self.params.slippage_pct) / 100.0 {
            return Err(Skip::NotFeeProfitable);
        }
        let trio = &self.trios[index];
        if trio.symbols().iter().any(|symbol| account.has_orders(*symbol)) {
            return Err(Skip::OrderUnderWay);
        }
        let legs = trio.legs(cycle);
        let status = |leg: &Leg| market.symbol(leg.symbol).instrument().status;
        let is_open = |leg| matches!(status(leg), TradingStatus::Online | TradingStatus::LimitOnly);
        if !legs.iter().all(is_open) {
            return Err(Skip::LegUnavailable);
        }
        let (plan, usd) = self.plan(index, legs, touch_net, market, account)?;
        let qty = in_lots(legs, &plan, &self.instruments).ok_or(Skip::InsufficientSize)?;
        let count = streak.filter(|(before, _)| *before == cycle).map_or(1, |(_, count)| count + 1);
        let trio = &mut self.trios[index];
        trio.streak = Some((cycle, count));
        if count < self.params.persist_evals {
            return Err(Skip::NoSignalConditions);
        }
        trio.streak = None;
        let reason = explain(cycle, &plan, usd, trio, touch_net);
        Ok(Basket::new(index, legs, qty, &plan, usd, reason, now))
    }

    /// How much of a cycle to make, and its value in the numeraire.
    fn plan(
        &self,
        index: usize,
        legs: [Leg; 3],
        touch_net: f64,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<(Plan, f64), Skip> {
        let params = &self.params;
        let trio = &self.trios[index];
        let slippage = params.slippage_pct / 100.0;
        let (profit, release) = (params.profit_min_pct / 100.0, params.release_min_pct / 100.0);
        let carried = self.carried(legs, market, account).ok_or(Skip::NoPriceData)?;
        let equity = account.equity.to_num::<f64>();
        let (least, limit) = if touch_net >= profit + slippage {
            (profit, equity * params.equity_share - carried)
        } else if carried < 0.0 && touch_net >= release + slippage {
            (release, -carried)
        } else {
            return Err(Skip::NotFeeProfitable);
        };
        if limit < params.size_usd_min {
            return Err(Skip::MaxPosition);
        }
        let rate = market.quote_rate(trio.coin).ok_or(Skip::NoPriceData)?.to_num::<f64>();
        let limit = limit.min(params.size_usd_max) / rate;
        let plan = solve(legs, market, trio.kept(&self.fees), least, limit);
        let plan =
            plan.filter(|plan| plan.net >= least + slippage).ok_or(Skip::NotFeeProfitable)?;
        let usd = plan.put_in * rate;
        if usd < params.size_usd_min {
            return Err(Skip::InsufficientSize);
        }
        Ok((plan, usd))
    }

    /// Value open already in the direction of a cycle, of the leg with the most; negative when every leg
    /// would take back.
    fn carried(
        &self,
        legs: [Leg; 3],
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Option<f64> {
        let mut most = f64::NEG_INFINITY;
        for leg in legs {
            let lots = account.position(leg.symbol).lots;
            let of = &self.instruments[leg.symbol.index()];
            let coins = of.qty_f64(Qty::new(lots.saturating_abs()));
            let value = coins * unit_value(market, leg.symbol)?;
            let is_same = (lots > 0) == (leg.side == OrderSide::Buy);
            most = most.max(if is_same { value } else { -value });
        }
        Some(if most.abs() > 0.0 { most } else { 0.0 })
    }
}
