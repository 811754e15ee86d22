//! What each kind of record says besides the envelope.

use paperwire_core::account::{AccountState, Evidence, Fill, HaltReason, Trigger};
use paperwire_core::event::Seq;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::{Decimal, Money, Px, Qty};
use paperwire_core::order::{
    Distance, ExitLevel, Exits, OpenOrder, OrderDone, OrderPrice, OrderSpec, OrderTrigger,
    TimeInForce,
};
use paperwire_core::regime::Transition;
use paperwire_core::strategy::{Reason, Signal, Size, Skip};
use paperwire_core::time::DurationNs;
use paperwire_exec::report::{AccountRow, BracketRow, PositionRow};
use paperwire_exec::saw::Saw;
use serde_json::{Map, Value, json};

use super::{Recorder, exact, instant, number};

impl Recorder {
    fn instrument(&self, symbol: SymbolId) -> &Instrument {
        &self.instruments[symbol.index()]
    }

    pub(super) fn signal(&self, signal: &Signal) -> Value {
        let of = self.instrument(signal.symbol);
        let size = match signal.size {
            Size::Notional(amount) => json!({"notional": exact(amount)}),
            Size::Base(qty) => json!({"qty": of.show_qty(qty).to_string()}),
            Size::All => json!("all"),
        };
        json!({
            "action": signal.action.as_str(),
            "symbol": of.name.as_str(),
            "size": size,
            "terms": terms(of, &signal.order),
            "stop": level(of, signal.exits.stop),
            "target": level(of, signal.exits.target),
            "exits": exits(&signal.exits),
            "reason": reason(&signal.reason),
            "tag": signal.tag,
        })
    }

    pub(super) fn order(&self, order: &OpenOrder, trigger: Trigger, latency: DurationNs) -> Value {
        let of = self.instrument(order.symbol);
        json!({
            "order": order.id.0,
            "symbol": of.name.as_str(),
            "side": order.side.as_str(),
            "qty": of.show_qty(order.qty).to_string(),
            "terms": terms(of, &order.spec),
            "trigger": trigger.as_str(),
            "latency_ns": latency.raw(),
            "tag": order.tag,
        })
    }

    pub(super) fn changed(&self, order: &OpenOrder, why: &Reason) -> Value {
        let of = self.instrument(order.symbol);
        json!({
            "order": order.id.0,
            "symbol": of.name.as_str(),
            "qty": of.show_qty(order.qty).to_string(),
            "left": of.show_qty(order.left).to_string(),
            "terms": terms(of, &order.spec),
            "reason": reason(why),
            "tag": order.tag,
        })
    }

    pub(super) fn interest(&self, symbol: SymbolId, amount: Money) -> Value {
        json!({"symbol": self.instrument(symbol).name.as_str(), "amount": exact(amount)})
    }

    pub(super) fn regime(&self, symbol: Option<SymbolId>, of: &Transition) -> Value {
        json!({
            "symbol": symbol.map(|symbol| self.instrument(symbol).name.as_str()),
            "from": of.from.as_str(),
            "to": of.to.as_str(),
            "at_ns": of.at.raw(),
            "composite": number(of.composite),
        })
    }

    pub(super) fn skip(&self, symbol: SymbolId, why: Skip) -> Value {
        json!({"symbol": self.instrument(symbol).name.as_str(), "why": why.as_str()})
    }

    pub(super) fn done(&self, done: &OrderDone) -> Value {
        let of = self.instrument(done.symbol);
        json!({
            "order": done.id.0,
            "symbol": of.name.as_str(),
            "end": done.end.as_str(),
            "left": of.show_qty(done.left).to_string(),
            "tag": done.tag,
        })
    }

