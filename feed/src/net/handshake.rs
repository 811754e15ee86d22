//! TLS and the WebSocket upgrade on a connected stream, within one deadline.
//!
//! Blocks, for cold threads. A server that sends its handshake a byte at a time moves no deadline.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use paperwire_rt::deadline::Deadline;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::endpoint::Endpoint;
use super::failure::{ConnectError, HANDSHAKE_WITHIN};
use super::socket::Socket;
use super::tls::{self, RecordLayer};

/// Longest head of an HTTP answer that is read.
const HTTP_HEAD_MAX: usize = 16 << 10;

/// Shakes hands and hands over the socket as it then stands.
pub(super) fn shake(
    stream: TcpStream,
    endpoint: &Endpoint,
    deadline: &Deadline,
) -> Result<Socket, ConnectError> {
    let mut timed = Timed { stream: &stream, deadline };
    if !endpoint.is_tls {
        let leftover = upgrade(&mut timed, endpoint)?;
        return Ok(Socket::new(stream, None, &leftover)?);
    }
    let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| ConnectError::Url {
        url: endpoint.url(),
        why: "its host is no name that a certificate could have",
    })?;
    let mut connection = ClientConnection::new(tls_config(endpoint)?, name)?;
    let mut channel = Handshake { stream: timed, tls: &mut connection };
    let upgraded = upgrade(&mut channel, endpoint);
    let mut leftover = upgraded.map_err(|error| match error {
        ConnectError::Timeout { .. } if connection.is_handshaking() => {
            ConnectError::Timeout { step: "the TLS handshake", within: HANDSHAKE_WITHIN }
        }
        other => other,
    })?;
    // Everything decrypted so far belongs to the stream; records were read whole, so nothing
    // encrypted is left behind in `rustls`.
    let state = connection.process_new_packets()?;
    let mut more = vec![0; state.plaintext_bytes_to_read()];
    connection.reader().read_exact(&mut more)?;
    leftover.extend_from_slice(&more);
    let records = RecordLayer::new(&connection.dangerous_extract_secrets()?)?;
    Ok(Socket::new(stream, Some(records), &leftover)?)
}

/// A stream that waits no longer than its deadline, whatever the peer does.
#[derive(Clone, Copy)]
struct Timed<'a> {
    stream: &'a TcpStream,
    deadline: &'a Deadline,
}

/// True when the system only says that nothing happened yet.
fn is_wait(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), WouldBlock | TimedOut | Interrupted)
}

impl Read for Timed<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.deadline.slice()?))?;
            match self.stream.read(buffer) {
                Err(error) if is_wait(&error) => {}
                result => return result,
            }
        }
    }
}

impl Write for Timed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            self.stream.set_write_timeout(Some(self.deadline.slice()?))?;
            match self.stream.write(bytes) {
                Err(error) if is_wait(&error) => {}
                result => return result,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
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
    stream: Timed<'a>,
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
    let (path, authority) = (&endpoint.path, endpoint.authority());
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
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

#[cfg(test)]
mod tests;
