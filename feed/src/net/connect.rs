//! Opens connections on a thread of its own: names, TCP, TLS and the WebSocket handshake.
//!
//! All of it waits and allocates, so the feed thread only asks for a connection and later finds a
//! [`Socket`] in a ring. Used sockets go to that thread to be closed.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use arrayvec::ArrayString;
use paperwire_core::ring::{Consumer, ring};
use paperwire_core::secret::masked_url;
use paperwire_core::time::DurationNs;
use paperwire_rt::descriptors::Spare;
use paperwire_rt::host::busy_poll;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::socket::Socket;
use super::tls::{self, RecordLayer};

/// Where to connect and whom to believe.
#[derive(Clone, Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
    path: String,
    is_tls: bool,
    /// A certificate to trust instead of the public authorities, in DER.
    trusted: Option<Vec<u8>>,
    /// How long a read looks into the network card itself; zero leaves it to the machine.
    busy_poll: DurationNs,
}

/// Why there is no connection. Each names what to look at.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// Not a WebSocket address.
    #[error("{url} is not a WebSocket address: expected wss://host[:port]/path or ws://...")]
    Url {
        /// What was given.
        url: String,
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
    /// The connection broke during a handshake.
    #[error("connection lost during the handshake: {0}")]
    Io(#[from] io::Error),
    /// No agreement on TLS, or a certificate that is not trusted.
    #[error("TLS handshake failed: {0}")]
    Tls(#[from] rustls::Error),
    /// The keys cannot be used.
    #[error("TLS: {0}")]
    Record(#[from] tls::TlsError),
    /// The server does not speak WebSocket here.
    #[error("the server refused the WebSocket upgrade: {0}")]
    Upgrade(String),
}

impl Endpoint {
    /// Reads `wss://host[:port][/path]` or `ws://...`.
    ///
    /// # Errors
    /// [`ConnectError::Url`].
    pub fn parse(url: &str) -> Result<Self, ConnectError> {
        let error = || ConnectError::Url { url: masked_url(url) };
        let (is_tls, rest) = match (url.strip_prefix("wss://"), url.strip_prefix("ws://")) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            (None, None) => return Err(error()),
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => (&rest[..at], &rest[at..]),
            None => (rest, "/"),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, port.parse().map_err(|_| error())?),
            None => (authority, if is_tls { 443 } else { 80 }),
        };
        if host.is_empty() || path.bytes().any(|b| b.is_ascii_whitespace() || b.is_ascii_control())
        {
            return Err(error());
        }
        let (host, path) = (host.to_owned(), path.to_owned());
        Ok(Self { host, port, path, is_tls, trusted: None, busy_poll: DurationNs::ZERO })
    }

    /// Trusts exactly this certificate instead of the public authorities; those when there is none.
    #[must_use]
    pub fn trusting(mut self, certificate_der: Option<&[u8]>) -> Self {
        self.trusted = certificate_der.map(<[u8]>::to_vec);
        self
    }

    /// Lets every connection poll the network card for so long; zero leaves it to the machine.
    #[must_use]
    pub const fn polling(mut self, span: DurationNs) -> Self {
        self.busy_poll = span;
        self
    }

    /// The address as text, for logs; what may be secret in its query is masked.
    pub fn url(&self) -> String {
        let scheme = if self.is_tls { "wss" } else { "ws" };
        masked_url(&format!("{scheme}://{}:{}{}", self.host, self.port, self.path))
    }
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longest head of an HTTP answer that is read.
const HTTP_HEAD_MAX: usize = 16 << 10;

/// Descriptors that one connection needs: its socket, and what a resolver opens (its configuration, the hosts, two
/// questions), and as many for a server in the same process.
const SPARE: usize = 8;

/// Connects and shakes hands; blocks up to about ten seconds per step.
///
/// # Errors
/// [`ConnectError`].
pub fn open(endpoint: &Endpoint) -> Result<Socket, ConnectError> {
    let stream = tcp(endpoint)?;
    let Some(name) = endpoint.is_tls.then(|| endpoint.host.clone()) else {
        let leftover = upgrade(&mut &stream, endpoint)?;
        return Ok(Socket::new(stream, None, &leftover)?);
    };
    let name = ServerName::try_from(name).map_err(|_| ConnectError::Url { url: endpoint.url() })?;
    let mut connection = ClientConnection::new(tls_config(endpoint)?, name)?;
    let mut channel = Handshake { stream: &stream, tls: &mut connection };
    let mut leftover = upgrade(&mut channel, endpoint)?;
    // Everything decrypted so far belongs to the stream; records were read whole, so nothing
    // encrypted is left behind in `rustls`.
    let state = connection.process_new_packets()?;
    let mut more = vec![0; state.plaintext_bytes_to_read()];
    connection.reader().read_exact(&mut more)?;
    leftover.extend_from_slice(&more);
    let records = RecordLayer::new(&connection.dangerous_extract_secrets()?)?;
    Ok(Socket::new(stream, Some(records), &leftover)?)
}

fn tcp(endpoint: &Endpoint) -> Result<TcpStream, ConnectError> {
    let host = &endpoint.host;
    let addresses = (host.as_str(), endpoint.port)
        .to_socket_addrs()
        .map_err(|error| ConnectError::Resolve { host: host.clone(), error })?;
    let mut last = None;
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                if endpoint.busy_poll > DurationNs::ZERO {
                    // Where it is forbidden the connection is as good as any; the run said so at its start.
                    let _ = busy_poll(stream.as_fd(), endpoint.busy_poll);
                }
                stream.set_read_timeout(Some(CONNECT_TIMEOUT))?;
                stream.set_write_timeout(Some(CONNECT_TIMEOUT))?;
                return Ok(stream);
            }
            Err(error) => last = Some(ConnectError::Tcp { address, error }),
        }
    }
    let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    Err(last.unwrap_or_else(|| ConnectError::Resolve { host: host.clone(), error: none() }))
}

