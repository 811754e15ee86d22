//! Minutes in a row, made of pages of prints: each one once nothing of it can come any more.

use std::collections::HashSet;

use paperwire_core::bar::Timeframe;
use paperwire_core::num::Px;
use paperwire_core::time::ExchNs;

use crate::import::{Minutes, TooMuch};
use crate::model::{Candle, MINUTE_NS, Print, Scale, Source, Span, SymbolRows, rescaled};

/// A minute is made so long after its end, by the venue's cursor: rows are not strictly in the order of time, and
/// one of them may come with the next page.
const SLACK_NS: i64 = MINUTE_NS;

/// Why a minute cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PushError {
    /// Its volume does not fit.
    TooMuch(TooMuch),
    /// A print of a minute that was made already, by its number.
    Late(i64),
}

#[derive(Debug)]
pub(super) struct Building {
    hole: Span,
    /// The first minute that is not given yet.
    next: ExchNs,
    close: Option<Px>,
    /// Prints of minutes that are not given yet.
    held: Vec<Print>,
    /// Numbers of the prints of the last two pages: a page may repeat the end of the one before.
    seen: [HashSet<i64>; 2],
}

impl Building {
    pub(super) fn new(hole: Span, close: Option<Px>) -> Self {
        Self { hole, next: hole.from, close, held: Vec::new(), seen: Default::default() }
    }

    pub(super) const fn next(&self) -> ExchNs {
        self.next
    }

    /// The same from the first minute on that is not given, with prices of another scale.
    pub(super) fn restarted(&self, from: Scale, to: Scale) -> Option<Self> {
        let close = match self.close {
            Some(close) => Some(Px::new(rescaled(close.raw(), from.price, to.price)?)),
            None => None,
        };
        Some(Self { next: self.next, ..Self::new(self.hole, close) })
    }

    /// Takes the prints of a page, whatever their order; returns whether any of them is new.
    pub(super) fn take(&mut self, page: &[Print]) -> Result<bool, PushError> {
        let before = self.held.len();
        let mut of_page = HashSet::with_capacity(page.len());
        for print in page.iter().filter(|print| self.hole.holds(print.at)) {
            let is_known = self.seen.iter().any(|page| page.contains(&print.trade_id));
            if !of_page.insert(print.trade_id) || is_known {
                continue;
            }
            if print.at < self.next {
                return Err(PushError::Late(print.trade_id));
            }
            self.held.push(*print);
        }
        let [older, newer] = &mut self.seen;
        *older = std::mem::replace(newer, of_page);
        Ok(self.held.len() > before)
    }

    /// Gives every minute that is over when the venue's trades are known up to `known`; with `is_end`, when
    /// no more will come. Minutes without prints carry the close before them; before the first known price
    /// there are none.
    pub(super) fn give(
        &mut self,
        known: ExchNs,
        is_end: bool,
        to: &mut SymbolRows,
    ) -> Result<(), PushError> {
        let slack = if is_end { 0 } else { SLACK_NS };
        let until = Timeframe::M1.floor(ExchNs::new(known.raw() - slack)).min(self.hole.to);
        self.held.sort_by_key(|print| (print.at, print.trade_id));
        let ready = self.held.partition_point(|print| print.at < until);
        let mut minutes = Minutes::whole(Source::Trades);
        for print in self.held.drain(..ready).collect::<Vec<_>>() {
            if let Some(candle) = minutes.push(&print).map_err(PushError::TooMuch)? {
                self.candle(candle, to);
            }
            to.prints.push(print);
        }
        if let Some(candle) = minutes.finish() {
            self.candle(candle, to);
        }
        self.carry(until, to);
        Ok(())
    }

    fn candle(&mut self, candle: Candle, to: &mut SymbolRows) {
        self.carry(candle.open_at, to);
        self.close = Some(candle.close);
        self.next = ExchNs::new(candle.open_at.raw() + MINUTE_NS);
        to.candles.push(candle);
    }

    fn carry(&mut self, until: ExchNs, to: &mut SymbolRows) {
        while self.next < until {
            let empty = |close| Candle::empty(self.next, close, Source::Trades);
            to.candles.extend(self.close.map(empty));
            self.next = ExchNs::new(self.next.raw() + MINUTE_NS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{SCALE, minute, print};

    #[test]
    fn a_print_that_comes_after_others_of_the_next_minute_still_counts_in_its_own() {
        let mut building = Building::new(Span::new(minute(1), minute(6)), Some(Px::new(900)));
        let mut rows = SymbolRows::new("A/B", SCALE);
        // Seconds of the rows of two pages: the second page begins with one of the minute before.
        let page = |rows: &[(i64, i64)]| -> Vec<Print> {
            rows.iter().map(|(second, id)| print(*second, *id)).collect()
        };
        building.take(&page(&[(70, 1), (121, 3), (119, 2), (150, 4)])).unwrap();
        building.give(ExchNs::new(150 * 1_000_000_000), false, &mut rows).unwrap();
        assert_eq!(building.next(), minute(1), "the second minute may still get prints");
        building.take(&page(&[(118, 5), (150, 4), (200, 6)])).unwrap();
        building.give(ExchNs::new(200 * 1_000_000_000), false, &mut rows).unwrap();
        building.give(minute(6), true, &mut rows).unwrap();
        let counts: Vec<_> = rows.candles.iter().map(|of| (of.open_at, of.trades)).collect();
        let expected = [(1, 3), (2, 2), (3, 1), (4, 0), (5, 0)];
        assert_eq!(counts, expected.map(|(at, trades)| (minute(at), trades)));
        assert_eq!(building.take(&page(&[(130, 9)])), Err(PushError::Late(9)));
    }
}
