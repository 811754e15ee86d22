//! Reports as JSON lines: the envelope that every record has, and which of them are written.
//!
//! Exact decimals are text, numbers are for machines, and nothing is ever NaN or Infinity. Money is written
//! with as many digits as tell it from every other amount, so that whoever reads it to the nearest 2^-64 has
//! the account's own bits.

mod body;

use paperwire_core::account::Position;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::num::Money;
use paperwire_core::time::{ExchNs, Rfc3339};
use paperwire_exec::fill::BRACKET;
use paperwire_exec::report::{PositionRow, Report, ReportKind};
use paperwire_rt::clock::utc_now;
use serde_json::{Value, json};

use crate::tally::StrategyName;

/// Layout of the lines; a change of a field's meaning raises it.
const SCHEMA_VERSION: u32 = 2;
/// Marks of accounts, positions and brackets go to the log once in this many seconds.
const MARK_EVERY: u64 = 10;

/// Encodes reports of one session.
#[derive(Debug)]
pub struct Recorder {
    session: String,
    strategies: Vec<StrategyName>,
    instruments: Vec<Instrument>,
    marks: Vec<Marks>,
}

/// What of one strategy's marks was written.
#[derive(Debug)]
struct Marks {
    /// Account marks seen; the other kinds follow them.
    count: u64,
    is_final: bool,
    /// Minute of the last mark.
    minute: Option<ExchNs>,
    /// By symbol: the position as last written.
    positions: Vec<Position>,
}

impl Marks {
    /// True in the second in which marks are written.
    const fn is_due(&self) -> bool {
        self.is_final || self.count % MARK_EVERY == 1
    }
}

/// Index of the strategy that a report is about.
pub fn strategy_of(kind: &ReportKind) -> Option<usize> {
    match kind {
        ReportKind::Signal { strategy, .. }
        | ReportKind::Reject { strategy, .. }
        | ReportKind::Order { strategy, .. }
        | ReportKind::Done { strategy, .. }
        | ReportKind::Changed { strategy, .. }
        | ReportKind::Interest { strategy, .. }
        | ReportKind::Command { strategy, .. }
        | ReportKind::Param { strategy, .. }
        | ReportKind::State { strategy, .. }
        | ReportKind::Benched { strategy, .. }
        | ReportKind::Position { strategy, .. }
        | ReportKind::Bracket { strategy, .. }
        | ReportKind::Account { strategy, .. }
        | ReportKind::Skipped { strategy, .. }
        | ReportKind::SkipCount { strategy, .. } => Some(strategy.index()),
        ReportKind::Fill(fill) => Some(fill.strategy.index()),
        ReportKind::Market { .. }
        | ReportKind::Bar { .. }
        | ReportKind::Trade { .. }
        | ReportKind::Regime { .. }
        | ReportKind::Halted => None,
    }
}

/// Money as text for people and tables; ten digits are far below any cent of any currency.
pub fn money(amount: Money) -> String {
    format!("{amount:.10}")
}

/// Money as text that reads back to the same bits.
pub fn exact(amount: Money) -> String {
    amount.to_string()
}

/// A float; what JSON cannot say is null.
pub fn number(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or(Value::Null, Value::Number)
}

fn instant(at: ExchNs) -> String {
    Rfc3339 { at, fraction: 6 }.to_string()
}

