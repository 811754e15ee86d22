//! WebSocket messages in a stream of bytes (RFC 6455): the client's side, without allocation.
//!
//! A message that lies whole in what was just received is handed out where it lies. What is cut off
//! waits in one fixed buffer.

/// Why the stream cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WsError {
    /// A server frame with reserved bits, a mask or an unknown opcode.
    #[error("a WebSocket frame breaks RFC 6455")]
    Protocol,
    /// Longer than any message of the venue.
    #[error("a WebSocket message is larger than {max} bytes")]
    TooLarge {
        /// The limit.
        max: usize,
    },
    /// The server closed with this code (RFC 6455, 7.4), 1005 when it gave none.
    #[error("closed by the server with code {0}")]
    Closed(u16),
}

/// Something whole in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WsEvent<'a> {
    /// A text (or binary) message.
    Message(&'a [u8]),
    /// A ping to be answered with the same bytes.
    Ping(&'a [u8]),
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
/// Two bytes, and eight of extended length.
const HEADER_LEN_MAX: usize = 10;

/// Finds messages in a stream.
#[derive(Debug)]
pub struct Deframer {
    /// Bytes of a frame that is not whole yet.
    pending: Vec<u8>,
    /// Payload of a message whose last fragment has not come.
    message: Vec<u8>,
    is_fragmented: bool,
    message_len_max: usize,
}

/// A frame at the start of some bytes.
struct Header {
    is_final: bool,
    opcode: u8,
    len: usize,
    header_len: usize,
}

impl Deframer {
    /// A deframer whose buffers are taken at once for messages up to `message_len_max` bytes.
    pub fn new(message_len_max: usize) -> Self {
        Self {
            pending: Vec::with_capacity(message_len_max + HEADER_LEN_MAX),
            message: Vec::with_capacity(message_len_max),
            is_fragmented: false,
            message_len_max,
        }
    }

    /// Takes messages of at most `message_len_max` bytes from now on, and gives back the memory that
    /// longer ones have left.
    pub fn bound(&mut self, message_len_max: usize) {
        if self.message_len_max == message_len_max {
            return;
        }
        self.message_len_max = message_len_max;
        for (buffer, len) in [
            (&mut self.pending, message_len_max + HEADER_LEN_MAX),
            (&mut self.message, message_len_max),
        ] {
            buffer.shrink_to(len);
            buffer.reserve_exact(len.saturating_sub(buffer.len()));
        }
    }

    /// Bytes of memory that it holds.
    pub const fn capacity(&self) -> usize {
        self.pending.capacity() + self.message.capacity()
    }

    /// Forgets a half-received frame, as after a lost connection.
    pub fn reset(&mut self) {
        self.pending.clear();
        self.message.clear();
        self.is_fragmented = false;
    }

    /// Takes the next bytes of the stream; `on_event` gets every message that they complete.
    ///
    /// # Errors
    /// [`WsError`]; the connection is then over.
    pub fn push(
        &mut self,
        bytes: &[u8],
        on_event: &mut impl FnMut(WsEvent<'_>),
    ) -> Result<(), WsError> {
        let mut rest = bytes;
        while !self.pending.is_empty() {
            // Complete the waiting frame with as few bytes as it needs, then go on in place.
            let missing = match self.header(&self.pending)? {
                Some(header) => header.header_len + header.len - self.pending.len(),
                None => 1,
            };
            if missing > 0 {
                if rest.is_empty() {
                    return Ok(());
                }
                let (now, later) = rest.split_at(missing.min(rest.len()));
                self.pending.extend_from_slice(now);
                rest = later;
                continue;
            }
            let pending = std::mem::take(&mut self.pending);
            let result = self.frame(&pending, on_event);
            self.pending = pending;
            self.pending.clear();
            result?;
        }
        loop {
            let whole = match self.header(rest)? {
                Some(header) if rest.len() >= header.header_len + header.len => {
                    header.header_len + header.len
                }
                Some(_) | None => break,
            };
            let (frame, later) = rest.split_at(whole);
            self.frame(frame, on_event)?;
            rest = later;
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// The header at the start of `bytes`, or `None` when it is not whole.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, WsError> {
        let &[first, second, ..] = bytes else {
            return Ok(None);
        };
        const RESERVED: u8 = 0x70;
        const MASKED: u8 = 0x80;
        if first & RESERVED != 0 || second & MASKED != 0 {
            return Err(WsError::Protocol);
        }
        let opcode = first & 0x0f;
        let is_final = first & 0x80 != 0;
        let is_control = opcode >= CLOSE;
        let (len, header_len) = match second {
            126 => match bytes.get(2..4) {
                Some(len) => (u64::from(u16::from_be_bytes([len[0], len[1]])), 4),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).and_then(|len| len.first_chunk::<8>()) {
                Some(len) => (u64::from_be_bytes(*len), 10),
                None => return Ok(None),
            },
            len => (u64::from(len), 2),
        };
        if is_control && (!is_final || len > 125) {
            return Err(WsError::Protocol);
        }
        let max = self.message_len_max;
        let len = usize::try_from(len).ok().filter(|len| *len <= max);
        let len = len.ok_or(WsError::TooLarge { max })?;
        Ok(Some(Header { is_final, opcode, len, header_len }))
    }

    fn frame(
        &mut self,
        frame: &[u8],
        on_event: &mut impl FnMut(WsEvent<'_>),
    ) -> Result<(), WsError> {
        let header = self.header(frame)?.ok_or(WsError::Protocol)?;
        let payload = &frame[header.header_len..];
        match (header.opcode, self.is_fragmented) {
            (TEXT | BINARY, false) if header.is_final => on_event(WsEvent::Message(payload)),
            (TEXT | BINARY, false) | (CONTINUATION, true) => {
                if self.message.len() + payload.len() > self.message_len_max {
                    return Err(WsError::TooLarge { max: self.message_len_max });
                }
                self.message.extend_from_slice(payload);
                self.is_fragmented = !header.is_final;
                if header.is_final {
                    on_event(WsEvent::Message(&self.message));
                    self.message.clear();
                }
            }
            (PING, _) => on_event(WsEvent::Ping(payload)),
            (PONG, _) => {}
            (CLOSE, _) => {
                let code =
                    payload.first_chunk::<2>().map_or(1005, |code| u16::from_be_bytes(*code));
                return Err(WsError::Closed(code));
            }
            _ => return Err(WsError::Protocol),
        }
        Ok(())
    }
}

/// What a client frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFrame {
    /// A request.
    Text,
    /// The answer to a ping.
    Pong,
    /// A polite end.
    Close,
}

/// Appends one masked client frame to `out`; payloads are requests of less than 64 KiB.
///
/// # Panics
/// For a longer payload.
pub fn write_client_frame(out: &mut Vec<u8>, kind: ClientFrame, payload: &[u8], mask: [u8; 4]) {
    let opcode = match kind {
        ClientFrame::Text => TEXT,
        ClientFrame::Pong => PONG,
        ClientFrame::Close => CLOSE,
    };
    out.push(0x80 | opcode);
    let len = u16::try_from(payload.len()).expect("requests are short");
    match u8::try_from(len) {
        Ok(short) if short < 126 => out.push(0x80 | short),
        _ => {
            out.push(0x80 | 126);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
}

#[cfg(test)]
mod tests;
