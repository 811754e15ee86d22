//! The smallest difference that the host clock shows: on many machines the counter moves in steps of
//! several nanoseconds, and a percentile that differs by one of them differs by nothing.

use std::hint::black_box;

use paperwire_rt::clock::HostClock;

/// Pairs of readings that are looked at.
const READINGS: usize = 20_000;
/// Longer differences hold an interruption.
const DIFFERENCE_MAX: u64 = 100;

/// Measures the step in nanoseconds, in some milliseconds.
pub fn measure(clock: &HostClock) -> u64 {
    let mut last = clock.now();
    let mut pause = 0u32;
    let differences = std::iter::repeat_with(|| {
        // Two readings in a row always differ by the same: work of different length shows the steps between.
        pause = (pause + 7) % 64;
        for turn in 0..pause {
            black_box(turn);
        }
        let now = clock.now();
        let difference = now.since(last).raw();
        last = now;
        difference
    });
    step_of(differences.take(READINGS))
}

/// The largest step whose multiples nearly all differences are, give or take the nanosecond that
/// rounding to whole ones leaves; 1 when there is none.
fn step_of(differences: impl Iterator<Item = u64>) -> u64 {
    // Steps below this one cannot be told from rounding.
    const STEP_MIN: u64 = 4;
    let mut counts = vec![0u64; usize::try_from(DIFFERENCE_MAX).expect("a hundred")];
    for difference in differences.filter(|difference| *difference < DIFFERENCE_MAX) {
        counts[usize::try_from(difference).expect("less than a hundred")] += 1;
    }
    let total: u64 = counts.iter().sum();
    let is_step = |step: &u64| {
        let is_near = |value: u64| value % step <= 1 || value % step == step - 1;
        let near = (0u64..).zip(&counts).filter(|(value, _)| is_near(*value));
        let near: u64 = near.map(|(_, count)| *count).sum();
        near * 100 >= total * 98
    };
    (STEP_MIN..DIFFERENCE_MAX / 2).rev().find(is_step).filter(|_| total > 0).unwrap_or(1)
}

#[cfg(test)]
mod tests {
    use super::step_of;

    #[test]
    fn a_step_is_found_behind_rounding_and_a_fine_clock_has_none() {
        let check = |differences: &[u64], step| {
            assert_eq!(step_of(differences.iter().copied()), step, "{differences:?}");
        };
        check(&[10, 11, 20, 9, 10, 21, 30, 29, 5_000], 10);
        check(&[14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 33, 47], 1);
        check(&[], 1);
        check(&[5_000], 1);
    }
}
