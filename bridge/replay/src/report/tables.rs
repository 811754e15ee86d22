//! The tables of the final report and of the status every ten seconds.

use std::fmt::Display;

use hdrhistogram::Histogram;
use paperwire_core::account::AccountState;
use paperwire_core::latency::Pair;
use paperwire_core::num::{Decimal, Money};
use paperwire_core::time::DurationNs;
use paperwire_exec::fill::BRACKET;
use paperwire_exec::report::AccountRow;

use super::lasting;
use super::ranking::{Ranking, Verdict, roi};
use super::table::Table;
use crate::tally::Tally;

/// Strategies in the status; the best ones.
const STATUS_ROWS_MAX: usize = 8;
/// Open positions in the final report; logs and JSON have all.
const POSITION_ROWS_MAX: usize = 16;

/// Money for people: four decimals, and no minus before a zero.
fn amount(of: Money) -> String {
    let text = format!("{of:.4}");
    if text == "-0.0000" { "0.0000".to_owned() } else { text }
}

fn percent(fraction: Money) -> String {
    let text = format!("{:.3}", fraction.to_num::<f64>() * 100.0);
    if text == "-0.000" { "0.000".to_owned() } else { text }
}

fn dash<T>(of: Option<T>, show: impl FnOnce(T) -> String) -> String {
    of.map_or_else(|| "-".to_owned(), show)
}

fn state(row: &AccountRow) -> String {
    match row.state {
        AccountState::Halted(why) => format!("halted: {}", why.as_str()),
        state => state.as_str().to_owned(),
    }
}

fn win_rate(row: &AccountRow) -> String {
    dash(row.performance.win_rate(), |rate| format!("{:.1}", rate * 100.0))
}

fn ratio(of: Option<f64>) -> String {
    dash(of, |ratio| format!("{ratio:.2}"))
}

fn cells<const N: usize>(of: [&dyn Display; N]) -> Vec<String> {
    of.iter().map(|cell| cell.to_string()).collect()
}

pub(super) fn money(tally: &Tally, ranking: &Ranking) -> Table {
    let mut table = Table::new(&[
        "strategy", "rank", "equity", "ROI %", "P&L", "realised", "open P&L", "fees", "interest",
        "max DD %", "state",
    ]);
    for index in ranking.order() {
        let row = &tally.accounts[index];
        table.row(cells([
            &tally.strategies[index].instance,
            &ranking.shown(index),
            &amount(row.equity),
            &percent(roi(row)),
            &amount(row.profit()),
            &amount(row.realized),
            &amount(row.unrealized),
            &amount(row.fees),
            &amount(row.interest),
            &percent(row.performance.drawdown_max()),
            &state(row),
        ]));
    }
    table
}

pub(super) fn trading(tally: &Tally, ranking: &Ranking) -> Table {
    let mut table = Table::new(&[
        "strategy",
        "signals",
        "rejects",
        "orders",
        "maker",
        "taker",
        "closed",
        "win %",
        "profit factor",
        "Sharpe",
        "Sortino",
        "margin calls",
    ]);
    for index in ranking.order() {
        let row = &tally.accounts[index];
        let of = &row.performance;
        table.row(cells([
            &tally.strategies[index].instance,
            &row.signals,
            &row.rejects,
            &row.orders,
            &row.maker_fills,
            &(row.fills - row.maker_fills),
            &of.closed_trades(),
            &win_rate(row),
            &ratio(of.profit_factor()),
            &ratio(lasting(of, of.sharpe())),
            &ratio(lasting(of, of.sortino())),
            &row.margin_calls,
        ]));
    }
    table
}

/// Profit under each fill model as a band, and what of the ranks survives it; nothing without a bracket.
pub(super) fn bracket(tally: &Tally, ranking: &Ranking, fill_model: &str) -> Option<Table> {
    let lived = format!("in {fill_model}");
    let header: Vec<&str> = ["P&L by fill model", &lived]
        .into_iter()
        .chain(BRACKET)
        .chain(["band", "rank", "verdict"])
        .collect();
    let mut table = Table::new(&header);
    for index in ranking.order() {
        let rows: Option<Vec<_>> = tally.brackets[index].iter().copied().collect();
        let profits: Vec<Money> = rows?.iter().map(|row| row.profit).collect();
        let (low, high) = (profits.iter().min()?, profits.iter().max()?);
        let mut cells =
            vec![tally.strategies[index].instance.clone(), amount(tally.accounts[index].profit())];
        cells.extend(profits.iter().map(|profit| amount(*profit)));
        cells.push(format!("{} to {}", amount(*low), amount(*high)));
        cells.push(ranking.shown(index));
        cells.push(match ranking.verdict(index) {
            Verdict::Open => "-".to_owned(),
            Verdict::Robust => "robust".to_owned(),
            Verdict::Shared => "shared".to_owned(),
            Verdict::Between(best, worst) => format!("{best} to {worst} by model"),
        });
        table.row(cells);
    }
    (!table.is_empty()).then_some(table)
}

