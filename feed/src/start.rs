//! The cold start: connect, read the venue's instrument list, find the wanted pairs in it.
//!
//! It runs before any thread is pinned, may wait, and fails with an error that names the remedy.

use paperwire_core::agent::Clock;
use paperwire_core::instrument::{Instrument, TradingStatus};
use paperwire_core::raw::{RawKind, RawProducer};
use paperwire_core::time::DurationNs;
use paperwire_rt::runner::Wait;

use crate::net::connect::{self, ConnectError, Endpoint};
use crate::net::socket::{Socket, SocketError};
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

const INSTRUMENTS_WAIT: DurationNs = DurationNs::from_secs(15);

/// A connection whose instruments are known and whose subscriptions are not yet made.
#[derive(Debug)]
pub struct Started {
    /// The connection.
    pub socket: Socket,
    /// The wanted instruments in the wanted order; the index is the symbol id.
    pub instruments: Vec<Instrument>,
}

/// Connects and resolves `symbols`; every frame is also recorded.
///
/// # Errors
/// [`StartError`].
pub fn start(
    endpoint: &Endpoint,
    symbols: &[String],
    attempts: u32,
    clock: &impl Clock,
    raw: &mut Option<RawProducer>,
) -> Result<Started, StartError> {
    let mut socket = connect_with_retries(endpoint, attempts)?;
    let url = || endpoint.url();
    let socket_error = |error| StartError::Socket { url: url(), error };
    let mut text = Vec::new();
    request::subscription(&mut text, Method::Subscribe, Channel::Instrument, [].into_iter(), 0);
    socket.send_text(&text).map_err(socket_error)?;
    let mut reader = ColdReader::new();
    let deadline = clock.now().plus(INSTRUMENTS_WAIT);
    let mut found = None;
    while found.is_none() {
        let mut on_message = |message: crate::net::socket::Incoming<'_>| {
            if let Some(raw) = raw {
                raw.push(RawKind::Frame, message.stamps.read_at, message.text);
            }
            let frame = reader.read(message.text);
            if let Ok(ColdFrame::Instruments { is_snapshot: true, .. }) = frame {
                found = Some(reader.instruments().to_vec());
            }
        };
        if !socket.poll(clock.now(), clock, &mut on_message).map_err(socket_error)? {
            if clock.now() > deadline {
                let seconds = INSTRUMENTS_WAIT.raw() / 1_000_000_000;
                return Err(StartError::NoInstruments { url: url(), seconds });
            }
            Wait::Doze.wait();
        }
    }
    let instruments = resolve(symbols, &found.unwrap_or_default())?;
    Ok(Started { socket, instruments })
}

fn connect_with_retries(endpoint: &Endpoint, attempts: u32) -> Result<Socket, StartError> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        match connect::open(endpoint) {
            Ok(socket) => return Ok(socket),
            Err(error) if attempt >= attempts => {
                return Err(StartError::Connect { url: endpoint.url(), error });
            }
            Err(_) => (0..500).for_each(|_| Wait::Doze.wait()),
        }
    }
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
