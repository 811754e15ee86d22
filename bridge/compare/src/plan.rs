//! What each process of a comparison is to be like, drawn before the first one starts. Pure: a seed in, a list out.
//!
//! The unit of a comparison is a process, because layout (stack, heap, page offsets) is drawn once per process.
//! Here it is drawn on purpose: bytes of environment that move the stack, blocks of memory that move the heap, a
//! core, the order of calls, and which of the two strategies has the lower slot.

use paperwire_core::random::Rng;
use serde::{Deserialize, Serialize};

/// Fresh processes of each control.
pub const CONTROL_PROCESSES: usize = 10;
/// Environment is added in steps of this many bytes, the alignment of a stack, up to a page.
const PADDING_STEP: usize = 16;
const PADDING_STEPS: usize = 4096 / PADDING_STEP + 1;
/// Blocks of memory that are taken and never given back.
const HEAP_BLOCKS_MAX: usize = 16;
const HEAP_BLOCK_BYTES_MAX: usize = 8192;

/// Who is measured beside whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A beside B.
    Pair,
    /// A beside itself.
    TwinA,
    /// B beside itself.
    TwinB,
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Index of the tape.
    pub tape: usize,
    /// Who is measured beside whom.
    pub kind: Kind,
    /// The second of the two has the lower slot.
    pub is_swapped: bool,
    /// Seed of the order of calls.
    pub order_seed: u64,
    /// Bytes of environment.
    pub padding: usize,
    /// Bytes of each block of memory that is not given back.
    pub heap: Vec<usize>,
    /// Index into the usable cores.
    pub core: usize,
}

/// How many processes of what.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Tapes, or 1 for sessions that are run.
    pub tapes: usize,
    /// Processes of the pair, on each tape.
    pub processes: usize,
    /// Whether each strategy is measured beside itself, too.
    pub has_control: bool,
    /// Usable cores.
    pub cores: usize,
}

/// Draws all processes, in the order in which they are to run.
pub fn draw(seed: u64, size: &Size) -> Vec<Plan> {
    let mut rng = Rng::new(seed);
    let mut all = Vec::new();
    for tape in 0..size.tapes {
        let controls = if size.has_control { CONTROL_PROCESSES } else { 0 };
        for (kind, count) in
            [(Kind::Pair, size.processes), (Kind::TwinA, controls), (Kind::TwinB, controls)]
        {
            // Each has the lower slot in half of them.
            let mut swaps: Vec<bool> = (0..count).map(|r| r % 2 == 1).collect();
            shuffle(&mut rng, &mut swaps);
            for (r, is_swapped) in swaps.into_iter().enumerate() {
                let blocks = rng.below(HEAP_BLOCKS_MAX + 1);
                all.push(Plan {
                    tape,
                    kind,
                    is_swapped,
                    order_seed: rng.next_u64(),
                    padding: PADDING_STEP * rng.below(PADDING_STEPS),
                    heap: (0..blocks).map(|_| 1 + rng.below(HEAP_BLOCK_BYTES_MAX)).collect(),
                    core: r % size.cores.max(1),
                });
            }
        }
    }
    shuffle(&mut rng, &mut all);
    all
}

fn shuffle<T>(rng: &mut Rng, all: &mut [T]) {
    for last in (1..all.len()).rev() {
        all.swap(last, rng.below(last + 1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_mixed_in_time_and_slots_and_cores_are_balanced() {
        let size = Size { tapes: 2, processes: 30, has_control: true, cores: 2 };
        let plans = draw(7, &size);
        assert_eq!(plans, draw(7, &size));
        assert_ne!(plans, draw(8, &size));
        for (kind, count) in [(Kind::Pair, 30), (Kind::TwinA, 10), (Kind::TwinB, 10)] {
            for tape in 0..2 {
                let of: Vec<&Plan> =
                    plans.iter().filter(|plan| plan.kind == kind && plan.tape == tape).collect();
                assert_eq!(of.len(), count);
                assert_eq!(of.iter().filter(|plan| plan.is_swapped).count(), count / 2);
                assert_eq!(of.iter().filter(|plan| plan.core == 1).count(), count / 2);
            }
        }
        let early = plans[..50].iter().filter(|plan| plan.kind == Kind::Pair).count();
        assert!((20..=40).contains(&early), "{early} of the 60 pairs in the first half");
        assert!(plans.iter().all(|plan| plan.padding <= 4096 && plan.padding.is_multiple_of(16)));
        let mut seeds: Vec<u64> = plans.iter().map(|plan| plan.order_seed).collect();
        seeds.sort_unstable();
        seeds.dedup();
        assert_eq!(seeds.len(), plans.len());
        let alone = draw(7, &Size { has_control: false, ..size });
        assert_eq!(alone.len(), 60);
    }
}
