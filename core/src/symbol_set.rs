//! A set of symbols of one run: one word of bits, so that asking and changing cost an instruction.

use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

use crate::ids::SymbolId;
use crate::limits::SYMBOLS_MAX;

/// Some of the symbols of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(transparent)]
pub struct SymbolSet(u64);
const _: () = assert!(SYMBOLS_MAX <= u64::BITS as usize, "one bit per symbol");

impl SymbolSet {
    /// No symbol.
    pub const EMPTY: Self = Self(0);
    /// Every symbol that any run can have.
    pub const EVERY: Self = Self(u64::MAX);

    /// The first `count` symbols: all of a run with so many.
    ///
    /// # Panics
    /// If `count` is more than [`SYMBOLS_MAX`].
    pub const fn all(count: usize) -> Self {
        assert!(count <= SYMBOLS_MAX, "configuration bounds the number of symbols");
        match count {
            0 => Self::EMPTY,
            _ => Self(u64::MAX >> (u64::BITS as usize - count)),
        }
    }

    /// One symbol alone.
    ///
    /// # Panics
    /// If its index is not below [`SYMBOLS_MAX`], as in every method that is given a symbol.
    #[inline]
    pub const fn only(symbol: SymbolId) -> Self {
        Self(1 << symbol.0)
    }

    /// Whether it is in the set.
    #[inline]
    pub const fn contains(self, symbol: SymbolId) -> bool {
        self.0 >> symbol.0 & 1 == 1
    }

    /// Adds a symbol.
    #[inline]
    pub const fn insert(&mut self, symbol: SymbolId) {
        self.0 |= 1 << symbol.0;
    }

    /// Takes a symbol out.
    #[inline]
    pub const fn remove(&mut self, symbol: SymbolId) {
        self.0 &= !(1 << symbol.0);
    }

    /// Takes every symbol out.
    pub const fn clear(&mut self) {
        self.0 = 0;
    }

    /// True without symbols.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Number of symbols.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// True when no symbol is in both.
    #[inline]
    pub const fn is_disjoint(self, other: Self) -> bool {
        self.0 & other.0 == 0
    }

    /// Its symbols, in the order of their indexes.
    #[inline]
    pub fn iter(self) -> SymbolSetIter {
        SymbolSetIter(self.0)
    }
}

/// Symbols of both.
impl BitAnd for SymbolSet {
    type Output = Self;

    #[inline]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// Symbols of either.
impl BitOr for SymbolSet {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for SymbolSet {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

/// Symbols of the first that are not in the second.
impl Sub for SymbolSet {
    type Output = Self;

    #[inline]
    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<SymbolId> for SymbolSet {
    fn from_iter<I: IntoIterator<Item = SymbolId>>(symbols: I) -> Self {
        symbols.into_iter().fold(Self::EMPTY, |all, symbol| all | Self::only(symbol))
    }
}

impl IntoIterator for SymbolSet {
    type Item = SymbolId;
    type IntoIter = SymbolSetIter;

    #[inline]
    fn into_iter(self) -> SymbolSetIter {
        self.iter()
    }
}

/// The symbols of a set, in the order of their indexes.
#[derive(Clone, Debug)]
pub struct SymbolSetIter(u64);

impl Iterator for SymbolSetIter {
    type Item = SymbolId;

    #[inline]
    fn next(&mut self) -> Option<SymbolId> {
        let bit = u16::try_from(self.0.trailing_zeros()).ok().filter(|bit| *bit < 64)?;
        self.0 &= self.0 - 1;
        Some(SymbolId(bit))
    }
}

#[cfg(test)]
mod tests;
