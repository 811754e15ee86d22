//! One rate for all requests of a process to a venue's public REST interface: warm-up, filler and commands.
//!
//! Kraken takes about thirty requests at once and one a second after that, counted by address, and is in good
//! humour again after thirty calm seconds. A bucket of fifteen leaves room for a browser beside us; whoever is
//! refused waits, first a little, then until the venue has forgotten.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;

const BURST: u32 = 15;
const PER_S: f64 = 1.0;
/// Rest after the first refusal and after those that follow it.
const COOL_S: (f64, f64) = (3.0, 30.0);
/// What the built-in exchange takes, which imitates Kraken and is asked by nobody else.
const OWN_BURST: u32 = 30;

#[derive(Debug)]
struct State {
    tokens: f64,
    at_s: f64,
    closed_until_s: f64,
    cool_s: f64,
}

/// A bucket of requests; clones of its `Arc` share it.
#[derive(Debug)]
pub struct Limiter {
    clock: HostClock,
    burst: f64,
    per_s: f64,
    cool_s: (f64, f64),
    state: Mutex<State>,
}

impl Limiter {
    /// The process's own for Kraken.
    pub fn shared() -> Arc<Self> {
        static SHARED: OnceLock<Arc<Limiter>> = OnceLock::new();
        SHARED.get_or_init(|| Arc::new(Self::new(BURST, PER_S, COOL_S))).clone()
    }

    /// For an exchange of this process: a bucket as large as what it takes, beside the one for the world.
    pub fn of_own_exchange() -> Arc<Self> {
        Arc::new(Self::new(OWN_BURST, PER_S, COOL_S))
    }

    /// For an exchange that refuses nobody.
    pub fn without_limit() -> Arc<Self> {
        Arc::new(Self::new(u32::MAX, f64::from(u32::MAX), (0.0, 0.0)))
    }

    /// A bucket of `burst` that fills by `per_s`, and rests after a first refusal and after more.
    pub fn new(burst: u32, per_s: f64, cool_s: (f64, f64)) -> Self {
        let burst = f64::from(burst);
        let state = State { tokens: burst, at_s: 0.0, closed_until_s: 0.0, cool_s: cool_s.0 };
        Self { clock: HostClock::new(), burst, per_s, cool_s, state: Mutex::new(state) }
    }

    fn now_s(&self) -> f64 {
        Duration::from_nanos(self.clock.now().raw()).as_secs_f64()
    }

    /// Waits for a turn; `false` when `stop` says so before.
    pub fn wait(&self, stop: &dyn Fn() -> bool) -> bool {
        while !self.take(self.now_s()) {
            if stop() {
                return false;
            }
            Wait::Doze.wait();
        }
        true
    }

    fn take(&self, now_s: f64) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = (now_s - state.at_s).max(0.0);
        state.tokens = (state.tokens + passed * self.per_s).min(self.burst);
        state.at_s = now_s;
        let is_open = now_s >= state.closed_until_s && state.tokens >= 1.0;
        if is_open {
            state.tokens -= 1.0;
        }
        is_open
    }

    /// The venue said that it was asked too often, or to stay away: nobody asks for a while, which is not
    /// shorter than `at_least`.
    pub fn refused(&self, at_least: Duration) {
        let now_s = self.now_s();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens = 0.0;
        let until_s = now_s + state.cool_s.max(at_least.as_secs_f64());
        state.closed_until_s = state.closed_until_s.max(until_s);
        state.cool_s = self.cool_s.1;
    }

    /// The venue answered.
    pub fn answered(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).cool_s = self.cool_s.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate_and_a_refusal_closes_it_for_all() {
        let limiter = Limiter::new(3, 0.5, (2.0, 5.0));
        let now = limiter.now_s() + 100.0;
        assert!((0..3).all(|_| limiter.take(now)));
        assert!(!limiter.take(now + 1.0));
        assert!(limiter.take(now + 2.0));
        let limiter = Limiter::new(3, 10.0, (2.0, 5.0));
        let closed = |at_least: u64, for_s: f64| {
            limiter.refused(Duration::from_secs(at_least));
            let now = limiter.now_s();
            assert!(!limiter.take(now + for_s - 0.5));
            assert!(limiter.take(now + for_s + 0.5));
        };
        closed(0, 2.0);
        closed(0, 5.0);
        closed(9, 9.0);
        limiter.answered();
        closed(0, 9.0);
    }

    #[test]
    fn the_end_of_the_program_is_not_waited_for() {
        let limiter = Limiter::new(1, 0.001, (2.0, 5.0));
        assert!(limiter.wait(&|| false));
        assert!(!limiter.wait(&|| true));
    }
}
