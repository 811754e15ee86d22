//! What one account has already taken of the displayed book.
//!
//! Paper orders leave the real book as it was, so without this the same quantity could be bought again
//! and again. A taken quantity counts as gone until the feed shows the level smaller than it or gone;
//! what is added to a level later is fresh. A level that leaves the visible depth keeps its mark. One
//! account never sees another's.

use paperwire_core::book::DepthBook;
use paperwire_core::instrument::SymbolId;
use paperwire_core::ladder::BookSide;
use paperwire_core::limits::CONSUMED_LEVELS_MAX;
use paperwire_core::num::{Px, Qty};
use paperwire_core::symbol_set::SymbolSet;

#[derive(Clone, Copy, Debug)]
struct Taken {
    symbol: SymbolId,
    side: BookSide,
    px: Px,
    qty: Qty,
}

/// Quantities taken by one account, by symbol, side and price.
#[derive(Clone, Debug)]
pub struct Consumed {
    taken: Vec<Taken>,
    /// Symbols with an entry.
    symbols: SymbolSet,
}

impl Default for Consumed {
    fn default() -> Self {
        Self { taken: Vec::with_capacity(CONSUMED_LEVELS_MAX), symbols: SymbolSet::EMPTY }
    }
}

impl Consumed {
    /// True when nothing of `symbol` was taken.
    pub const fn is_untouched(&self, symbol: SymbolId) -> bool {
        !self.symbols.contains(symbol)
    }

    /// Quantity taken at one level.
    pub fn at(&self, symbol: SymbolId, side: BookSide, px: Px) -> Qty {
        self.find(symbol, side, px).map_or(Qty::ZERO, |index| self.taken[index].qty)
    }

    /// Takes from a level of which nothing was taken yet. With [`CONSUMED_LEVELS_MAX`] levels the oldest
    /// is forgotten, so that an account that has taken very much can still close its positions.
    pub fn take_first(&mut self, symbol: SymbolId, side: BookSide, px: Px, qty: Qty) {
        debug_assert!(self.find(symbol, side, px).is_none(), "nothing was taken there");
        if self.taken.len() == CONSUMED_LEVELS_MAX {
            self.taken.remove(0);
        }
        self.taken.push(Taken { symbol, side, px, qty });
        self.symbols.insert(symbol);
    }

    /// Takes from a level of which something was taken before.
    ///
    /// # Panics
    /// When nothing was.
    pub fn take_more(&mut self, symbol: SymbolId, side: BookSide, px: Px, qty: Qty) {
        let index = self.find(symbol, side, px).expect("something was taken there");
        self.taken[index].qty += qty;
    }

    /// Compares with the book after a message: no more can be taken of a level than it shows.
    pub fn follow(&mut self, symbol: SymbolId, book: &DepthBook) {
        if self.is_untouched(symbol) {
            return;
        }
        self.taken.retain_mut(|taken| {
            if taken.symbol != symbol {
                return true;
            }
            if let Some(shown) = book.shown(taken.side, taken.px) {
                taken.qty = taken.qty.min(shown);
            }
            !taken.qty.is_zero()
        });
        if !self.taken.iter().any(|taken| taken.symbol == symbol) {
            self.symbols.remove(symbol);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.taken.clear();
        self.symbols.clear();
    }

    fn find(&self, symbol: SymbolId, side: BookSide, px: Px) -> Option<usize> {
        if self.is_untouched(symbol) {
            return None;
        }
        self.taken.iter().position(|t| t.px == px && t.side == side && t.symbol == symbol)
    }
}
