//! From what the bridge has to what the page shows. Pure: values in, values out.

use std::collections::BTreeMap;

use paperwire_core::account::{AccountState, Fill};
use paperwire_core::bar::{Bar, OpenBar, Timeframe};
use paperwire_core::board::Indicator;
use paperwire_core::book::Level;
use paperwire_core::event::Seq;
use paperwire_core::glance::{Glance, SymbolGlance};
use paperwire_core::instrument::Instrument;
use paperwire_core::market::BookStatus;
use paperwire_core::num::{Money, Px};
use paperwire_core::regime::{RegimeState, SymbolRegime};
use paperwire_core::time::{ExchNs, Rfc3339};
use paperwire_core::trade::{OrderSide, TapeEntry};
use paperwire_dashboard::view;
use paperwire_dashboard::view::market::{Candle, LevelRow, Market, Print, Regime, RegimeRow};
use paperwire_exec::report::{AccountRow, MarketRow, PositionRow};
use paperwire_replay::record::money;
use paperwire_replay::trading::restriction;
use paperwire_rt::clock::utc_now;

/// Rows of a book that the venue's checksum covers.
const VERIFIED_ROWS: usize = 10;

pub(super) fn instant(at: ExchNs) -> String {
    Rfc3339 { at, fraction: 6 }.to_string()
}

pub(super) const fn millis(at: ExchNs) -> i64 {
    at.raw().div_euclid(1_000_000)
}

/// Seconds since 1970.
pub(super) fn now_s() -> i64 {
    millis(utc_now()) / 1_000
}

fn state(of: AccountState) -> String {
    match of {
        AccountState::Halted(why) => format!("halted: {}", why.as_str().replace('_', " ")),
        state => state.as_str().to_owned(),
    }
}

fn percent(of: Money) -> f64 {
    of.to_num::<f64>() * 100.0
}

/// The account's part of a row of the leaderboard.
pub(super) fn account(row: &AccountRow) -> view::Strategy {
    let of = &row.performance;
    view::Strategy {
        state: state(row.state),
        is_halted: matches!(row.state, AccountState::Halted(_)),
        equity: money(row.equity),
        baseline: money(row.baseline),
        cash: money(row.cash),
        pnl: money(row.profit()),
        roi_pct: percent(paperwire_replay::report::roi(row)),
        realized: money(row.realized),
        unrealized: money(row.unrealized),
        fees: money(row.fees),
        exposure: money(row.exposure()),
        closed_trades: of.closed_trades(),
        wins: of.wins(),
        losses: of.losses(),
        win_rate: of.win_rate().map(|rate| rate * 100.0),
        profit_factor: of.profit_factor(),
        sharpe: paperwire_replay::report::lasting(of, of.sharpe()),
        sortino: paperwire_replay::report::lasting(of, of.sortino()),
        drawdown_pct: percent(of.drawdown_now()),
        max_drawdown_pct: percent(of.drawdown_max()),
        signals: row.signals,
        rejects: row.rejects,
        orders: row.orders,
        fills: row.fills,
        margin_calls: row.margin_calls,
        open_positions: row.open_positions.into(),
        open_orders: row.open_orders.into(),
        ..view::Strategy::default()
    }
}

/// All accounts together.
pub(super) fn aggregate(rows: &[AccountRow]) -> view::Aggregate {
    let sum = |of: fn(&AccountRow) -> Money| rows.iter().map(of).sum::<Money>();
    let count = |of: fn(&AccountRow) -> u64| rows.iter().map(of).sum::<u64>();
    let (equity, baseline) = (sum(|row| row.equity), sum(|row| row.baseline));
    let (closed, wins) =
        (count(|row| row.performance.closed_trades()), count(|row| row.performance.wins()));
    #[expect(clippy::cast_precision_loss, reason = "counts of a session")]
    let win_rate = (closed > 0).then(|| wins as f64 * 100.0 / closed as f64);
    view::Aggregate {
        equity: money(equity),
        baseline: money(baseline),
        pnl: money(equity - baseline),
        roi_pct: percent((equity - baseline).checked_div(baseline).unwrap_or_default()),
        fees: money(sum(|row| row.fees)),
        strategies: rows.len(),
        active: rows.iter().filter(|row| row.state == AccountState::Active).count(),
        closed_trades: closed,
        win_rate,
        signals: count(|row| row.signals),
        fills: count(|row| row.fills),
        open_positions: count(|row| row.open_positions.into()),
    }
}

