//! When the mean-reversion strategy leaves a position. No gate stands before any of this.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::book::Bbo;
use paperwire_core::instrument::SymbolId;
use paperwire_core::market::MarketView;
use paperwire_core::order::OrderState;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Signals, Size, Skip};
use paperwire_core::time::{DurationNs, ExchNs};
use paperwire_signals::costs::{entry_price, exit_touch, profit_pct};

use super::{Desk, MeanReversion, Params};
use crate::exit::RETRY;

/// An open position as its exits see it.
struct Held<'a> {
    position: &'a Position,
    side: PositionSide,
    /// The price at which it could be closed now.
    price: f64,
    profit_pct: f64,
    /// After both fees.
    net_pct: f64,
}

impl MeanReversion {
    /// Leaves, or sets stop and target again; true when it signalled or waits for an order.
    pub(super) fn exit(
        &mut self,
        symbol: SymbolId,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        let position = account.position(symbol);
        let (Some(side), Some(desk)) = (position.side(), self.desks[symbol.index()].as_mut())
        else {
            return false;
        };
        // What is on its way to the venue must not be sent again; a resting entry is no obstacle.
        let mut orders = account.orders.iter().filter(|order| order.symbol == symbol);
        let is_waiting = orders.clone().any(|order| {
            order.state == OrderState::InFlight || order.side == side.closing() || order.is_changing
        });
        if is_waiting {
            out.skip(Skip::OrderUnderWay);
            return true;
        }
        let now = market.now();
        let Some(bbo) = market.symbol(symbol).bbo().filter(|_| now >= desk.exit_retry_at) else {
            return false;
        };
        let Some(held) = Held::of(position, side, desk, &bbo, self.fee) else {
            return false;
        };
        let close = decay(&held, now, desk, &self.params)
            .or_else(|| mean_reached(&held, desk))
            .or_else(|| trend_against(&held, desk, &self.params));
        let signal = close
            .map(|reason| Signal::close(symbol, reason))
            .or_else(|| anchor(&held, symbol, desk));
        let Some(signal) = signal else {
            return false;
        };
        if signal.action == Action::Close {
            desk.exit_retry_at = now.plus(RETRY);
            if orders.next().is_some() {
                out.push(Signal::cancel(symbol, 0, signal.reason));
            }
        }
        out.push(signal);
        true
    }
}

impl<'a> Held<'a> {
    fn of(
        position: &'a Position,
        side: PositionSide,
        desk: &Desk,
        bbo: &Bbo,
        fee: f64,
    ) -> Option<Self> {
        let entry = entry_price(position, &desk.instrument).filter(|entry| *entry > 0.0)?;
        let price = desk.instrument.px_f64(exit_touch(side, bbo));
        let profit_pct = profit_pct(side, entry, price);
        Some(Self { position, side, price, profit_pct, net_pct: profit_pct - 200.0 * fee })
    }
}

/// The longer it takes, the less profit is enough; never one that the fees eat.
fn decay(held: &Held<'_>, now: ExchNs, desk: &Desk, params: &Params) -> Option<Reason> {
    let age = held.position.age(now)?;
    let stages = params.decay_after_s.iter().zip(&params.decay_mult);
    let mut reached = stages.filter(|(after, _)| age >= DurationNs::from_secs(**after));
    let (_, mult) = reached.next_back()?;
    let is_enough = held.profit_pct >= desk.table.target_pct * mult && held.net_pct > 0.0;
    is_enough.then(|| {
        Reason::new("decay")
            .with("profit_pct", held.profit_pct)
            .with("net_pct", held.net_pct)
            .with("target_mult", *mult)
            .with("age_s", age.raw() as f64 / 1e9)
    })
}

/// The price is back at the mean and nothing is lost.
fn mean_reached(held: &Held<'_>, desk: &Desk) -> Option<Reason> {
    let mean = desk.reading?.band.mid;
    let is_reached = match held.side {
        PositionSide::Long => held.price >= mean,
        PositionSide::Short => held.price <= mean,
    };
    (is_reached && held.net_pct >= 0.0).then(|| {
        Reason::new("mean_reached")
            .with("price", held.price)
            .with("mean", mean)
            .with("net_pct", held.net_pct)
    })
}

/// A trend against the position is confirmed: it does not come back.
fn trend_against(held: &Held<'_>, desk: &Desk, params: &Params) -> Option<Reason> {
    let reading = desk.reading?;
    let side = reading.trend_side(params.slope_bars)?;
    (side != held.side).then(|| {
        Reason::new("trend_against")
            .with("bars", f64::from(reading.trend))
            .with("mean", reading.band.mid)
            .with("profit_pct", held.profit_pct)
    })
}

/// Stop and target from the average price; one that the price already passed is an exit.
fn anchor(held: &Held<'_>, symbol: SymbolId, desk: &mut Desk) -> Option<Signal> {
    if !std::mem::take(&mut desk.is_anchor_due) {
        return None;
    }
    let table = &desk.table;
    let is_stopped = held.profit_pct <= -table.stop_pct;
    if is_stopped || held.profit_pct >= table.target_pct {
        let code = if is_stopped { "stop_passed" } else { "target_passed" };
        return Some(Signal::close(symbol, Reason::new(code).with("profit_pct", held.profit_pct)));
    }
    let reason = Reason::new("anchor").with("profit_pct", held.profit_pct);
    let signal = Signal::new(symbol, Action::Protect, Size::All, reason).tag(held.position.tag);
    let target = ExitLevel::PctFromFill(table.target_pct);
    Some(signal.bracket(ExitLevel::PctFromFill(table.stop_pct), target))
}
