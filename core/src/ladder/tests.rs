use std::collections::BTreeMap;

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Pair(i64, u32);

impl Row for Pair {
    const EMPTY: Self = Self(0, 0);
    fn px(&self) -> Px {
        Px::new(self.0)
    }
}

/// A ladder against a sorted map that is cut after every message.
fn check(side: BookSide, depth: usize, messages: &[Vec<(i64, u32)>]) {
    let mut ladder = Ladder::<Pair>::new(side, depth);
    let mut naive = BTreeMap::new();
    for message in messages {
        for &(px, tag) in message {
            // Keys sort best first on either side.
            let key = if side == BookSide::Ask { px } else { -px };
            if tag == 0 {
                let had = naive.remove(&key).is_some();
                assert_eq!(ladder.remove(Px::new(px)).is_some(), had);
            } else {
                naive.insert(key, tag);
                let index = ladder.set(Pair(px, tag));
                assert_eq!(ladder.rows()[index], Pair(px, tag));
            }
        }
        ladder.truncate();
        while naive.len() > depth {
            naive.pop_last();
        }
        let expected: Vec<Pair> = naive.iter().map(|(&key, &tag)| Pair(key.abs(), tag)).collect();
        assert_eq!(ladder.rows(), expected.as_slice());
    }
}

proptest! {
    #[test]
    fn a_side_equals_a_sorted_map(
        messages in prop::collection::vec(prop::collection::vec((1i64..60, 0u32..4), 0..12), 0..200),
        depth in 1usize..30,
        bid in any::<bool>(),
    ) {
        check(if bid { BookSide::Bid } else { BookSide::Ask }, depth, &messages);
    }
}

#[test]
fn one_sided_drift_never_runs_out_of_room() {
    for step in [1i64, -1] {
        let messages: Vec<_> = (0..20_000i64)
            .map(|i| {
                let px = 100_000 + step * i;
                vec![(px, 1), (px - step * 20, 0)]
            })
            .collect();
        check(BookSide::Bid, 25, &messages);
        check(BookSide::Ask, 25, &messages);
    }
}

#[test]
fn a_message_larger_than_the_slack_keeps_the_best_rows() {
    let mut ladder = Ladder::<Pair>::new(BookSide::Ask, 10);
    for px in (1..5000i64).rev() {
        ladder.set(Pair(px, 1));
    }
    ladder.truncate();
    let kept: Vec<i64> = ladder.rows().iter().map(|row| row.0).collect();
    assert_eq!(kept, (1..=10).collect::<Vec<_>>());
}
