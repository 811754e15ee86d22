//! Why a strategy wants something: carried by its signals, orders and fills.

use crate::limits::REASON_VALUES_MAX;

/// Why, as a static code with named values; made into text on the async side only.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reason {
    code: &'static str,
    values: [(&'static str, f64); REASON_VALUES_MAX],
    len: u8,
}

impl Reason {
    /// A reason without values.
    pub const fn new(code: &'static str) -> Self {
        Self { code, values: [("", 0.0); REASON_VALUES_MAX], len: 0 }
    }

    /// Adds a named value; beyond [`REASON_VALUES_MAX`] they are dropped.
    #[must_use]
    pub const fn with(mut self, name: &'static str, value: f64) -> Self {
        if (self.len as usize) < REASON_VALUES_MAX {
            self.values[self.len as usize] = (name, value);
            self.len += 1;
        }
        self
    }

    /// The code.
    pub const fn code(&self) -> &'static str {
        self.code
    }

    /// The named values.
    pub fn values(&self) -> &[(&'static str, f64)] {
        &self.values[..usize::from(self.len)]
    }
}
