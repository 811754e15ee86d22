use paperwire_core::num::Money;
use paperwire_core::symbol_set::SymbolSet;
use paperwire_feed::wire::WireError;

use super::*;

#[test]
fn a_thousand_damaged_frames_are_two_notices_with_the_count() {
    let (mut ends, parts) = wire(1, 1);
    let error = WireError::Syntax { at: 7 };
    let kind = FeedReportKind::Malformed { error, symbols: SymbolSet::EMPTY };
    for _ in 0..1_000 {
        ends.feed_reports.push(FeedReport { at: HostNs::new(1), kind }).unwrap();
    }
    drop(ends);
    let tally = Tally::new(Vec::new(), Vec::new(), Money::ONE);
    let shared = Arc::new(Mutex::new(Shared::new(tally, Counters::default())));
    start(parts, shared.clone(), HostClock::new()).unwrap().join().unwrap();
    let notices: Vec<String> = shared.lock().unwrap().notices.drain(..).collect();
    let first = "unreadable frame (not valid JSON at byte 7); quarantined ";
    assert_eq!(notices, [first.to_owned(), format!("{first} (999 such since the last notice)")]);
}
