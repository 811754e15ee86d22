//! Where a resting paper order stands in its queue, as far as level-2 data and trades can prove it.
//!
//! A pure value; the engine's thread steps it; it never allocates and never reads a clock. It holds
//! one number, an upper bound of the quantity ahead, and every rule keeps it one: a paper order is
//! filled no earlier and no further than a real order in its place would have been.
//!
//! Cancels count as behind us, unless the whole level shrinks below the bound: nothing ahead of us
//! can be larger than the level. Prints at our price always come from ahead. The trap is that a
//! match is told twice, as a level that shrinks and as a print, on two channels of which either may
//! come first; counting both would be too good. So what the book took off the bound is remembered,
//! and a print is first held against that; only what it cannot explain comes off as well.
//!
//! **Why one bound is enough.** Of displayed-minus-prints and least-level-shown, the first is never
//! the lower: what the book took off the bound plus the bound itself is the displayed quantity
//! minus the prints. They part only when a fall is too old to be a print still under way, and then
//! the bound is the lower one.
//!
//! **Why it is safe.** Let `pending` be the matches that the book has shown and the prints not yet,
//! `lowered` what the book took off and no print explained. Then after every event the true
//! quantity ahead is at most `ahead - max(0, pending - lowered)`. A message with matches `p` that
//! takes off `l` adds `p` to one and `l` to the other, and the truth fell by `p`. A print of `q`
//! takes `q` off `pending`, at most `q` off `lowered`, and the rest off the bound. Falls are used up
//! oldest first, so that forgetting the old ones leaves what later prints need.
//!
//! Assumed of the venue: both channels are stamped by one clock, each comes in its own order, and a
//! book message is not stamped before a match that it contains. The window is slack for the falls
//! only; at entry there is none, because leaving out real fills of the first second, the fills that
//! hurt, would flatter the order in another way.

use paperwire_core::num::Qty;
use paperwire_core::time::{ClockStep, DurationNs, ExchNs};

/// A fall of the level older than this, from the book's stamp to the print's, was no match that is
/// still to be printed.
pub const EXPLAIN_WINDOW: DurationNs = DurationNs::from_secs(1);

/// Falls kept apart by age. The bound only falls, so they are few; more of them merge into the
/// newest, which delays forgetting and so errs on the safe side.
pub const FALLS_LEN: usize = 4;

/// What the book took off the bound, and no print has explained yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Fall {
    qty: Qty,
    at: ExchNs,
}

/// The place of one resting order in the queue of its price.
///
/// The caller says what happened at our price, on our side of the book; quantities are the feed's,
/// which never contains our order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePosition {
    ahead_at_entry: Option<Qty>,
    /// `None` while the price has not been seen since entry.
    ahead: Option<Qty>,
    entered_at: ExchNs,
    /// Prints at our price up to here are contained in the quantity the bound started from.
    known_at: ExchNs,
    /// Oldest first; used up ones have no quantity and come before all others.
    falls: [Fall; FALLS_LEN],
}

impl QueuePosition {
    /// Joins the queue behind all that the book shows at our price.
    ///
    /// `at` is the stamp of that book, which must not be older than the order's arrival: behind an
    /// older book, orders that came before ours would be missing. `None` is a price outside the
    /// visible depth, where the quantity ahead has no bound; a price within it that nobody quotes is
    /// `Some(Qty::ZERO)`.
    pub const fn enter(shown: Option<Qty>, at: ExchNs) -> Self {
        let none = Fall { qty: Qty::ZERO, at };
        Self {
            ahead_at_entry: shown,
            ahead: shown,
            entered_at: at,
            known_at: at,
            falls: [none; FALLS_LEN],
        }
    }

    /// The book, as of `at`, shows this in total at our price. Not to be called while the price is
    /// outside the visible depth: that it is not shown does not mean that it is gone.
    pub fn on_level(&mut self, shown: Qty, at: ExchNs) {
        debug_assert!(shown >= Qty::ZERO, "a level has no negative total");
        if at < self.entered_at {
            // A book from before we joined that came late: who it shows stands before us.
            if self.ahead.is_some_and(|ahead| shown > ahead) {
                *self = Self::enter(Some(shown), self.entered_at);
            }
            return;
        }
        if at < self.known_at {
            return; // older than what the bound already rests on
        }
        let Some(ahead) = self.ahead else {
            self.ahead = Some(shown);
            self.known_at = at;
            return;
        };
        if shown < ahead {
            self.ahead = Some(shown);
            self.remember(Fall { qty: ahead - shown, at });
        }
    }

    /// A taker of the other side traded `qty` at exactly our price; returns how much of our order,
    /// of which `left` is open, that fills.
    pub fn on_print_at(&mut self, qty: Qty, at: ExchNs, left: Qty) -> Qty {
        debug_assert!(qty >= Qty::ZERO, "a trade has no negative quantity");
        let Some(ahead) = self.ahead else {
            return Qty::ZERO;
        };
        if at <= self.known_at {
            return Qty::ZERO; // matched before the book that we joined behind
        }
        let news = qty - self.explain(qty, at);
        self.ahead = Some(ahead - news.min(ahead));
        (news - news.min(ahead)).min(left)
    }

    /// A taker of the other side traded `qty` at a price worse for it than ours; returns how much of
    /// our order that fills. Nobody was ahead of us any more: our price came first.
    pub fn on_print_through(&mut self, qty: Qty, at: ExchNs, left: Qty) -> Qty {
        debug_assert!(qty >= Qty::ZERO, "a trade has no negative quantity");
        if at <= self.entered_at {
            return Qty::ZERO;
        }
        self.ahead = Some(Qty::ZERO);
        self.falls = [Fall { qty: Qty::ZERO, at }; FALLS_LEN];
        qty.min(left)
    }

    /// The exchange's clock was set: what came before stays before.
    pub fn follow_clock(&mut self, by: ClockStep) {
        self.entered_at = self.entered_at.stepped(by);
        self.known_at = self.known_at.stepped(by);
        for fall in &mut self.falls {
            fall.at = fall.at.stepped(by);
        }
    }

    /// No more than this is ahead of us; `None` while that is not known.
    pub const fn ahead(&self) -> Option<Qty> {
        self.ahead
    }

    /// What the book showed at our price when we joined; `None` outside the visible depth.
    pub const fn ahead_at_entry(&self) -> Option<Qty> {
        self.ahead_at_entry
    }

    /// The book's stamp at entry.
    pub const fn entered_at(&self) -> ExchNs {
        self.entered_at
    }

    fn remember(&mut self, fall: Fall) {
        if self.falls[0].qty.is_zero() {
            self.falls.rotate_left(1);
            self.falls[FALLS_LEN - 1] = fall;
        } else {
            let newest = &mut self.falls[FALLS_LEN - 1];
            newest.qty += fall.qty;
            newest.at = fall.at;
        }
    }

    /// How much of a print the book has already taken off the bound.
    fn explain(&mut self, qty: Qty, at: ExchNs) -> Qty {
        let mut explained = Qty::ZERO;
        for fall in &mut self.falls {
            if at.since(fall.at) > EXPLAIN_WINDOW {
                fall.qty = Qty::ZERO;
                continue;
            }
            let part = fall.qty.min(qty - explained);
            fall.qty -= part;
            explained += part;
        }
        explained
    }
}

#[cfg(test)]
mod tests;
