//! Reports as JSON lines: the envelope that every record has, and which of them are written.
//!
//! Exact decimals are text, numbers are for machines, and nothing is ever NaN or Infinity.

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
const SCHEMA_VERSION: u32 = 1;
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

/// Money as exact text; ten digits are far below any cent of any currency.
pub fn money(amount: Money) -> String {
    format!("{amount:.10}")
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
        let (event, body) = self.body(&report.kind)?;
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

    fn body(&mut self, kind: &ReportKind) -> Option<(&'static str, Value)> {
        Some(match kind {
            ReportKind::Signal { signal, .. } => ("signal", self.signal(signal)),
            ReportKind::Reject { signal, reason, .. } => {
                let mut body = self.signal(signal);
                body["rejected"] = json!(reason.as_str());
                ("signal_rejected", body)
            }
            ReportKind::Order { order, trigger, latency, .. } => {
                ("order", self.order(order, *trigger, *latency))
            }
            ReportKind::Fill(fill) => ("fill", self.fill(fill)),
            ReportKind::Changed { order, .. } => ("order_changed", self.changed(order)),
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
                if !marks.is_due() {
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
