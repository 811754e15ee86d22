//! Opens connections on a thread of its own: names, TCP, TLS and the WebSocket handshake.
//!
//! All of it waits and allocates, so the feed thread only asks for a connection and later finds a
//! [`Socket`] in a ring. Used sockets go to that thread to be closed. Reaching the server and shaking
//! hands with it have a deadline each, whatever the server sends meanwhile, and both end when the
//! program is asked to stop.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::mpsc::{SyncSender, sync_channel};

use arrayvec::ArrayString;
use paperwire_core::ring::{Consumer, ring};
use paperwire_core::time::DurationNs;
use paperwire_rt::clock::HostClock;
use paperwire_rt::deadline::{Deadline, Late, Stop};
use paperwire_rt::descriptors::Spare;
use paperwire_rt::host::busy_poll;

pub use super::endpoint::Endpoint;
use super::handshake;
use super::socket::Socket;
use super::tls;

/// Why there is no connection. Each names what to look at.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not a WebSocket address.
    #[error("{url} is not a WebSocket address: {why}; expected wss://host[:port]/path or ws://...")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The name has no address.
    #[error("cannot resolve {host}: {error}; check the network and the name")]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver says.
        error: io::Error,
    },
    /// No TCP connection.
    #[error("cannot connect to {address}: {error}; check that the server runs and can be reached")]
    Tcp {
        /// The address.
        address: SocketAddr,
        /// What the kernel says.
        error: io::Error,
    },
    /// The server, or the way to it, was too slow.
    #[error("{step} timed out after {} s; check the server and the network", within.raw() / 1_000_000_000)]
    Timeout {
        /// What did not end.
        step: &'static str,
        /// What it was given.
        within: DurationNs,
    },
    /// The program was asked to stop.
    #[error("stopped on request before there was a connection")]
    Stopped,
    /// The server ended the connection during a handshake.
    #[error(
        "the server closed the connection during the handshake; check that it speaks this protocol at this port"
    )]
    Closed,
    /// The connection broke during a handshake.
    #[error("the connection broke during the handshake: {0}")]
    Io(io::Error),
    /// The server's certificate is not trusted.
    #[error("the server's certificate is refused: {0}; check the address and this machine's clock")]
    Certificate(rustls::CertificateError),
    /// No agreement on TLS.
    #[error("TLS handshake failed: {0}; check that the server speaks TLS 1.3 at this port")]
    Tls(rustls::Error),
    /// The keys cannot be used.
    #[error("TLS: {0}")]
    Record(#[from] tls::TlsError),
    /// The server does not speak WebSocket here.
    #[error("the server refused the WebSocket upgrade: {0}")]
    Upgrade(String),
    /// The system has no thread for it.
    #[error("no thread to connect with; check the limits of this machine")]
    Thread,
}

impl From<rustls::Error> for ConnectError {
    fn from(error: rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(why) => Self::Certificate(why),
            other => Self::Tls(other),
        }
    }
}

