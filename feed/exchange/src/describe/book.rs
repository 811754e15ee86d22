//! A book as its observer sees it: sorted rows per side, cut to a depth where the stream is cut.

use paperwire_core::ladder::BookSide;
use paperwire_core::num::{Px, Qty};

use crate::matching::rank;

/// Best price and quantity of each side, bids first; `None` while a side is empty.
pub(super) type Touch = [Option<(Px, Qty)>; 2];

/// Rows of both sides, best first.
#[derive(Debug, Default)]
pub(super) struct SeenBook {
    sides: [Vec<(Px, Qty)>; 2],
}

/// What one changed level did within the first rows of a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Nothing that a client of this depth is told.
    Nothing,
    /// A row changed or entered.
    Change,
    /// A row left, so that another one entered at the bottom.
    Removal,
}

const fn slot(side: BookSide) -> usize {
    match side {
        BookSide::Bid => 0,
        BookSide::Ask => 1,
    }
}

impl SeenBook {
    /// Takes a level in and says what a client of `depth` rows sees of it.
    pub(super) fn apply(&mut self, side: BookSide, px: Px, qty: Qty, depth: usize) -> Seen {
        let rows = &mut self.sides[slot(side)];
        match rows.binary_search_by_key(&rank(side, px), |row| rank(side, row.0)) {
            Ok(at) if qty.is_zero() => {
                rows.remove(at);
                if at < depth { Seen::Removal } else { Seen::Nothing }
            }
            Ok(at) if rows[at].1 == qty => Seen::Nothing,
            Ok(at) => {
                rows[at].1 = qty;
                if at < depth { Seen::Change } else { Seen::Nothing }
            }
            Err(_) if qty.is_zero() => Seen::Nothing,
            Err(at) => {
                rows.insert(at, (px, qty));
                if at < depth { Seen::Change } else { Seen::Nothing }
            }
        }
    }

    /// Forgets every row, as a snapshot does.
    pub(super) fn clear(&mut self) {
        self.sides.iter_mut().for_each(Vec::clear);
    }

    /// Forgets what lies below the first `depth` rows.
    pub(super) fn truncate(&mut self, depth: usize) {
        self.sides.iter_mut().for_each(|rows| rows.truncate(depth));
    }

    pub(super) fn touch(&self) -> Touch {
        [self.sides[0].first().copied(), self.sides[1].first().copied()]
    }

    /// Both sides, best first.
    pub(super) const fn sides(&self) -> &[Vec<(Px, Qty)>; 2] {
        &self.sides
    }
}
