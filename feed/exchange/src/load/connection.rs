//! The server's side of one WebSocket, without waiting once the handshakes are through.
//!
//! Each message is a frame and, with TLS, a record of its own, as the venue's are; messages that are
//! due together leave in one write.

use std::io::{self, Cursor, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

/// A client that has not finished its handshake by then is let go.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);
const HEAD_BYTES_MAX: usize = 16 << 10;
const READ_BYTES: usize = 16 << 10;
const KEY_HEADER: &str = "sec-websocket-key:";

/// An open WebSocket.
pub(super) struct Connection {
    stream: TcpStream,
    tls: Option<Box<ServerConnection>>,
    /// Without TLS: what the kernel has not taken, from `taken` on.
    outgoing: Vec<u8>,
    taken: usize,
    incoming: Vec<u8>,
}

impl Connection {
    /// Shakes hands; waits for the client as long as [`HANDSHAKE_MAX`] per step.
    pub(super) fn open(mut stream: TcpStream, tls: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        stream.set_nonblocking(false)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANDSHAKE_MAX))?;
        stream.set_write_timeout(Some(HANDSHAKE_MAX))?;
        let tls = match tls {
            None => {
                upgrade(&mut stream)?;
                None
            }
            Some(config) => {
                let mut tls =
                    ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
                // The kernel's buffer is the only limit: a slow reader must not change the plan.
                tls.set_buffer_limit(None);
                upgrade(&mut rustls::Stream::new(&mut tls, &mut stream))?;
                Some(Box::new(tls))
            }
        };
        stream.set_nonblocking(true)?;
        Ok(Self { stream, tls, outgoing: Vec::new(), taken: 0, incoming: Vec::new() })
    }

    /// Adds one text message to what goes out with the next flush.
    pub(super) fn push(&mut self, text: &[u8], frame: &mut Vec<u8>) -> io::Result<()> {
        frame.clear();
        frame.push(0x81);
        match (u8::try_from(text.len()), u16::try_from(text.len())) {
            (Ok(len), _) if len < 126 => frame.push(len),
            (_, Ok(len)) => {
                frame.push(126);
                frame.extend_from_slice(&len.to_be_bytes());
            }
            _ => {
                frame.push(127);
                let len = u64::try_from(text.len()).map_err(io::Error::other)?;
                frame.extend_from_slice(&len.to_be_bytes());
            }
        }
        frame.extend_from_slice(text);
        match &mut self.tls {
            Some(tls) => tls.writer().write_all(frame),
            None => {
                self.outgoing.extend_from_slice(frame);
                Ok(())
            }
        }
    }

    /// Hands on what the kernel takes; true when it has taken all.
    pub(super) fn flush(&mut self) -> io::Result<bool> {
        loop {
            let written = match &mut self.tls {
                Some(tls) if tls.wants_write() => tls.write_tls(&mut self.stream),
                None if self.taken < self.outgoing.len() => {
                    self.stream.write(&self.outgoing[self.taken..])
                }
                _ => {
                    self.outgoing.clear();
                    self.taken = 0;
                    return Ok(true);
                }
            };
            match written {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(len) => self.taken += len,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads what has come; every request goes to `on_request`. An error when the client left.
    pub(super) fn receive(&mut self, mut on_request: impl FnMut(&str)) -> io::Result<()> {
        let mut bytes = [0; READ_BYTES];
        match self.read(&mut bytes) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(len) => self.incoming.extend_from_slice(&bytes[..len]),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(()),
            Err(error) => return Err(error),
        }
        loop {
            let mut cursor = Cursor::new(&self.incoming);
            let parsed = FrameHeader::parse(&mut cursor).map_err(io::Error::other)?;
            let Some((header, len)) = parsed else { return Ok(()) };
            let start = usize::try_from(cursor.position()).map_err(io::Error::other)?;
            let end = start.saturating_add(usize::try_from(len).map_err(io::Error::other)?);
            if end > self.incoming.len() {
                return Ok(());
            }
            let payload = &mut self.incoming[start..end];
            let mask = header.mask.unwrap_or_default();
            for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
                *byte ^= mask;
            }
            match header.opcode {
                OpCode::Data(Data::Text) => {
                    on_request(std::str::from_utf8(payload).map_err(io::Error::other)?);
                }
                OpCode::Control(tungstenite::protocol::frame::coding::Control::Close) => {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                OpCode::Data(_) | OpCode::Control(_) => {}
            }
            self.incoming.drain(..end);
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Some(tls) = &mut self.tls else {
            return self.stream.read(bytes);
        };
        if tls.read_tls(&mut self.stream)? == 0 {
            return Ok(0);
        }
        tls.process_new_packets().map_err(io::Error::other)?;
        tls.reader().read(bytes)
    }
}

/// The HTTP upgrade (RFC 6455, 4.2); the client sends nothing more before its answer.
fn upgrade(stream: &mut (impl Read + Write)) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut chunk = [0; 2048];
        let len = stream.read(&mut chunk)?;
        head.extend_from_slice(&chunk[..len]);
        if len == 0 || head.len() > HEAD_BYTES_MAX {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let is_key = |line: &&str| {
        line.get(..KEY_HEADER.len()).is_some_and(|name| name.eq_ignore_ascii_case(KEY_HEADER))
    };
    let Some(line) = head.lines().find(is_key) else {
        return Err(io::ErrorKind::InvalidData.into());
    };
    let accept = derive_accept_key(line[KEY_HEADER.len()..].trim().as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes())?;
    stream.flush()
}