/// Finds in what a stream says the reason behind it: streams know no other errors than the system's.
impl From<io::Error> for ConnectError {
    fn from(error: io::Error) -> Self {
        let inner = error.get_ref();
        if let Some(late) = inner.and_then(|inner| inner.downcast_ref::<Late>()) {
            return Self::late(*late, "the WebSocket upgrade", HANDSHAKE_WITHIN);
        }
        if let Some(tls) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return tls.clone().into();
        }
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

impl ConnectError {
    fn late(late: Late, step: &'static str, within: DurationNs) -> Self {
        match late {
            Late::TimedOut => Self::Timeout { step, within },
            Late::Stopped => Self::Stopped,
            Late::Gone => Self::Thread,
        }
    }
}

/// For the name, and TCP to one of its addresses.
pub const REACH_WITHIN: DurationNs = DurationNs::from_secs(10);
/// For TLS and the WebSocket upgrade together.
pub const HANDSHAKE_WITHIN: DurationNs = DurationNs::from_secs(10);

/// Descriptors that one connection needs: its socket, and what a resolver opens (its configuration, the hosts, two
/// questions), and as many for a server in the same process.
const SPARE: usize = 8;

/// Connects and shakes hands within [`REACH_WITHIN`] and [`HANDSHAKE_WITHIN`].
///
/// # Errors
/// [`ConnectError`].
pub fn open(endpoint: &Endpoint, clock: &HostClock, stop: &Stop) -> Result<Socket, ConnectError> {
    let step = "reaching the server";
    let late = |late| ConnectError::late(late, step, REACH_WITHIN);
    let deadline = Deadline::within(REACH_WITHIN, clock, stop);
    let (host, port, until) = (endpoint.host.clone(), endpoint.port, deadline.clone());
    // Names and connections wait in the system for as long as they like, so another thread does it.
    let stream = deadline.run("dial", move || reach(&host, port, &until)).map_err(late)??;
    stream.set_nodelay(true)?;
    if endpoint.busy_poll > DurationNs::ZERO {
        // Where it is forbidden the connection is as good as any; the run said so at its start.
        let _ = busy_poll(stream.as_fd(), endpoint.busy_poll);
    }
    handshake::shake(stream, endpoint, &Deadline::within(HANDSHAKE_WITHIN, clock, stop))
}

/// TCP to the first address of `host` that answers.
fn reach(host: &str, port: u16, deadline: &Deadline) -> Result<TcpStream, ConnectError> {
    let resolve = |error| ConnectError::Resolve { host: host.to_owned(), error };
    let addresses: Vec<SocketAddr> = (host, port).to_socket_addrs().map_err(resolve)?.collect();
    let mut last = resolve(io::Error::new(io::ErrorKind::NotFound, "the name has no address"));
    for (tried, address) in addresses.iter().enumerate() {
        let late = |late| ConnectError::late(late, "connecting", REACH_WITHIN);
        let others = u32::try_from(addresses.len() - tried).unwrap_or(u32::MAX);
        // An address that does not answer leaves time for the others.
        let share = deadline.left().map_err(late)? / others;
        match TcpStream::connect_timeout(address, share.max(LEAST_SHARE)) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = ConnectError::Tcp { address: *address, error },
        }
    }
    Err(last)
}

/// The system refuses to wait for no time at all.
const LEAST_SHARE: std::time::Duration = std::time::Duration::from_millis(1);

/// What the feed thread asks of the connector.
#[derive(Debug)]
enum Ask {
    /// Open a connection.
    Open,
    /// Close this one.
    Close(Box<Socket>),
}

/// Text of a failed attempt; fixed, so that the feed thread may drop it.
pub type FailureText = ArrayString<192>;

/// A result of the connector.
pub type Opened = Result<Box<Socket>, FailureText>;

#[expect(clippy::needless_pass_by_value, reason = "the shape that map_err wants")]
fn text(error: ConnectError) -> FailureText {
    let mut text = FailureText::new();
    for character in error.to_string().chars() {
        if text.try_push(character).is_err() {
            break;
        }
    }
    text
}

/// The feed thread's handle on the connecting thread.
#[derive(Debug)]
pub struct Connector {
    asks: SyncSender<Ask>,
    opened: Consumer<Opened>,
    is_busy: bool,
}

impl Connector {
    /// Starts the thread; it ends when the connector is dropped.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub fn start(endpoint: Endpoint, clock: HostClock, stop: Stop) -> io::Result<Self> {
        // Its memory is taken here, and the feed thread never waits for it.
        let (asks, asked) = sync_channel(4);
        let (mut done, opened) = ring::<Opened>(2);
        std::thread::Builder::new().name("connector".to_owned()).spawn(move || {
            let mut spare = Spare::take(SPARE);
            while let Ok(ask) = asked.recv() {
                match ask {
                    // One request at a time: the result of the last one was taken.
                    Ask::Open => {
                        spare.release();
                        let opened = open(&endpoint, &clock, &stop).map(Box::new).map_err(text);
                        spare.refill();
                        drop(done.push(opened));
                    }
                    Ask::Close(socket) => drop(socket),
                }
            }
        })?;
        Ok(Self { asks, opened, is_busy: false })
    }

    /// Asks for a connection, unless one is already on its way.
    pub fn request(&mut self) {
        if !self.is_busy {
            self.is_busy = self.asks.try_send(Ask::Open).is_ok();
        }
    }

    /// The result of the last request, once.
    pub fn poll(&mut self) -> Option<Opened> {
        let result = self.opened.pop()?;
        self.is_busy = false;
        Some(result)
    }

    /// Has a socket closed elsewhere.
    pub fn dispose(&mut self, socket: Box<Socket>) {
        // Cannot be full: at most one open socket and one request exist at a time.
        drop(self.asks.try_send(Ask::Close(socket)));
    }
}
