//! The longest calls of a second, kept one by one so that it can be asked what the machine did meanwhile.
//!
//! Written by the thread that measures, into memory it took at the start; a call that is not long costs one
//! comparison. When more are long than fit, the shortest of them make room.

use arrayvec::ArrayVec;

use crate::event::Seq;
use crate::limits::OUTLIERS_MAX;
use crate::time::{DurationNs, HostNs};

/// Calls shorter than this are never outliers: some ten times a usual one.
pub const OUTLIER_MIN: DurationNs = DurationNs::from_micros(10);

/// One long call of a strategy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outlier {
    /// Index of the strategy.
    pub strategy: u16,
    /// The event it was called for.
    pub seq: Seq,
    /// Its beginning.
    pub from: HostNs,
    /// Its end.
    pub to: HostNs,
}

impl Outlier {
    /// Its length.
    pub const fn span(&self) -> DurationNs {
        self.to.since(self.from)
    }
}

/// At most [`OUTLIERS_MAX`] of them.
#[derive(Debug, Default)]
pub struct Outliers {
    list: ArrayVec<Outlier, OUTLIERS_MAX>,
}

impl Outliers {
    /// Looks at a call that has ended.
    #[inline]
    pub fn look(&mut self, strategy: usize, seq: Seq, from: HostNs, to: HostNs) {
        if to.since(from) >= OUTLIER_MIN {
            let strategy = u16::try_from(strategy).expect("strategies are numbered in 16 bits");
            self.keep(Outlier { strategy, seq, from, to });
        }
    }

    #[cold]
    fn keep(&mut self, outlier: Outlier) {
        let Err(full) = self.list.try_push(outlier) else { return };
        let outlier = full.element();
        let shortest = self.list.iter_mut().min_by_key(|of| of.span());
        if let Some(shortest) = shortest.filter(|of| of.span() < outlier.span()) {
            *shortest = outlier;
        }
    }

    /// In no order.
    pub fn as_slice(&self) -> &[Outlier] {
        &self.list
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.list.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_are_kept_and_the_short_never_are() {
        let mut outliers = Outliers::default();
        let at = HostNs::new(1_000);
        outliers.look(0, Seq(0), at, at.plus(DurationNs::new(OUTLIER_MIN.raw() - 1)));
        assert!(outliers.as_slice().is_empty());
        // More than fit, in an order that is neither rising nor falling.
        let count = 2 * OUTLIERS_MAX as u64 + 7;
        for i in 0..count {
            let micros = 10 + i * 31 % count;
            outliers.look(3, Seq(i), at, at.plus(DurationNs::from_micros(micros)));
        }
        let mut spans: Vec<u64> =
            outliers.as_slice().iter().map(|of| of.span().raw() / 1_000).collect();
        spans.sort_unstable();
        let longest: Vec<u64> = (10 + count - OUTLIERS_MAX as u64..10 + count).collect();
        assert_eq!(spans, longest);
        outliers.clear();
        assert!(outliers.as_slice().is_empty());
    }
}
