//! Ichimoku (G. Hosoda, 1969): the middles of three ranges, and a cloud of them from 26 bars ago.
//!
//! `tenkan`, `kijun` and span B are the middles of the highest high and lowest low of 9, 26 and 52 bars;
//! span A is the middle of the first two. The cloud over the newest bar is what the spans were `kijun`
//! bars before it, so it needs `52 + 26` bars; the spans of now are the cloud of the future. Unit: that of
//! the prices.

use paperwire_core::fixed_ring::FixedRing;

use crate::channel::Donchian;

/// The two edges of a cloud.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cloud {
    /// Middle of tenkan and kijun.
    pub span_a: f64,
    /// Middle of the longest range.
    pub span_b: f64,
}

impl Cloud {
    /// The upper edge.
    pub const fn top(&self) -> f64 {
        self.span_a.max(self.span_b)
    }

    /// The lower edge.
    pub const fn bottom(&self) -> f64 {
        self.span_a.min(self.span_b)
    }
}

/// Everything at one bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// Middle of the short range.
    pub tenkan: f64,
    /// Middle of the middle range.
    pub kijun: f64,
    /// The cloud over this bar.
    pub cloud: Cloud,
    /// The cloud that will lie over the bar `kijun` bars from now.
    pub future: Cloud,
    /// The close as many bars ago, against which this one is held.
    pub close_then: f64,
}

/// The lines of Ichimoku.
#[derive(Debug)]
pub struct Ichimoku {
    tenkan: Donchian,
    kijun: Donchian,
    span_b: Donchian,
    /// Spans and closes of the newest bars: `kijun` before now, and now.
    spans: FixedRing<Cloud>,
    closes: FixedRing<f64>,
    value: Option<Reading>,
}

impl Ichimoku {
    /// Usually 9, 26 and 52 bars; the second is the shift of the cloud too.
    pub fn new(tenkan: usize, kijun: usize, span_b: usize) -> Self {
        assert!(tenkan < kijun && kijun < span_b, "each range is longer than the one before");
        Self {
            tenkan: Donchian::new(tenkan),
            kijun: Donchian::new(kijun),
            span_b: Donchian::new(span_b),
            spans: FixedRing::new(kijun + 1),
            closes: FixedRing::new(kijun + 1),
            value: None,
        }
    }

    /// Adds a closed bar.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Option<Reading> {
        if !(high.is_finite() && low.is_finite() && close.is_finite()) {
            return self.value;
        }
        for range in [&mut self.tenkan, &mut self.kijun, &mut self.span_b] {
            range.push(high, low);
        }
        self.closes.push(close);
        self.value = self.read();
        self.value
    }

    fn read(&mut self) -> Option<Reading> {
        let mid = |range: &Donchian| range.value().map(|band| band.mid);
        let (tenkan, kijun) = (mid(&self.tenkan)?, mid(&self.kijun)?);
        let future = Cloud { span_a: f64::midpoint(tenkan, kijun), span_b: mid(&self.span_b)? };
        self.spans.push(future);
        let shift = self.spans.capacity() - 1;
        let cloud = *self.spans.newest(shift)?;
        let close_then = *self.closes.newest(shift)?;
        Some(Reading { tenkan, kijun, cloud, future, close_then })
    }

    /// The reading, once `span_b + kijun` bars came.
    pub const fn value(&self) -> Option<Reading> {
        self.value
    }
}

#[cfg(test)]
mod tests;
