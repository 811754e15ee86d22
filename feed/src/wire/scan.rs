//! A pull reader over one JSON text: borrows, never copies, never allocates.
//!
//! Values that are used are taken as the venue writes them: a string with an escape is a syntax error,
//! for no symbol, side or time has one. Values that are not used are stepped over whatever valid JSON
//! they are (RFC 8259): numbers of any length, escaped text, nested values. A field that the venue adds
//! tomorrow must not cost a book.

use super::WireError;

/// Deepest nesting that is skipped over; real frames have four levels. One bit per level.
const DEPTH_MAX: usize = 1024;

/// A position in a JSON text.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    /// At the start of a text.
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The error for this position.
    pub const fn error(&self) -> WireError {
        WireError::Syntax { at: self.at }
    }

    /// The next byte that is not white space, without taking it.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\t' | b'\n' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    /// Takes `byte`.
    ///
    /// # Errors
    /// When something else stands there.
    #[inline]
    pub fn expect(&mut self, byte: u8) -> Result<(), WireError> {
        if self.peek() == Some(byte) {
            self.at += 1;
            return Ok(());
        }
        Err(self.error())
    }

    /// Takes `byte` if it stands there.
    #[inline]
    pub fn take_if(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// After a value inside an object or array: true when another follows, false at `close`.
    ///
    /// # Errors
    /// When neither a comma nor `close` stands there.
    #[inline]
    pub fn another(&mut self, close: u8) -> Result<bool, WireError> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == close => {
                self.at += 1;
                Ok(false)
            }
            _ => Err(self.error()),
        }
    }

    /// A string without escapes.
    ///
    /// # Errors
    /// For anything else.
    #[inline]
    pub fn string(&mut self) -> Result<&'a [u8], WireError> {
        self.expect(b'"')?;
        let start = self.at;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(&self.text[start..self.at - 1]);
                }
                b'\\' | 0..=0x1f => break,
                _ => self.at += 1,
            }
        }
        Err(self.error())
    }

    /// A key and its colon. A key with an escape is none of ours and is given as it stands.
    ///
    /// # Errors
    /// For anything else, and for a key that spells ASCII text by numbers: it could be one of ours.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], WireError> {
        let start = self.at;
        let key = match self.string() {
            Ok(key) => key,
            Err(_) => self.escaped_key(start)?,
        };
        self.expect(b':')?;
        Ok(key)
    }

    #[cold]
    fn escaped_key(&mut self, start: usize) -> Result<&'a [u8], WireError> {
        self.at = start;
        self.peek();
        let start = self.at + 1;
        self.skip_string()?;
        let key = &self.text[start..self.at - 1];
        let is_ascii =
            |escape: &[u8]| matches!(escape, [b'\\', b'u', b'0', b'0', first, ..] if *first < b'8');
        if key.windows(6).any(is_ascii) { Err(self.error()) } else { Ok(key) }
    }

    /// The token of a number as it stands.
    ///
    /// # Errors
    /// For anything else.
    #[inline]
    pub fn number(&mut self) -> Result<&'a [u8], WireError> {
        self.peek();
        let start = self.at;
        while let Some(b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.error());
        }
        Ok(&self.text[start..self.at])
    }

    /// The same, or `None` for `null`: the value is not told.
    ///
    /// # Errors
    /// For anything else.
    #[inline]
    pub fn number_or_null(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        match self.number() {
            Ok(token) => Ok(Some(token)),
            Err(_) => self.null(),
        }
    }

    /// A string without escapes, or `None` for `null`.
    ///
    /// # Errors
    /// For anything else.
    #[inline]
    pub fn string_or_null(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        if self.peek() == Some(b'"') { self.string().map(Some) } else { self.null() }
    }

    #[cold]
    fn null(&mut self) -> Result<Option<&'a [u8]>, WireError> {
        self.peek();
        self.literal(b"null").map(|()| None)
    }

    /// An unsigned integer.
    ///
    /// # Errors
    /// For anything else, or beyond 64 bits.
    pub fn unsigned(&mut self) -> Result<u64, WireError> {
        let token = self.number()?;
        if token.len() > 1 && token[0] == b'0' {
            return Err(self.error());
        }
        let mut value = 0u64;
        for &byte in token {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return Err(self.error());
            }
            value = value
                .checked_mul(10)
                .and_then(|v| v.checked_add(u64::from(digit)))
                .ok_or_else(|| self.error())?;
        }
        Ok(value)
    }

    /// Steps over any value.
    ///
    /// # Errors
    /// When it is not valid JSON, or is nested too deep.
    pub fn skip_value(&mut self) -> Result<(), WireError> {
        match self.peek() {
            Some(b'{' | b'[') => self.skip_nested(),
            _ => self.skip_scalar(),
        }
    }

    fn skip_scalar(&mut self) -> Result<(), WireError> {
        match self.peek() {
            Some(b'"') => self.skip_string(),
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => self.skip_number(),
        }
    }

    fn skip_nested(&mut self) -> Result<(), WireError> {
        let mut open = Nesting { is_object: [0; DEPTH_MAX / 64], depth: 0 };
        loop {
            if let Some(byte @ (b'{' | b'[')) = self.peek() {
                let is_object = byte == b'{';
                self.at += 1;
                if !self.take_if(if is_object { b'}' } else { b']' }) {
                    open.push(is_object).ok_or_else(|| self.error())?;
                    if is_object {
                        self.skip_key()?;
                    }
                    continue;
                }
            } else {
                self.skip_scalar()?;
            }
            // A value ended: close what it ends, or go on to the next one.
            loop {
                let Some(is_object) = open.top() else {
                    return Ok(());
                };
                if self.another(if is_object { b'}' } else { b']' })? {
                    if is_object {
                        self.skip_key()?;
                    }
                    break;
                }
                open.depth -= 1;
            }
        }
    }

    /// True when only white space is left.
    pub fn is_at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    fn skip_key(&mut self) -> Result<(), WireError> {
        self.skip_string()?;
        self.expect(b':')
    }

    fn skip_string(&mut self) -> Result<(), WireError> {
        self.expect(b'"')?;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.skip_escape()?,
                0..=0x1f => break,
                _ => self.at += 1,
            }
        }
        Err(self.error())
    }

    /// An escape. Halves of a character are not joined: nobody reads the text.
    fn skip_escape(&mut self) -> Result<(), WireError> {
        let rest = &self.text[self.at..];
        self.at += match rest.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') if rest.get(2..6).is_some_and(|it| it.iter().all(u8::is_ascii_hexdigit)) => {
                6
            }
            _ => return Err(self.error()),
        };
        Ok(())
    }

    /// A number of any length and size.
    fn skip_number(&mut self) -> Result<(), WireError> {
        let token = self.number()?;
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = token.strip_prefix(b"-").unwrap_or(token);
        let whole = digits(rest);
        let mut is_good = whole == 1 || (whole > 1 && rest[0] != b'0');
        let mut rest = &rest[whole..];
        if let Some(fraction) = rest.strip_prefix(b".") {
            let len = digits(fraction);
            is_good &= len > 0;
            rest = &fraction[len..];
        }
        if let [b'e' | b'E', exponent @ ..] = rest {
            let exponent = match exponent {
                [b'+' | b'-', digits @ ..] => digits,
                digits => digits,
            };
            let len = digits(exponent);
            is_good &= len > 0;
            rest = &exponent[len..];
        }
        if is_good && rest.is_empty() { Ok(()) } else { Err(self.error()) }
    }

    fn literal(&mut self, word: &[u8]) -> Result<(), WireError> {
        if self.text[self.at..].starts_with(word) {
            self.at += word.len();
            return Ok(());
        }
        Err(self.error())
    }
}

/// The objects and arrays that are open around a position.
struct Nesting {
    /// One bit per level: an object or an array.
    is_object: [u64; DEPTH_MAX / 64],
    depth: usize,
}

impl Nesting {
    /// `None` when it is too deep.
    fn push(&mut self, is_object: bool) -> Option<()> {
        let word = self.is_object.get_mut(self.depth / 64)?;
        *word = *word & !(1 << (self.depth % 64)) | u64::from(is_object) << (self.depth % 64);
        self.depth += 1;
        Some(())
    }

    const fn top(&self) -> Option<bool> {
        match self.depth.checked_sub(1) {
            Some(at) => Some(self.is_object[at / 64] >> (at % 64) & 1 == 1),
            None => None,
        }
    }
}
