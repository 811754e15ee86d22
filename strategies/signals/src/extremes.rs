//! Highest or lowest of the newest `n` values, by a monotonic deque in a fixed ring.
//!
//! A value that a newer one outdoes can never be the extreme again and is dropped, so each value
//! enters and leaves once. [`RollingExtreme::push`] answers with the extreme *before* the new value:
//! a channel that included the bar it is compared with could never be broken. Unit: that of the values.

/// Which extreme is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Highest,
    Lowest,
}

/// A rolling maximum or minimum.
#[derive(Debug)]
pub struct RollingExtreme<T> {
    keep: Keep,
    /// Candidates with the number of their push, a ring of `period` slots; values fall away from the
    /// extreme at `head`.
    slots: Box<[(u64, T)]>,
    head: usize,
    len: usize,
    pushed: u64,
}

impl<T: Copy + Default + PartialOrd> RollingExtreme<T> {
    /// The highest of `period` values.
    pub fn highest(period: usize) -> Self {
        Self::new(Keep::Highest, period)
    }

    /// The lowest of `period` values.
    pub fn lowest(period: usize) -> Self {
        Self::new(Keep::Lowest, period)
    }

    fn new(keep: Keep, period: usize) -> Self {
        assert!(period > 0, "an extreme is over at least one value");
        Self {
            keep,
            slots: vec![(0, T::default()); period].into_boxed_slice(),
            head: 0,
            len: 0,
            pushed: 0,
        }
    }

    /// Adds a value and returns the extreme of the `period` values before it.
    pub fn push(&mut self, value: T) -> Option<T> {
        let before = self.value();
        let period = self.slots.len();
        while self.len > 0 && self.is_outdone(self.slots[self.at(self.len - 1)].1, value) {
            self.len -= 1;
        }
        if self.len > 0 && self.slots[self.head].0 + period as u64 <= self.pushed {
            self.head = self.at(1);
            self.len -= 1;
        }
        let at = self.at(self.len);
        self.slots[at] = (self.pushed, value);
        self.len += 1;
        self.pushed += 1;
        assert!(self.len <= period, "candidates fit the window");
        before
    }

    /// The extreme of the newest `period` values, once there are so many.
    pub fn value(&self) -> Option<T> {
        (self.pushed >= self.slots.len() as u64).then(|| self.slots[self.head].1)
    }

    fn is_outdone(&self, old: T, new: T) -> bool {
        match self.keep {
            Keep::Highest => new >= old,
            Keep::Lowest => new <= old,
        }
    }

    const fn at(&self, offset: usize) -> usize {
        (self.head + offset) % self.slots.len()
    }
}

#[cfg(test)]
mod tests;
