use super::*;

#[test]
fn every_probe_has_a_price_and_measuring_allocates_nothing() {
    let before = alloc_guard::hot_allocs_total();
    let tax = measure(&HostClock::new());
    assert_eq!(alloc_guard::hot_allocs_total(), before);
    for price in [tax.clock_read_ns, tax.record_ns, tax.ring_hop_ns, tax.event_ns] {
        assert!(price > 0.0, "{tax}");
    }
    assert!(tax.event_ns > tax.clock_read_ns + tax.record_ns, "{tax}");
}

#[test]
fn the_share_is_the_looks_met_on_the_way_to_the_signal() {
    let tax = ProbeTax {
        clock_read_ns: 16.0,
        record_ns: 2.0,
        ring_hop_ns: 1.0,
        guard_ns: 1.0,
        event_ns: 240.0,
    };
    let mut bank = Bank::new(&Stage::ALL, 2);
    assert_eq!(tax.share(&bank), None, "nothing was decided");
    let at = HostNs::new;
    for _ in 0..10 {
        for stage in [Stage::Decoded, Stage::BookApplied, Stage::Enqueued, Stage::Dequeued] {
            bank.stage(stage).record(at(0), at(0), at(300));
        }
        for strategy in 0..2 {
            bank.call(strategy, paperwire_core::event::Seq(1), at(0), at(300), at(1_000));
        }
        bank.stage(Stage::Decided).record(at(0), at(300), at(1_000));
        // After the signal: none of its time.
        bank.stage(Stage::Filled).record(at(0), at(1_000), at(2_000));
    }
    // Decoded, verified, pushed, taken out, and before and after each of two calls.
    let share = tax.share(&bank).unwrap();
    assert_eq!(share.wire_to_signal_ns, 1_000);
    assert_eq!(
        share.to_string(),
        "8.0 looks at the clock per event cost 128 ns: 12.8 % of the median wire-to-signal of 1.00 us"
    );
    // From a wire there is one more, and what comes after the push is on another thread.
    (0..10).for_each(|_| bank.stage(Stage::Read).record(at(0), at(0), at(10)));
    assert!((tax.share(&bank).unwrap().looks_per_event - 8.0).abs() < 1e-9);
}
