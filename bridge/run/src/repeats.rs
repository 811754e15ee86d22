//! Reports of the feed that come again and again: the first is told at once, then at most one a minute of the
//! same kind and symbols, with the count of those it stands for. Bridge thread; bounded by [`KEPT_MAX`].

use std::mem::{Discriminant, discriminant};

use paperwire_core::symbol_set::SymbolSet;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_feed::report::{FeedReport, FeedReportKind};

/// Time between two notices of the same.
const EVERY: DurationNs = DurationNs::from_secs(60);
/// Kinds and sets of symbols at a time: four kinds for each of 64 symbols. What is beyond them counts as one
/// trouble of its kind.
const KEPT_MAX: usize = 256;

/// What makes two reports the same: kind, and bits of the symbols.
type Key = (Discriminant<FeedReportKind>, SymbolSet);

/// One kind of trouble that was told within the last minute.
#[derive(Debug)]
struct Told {
    key: Key,
    until: HostNs,
    /// Reports since then, and the last of them.
    since: u64,
    last: FeedReport,
}

/// What was told lately.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    told: Vec<Told>,
}

impl Repeats {
    /// True when the report is to be told at once; else it is counted.
    pub(crate) fn is_news(&mut self, report: &FeedReport, now: HostNs) -> bool {
        let Some(mut key) = key(&report.kind) else { return true };
        let is_known = self.told.iter().any(|told| told.key == key);
        if !is_known && self.told.len() >= KEPT_MAX {
            key.1 = SymbolSet::EVERY;
        }
        if let Some(told) = self.told.iter_mut().find(|told| told.key == key) {
            told.since += 1;
            told.last = *report;
            return false;
        }
        self.told.push(Told { key, until: now.plus(EVERY), since: 0, last: *report });
        true
    }

    /// A report whose minute is over, with how many it stands for; call until there is none.
    pub(crate) fn due(&mut self, now: HostNs) -> Option<(FeedReport, u64)> {
        self.told.retain(|told| told.since > 0 || now < told.until);
        let told = self.told.iter_mut().find(|told| now >= told.until)?;
        told.until = now.plus(EVERY);
        Some((told.last, std::mem::take(&mut told.since)))
    }

    /// What was counted and not told yet, at the end.
    pub(crate) fn rest(&mut self) -> Option<(FeedReport, u64)> {
        let told = std::iter::from_fn(|| self.told.pop()).find(|told| told.since > 0)?;
        Some((told.last, told.since))
    }
}

/// None for what is news each time, or kept apart by its own waits.
fn key(kind: &FeedReportKind) -> Option<Key> {
    let symbols = match kind {
        FeedReportKind::BadBook { symbol, .. } => SymbolSet::only(*symbol),
        // A pair that the venue does not have is asked for each half minute.
        FeedReportKind::Silent { symbol, .. } | FeedReportKind::Rejected { symbol, .. } => {
            symbol.map_or(SymbolSet::EMPTY, SymbolSet::only)
        }
        FeedReportKind::Malformed { symbols, .. } | FeedReportKind::Void { symbols, .. } => {
            *symbols
        }
        FeedReportKind::RefusedRows(refused) => SymbolSet::only(refused.symbol),
        FeedReportKind::NumbersJumped(jump) => SymbolSet::only(jump.symbol),
        FeedReportKind::Refused { .. }
        | FeedReportKind::Unread { .. }
        | FeedReportKind::Stalled(_) => SymbolSet::EMPTY,
        FeedReportKind::Connected
        | FeedReportKind::Disconnected { .. }
        | FeedReportKind::Venue { .. }
        | FeedReportKind::AllLive { .. }
        | FeedReportKind::Trading(_)
        | FeedReportKind::ClockStepped(_)
        | FeedReportKind::Counters { .. } => return None,
    };
    Some((discriminant(kind), symbols))
}

#[cfg(test)]
mod tests {
    use paperwire_core::event::GapReason;
    use paperwire_core::instrument::SymbolId;

    use super::*;

    fn at(seconds: u64) -> HostNs {
        HostNs::new(seconds * 1_000_000_000)
    }

    /// Of the symbols whose bits are set.
    fn void(bits: u64) -> FeedReport {
        let symbols = (0u16..64).filter(|at| bits >> at & 1 == 1).map(SymbolId).collect();
        let kind = FeedReportKind::Void { symbols, reason: GapReason::Malformed };
        FeedReport { at: at(0), kind }
    }

    fn due(repeats: &mut Repeats, seconds: u64) -> Vec<u64> {
        std::iter::from_fn(|| repeats.due(at(seconds))).map(|(_, count)| count).collect()
    }

    #[test]
    fn the_first_is_told_at_once_and_the_rest_once_a_minute_with_its_count() {
        let mut repeats = Repeats::default();
        assert!(repeats.is_news(&void(1), at(0)));
        assert!(repeats.is_news(&void(2), at(0)), "other symbols");
        for _ in 0..1_000 {
            assert!(!repeats.is_news(&void(1), at(1)));
        }
        assert_eq!(due(&mut repeats, 59), [0; 0]);
        assert_eq!(due(&mut repeats, 60), [1_000]);
        assert!(!repeats.is_news(&void(1), at(61)));
        assert!(repeats.is_news(&void(2), at(61)), "its minute was quiet");
        assert_eq!(due(&mut repeats, 119), [0; 0]);
        assert_eq!(due(&mut repeats, 120), [1]);
        assert_eq!(due(&mut repeats, 180), [0; 0]);
        assert!(repeats.is_news(&void(1), at(180)));
    }

    #[test]
    fn connections_are_told_each_time_and_the_end_leaves_nothing_untold() {
        let mut repeats = Repeats::default();
        let connected = FeedReport { at: at(0), kind: FeedReportKind::Connected };
        assert!(repeats.is_news(&connected, at(0)));
        assert!(repeats.is_news(&connected, at(0)));
        for _ in 0..3 {
            repeats.is_news(&void(1), at(0));
            repeats.is_news(&void(2), at(0));
        }
        repeats.is_news(&void(4), at(0));
        let rest: Vec<u64> = std::iter::from_fn(|| repeats.rest()).map(|(_, n)| n).collect();
        assert_eq!(rest, [2, 2]);
    }

    #[test]
    fn more_kinds_of_trouble_than_are_kept_become_one() {
        let mut repeats = Repeats::default();
        let many = 2 * u64::try_from(KEPT_MAX).unwrap();
        let told = (1..=many).filter(|&symbols| repeats.is_news(&void(symbols), at(0))).count();
        assert_eq!((told, repeats.told.len()), (KEPT_MAX + 1, KEPT_MAX + 1));
        assert_eq!(due(&mut repeats, 60), [many - u64::try_from(KEPT_MAX).unwrap() - 1]);
    }
}
