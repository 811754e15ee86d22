use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn what_goes_in_comes_out_or_is_counted_as_a_gap(
        steps in prop::collection::vec((0usize..120, any::<bool>()), 1..300),
    ) {
        let (mut producer, mut consumer) = raw_ring_of(256);
        let (mut payload, mut seen, mut lost) = (Vec::new(), 0u64, 0u64);
        let mut sent = 0u64;
        let mut take = |consumer: &mut RawConsumer| -> bool {
            let Some(record) = consumer.next(&mut payload) else { return false };
            if record.kind == RawKind::Gap {
                lost += u64::from_le_bytes(payload.as_slice().try_into().unwrap());
            } else {
                assert_eq!(record.rx.raw(), seen + lost, "order and count of what arrived");
                assert!(payload.iter().all(|&b| u64::from(b) == record.rx.raw() % 251));
                seen += 1;
            }
            true
        };
        for (len, drain) in steps {
            let byte = u8::try_from(sent % 251).unwrap();
            producer.push(RawKind::Frame, HostNs::new(sent), &vec![byte; len]);
            sent += 1;
            if drain {
                take(&mut consumer);
            }
        }
        while take(&mut consumer) {}
        // A last record carries what was lost before it.
        producer.push(RawKind::Frame, HostNs::new(sent), &[]);
        while take(&mut consumer) {}
        prop_assert_eq!(seen + lost, sent + 1);
        prop_assert_eq!(lost, producer.lost_total());
    }
}
