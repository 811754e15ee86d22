//! When to connect again after a lost connection or a failed attempt.
//!
//! Pure: time is an argument, and the jitter is seeded.

use paperwire_core::time::{DurationNs, HostNs};

/// When to try to connect again: at once after a random drop, then ever later, never faster than
/// the venue's gate of about 150 attempts in ten minutes allows.
#[derive(Debug)]
pub struct Backoff {
    min: DurationNs,
    max: DurationNs,
    attempts: u32,
    connected_at: Option<HostNs>,
    /// The newest attempts, oldest first after rotation.
    recent: [Option<HostNs>; ATTEMPTS_MAX],
    next: usize,
    random: u64,
}

/// Two thirds of the venue's limit.
pub(super) const ATTEMPTS_MAX: usize = 100;
pub(super) const ATTEMPTS_WINDOW: DurationNs = DurationNs::from_secs(600);
/// A connection that lived this long was healthy, and its loss a new event.
const HEALTHY: DurationNs = DurationNs::from_secs(30);
/// Attempts that are made at once.
const QUICK_ATTEMPTS: u32 = 3;

impl Backoff {
    /// Waits between `min` and `max`; `seed` spreads many clients.
    pub const fn new(min: DurationNs, max: DurationNs, seed: u64) -> Self {
        let recent = [None; ATTEMPTS_MAX];
        Self { min, max, attempts: 0, connected_at: None, recent, next: 0, random: seed | 1 }
    }

    /// A connection came up.
    pub const fn on_connected(&mut self, now: HostNs) {
        self.connected_at = Some(now);
    }

    /// A connection or an attempt ended: the time of the next attempt.
    pub fn next_attempt(&mut self, now: HostNs) -> HostNs {
        if let Some(since) = self.connected_at.take()
            && now.since(since) >= HEALTHY
        {
            self.attempts = 0;
        }
        self.attempts = self.attempts.saturating_add(1);
        let wait = if self.attempts <= QUICK_ATTEMPTS {
            self.draw(self.min.raw() / 4)
        } else {
            // Full jitter: uniform over the whole doubled interval, but never quicker than the floor.
            let doubled = self.min.raw() << (self.attempts - QUICK_ATTEMPTS).min(16);
            self.min.raw() / 2 + self.draw(doubled.min(self.max.raw()))
        };
        let at = now.plus(DurationNs::new(wait));
        let gate = self.recent[self.next].map(|oldest| oldest.plus(ATTEMPTS_WINDOW));
        let at = gate.map_or(at, |gate| at.max(gate));
        self.recent[self.next] = Some(at);
        self.next = (self.next + 1) % ATTEMPTS_MAX;
        at
    }

    /// Uniform in `0 ..= bound`, by xorshift64* (Vigna 2016).
    fn draw(&mut self, bound: u64) -> u64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d) % (bound + 1)
    }
}
