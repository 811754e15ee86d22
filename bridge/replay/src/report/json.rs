//! The final report for machines, with the field names that others build on.

use hdrhistogram::Histogram;
use paperwire_core::account::{AccountState, HaltReason};
use paperwire_core::num::Decimal;
use paperwire_doctor::build_profile::BUILD_PROFILE;
use paperwire_exec::fill::BRACKET;
use paperwire_exec::performance::MINUTES_PER_YEAR;
use paperwire_feed::arrival::ArrivalCounts;
use serde_json::{Map, Value, json};

use super::{RATIO_MINUTES_MIN, Ranking, Summary, Verdict, host, lasting, roi};
use crate::record::{money, number};
use crate::tally::Tally;
use crate::verify;

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999)];

/// The report as JSON.
pub fn json(tally: &Tally, summary: &Summary) -> Value {
    let counters = &summary.counters;
    #[expect(clippy::cast_precision_loss, reason = "a rate for display")]
    let frames_per_s =
        if summary.elapsed_s > 0.0 { counters.frames as f64 / summary.elapsed_s } else { 0.0 };
    let ranking = Ranking::of(tally);
    let count = tally.strategies.len();
    let strategies: Vec<Value> = (0..count).map(|i| strategy(tally, &ranking, i)).collect();
    let stages: Vec<Value> = tally
        .bank
        .stages()
        .filter(|(_, pair)| !pair.service.is_empty())
        .map(|(stage, pair)| {
            json!({
                "stage": stage.as_str(),
                "latency_ns": latency(&pair.service),
                "response_ns": latency(&pair.response),
            })
        })
        .collect();
    let mut value = json!({
        "source": summary.source,
        "session": summary.session,
        "build_profile": BUILD_PROFILE,
        "fill_model": summary.conditions.fill_model,
        "conditions": summary.conditions.json(),
        "ratio_basis": format!(
            "{RATIO_MINUTES_MIN} or more minute returns, annualised by the square root of {MINUTES_PER_YEAR}"
        ),
        "frames": counters.frames,
        "book_updates": counters.book_updates,
        "checksums_ok": counters.checksums_ok,
        "checksums_bad": counters.checksums_bad,
        "resyncs": counters.resyncs,
        "gaps": counters.gaps,
        "disconnects": counters.disconnects,
        "malformed": counters.malformed,
        "refused": counters.refused,
        "unknown_symbols": counters.unknown_symbols,
        "conflated": counters.conflated,
        "dropped_trades": counters.dropped_trades,
        "duplicate_trades": counters.duplicate_trades,
        "trades": counters.trades,
        "arrivals": arrivals(&summary.arrivals),
        "bars": tally.bars,
        "signals": tally.signals,
        "fills": tally.fills,
        "digest": tally.digest.hex(),
        "rules": summary.rules.number(),
        "verification": summary.verification.map(|of| verify::json(of, summary.rules)),
        "elapsed_s": summary.elapsed_s,
        "frames_per_s": frames_per_s,
        "hot_allocs_total": summary.hot_allocs,
        "recording_lost": summary.recording_lost,
        "log_lines_lost": summary.logs_lost.lines,
        "log_fills_lost": summary.logs_lost.fills,
        "probe_tax": summary.probe_tax,
        "probe_share": summary.probe_tax.share(&tally.bank),
        "notes": summary.notes,
        "longest_calls": host::longest_json(tally),
        "strategies": strategies,
        "stages": stages,
        "threads": host::threads_json(tally),
    });
    // In two parts, because one would nest deeper than the macro allows.
    value["missed_trades"] = counters.missed_trades.into();
    value["before_snapshot"] = counters.before_snapshot.into();
    value["quarantines"] = json!(summary.quarantines);
    value
}

/// Frames whose arrival lies between two instants.
fn arrivals(counts: &ArrivalCounts) -> Value {
    json!({
        "bounded": counts.bounded,
        "by_exchange_time": counts.by_exchange,
        "without_kernel_time": counts.unstamped,
        "widest_ns": counts.widest.raw(),
    })
}

