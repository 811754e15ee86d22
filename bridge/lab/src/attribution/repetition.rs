//! Short calls that come again and again with the same length: those are a strategy's own. What the host takes is as
//! long as it happens to be.

use std::collections::VecDeque;

use paperwire_core::outlier::Outlier;
use paperwire_core::time::DurationNs;

use super::losses::{Loss, TELLING_MIN};

/// An interrupt may take as long: shorter calls tell nothing by their number.
const SPAN_MIN: DurationNs = DurationNs::from_micros(25);
/// Calls of a strategy that are remembered.
const KEPT_MAX: usize = 64;
/// So many of them must agree, and at least half.
const AGREED_MIN: usize = 8;

/// Lengths of the last short calls of each strategy, and whether nobody else had the core in it.
#[derive(Debug, Default)]
pub(super) struct Repetition {
    strategies: Vec<VecDeque<(DurationNs, bool)>>,
}

impl Repetition {
    /// Takes a call.
    pub(super) fn note(&mut self, call: &Outlier, loss: Option<&Loss>) {
        let (span, index) = (call.span(), usize::from(call.strategy));
        let Some(loss) = loss.filter(|_| span >= SPAN_MIN && span < TELLING_MIN) else { return };
        if self.strategies.len() <= index {
            self.strategies.resize_with(index + 1, || VecDeque::with_capacity(KEPT_MAX));
        }
        let kept = &mut self.strategies[index];
        if kept.len() == KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back((span, is_alone(span, loss)));
    }

    /// Whether a call is one of many of its length, in none of which another had the core.
    pub(super) fn is_repeated(&self, call: &Outlier, loss: &Loss) -> bool {
        let span = call.span();
        let kept = self.strategies.get(usize::from(call.strategy));
        let Some(kept) = kept.filter(|_| span >= SPAN_MIN && is_alone(span, loss)) else {
            return false;
        };
        let agrees = |(other, is_alone): &&(DurationNs, bool)| {
            *is_alone && span.raw().abs_diff(other.raw()) * 4 <= span.raw()
        };
        let agreed = kept.iter().filter(agrees).count();
        agreed >= AGREED_MIN && 2 * agreed >= kept.len()
    }
}

/// Whether the thread can have run for most of the call, and was not seen waiting for its core.
const fn is_alone(span: DurationNs, loss: &Loss) -> bool {
    2 * loss.waited.raw() < span.raw() && 2 * loss.least.raw() < span.raw()
}