impl Recorder {
    /// An encoder for these names.
    pub fn new(session: String, strategies: &[StrategyName], instruments: &[Instrument]) -> Self {
        let marks = |_: &StrategyName| Marks {
            count: 0,
            is_final: false,
            minute: None,
            positions: vec![Position::default(); instruments.len()],
        };
        Self {
            session,
            marks: strategies.iter().map(marks).collect(),
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

    /// A report as a line, or `None` for kinds that are not logged and marks between the seconds in
    /// which they are.
    pub fn report(&mut self, report: &Report) -> Option<String> {
        let (event, body) = self.body(report)?;
        let now = utc_now();
        let strategy = strategy_of(&report.kind).map(|at| self.strategies[at].instance.as_str());
        let line = json!({
            "schema_version": SCHEMA_VERSION,
            "event": event,
            "correlation_id": format!("{}-{:012}", self.session, report.seq.0),
            "session": self.session,
            "seq": report.seq.0,
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

    fn body(&mut self, report: &Report) -> Option<(&'static str, Value)> {
        Some(match &report.kind {
            ReportKind::Signal { signal, saw, .. } => {
                let mut body = self.signal(signal);
                let response = report.made.since(report.arrived);
                body["saw"] = body::saw(saw, report.seq);
                body["latency_ns"] = json!({"call": saw.took.raw(), "response": response.raw()});
                ("signal", body)
            }
            ReportKind::Reject { signal, reason, .. } => {
                let mut body = self.signal(signal);
                body["rejected"] = json!(reason.as_str());
                ("signal_rejected", body)
            }
            ReportKind::Order { order, trigger, latency, .. } => {
                ("order", self.order(order, *trigger, *latency))
            }
            ReportKind::Fill(fill) => ("fill", self.fill(fill)),
            ReportKind::Changed { order, reason, .. } => {
                ("order_changed", self.changed(order, reason))
            }
            ReportKind::Interest { symbol, amount, .. } => {
                ("interest", self.interest(*symbol, *amount))
            }
            ReportKind::Regime { symbol, transition } => {
                ("regime", self.regime(*symbol, transition))
            }
            ReportKind::Skipped { symbol, why, .. } => ("skip", self.skip(*symbol, *why)),
            ReportKind::Done { done, .. } => ("order_done", self.done(done)),
            ReportKind::Command { verb, origin, .. } => {
                ("command", json!({"verb": verb.as_str(), "origin": origin.as_str()}))
            }
            ReportKind::Param { strategy, change, origin } => {
                let key = self.strategies[strategy.index()].param(*change);
                ("param", json!({"key": key, "value": change.value, "origin": origin.as_str()}))
            }
            ReportKind::State { state, .. } => ("state", body::state(*state)),
            ReportKind::Benched { why, .. } => {
                let why = format!("{}; its positions keep their stops", why.shown());
                ("strategy_benched", json!({"why": why}))
            }
            ReportKind::Position { strategy, symbol, row } => {
                if !self.is_position_due(strategy.index(), *symbol, row) {
                    return None;
                }
                ("position", self.position(*symbol, row))
            }
            ReportKind::Bracket { strategy, model, row, is_final } => {
                if !self.marks[strategy.index()].is_due() && !is_final {
                    return None;
                }
                ("bracket", body::bracket(BRACKET[usize::from(*model)], row))
            }
            ReportKind::Account { strategy, row, is_final } => {
                let marks = &mut self.marks[strategy.index()];
                marks.count += 1;
                marks.is_final = *is_final;
                // The equity that each minute opened with is what ratios are made of.
                let minute = row.performance.minute().map(|(minute, _)| minute);
                let is_news = std::mem::replace(&mut marks.minute, minute) != minute;
                if !marks.is_due() && !is_news {
                    return None;
                }
                (if *is_final { "account_final" } else { "account" }, body::account(row))
            }
            ReportKind::SkipCount { why, count, .. } => {
                ("skips", json!({"why": why.as_str(), "count": count}))
            }
            ReportKind::Halted => ("halted", Value::Null),
            ReportKind::Market { .. } | ReportKind::Bar { .. } | ReportKind::Trade { .. } => {
                return None;
            }
        })
    }

    /// A position is written when it is another one than before, and with the account's marks.
    fn is_position_due(&mut self, strategy: usize, symbol: SymbolId, row: &PositionRow) -> bool {
        let marks = &mut self.marks[strategy];
        let written = &mut marks.positions[symbol.index()];
        let is_due = *written != row.position || marks.count % MARK_EVERY == 1 || marks.is_final;
        if is_due {
            *written = row.position;
        }
        is_due
    }
}
