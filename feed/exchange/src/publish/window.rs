//! What a client of one depth has of a book, and what it must be told.
//!
//! Kraken's rules: a level that left the book is sent as zero, followed by the one that enters at the
//! bottom; a level pushed out by a better one is not mentioned; what the client has is not repeated.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};

use super::messages::push_row;
use crate::matching::{Engine, rank};

/// The rows that a client of one depth has, and what it has still to be told.
#[derive(Debug)]
pub(super) struct Window {
    depth: usize,
    /// Bids, then asks, best first.
    sides: [Vec<(Px, Qty)>; 2],
    /// Rows not sent yet, ready for the wire; bids, then asks.
    pub(super) news: [String; 2],
}

const fn slot(side: BookSide) -> usize {
    match side {
        BookSide::Bid => 0,
        BookSide::Ask => 1,
    }
}

impl Window {
    /// The window of a client whose snapshot shows the book as it is now.
    pub(super) fn new(depth: u16, engine: &Engine) -> Self {
        let depth = usize::from(depth);
        let side = |side| engine.levels(side).take(depth).collect();
        Self { depth, sides: [side(BookSide::Bid), side(BookSide::Ask)], news: Default::default() }
    }

    /// Takes a changed level in; the engine is already past it.
    pub(super) fn apply(&mut self, side: BookSide, px: Px, qty: Qty, engine: &Engine) {
        let rows = &mut self.sides[slot(side)];
        let news = &mut self.news[slot(side)];
        let rules = engine.instrument();
        let found = rows.binary_search_by_key(&rank(side, px), |row| rank(side, row.0));
        match found {
            Ok(at) if qty.is_zero() => {
                rows.remove(at);
                push_row(news, rules, px, qty);
                // The last row stays inside the book or is removed by a later change of this action.
                let next = match rows.last() {
                    Some(&(last, _)) => engine.next_after(side, last),
                    None => engine.best(side),
                };
                if let Some((px, qty)) = next {
                    rows.push((px, qty));
                    push_row(news, rules, px, qty);
                }
            }
            Ok(at) => {
                if rows[at].1 != qty {
                    rows[at].1 = qty;
                    push_row(news, rules, px, qty);
                }
            }
            Err(at) => {
                if !qty.is_zero() && at < self.depth {
                    rows.insert(at, (px, qty));
                    rows.truncate(self.depth);
                    push_row(news, rules, px, qty);
                }
            }
        }
        debug_assert!(rows.len() <= self.depth, "a window is never longer than its depth");
    }
}
