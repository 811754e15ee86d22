//! Reports as JSON: exact decimals as text, numbers for machines, never NaN or Infinity.

use paperwire_core::account::Fill;
use paperwire_core::instrument::Instrument;
use paperwire_core::num::Money;
use paperwire_core::strategy::{ExitLevel, Reason, Signal, Size};
use paperwire_core::time::{ExchNs, Rfc3339};
use paperwire_exec::report::{AccountRow, Report, ReportKind};
use paperwire_rt::clock::utc_now;
use serde_json::{Map, Value, json};

use crate::tally::StrategyName;

/// Layout of the lines; a change of a field's meaning raises it.
const SCHEMA_VERSION: u32 = 1;
/// Account marks go to the log once in this many seconds.
const MARK_EVERY: u64 = 10;

/// Encodes reports of one session.
#[derive(Debug)]
pub struct Recorder {
    session: String,
    strategies: Vec<StrategyName>,
    instruments: Vec<Instrument>,
    marks: Vec<u64>,
}

/// Index of the strategy that a report is about.
pub fn strategy_of(kind: &ReportKind) -> Option<usize> {
    match kind {
        ReportKind::Signal { strategy, .. }
        | ReportKind::Reject { strategy, .. }
        | ReportKind::Order { strategy, .. }
        | ReportKind::Benched { strategy }
        | ReportKind::Account { strategy, .. }
        | ReportKind::SkipCount { strategy, .. } => Some(strategy.index()),
        ReportKind::Fill(fill) => Some(fill.strategy.index()),
        ReportKind::Market { .. } | ReportKind::Bar { .. } | ReportKind::Halted => None,
    }
}

/// Money as exact text; ten digits are far below any cent of any currency.
pub fn money(amount: Money) -> String {
    format!("{amount:.10}")
}

/// A float of a signal; what JSON cannot say is null.
fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn instant(at: ExchNs) -> String {
    Rfc3339 { at, fraction: 6 }.to_string()
}

impl Recorder {
    /// An encoder for these names.
    pub fn new(session: String, strategies: &[StrategyName], instruments: &[Instrument]) -> Self {
        Self {
            session,
            marks: vec![0; strategies.len()],
            strategies: strategies.to_vec(),
            instruments: instruments.to_vec(),
        }
    }

    /// An event of the run.
    pub fn system(&self, event: &str, details: &Value) -> String {
        let now = utc_now();
        json!({
            "schema_version": SCHEMA_VERSION,
            "event": event,
            "session": self.session,
            "wall_ns": now.raw(),
            "wall": instant(now),
            "details": details,
        })
        .to_string()
    }

    /// A report as a line, or `None` for kinds that are not logged.
    pub fn report(&mut self, report: &Report) -> Option<String> {
        let (event, body) = match &report.kind {
            ReportKind::Signal { signal, .. } => ("signal", self.signal(signal)),
            ReportKind::Reject { signal, reason, .. } => {
                let mut body = self.signal(signal);
                body["rejected"] = json!(reason.as_str());
                ("signal_rejected", body)
            }
            ReportKind::Order { id, symbol, side, qty, .. } => {
                let of = &self.instruments[symbol.index()];
                let qty = of.show_qty(*qty).to_string();
                let symbol = of.name.as_str();
                (
                    "order",
                    json!({"order": id.0, "symbol": symbol, "side": side.as_str(), "qty": qty}),
                )
            }
            ReportKind::Fill(fill) => ("fill", self.fill(fill)),
            ReportKind::Benched { .. } => {
                ("strategy_benched", json!({"why": "it panicked; its positions keep their stops"}))
            }
            ReportKind::Account { strategy, row, is_final } => {
                let mark = &mut self.marks[strategy.index()];
                *mark += 1;
                if *mark % MARK_EVERY != 1 && !is_final {
                    return None;
                }
                (if *is_final { "account_final" } else { "account" }, account(row))
            }
            ReportKind::SkipCount { why, count, .. } => {
                ("skips", json!({"why": why.as_str(), "count": count}))
            }
            ReportKind::Halted => ("halted", Value::Null),
            ReportKind::Market { .. } | ReportKind::Bar { .. } => return None,
        };
        let now = utc_now();
        let strategy = strategy_of(&report.kind).map(|at| self.strategies[at].instance.as_str());
        let line = json!({
            "schema_version": SCHEMA_VERSION,
            "event": event,
            "correlation_id": format!("{}-{:012}", self.session, report.seq.0),
            "session": self.session,
            "strategy": strategy,
            "exchange_ns": report.at.raw(),
            "exchange": instant(report.at),
            "wall_ns": now.raw(),
            "wall": instant(now),
            "arrival_to_report_ns": report.made.since(report.arrived).raw(),
            event: body,
        });
        Some(line.to_string())
    }

    fn signal(&self, signal: &Signal) -> Value {
        let of = &self.instruments[signal.symbol.index()];
        let level = |level: ExitLevel| match level {
            ExitLevel::Keep => Value::Null,
            ExitLevel::At(px) => json!({"px": of.show_px(px).to_string()}),
            ExitLevel::PctFromFill(percent) => json!({"percent_from_fill": number(percent)}),
        };
        let size = match signal.size {
            Size::Notional(amount) => json!({"notional": money(amount)}),
            Size::Base(qty) => json!({"qty": of.show_qty(qty).to_string()}),
            Size::All => json!("all"),
        };
        json!({
            "action": signal.action.as_str(),
            "symbol": of.name.as_str(),
            "size": size,
            "stop": level(signal.stop),
            "target": level(signal.target),
            "reason": reason(&signal.reason),
            "tag": signal.tag,
        })
    }

    fn fill(&self, fill: &Fill) -> Value {
        let of = &self.instruments[fill.symbol.index()];
        let lots_after = paperwire_core::num::Decimal::new(fill.lots_after, of.qty_precision);
        json!({
            "fill": fill.id.0,
            "order": fill.order.0,
            "symbol": of.name.as_str(),
            "side": fill.side.as_str(),
            "qty": of.show_qty(fill.qty).to_string(),
            "px": of.show_px(fill.px).to_string(),
            "worst_px": of.show_px(fill.worst_px).to_string(),
            "levels": fill.levels,
            "unverified_depth": fill.is_unverified_depth,
            "value_quote": money(fill.value),
            "quote_rate": money(fill.quote_rate),
            "fee": money(fill.fee),
            "realized": money(fill.realized),
            "net": money(fill.net),
            "trigger": fill.trigger.as_str(),
            "reason": reason(&fill.reason),
            "tag": fill.tag,
            "position_after": lots_after.to_string(),
            "cash_after": money(fill.cash_after),
        })
    }
}

fn reason(reason: &Reason) -> Value {
    let values: Map<String, Value> =
        reason.values().iter().map(|(name, value)| ((*name).to_owned(), number(*value))).collect();
    json!({"code": reason.code(), "values": values})
}

fn account(row: &AccountRow) -> Value {
    json!({
        "cash": money(row.cash),
        "equity": money(row.equity),
        "realized": money(row.realized),
        "unrealized": money(row.unrealized),
        "fees": money(row.fees),
        "exposure": money(row.exposure),
        "fills": row.fills,
        "signals": row.signals,
        "rejects": row.rejects,
        "closed_trades": row.closed_trades,
        "open_positions": row.open_positions,
        "max_drawdown_pct": number(row.drawdown_max.to_num::<f64>() * 100.0),
        "benched": row.is_benched,
    })
}
