//! An open connection: one read per turn, records and messages found in place.

use std::fmt;
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;

use paperwire_core::agent::Clock;
use paperwire_core::time::{DurationNs, ExchNs, HostNs};
use paperwire_rt::clock::HostClock;
use paperwire_rt::rx;

use super::tls::{Opened, RecordLayer, TlsError};
use super::ws::{ClientFrame, Deframer, WsError, WsEvent, write_client_frame};

/// Several records of the largest size; a turn reads at most this much.
const RECEIVE_BYTES: usize = 128 << 10;
/// Longest request that can be sent at once: 64 symbols of 24 characters, and pongs.
const SEND_BYTES: usize = 64 << 10;

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The kernel says so.
    #[error("connection lost: {}", Kernel(.0))]
    Io(#[from] io::Error),
    /// TLS says so.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// WebSocket says so.
    #[error(transparent)]
    Ws(#[from] WsError),
    /// The other side ended the stream without a word.
    #[error("connection closed by the server")]
    Eof,
    /// The kernel takes no more of our requests.
    #[error("the server does not read our requests")]
    SendFull,
}

/// Shows what the kernel said in fixed words: the system's own text would be allocated, and the feed thread, which
/// reports the end of a connection, may still be warm.
struct Kernel<'a>(&'a io::Error);

impl fmt::Display for Kernel<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind().fmt(f)?;
        match self.0.raw_os_error() {
            Some(code) => write!(f, " (os error {code})"),
            None => Ok(()),
        }
    }
}

/// When the bytes of one read passed the first stages.
#[derive(Clone, Copy, Debug)]
pub struct ReadStamps {
    /// The kernel's receive time, when it gave one: that of the last segment of the read.
    pub kernel: Option<ExchNs>,
    /// When the read returned.
    pub read_at: HostNs,
    /// The last instant before it at which nothing waited in the kernel.
    pub empty_at: HostNs,
    /// Bytes taken out of the kernel since then, those of this read included.
    pub taken: usize,
}

impl ReadStamps {
    /// Time from the last empty poll to this read.
    #[inline]
    pub const fn waited(&self) -> DurationNs {
        self.read_at.since(self.empty_at)
    }
}

/// A message and when it was ready.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The text.
    pub text: &'a [u8],
    /// The read it came with.
    pub stamps: ReadStamps,
    /// When its record was opened, over TLS.
    pub decrypted_at: Option<HostNs>,
}

/// An open WebSocket connection.
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    records: Option<RecordLayer>,
    /// Received bytes that are not consumed: `start..end`.
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    deframer: Deframer,
    /// Bytes that came with the handshake's last read, already decrypted.
    leftover: Vec<u8>,
    /// Sealed bytes that the kernel has not taken.
    outgoing: Vec<u8>,
    plain: Vec<u8>,
    pongs: Vec<u8>,
    mask: u32,
    /// The last instant at which nothing waited in the kernel.
    empty_at: HostNs,
    /// Bytes read since then.
    taken: usize,
}

impl Socket {
    /// Takes over a connected stream after its handshakes. All memory is taken here, on the
    /// connecting thread.
    ///
    /// # Errors
    /// When the stream cannot be made non-blocking.
    pub fn new(
        stream: TcpStream,
        records: Option<RecordLayer>,
        leftover: &[u8],
    ) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        // Without timestamps arrival is the time of the poll; the report says which it was.
        let _ = rx::enable_timestamps(stream.as_fd());
        Ok(Self {
            stream,
            records,
            buffer: vec![0; RECEIVE_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            deframer: Deframer::new(paperwire_core::limits::FRAME_BYTES_MAX),
            leftover: leftover.to_vec(),
            outgoing: Vec::with_capacity(SEND_BYTES),
            plain: Vec::with_capacity(SEND_BYTES),
            pongs: Vec::with_capacity(SEND_BYTES),
            mask: 0x9e37_79b9,
            empty_at: HostClock::new().now(),
            taken: 0,
        })
    }

    /// Frames that are there already belong to the start: nothing counts from before `now`.
    pub const fn listen_from(&mut self, now: HostNs) {
        self.empty_at = now;
    }

