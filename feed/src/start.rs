//! The cold start: connect, read the venue's instrument list, find the wanted pairs in it.
//!
//! It runs before any thread is pinned, may wait, and fails with an error that names the remedy.

use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::raw::{RawKind, RawProducer};
use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::{Deadline, Late, Stop};
use paperwire_rt::runner::Wait;

use crate::net::connect::{self, ConnectError, Endpoint};
use crate::net::socket::{Incoming, Socket, SocketError};
use crate::wire::cold::{ColdFrame, ColdReader};
use crate::wire::request::{self, Channel, Method};

/// Why a session cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No connection after the allowed attempts.
    #[error("no connection to {url}: {error}")]
    Connect {
        /// Where to.
        url: String,
        /// Of the last attempt.
        error: ConnectError,
    },
    /// The connection broke before the instruments came.
    #[error("{url}: {error}")]
    Socket {
        /// Where to.
        url: String,
        /// How.
        error: SocketError,
    },
    /// The program was asked to stop.
    #[error("stopped on request before the session began")]
    Stopped,
    /// The venue does not answer.
    #[error("{url} sent no instrument list within {seconds} s")]
    NoInstruments {
        /// Where to.
        url: String,
        /// How long was waited.
        seconds: u64,
    },
    /// Pairs that the venue does not have.
    #[error("not traded here: {}{}", names.join(", "), hint(similar))]
    UnknownSymbols {
        /// The wanted names.
        names: Vec<String>,
        /// Names that exist and look alike.
        similar: Vec<String>,
    },
    /// Pairs that exist and cannot be traded.
    #[error("{name} is {status:?} at the venue; leave it out of the symbols")]
    Closed {
        /// The pair.
        name: String,
        /// Its status.
        status: TradingStatus,
    },
}

fn hint(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        names => format!("; did you mean {}?", names.join(" or ")),
    }
}

/// How long the list of pairs may take once there is a connection.
const INSTRUMENTS_WITHIN: DurationNs = DurationNs::from_secs(15);
/// Between two attempts to connect.
const ATTEMPTS_APART: DurationNs = DurationNs::from_millis(500);

/// A connection whose instruments are known and whose subscriptions are not yet made.
#[derive(Debug)]
pub struct Started {
    /// The connection.
    pub socket: Socket,
    /// The wanted instruments in the wanted order, as the venue lists them; the index is the symbol id.
    pub instruments: Vec<Instrument>,
    /// The state of the whole venue, which it tells before its list.
    pub system: TradingStatus,
    /// Frames that came behind the list in the same read; the feed records them and begins with them.
    pub early: Vec<Vec<u8>>,
}

/// How long to try, and who may end it.
#[derive(Clone, Debug)]
pub struct Patience<'a> {
    /// Attempts to connect.
    pub attempts: u32,
    /// Measures the waits.
    pub clock: &'a HostClock,
    /// Ends every wait.
    pub stop: &'a Stop,
}

