//! Which books were not believed, why, and how often: for the report of a session.
//!
//! All memory is taken at the start, so that a warm thread of a replay may add to it.

use paperwire_core::book::BookError;
use paperwire_core::event::GapReason;
use paperwire_core::instrument::{Instrument, SymbolId};
use paperwire_core::symbol_set::SymbolSet;
use paperwire_feed::market::{BookState, MarketFeed};
use paperwire_feed::wire::WireError;
use serde::Serialize;

/// What was wrong in particular.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// The book failed its check.
    Book(BookError),
    /// The frame could not be read.
    Wire(WireError),
    /// The reason says it all.
    None,
}

impl Detail {
    /// Of the market's last failure.
    pub fn last(market: &MarketFeed, reason: GapReason) -> Self {
        match (reason, market.last_error(), market.last_wire_error()) {
            (GapReason::Checksum | GapReason::Crossed, Some((_, error)), _) => Self::Book(error),
            (GapReason::Malformed, _, Some(error)) => Self::Wire(error),
            _ => Self::None,
        }
    }

    /// In words.
    pub fn text(self) -> Option<String> {
        match self {
            Self::Book(error) => Some(error.to_string()),
            Self::Wire(error) => Some(error.to_string()),
            Self::None => None,
        }
    }
}

/// One symbol's quarantines for one reason.
#[derive(Clone, Copy, Debug)]
struct Count {
    count: u64,
    first_frame: Option<u64>,
    first: Detail,
}

const NOT_YET: Count = Count { count: 0, first_frame: None, first: Detail::None };
const REASONS: usize = GapReason::ALL.len();

/// One row of the report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Quarantine {
    /// The pair.
    pub symbol: String,
    /// Why its book was not believed: a word of [`GapReason`].
    pub reason: &'static str,
    /// How often.
    pub count: u64,
    /// The frame with which it began, counted from 1; null in a live session.
    pub first_frame: Option<u64>,
    /// What was wrong the first time.
    pub error: Option<String>,
    /// Whether the book was believed again at the end: `live`, `stale`, `resync` or `empty`; null in a live session.
    pub state: Option<&'static str>,
}

/// Every quarantine of a session.
#[derive(Clone, Debug)]
pub struct Quarantines(Vec<[Count; REASONS]>);

impl Quarantines {
    /// None yet, of so many symbols.
    pub fn new(symbols: usize) -> Self {
        Self(vec![[NOT_YET; REASONS]; symbols])
    }

    /// These symbols are not believed from this frame on.
    pub fn add(
        &mut self,
        symbols: SymbolSet,
        reason: GapReason,
        frame: Option<u64>,
        detail: Detail,
    ) {
        for (index, counts) in (0u16..).zip(&mut self.0) {
            let count = &mut counts[reason as usize];
            if !symbols.contains(SymbolId(index)) {
                continue;
            }
            if count.count == 0 {
                (count.first_frame, count.first) = (frame, detail);
            }
            count.count += 1;
        }
    }

    /// The rows that there are; `state` tells how a book is at the end, where that is known.
    pub fn rows(
        &self,
        instruments: &[Instrument],
        state: impl Fn(SymbolId) -> Option<BookState>,
    ) -> Vec<Quarantine> {
        let mut rows = Vec::new();
        for ((index, of), counts) in (0u16..).zip(instruments).zip(&self.0) {
            for (reason, count) in GapReason::ALL.iter().zip(counts) {
                if count.count == 0 {
                    continue;
                }
                rows.push(Quarantine {
                    symbol: of.name.to_string(),
                    reason: reason.as_str(),
                    count: count.count,
                    first_frame: count.first_frame,
                    error: count.first.text(),
                    state: state(SymbolId(index)).map(word),
                });
            }
        }
        rows
    }
}

const fn word(of: BookState) -> &'static str {
    match of {
        BookState::Empty => "empty",
        BookState::Live => "live",
        BookState::Stale => "stale",
        BookState::Resync => "resync",
    }
}

#[cfg(test)]
mod tests {
    use paperwire_feed::infer;

    use super::*;

    #[test]
    fn quarantines_are_counted_by_symbol_and_reason_with_their_first_cause() {
        let row = |name: &str| {
            let text = format!(r#"{{"symbol":"{name}","price":1.0,"qty":1}}"#);
            infer::instrument_of(text.as_bytes()).unwrap()
        };
        let mut all = Quarantines::new(2);
        let wire = |at| Detail::Wire(WireError::Syntax { at });
        all.add(SymbolSet::only(SymbolId(1)), GapReason::Malformed, Some(7), wire(3));
        all.add(SymbolSet::all(2), GapReason::Malformed, Some(9), wire(5));
        all.add(SymbolSet::only(SymbolId(0)), GapReason::Disconnect, None, Detail::None);
        let rows = all.rows(&[row("A/USD"), row("B/USD")], |_| Some(BookState::Resync));
        let short: Vec<_> = rows
            .iter()
            .map(|row| (row.symbol.as_str(), row.reason, row.count, row.first_frame))
            .collect();
        let expected = [
            ("A/USD", "disconnect", 1, None),
            ("A/USD", "malformed", 1, Some(9)),
            ("B/USD", "malformed", 2, Some(7)),
        ];
        assert_eq!(short, expected);
        assert_eq!(rows[2].error.as_deref(), Some("not valid JSON at byte 3"));
    }
}