    pub(super) fn fill(&self, fill: &Fill) -> Value {
        let of = self.instrument(fill.symbol);
        json!({
            "fill": fill.id.0,
            "order": fill.order.0,
            "symbol": of.name.as_str(),
            "at_ns": fill.at.raw(),
            "side": fill.side.as_str(),
            "qty": of.show_qty(fill.qty).to_string(),
            "px": of.show_px(fill.px).to_string(),
            "worst_px": of.show_px(fill.worst_px).to_string(),
            "levels": fill.levels,
            "unverified_depth": fill.is_unverified_depth,
            "liquidity": fill.liquidity.as_str(),
            "evidence": evidence(of, fill.levels, &fill.evidence),
            "value_quote": exact(fill.value),
            "quote_rate": exact(fill.quote_rate),
            "fee": exact(fill.fee),
            "realized": exact(fill.realized),
            "net": exact(fill.net),
            "trade_net": fill.trade_net.map(exact),
            "trigger": fill.trigger.as_str(),
            "reason": reason(&fill.reason),
            "tag": fill.tag,
            "position_after": Decimal::new(fill.lots_after, of.qty_precision).to_string(),
            "cash_after": exact(fill.cash_after),
        })
    }

    pub(super) fn position(&self, symbol: SymbolId, row: &PositionRow) -> Value {
        let of = self.instrument(symbol);
        let held = &row.position;
        json!({
            "symbol": of.name.as_str(),
            "side": held.side().map(|side| side.as_str()),
            "position": Decimal::new(held.lots, of.qty_precision).to_string(),
            "cost_quote": exact(held.cost),
            "entry_fee": exact(held.entry_fee),
            "entered": held.entered_at.map(instant),
            "stop": px(of, held.stop),
            "target": px(of, held.target),
            "trail": held.trail.map(|trail| json!({
                "distance": of.show_px(trail.distance).to_string(),
                "activation": of.show_px(trail.activation).to_string(),
                "best": px(of, trail.best),
            })),
            "break_even": px(of, held.break_even),
            "hold_until": held.hold_until.map(instant),
            "value": exact(row.value),
            "unrealized": exact(row.unrealized),
            "realized": exact(row.realized),
            "fees": exact(row.fees),
            "fills": row.fills,
            "wins": row.wins,
            "losses": row.losses,
            "liquidation_px": px(of, row.liquidation_px),
            "unpriced": row.is_unpriced,
        })
    }
}

fn px(of: &Instrument, px: Option<Px>) -> Option<String> {
    px.map(|px| of.show_px(px).to_string())
}

fn qty(of: &Instrument, qty: Option<Qty>) -> Option<String> {
    qty.map(|qty| of.show_qty(qty).to_string())
}

fn reason(reason: &Reason) -> Value {
    let values: Map<String, Value> =
        reason.values().iter().map(|(name, value)| ((*name).to_owned(), number(*value))).collect();
    json!({"code": reason.code(), "values": values})
}

fn level(of: &Instrument, level: ExitLevel) -> Value {
    match level {
        ExitLevel::Keep => Value::Null,
        ExitLevel::Clear => json!("none"),
        ExitLevel::At(px) => json!({"px": of.show_px(px).to_string()}),
        ExitLevel::PctFromFill(percent) => json!({"percent_from_fill": number(percent)}),
    }
}

fn distance(distance: Distance) -> Value {
    match distance {
        Distance::Percent(percent) => json!({"percent": number(percent)}),
        Distance::Atr { times, period, timeframe } => {
            json!({"atr": number(times), "period": period, "timeframe": timeframe.as_str()})
        }
    }
}

/// What closes a position besides its stop and its target.
fn exits(exits: &Exits) -> Value {
    let trail = exits.trail.map(|trail| {
        json!({
            "distance": distance(trail.distance),
            "activation_pct": number(trail.activation_pct),
        })
    });
    json!({
        "trail": trail,
        "break_even_pct": exits.break_even_pct.map(number),
        "hold_max_ns": exits.hold_max.map(DurationNs::raw),
    })
}

/// What a signal's strategy saw: everything up to an event, and the book that this left.
pub(super) fn saw(saw: &Saw, seq: Seq) -> Value {
    json!({"seq": seq.0, "book": saw.book.map(|digest| format!("{digest:08x}"))})
}