/// What is held; none when flat.
pub(super) fn position(
    strategy: &str,
    of: &Instrument,
    row: &PositionRow,
) -> Option<view::Position> {
    let held = &row.position;
    let side = held.side()?;
    let px = |px: Option<Px>| px.map(|px| of.show_px(px).to_string());
    let qty = of.qty_f64(held.qty());
    let entry = held.cost.to_num::<f64>().abs() / qty;
    Some(view::Position {
        strategy: strategy.to_owned(),
        symbol: of.name.to_string(),
        side: side.as_str().to_owned(),
        qty: of.show_qty(held.qty()).to_string(),
        entry_px: entry.is_finite().then_some(entry),
        value: money(row.value),
        unrealized: money(row.unrealized),
        entered: instant(held.entered_at?),
        stop: px(held.stop),
        target: px(held.target),
        trail: held.trail.map(|trail| of.show_px(trail.distance).to_string()),
        break_even: px(held.break_even),
        liquidation_px: px(row.liquidation_px),
        hold_until: held.hold_until.map(instant),
        is_unpriced: row.is_unpriced,
    })
}

/// What a fill did to the position: opened or added to a long, sold it, opened a short, covered it.
fn action(fill: &Fill) -> &'static str {
    let before = match fill.side {
        OrderSide::Buy => fill.lots_after - fill.qty.raw(),
        OrderSide::Sell => fill.lots_after + fill.qty.raw(),
    };
    match (fill.side, before) {
        (OrderSide::Buy, ..0) => "cover",
        (OrderSide::Buy, _) => "buy",
        (OrderSide::Sell, 1..) => "sell",
        (OrderSide::Sell, _) => "short",
    }
}

/// One execution.
pub(super) fn fill(seq: Seq, fill: &Fill, strategy: &str, of: &Instrument) -> view::Fill {
    let evidence = &fill.evidence;
    let values = fill.reason.values().iter();
    view::Fill {
        seq: seq.0,
        fill: fill.id.0,
        at: instant(fill.at),
        at_ns: fill.at.raw(),
        strategy: strategy.to_owned(),
        symbol: of.name.to_string(),
        action: action(fill).to_owned(),
        side: fill.side.as_str().to_owned(),
        qty: of.show_qty(fill.qty).to_string(),
        px: of.show_px(fill.px).to_string(),
        value_quote: money(fill.value),
        fee: money(fill.fee),
        pnl: fill.trade_net.map(money),
        liquidity: fill.liquidity.as_str().to_owned(),
        trigger: fill.trigger.as_str().to_owned(),
        reason: fill.reason.code().to_owned(),
        values: values
            .map(|(name, value)| ((*name).to_owned(), value.is_finite().then_some(*value)))
            .collect(),
        evidence: view::Evidence {
            bid: of.show_px(evidence.bid).to_string(),
            ask: of.show_px(evidence.ask).to_string(),
            levels: fill.levels,
            unverified_depth: fill.is_unverified_depth,
            book_age_ns: evidence.book_age.raw(),
            latency_ns: evidence.latency.raw(),
        },
        position_after: paperwire_core::num::Decimal::new(fill.lots_after, of.qty_precision)
            .to_string(),
    }
}

/// The word for a book's state.
pub(super) const fn status(of: BookStatus) -> &'static str {
    match of {
        BookStatus::Empty => "empty",
        BookStatus::Live => "live",
        BookStatus::Stale => "stale",
        BookStatus::Resync => "resync",
    }
}

/// One symbol.
pub(super) fn market(of: &Instrument, row: &MarketRow, seen: &SymbolGlance, at: ExchNs) -> Market {
    let px = |px: Option<Px>| px.map(|px| of.show_px(px).to_string());
    let touch = seen.bids.first().zip(seen.asks.first());
    #[expect(clippy::cast_precision_loss, reason = "a spread for people")]
    let spread_bps = touch.map(|(bid, ask)| {
        let (bid, ask) = (bid.px.raw() as f64, ask.px.raw() as f64);
        (ask - bid) * 20_000.0 / (ask + bid)
    });
    let rows = |levels: &[Level]| -> Vec<LevelRow> {
        let one = |(index, level): (usize, &Level)| LevelRow {
            px: of.show_px(level.px).to_string(),
            qty: of.show_qty(level.qty).to_string(),
            verified: index < VERIFIED_ROWS,
        };
        levels.iter().enumerate().map(one).collect()
    };
    let print = |entry: &TapeEntry| Print {
        at: instant(entry.at),
        at_ns: entry.at.raw(),
        px: of.show_px(entry.px).to_string(),
        qty: of.show_qty(entry.qty).to_string(),
        side: entry.taker.as_str().to_owned(),
        prints: entry.prints,
    };
    Market {
        symbol: of.name.to_string(),
        status: match (seen.status, restriction(seen.trading)) {
            (BookStatus::Live, Some(restricted)) => restricted,
            (of, _) => status(of),
        }
        .to_owned(),
        trading: seen.trading.as_str().to_owned(),
        bid: px(touch.map(|(bid, _)| bid.px).or(row.bid)),
        ask: px(touch.map(|(_, ask)| ask.px).or(row.ask)),
        last: px(row.last),
        spread_bps,
        book_age_ms: seen.book_at.map(|book_at| (at.raw() - book_at.raw()) / 1_000_000),
        updates: row.updates,
        trades: row.trades,
        gaps: row.gaps,
        regime: seen.regime.map(|regime| regime.state.label.as_str().to_owned()),
        bids: rows(&seen.bids),
        asks: rows(&seen.asks),
        prints: seen.trades.iter().map(print).collect(),
        indicators: indicators(seen),
    }
}

