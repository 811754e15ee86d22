//! Single-producer, single-consumer rings, and what happens when each is full.
//!
//! | ring | from, to | when full |
//! |---|---|---|
//! | market | feed, engine | **conflate**: the symbol is marked and gets its whole book once there is room; nothing older is kept for it |
//! | report | engine, bridge | **halt**: the engine takes no further event until there is room; a fill that cannot be reported is a lie |
//! | feed report | feed, bridge | **drop and count**: they describe; counters carry the same facts |
//! | raw | feed, recorder | **mark**: the recording gets a gap record with the number of frames lost |
//! | bank | pinned thread, bridge | **keep**: the full bank stays in use one more second; nothing is lost |
//!
//! The rings themselves are `rtrb`, which neither locks nor allocates after construction; this adds
//! the count of refusals.

/// The writing end.
#[derive(Debug)]
pub struct Producer<T> {
    inner: rtrb::Producer<T>,
    full_count: u64,
}

/// The reading end.
#[derive(Debug)]
pub struct Consumer<T> {
    inner: rtrb::Consumer<T>,
}

/// A ring of at least `len` slots.
pub fn ring<T>(len: usize) -> (Producer<T>, Consumer<T>) {
    let (producer, consumer) = rtrb::RingBuffer::new(len);
    (Producer { inner: producer, full_count: 0 }, Consumer { inner: consumer })
}

impl<T> Producer<T> {
    /// Appends a value, or gives it back when the ring is full.
    ///
    /// # Errors
    /// The value itself.
    #[inline]
    pub fn push(&mut self, value: T) -> Result<(), T> {
        match self.inner.push(value) {
            Ok(()) => Ok(()),
            Err(rtrb::PushError::Full(value)) => {
                self.full_count += 1;
                Err(value)
            }
        }
    }

    /// Free slots; asks the other core, so not for every push.
    pub fn free(&self) -> usize {
        self.inner.slots()
    }

    /// Slots in all.
    pub fn capacity(&self) -> usize {
        self.inner.buffer().capacity()
    }

    /// Pushes that found the ring full.
    pub const fn full_count(&self) -> u64 {
        self.full_count
    }

    /// True once the reading end is gone.
    pub fn is_abandoned(&self) -> bool {
        self.inner.is_abandoned()
    }
}

impl<T> Consumer<T> {
    /// Takes the oldest value.
    #[inline]
    pub fn pop(&mut self) -> Option<T> {
        self.inner.pop().ok()
    }

    /// Values waiting.
    pub fn len(&self) -> usize {
        self.inner.slots()
    }

    /// True when nothing waits.
    pub fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// True once the writing end is gone; values may still wait.
    pub fn is_abandoned(&self) -> bool {
        self.inner.is_abandoned()
    }
}
