//! One side of a book: rows sorted best first in memory that is taken once.
//!
//! The rows sit in the middle of a larger slice, so a change moves only the shorter part: changes at
//! the top of a 1000-row side cost as little as in a 10-row one. No row is ever allocated or freed.

use crate::limits::LADDER_SLACK;
use crate::num::Px;

/// Which side of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BookSide {
    /// Buyers; best is highest.
    Bid,
    /// Sellers; best is lowest.
    Ask,
}

impl BookSide {
    /// True when `a` is a better price than `b` on this side.
    pub const fn better(self, a: Px, b: Px) -> bool {
        match self {
            Self::Bid => a.raw() > b.raw(),
            Self::Ask => a.raw() < b.raw(),
        }
    }
}

/// Something with a price that a side can be sorted by.
pub trait Row: Copy {
    /// A row for unused memory.
    const EMPTY: Self;
    /// The row's price.
    fn px(&self) -> Px;
}

/// Sorted rows of one side, at most `depth` between messages.
#[derive(Debug)]
pub struct Ladder<R> {
    rows: Box<[R]>,
    /// First row; `start <= end <= rows.len()`.
    start: usize,
    /// One past the last row.
    end: usize,
    depth: usize,
    side: BookSide,
}

impl<R: Row> Ladder<R> {
    /// An empty side for `depth` rows; all memory it will ever use is taken here.
    pub fn new(side: BookSide, depth: usize) -> Self {
        assert!(depth > 0, "a side has at least one row");
        let rows = vec![R::EMPTY; 2 * depth + 2 * LADDER_SLACK].into_boxed_slice();
        let middle = rows.len() / 2;
        Self { rows, start: middle, end: middle, depth, side }
    }

    /// Rows, best first.
    pub fn rows(&self) -> &[R] {
        &self.rows[self.start..self.end]
    }

    /// The best row.
    pub fn best(&self) -> Option<&R> {
        self.rows().first()
    }

    /// Number of rows.
    pub const fn len(&self) -> usize {
        self.end - self.start
    }

    /// True without rows.
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Rows kept after each message.
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// Forgets every row.
    pub fn clear(&mut self) {
        self.start = self.rows.len() / 2;
        self.end = self.start;
    }

    /// Sets the row at its price, and returns its index.
    pub fn set(&mut self, row: R) -> usize {
        match self.find(row.px()) {
            Ok(index) => {
                self.rows[self.start + index] = row;
                index
            }
            Err(index) => {
                self.insert(index, row);
                index
            }
        }
    }

    /// Removes the row at `px`, and returns the index it had.
    pub fn remove(&mut self, px: Px) -> Option<usize> {
        let index = self.find(px).ok()?;
        let at = self.start + index;
        if index < self.len() / 2 {
            self.rows.copy_within(self.start..at, self.start + 1);
            self.start += 1;
        } else {
            self.rows.copy_within(at + 1..self.end, at);
            self.end -= 1;
        }
        Some(index)
    }

    /// Drops rows beyond the depth: the venue sends no removal for them, and keeping them would
    /// revive ghost liquidity that the checksum of the top ten cannot see.
    pub fn truncate(&mut self) {
        self.end = self.end.min(self.start + self.depth);
        debug_assert!(
            self.rows().windows(2).all(|pair| self.side.better(pair[0].px(), pair[1].px())),
            "rows are strictly sorted"
        );
    }

    /// The row at exactly `px`.
    pub fn get(&self, px: Px) -> Option<&R> {
        self.find(px).ok().map(|index| &self.rows[self.start + index])
    }

    fn find(&self, px: Px) -> Result<usize, usize> {
        let rows = self.rows();
        // The side is looked at once, not in each step of the search.
        let index = match self.side {
            BookSide::Bid => count_before(rows, |row| row.px() > px),
            BookSide::Ask => count_before(rows, |row| row.px() < px),
        };
        match rows.get(index) {
            Some(row) if row.px() == px => Ok(index),
            _ => Err(index),
        }
    }

    fn insert(&mut self, index: usize, row: R) {
        let mut index = index;
        if self.len() >= self.depth + LADDER_SLACK {
            // Overfull within one message: the worst row goes early (see `LADDER_SLACK`).
            self.end -= 1;
            if index > self.len() {
                return;
            }
            index = index.min(self.len());
        }
        let toward_start = index < self.len() / 2;
        if (toward_start && self.start == 0) || (!toward_start && self.end == self.rows.len()) {
            self.recentre();
        }
        let at = self.start + index;
        if toward_start {
            self.rows.copy_within(self.start..at, self.start - 1);
            self.start -= 1;
            self.rows[at - 1] = row;
        } else {
            self.rows.copy_within(at..self.end, at + 1);
            self.end += 1;
            self.rows[at] = row;
        }
    }

    /// Moves the rows to the middle; needed once per at least `LADDER_SLACK / 2` one-sided shifts.
    fn recentre(&mut self) {
        let len = self.len();
        let start = (self.rows.len() - len) / 2;
        self.rows.copy_within(self.start..self.end, start);
        self.start = start;
        self.end = start + len;
        assert!(self.start > 0, "capacity leaves room on both ends");
        assert!(self.end < self.rows.len(), "capacity leaves room on both ends");
    }
}

/// So few rows of a cache line each are compared all, without waiting for the comparison before. Smaller rows share
/// lines, and halving is quicker.
const COMPARED_ALL: usize = 32;
const CACHE_LINE: usize = 64;

/// Of sorted rows, how many come before.
#[inline]
fn count_before<R>(rows: &[R], is_before: impl Fn(&R) -> bool) -> usize {
    if rows.len() <= COMPARED_ALL && size_of::<R>() >= CACHE_LINE {
        rows.iter().map(|row| usize::from(is_before(row))).sum()
    } else {
        rows.partition_point(is_before)
    }
}

#[cfg(test)]
mod tests;
