//! When each frame is to be sent: a pure function of the rate and the frame's number.
//!
//! All instants lie on the grid of whole microseconds, which is what a timestamp on the wire can say:
//! the reader gets back exactly what was planned.

use paperwire_core::time::{DurationNs, ExchNs, HostNs};

/// Fastest even rate: one frame per step of the grid.
pub const RATE_MAX: u32 = 1_000_000;

const MICROS_PER_S: u64 = 1_000_000;

/// How frames follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rate {
    /// So many a second, evenly; 1 to [`RATE_MAX`].
    Even(u32),
    /// As the market made them.
    Recorded,
}

/// Frames of an even rate within so many whole seconds.
pub const fn even_count(rate: u32, seconds: u32) -> u64 {
    rate as u64 * seconds as u64
}

/// When frame `index` of an even rate is due, counted from the start.
///
/// # Panics
/// For a rate outside of 1 to [`RATE_MAX`].
pub const fn even_due(rate: u32, index: u64) -> DurationNs {
    assert!(rate > 0 && rate <= RATE_MAX, "rates are checked where they are read");
    let rate = rate as u64;
    // Whole seconds apart, so that the product cannot overflow within any run.
    let micros = index / rate * MICROS_PER_S + index % rate * MICROS_PER_S / rate;
    DurationNs::from_micros(micros)
}

/// One instant on both clocks, the second of them on the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// On the host's clock.
    pub host: HostNs,
    /// As it is written into frames.
    pub exch: ExchNs,
}

impl Start {
    /// The first instant of the grid that is not before these two readings of the same moment.
    pub const fn on_grid(host: HostNs, exch: ExchNs) -> Self {
        let past = exch.raw().rem_euclid(1_000);
        let missing = DurationNs::new((1_000 - past).rem_euclid(1_000).unsigned_abs());
        Self { host: host.plus(missing), exch: exch.plus(missing) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_second_holds_exactly_its_rate_evenly_and_on_the_grid(
            rate in 1..=RATE_MAX, second in 0..100_000_u64, index in 0..100_000_000_u64,
        ) {
            let first = second * u64::from(rate);
            let start = DurationNs::from_secs(second);
            prop_assert_eq!(even_due(rate, first), start);
            prop_assert!(even_due(rate, first + u64::from(rate) - 1) < DurationNs::from_secs(second + 1));
            let (at, next) = (even_due(rate, index).raw(), even_due(rate, index + 1).raw());
            prop_assert_eq!(at % 1_000, 0);
            // Neighbours are the period apart, cut to the grid.
            let period = 1_000_000_000 / u64::from(rate);
            prop_assert!(next - at + 1_000 > period);
            prop_assert!(next - at <= period + 1_000);
        }

        #[test]
        fn a_start_is_moved_to_the_grid_by_less_than_a_step(
            host in 0..u64::MAX / 2, exch in 0..i64::MAX / 2,
        ) {
            let start = Start::on_grid(HostNs::new(host), ExchNs::new(exch));
            prop_assert_eq!(start.exch.raw() % 1_000, 0);
            let moved = start.host.raw() - host;
            prop_assert!(moved < 1_000);
            prop_assert_eq!(start.exch.raw() - exch, i64::try_from(moved).unwrap());
        }
    }

    #[test]
    fn counts_are_exact() {
        assert_eq!(even_count(100_000, 10), 1_000_000);
        assert_eq!(even_due(3, 1), DurationNs::from_micros(333_333));
        assert_eq!(even_due(3, 3), DurationNs::from_secs(1));
    }
}
