//! In which order the strategies of an event are called.
//!
//! A strategy finds the caches as the one before it left them, so a fixed order gives each one a neighbour of
//! its own, and a circle moves the start and leaves the neighbours. Each event draws a row of a fixed table of
//! permutations by a hash of the order's seed and the event's number. The table is made of Williams squares
//! (Williams 1949): within a square each strategy stands equally often at each place, and comes equally often
//! right after each other one.

use paperwire_core::event::Seq;
use paperwire_core::limits::STRATEGIES_MAX;
use paperwire_core::random::Rng;

/// How the strategies of an event take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallOrder {
    /// In a circle that starts one further with each event, as sessions were called whose tape names no seed.
    Circle,
    /// By a permutation that this seed and the event's number choose.
    Permuted(u64),
}

/// Rows of a table, about; more would only take room in the caches.
const ROWS: usize = 64;
/// The table is the same in every run: what differs is the seed that chooses from it.
const TABLE_SEED: u64 = 0x7062_6d74;
const _: () = assert!(STRATEGIES_MAX <= 1 << u8::BITS, "a place in a row is a byte");

/// The orders of a run.
#[derive(Debug)]
pub(super) struct CallTable {
    order: CallOrder,
    /// Rows of `count` indexes.
    table: Vec<u8>,
    count: usize,
}

impl CallTable {
    /// The orders of this many strategies.
    pub(super) fn new(order: CallOrder, count: usize) -> Self {
        assert!(count <= STRATEGIES_MAX, "configuration bounds the strategies");
        let table = match order {
            CallOrder::Circle => circle(count),
            CallOrder::Permuted(_) => squares(count),
        };
        Self { order, table, count }
    }

    /// Where the row of an event begins.
    #[inline]
    pub(super) fn row(&self, seq: Seq) -> usize {
        if self.count == 0 {
            return 0;
        }
        let rows = self.table.len() / self.count;
        let row = match self.order {
            CallOrder::Circle => usize::try_from(seq.0 % rows as u64).expect("less than the rows"),
            CallOrder::Permuted(seed) => {
                // The upper half of the hash as a fraction of one.
                let fraction = hash(seed, seq) >> 32;
                usize::try_from((fraction * rows as u64) >> 32).expect("less than the rows")
            }
        };
        row * self.count
    }

    /// The strategy at a place of a row.
    #[inline]
    pub(super) fn at(&self, row: usize, place: usize) -> usize {
        usize::from(self.table[row + place])
    }
}

/// The event's state of `SplitMix64`, finished as Steele, Lea and Flood 2014 do.
const fn hash(seed: u64, seq: Seq) -> u64 {
    let z = seed.wrapping_add(seq.0.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn circle(count: usize) -> Vec<u8> {
    let row = |first: usize| (first..count).chain(0..first);
    (0..count).flat_map(row).map(byte).collect()
}

/// As many squares under different names as make about [`ROWS`].
fn squares(count: usize) -> Vec<u8> {
    let square = square(count);
    // Of up to three, one square holds all permutations.
    let times = if count <= 3 { 1 } else { (ROWS * count).div_ceil(square.len()) };
    let mut rng = Rng::new(TABLE_SEED);
    let mut names: Vec<u8> = (0..count).map(byte).collect();
    let mut table = Vec::with_capacity(square.len() * times);
    for _ in 0..times {
        table.extend(square.iter().map(|place| names[*place]));
        for last in (1..count).rev() {
            names.swap(last, rng.below(last + 1));
        }
    }
    table
}

/// The first row goes 0, 1, n-1, 2, n-2, ...; each further one adds one. For odd counts the rows backwards, too.
fn square(count: usize) -> Vec<usize> {
    let zigzag = |place: usize| match place {
        0 => 0,
        _ if place % 2 == 1 => place.div_ceil(2),
        _ => count - place / 2,
    };
    let row = |shift: usize| (0..count).map(move |place| (zigzag(place) + shift) % count);
    let mut all: Vec<usize> = (0..count).flat_map(row).collect();
    if count % 2 == 1 && count > 1 {
        all.extend((0..count).flat_map(|shift| row(shift).rev()));
    }
    all
}

fn byte(index: usize) -> u8 {
    u8::try_from(index).expect("at most STRATEGIES_MAX")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Vec<u8>> {
        squares(count).chunks(count).map(<[u8]>::to_vec).collect()
    }

    #[test]
    fn each_strategy_stands_at_each_place_and_after_each_other_one_equally_often() {
        for count in [1usize, 2, 3, 4, 5, 10, 11, 64, 127, 128] {
            let rows = rows(count);
            let mut places = vec![0usize; count * count];
            let mut follows = vec![0usize; count * count];
            for row in &rows {
                let mut sorted = row.clone();
                sorted.sort_unstable();
                assert!(sorted.iter().map(|of| usize::from(*of)).eq(0..count), "{row:?}");
                for (place, of) in row.iter().enumerate() {
                    places[place * count + usize::from(*of)] += 1;
                }
                for pair in row.windows(2) {
                    follows[usize::from(pair[0]) * count + usize::from(pair[1])] += 1;
                }
            }
            let each = rows.len() / count;
            assert!(places.iter().all(|times| *times == each), "{count}");
            let is_diagonal = |at: usize| at / count == at % count;
            let mut off = follows.iter().enumerate().filter(|(at, _)| !is_diagonal(*at));
            assert!(off.all(|(_, times)| *times == each), "{count}");
            assert!(rows.len() <= ROWS.max(2 * count) + 2 * count, "{} rows", rows.len());
        }
    }

    #[test]
    fn the_seed_and_the_event_choose_the_row_and_a_circle_goes_on_by_one() {
        let orders = |order: CallOrder, count: usize| -> Vec<Vec<usize>> {
            let turns = CallTable::new(order, count);
            let one = |seq: u64| {
                let row = turns.row(Seq(seq));
                (0..count).map(|place| turns.at(row, place)).collect()
            };
            (0..4_000u64).map(one).collect()
        };
        assert_eq!(orders(CallOrder::Circle, 3)[..4], [[0, 1, 2], [1, 2, 0], [2, 0, 1], [0, 1, 2]]);
        let (one, other) = (CallOrder::Permuted(1), CallOrder::Permuted(2));
        assert_eq!(orders(one, 5), orders(one, 5));
        assert_ne!(orders(one, 5), orders(other, 5));
        for seed in 0..20 {
            let first = orders(CallOrder::Permuted(seed), 2);
            let ahead = first.iter().filter(|order| order[0] == 0).count();
            // Four deviations of a fair coin thrown 4,000 times.
            assert!(ahead.abs_diff(2_000) < 130, "seed {seed}: {ahead}");
        }
        assert_eq!(CallTable::new(one, 0).row(Seq(7)), 0);
    }
}
