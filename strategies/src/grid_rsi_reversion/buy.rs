//! Where the grid strategy lays its levels and when it buys them, and with how much.

use paperwire_core::account::{AccountView, PositionSide};
use paperwire_core::bar::Timeframe;
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::limits::SIGNALS_MAX;
use paperwire_core::market::MarketView;
use paperwire_core::num::{Money, Px};
use paperwire_core::order::OrderState;
use paperwire_core::strategy::{Action, ExitLevel, OrderSpec, Reason, Signal, Signals, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_core::trade::OrderSide;
use paperwire_signals::book::spread_pct;
use paperwire_signals::costs::net_move_pct;
use paperwire_signals::exposure::unit_value;
use paperwire_signals::regime::Regime;

use super::ladder::{self, Order};
use super::reading::Reading;
use super::{Desk, Grid, GridRsiReversion, OrderMode, Params};
use crate::gate;

/// Factors on spacing and size by regime: low, medium, high, extreme.
const REGIME_SPACING: [f64; 4] = [0.8, 1.0, 1.3, 1.5];
const REGIME_SIZE: [f64; 4] = [1.0, 1.0, 0.8, 0.5];
/// Factors by session: Asia, Europe, overlap, Americas, off hours.
const SESSION_SPACING: [f64; 5] = [1.2, 1.0, 0.9, 1.0, 1.4];
const SESSION_SIZE: [f64; 5] = [0.8, 1.0, 1.1, 1.0, 0.5];
/// How far the zones of relative strength widen at most, and per percent of range.
const ZONE_MAX: f64 = 5.0;
const ZONE_ATR: f64 = 2.0;
const ZONE_LIMITS: [f64; 2] = [15.0, 85.0];

/// What a market that may be bought looks like.
#[derive(Clone, Copy, Debug)]
struct Look {
    reading: Reading,
    regime: Regime,
    bbo: Bbo,
}

impl GridRsiReversion {
    /// Exits first; then the grid is laid or laid again, and its levels are bought.
    pub(super) fn tend(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) {
        if self.exit(symbol, market, account, out) || self.desks[symbol.index()].is_none() {
            return;
        }
        if let Err(why) = self.work(symbol, market, account, out) {
            out.skip(why);
        }
    }

    fn work(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        let now = market.now();
        let bbo = gate::touch(symbol, self.params.book_age_max_ms, market)?;
        self.peak = self.peak.max(account.equity);
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoGridLevels)?;
        let board = market.symbol(symbol).board(Timeframe::M5);
        let reading = Reading::of(board).ok_or(Skip::WarmingUp)?;
        let regime = desk.bars.regime().ok_or(Skip::WarmingUp)?;
        let look = Look { reading, regime, bbo };
        if let Err(why) = self.calm(&look, market, account) {
            // What rests would be filled by the very market that is not to be bought.
            take_back(symbol, account, why, out, |_| true);
            return Err(why);
        }
        let desk = self.desks[symbol.index()].as_mut().ok_or(Skip::NoGridLevels)?;
        if std::mem::take(&mut desk.is_refused) {
            desk.next_ok_at = now.plus(DurationNs::from_secs(desk.table.cooldown_s));
        }
        let is_stale = desk.recentre(&bbo, market, &self.params);
        let slots = desk.ladder.slots();
        let is_due = |slot: usize| is_stale || !slots[slot].is_current;
        if take_back(symbol, account, Skip::NoGridLevels, out, is_due) {
            return Err(Skip::OrderUnderWay);
        }
        if is_stale {
            return Err(Skip::NoGridLevels);
        }
        if desk.grid.is_none() {
            let session = self.session.at(now).index();
            let hour_pct = desk.bars.hour_pct().ok_or(Skip::WarmingUp)?;
            let spacing = desk.table.spacing_pct.max(self.params.spacing_atr * hour_pct) / 100.0;
            let spacing = spacing * REGIME_SPACING[regime.index()] * SESSION_SPACING[session];
            let centre = market.symbol(symbol).price().ok_or(Skip::NoPriceData)?;
            if desk.ladder.lay(centre, spacing, &desk.table, &desk.instrument) == 0 {
                return Err(Skip::NoGridLevels);
            }
            let (laid_at, cycle_at) = (now, now);
            desk.grid = Some(Grid { centre, spacing, laid_at, cycle_at, cycles: 0 });
        }
        self.place(symbol, &look, market, account, out)
    }

    /// The market and the account may be bought with at all.
    fn calm(
        &mut self,
        look: &Look,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<(), Skip> {
        if look.regime == Regime::Extreme && self.params.pauses_in_extreme {
            return Err(Skip::RegimePause);
        }
        if look.reading.adx > self.params.adx_max {
            return Err(Skip::TrendingMarket);
        }
        if self.breaker.blocks(market.now()) {
            return Err(Skip::CircuitBreaker);
        }
        let kept = Money::from_num(1.0 - self.params.drawdown_max_pct / 100.0);
        let is_drawn_down = account.equity < self.peak.saturating_mul(kept);
        if is_drawn_down || self.losses.blocks(account.equity) {
            return Err(Skip::DailyLoss);
        }
        Ok(())
    }

    /// Buys of levels that are free, the highest first.
    fn place(
        &mut self,
        symbol: SymbolId,
        look: &Look,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> Result<(), Skip> {
        let now = market.now();
        let (mut room, usd, usd_each) = self.room(symbol, look, market, account)?;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoGridLevels)?;
        let grid = desk.grid.ok_or(Skip::NoGridLevels)?;
        let (fee, k) = match self.params.order_mode {
            OrderMode::Resting => (self.maker_fee, 0.0),
            OrderMode::Market => (self.taker_fee, 0.5),
        };
        let spread = spread_pct(&look.bbo);
        let net = net_move_pct(100.0 * grid.spacing, fee, self.maker_fee, spread, k);
        if net < self.params.net_min_pct {
            return Err(Skip::NotFeeProfitable);
        }
        let stop = desk.stop().ok_or(Skip::NoGridLevels)?;
        let buys = ladder::orders(account, symbol).filter(|(order, _)| is_buy(*order));
        let mut used = desk.ladder.held_count() + buys.count();
        let (mut below, mut placed) = (Px::new(i64::MAX), 0);
        while used < desk.table.held_max && out.as_slice().len() < SIGNALS_MAX {
            let Some(slot) = desk.next_level(symbol, below, account) else {
                break;
            };
            let level = desk.ladder.slots()[slot];
            below = level.px;
            let Some(order) = desk.order(level.px, &look.bbo, &self.params) else {
                continue;
            };
            let usd = usd.min(room);
            if usd < self.params.size_usd_min {
                break;
            }
            room -= usd;
            used += 1;
            placed += 1;
            let size = Size::Notional(Money::checked_from_num(usd).ok_or(Skip::InsufficientSize)?);
            let reason = Reason::new("grid_buy")
                .with("level", desk.instrument.px_f64(level.px))
                .with("spacing_pct", 100.0 * grid.spacing)
                .with("rsi", look.reading.rsi)
                .with("adx", look.reading.adx)
                .with("used_levels", used as f64)
                .with("unit_usd", usd_each);
            let signal = Signal::new(symbol, Action::Buy, size, reason).order(order);
            let signal = signal.tag(Order::Buy(slot).tag());
            out.push(signal.bracket(ExitLevel::At(stop), ExitLevel::Keep));
        }
        if placed == 0 {
            return Err(match self.params.order_mode {
                OrderMode::Market => Skip::PriceNotAtLevel,
                OrderMode::Resting => Skip::NoGridLevels,
            });
        }
        if self.params.order_mode == OrderMode::Market
            && let Some(desk) = &mut self.desks[symbol.index()]
        {
            desk.next_ok_at = now.plus(DurationNs::from_secs(desk.table.cooldown_s));
        }
        Ok(())
    }

    /// What may be spent here in all and on one level, and the value of one unit, all in the numeraire.
    fn room(
        &mut self,
        symbol: SymbolId,
        look: &Look,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
    ) -> Result<(f64, f64, f64), Skip> {
        let params = &self.params;
        let desk = self.desks[symbol.index()].as_ref().ok_or(Skip::NoGridLevels)?;
        if market.now() < desk.next_ok_at {
            return Err(Skip::TimeCooldown);
        }
        let table = &desk.table;
        if desk.ladder.held_count() >= table.held_max {
            return Err(Skip::MaxAccumulation);
        }
        let usd_each = unit_value(market, symbol).ok_or(Skip::NoPriceData)?;
        self.exposure.measure(market, account).ok_or(Skip::NoPriceData)?;
        let resting = resting_usd(None, market, account).ok_or(Skip::NoPriceData)?;
        let own = resting_usd(Some(symbol), market, account).ok_or(Skip::NoPriceData)?;
        let of_symbol = table.position_usd_max - self.exposure.of_symbol(symbol) - own;
        let gross = account.equity.to_num::<f64>() * params.gross_max_pct / 100.0;
        let room = of_symbol.min(gross - self.exposure.total() - resting);
        if room < params.size_usd_min {
            return Err(Skip::MaxPosition);
        }
        if let Some(pair) = &self.correlation {
            pair.size_mult(symbol, PositionSide::Long, params.correlation_max, account)?;
        }
        traded(desk, look, usd_each, market, symbol, params)?;
        let others = market
            .symbols()
            .filter(|(other, _)| *other != symbol && account.position(*other).side().is_some());
        let mut usd = table.level_usd * rsi_size(desk, look, params);
        for _ in others {
            usd *= params.held_size_mult;
        }
        let session = self.session.at(market.now()).index();
        usd *= REGIME_SIZE[look.regime.index()] * SESSION_SIZE[session];
        if usd < params.size_usd_min {
            return Err(Skip::InsufficientSize);
        }
        Ok((room, usd, usd_each))
    }
}

impl Desk {
    /// Gives the grid up when another one is due; true when nothing came back for too long while something
    /// is held, so that only sales may go on.
    fn recentre(&mut self, bbo: &Bbo, market: &MarketView<'_>, params: &Params) -> bool {
        let Some(grid) = self.grid else {
            return false;
        };
        let now = market.now();
        let is_flat = self.ladder.held_count() == 0;
        let is_stale = now.since(grid.cycle_at) >= DurationNs::from_secs(params.stale_s);
        let is_old = now.since(grid.laid_at) >= DurationNs::from_secs(params.recentre_min_s);
        let is_done = grid.cycles >= params.recentre_cycles && is_old;
        // A step above its centre a grid waits in vain, and so it does below its lowest level.
        let above = self.instrument.px_f64(bbo.bid.px) > grid.centre * (1.0 + grid.spacing);
        let below = self.ladder.lowest().is_some_and(|lowest| bbo.ask.px < lowest);
        if is_done || (is_flat && (is_stale || above || below)) {
            self.give_up();
            return false;
        }
        is_stale
    }

    /// The highest free level below `below`.
    fn next_level(&self, symbol: SymbolId, below: Px, account: &AccountView<'_>) -> Option<usize> {
        let open = ladder::orders(account, symbol);
        let levels = self.ladder.slots().iter().enumerate().filter(|(slot, level)| {
            let is_free = level.is_current && level.held.is_zero() && level.px < below;
            is_free && !open.clone().any(|(order, _)| order == Order::Buy(*slot))
        });
        levels.max_by_key(|(_, level)| level.px).map(|(slot, _)| slot)
    }

    /// How a level is bought now, if it can be.
    fn order(&self, level: Px, bbo: &Bbo, params: &Params) -> Option<OrderSpec> {
        match params.order_mode {
            OrderMode::Resting => (level < bbo.ask.px).then_some(OrderSpec::post_only(level)),
            OrderMode::Market => {
                let near = self.instrument.px_f64(level) * (1.0 + params.level_slack_pct / 100.0);
                let is_near = self.instrument.px_f64(bbo.ask.px) <= near;
                is_near.then_some(OrderSpec::MARKET)
            }
        }
    }
}

const fn is_buy(order: Order) -> bool {
    matches!(order, Order::Buy(_))
}

/// Cancels resting buys of the levels that `is_due` names; true while such orders are open.
fn take_back(
    symbol: SymbolId,
    account: &AccountView<'_>,
    why: Skip,
    out: &mut Signals,
    is_due: impl Fn(usize) -> bool,
) -> bool {
    let mut is_open = false;
    for (order, open) in ladder::orders(account, symbol) {
        let Order::Buy(slot) = order else {
            continue;
        };
        if !is_due(slot) {
            continue;
        }
        is_open = true;
        let is_there = open.state != OrderState::InFlight && !open.is_changing;
        if is_there && out.as_slice().len() < SIGNALS_MAX {
            out.push(Signal::cancel(symbol, order.tag(), Reason::new(why.as_str())));
        }
    }
    is_open
}

/// Enough is traded, and takers do not sell.
fn traded(
    desk: &Desk,
    look: &Look,
    usd_each: f64,
    market: &MarketView<'_>,
    symbol: SymbolId,
    params: &Params,
) -> Result<(), Skip> {
    let ratio = look.reading.volume_ratio.ok_or(Skip::NoVolume)?;
    if ratio < params.volume_ratio_min {
        return Err(Skip::LowVolume);
    }
    let state = market.symbol(symbol);
    let flow = gate::flow(state, params.flow_orders, market.now(), params.flow_age_max_s)?;
    if flow < -params.flow_veto {
        return Err(Skip::TradeFlowNotAligned);
    }
    let daily = desk.bars.daily().ok_or(Skip::WarmingUp)?;
    if daily * usd_each < desk.table.volume_24h_min_usd {
        return Err(Skip::LowLiquidity);
    }
    Ok(())
}

/// Factor on a level's value by relative strength, whose zones are wider in a lively market.
fn rsi_size(desk: &Desk, look: &Look, params: &Params) -> f64 {
    let (rsi, [least, most]) = (look.reading.rsi, ZONE_LIMITS);
    let widen = ZONE_MAX.min(ZONE_ATR * look.reading.atr_pct);
    let oversold = (desk.table.rsi_oversold - widen).clamp(least, most);
    let overbought = (desk.table.rsi_overbought + widen).clamp(least, most);
    let [deep, near, dear] = params.rsi_size_mult;
    if rsi < oversold {
        deep
    } else if rsi < oversold + params.rsi_near {
        near
    } else if rsi > overbought {
        dear
    } else {
        1.0
    }
}

/// Value of resting buys, of one symbol or of all; `None` while one of them has no price.
fn resting_usd(
    of: Option<SymbolId>,
    market: &MarketView<'_>,
    account: &AccountView<'_>,
) -> Option<f64> {
    let mut sum = 0.0;
    for order in account.orders.iter().filter(|order| order.side == OrderSide::Buy) {
        if of.is_none_or(|symbol| order.symbol == symbol) {
            let qty = market.symbol(order.symbol).instrument().qty_f64(order.left);
            sum += qty * unit_value(market, order.symbol)?;
        }
    }
    Some(sum)
}
