//! A running quantile in five numbers: the P-square algorithm (R. Jain & I. Chlamtac,
//! *Communications of the ACM* 28, 1985). Unit: that of the values.

/// A running estimate of one quantile.
#[derive(Clone, Debug)]
pub struct P2Quantile {
    p: f64,
    count: u64,
    heights: [f64; 5],
    /// Ranks of the markers, from 1.
    ranks: [f64; 5],
}

impl P2Quantile {
    /// Of the share `p`, between 0 and 1.
    pub fn new(p: f64) -> Self {
        assert!(p > 0.0 && p < 1.0, "a quantile lies within the values");
        Self { p, count: 0, heights: [0.0; 5], ranks: [1.0, 2.0, 3.0, 4.0, 5.0] }
    }

    /// Adds a value.
    pub fn push(&mut self, x: f64) {
        if !x.is_finite() {
            return;
        }
        self.count += 1;
        if self.count <= 5 {
            self.insert_first(x);
            return;
        }
        let cell = self.cell(x);
        for rank in &mut self.ranks[cell + 1..] {
            *rank += 1.0;
        }
        let shares = [0.0, self.p / 2.0, self.p, f64::midpoint(1.0, self.p), 1.0];
        let last_rank = (self.count - 1) as f64;
        for (i, share) in shares.iter().enumerate().take(4).skip(1) {
            self.adjust(i, 1.0 + last_rank * share);
        }
    }

    fn insert_first(&mut self, x: f64) {
        let held = if self.count == 5 {
            4
        } else {
            usize::try_from(self.count - 1).expect("at most four")
        };
        let at = self.heights[..held].partition_point(|h| *h <= x);
        self.heights.copy_within(at..held, at + 1);
        self.heights[at] = x;
    }

    /// The cell the value falls into; the outer markers move to hold it.
    fn cell(&mut self, x: f64) -> usize {
        if x < self.heights[0] {
            self.heights[0] = x;
            return 0;
        }
        if x >= self.heights[4] {
            self.heights[4] = x;
            return 3;
        }
        self.heights[1..4].partition_point(|h| *h <= x)
    }

    /// Moves marker `i` one rank towards `wanted` when it is a whole rank off.
    fn adjust(&mut self, i: usize, wanted: f64) {
        let (h, n) = (&self.heights, &self.ranks);
        let off = wanted - n[i];
        let step = if off >= 1.0 && n[i + 1] - n[i] > 1.0 {
            1.0
        } else if off <= -1.0 && n[i - 1] - n[i] < -1.0 {
            -1.0
        } else {
            return;
        };
        let parabolic = h[i]
            + step / (n[i + 1] - n[i - 1])
                * ((n[i] - n[i - 1] + step) * (h[i + 1] - h[i]) / (n[i + 1] - n[i])
                    + (n[i + 1] - n[i] - step) * (h[i] - h[i - 1]) / (n[i] - n[i - 1]));
        let height = if h[i - 1] < parabolic && parabolic < h[i + 1] {
            parabolic
        } else {
            let towards = if step > 0.0 { i + 1 } else { i - 1 };
            h[i] + step * (h[towards] - h[i]) / (n[towards] - n[i])
        };
        self.heights[i] = height;
        self.ranks[i] += step;
    }

    /// The estimate, once five values came.
    pub fn value(&self) -> Option<f64> {
        (self.count >= 5).then_some(self.heights[2])
    }

    /// Values seen.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

#[cfg(test)]
mod tests;
