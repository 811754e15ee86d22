use crossbeam::channel::unbounded;
use paperwire_core::latency::BankSwap;
use paperwire_core::limits::{COMMAND_RING_LEN, FEED_REPORT_RING_LEN, REPORT_RING_LEN};
use paperwire_core::num::Money;
use paperwire_core::ring::ring;
use paperwire_core::time::{DurationNs, HostNs};
use paperwire_exec::engine::ENGINE_STAGES;
use paperwire_feed::agent::FEED_STAGES;
use paperwire_feed::wire::WireError;

use crate::sink::Sink;

use super::*;

/// Keeps what it is told.
#[derive(Debug)]
struct Ear(Arc<Mutex<Vec<Told>>>);

impl Sink for Ear {
    fn told(&mut self, told: &Told, _at: HostNs) {
        lock(&self.0).push(told.clone());
    }
}

#[test]
fn a_thousand_damaged_frames_are_two_notices_with_the_count() {
    let (reports, reports_out) = ring(REPORT_RING_LEN);
    let (mut feed_reports, feed_reports_out) = ring(FEED_REPORT_RING_LEN);
    let (_feed_banks, feed_drain) = BankSwap::new(&FEED_STAGES, 0);
    let (_engine_banks, engine_drain) = BankSwap::new(&ENGINE_STAGES, 1);
    let (_tell, told) = unbounded();
    let rings = Rings {
        reports: reports_out,
        feed_reports: feed_reports_out,
        banks: [feed_drain, engine_drain],
        told,
    };
    let error = WireError::Syntax { at: 7 };
    let kind = FeedReportKind::Malformed { error, symbols: SymbolSet::EMPTY };
    for _ in 0..1_000 {
        feed_reports.push(FeedReport { at: HostNs::new(1), kind }).unwrap();
    }
    drop((reports, feed_reports));
    let tally = Tally::new(Vec::new(), Vec::new(), Money::ONE);
    let totals = Arc::new(Mutex::new(Totals::new(tally)));
    let commands = Arc::new(Mutex::new(ring(COMMAND_RING_LEN).0));
    let heard = Arc::new(Mutex::new(Vec::new()));
    let (budget, clock) = (Budget::new(DurationNs::ZERO, 1), HostClock::new());
    let calls = CallWatch { host: None, budget, commands };
    let sinks: Sinks = vec![Box::new(Ear(heard.clone()))];
    let drain = Drain::new(rings, totals, calls, sinks, Wait::Park, clock);
    drain.start().unwrap().join().unwrap();
    let told: Vec<Told> = lock(&heard).drain(..).collect();
    let lines: Vec<&str> = told.iter().filter_map(|of| of.line.as_deref()).collect();
    let first = "unreadable frame (not valid JSON at byte 7); quarantined ";
    assert_eq!(lines, [first, &format!("{first} (999 such since the last notice)")]);
    let records = told.iter().filter_map(|of| of.record.as_ref());
    let counts: Vec<Option<u64>> = records.map(|(_, details)| details["count"].as_u64()).collect();
    assert_eq!(counts, [None, Some(999)], "the log has the count, too");
}