fn strategy(tally: &Tally, ranking: &Ranking, index: usize) -> Value {
    let (name, row) = (&tally.strategies[index], &tally.accounts[index]);
    let (of, pair) = (&row.performance, &tally.bank.strategies()[index]);
    let (state, why) = match row.state {
        AccountState::Halted(why) => ("halted", Some(why.as_str())),
        state => (state.as_str(), None),
    };
    let mut value = json!({
        "name": name.instance,
        "version": name.version,
        "sha256": name.sha256,
        "rank": ranking.rank(index),
        "rank_robust": match ranking.verdict(index) {
            Verdict::Open => None,
            verdict => Some(verdict == Verdict::Robust),
        },
        "equity": money(row.equity),
        "baseline": money(row.baseline),
        "cash": money(row.cash),
        "starting_assets_value": money(row.spot),
        "roi_pct": roi(row).to_num::<f64>() * 100.0,
        "realized_pnl": money(row.realized),
        "unrealized_pnl": money(row.unrealized),
        "fees": money(row.fees),
        "interest": money(row.interest),
        "turnover": money(of.turnover()),
        "closed_trades": of.closed_trades(),
        "wins": of.wins(),
        "losses": of.losses(),
        "win_rate": of.win_rate().map(|rate| rate * 100.0),
        "profit_factor": of.profit_factor(),
        "expectancy": of.expectancy().map(money),
        "average_hold_ns": of.average_hold().map(|hold| hold.raw()),
        "max_drawdown_pct": of.drawdown_max().to_num::<f64>() * 100.0,
        "drawdown_longest_ns": of.drawdown_longest().raw(),
        "sharpe": lasting(of, of.sharpe()).map(number),
        "sortino": lasting(of, of.sortino()).map(number),
        "return_minutes": of.return_count(),
        "signals": row.signals,
        "rejects": row.rejects,
        "orders": row.orders,
        "fills": row.fills,
    });
    // In two parts, because one would nest deeper than the macro allows.
    let rest = json!({
        "maker_fills": row.maker_fills,
        "taker_fills": row.fills - row.maker_fills,
        "margin_calls": row.margin_calls,
        "open_positions": row.open_positions,
        "state": state,
        "halt_reason": why,
        "benched": row.state == AccountState::Halted(HaltReason::Benched),
        "bracket": bracket(tally, ranking, index),
        "symbols": symbols(tally, index),
        "latency_ns": latency(&pair.service),
        "response_ns": latency(&pair.response),
        "long_calls": host::verdicts_json(tally, index),
    });
    if let (Value::Object(value), Value::Object(rest)) = (&mut value, rest) {
        value.extend(rest);
    }
    value
}

/// The account under each model of the bracket, with the band of profits; null without one.
fn bracket(tally: &Tally, ranking: &Ranking, index: usize) -> Option<Value> {
    let rows: Option<Vec<_>> = tally.brackets[index].iter().copied().collect();
    let rows = rows?;
    let mut value = Map::new();
    for (model, (name, row)) in BRACKET.iter().zip(&rows).enumerate() {
        let figures = json!({
            "equity": money(row.equity),
            "pnl": money(row.profit),
            "fees": money(row.fees),
            "fills": row.fills,
            "rank": ranking.rank_under(model, index),
        });
        value.insert((*name).to_owned(), figures);
    }
    let profits = || rows.iter().map(|row| row.profit);
    value.insert("pnl_low".to_owned(), json!(profits().min().map(money)));
    value.insert("pnl_high".to_owned(), json!(profits().max().map(money)));
    Some(Value::Object(value))
}

/// What came of each symbol that the strategy touched.
fn symbols(tally: &Tally, index: usize) -> Value {
    let touched = tally.instruments.iter().zip(&tally.positions[index]);
    let touched = touched.filter(|(_, row)| row.fills > 0);
    let one = |(of, row): (&paperwire_core::instrument::Instrument, &_)| {
        let row: &paperwire_exec::report::PositionRow = row;
        json!({
            "symbol": of.name.as_str(),
            "position": Decimal::new(row.position.lots, of.qty_precision).to_string(),
            "value": money(row.value),
            "realized_pnl": money(row.realized),
            "unrealized_pnl": money(row.unrealized),
            "fees": money(row.fees),
            "fills": row.fills,
            "wins": row.wins,
            "losses": row.losses,
            "liquidation_px": row.liquidation_px.map(|px| of.show_px(px).to_string()),
            "unpriced": row.is_unpriced,
        })
    };
    touched.map(one).collect()
}

fn latency(histogram: &Histogram<u32>) -> Value {
    let mut value = json!({"max": histogram.max(), "count": histogram.len()});
    for (name, quantile) in QUANTILES {
        value[name] = json!(histogram.value_at_quantile(quantile));
    }
    value
}