fn tls_config(endpoint: &Endpoint) -> Result<Arc<ClientConfig>, ConnectError> {
    let mut roots = RootCertStore::empty();
    match &endpoint.trusted {
        Some(der) => roots.add(CertificateDer::from(der.clone()))?,
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.enable_secret_extraction = true;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

/// A blocking stream through `rustls` that reads whole records only, so that after the handshake the
/// socket stands exactly at the start of a record.
struct Handshake<'a> {
    stream: &'a TcpStream,
    tls: &'a mut ClientConnection,
}

impl Handshake<'_> {
    fn flush_tls(&mut self) -> io::Result<()> {
        while self.tls.wants_write() {
            self.tls.write_tls(&mut self.stream)?;
        }
        Ok(())
    }

    fn read_record(&mut self) -> io::Result<()> {
        let mut record = [0u8; tls::HEADER_LEN + tls::RECORD_LEN_MAX];
        self.stream.read_exact(&mut record[..tls::HEADER_LEN])?;
        let len = usize::from(u16::from_be_bytes([record[3], record[4]]));
        let Some(body) = record.get_mut(tls::HEADER_LEN..tls::HEADER_LEN + len) else {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "not a TLS record"));
        };
        self.stream.read_exact(body)?;
        let mut whole = &record[..tls::HEADER_LEN + len];
        while !whole.is_empty() {
            self.tls.read_tls(&mut whole)?;
            self.tls.process_new_packets().map_err(io::Error::other)?;
        }
        Ok(())
    }
}

impl Read for Handshake<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.flush_tls()?;
            match self.tls.reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.read_record()?,
                result => return result,
            }
        }
    }
}

impl Write for Handshake<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        while self.tls.is_handshaking() {
            self.flush_tls()?;
            if self.tls.is_handshaking() && !self.tls.wants_write() {
                self.read_record()?;
            }
        }
        let written = self.tls.writer().write(bytes)?;
        self.flush_tls()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.flush_tls()
    }
}

/// The HTTP upgrade (RFC 6455, 4.1); returns what came after the answer's head.
fn upgrade(stream: &mut (impl Read + Write), endpoint: &Endpoint) -> Result<Vec<u8>, ConnectError> {
    let key = tungstenite::handshake::client::generate_key();
    let Endpoint { host, port, path, .. } = endpoint;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nUser-Agent: paperwire\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    loop {
        let mut chunk = [0u8; 2048];
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Err(ConnectError::Upgrade("the connection was closed".to_owned()));
        }
        head.extend_from_slice(&chunk[..read]);
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut response = httparse::Response::new(&mut headers);
        let refused = |why: &str| Err(ConnectError::Upgrade(why.to_owned()));
        match response.parse(&head) {
            Err(error) => return Err(ConnectError::Upgrade(error.to_string())),
            Ok(httparse::Status::Partial) if head.len() > HTTP_HEAD_MAX => {
                return refused("the answer is too long");
            }
            Ok(httparse::Status::Partial) => {}
            Ok(httparse::Status::Complete(len)) => {
                if response.code != Some(101) {
                    let code = response.code.unwrap_or(0);
                    return Err(ConnectError::Upgrade(format!("HTTP status {code}")));
                }
                let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
                let is_ours = response.headers.iter().any(|header| {
                    header.name.eq_ignore_ascii_case("sec-websocket-accept")
                        && header.value == accept.as_bytes()
                });
                return if is_ours { Ok(head.split_off(len)) } else { refused("wrong accept key") };
            }
        }
    }
}

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
    pub fn start(endpoint: Endpoint) -> io::Result<Self> {
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
                        let opened = open(&endpoint).map(Box::new).map_err(text);
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
