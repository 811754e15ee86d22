//! One rate for all requests of a process to a venue's public REST interface.
//!
//! Kraken takes about thirty requests at once and one a second after that, counted by address. A bucket of
//! fifteen leaves room for a browser beside us; whoever is refused waits, longer each time.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use paperwire_rt::clock::HostClock;
use paperwire_rt::runner::Wait;

const BURST: u32 = 15;
const PER_S: f64 = 1.0;
/// First and longest rest after a refusal.
const COOL_S: (f64, f64) = (3.0, 30.0);

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

    /// A bucket of `burst` that fills by `per_s`, and rests after refusals, first and at most.
    pub fn new(burst: u32, per_s: f64, cool_s: (f64, f64)) -> Self {
        let burst = f64::from(burst);
        let state = State { tokens: burst, at_s: 0.0, closed_until_s: 0.0, cool_s: cool_s.0 };
        Self { clock: HostClock::new(), burst, per_s, cool_s, state: Mutex::new(state) }
    }

    fn now_s(&self) -> f64 {
        Duration::from_nanos(self.clock.now().raw()).as_secs_f64()
    }

    /// Waits for a turn.
    pub fn wait(&self) {
        while !self.take(self.now_s()) {
            Wait::Doze.wait();
        }
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

    /// The venue said that it was asked too often: nobody asks for a while.
    pub fn refused(&self) {
        let now_s = self.now_s();
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.tokens = 0.0;
        state.closed_until_s = now_s + state.cool_s;
        state.cool_s = (state.cool_s * 2.0).min(self.cool_s.1);
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
        limiter.refused();
        let now = limiter.now_s();
        assert!(!limiter.take(now + 1.0));
        assert!(limiter.take(now + 100.0));
    }
}
