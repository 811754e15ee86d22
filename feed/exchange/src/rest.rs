//! The public REST API: `GET /0/public/...`, Kraken's envelope, names, formats and limits.
//!
//! Errors are HTTP 200 with a list of texts. Every number about the market is computed from the
//! history and the book at the moment of the request; prices are strings, at least five decimals
//! where Kraken writes five.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Path, Query, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Decimal, Px, Qty};
use paperwire_core::time::{ExchNs, Rfc3339};
use paperwire_core::trade::OrderSide;

use crate::faults::FaultKind;
use crate::hub::{self, Hub, count};
use crate::listen::PeerAddr;
use crate::market::listing::Listing;
use crate::market::past::{Bar, INTERVALS};
use crate::matching::{OrdType, Trade};
use crate::publish::text::{push, short};

mod names;

/// Rows of the OHLC answer, the forming one included.
pub const OHLC_ROWS_MAX: usize = 720;

/// Trades of one page.
pub const TRADES_PAGE_MAX: usize = 1000;

/// Parameters of a request.
type Params = HashMap<String, String>;

/// A result's JSON, or the text of an error.
type Answer = Result<String, &'static str>;

const ARGUMENTS: &str = "EGeneral:Invalid arguments";
const UNKNOWN_PAIR: &str = "EQuery:Unknown asset pair";
const TOO_MANY: &str = "EGeneral:Too many requests";

/// Answers `/0/public/{method}`.
pub(crate) async fn public(
    State(hub): State<Arc<Hub>>,
    ConnectInfo(PeerAddr(peer)): ConnectInfo<PeerAddr>,
    Path(method): Path<String>,
    Query(params): Query<Params>,
) -> Response {
    count(&hub.counters.rest_requests, 1);
    let body = match hub.public(peer.ip(), &method, &params) {
        Ok(result) => format!("{{\"error\":[],\"result\":{result}}}"),
        Err(error) => format!("{{\"error\":[\"{error}\"]}}"),
    };
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// Any other path.
pub(crate) async fn unknown() -> Response {
    let body = "{\"error\":[\"EGeneral:Unknown method\"]}";
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

impl Hub {
    fn public(&self, peer: IpAddr, method: &str, params: &Params) -> Answer {
        let mut state = self.lock();
        self.admit(&mut state, peer, method, params)?;
        let now = self.clock.now();
        answer(&state, method, params, now)
    }

    /// Takes a token of the address, for two methods of the address and pair.
    fn admit(
        &self,
        state: &mut hub::State,
        peer: IpAddr,
        method: &str,
        params: &Params,
    ) -> Result<(), &'static str> {
        if state.faults.is_on(FaultKind::RateLimit, None) {
            return Err(TOO_MANY);
        }
        let Some(limit) = self.rest_limit else {
            return Ok(());
        };
        let pair = match method {
            "Trades" | "OHLC" => params.get("pair").cloned().unwrap_or_default(),
            _ => String::new(),
        };
        let allowed = state.rest.take((peer, pair), limit, self.clock.real_s());
        allowed.then_some(()).ok_or(TOO_MANY)
    }
}

fn answer(state: &hub::State, method: &str, params: &Params, now: ExchNs) -> Answer {
    match method {
        "Time" => Ok(time(now)),
        "SystemStatus" => Ok(format!(
            "{{\"status\":\"{}\",\"timestamp\":\"{}\",\"upcoming_maintenance\":[],\"emergency\":[]}}",
            state.system_status(),
            Rfc3339 { at: now, fraction: 0 }
        )),
        "Assets" => names::assets(state.venue.market().listings(), params),
        "AssetPairs" => names::pairs(state.venue.market().listings(), params),
        "Ticker" => ticker(state, params, now),
        "OHLC" => ohlc(state, params, now),
        "Trades" => trades(state, params, now),
        "Depth" => depth(state, params, now),
        "Spread" => spread(state, params),
        _ => Err("EGeneral:Unknown method"),
    }
}

/// The one pair a request is about, and the key of its answer.
fn one_pair<'a>(
    state: &'a hub::State,
    params: &Params,
) -> Result<(SymbolId, &'a Listing, String), &'static str> {
    let asked = params.get("pair").ok_or(ARGUMENTS)?;
    let listings = state.venue.market().listings();
    let index = listings.iter().position(|l| l.answers_to(asked)).ok_or(UNKNOWN_PAIR)?;
    let symbol = SymbolId(u16::try_from(index).map_err(|_| UNKNOWN_PAIR)?);
    Ok((symbol, &listings[index], names::key(&listings[index], Some(asked), params)))
}

fn number<T: std::str::FromStr>(params: &Params, key: &str) -> Result<Option<T>, &'static str> {
    params.get(key).map(|text| text.parse().map_err(|_| ARGUMENTS)).transpose()
}

const fn unix_s(at: ExchNs) -> i64 {
    at.raw().div_euclid(1_000_000_000)
}

