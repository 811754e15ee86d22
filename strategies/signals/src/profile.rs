//! Volume by price: where the market of the newest bars traded (P. Steidlmayer's market profile).
//!
//! 256 bins of equal width in the logarithm of the price; a bar spreads its volume evenly over the bins
//! its range touches, whole lots, what does not divide going to the lowest. A bin's slot is its number
//! modulo 256, so the grid follows the price without moving anything: bars too far from the newest one
//! to share the slots leave early. Work per bar: the bins of two bars and a scan of the window; reading
//! costs a pass over the bins.

use paperwire_core::fixed_ring::FixedRing;
use paperwire_core::num::Qty;

/// Bins that may be in use at one time.
pub const BINS: usize = 256;
/// The same as a distance between bins.
const SPAN: i64 = 256;

#[derive(Clone, Copy, Debug, Default)]
struct Spread {
    from: i64,
    to: i64,
    lots: i64,
}

/// Volume of the newest bars by price.
#[derive(Debug)]
pub struct VolumeProfile {
    width: f64,
    /// Bars in the window; those before `oldest` have left.
    bars: FixedRing<Spread>,
    held: usize,
    lots: Box<[i64; BINS]>,
    total: i128,
    pushed: usize,
}

/// The fullest price and the area around it that holds most of the volume, in the unit of the prices.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ValueArea {
    /// Middle of the fullest bin (point of control).
    pub control: f64,
    /// Lower edge of the area.
    pub low: f64,
    /// Upper edge of the area.
    pub high: f64,
    /// Share of the volume inside.
    pub share: f64,
}

impl VolumeProfile {
    /// Over `period` bars (usually 100), in bins of `width`, a fraction of the price: a tenth of the usual
    /// daily range is a good one.
    pub fn new(period: usize, width: f64) -> Self {
        assert!(width > 1e-9 && width < 1.0, "a bin is a small part of a price");
        Self {
            width: width.ln_1p(),
            bars: FixedRing::new(period),
            held: 0,
            lots: Box::new([0; BINS]),
            total: 0,
            pushed: 0,
        }
    }

    /// Adds a closed bar; ignored unless its range is one of prices. True when it is in the window: one
    /// whose own range exceeds the bins empties it.
    pub fn push(&mut self, high: f64, low: f64, volume: Qty) -> bool {
        if !(high.is_finite() && low > 0.0 && high >= low) {
            return false;
        }
        // As much as a window of such bars can hold.
        let most = i64::MAX / i64::try_from(self.bars.capacity()).unwrap_or(i64::MAX);
        let lots = volume.raw().clamp(0, most);
        let bar = Spread { from: self.bin(low), to: self.bin(high), lots };
        self.pushed = self.pushed.saturating_add(1);
        if self.held == self.bars.capacity() {
            self.drop_oldest();
        }
        while self.held > 0 && !self.fits(&bar) {
            self.drop_oldest();
        }
        if !self.fits(&bar) {
            return false;
        }
        self.bars.push(bar);
        self.held += 1;
        self.spread(&bar, 1);
        true
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "the logarithm of a double is below 745, and a bin is wider than 1e-9"
    )]
    fn bin(&self, price: f64) -> i64 {
        (price.ln() / self.width).floor() as i64
    }

    fn fits(&self, bar: &Spread) -> bool {
        let (from, to) = self.edges().unwrap_or((bar.from, bar.to));
        to.max(bar.to) - from.min(bar.from) < SPAN
    }

    /// Lowest and highest bin of the window.
    fn edges(&self) -> Option<(i64, i64)> {
        let held = self.bars.iter().rev().take(self.held);
        held.map(|bar| (bar.from, bar.to)).reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }

    fn drop_oldest(&mut self) {
        let oldest = *self.bars.newest(self.held - 1).expect("as many are held");
        self.held -= 1;
        self.spread(&oldest, -1);
    }

    fn spread(&mut self, bar: &Spread, sign: i64) {
        let bins = bar.to - bar.from + 1;
        let (each, left) = (bar.lots / bins, bar.lots % bins);
        for bin in bar.from..=bar.to {
            let more = i64::from(bin - bar.from < left);
            self.lots[slot(bin)] += sign * (each + more);
        }
        self.total += i128::from(sign) * i128::from(bar.lots);
    }

    /// Lots in the bin that holds a price.
    pub fn at(&self, price: f64) -> Option<i64> {
        let (from, to) = self.edges()?;
        let bin = (price > 0.0).then(|| self.bin(price))?;
        (from..=to).contains(&bin).then(|| self.lots[slot(bin)])
    }

    /// Bars in the window.
    pub const fn len(&self) -> usize {
        self.held
    }

    /// True when no bar is in the window.
    pub const fn is_empty(&self) -> bool {
        self.held == 0
    }

    /// The area around the fullest bin that holds at least `share` of the volume (usually 0.7), grown by
    /// `rows` bins at a time (1, or 2 as in Chicago) to the fuller side, upwards when equal. `None` before
    /// `period` bars came, and while nothing traded. Equally full bins: the one nearest the middle.
    pub fn value_area(&self, share: f64, rows: i64) -> Option<ValueArea> {
        assert!(rows > 0, "an area grows by something");
        let (bottom, top) = self.edges()?;
        if self.pushed < self.bars.capacity() || self.total == 0 {
            return None;
        }
        let lots = |bin: i64| self.lots[slot(bin)];
        let off_middle = |bin: i64| (2 * bin - bottom - top).abs();
        let fuller = |a: i64, b: i64| {
            let key = |bin| (lots(bin), -off_middle(bin));
            if key(b) > key(a) { b } else { a }
        };
        let control = (bottom..=top).reduce(fuller)?;
        let sum = |from: i64, to: i64| (from..=to).map(|bin| i128::from(lots(bin))).sum::<i128>();
        let (mut low, mut high, mut inside) = (control, control, sum(control, control));
        while (inside as f64) < share * self.total as f64 && (low > bottom || high < top) {
            let (up, down) = ((high + rows).min(top), (low - rows).max(bottom));
            let (above, below) = (sum(high + 1, up), sum(down, low - 1));
            if high < top && (above >= below || low == bottom) {
                (high, inside) = (up, inside + above);
            } else {
                (low, inside) = (down, inside + below);
            }
        }
        let edge = |bin: f64| (bin * self.width).exp();
        Some(ValueArea {
            control: edge(control as f64 + 0.5),
            low: edge(low as f64),
            high: edge((high + 1) as f64),
            share: inside as f64 / self.total as f64,
        })
    }
}

fn slot(bin: i64) -> usize {
    usize::try_from(bin.rem_euclid(SPAN)).expect("a remainder is not negative")
}

#[cfg(test)]
mod tests;
