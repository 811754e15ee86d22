//! The venue's public REST calls: `Time`, `AssetPairs`, `OHLC`, `Trades`. The process has no other client for them.
//!
//! Numbers are read from their text, never through a float, and whatever is not used is skipped, whatever valid
//! JSON it is. What may go wrong is a [`Fault`]: it is waited out and tried again as its kind wants, within the
//! rate of the process's one [`Limiter`], and what is left is told with its remedy.

mod fault;
mod http;
mod json;
mod rows;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use paperwire_core::bar::Timeframe;
use paperwire_core::time::ExchNs;
use paperwire_rt::runner::Wait;

pub use fault::{Fault, RestError};
pub use http::{Get, Reply, Stop};
pub use rows::{Bars, Page};

use crate::limiter::Limiter;
use crate::model::{SECOND_NS, Scale};
use crate::names::VenuePair;
use fault::Failed;
use json::Fields;

/// Rows of a full page of trades.
const PAGE_ROWS: usize = 1000;
/// No request waits longer because its answer said so.
const RETRY_AFTER_S_MAX: u64 = 120;
/// A whole request, from looking up the name to the last byte; and one that a start waits for.
const TIMEOUT: Duration = Duration::from_secs(30);
const HURRIED_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a start makes a request again, after a refusal for asking too often and after anything else.
const HURRIED_AGAIN_MAX: (u32, u32) = (3, 1);
/// Milliseconds of the second in which waits are counted; tests have shorter ones.
const SECOND_MS: u32 = 1000;

/// A venue's REST interface.
pub struct Rest {
    base: String,
    way: Arc<dyn Get>,
    limiter: Arc<Limiter>,
    second_ms: u32,
    is_hurried: bool,
    stop: Stop,
    requests: u64,
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rest").field("base", &self.base).finish_non_exhaustive()
    }
}

impl Rest {
    /// The interface at `base`, which is without `/0/public`.
    pub fn new(base: &str, limiter: Arc<Limiter>) -> Self {
        Self::by(base, limiter, Arc::new(http::Http::new(TIMEOUT)), SECOND_MS)
    }

