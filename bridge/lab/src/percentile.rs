//! A percentile of a merged histogram, finer than its buckets and than the steps of the clock.
//!
//! A recorded value stands for a cell around it, as wide as its bucket or a step of the clock, whichever is
//! wider, over which its observations are spread evenly. Percentiles are read off the sum of these cells,
//! which is linear between their edges. So a percentile moves with its observations instead of jumping by
//! steps of the clock.

use crate::number::float;

/// Percentiles of a table.
pub const PERCENTILES: usize = 4;

/// A percentile, in thousandths so that counting beyond it is exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile {
    /// As people write it.
    pub name: &'static str,
    per_mille: u64,
}

impl Percentile {
    /// Those of every table.
    pub const ALL: [Self; PERCENTILES] = [
        Self { name: "p50", per_mille: 500 },
        Self { name: "p90", per_mille: 900 },
        Self { name: "p99", per_mille: 990 },
        Self { name: "p99.9", per_mille: 999 },
    ];

    /// Smallest sample with `beyond` observations beyond this percentile.
    pub const fn sample_min(self, beyond: u64) -> u64 {
        (beyond * 1000).div_ceil(1000 - self.per_mille)
    }
}

/// Observations that are spread evenly over a span.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Its middle, in nanoseconds.
    pub middle: f64,
    /// Its width.
    pub width: f64,
    /// Number of observations.
    pub count: u64,
}

/// No percentile is taken for shorter, so that its logarithm is finite: a quarter of the histograms' unit.
const TIME_MIN: f64 = 0.25;

/// The percentiles of all cells in nanoseconds, none narrower than a step of the clock; `None` without any
/// observation.
pub fn read(cells: impl Iterator<Item = Cell>, step_ns: f64) -> Option<[f64; PERCENTILES]> {
    let mut edges: Vec<(f64, f64)> = Vec::new();
    let mut total = 0;
    for cell in cells {
        let width = cell.width.max(step_ns);
        let (half, density) = (width / 2.0, float(cell.count) / width);
        edges.extend([(cell.middle - half, density), (cell.middle + half, -density)]);
        total += cell.count;
    }
    if total == 0 {
        return None;
    }
    edges.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    // What adding and subtracting densities leaves is no observation.
    let slack = float(total) * 1e-9;
    let mut ranks = Percentile::ALL.iter().map(|of| float(total * of.per_mille) / 1000.0);
    let mut read = [0.0; PERCENTILES];
    let mut found = 0;
    let mut wanted = ranks.next();
    let (mut at, mut below, mut density) = (edges[0].0, 0.0f64, 0.0f64);
    for (edge, change) in edges {
        let reached = below + (edge - at) * density.max(0.0);
        while let Some(rank) = wanted.filter(|rank| *rank <= reached + slack) {
            let inside = if density > 0.0 { ((rank - below) / density).max(0.0) } else { 0.0 };
            read[found] = (at + inside.min(edge - at)).max(TIME_MIN);
            found += 1;
            wanted = ranks.next();
        }
        (at, below) = (edge, reached);
        density += change;
    }
    debug_assert_eq!(found, PERCENTILES, "the last edge reaches every rank");
    Some(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(counts: &[(f64, u64)], step: f64) -> [f64; PERCENTILES] {
        let cells = counts.iter().map(|&(middle, count)| Cell { middle, width: 1.0, count });
        read(cells, step).unwrap()
    }

    fn near(found: f64, wanted: f64) {
        assert!((found - wanted).abs() < 1e-6, "{found}, not {wanted}");
    }

    #[test]
    fn a_percentile_lies_inside_of_its_cell_where_its_rank_does() {
        // One value: a tenth of the observations of the cell 99.5 to 100.5 for each tenth of it.
        let read = of(&[(100.0, 1_000)], 1.0);
        for (found, wanted) in read.into_iter().zip([100.0, 100.4, 100.49, 100.499]) {
            near(found, wanted);
        }
        // A clock of ten nanoseconds: the cell is 95 to 105.
        near(of(&[(100.0, 1_000)], 10.0)[1], 104.0);
        // Readings that rounding parts into two share their span: 95 to 105 and 96 to 106, half each.
        near(of(&[(100.0, 500), (101.0, 500)], 10.0)[0], 100.5);
        // A rank at the end of a mode is that mode's, not the next one's.
        near(of(&[(100.0, 900), (5_000.0, 100)], 1.0)[1], 100.5);
        assert_eq!(read_of_nothing(), None);
        // A logarithm is taken of it.
        assert!(of(&[(0.0, 10)], 1.0)[0] >= TIME_MIN);
    }

    fn read_of_nothing() -> Option<[f64; PERCENTILES]> {
        read(std::iter::empty(), 1.0)
    }

    #[test]
    fn as_many_calls_as_leave_a_hundred_beyond() {
        assert_eq!(Percentile::ALL.map(|of| of.sample_min(100)), [200, 1_000, 10_000, 100_000]);
    }

    proptest! {
        #[test]
        fn percentiles_rise_and_follow_the_observations(
            counts in prop::collection::btree_map(1u32..5_000, 1u64..500, 1..60), step in 1u8..20
        ) {
            let step = f64::from(step);
            let all: Vec<(f64, u64)> = counts.iter().map(|(value, count)| (f64::from(*value), *count)).collect();
            let read = of(&all, step);
            prop_assert!(read.is_sorted(), "{read:?}");
            let total: u64 = counts.values().sum();
            for (found, percentile) in read.into_iter().zip(Percentile::ALL) {
                // By its definition: the observations below it, each spread over its cell, are its share.
                let below: f64 = all.iter().map(|(middle, count)| {
                    float(*count) * ((found - middle) / step + 0.5).clamp(0.0, 1.0)
                }).sum();
                let wanted = float(total * percentile.per_mille) / 1_000.0;
                prop_assert!((below - wanted).abs() < 1e-5 * float(total) || found <= TIME_MIN, "{below} of {wanted}");
            }
        }
    }
}
