//! Order-flow imbalance at the touch (Cont, Kukanov & Stoikov, *J. Financial Econometrics* 12, 2014).
//!
//! Each change of the best quotes contributes
//! `e = [b >= b'] q_b - [b <= b'] q_b' - [a <= a'] q_a + [a >= a'] q_a'` (primed: before), in lots:
//! what was added to the bid or taken from the ask counts up. [`Ofi::value`] is the exponential mean
//! of `e` over 10 s, divided by that of `|e|` over 10 min. Unit: none; about 1 when every change goes one
//! way, beyond that when the changes also grow.

use paperwire_core::book::Bbo;
use paperwire_core::time::{DurationNs, ExchNs};

/// A mean whose weights fall by `1/e` every `tau`.
#[derive(Clone, Debug)]
struct TimeMean {
    tau_ns: f64,
    sum: f64,
    weight: f64,
}

impl TimeMean {
    const fn new(tau: DurationNs) -> Self {
        Self { tau_ns: tau.raw() as f64, sum: 0.0, weight: 0.0 }
    }

    fn push(&mut self, x: f64, since_last: DurationNs) {
        let kept = if since_last == DurationNs::ZERO {
            1.0
        } else {
            (-(since_last.raw() as f64) / self.tau_ns).exp()
        };
        self.sum = self.sum * kept + x;
        self.weight = self.weight * kept + 1.0;
    }

    fn mean(&self) -> f64 {
        self.sum / self.weight
    }
}

/// Normalised order-flow imbalance of one book.
#[derive(Clone, Debug)]
pub struct Ofi {
    fast: TimeMean,
    size: TimeMean,
    before: Option<(Bbo, ExchNs)>,
    updates: u64,
    updates_min: u64,
}

impl Ofi {
    /// The published use: 10 s against 10 min, ready after `updates_min` changes.
    pub const fn new(updates_min: u64) -> Self {
        Self {
            fast: TimeMean::new(DurationNs::from_secs(10)),
            size: TimeMean::new(DurationNs::from_secs(600)),
            before: None,
            updates: 0,
            updates_min,
        }
    }

    /// Takes the touch after a book message; an unchanged touch says nothing.
    pub fn push(&mut self, bbo: &Bbo, at: ExchNs) {
        let Some((before, before_at)) = self.before else {
            self.before = Some((*bbo, at));
            return;
        };
        if before == *bbo {
            return;
        }
        let e = imbalance(&before, bbo);
        let since_last = at.since(before_at);
        self.fast.push(e, since_last);
        self.size.push(e.abs(), since_last);
        self.before = Some((*bbo, at.max(before_at)));
        self.updates += 1;
    }

    /// Forgets the last touch: what happened between it and the next one was not heard.
    pub const fn unlink(&mut self) {
        self.before = None;
    }

    /// The imbalance, once there were enough changes.
    pub fn value(&self) -> Option<f64> {
        let size = self.size.mean();
        (self.updates >= self.updates_min && size > 0.0).then(|| self.fast.mean() / size)
    }

    /// Changes seen.
    pub const fn updates(&self) -> u64 {
        self.updates
    }
}

/// The contribution of one change, in lots.
fn imbalance(before: &Bbo, now: &Bbo) -> f64 {
    let mut lots = 0i64;
    if now.bid.px >= before.bid.px {
        lots = lots.saturating_add(now.bid.qty.raw());
    }
    if now.bid.px <= before.bid.px {
        lots = lots.saturating_sub(before.bid.qty.raw());
    }
    if now.ask.px <= before.ask.px {
        lots = lots.saturating_sub(now.ask.qty.raw());
    }
    if now.ask.px >= before.ask.px {
        lots = lots.saturating_add(before.ask.qty.raw());
    }
    lots as f64
}

#[cfg(test)]
mod tests;