fn indicators(seen: &SymbolGlance) -> BTreeMap<String, BTreeMap<String, f64>> {
    let boards = Timeframe::ALL.iter().zip(&seen.boards).filter(|(_, board)| board.bars() > 0);
    let values = |board: &paperwire_core::board::Board| -> BTreeMap<String, f64> {
        let known = Indicator::ALL.iter().filter_map(|of| Some((of, board.get(*of).ok()?)));
        known.map(|(of, value)| (of.as_str().to_owned(), value)).collect()
    };
    boards.map(|(timeframe, board)| (timeframe.as_str().to_owned(), values(board))).collect()
}

/// One candle; the last one of a list may be forming.
pub(super) fn candle(of: &Instrument, bar: &Bar, is_forming: bool) -> Candle {
    Candle {
        at_ms: millis(bar.open_at),
        open: of.px_f64(bar.open),
        high: of.px_f64(bar.high),
        low: of.px_f64(bar.low),
        close: of.px_f64(bar.close),
        volume: of.qty_f64(bar.volume),
        trades: bar.trades.into(),
        incomplete: is_forming || bar.flags.is_incomplete || bar.flags.is_carried,
    }
}

fn regime_row(symbol: &str, state: &RegimeState, more: Option<&SymbolRegime>) -> RegimeRow {
    let scores = more.map(|of| {
        let of = &of.scores;
        let known = [
            ("adx", Some(of.adx)),
            ("averages", Some(of.ma)),
            ("rsi", Some(of.rsi)),
            ("sentiment", of.sentiment),
            ("directional", Some(of.directional)),
            ("trendiness", Some(of.trendiness)),
            ("volume_gain", Some(of.volume_gain)),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        known.collect()
    });
    let confluence = more.and_then(|of| of.confluence);
    RegimeRow {
        symbol: symbol.to_owned(),
        label: state.label.as_str().to_owned(),
        raw: state.raw.as_str().to_owned(),
        composite: state.composite,
        confidence: state.confidence,
        volatility: state.volatility.as_str().to_owned(),
        since: instant(state.since),
        changes_1h: state.changes_1h,
        scores: scores.unwrap_or_default(),
        adx: more.map(|of| of.adx),
        atr_pct: more.map(|of| of.atr_pct),
        confluence: confluence.map(|of| of.dominant.as_str().to_owned()),
        alignment: confluence.map(|of| of.alignment),
    }
}

/// What the market is like.
pub(super) fn regime(instruments: &[Instrument], glance: &Glance) -> Regime {
    let sentiment = glance.sentiment;
    let rows = instruments.iter().zip(&glance.symbols).filter_map(|(of, seen)| {
        let regime = seen.regime.as_ref()?;
        Some(regime_row(of.name.as_str(), &regime.state, Some(regime)))
    });
    Regime {
        overall: glance.regime.map(|of| regime_row("all", &of.state, None)),
        symbols: rows.collect(),
        fear_greed: sentiment.and_then(|of| of.fear_greed),
        btc_dominance: sentiment.and_then(|of| of.btc_dominance),
        sentiment_at: sentiment.map(|of| instant(of.taken_at)),
    }
}

/// Minutes, oldest first, as longer bars; the last one as far as it is.
pub(super) fn joined(timeframe: Timeframe, minutes: &[Bar]) -> Vec<Bar> {
    let same = |a: &Bar, b: &Bar| timeframe.floor(a.open_at) == timeframe.floor(b.open_at);
    let join = |parts: &[Bar]| {
        let (first, rest) = parts.split_first().expect("a chunk is not empty");
        let mut open = OpenBar::from_bar(timeframe.floor(first.open_at), first);
        rest.iter().for_each(|part| open.merge(part));
        open.bar()
    };
    minutes.chunk_by(same).map(join).collect()
}
