//! Sockets: loopback listeners, TLS with a certificate made at start, and who is at the other end.
//!
//! Handshakes run beside the accept loop, so a client that connects and says nothing delays nobody, and one that has
//! asked nothing when its time is over is let go. There are so many connections and no more: descriptors belong to the
//! whole process. Small messages leave at once: Nagle's algorithm is off.

use std::io::{self, IoSlice};
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Sleep, sleep, timeout};
use tokio_rustls::TlsAcceptor;

use crate::hub::Hub;

/// Connections that are accepted and not yet served.
const WAITING_MAX: usize = 256;

/// A client that has not been answered by then has asked nothing, and is let go.
const FIRST_ANSWER_MAX: Duration = Duration::from_secs(10);

/// A client that has not finished its handshake by then is let go.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// A byte stream, encrypted or not.
pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection that holds its place, and is ended unless something is written to it in time.
struct Placed<S> {
    stream: S,
    /// Until the first answer.
    unanswered: Option<Pin<Box<Sleep>>>,
    _place: OwnedSemaphorePermit,
}

impl<S> Placed<S> {
    fn new(stream: S, place: OwnedSemaphorePermit) -> Self {
        Self { stream, unanswered: Some(Box::pin(sleep(FIRST_ANSWER_MAX))), _place: place }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Placed<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(unanswered) = &mut self.unanswered
            && unanswered.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Placed<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.unanswered = None;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.unanswered = None;
        Pin::new(&mut self.stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The address of a client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerAddr(pub(crate) SocketAddr);

impl Connected<IncomingStream<'_, Incoming>> for PeerAddr {
    fn connect_info(stream: IncomingStream<'_, Incoming>) -> Self {
        Self(*stream.remote_addr())
    }
}

type Accepted = (Box<dyn Stream>, SocketAddr);

/// Ready connections, as axum wants them.
pub(crate) struct Incoming {
    addr: SocketAddr,
    ready: mpsc::Receiver<Accepted>,
}

impl Listener for Incoming {
    type Io = Box<dyn Stream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.ready.recv().await {
            Some(accepted) => accepted,
            // The accept task is gone: the exchange stops, and the server is about to be told.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.addr)
    }
}

/// Listens on 127.0.0.1; port 0 takes any. The accepting task joins `tasks`.
pub(crate) async fn listen(
    port: u16,
    tls: Option<TlsAcceptor>,
    hub: Arc<Hub>,
    connections_max: usize,
    tasks: &mut JoinSet<()>,
) -> io::Result<(Incoming, SocketAddr)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    let addr = listener.local_addr()?;
    let (sender, ready) = mpsc::channel(WAITING_MAX);
    let places = Arc::new(Semaphore::new(connections_max));
    tasks.spawn(async move {
        loop {
            let Ok((stream, peer)) = listener.accept().await else {
                // Out of descriptors or a client that left already: the next one may do.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            // Without a place it is closed, which a client sees at once.
            let Ok(place) = places.clone().try_acquire_owned() else { continue };
            if hub.is_refusing() {
                continue;
            }
            tokio::spawn(welcome(stream, place, peer, tls.clone(), sender.clone()));
        }
    });
    Ok((Incoming { addr, ready }, addr))
}

async fn welcome(
    stream: TcpStream,
    place: OwnedSemaphorePermit,
    peer: SocketAddr,
    tls: Option<TlsAcceptor>,
    ready: mpsc::Sender<Accepted>,
) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let stream: Box<dyn Stream> = match tls {
        None => Box::new(Placed::new(stream, place)),
        Some(tls) => match timeout(HANDSHAKE_MAX, tls.accept(stream)).await {
            Ok(Ok(stream)) => Box::new(Placed::new(stream, place)),
            // A failed handshake is the client's to report.
            Ok(Err(_)) | Err(_) => return,
        },
    };
    // Full or closed: the server is going away, and so does the connection.
    let _ = ready.send((stream, peer)).await;
}

/// A server identity for `localhost` and 127.0.0.1, valid for this run.
pub(crate) struct Identity {
    pub(crate) acceptor: TlsAcceptor,
    /// The certificate, which a client adds to its roots.
    pub(crate) certificate: CertificateDer<'static>,
}

/// Why no identity could be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate could not be made.
    #[error("self-signed certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused it.
    #[error("TLS configuration: {0}")]
    Config(#[from] rustls::Error),
}

/// Makes a key and a self-signed certificate.
pub(crate) fn identity() -> Result<Identity, TlsError> {
    let names = vec!["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
    let made = rcgen::generate_simple_self_signed(names)?;
    let certificate = made.cert.der().clone();
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key.into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // Every connection is measured from scratch: no resumption, no tickets after the handshake.
    config.send_tls13_tickets = 0;
    Ok(Identity { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
}