/// Connects and resolves `symbols`; every frame up to the list of pairs is also recorded.
///
/// # Errors
/// [`StartError`].
pub fn start(
    endpoint: &Endpoint,
    symbols: &[String],
    patience: &Patience<'_>,
    raw: &mut Option<RawProducer>,
) -> Result<Started, StartError> {
    let mut socket = connect_with_retries(endpoint, patience)?;
    let url = || endpoint.url();
    let socket_error = |error| StartError::Socket { url: url(), error };
    let mut text = Vec::new();
    request::subscription(&mut text, Method::Subscribe, Channel::Instrument, [].into_iter(), 0);
    socket.send_text(&text).map_err(socket_error)?;
    let mut reader = ColdReader::new();
    let deadline = Deadline::within(INSTRUMENTS_WITHIN, patience.clock, patience.stop);
    let (mut found, mut early, mut system) = (None, Vec::new(), TradingStatus::Online);
    while found.is_none() {
        let mut on_message = |message: Incoming<'_>| {
            let Incoming { text, stamps, .. } = message;
            if found.is_some() {
                early.push(text.to_vec());
                return;
            }
            if let Some(raw) = raw {
                raw.push(RawKind::Frame, stamps.read_at, text);
            }
            match reader.read(text) {
                Ok(ColdFrame::Instruments { is_snapshot: true, .. }) => {
                    found = Some(reader.instruments().to_vec());
                }
                Ok(ColdFrame::Status { system: Some(told), .. }) => {
                    system = TradingStatus::from_wire(&told);
                }
                _ => {}
            }
        };
        let has_read = socket
            .poll(patience.clock.now(), patience.clock, &mut on_message)
            .map_err(socket_error)?;
        // Whatever else the server sends: it is the list that must come in time.
        deadline.left().map_err(|late| match late {
            Late::Stopped => StartError::Stopped,
            Late::TimedOut | Late::Gone => {
                StartError::NoInstruments { url: url(), seconds: INSTRUMENTS_WITHIN.raw() / SECOND }
            }
        })?;
        if !has_read {
            Wait::Doze.wait();
        }
    }
    let instruments = resolve(symbols, &found.unwrap_or_default())?;
    Ok(Started { socket, instruments, system, early })
}

const SECOND: u64 = 1_000_000_000;

fn connect_with_retries(
    endpoint: &Endpoint,
    patience: &Patience<'_>,
) -> Result<Socket, StartError> {
    let Patience { attempts, clock, stop } = patience;
    for _ in 1..*attempts {
        match connect::open(endpoint, clock, stop) {
            Ok(socket) => return Ok(socket),
            Err(ConnectError::Stopped) => return Err(StartError::Stopped),
            Err(_) => {}
        }
        let between = Deadline::within(ATTEMPTS_APART, clock, stop);
        if between.pause(ATTEMPTS_APART) == Err(Late::Stopped) {
            return Err(StartError::Stopped);
        }
    }
    connect::open(endpoint, clock, stop).map_err(|error| match error {
        ConnectError::Stopped => StartError::Stopped,
        error => StartError::Connect { url: endpoint.url(), error },
    })
}

/// Picks the wanted pairs out of the venue's list, and names every one that it does not have.
///
/// # Errors
/// [`StartError::UnknownSymbols`] or [`StartError::Closed`].
pub fn resolve(symbols: &[String], listed: &[Instrument]) -> Result<Vec<Instrument>, StartError> {
    let find = |name: &String| listed.iter().find(|row| row.name.as_str() == name);
    let unknown: Vec<String> =
        symbols.iter().filter(|name| find(name).is_none()).cloned().collect();
    if !unknown.is_empty() {
        let is_similar = |row: &&Instrument| unknown.iter().any(|name| looks_like(name, row));
        let similar = listed.iter().filter(is_similar).take(3).map(|row| row.name.to_string());
        let similar = similar.collect();
        return Err(StartError::UnknownSymbols { names: unknown, similar });
    }
    let rows: Vec<Instrument> = symbols.iter().filter_map(find).copied().collect();
    match rows.iter().find(|row| row.status == TradingStatus::Closed) {
        Some(row) => Err(StartError::Closed { name: row.name.to_string(), status: row.status }),
        None => Ok(rows),
    }
}

/// The instruments with what is left of their status under that of the whole venue.
pub fn under(system: TradingStatus, listed: &[Instrument]) -> Vec<Instrument> {
    listed.iter().map(|of| Instrument { status: system.and(of.status), ..*of }).collect()
}

/// True for the pair that a misspelt or outdated name probably means.
fn looks_like(name: &str, row: &Instrument) -> bool {
    let Some((base, quote)) = name.split_once('/') else {
        return false;
    };
    // The venue's first protocol called them so; the second refuses these names.
    let modern = match base.to_ascii_uppercase().as_str() {
        "XBT" => "BTC".to_owned(),
        "XDG" => "DOGE".to_owned(),
        other => other.to_owned(),
    };
    let same_quote = row.quote.eq_ignore_ascii_case(quote) || row.quote.starts_with("USD");
    row.base.as_str() == modern && same_quote
}
