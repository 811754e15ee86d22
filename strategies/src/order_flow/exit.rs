//! When the order-flow strategy leaves a position. No gate stands before any of this.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Signals, Size, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::costs::{entry_price, exit_touch, profit_pct, sign};
use paperwire_signals::trail::TrailRule;

use super::OrderFlow;
use super::desk::Desk;
use crate::exit::RETRY;

/// An open position as its exits see it.
struct Held<'a> {
    position: &'a Position,
    side: PositionSide,
    entry: f64,
    /// The price at which it could be closed now.
    price: f64,
    profit_pct: f64,
}

impl OrderFlow {
    /// Leaves, or sets stop and target again; true when it signalled.
    pub(super) fn exit(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        // What is on its way to the venue must not be sent again.
        if account.has_orders(symbol) {
            out.skip(Skip::OrderUnderWay);
            return true;
        }
        let position = account.position(symbol);
        let Some(side) = position.side() else {
            return false;
        };
        let now = market.now();
        let session = self.session.at(now);
        let state = market.symbol(symbol);
        let (Some(desk), Some(bbo)) = (self.desks[symbol.index()].as_mut(), state.bbo()) else {
            return false;
        };
        if now < desk.exit_retry_at {
            return false;
        }
        let Some(held) = Held::of(position, side, desk, &bbo) else {
            return false;
        };
        let (params, fee) = (&self.params, self.fee);
        let imbalance = desk.imbalance(state.tape());
        let thresholds = desk.thresholds(session);
        let turned = match side {
            PositionSide::Long => thresholds.sell,
            PositionSide::Short => thresholds.buy,
        };
        let rule = TrailRule {
            activate_pct: params.trail_activate_pct,
            distance_pct: params.trail_distance_pct,
        };
        let signal = decay(&held, now, desk, params, fee)
            .or_else(|| {
                flip(
                    &held,
                    imbalance?,
                    desk.ofi.value()?,
                    turned * params.flip_ratio,
                    params.ofi_confirm,
                )
            })
            .or_else(|| params.trails.then(|| trail(&held, desk, &rule))?)
            .map(|reason| Signal::close(symbol, reason))
            .or_else(|| anchor(&held, desk, &bbo));
        let Some(signal) = signal else {
            return false;
        };
        if signal.action == Action::Close {
            desk.exit_retry_at = now.plus(RETRY);
        }
        out.push(signal);
        true
    }
}

impl<'a> Held<'a> {
    fn of(position: &'a Position, side: PositionSide, desk: &Desk, bbo: &Bbo) -> Option<Self> {
        let entry = entry_price(position, &desk.instrument)?;
        let price = desk.instrument.px_f64(exit_touch(side, bbo));
        let profit_pct = profit_pct(side, entry, price);
        (entry > 0.0).then_some(Self { position, side, entry, price, profit_pct })
    }
}

/// The longer it takes, the less profit is enough; never one that the fees eat.
fn decay(
    held: &Held<'_>,
    now: ExchNs,
    desk: &Desk,
    params: &super::Params,
    fee: f64,
) -> Option<Reason> {
    let age = held.position.age(now)?;
    let stages = params.decay_after_s.iter().zip(&params.decay_mult);
    let mut reached = stages.filter(|(after, _)| age >= DurationNs::from_secs(**after));
    let (_, mult) = reached.next_back()?;
    let net_pct = held.profit_pct - 200.0 * fee;
    let is_enough =
        held.profit_pct >= desk.table.target_pct * mult || net_pct >= params.net_min_pct;
    (is_enough && net_pct > 0.0).then(|| {
        Reason::new("decay")
            .with("profit_pct", held.profit_pct)
            .with("net_pct", net_pct)
            .with("target_mult", *mult)
            .with("age_s", age.raw() as f64 / 1e9)
    })
}

/// Takers and book both turned against the position.
fn flip(held: &Held<'_>, imbalance: f64, ofi: f64, turned: f64, confirm: f64) -> Option<Reason> {
    let against = -sign(held.side);
    (against * imbalance > turned && against * ofi >= confirm).then(|| {
        Reason::new("signal_flip")
            .with("imbalance", imbalance)
            .with("ofi", ofi)
            .with("profit_pct", held.profit_pct)
    })
}

/// The price fell back from the best one.
fn trail(held: &Held<'_>, desk: &Desk, rule: &TrailRule) -> Option<Reason> {
    let best = desk.best?;
    let stop = best.trail(held.entry, rule)?;
    let is_hit = match held.side {
        PositionSide::Long => held.price <= stop,
        PositionSide::Short => held.price >= stop,
    };
    is_hit.then(|| {
        Reason::new("trailing_stop")
            .with("best", best.price())
            .with("stop", stop)
            .with("profit_pct", held.profit_pct)
    })
}

/// Stop and target from the average price; a stop the price already passed is an exit.
fn anchor(held: &Held<'_>, desk: &mut Desk, bbo: &Bbo) -> Option<Signal> {
    if !std::mem::take(&mut desk.is_anchor_due) {
        return None;
    }
    let away = |pct: f64, towards: f64| {
        let factor = 1.0 + towards * sign(held.side) * pct / 100.0;
        desk.instrument.px_from_f64(held.entry * factor)
    };
    let stop = away(desk.table.stop_pct, -1.0)?;
    let target = away(desk.table.target_pct, 1.0)?;
    let now = exit_touch(held.side, bbo);
    let (is_stopped, is_reached) = match held.side {
        PositionSide::Long => (now <= stop, now >= target),
        PositionSide::Short => (now >= stop, now <= target),
    };
    if is_stopped || is_reached {
        let code = if is_stopped { "stop_passed" } else { "target_passed" };
        return Some(Signal::close(desk.id, Reason::new(code).with("profit_pct", held.profit_pct)));
    }
    let reason = Reason::new("anchor").with("entry", held.entry);
    let signal = Signal::new(desk.id, Action::Protect, Size::All, reason).tag(held.position.tag);
    Some(signal.bracket(ExitLevel::At(stop), ExitLevel::At(target)))
}