/// What is still open, and what would close it.
pub(super) fn positions(tally: &Tally) -> (Table, usize) {
    let mut table = Table::new(&[
        "open positions",
        "symbol",
        "quantity",
        "value",
        "open P&L",
        "stop",
        "target",
        "margin call at",
    ]);
    let mut count = 0;
    for (name, rows) in tally.strategies.iter().zip(&tally.positions) {
        for (of, row) in tally.instruments.iter().zip(rows) {
            if row.position.lots == 0 {
                continue;
            }
            count += 1;
            if count > POSITION_ROWS_MAX {
                continue;
            }
            let px = |px| dash(px, |px| of.show_px(px).to_string());
            let qty = Decimal::new(row.position.lots, of.qty_precision);
            let mark = if row.is_unpriced { " (old price)" } else { "" };
            table.row(cells([
                &name.instance,
                &of.name,
                &qty,
                &format!("{}{mark}", amount(row.value)),
                &amount(row.unrealized),
                &px(row.position.stop),
                &px(row.position.target),
                &px(row.liquidation_px),
            ]));
        }
    }
    (table, count)
}

/// Service is the work of a stage alone, response the time since the bytes arrived.
pub(super) fn latency(tally: &Tally) -> Table {
    let mut table = Table::new(&[
        "latency",
        "count",
        "service p50",
        "p90",
        "p99",
        "p99.9",
        "max",
        "response p50",
        "p99",
        "p99.9",
        "max",
    ]);
    let mut line = |name: &str, pair: &Pair| {
        if pair.service.is_empty() {
            return;
        }
        let at = |of: &Histogram<u32>, q: f64| DurationNs::new(of.value_at_quantile(q)).to_string();
        let (service, response) = (&pair.service, &pair.response);
        let mut cells = vec![name.to_owned(), service.len().to_string()];
        cells.extend([0.5, 0.9, 0.99, 0.999].map(|q| at(service, q)));
        cells.push(DurationNs::new(service.max()).to_string());
        cells.extend([0.5, 0.99, 0.999].map(|q| at(response, q)));
        cells.push(DurationNs::new(response.max()).to_string());
        table.row(cells);
    };
    for (stage, pair) in tally.bank.stages() {
        line(stage.as_str(), pair);
    }
    for (name, pair) in tally.strategies.iter().zip(tally.bank.strategies()) {
        line(&name.instance, pair);
    }
    table
}

/// Every strategy with what there is to say of it now; the best ones, and how many are left out.
pub(super) fn status(tally: &Tally, ranking: &Ranking) -> (Table, usize) {
    let mut table = Table::new(&[
        "strategy",
        "equity",
        "ROI %",
        "realised",
        "open P&L",
        "fees",
        "interest",
        "maker",
        "taker",
        "rejects",
        "closed",
        "win %",
        "profit factor",
        "max DD %",
        "Sharpe",
        "Sortino",
        "margin calls",
        "state",
    ])
    .indent(12);
    let order = ranking.order();
    for &index in order.iter().take(STATUS_ROWS_MAX) {
        let row = &tally.accounts[index];
        let of = &row.performance;
        table.row(cells([
            &tally.strategies[index].instance,
            &amount(row.equity),
            &percent(roi(row)),
            &amount(row.realized),
            &amount(row.unrealized),
            &amount(row.fees),
            &amount(row.interest),
            &row.maker_fills,
            &(row.fills - row.maker_fills),
            &row.rejects,
            &of.closed_trades(),
            &win_rate(row),
            &ratio(of.profit_factor()),
            &percent(of.drawdown_max()),
            &ratio(lasting(of, of.sharpe())),
            &ratio(lasting(of, of.sortino())),
            &row.margin_calls,
            &state(row),
        ]));
    }
    (table.without_idle_columns(), order.len().saturating_sub(STATUS_ROWS_MAX))
}
