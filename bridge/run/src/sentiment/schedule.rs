//! When a source is asked: at its pace while it answers, ever later while it does not.
//!
//! After a failure the wait doubles, with jitter so that many programs do not come back at once. After
//! [`Pace::breaker_after`] failures in a row the source is taken for dead: one attempt now and then tells
//! whether it lives again. No clock is read here.

use paperwire_core::time::{DurationNs, HostNs};

/// How often sources are asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Between two answers.
    pub(super) refresh: DurationNs,
    /// After the first failure, doubled by each further one.
    pub(super) backoff_min: DurationNs,
    pub(super) backoff_max: DurationNs,
    /// Failures in a row after which a source is taken for dead.
    pub(super) breaker_after: u32,
    /// Between two attempts at a dead one.
    pub(super) breaker_for: DurationNs,
}

impl Pace {
    /// The customary waits. Both public sources allow about 30 requests a minute.
    pub(super) const fn new(refresh: DurationNs) -> Self {
        Self {
            refresh,
            backoff_min: DurationNs::from_secs(1),
            backoff_max: DurationNs::from_secs(300),
            breaker_after: 5,
            breaker_for: DurationNs::from_secs(900),
        }
    }
}

/// What an attempt changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Nothing.
    Same,
    /// The source is taken for dead from now on.
    Lost,
    /// It was, and answered.
    Back,
}

/// The next attempt at one source.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    /// Failures in a row.
    failures: u32,
    next_at: HostNs,
    /// Of the jitter.
    random: u64,
}

impl Schedule {
    /// The first attempt is due at once; `seed` spreads many programs.
    pub(super) const fn new(pace: Pace, now: HostNs, seed: u64) -> Self {
        Self { pace, failures: 0, next_at: now, random: seed }
    }

    /// When to try next.
    pub(super) const fn next_at(&self) -> HostNs {
        self.next_at
    }

    /// The source answered.
    pub(super) fn on_success(&mut self, now: HostNs) -> Turn {
        let was_dead = self.is_dead();
        self.failures = 0;
        self.next_at = now.plus(self.pace.refresh);
        if was_dead { Turn::Back } else { Turn::Same }
    }

    /// It did not, or not with anything useful.
    pub(super) fn on_failure(&mut self, now: HostNs) -> Turn {
        let was_dead = self.is_dead();
        self.failures = self.failures.saturating_add(1);
        let wait = if self.is_dead() {
            self.pace.breaker_for.raw()
        } else {
            let doubled = self.pace.backoff_min.raw() << (self.failures - 1).min(20);
            doubled.min(self.pace.backoff_max.raw())
        };
        let jittered = wait / 2 + self.draw() % (wait + 1);
        self.next_at = now.plus(DurationNs::new(jittered));
        if self.is_dead() && !was_dead { Turn::Lost } else { Turn::Same }
    }

    const fn is_dead(&self) -> bool {
        self.failures >= self.pace.breaker_after
    }

    /// SplitMix64 (Steele, Lea & Flood 2014): any seed will do, zero included.
    const fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn waits_double_until_the_source_is_taken_for_dead() {
        for seed in 0..50 {
            let now = HostNs::new(7 * SECOND);
            let mut schedule = Schedule::new(Pace::new(DurationNs::from_secs(300)), now, seed);
            assert_eq!(schedule.next_at(), now);
            for (wait, turn) in [
                (1, Turn::Same),
                (2, Turn::Same),
                (4, Turn::Same),
                (8, Turn::Same),
                (900, Turn::Lost),
                (900, Turn::Same),
            ] {
                assert_eq!(schedule.on_failure(now), turn);
                let found = schedule.next_at().since(now).raw();
                let (min, max) = (wait * SECOND / 2, wait * SECOND * 3 / 2);
                assert!((min..=max).contains(&found), "{wait} s: {found} ns");
            }
            assert_eq!(schedule.on_success(now), Turn::Back);
            assert_eq!(schedule.next_at().since(now), DurationNs::from_secs(300));
            assert_eq!(schedule.on_success(now), Turn::Same);
            schedule.on_failure(now);
            assert!(schedule.next_at().since(now) <= DurationNs::from_millis(1500), "again");
        }
    }

    #[test]
    fn two_programs_do_not_come_back_at_once() {
        let waits = |seed| {
            let pace = Pace::new(DurationNs::from_secs(300));
            let mut schedule = Schedule::new(pace, HostNs::new(0), seed);
            schedule.on_failure(HostNs::new(0));
            schedule.next_at()
        };
        assert_ne!(waits(1), waits(2));
    }
}
