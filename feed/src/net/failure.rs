//! Why there is no connection, and how long one may take to come about.

use std::io;
use std::net::SocketAddr;

use paperwire_core::time::DurationNs;
use paperwire_rt::deadline::Late;

use super::tls;

/// For TLS and the WebSocket upgrade together.
pub const HANDSHAKE_WITHIN: DurationNs = DurationNs::from_secs(10);

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
    pub(super) fn late(late: Late, step: &'static str, within: DurationNs) -> Self {
        match late {
            Late::TimedOut => Self::Timeout { step, within },
            Late::Stopped => Self::Stopped,
            Late::Gone => Self::Thread,
        }
    }
}
