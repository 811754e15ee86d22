//! Rows of history as lines for people and as JSON for machines. Decimals are exact, times are UTC.

use paperwire_core::num::Decimal;
use paperwire_core::time::{ExchNs, Rfc3339};
use paperwire_history::import::Report;
use paperwire_history::model::{Candle, Extent, Gap, Print, Scale, Span};
use paperwire_history::provider::SymbolStats;
use serde_json::{Value, json};

pub(crate) fn at(instant: ExchNs, fraction: u8) -> String {
    Rfc3339 { at: instant, fraction }.to_string()
}

pub(crate) fn candle_json(of: &Candle, scale: Scale) -> Value {
    let px = |px: paperwire_core::num::Px| Decimal::new(px.raw(), scale.price).to_string();
    json!({
        "open_at": at(of.open_at, 0),
        "unix_s": of.open_at.raw() / 1_000_000_000,
        "open": px(of.open),
        "high": px(of.high),
        "low": px(of.low),
        "close": px(of.close),
        "volume": Decimal::new(of.volume.raw(), scale.qty).to_string(),
        "vwap": of.vwap.map(px),
        "trades": of.trades,
        "source": of.source.as_str(),
        "incomplete": of.flags.is_incomplete,
        "synthetic": of.flags.is_carried,
    })
}

pub(crate) const CANDLE_HEAD: &str = "open (UTC)                   open         high          low        close             volume  trades  source";

pub(crate) fn candle_line(of: &Candle, scale: Scale) -> String {
    let px = |px: paperwire_core::num::Px| Decimal::new(px.raw(), scale.price).to_string();
    let mut mark = String::new();
    if of.flags.is_incomplete {
        mark.push_str("  incomplete");
    }
    if of.flags.is_carried {
        mark.push_str("  empty");
    }
    format!(
        "{} {:>12} {:>12} {:>12} {:>12} {:>18} {:>7}  {}{mark}",
        at(of.open_at, 0),
        px(of.open),
        px(of.high),
        px(of.low),
        px(of.close),
        Decimal::new(of.volume.raw(), scale.qty).to_string(),
        of.trades,
        of.source.as_str()
    )
}

pub(crate) fn print_json(of: &Print, scale: Scale) -> Value {
    json!({
        "at": at(of.at, 9),
        "at_ns": of.at.raw(),
        "price": Decimal::new(of.px.raw(), scale.price).to_string(),
        "qty": Decimal::new(of.qty.raw(), scale.qty).to_string(),
        "side": of.taker.map(paperwire_core::trade::OrderSide::as_str),
        "market": of.is_market,
        "trade_id": (of.trade_id >= 0).then_some(of.trade_id),
        "source": of.source.as_str(),
    })
}

pub(crate) fn print_line(of: &Print, scale: Scale) -> String {
    format!(
        "{} {:>14} {:>18} {:>4} {}",
        at(of.at, 6),
        Decimal::new(of.px.raw(), scale.price).to_string(),
        Decimal::new(of.qty.raw(), scale.qty).to_string(),
        of.taker.map_or("-", paperwire_core::trade::OrderSide::as_str),
        if of.trade_id >= 0 { of.trade_id.to_string() } else { "-".to_owned() }
    )
}

pub(crate) fn span_json(span: Span) -> Value {
    json!({
        "from": at(span.from, 0),
        "to": at(span.to, 0),
        "minutes": (span.to.raw() - span.from.raw()) / 60_000_000_000,
    })
}

pub(crate) fn gap_json(of: &Gap) -> Value {
    json!({
        "symbol": of.symbol,
        "span": span_json(of.span),
        "reason": of.reason,
        "filled": of.is_filled,
        "attempts": of.attempts,
        "error": of.error,
    })
}

pub(crate) fn gap_line(of: &Gap) -> String {
    let state = if of.is_filled { "filled" } else { "open" };
    let error = of.error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
    format!(
        "{} {} to {}  {} ({state}, {} attempts){error}",
        of.symbol,
        at(of.span.from, 0),
        at(of.span.to, 0),
        of.reason,
        of.attempts
    )
}

fn extent_json(of: &Extent) -> Value {
    json!({"oldest": at(of.oldest, 0), "newest": at(of.newest, 0), "rows": of.rows})
}

pub(crate) fn stats_json(of: &SymbolStats) -> Value {
    let candles: serde_json::Map<String, Value> = of
        .candles
        .iter()
        .map(|(timeframe, extent)| (timeframe.as_str().to_owned(), extent_json(extent)))
        .collect();
    json!({
        "symbol": of.symbol,
        "price_decimals": of.scale.price,
        "qty_decimals": of.scale.qty,
        "candles": candles,
        "trades": of.prints.as_ref().map(extent_json),
        "open_gaps": of.open_gaps,
    })
}

pub(crate) fn stats_lines(of: &SymbolStats) -> Vec<String> {
    let line = |what: &str, extent: &Extent| {
        let (oldest, newest) = (at(extent.oldest, 0), at(extent.newest, 0));
        format!("{:<20} {what:<8} {:>12}  {oldest} to {newest}", of.symbol, extent.rows)
    };
    let bars = of.candles.iter().map(|(timeframe, extent)| line(timeframe.as_str(), extent));
    let mut lines: Vec<String> = bars.collect();
    lines.extend(of.prints.as_ref().map(|extent| line("trades", extent)));
    if of.open_gaps > 0 {
        let gaps = of.open_gaps;
        lines.push(format!("{:<20} {gaps} open gaps; `paperwire history fill-gaps`", of.symbol));
    }
    lines
}

pub(crate) fn report_json(of: &Report) -> Value {
    let bad = of.bad.iter().map(|bad| json!({"line": bad.number, "why": bad.why}));
    json!({
        "file": of.file,
        "symbol": of.symbol,
        "timeframe": of.timeframe.map(paperwire_core::bar::Timeframe::as_str),
        "rows": of.rows,
        "bad_lines": of.bad_lines,
        "bad": bad.collect::<Vec<_>>(),
        "span": of.span.map(span_json),
        "price_decimals": of.scale.price,
        "qty_decimals": of.scale.qty,
        "new_candles": of.written.candles,
        "new_trades": of.written.prints,
        "was_done": of.was_done,
    })
}

pub(crate) fn report_lines(of: &Report) -> Vec<String> {
    let what = of.timeframe.map_or("trades", paperwire_core::bar::Timeframe::as_str);
    let mut lines = vec![if of.was_done {
        format!(
            "{}: {} {what}: imported before, nothing to do (--again repeats it)",
            of.file, of.symbol
        )
    } else {
        format!(
            "{}: {} {what}: {} rows, {} bars and {} trades are new",
            of.file, of.symbol, of.rows, of.written.candles, of.written.prints
        )
    }];
    lines.extend(of.bad.iter().take(20).map(|bad| format!("  line {}: {}", bad.number, bad.why)));
    if of.bad_lines > 20 {
        lines.push(format!("  {} bad lines in all; --json lists the first thousand", of.bad_lines));
    }
    lines
}
