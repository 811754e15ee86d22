//! From the histograms of a session to its blocks, and what is cut off its start.

use paperwire_core::latency::{Bank, Pair};
use serde::{Deserialize, Serialize};

use crate::packed::{Packed, Sum};
use crate::verdict::CELLS;

/// Calls that each strategy is given to find its memory and branches: whole blocks are cut off until both have
/// had as many, at least the first block.
const WARM_UP_CALLS: u64 = 1000;
/// Longer sessions join neighbours until as many are left: it bounds what is kept of them.
const BLOCKS_MAX: usize = 240;
const _: () = assert!(CELLS == 8, "two measures, four percentiles");

/// Both strategies in one block of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Work alone.
    pub service: [Packed; 2],
    /// Waiting included.
    pub response: [Packed; 2],
}

impl Block {
    /// Calls of each strategy.
    pub fn calls(&self) -> [u64; 2] {
        self.service.each_ref().map(Packed::count)
    }

    fn merge(&mut self, other: &Self) {
        for arm in 0..2 {
            self.service[arm].merge(&other.service[arm]);
            self.response[arm].merge(&other.response[arm]);
        }
    }
}

/// Blocks of a session, in order of time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocks {
    /// Indexes of the two strategies in the session.
    pub arms: [usize; 2],
    /// Blocks in which one of them was called.
    pub list: Vec<Block>,
    /// How long the session was, silence and warm-up included.
    pub seconds: u64,
    /// Calls in that time of the strategy that had fewer.
    pub calls: u64,
    /// Calls of each that were cut off the start.
    pub warm_up: [u64; 2],
}

impl Blocks {
    /// Nothing yet of the two strategies at these indexes.
    pub fn of(arms: [usize; 2]) -> Self {
        Self { arms, ..Self::default() }
    }

    /// Adds the next block, of so many seconds; one without any call is left out.
    pub fn take(&mut self, bank: &Bank, seconds: u64) {
        let pairs = bank.strategies();
        let pair = |arm: usize| pairs.get(self.arms[arm]);
        let (Some(a), Some(b)) = (pair(0), pair(1)) else {
            return; // the bank of another thread
        };
        self.seconds += seconds;
        let both = |of: fn(&Pair) -> Packed| [of(a), of(b)];
        let block = Block {
            service: both(|pair| Packed::of(&pair.service)),
            response: both(|pair| Packed::of(&pair.response)),
        };
        let calls = block.calls();
        self.calls += calls.into_iter().min().unwrap_or(0);
        if calls != [0, 0] {
            self.list.push(block);
        }
    }

    /// Cuts the warm-up off the start, and joins neighbours where there are very many.
    pub fn settle(&mut self) {
        let mut cut = 0;
        for block in &self.list {
            if cut > 0 && self.warm_up.iter().all(|calls| *calls >= WARM_UP_CALLS) {
                break;
            }
            cut += 1;
            let calls = block.calls();
            self.warm_up.iter_mut().zip(calls).for_each(|(sum, calls)| *sum += calls);
        }
        self.list.drain(..cut);
        let group = self.list.len().div_ceil(BLOCKS_MAX);
        if group > 1 {
            let join = |blocks: &[Block]| {
                let mut sum = blocks[0].clone();
                blocks[1..].iter().for_each(|block| sum.merge(block));
                sum
            };
            self.list = self.list.chunks(group).map(join).collect();
        }
    }

    /// All of one measure: A and B.
    pub fn sums(&self, of: impl Fn(&Block) -> &[Packed; 2]) -> [Sum; 2] {
        std::array::from_fn(|arm| {
            let mut sum = Sum::default();
            self.list.iter().for_each(|block| sum.add(&of(block)[arm]));
            sum
        })
    }
}

#[cfg(test)]
mod tests {
    use paperwire_core::event::Seq;
    use paperwire_core::time::HostNs;

    use super::*;

    fn second(calls: [u64; 3]) -> Bank {
        let mut bank = Bank::new(&[], 3);
        for (strategy, calls) in calls.into_iter().enumerate() {
            for i in 0..calls {
                let from = HostNs::new(1_000);
                bank.call(strategy, Seq(i), HostNs::new(0), from, HostNs::new(1_100 + i));
            }
        }
        bank
    }

    #[test]
    fn blocks_are_cut_until_both_had_a_thousand_calls_and_at_least_one() {
        let mut blocks = Blocks::of([2, 0]);
        for calls in [[600, 9, 5_000], [0, 3, 0], [600, 9, 100], [70, 9, 80], [50, 9, 60]] {
            blocks.take(&second(calls), 1);
        }
        blocks.take(&Bank::new(&[], 0), 1);
        assert_eq!((blocks.seconds, blocks.calls), (5, 600 + 100 + 70 + 50));
        blocks.settle();
        assert_eq!(
            blocks.warm_up,
            [5_100, 1_200],
            "the strategies at 2 and 0, the first two blocks"
        );
        assert_eq!(blocks.sums(|of| &of.service).map(|of| of.count()), [140, 120]);
        assert_eq!(blocks.sums(|of| &of.response).map(|of| of.count()), [140, 120]);
    }

    #[test]
    fn very_many_blocks_are_joined_and_nothing_is_lost() {
        let mut blocks = Blocks::of([0, 1]);
        for _ in 0..2 * BLOCKS_MAX + 7 {
            blocks.take(&second([500, 500, 0]), 1);
        }
        blocks.settle();
        assert!(blocks.list.len() <= BLOCKS_MAX, "{}", blocks.list.len());
        let wanted = 500 * (2 * BLOCKS_MAX as u64 + 7 - 2);
        assert_eq!(blocks.sums(|of| &of.service).map(|of| of.count()), [wanted; 2]);
    }
}
