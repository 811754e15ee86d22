//! Requests and acknowledgements of the WebSocket, as text.
//!
//! Key order is the server's: `error` or `method` first, `req_id` when one was given, the result's
//! keys in alphabetical order, then `success`, `symbol` of an error, and the two times.

use serde_json::{Map, Value};

use paperwire_core::time::ExchNs;

use crate::market::past::INTERVALS;
use crate::publish::text::{micros, push};
use crate::publish::{DEPTHS, Trigger};

/// A request that could be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Request {
    Ping { req_id: Option<i64> },
    Subscribe(Subscription),
    Unsubscribe(Subscription),
}

/// What is to be subscribed or unsubscribed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) req_id: Option<i64>,
    pub(super) channel: Channel,
    /// Empty for channels without one.
    pub(super) symbols: Vec<String>,
    pub(super) snapshot: bool,
}

/// A channel with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Channel {
    /// No depth (in an unsubscribe) means any.
    Book(Option<u16>),
    Trade,
    Ticker(Trigger),
    Ohlc(u32),
    Instrument,
}

/// A request that is refused as a whole.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) error: &'static str,
    pub(super) method: Option<&'static str>,
    pub(super) req_id: Option<i64>,
}

const SUBSCRIBE: &str = "subscribe";
const UNSUBSCRIBE: &str = "unsubscribe";
const PRIVATE: &str =
    "Private data and trading are unavailable on this endpoint. Try ws-auth.kraken.com";
const MALFORMED: &str = "Malformed request";

/// Reads a request.
pub(super) fn parse(text: &str) -> Result<Request, Refusal> {
    let refuse = |error, method, req_id| Refusal { error, method, req_id };
    let Ok(Value::Object(body)) = serde_json::from_str::<Value>(text) else {
        return Err(refuse(MALFORMED, None, None));
    };
    let req_id = body.get("req_id").and_then(Value::as_i64);
    let subscribes = match body.get("method").and_then(Value::as_str) {
        Some("ping") => return Ok(Request::Ping { req_id }),
        Some(SUBSCRIBE) => true,
        Some(UNSUBSCRIBE) => false,
        Some(
            "add_order"
            | "amend_order"
            | "edit_order"
            | "cancel_order"
            | "cancel_all"
            | "cancel_all_orders_after"
            | "batch_add"
            | "batch_cancel",
        ) => {
            return Err(refuse(PRIVATE, None, req_id));
        }
        _ => return Err(refuse(MALFORMED, None, req_id)),
    };
    let method = if subscribes { SUBSCRIBE } else { UNSUBSCRIBE };
    let Some(Value::Object(params)) = body.get("params") else {
        return Err(refuse("Subscription field must be an object", Some(method), req_id));
    };
    let subscription = subscription(params, subscribes, req_id)
        .map_err(|error| refuse(error, Some(method), req_id))?;
    Ok(if subscribes {
        Request::Subscribe(subscription)
    } else {
        Request::Unsubscribe(subscription)
    })
}

fn subscription(
    params: &Map<String, Value>,
    subscribes: bool,
    req_id: Option<i64>,
) -> Result<Subscription, &'static str> {
    let channel = match params.get("channel").and_then(Value::as_str) {
        Some("book") => Channel::Book(depth(params.get("depth"), subscribes)?),
        Some("trade") => Channel::Trade,
        Some("ticker") => Channel::Ticker(match params.get("event_trigger") {
            None => Trigger::Trades,
            Some(word) => match word.as_str() {
                Some("trades") => Trigger::Trades,
                Some("bbo") => Trigger::Bbo,
                _ => return Err("Subscription event trigger not supported"),
            },
        }),
        Some("ohlc") => Channel::Ohlc(interval(params.get("interval"))?),
        Some("instrument") => Channel::Instrument,
        Some("executions" | "balances" | "level3") => return Err(PRIVATE),
        _ => return Err("Subscription name invalid"),
    };
    let snapshot = params.get("snapshot").and_then(Value::as_bool);
    let mut symbols = Vec::new();
    if channel != Channel::Instrument {
        let Some(Value::Array(list)) = params.get("symbol") else {
            return Err(MALFORMED);
        };
        for symbol in list {
            symbols.push(symbol.as_str().ok_or(MALFORMED)?.to_owned());
        }
        if symbols.is_empty() {
            return Err(MALFORMED);
        }
    }
    let snapshot = snapshot.unwrap_or(channel != Channel::Trade);
    Ok(Subscription { req_id, channel, symbols, snapshot })
}