fn time(now: ExchNs) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = Rfc3339 { at: now, fraction: 0 }.to_string();
    let days = usize::try_from(unix_s(now).div_euclid(86_400)).unwrap_or(0);
    let month: usize = text[5..7].parse().unwrap_or(1);
    format!(
        "{{\"unixtime\":{},\"rfc1123\":\"{}, {} {} {} {} +0000\"}}",
        unix_s(now),
        DAYS[days % 7],
        &text[8..10],
        MONTHS[(month - 1) % 12],
        &text[2..4],
        &text[11..19]
    )
}

/// A price as most answers write it: five decimals, more where the pair has more.
fn wide(listing: &Listing, px: Px) -> Decimal {
    let precision = listing.instrument.price_precision;
    let padded = precision.max(5);
    Decimal::new(px.raw() * paperwire_core::num::pow10(padded - precision), padded)
}

/// The average price of a bar with at least five decimals.
fn wide_vwap(listing: &Listing, bar: &Bar) -> Decimal {
    let precision = listing.instrument.price_precision;
    let padded = precision.max(5);
    let volume = i128::from(bar.volume.raw()).max(1);
    let scaled = bar.notional * i128::from(paperwire_core::num::pow10(padded - precision)) / volume;
    Decimal::new(i64::try_from(scaled).expect("an average lies between its prices"), padded)
}

/// A quantity with three decimals, as the book answers write it.
fn brief_qty(listing: &Listing, qty: Qty) -> Decimal {
    let cut = listing.instrument.qty_precision.saturating_sub(3);
    let unit = paperwire_core::num::pow10(cut);
    Decimal::new((qty.raw() + unit / 2) / unit, listing.instrument.qty_precision - cut)
}

fn whole_qty(listing: &Listing, qty: Qty) -> i64 {
    (qty.raw() / paperwire_core::num::pow10(listing.instrument.qty_precision)).max(1)
}

fn ticker(state: &hub::State, params: &Params, now: ExchNs) -> Answer {
    let listings = state.venue.market().listings();
    let mut out = String::from("{");
    for (index, asked) in names::wanted(listings, params)? {
        let listing = &listings[index];
        let symbol = SymbolId(u16::try_from(index).map_err(|_| UNKNOWN_PAIR)?);
        let engine = state.venue.market().engine(symbol);
        let history = state.venue.market().history(symbol);
        let (bid, bid_qty) = engine.best(BookSide::Bid).unwrap_or_default();
        let (ask, ask_qty) = engine.best(BookSide::Ask).unwrap_or_default();
        let (Some(day), Some(today)) = (history.day(), history.today(now)) else {
            continue;
        };
        let last = history.last().map_or(Qty::ZERO, |trade| trade.qty);
        let show_qty = |qty| listing.instrument.show_qty(qty);
        let comma = if out.len() == 1 { "" } else { "," };
        push(
            &mut out,
            format_args!(
                "{}\"{}\":{{\"a\":[\"{}\",\"{}\",\"{}\"],\"b\":[\"{}\",\"{}\",\"{}\"],\
                 \"c\":[\"{}\",\"{}\"],\"v\":[\"{}\",\"{}\"],\"p\":[\"{}\",\"{}\"],\"t\":[{},{}],\
                 \"l\":[\"{}\",\"{}\"],\"h\":[\"{}\",\"{}\"],\"o\":\"{}\"}}",
                comma,
                names::key(listing, asked.as_deref(), params),
                wide(listing, ask),
                whole_qty(listing, ask_qty),
                brief_qty(listing, ask_qty),
                wide(listing, bid),
                whole_qty(listing, bid_qty),
                brief_qty(listing, bid_qty),
                wide(listing, day.close),
                show_qty(last),
                show_qty(today.volume),
                show_qty(day.volume),
                wide_vwap(listing, &today),
                wide_vwap(listing, &day),
                today.trades,
                day.trades,
                wide(listing, today.low),
                wide(listing, day.low),
                wide(listing, today.high),
                wide(listing, day.high),
                wide(listing, today.open),
            ),
        );
    }
    out.push('}');
    Ok(out)
}

fn ohlc(state: &hub::State, params: &Params, now: ExchNs) -> Answer {
    let (symbol, listing, key) = one_pair(state, params)?;
    let minutes = number(params, "interval")?.unwrap_or(1);
    if !INTERVALS.contains(&minutes) {
        return Err(ARGUMENTS);
    }
    let since: i64 = number(params, "since")?.unwrap_or(i64::MIN);
    let rules = &listing.instrument;
    let bars = state.venue.market().history(symbol).bars(minutes, OHLC_ROWS_MAX, now);
    let mut out = format!("{{\"{key}\":[");
    let mut first = true;
    for bar in bars.iter().filter(|bar| unix_s(bar.begin) > since) {
        push(
            &mut out,
            format_args!(
                "{}[{},\"{}\",\"{}\",\"{}\",\"{}\",\"{}\",\"{}\",{}]",
                if first { "" } else { "," },
                unix_s(bar.begin),
                rules.show_px(bar.open),
                rules.show_px(bar.high),
                rules.show_px(bar.low),
                rules.show_px(bar.close),
                rules.show_px(bar.vwap()),
                rules.show_qty(bar.volume),
                bar.trades
            ),
        );
        first = false;
    }
    // The last committed row; its successor is still forming.
    let last = bars.iter().rev().nth(1).or(bars.last()).map_or(0, |bar| unix_s(bar.begin));
    push(&mut out, format_args!("],\"last\":{last}}}"));
    Ok(out)
}

