//! When the ratio strategy leaves a position. No gate stands before any of this.

use paperwire_core::account::{AccountView, Position, PositionSide};
use paperwire_core::market::MarketView;
use paperwire_core::num::Qty;
use paperwire_core::strategy::{Action, ExitLevel, Reason, Signal, Signals, Size, Skip};
use paperwire_signals::costs::{entry_price, exit_touch, profit_pct, sign};

use super::{Desk, Params, RatioTrading};
use crate::exit::RETRY;

const MINUTE_NS: u64 = 60_000_000_000;

/// An open position as its exits see it.
#[derive(Clone, Copy, Debug)]
struct Held {
    side: PositionSide,
    qty: Qty,
    /// Distance from the mean of the price at which it could be closed now, in deviations: negative on
    /// the side where it was entered, whatever its direction.
    way: f64,
    profit_pct: f64,
    /// In bars.
    age: f64,
}

impl RatioTrading {
    /// Leaves, in whole or in part; true when it signalled or waits for an order.
    pub(super) fn exit(
        &mut self,
        market: &MarketView<'_>,
        account: &AccountView<'_>,
        out: &mut Signals,
    ) -> bool {
        let Some(desk) = self.desk.as_mut() else {
            return false;
        };
        let position = account.position(desk.id);
        let Some(side) = position.side() else {
            return false;
        };
        // What is on its way to the venue must not be sent again; nothing of this strategy rests.
        if account.has_orders(desk.id) {
            out.skip(Skip::OrderUnderWay);
            return true;
        }
        if market.now() < desk.exit_retry_at {
            return false;
        }
        let Some(held) = Held::of(position, side, desk, market, &self.params) else {
            return false;
        };
        let Some(signal) =
            leave(&held, desk, market, &self.params).or_else(|| anchor(&held, desk, &self.params))
        else {
            return false;
        };
        if signal.action != Action::Protect {
            desk.exit_retry_at = market.now().plus(RETRY);
        }
        out.push(signal);
        true
    }
}

impl Held {
    fn of(
        position: &Position,
        side: PositionSide,
        desk: &Desk,
        market: &MarketView<'_>,
        params: &Params,
    ) -> Option<Self> {
        let bbo = market.symbol(desk.id).bbo()?;
        let price = desk.instrument.px_f64(exit_touch(side, &bbo));
        let entry = entry_price(position, &desk.instrument).filter(|entry| *entry > 0.0)?;
        let minutes = position.age(market.now())?.raw() as f64 / MINUTE_NS as f64;
        Some(Self {
            side,
            qty: position.qty(),
            way: sign(side) * desk.reading?.z_of(price),
            profit_pct: profit_pct(side, entry, price),
            age: minutes / params.bar.timeframe().minutes() as f64,
        })
    }
}

/// All of it beyond the mean or when the ratio left for good, part of it near the mean.
fn leave(held: &Held, desk: &mut Desk, market: &MarketView<'_>, params: &Params) -> Option<Signal> {
    let is_decayed = held.age >= desk.decay_bars && held.way > -params.decay_z;
    let (code, is_whole) = if held.way <= -params.stop_z {
        ("z_stop", true)
    } else if held.way >= 0.0 {
        ("mean_reached", true)
    } else if held.way > -params.exit_z {
        ("mean_near", false)
    } else if is_decayed {
        ("decay", false)
    } else {
        return None;
    };
    if !is_whole && desk.bars.count() < desk.next_part_bar {
        return None;
    }
    let of = &desk.instrument;
    let part = of.floor_to_lot(of.qty_from_f64(of.qty_f64(held.qty) * params.exit_share)?);
    let rest_usd = desk.open_usd(of.qty_f64(held.qty - part), market);
    // What is left must be worth selling later, or dust stays for ever.
    let is_dust = rest_usd.is_none_or(|usd| usd < 2.0 * params.size_usd_min);
    let price = market.symbol(desk.id).price().unwrap_or(0.0);
    let quote_rate = market.quote_rate(desk.id).map_or(0.0, |rate| rate.to_num::<f64>());
    let reason = Reason::new(code)
        .with("z", sign(held.side) * held.way)
        .with("profit_pct", held.profit_pct)
        .with("age_bars", held.age)
        .with("base_gain", desk.gain.base)
        .with("quote_gain", desk.gain.quote)
        .with("usd_over_hold", desk.gain.usd(price, quote_rate));
    if is_whole || is_dust || part < of.qty_min {
        return Some(Signal::close(desk.id, reason));
    }
    desk.next_part_bar = desk.bars.count() + 1;
    let action = match held.side {
        PositionSide::Long => Action::Sell,
        PositionSide::Short => Action::Cover,
    };
    Some(Signal::new(desk.id, action, Size::Base(part), reason))
}

/// The stop from the average price; one that the price already passed is an exit.
fn anchor(held: &Held, desk: &mut Desk, params: &Params) -> Option<Signal> {
    if !std::mem::take(&mut desk.is_anchor_due) {
        return None;
    }
    let with = |code| Reason::new(code).with("profit_pct", held.profit_pct);
    if held.profit_pct <= -params.stop_pct {
        return Some(Signal::close(desk.id, with("stop_passed")));
    }
    let signal = Signal::new(desk.id, Action::Protect, Size::All, with("anchor"));
    Some(signal.bracket(ExitLevel::PctFromFill(params.stop_pct), ExitLevel::Keep))
}