fn depth(value: Option<&Value>, subscribes: bool) -> Result<Option<u16>, &'static str> {
    let Some(value) = value else {
        return Ok(subscribes.then_some(DEPTHS[0]));
    };
    let depth = value.as_u64().ok_or("Subscription book depth must be an integer")?;
    let listed = u16::try_from(depth).ok().filter(|depth| DEPTHS.contains(depth));
    listed.map(Some).ok_or("Subscription depth not supported")
}

fn interval(value: Option<&Value>) -> Result<u32, &'static str> {
    let Some(value) = value else {
        return Ok(INTERVALS[0]);
    };
    let minutes = value.as_u64().ok_or("Subscription ohlc interval must be an integer")?;
    let listed = u32::try_from(minutes).ok().filter(|minutes| INTERVALS.contains(minutes));
    listed.ok_or("Subscription ohlc interval not supported")
}

/// The two times of an acknowledgement.
pub(super) type Times = (ExchNs, ExchNs);

/// An acknowledgement of a subscribe or unsubscribe for one symbol (or for none).
pub(super) fn ack(
    subscribes: bool,
    subscription: &Subscription,
    channel: Channel,
    symbol: Option<&str>,
    times: Times,
) -> String {
    let mut out = String::with_capacity(256);
    let method = if subscribes { SUBSCRIBE } else { UNSUBSCRIBE };
    push(&mut out, format_args!("{{\"method\":\"{method}\""));
    push_req_id(&mut out, subscription.req_id);
    let (name, warning) = match channel {
        Channel::Book(_) => ("book", None),
        Channel::Trade => ("trade", None),
        Channel::Ticker(_) => ("ticker", None),
        Channel::Ohlc(_) => ("ohlc", Some("timestamp is deprecated, use interval_begin")),
        Channel::Instrument => ("instrument", Some("tick_size is deprecated, use price_increment")),
    };
    push(&mut out, format_args!(",\"result\":{{\"channel\":\"{name}\""));
    match channel {
        Channel::Book(Some(depth)) => push(&mut out, format_args!(",\"depth\":{depth}")),
        Channel::Ticker(trigger) => {
            push(&mut out, format_args!(",\"event_trigger\":\"{}\"", trigger.as_wire()));
        }
        Channel::Ohlc(minutes) => push(&mut out, format_args!(",\"interval\":{minutes}")),
        Channel::Book(None) | Channel::Trade | Channel::Instrument => {}
    }
    if subscribes {
        push(&mut out, format_args!(",\"snapshot\":{}", subscription.snapshot));
    }
    if let Some(symbol) = symbol {
        push(&mut out, format_args!(",\"symbol\":\"{symbol}\""));
    }
    if let Some(warning) = warning.filter(|_| subscribes) {
        push(&mut out, format_args!(",\"warnings\":[\"{warning}\"]"));
    }
    out.push_str("},\"success\":true");
    push_times(&mut out, times);
    out
}

/// A refusal; `symbol` when it concerns one symbol.
pub(super) fn error(
    refusal: &Refusal,
    detail: Option<&str>,
    symbol: Option<&str>,
    times: Times,
) -> String {
    let mut out = String::with_capacity(200);
    // A symbol is the client's own text: it goes through the JSON writer.
    let text = match detail {
        Some(detail) => format!("{} {detail}", refusal.error),
        None => refusal.error.to_owned(),
    };
    push(&mut out, format_args!("{{\"error\":{}", Value::from(text)));
    if let Some(method) = refusal.method {
        push(&mut out, format_args!(",\"method\":\"{method}\""));
    }
    push_req_id(&mut out, refusal.req_id);
    out.push_str(",\"success\":false");
    if let Some(symbol) = symbol {
        push(&mut out, format_args!(",\"symbol\":{}", Value::from(symbol)));
    }
    push_times(&mut out, times);
    out
}

/// A refusal of one symbol.
pub(super) const fn refusal(subscribes: bool, req_id: Option<i64>, error: &'static str) -> Refusal {
    let method = if subscribes { SUBSCRIBE } else { UNSUBSCRIBE };
    Refusal { error, method: Some(method), req_id }
}

/// The answer to a ping.
pub(super) fn pong(req_id: Option<i64>, times: Times) -> String {
    let mut out = String::from("{\"method\":\"pong\"");
    push_req_id(&mut out, req_id);
    push_times(&mut out, times);
    out
}

fn push_req_id(out: &mut String, req_id: Option<i64>) {
    if let Some(req_id) = req_id {
        push(out, format_args!(",\"req_id\":{req_id}"));
    }
}

fn push_times(out: &mut String, (time_in, time_out): Times) {
    let (time_in, time_out) = (micros(time_in), micros(time_out));
    push(out, format_args!(",\"time_in\":\"{time_in}\",\"time_out\":\"{time_out}\"}}"));
}