fn trades(state: &hub::State, params: &Params, now: ExchNs) -> Answer {
    let (symbol, listing, key) = one_pair(state, params)?;
    let count = number(params, "count")?.unwrap_or(TRADES_PAGE_MAX);
    if !(1..=TRADES_PAGE_MAX).contains(&count) {
        return Err(ARGUMENTS);
    }
    let history = state.venue.market().history(symbol);
    let page: Vec<&Trade> = match params.get("since") {
        None => {
            let skip = history.trades().len().saturating_sub(count);
            history.trades().skip(skip).collect()
        }
        Some(text) => history.trades_after(since_ns(text)?).take(count).collect(),
    };
    let mut out = format!("{{\"{key}\":[");
    for (index, trade) in page.iter().enumerate() {
        push(
            &mut out,
            format_args!(
                "{}[\"{}\",\"{}\",{},\"{}\",\"{}\",\"\",{}]",
                if index == 0 { "" } else { "," },
                wide(listing, trade.px),
                listing.instrument.show_qty(trade.qty),
                // Seven digits, as a double shows them: the cursor below is the exact one.
                short(trade.at.raw() / 100, 7),
                if trade.taker == OrderSide::Buy { "b" } else { "s" },
                if trade.ord_type == OrdType::Limit { "l" } else { "m" },
                trade.trade_id
            ),
        );
    }
    // A page may end between trades of one instant; the next page then begins with that instant
    // again, as Kraken's pages do, so that none is lost.
    let full = page.len() == count && params.contains_key("since");
    let last = match page.last() {
        Some(last) if full && cuts_instant(state, symbol, last) => last.at.raw() - 1,
        Some(last) => last.at.raw(),
        None => params.get("since").map_or(Ok(now), |text| since_ns(text))?.raw(),
    };
    push(&mut out, format_args!("],\"last\":\"{last}\"}}"));
    Ok(out)
}

/// True when more trades of the same instant follow, and the instant does not fill a whole page.
fn cuts_instant(state: &hub::State, symbol: SymbolId, last: &Trade) -> bool {
    let history = state.venue.market().history(symbol);
    let instant = history.trades_after(ExchNs::new(last.at.raw() - 1));
    let (mut same, mut follows) = (0, false);
    for trade in instant.take_while(|trade| trade.at == last.at) {
        same += 1;
        follows |= trade.trade_id > last.trade_id;
    }
    follows && same < TRADES_PAGE_MAX
}

/// A cursor: nanoseconds as given by `last`, or seconds.
fn since_ns(text: &str) -> Result<ExchNs, &'static str> {
    let raw = paperwire_core::num::parse_decimal(text, 0);
    let raw =
        raw.or_else(|_| paperwire_core::num::parse_decimal(text, 9)).map_err(|_| ARGUMENTS)?;
    // Seconds stay below 10^11 for three thousand years, and a fraction is only written for them.
    let is_seconds = raw.abs() < 100_000_000_000;
    Ok(ExchNs::new(if is_seconds { raw * 1_000_000_000 } else { raw }))
}

fn depth(state: &hub::State, params: &Params, now: ExchNs) -> Answer {
    let (symbol, listing, key) = one_pair(state, params)?;
    let count: usize = number(params, "count")?.unwrap_or(100);
    if !(1..=500).contains(&count) {
        return Err(ARGUMENTS);
    }
    let engine = state.venue.market().engine(symbol);
    let mut out = format!("{{\"{key}\":{{");
    for (side, name) in [(BookSide::Ask, "\"asks\":["), (BookSide::Bid, ",\"bids\":[")] {
        out.push_str(name);
        for (index, (px, qty)) in engine.levels(side).take(count).enumerate() {
            push(
                &mut out,
                format_args!(
                    "{}[\"{}\",\"{}\",{}]",
                    if index == 0 { "" } else { "," },
                    wide(listing, px),
                    brief_qty(listing, qty),
                    unix_s(now)
                ),
            );
        }
        out.push(']');
    }
    out.push_str("}}");
    Ok(out)
}

fn spread(state: &hub::State, params: &Params) -> Answer {
    let (symbol, listing, key) = one_pair(state, params)?;
    let mut out = format!("{{\"{key}\":[");
    let mut last = 0;
    for (index, row) in state.venue.spreads(symbol).enumerate() {
        last = unix_s(row.at);
        push(
            &mut out,
            format_args!(
                "{}[{last},\"{}\",\"{}\"]",
                if index == 0 { "" } else { "," },
                wide(listing, row.bid),
                wide(listing, row.ask)
            ),
        );
    }
    push(&mut out, format_args!("],\"last\":{last}}}"));
    Ok(out)
}

#[cfg(test)]
mod tests;
