//! Volume-weighted average price of the newest bars, with the deviation around it.
//!
//! `vwap = sum(q p) / sum(q)`, `sigma^2 = sum(q p^2) / sum(q) - vwap^2`. The sums are exact integers of
//! lots and price units relative to a price that follows the market, so a bar that leaves takes away
//! just what it brought. Bars without volume keep their place and weigh nothing. Unit: that of the price
//! precision.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::num::{Px, Qty};

use crate::bands::Band;

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    weight: i128,
    first: i128,
    second: i128,
}

impl Sums {
    fn of(px: i64, reference: i64, qty: i64) -> Option<Self> {
        let (x, weight) = (i128::from(px) - i128::from(reference), i128::from(qty));
        let first = weight.checked_mul(x)?;
        Some(Self { weight, first, second: first.checked_mul(x)? })
    }

    fn plus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            weight: self.weight.checked_add(other.weight)?,
            first: self.first.checked_add(other.first)?,
            second: self.second.checked_add(other.second)?,
        })
    }

    fn minus(&self, other: &Self) -> Option<Self> {
        Some(Self {
            weight: self.weight.checked_sub(other.weight)?,
            first: self.first.checked_sub(other.first)?,
            second: self.second.checked_sub(other.second)?,
        })
    }

    /// The same relative to a reference higher by `by`; exact.
    fn shifted(&self, by: i128) -> Option<Self> {
        let moved = by.checked_mul(self.weight)?;
        let across = by.checked_mul(self.first)?.checked_mul(2)?;
        let second = self.second.checked_sub(across)?.checked_add(by.checked_mul(moved)?)?;
        Some(Self { weight: self.weight, first: self.first.checked_sub(moved)?, second })
    }
}

/// A VWAP with its deviation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vwap {
    /// The average price.
    pub price: f64,
    /// Deviation of what was paid from it.
    pub sigma: f64,
}

impl Vwap {
    /// The band of `k` deviations.
    pub fn band(&self, k: f64) -> Band {
        Band::around(self.price, k * self.sigma)
    }

    /// Distance of a price in deviations; `None` when everything traded at one price.
    pub fn z(&self, price: f64) -> Option<f64> {
        (self.sigma > 0.0).then(|| (price - self.price) / self.sigma)
    }
}

/// VWAP of the newest bars.
#[derive(Debug)]
pub struct RollingVwap {
    bars: FixedRing<(i64, i64)>,
    reference: i64,
    sums: Sums,
}

impl RollingVwap {
    /// Over `period` bars, usually 20.
    pub fn new(period: usize) -> Self {
        Self { bars: FixedRing::new(period), reference: 0, sums: Sums::default() }
    }

    /// Adds a bar by its own average price (or its typical one) and volume. When volume times the square
    /// of the price's move within two windows leaves an `i128`, the window begins again with this bar:
    /// 10^12 units of price and 10^14 lots are far from it.
    pub fn push(&mut self, px: Px, volume: Qty) -> Option<Vwap> {
        let (px, qty) = (px.raw(), volume.raw().max(0));
        if let Some((reference, sums)) = self.with(px, qty) {
            (self.reference, self.sums) = (reference, sums);
        } else {
            self.bars.clear();
            self.reference = px;
            self.sums = Sums { weight: i128::from(qty), first: 0, second: 0 };
        }
        self.bars.push((px, qty));
        self.value()
    }

    /// Reference and sums with one more bar, and without the one that leaves for it.
    fn with(&self, px: i64, qty: i64) -> Option<(i64, Sums)> {
        let (mut reference, mut sums) = (self.reference, self.sums);
        if self.bars.total().is_multiple_of(self.bars.capacity() as u64) {
            sums = sums.shifted(i128::from(px) - i128::from(reference))?;
            reference = px;
        }
        sums = sums.plus(&Sums::of(px, reference, qty)?)?;
        if let Some(&(px, qty)) = self.bars.newest(self.bars.capacity() - 1) {
            sums = sums.minus(&Sums::of(px, reference, qty)?)?;
        }
        Some((reference, sums))
    }

    /// The average, once `period` bars came, while something traded in one of them, and while its
    /// deviation can be counted.
    pub fn value(&self) -> Option<Vwap> {
        let is_full = self.bars.len() == self.bars.capacity();
        if !is_full || self.sums.weight <= 0 {
            return None;
        }
        // Relative to the nearest unit, what is left of the first sum cancels no digit of the second.
        let nearest = self.sums.first.div_euclid(self.sums.weight);
        let near = self.sums.shifted(nearest)?;
        let weight = near.weight as f64;
        let rest = near.first as f64 / weight;
        let variance = near.second as f64 / weight - rest * rest;
        let price = (i128::from(self.reference) + nearest) as f64 + rest;
        Some(Vwap { price, sigma: variance.max(0.0).sqrt() })
    }
}

#[cfg(test)]
mod tests;
