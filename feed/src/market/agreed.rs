//! What is kept from the wire and compared with what comes after it: a last number, a latest time.
//!
//! One damaged value must not decide about all that follow, and neither must what is known when the
//! venue has really started over. So a value that contradicts what is known is taken note of; three in
//! a row that lead one to expect each other are believed, in both directions. Any value that fits what
//! is known ends the dispute. A pure value; what fits, and what leads to what, the caller says.

/// So many contradictions in a row that agree are not damaged.
const AGREED_MIN: u32 = 3;

/// Values in a row that contradict what is known and agree with each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dispute<T> {
    newest: Option<(T, u32)>,
}

impl<T> Default for Dispute<T> {
    fn default() -> Self {
        Self { newest: None }
    }
}

impl<T: Copy> Dispute<T> {
    /// Nothing contradicts.
    pub(super) const fn new() -> Self {
        Self { newest: None }
    }

    /// Takes a value that contradicts what is known. True when it is to be believed now: enough in a row
    /// agree, each with the one before it.
    pub(super) fn contradict(&mut self, value: T, agrees: impl FnOnce(T, T) -> bool) -> bool {
        let before = self.newest.filter(|(before, _)| agrees(*before, value));
        let count = before.map_or(1, |(_, count)| count + 1);
        self.newest = (count < AGREED_MIN).then_some((value, count));
        count >= AGREED_MIN
    }

    /// A value came that fits what is known.
    pub(super) const fn settle(&mut self) {
        self.newest = None;
    }
}