    /// One turn: at most one read; every message it completes goes to `on_message`. `now` was read before. Returns
    /// whether anything was read.
    ///
    /// # Errors
    /// [`SocketError`]; the connection is then over.
    pub fn poll<C: Clock>(
        &mut self,
        now: HostNs,
        clock: &C,
        on_message: &mut impl FnMut(Incoming<'_>),
    ) -> Result<bool, SocketError> {
        if !self.outgoing.is_empty() {
            self.write_out()?;
        }
        if !self.leftover.is_empty() {
            let leftover = std::mem::take(&mut self.leftover);
            let (read_at, empty_at, taken) = (clock.now(), self.empty_at, leftover.len());
            let stamps = ReadStamps { kernel: None, read_at, empty_at, taken };
            self.deframe(&leftover, stamps, clock, on_message)?;
            return Ok(true);
        }
        let room = self.buffer.len() - self.end;
        let received = rx::receive(self.stream.as_fd(), &mut self.buffer[self.end..]);
        let (read, kernel) = match received {
            Ok((0, _)) => return Err(SocketError::Eof),
            Ok(received) => received,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                (self.empty_at, self.taken) = (now, 0);
                return Ok(false);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        self.end += read;
        let (read_at, empty_at, taken) = (clock.now(), self.empty_at, self.taken + read);
        let stamps = ReadStamps { kernel, read_at, empty_at, taken };
        // A read that leaves room took everything: what comes next was not there yet.
        (self.empty_at, self.taken) = if read < room { (now, 0) } else { (empty_at, taken) };
        self.consume(stamps, clock, on_message)?;
        if !self.pongs.is_empty() {
            let pongs = std::mem::take(&mut self.pongs);
            let result = self.send_plain(&pongs);
            self.pongs = pongs;
            self.pongs.clear();
            result?;
        }
        Ok(true)
    }

    /// Takes messages of at most this many bytes from now on. Memory is given back and taken here, so
    /// this is for a thread that is not warm.
    pub fn bound(&mut self, message_len_max: usize) {
        self.deframer.bound(message_len_max);
    }

    /// Sends one text message; what the kernel does not take at once goes out with the next polls.
    ///
    /// # Errors
    /// [`SocketError::SendFull`] when requests pile up, else what the kernel says.
    pub fn send_text(&mut self, text: &[u8]) -> Result<(), SocketError> {
        self.send_frame(ClientFrame::Text, text)
    }

    /// Says goodbye; nothing is waited for.
    pub fn send_close(&mut self) {
        let _ = self.send_frame(ClientFrame::Close, &1000u16.to_be_bytes());
    }

    fn send_frame(&mut self, kind: ClientFrame, payload: &[u8]) -> Result<(), SocketError> {
        let mask = self.next_mask();
        let mut plain = std::mem::take(&mut self.plain);
        plain.clear();
        write_client_frame(&mut plain, kind, payload, mask);
        let result = self.send_plain(&plain);
        self.plain = plain;
        result
    }

    fn send_plain(&mut self, plain: &[u8]) -> Result<(), SocketError> {
        if self.outgoing.len() + plain.len() + 64 > SEND_BYTES {
            return Err(SocketError::SendFull);
        }
        match &mut self.records {
            Some(records) => records.seal(plain, &mut self.outgoing)?,
            None => self.outgoing.extend_from_slice(plain),
        }
        self.write_out()
    }

    fn write_out(&mut self) -> Result<(), SocketError> {
        while !self.outgoing.is_empty() {
            match self.stream.write(&self.outgoing) {
                Ok(written) => drop(self.outgoing.drain(..written)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Opens every whole record (or takes plain bytes) and finds the messages in them.
    fn consume<C: Clock>(
        &mut self,
        stamps: ReadStamps,
        clock: &C,
        on_message: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), SocketError> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let result = self.consume_from(&mut buffer, stamps, clock, on_message);
        self.buffer = buffer;
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.start > 0 {
            // The rest of a record moves to the front: room for it whole, whatever comes.
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        result
    }

    fn consume_from<C: Clock>(
        &mut self,
        buffer: &mut [u8],
        stamps: ReadStamps,
        clock: &C,
        on_message: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), SocketError> {
        loop {
            let unread = &mut buffer[self.start..self.end];
            let Some(records) = &mut self.records else {
                self.start = self.end;
                return self.deframe(unread, stamps, clock, on_message);
            };
            match records.open(unread)? {
                Opened::Partial => return Ok(()),
                Opened::Record { consumed, start, end } => {
                    self.start += consumed;
                    self.deframe(&unread[start..end], stamps, clock, on_message)?;
                }
            }
        }
    }

    fn deframe<C: Clock>(
        &mut self,
        bytes: &[u8],
        stamps: ReadStamps,
        clock: &C,
        on_message: &mut impl FnMut(Incoming<'_>),
    ) -> Result<(), SocketError> {
        let decrypted_at = self.records.is_some().then(|| clock.now());
        let (pongs, mut mask) = (&mut self.pongs, self.mask);
        self.deframer.push(bytes, &mut |event| match event {
            WsEvent::Message(text) => on_message(Incoming { text, stamps, decrypted_at }),
            WsEvent::Ping(data) => {
                mask = step_mask(mask);
                if pongs.len() + data.len() + 16 <= SEND_BYTES / 2 {
                    write_client_frame(pongs, ClientFrame::Pong, data, mask.to_be_bytes());
                }
            }
        })?;
        self.mask = mask;
        Ok(())
    }

    fn next_mask(&mut self) -> [u8; 4] {
        self.mask = step_mask(self.mask);
        self.mask.to_be_bytes()
    }
}

/// Xorshift: masks only protect old proxies from chosen bytes, which we do not send.
const fn step_mask(mask: u32) -> u32 {
    let mut mask = mask;
    mask ^= mask << 13;
    mask ^= mask >> 17;
    mask ^ (mask << 5)
}
