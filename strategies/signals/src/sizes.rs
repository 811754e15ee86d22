//! How many of the newest orders share one size: a tape full of equal sizes is a machine talking to
//! itself.
//!
//! Sizes within about 0.1 % fall into one bin (`floor(ln size / 0.001)`), bins into 64 slots by a
//! multiplicative hash. Two sizes may share a slot, so a share is at most overstated, by some
//! hundredths for a tape of random sizes.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::num::Qty;

const SLOTS: usize = 64;
/// Width of a bin in the logarithm of the size.
const BIN: f64 = 0.001;

/// Counts of equal sizes over a window of orders.
#[derive(Debug)]
pub struct SizeSketch {
    slots: FixedRing<u8>,
    counts: [u16; SLOTS],
}

impl SizeSketch {
    /// Over the newest `window` orders, usually 100.
    pub fn new(window: usize) -> Self {
        assert!(window <= usize::from(u16::MAX), "a count fits its slot");
        Self { slots: FixedRing::new(window), counts: [0; SLOTS] }
    }

    /// Adds an order.
    pub fn push(&mut self, size: Qty) {
        let slot = slot(size);
        self.counts[usize::from(slot)] += 1;
        if let Some(oldest) = self.slots.push(slot) {
            self.counts[usize::from(oldest)] -= 1;
        }
    }

    /// The share of the most frequent size, once the window is full.
    pub fn top_share(&self) -> Option<f64> {
        let is_full = self.slots.len() == self.slots.capacity();
        let top = self.counts.iter().max().copied().unwrap_or(0);
        is_full.then(|| f64::from(top) / self.slots.len() as f64)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the logarithm of an i64 in thousandths fits an i64, and the hash keeps six bits"
)]
fn slot(size: Qty) -> u8 {
    let bin = ((size.raw().max(1) as f64).ln() / BIN).floor() as i64;
    (bin.cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as u8
}

#[cfg(test)]
mod tests;
