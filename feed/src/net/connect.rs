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
use paperwire_rt::deadline::{Deadline, Stop};
use paperwire_rt::descriptors::Spare;
use paperwire_rt::host::busy_poll;

pub use super::endpoint::Endpoint;
pub use super::failure::{ConnectError, HANDSHAKE_WITHIN};
use super::handshake;
use super::socket::Socket;

/// For the name, and TCP to one of its addresses.
pub const REACH_WITHIN: DurationNs = DurationNs::from_secs(10);
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
