//! The TLS 1.3 record layer after the handshake: opens and seals in place, never allocates.
//!
//! `rustls` does the handshake and hands over the traffic keys (its documented way for kernel TLS); its
//! own record layer allocates one buffer per record, which the feed thread must not. Records are RFC
//! 8446, section 5. A key update ends the connection (the feed reconnects): no public server that we
//! know sends one to a client that only listens.

use ring::aead::{
    AES_128_GCM, AES_256_GCM, Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey,
};
use rustls::{ConnectionTrafficSecrets, ExtractedSecrets};

/// Type, version and length.
pub const HEADER_LEN: usize = 5;
/// Longest ciphertext of a record (RFC 8446, 5.2).
pub const RECORD_LEN_MAX: usize = (1 << 14) + 256;
const TAG_LEN: usize = 16;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const KEY_UPDATE: u8 = 24;
const CLOSE_NOTIFY: u8 = 0;

/// Why the connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The record cannot be authentic.
    #[error("a TLS record failed its authentication")]
    Authentication,
    /// Not TLS 1.3 as negotiated.
    #[error("a TLS record is malformed")]
    Record,
    /// The peer ended the connection properly.
    #[error("closed by the server")]
    Closed,
    /// The peer ended it with this alert (RFC 8446, 6).
    #[error("TLS alert {0} from the server")]
    Alert(u8),
    /// The peer changed its keys.
    #[error("the server changed its keys; reconnecting")]
    KeyUpdate,
    /// The negotiated cipher is not one of TLS 1.3.
    #[error("unsupported cipher suite")]
    Cipher,
}

/// One direction's key with its record number.
struct Direction {
    key: LessSafeKey,
    iv: [u8; 12],
    sequence: u64,
}

impl Direction {
    fn new(sequence: u64, secrets: &ConnectionTrafficSecrets) -> Result<Self, TlsError> {
        let (algorithm, key, iv) = match secrets {
            ConnectionTrafficSecrets::Aes128Gcm { key, iv } => (&AES_128_GCM, key, iv),
            ConnectionTrafficSecrets::Aes256Gcm { key, iv } => (&AES_256_GCM, key, iv),
            ConnectionTrafficSecrets::Chacha20Poly1305 { key, iv } => (&CHACHA20_POLY1305, key, iv),
            _ => return Err(TlsError::Cipher),
        };
        let key = UnboundKey::new(algorithm, key.as_ref()).map_err(|_| TlsError::Cipher)?;
        let iv = iv.as_ref().try_into().map_err(|_| TlsError::Cipher)?;
        Ok(Self { key: LessSafeKey::new(key), iv, sequence })
    }

    /// The per-record nonce (RFC 8446, 5.3): the record number over the end of the vector.
    fn next_nonce(&mut self) -> Nonce {
        let mut nonce = self.iv;
        for (byte, number) in nonce[4..].iter_mut().zip(self.sequence.to_be_bytes()) {
            *byte ^= number;
        }
        self.sequence += 1;
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Both directions of one connection.
pub struct RecordLayer {
    receive: Direction,
    send: Direction,
}

impl std::fmt::Debug for RecordLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RecordLayer")
            .field("received", &self.receive.sequence)
            .finish_non_exhaustive()
    }
}

/// What the start of a buffer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opened {
    /// Not yet a whole record.
    Partial,
    /// A record of `consumed` bytes; its application data is `start..end` (possibly empty).
    Record {
        /// Bytes to drop from the buffer afterwards.
        consumed: usize,
        /// Where its content starts.
        start: usize,
        /// Where its content ends.
        end: usize,
    },
}

impl RecordLayer {
    /// Continues where a finished handshake left off.
    ///
    /// # Errors
    /// [`TlsError::Cipher`] for a suite that TLS 1.3 does not have.
    pub fn new(secrets: &ExtractedSecrets) -> Result<Self, TlsError> {
        Ok(Self {
            receive: Direction::new(secrets.rx.0, &secrets.rx.1)?,
            send: Direction::new(secrets.tx.0, &secrets.tx.1)?,
        })
    }

    /// Opens the record at the start of `buffer` in place.
    ///
    /// # Errors
    /// [`TlsError`]; the connection is then over.
    pub fn open(&mut self, buffer: &mut [u8]) -> Result<Opened, TlsError> {
        let Some(header) = buffer.first_chunk::<HEADER_LEN>().copied() else {
            return Ok(Opened::Partial);
        };
        let len = usize::from(u16::from_be_bytes([header[3], header[4]]));
        if len > RECORD_LEN_MAX {
            return Err(TlsError::Record);
        }
        let consumed = HEADER_LEN + len;
        let Some(body) = buffer.get_mut(HEADER_LEN..consumed) else {
            return Ok(Opened::Partial);
        };
        let nothing = Opened::Record { consumed, start: HEADER_LEN, end: HEADER_LEN };
        match header[0] {
            APPLICATION_DATA => {}
            // Middleboxes make servers send these; they mean nothing in TLS 1.3.
            CHANGE_CIPHER_SPEC => return Ok(nothing),
            _ => return Err(TlsError::Record),
        }
        let nonce = self.receive.next_nonce();
        let plain = self.receive.key.open_in_place(nonce, Aad::from(header), body);
        let plain = plain.map_err(|_| TlsError::Authentication)?;
        // The content's type is its last byte that is not padding.
        let kind_at = plain.iter().rposition(|&byte| byte != 0).ok_or(TlsError::Record)?;
        match plain[kind_at] {
            APPLICATION_DATA => {
                Ok(Opened::Record { consumed, start: HEADER_LEN, end: HEADER_LEN + kind_at })
            }
            HANDSHAKE if plain[0] == KEY_UPDATE => Err(TlsError::KeyUpdate),
            // Session tickets; we never resume.
            HANDSHAKE => Ok(nothing),
            ALERT if kind_at == 2 && plain[1] == CLOSE_NOTIFY => Err(TlsError::Closed),
            ALERT if kind_at == 2 => Err(TlsError::Alert(plain[1])),
            _ => Err(TlsError::Record),
        }
    }

    /// Appends `content` to `out` as one sealed record. `out` must have the room.
    ///
    /// # Errors
    /// [`TlsError::Record`] when the content is larger than one record.
    pub fn seal(&mut self, content: &[u8], out: &mut Vec<u8>) -> Result<(), TlsError> {
        if content.len() >= 1 << 14 {
            return Err(TlsError::Record);
        }
        let len = content.len() + 1 + TAG_LEN;
        let len_bytes = u16::try_from(len).map_err(|_| TlsError::Record)?.to_be_bytes();
        let header = [APPLICATION_DATA, 3, 3, len_bytes[0], len_bytes[1]];
        out.extend_from_slice(&header);
        let start = out.len();
        out.extend_from_slice(content);
        out.push(APPLICATION_DATA);
        let nonce = self.send.next_nonce();
        let tag = self
            .send
            .key
            .seal_in_place_separate_tag(nonce, Aad::from(header), &mut out[start..])
            .map_err(|_| TlsError::Record)?;
        out.extend_from_slice(tag.as_ref());
        Ok(())
    }
}
