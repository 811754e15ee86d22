use super::*;

#[test]
fn fnv_agrees_with_its_reference() {
    for (text, want) in
        [("", FNV_OFFSET), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8)]
    {
        assert_eq!(fnv1a(FNV_OFFSET, text.as_bytes()), want, "{text:?}");
    }
}

/// Computed apart from this code. A changed number here changes every recorded result with latency.
#[test]
fn a_stream_is_the_same_for_ever() {
    let mut rng = stream(42, "order_flow");
    assert_eq!(rng.next_u64(), 14_584_891_911_672_872_343);
    assert_eq!(rng.next_u64(), 1_913_385_405_891_586_241);
    assert_eq!(stream(0, "").next_u64(), 2_098_187_092_527_148_419);
}

#[test]
fn every_seed_and_name_has_its_own_stream() {
    let first = |seed, name| stream(seed, name).next_u64();
    let streams = [
        first(42, "order_flow"),
        first(42, "order_flow_2"),
        first(42, ""),
        first(43, "order_flow"),
        first(0, "order_flow"),
        first(0, ""),
    ];
    for (i, one) in streams.iter().enumerate() {
        assert!(streams[i + 1..].iter().all(|other| other != one), "stream {i}");
    }
}