    /// The same over another way, with seconds of another length.
    pub fn by(base: &str, limiter: Arc<Limiter>, way: Arc<dyn Get>, second_ms: u32) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let stop: Stop = Arc::new(|| false);
        Self { base, way, limiter, second_ms, is_hurried: false, stop, requests: 0 }
    }

    /// For the start of a run, which goes on without history rather than wait for a venue that has none to give.
    pub fn hurried(base: &str, limiter: Arc<Limiter>) -> Self {
        let way = Arc::new(http::Http::new(HURRIED_TIMEOUT));
        Self { is_hurried: true, ..Self::by(base, limiter, way, SECOND_MS) }
    }

    /// The same, given up as soon as `stop` says so, whatever it is waiting for.
    #[must_use]
    pub fn until(mut self, stop: Stop) -> Self {
        self.stop = stop;
        self
    }

    /// Requests sent so far.
    pub const fn requests(&self) -> u64 {
        self.requests
    }

    /// Asks until there is an answer that `read` understands, a refusal for good, or no hope.
    fn ask<T>(
        &mut self,
        call: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, RestError> {
        let url = self.url(call);
        let mut met: Vec<Fault> = Vec::new();
        loop {
            let answer = self
                .once(&url)
                .and_then(|result| read(&result).map_err(|why| Failed::new(Fault::Malformed, why)));
            let mut failed = match answer {
                Ok(answer) => {
                    self.limiter.answered();
                    return Ok(answer);
                }
                Err(failed) => failed,
            };
            let again = met.iter().filter(|fault| **fault == failed.fault).count() + 1;
            let again = u32::try_from(again).unwrap_or(u32::MAX);
            if again > self.again_max(failed.fault) {
                self.look_at_status(&mut failed);
                return Err(RestError { fault: failed.fault, url, why: failed.why });
            }
            met.push(failed.fault);
            self.rest_before(again, &failed);
        }
    }

    fn again_max(&self, fault: Fault) -> u32 {
        let own = fault.again_max();
        match (self.is_hurried, fault) {
            (false, _) => own,
            (true, Fault::LockedOut) => 0,
            (true, Fault::TooOften) => own.min(HURRIED_AGAIN_MAX.0),
            (true, _) => own.min(HURRIED_AGAIN_MAX.1),
        }
    }

    fn url(&self, call: &str) -> String {
        format!("{}/0/public/{call}", self.base)
    }

    /// One request; the text of its result.
    fn once(&mut self, url: &str) -> Result<String, Failed> {
        if !self.limiter.wait(&*self.stop) {
            return Err(Failed::new(Fault::Stopped, "stopped"));
        }
        self.requests += 1;
        result_of(&http::ask(&self.way, url, &self.stop)?)
    }

    /// Waits as long as the fault wants; all requests of the process do, where it meets all of them.
    fn rest_before(&self, again: u32, failed: &Failed) {
        let own = Duration::from_secs(failed.fault.wait_s(again).into());
        let wait = own.max(failed.retry_after.unwrap_or_default());
        let wait_ms = u32::try_from(wait.as_secs()).unwrap_or(0).saturating_mul(self.second_ms);
        if failed.fault.is_of_all() {
            self.limiter.refused(Duration::from_millis(wait_ms.into()));
            return;
        }
        for _ in 0..wait_ms {
            if (self.stop)() {
                return;
            }
            Wait::Doze.wait();
        }
    }

    /// A venue that gives no answer may say that it is in maintenance.
    fn look_at_status(&mut self, failed: &mut Failed) {
        if !matches!(failed.fault, Fault::Busy | Fault::Page) {
            return;
        }
        let Ok(result) = self.once(&self.url("SystemStatus")) else {
            return;
        };
        let status = Fields::of(&result).and_then(|fields| Some(json::word(fields.get("status")?)));
        if let Some(status) = status.filter(|status| *status != "online") {
            failed.fault = Fault::Maintenance;
            failed.why = format!("{}, the venue's status is {}", failed.why, fault::shown(status));
        }
    }

    /// The venue's clock.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn time(&mut self) -> Result<ExchNs, RestError> {
        self.ask("Time", |result| {
            let fields = Fields::of(result).ok_or("no object")?;
            let second = fields.get("unixtime").and_then(|raw| json::word(raw).parse::<i64>().ok());
            let at = second.filter(|second| *second > 0).and_then(|of| of.checked_mul(SECOND_NS));
            at.map(ExchNs::new).ok_or_else(|| "no unixtime".to_owned())
        })
    }

    /// Precision of a pair's numbers today.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn scale(&mut self, symbol: &str) -> Result<Scale, RestError> {
        let call = format!("AssetPairs?pair={}", encoded(symbol));
        self.ask(&call, |result| {
            let pairs = Fields::of(result).ok_or("no object")?;
            let mut pairs = pairs.iter().filter_map(|(_, raw)| rows::scale(raw));
            pairs.next().ok_or_else(|| "no pair with pair_decimals and lot_decimals".to_owned())
        })
    }

    /// Every pair that the venue lists, with its names.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn pairs(&mut self) -> Result<Vec<VenuePair>, RestError> {
        self.ask("AssetPairs", |result| {
            let pairs = rows::pairs(result);
            if pairs.is_empty() { Err("no pairs with a wsname".to_owned()) } else { Ok(pairs) }
        })
    }

    /// The newest 720 or so bars that are over, oldest first.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn bars(
        &mut self,
        symbol: &str,
        timeframe: Timeframe,
        at_least: Scale,
    ) -> Result<Bars, RestError> {
        let minutes = timeframe.minutes();
        let call = format!("OHLC?pair={}&interval={minutes}", encoded(symbol));
        self.ask(&call, |result| rows::bars(result, timeframe, at_least))
    }

    /// Prints after the cursor `since`, oldest first.
    ///
    /// # Errors
    /// [`RestError`].
    pub fn trades(
        &mut self,
        symbol: &str,
        since: &str,
        at_least: Scale,
    ) -> Result<Page, RestError> {
        let call = format!("Trades?pair={}&since={since}&count={PAGE_ROWS}", encoded(symbol));
        self.ask(&call, |result| rows::page(result, at_least))
    }
}

/// The text of an answer's result, or what the answer means instead.
fn result_of(reply: &Reply) -> Result<String, Failed> {
    let body = reply.body.trim_start_matches('\u{feff}').trim();
    let retry_after = reply.retry_after_s.map(|of| Duration::from_secs(of.min(RETRY_AFTER_S_MAX)));
    let failed = |fault, why| Failed { fault, why, retry_after };
    let Some(fields) = Fields::of(body) else {
        let is_cut = body.starts_with('{') && reply.status == 200;
        let why = fault::gist(reply.status, body);
        let fault = if is_cut { Fault::Malformed } else { Fault::of_page(reply.status, body) };
        return Err(failed(fault, why));
    };
    let errors = json::errors(fields.get("error"));
    // A word of warning stands beside an answer; an error stands for it.
    if let Some(error) = errors.iter().find(|error| !error.starts_with('W')) {
        return Err(failed(Fault::of_words(error), format!("\"{}\"", fault::shown(error))));
    }
    if reply.status >= 400 {
        let fault = Fault::of_page(reply.status, body);
        return Err(failed(fault, format!("HTTP {} without a reason", reply.status)));
    }
    match fields.get("result") {
        None | Some("null") => {
            Err(failed(Fault::Malformed, "neither a result nor an error".to_owned()))
        }
        Some(result) => Ok(result.to_owned()),
    }
}

/// A pair's name in an address: letters and digits as they are, everything else by its bytes.
fn encoded(symbol: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let one = |byte: u8| match byte {
        byte if is_plain(byte) => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    symbol.bytes().map(one).collect()
}

#[cfg(test)]
mod tests;