/// How an order meets the market.
fn terms(of: &Instrument, spec: &OrderSpec) -> Value {
    let (kind, limit) = match spec.price {
        OrderPrice::Market => ("market", None),
        OrderPrice::Limit(px) => ("limit", Some(of.show_px(px).to_string())),
    };
    let waits_for = spec.trigger.map(|trigger| match trigger {
        OrderTrigger::Stop(px) => json!({"stop": of.show_px(px).to_string()}),
        OrderTrigger::TakeProfit(px) => json!({"take_profit": of.show_px(px).to_string()}),
        OrderTrigger::Trail(by) => json!({"trail": distance(by)}),
    });
    let (tif, until) = match spec.tif {
        TimeInForce::Gtc => ("gtc", None),
        TimeInForce::Ioc => ("ioc", None),
        TimeInForce::Fok => ("fok", None),
        TimeInForce::Gtd(at) => ("gtd", Some(instant(at))),
    };
    json!({
        "type": kind,
        "limit": limit,
        "waits_for": waits_for,
        "tif": tif,
        "until": until,
        "post_only": spec.is_post_only,
        "reduce_only": spec.is_reduce_only,
        "display": qty(of, spec.display),
        "oco": (spec.oco != 0).then_some(spec.oco),
    })
}

/// Why a fill is believed: the market at its time, and what its model knew.
fn evidence(of: &Instrument, levels: u16, evidence: &Evidence) -> Value {
    let print = evidence.print.map(
        |(px, qty)| json!({"px": of.show_px(px).to_string(), "qty": of.show_qty(qty).to_string()}),
    );
    json!({
        "bid": of.show_px(evidence.bid).to_string(),
        "ask": of.show_px(evidence.ask).to_string(),
        "book_age_ns": evidence.book_age.raw(),
        "latency_ns": evidence.latency.raw(),
        "queue_ahead_at_entry": qty(of, evidence.ahead_at_entry),
        "print": print,
        "consumed": of.show_qty(evidence.consumed).to_string(),
        "levels": levels,
    })
}

pub(super) fn state(state: AccountState) -> Value {
    let (word, why) = match state {
        AccountState::Active => ("active", None),
        AccountState::Paused => ("paused", None),
        AccountState::Halted(why) => ("halted", Some(why.as_str())),
    };
    json!({"state": word, "why": why})
}

pub(super) fn bracket(model: &str, row: &BracketRow) -> Value {
    json!({
        "fill_model": model,
        "equity": exact(row.equity),
        "profit": exact(row.profit),
        "fees": exact(row.fees),
        "fills": row.fills,
    })
}

pub(super) fn account(row: &AccountRow) -> Value {
    let of = &row.performance;
    let minute = of.minute();
    json!({
        "cash": exact(row.cash),
        "equity": exact(row.equity),
        "baseline": exact(row.baseline),
        "spot": exact(row.spot),
        "spot_start": exact(row.spot_start),
        "realized": exact(row.realized),
        "unrealized": exact(row.unrealized),
        "fees": exact(row.fees),
        "interest": exact(row.interest),
        "exposure": exact(row.exposure()),
        "long": exact(row.long),
        "short": exact(row.short),
        "fills": row.fills,
        "maker_fills": row.maker_fills,
        "signals": row.signals,
        "rejects": row.rejects,
        "orders": row.orders,
        "closed_trades": of.closed_trades(),
        "wins": of.wins(),
        "losses": of.losses(),
        "open_positions": row.open_positions,
        "open_orders": row.open_orders,
        "margin_calls": row.margin_calls,
        "drawdown_pct": number(of.drawdown_now().to_num::<f64>() * 100.0),
        "max_drawdown_pct": number(of.drawdown_max().to_num::<f64>() * 100.0),
        "turnover": exact(of.turnover()),
        "return_minutes": of.return_count(),
        "minute_ns": minute.map(|(minute, _)| minute.raw()),
        "minute_opened": minute.map(|(_, equity)| exact(equity)),
        "state": state(row.state),
        "benched": row.state == AccountState::Halted(HaltReason::Benched),
    })
}
