//! Token buckets: a burst is free, then a steady rate.

use std::collections::HashMap;
use std::hash::Hash;

/// How many at once, and how many a second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateLimit {
    /// Requests that a rested client may send at once.
    pub burst: u32,
    /// Requests a second that come back.
    pub per_s: f64,
}

/// One client's bucket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    tokens: f64,
    at_s: f64,
}

impl Bucket {
    pub(crate) fn full(limit: RateLimit, now_s: f64) -> Self {
        Self { tokens: f64::from(limit.burst), at_s: now_s }
    }

    /// Takes one token if there is one.
    pub(crate) fn take(&mut self, limit: RateLimit, now_s: f64) -> bool {
        let passed = (now_s - self.at_s).max(0.0);
        self.tokens = (self.tokens + passed * limit.per_s).min(f64::from(limit.burst));
        self.at_s = now_s;
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

/// A bucket per key; full ones are forgotten when there are many.
#[derive(Debug)]
pub(crate) struct Buckets<K> {
    map: HashMap<K, Bucket>,
}

/// Keys kept before full buckets are swept out.
const KEYS_MAX: usize = 4096;

impl<K: Eq + Hash> Buckets<K> {
    pub(crate) fn new() -> Self {
        Self { map: HashMap::new() }
    }

    pub(crate) fn take(&mut self, key: K, limit: RateLimit, now_s: f64) -> bool {
        if self.map.len() >= KEYS_MAX {
            let refill_s = f64::from(limit.burst) / limit.per_s.max(1e-9);
            self.map.retain(|_, bucket| now_s - bucket.at_s < refill_s);
        }
        self.map.entry(key).or_insert_with(|| Bucket::full(limit, now_s)).take(limit, now_s)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_then_the_rate() {
        let limit = RateLimit { burst: 3, per_s: 0.5 };
        let mut buckets = Buckets::new();
        let mut take = |key, now| buckets.take(key, limit, now);
        assert!((0..3).all(|_| take(1, 10.0)));
        assert!(!take(1, 10.0));
        assert!(take(2, 10.0), "another client has its own bucket");
        assert!(!take(1, 11.0));
        assert!(take(1, 12.0));
        assert!(!take(1, 12.5));
        assert!((0..3).all(|_| take(1, 100.0)), "rest fills it up to the burst");
        assert!(!take(1, 100.0));
    }
}
