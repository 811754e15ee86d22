//! A window of the newest `N` values in memory that is taken once.

/// Keeps the newest values; pushing into a full ring forgets the oldest.
#[derive(Debug)]
pub struct FixedRing<T> {
    slots: Box<[T]>,
    /// Where the next value goes; `0 .. slots.len()`.
    next: usize,
    /// Values held; `0 ..= slots.len()`.
    len: usize,
    /// Values ever pushed.
    total: u64,
}

impl<T: Copy + Default> FixedRing<T> {
    /// An empty ring for `capacity` values.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "a ring holds at least one value");
        Self { slots: vec![T::default(); capacity].into_boxed_slice(), next: 0, len: 0, total: 0 }
    }

    /// Adds a value, and returns the oldest one when it had to go.
    pub fn push(&mut self, value: T) -> Option<T> {
        let evicted = (self.len == self.slots.len()).then(|| self.slots[self.next]);
        self.slots[self.next] = value;
        self.next = if self.next + 1 == self.slots.len() { 0 } else { self.next + 1 };
        self.len = (self.len + 1).min(self.slots.len());
        self.total += 1;
        evicted
    }

    /// The value `age` places before the newest (0 is the newest).
    pub fn newest(&self, age: usize) -> Option<&T> {
        if age >= self.len {
            return None;
        }
        let capacity = self.slots.len();
        let at = (self.next + capacity - 1 - age) % capacity;
        Some(&self.slots[at])
    }

    /// The newest value, to be revised in place.
    pub fn newest_mut(&mut self) -> Option<&mut T> {
        if self.len == 0 {
            return None;
        }
        let capacity = self.slots.len();
        Some(&mut self.slots[(self.next + capacity - 1) % capacity])
    }

    /// Forgets every value; the count of all that were pushed stays.
    pub const fn clear(&mut self) {
        self.len = 0;
    }

    /// Forgets the newest value, which was wrong; what it once pushed out does not come back.
    pub fn forget_newest(&mut self) {
        if self.len > 0 {
            self.next = if self.next == 0 { self.slots.len() - 1 } else { self.next - 1 };
            self.len -= 1;
        }
    }

    /// Values from the oldest to the newest.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> + ExactSizeIterator + '_ {
        let capacity = self.slots.len();
        let first = (self.next + capacity - self.len) % capacity;
        (0..self.len).map(move |i| &self.slots[(first + i) % capacity])
    }

    /// Values held.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// True when nothing was pushed yet.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Most values it can hold.
    pub const fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// Values ever pushed: a counter that, unlike `len`, never stops at the capacity.
    pub const fn total(&self) -> u64 {
        self.total
    }
}
