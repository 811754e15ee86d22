//! The version of the rules of a session: what the program concludes from the frames and decisions of a tape.
//!
//! A tape holds what was heard and decided, not what followed from it. A later build may follow other rules
//! (which trade is believed, in which order strategies are called), so that the same tape comes to another
//! digest. The version stands in the tape, and whoever keeps an older behaviour asks for it here:
//! `config.rules >= Rules::SECOND`.

use std::fmt;

/// A version of the rules, counted from 1. Later versions compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rules(u16);

impl Rules {
    /// Those of tapes that carry no version.
    pub const FIRST: Self = Self(1);
    /// Values of the wire are bounded before they are believed, and strategies are called in a seeded permutation.
    pub const SECOND: Self = Self(2);
    /// Those of this build.
    pub const CURRENT: Self = Self::SECOND;

    /// The version of this number; `None` for 0 and for what no tape holds.
    pub fn from_number(number: u64) -> Option<Self> {
        u16::try_from(number).ok().filter(|number| *number > 0).map(Self)
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Display for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
