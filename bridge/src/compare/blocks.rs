//! From the histograms of a session to the blocks that are compared, and what is set apart as warm-up.

use paperwire_core::latency::Bank;

use super::stats::{self, ARMS, Block, Sparse};

/// Calls that each strategy is given to find its memory and branches: whole blocks are set apart until all
/// three have had as many, at least the first block.
pub const WARM_UP_CALLS: u64 = 1000;

/// Blocks of a session, in order of time.
#[derive(Debug, Default)]
pub struct Blocks {
    /// Work alone.
    pub service: Vec<Block>,
    /// Waiting included.
    pub response: Vec<Block>,
    /// How long the session was, silence and warm-up included.
    pub seconds: u64,
    /// Calls in that time of the strategy that had fewest.
    pub calls: u64,
}

/// What was set apart.
#[derive(Debug, Default)]
pub struct WarmUp {
    /// Number of blocks.
    pub blocks: usize,
    /// Work of all of them.
    pub service: Block,
}

impl Blocks {
    /// Adds the next block, of so many seconds; one without any call is left out.
    pub fn take(&mut self, bank: &Bank, seconds: u64) {
        let pairs = bank.strategies();
        let Some(calls) = pairs.iter().map(|pair| pair.service.len()).min() else {
            return; // the bank of another thread
        };
        self.seconds += seconds;
        self.calls += calls;
        if pairs.iter().all(|pair| pair.service.is_empty()) {
            return;
        }
        self.service.push(std::array::from_fn(|arm| Sparse::of(&pairs[arm].service)));
        self.response.push(std::array::from_fn(|arm| Sparse::of(&pairs[arm].response)));
    }

    /// The same with `length` blocks made one.
    pub fn grouped(self, length: u64) -> Self {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let group = |blocks: Vec<Block>| blocks.chunks(length.max(1)).map(stats::sum).collect();
        let (service, response) = (group(self.service), group(self.response));
        Self { service, response, ..self }
    }

    /// Takes the warm-up off the start.
    pub fn split_warm_up(&mut self) -> WarmUp {
        let mut warm_up = WarmUp::default();
        let mut calls = [0u64; ARMS];
        for block in &self.service {
            if warm_up.blocks > 0 && calls.iter().all(|calls| *calls >= WARM_UP_CALLS) {
                break;
            }
            warm_up.blocks += 1;
            for arm in 0..ARMS {
                calls[arm] += block[arm].count();
                warm_up.service[arm].merge(&block[arm]);
            }
        }
        self.service.drain(..warm_up.blocks);
        self.response.drain(..warm_up.blocks);
        warm_up
    }

    /// Calls of each strategy.
    pub fn ticks(&self) -> [u64; ARMS] {
        std::array::from_fn(|arm| self.service.iter().map(|block| block[arm].count()).sum())
    }
}
