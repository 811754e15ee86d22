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
