//! `WaveTrend` (LazyBear's port of a channel index; the 0.015 is Lambert's, 1980).
//!
//! `ap = (high + low + close) / 3`, `esa = EMA10(ap)`, `d = EMA10(|ap - esa|)`, `ci = (ap - esa) / (0.015 d)`,
//! `WT1 = EMA21(ci)`, `WT2 = SMA4(WT1)`; every average starts with the mean of its first values, so
//! `10 + 9 + 20 + 3 = 42` bars. Where the source adds 1e-10 to the divisor, which bends the index of a price
//! like 0.00002, a market without any distance is at its middle here. A divergence compares the newest 14
//! bars with the 14 before them, when it is asked for. Unit: none, mostly -100 to 100.

use paperwire_core::fixed_ring::FixedRing;

use crate::average::Ema;
use crate::macd::Cross;
use crate::window::Sma;

/// Bars on each side of a divergence.
pub const DIVERGENCE_BARS: usize = 14;

/// Scales the index so that most of it lies within 100.
const LAMBERT: f64 = 0.015;
/// A distance below this share of the price is rounding.
const ROUNDING: f64 = 1e-12;

/// Price and wave disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Divergence {
    /// A lower low of the closes on a higher low of the wave, below the lower zone.
    Bullish,
    /// A higher high of the closes on a lower high of the wave, above the upper zone.
    Bearish,
}

/// Both waves.
#[derive(Debug)]
pub struct WaveTrend {
    channel: Ema,
    distance: Ema,
    wave: Ema,
    signal: Sma,
    /// Close and wave of the newest bars.
    bars: FixedRing<(f64, f64)>,
    value: Option<(f64, f64)>,
    cross: Option<Cross>,
}

impl Default for WaveTrend {
    fn default() -> Self {
        Self::new(10, 21, 4)
    }
}

impl WaveTrend {
    /// Usually 10, 21 and 4.
    pub fn new(channel: u32, wave: u32, signal: usize) -> Self {
        Self {
            channel: Ema::new(channel),
            distance: Ema::new(channel),
            wave: Ema::new(wave),
            signal: Sma::new(signal),
            bars: FixedRing::new(2 * DIVERGENCE_BARS),
            value: None,
            cross: None,
        }
    }

    /// Adds a closed bar and returns `(WT1, WT2)`.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<(f64, f64)> {
        if !(high.is_finite() && low.is_finite() && close.is_finite()) {
            return self.value;
        }
        let typical = (high + low + close) / 3.0;
        let middle = self.channel.push(typical)?;
        let distance = self.distance.push((typical - middle).abs())?;
        let moves = distance > ROUNDING * middle.abs();
        let index = if moves { (typical - middle) / (LAMBERT * distance) } else { 0.0 };
        let wave = self.wave.push(index)?;
        self.bars.push((close, wave));
        let before = self.value.map(|(wave, signal)| wave - signal);
        let signal = self.signal.push(wave)?;
        self.value = Some((wave, signal));
        self.cross = before.and_then(|before| Cross::between(before, wave - signal));
        self.value
    }

    /// `(WT1, WT2)`.
    pub const fn value(&self) -> Option<(f64, f64)> {
        self.value
    }

    /// The crossing of both that the newest bar made.
    pub const fn cross(&self) -> Option<Cross> {
        self.cross
    }

    /// The divergence at the newest bar, by the zones below and above which it counts.
    pub fn divergence(&self, lower_zone: f64, upper_zone: f64) -> Option<Divergence> {
        if self.bars.len() < self.bars.capacity() {
            return None;
        }
        let lowest = |from: usize| self.outermost(from, f64::min);
        let highest = |from: usize| self.outermost(from, f64::max);
        let (wave, _) = self.value?;
        let (low, low_before) = (lowest(DIVERGENCE_BARS), lowest(0));
        if low.0 < low_before.0 && low.1 > low_before.1 && wave < lower_zone {
            return Some(Divergence::Bullish);
        }
        let (high, high_before) = (highest(DIVERGENCE_BARS), highest(0));
        let is_bearish = high.0 > high_before.0 && high.1 < high_before.1 && wave > upper_zone;
        is_bearish.then_some(Divergence::Bearish)
    }

    /// The outermost close and the outermost wave of the 14 bars from the `from`-th oldest on.
    fn outermost(&self, from: usize, pick: fn(f64, f64) -> f64) -> (f64, f64) {
        let bars = self.bars.iter().skip(from).take(DIVERGENCE_BARS);
        let outer = bars.copied().reduce(|a, b| (pick(a.0, b.0), pick(a.1, b.1)));
        outer.expect("the ring is full")
    }
}

#[cfg(test)]
mod tests;
