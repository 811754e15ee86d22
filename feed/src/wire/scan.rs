//! A pull reader over one JSON text: borrows, never copies, never allocates.
//!
//! It accepts exactly what the venue sends: ASCII or UTF-8 without escapes inside the strings that
//! are looked at. A string with an escape is a syntax error here; no symbol, side or time has one.

use super::WireError;

/// Deepest nesting that is skipped over; real frames have four levels.
const DEPTH_MAX: usize = 32;

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

    /// A key and its colon.
    ///
    /// # Errors
    /// For anything else.
    #[inline]
    pub fn key(&mut self) -> Result<&'a [u8], WireError> {
        let key = self.string()?;
        self.expect(b':')?;
        Ok(key)
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
    /// When it is not one, or is nested too deep.
    pub fn skip_value(&mut self) -> Result<(), WireError> {
        let mut open = [0u8; DEPTH_MAX];
        let mut depth = 0;
        loop {
            match self.peek() {
                Some(b'{' | b'[') => {
                    if depth == DEPTH_MAX {
                        return Err(self.error());
                    }
                    let close = if self.text[self.at] == b'{' { b'}' } else { b']' };
                    self.at += 1;
                    if !self.take_if(close) {
                        open[depth] = close;
                        depth += 1;
                        if close == b'}' {
                            self.skip_key()?;
                        }
                        continue;
                    }
                }
                Some(b'"') => self.skip_string()?,
                Some(b't') => self.literal(b"true")?,
                Some(b'f') => self.literal(b"false")?,
                Some(b'n') => self.literal(b"null")?,
                _ => self.skip_number()?,
            }
            // A value ended: close what it ends, or go on to the next one.
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let close = open[depth - 1];
                if self.another(close)? {
                    if close == b'}' {
                        self.skip_key()?;
                    }
                    break;
                }
                depth -= 1;
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

    /// An escape; of those by number, no halves of a character.
    fn skip_escape(&mut self) -> Result<(), WireError> {
        let rest = &self.text[self.at..];
        self.at += match rest.get(1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = rest.get(2..6).ok_or_else(|| self.error())?;
                let is_half =
                    matches!(digits, [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]);
                if is_half || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.error());
                }
                6
            }
            _ => return Err(self.error()),
        };
        Ok(())
    }

    /// A number that every reader can hold: what does not fit an integer or a float is an error to some.
    fn skip_number(&mut self) -> Result<(), WireError> {
        let token = self.number()?;
        let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let rest = token.strip_prefix(b"-").unwrap_or(token);
        let whole = digits(rest);
        let mut is_good = (1..=18).contains(&whole) && (whole == 1 || rest[0] != b'0');
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
            is_good &= (1..=2).contains(&len);
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
