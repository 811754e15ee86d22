//! Sums over the newest `n` values without ever subtracting one that left.
//!
//! Values come in blocks of `n`. While a block fills, its sum so far is added to the sum of what is
//! still in the window of the block before, which was laid down from its end when that block was full.
//! A running sum that subtracts keeps the rounding of everything that went through it; here a value of
//! 10^8 that left leaves nothing behind. Once in `n` values a push costs `n` additions.

/// Sums of `K` quantities at a time.
#[derive(Debug)]
pub struct WindowSum<const K: usize> {
    /// Before `at` the values of this block; from `at` on, sums from there to the end of the last one.
    slots: Box<[[f64; K]]>,
    at: usize,
    block: [f64; K],
    is_full: bool,
}

impl<const K: usize> WindowSum<K> {
    /// Over `period` values.
    pub fn new(period: usize) -> Self {
        assert!(period > 0, "a sum is over at least one value");
        Self {
            slots: vec![[0.0; K]; period].into_boxed_slice(),
            at: 0,
            block: [0.0; K],
            is_full: false,
        }
    }

    /// Adds values, all of them finite.
    pub fn push(&mut self, values: [f64; K]) {
        assert!(values.iter().all(|x| x.is_finite()), "what is not finite would stay for ever");
        self.slots[self.at] = values;
        add(&mut self.block, &values);
        self.at += 1;
        if self.at == self.slots.len() {
            self.fold();
        }
    }

    /// The block is full: its values become sums to its end.
    fn fold(&mut self) {
        let mut sum = [0.0; K];
        for slot in self.slots.iter_mut().rev() {
            add(&mut sum, slot);
            *slot = sum;
        }
        self.at = 0;
        self.block = [0.0; K];
        self.is_full = true;
    }

    /// The sums, once the window is full.
    pub fn value(&self) -> Option<[f64; K]> {
        let mut sum = self.slots[self.at];
        add(&mut sum, &self.block);
        self.is_full.then_some(sum)
    }

    /// How many values the block being filled has, and their sums.
    pub const fn block(&self) -> (usize, [f64; K]) {
        (self.at, self.block)
    }

    /// Values a full window holds.
    pub const fn period(&self) -> usize {
        self.slots.len()
    }
}

fn add<const K: usize>(to: &mut [f64; K], values: &[f64; K]) {
    for (sum, x) in to.iter_mut().zip(values) {
        *sum += x;
    }
}

/// The plain mean of the newest values. Unit: that of the values.
#[derive(Debug)]
pub struct Sma {
    sum: WindowSum<1>,
}

impl Sma {
    /// Over `period` values.
    pub fn new(period: usize) -> Self {
        Self { sum: WindowSum::new(period) }
    }

    /// Adds a value and returns the mean including it.
    pub fn push(&mut self, x: f64) -> Option<f64> {
        if x.is_finite() {
            self.sum.push([x]);
        }
        self.value()
    }

    /// The mean, once the window is full.
    pub fn value(&self) -> Option<f64> {
        self.sum.value().map(|[sum]| sum / self.sum.period() as f64)
    }
}

#[cfg(test)]
mod tests;
