//! Numbers that name things within one run: small, `Copy`, and no two kinds of them can be confused.

/// Index of a symbol in this run's configuration; indexes arrays, never shown to a person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct SymbolId(pub u16);

impl SymbolId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Index of a strategy instance in this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct StratId(pub u16);

impl StratId {
    /// As an array index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Number of an order within the run, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct OrderId(pub u64);

/// Number of a fill within the run, from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct FillId(pub u64);
